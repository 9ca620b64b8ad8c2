// This project's engine, driven through the messages of app/src/protocol.

export class Unmask {
  // `preference` is `gpu` or `cpu`.
  static async start(url, preference) {
    const engine = new Unmask();
    engine.id = 0;
    engine.worker = new Worker(url, { type: 'module' });
    engine.hear = [];
    engine.worker.onmessage = ({ data }) => {
      const event = JSON.parse(Array.isArray(data) ? data[0] : data);
      if (event.fatal) throw new Error(JSON.stringify(event.fatal));
      engine.hear = engine.hear.filter((wants) => !wants(event));
    };
    await engine.until((event) => event === 'alive' || 'alive' in event);
    const hub = { address: 'https://hub.invalid', hosts: [] };
    const tested = engine.until((event) => event.self_test);
    engine.send({ start: { preference, hub } });
    const { checks, trusted } = (await tested).self_test.test;
    const wrong = checks.filter((check) => !check.passed);
    if (!trusted) throw new Error(`self-test: ${JSON.stringify(wrong)}`);
    return engine;
  }

  send(command) {
    this.worker.postMessage([JSON.stringify(command)]);
  }

  until(wanted) {
    return new Promise((resolve) => {
      this.hear.push((event) => wanted(event) && (resolve(event), true));
    });
  }

  // Loads a checkpoint from a folder of this server.
  async load(folder) {
    const id = ++this.id;
    const ended = this.until((event) => event.loaded?.id === id || event.load_failed?.id === id);
    const source = { bundled: { name: folder, folder: new URL(folder, location).href, sha256: null } };
    this.send({ load: { id, source } });
    const event = await ended;
    if (event.load_failed) throw new Error(JSON.stringify(event.load_failed.failure));
  }

  // Milliseconds of one run of a case of protocol/bench.rs, and its dispatches.
  async measure(one) {
    const id = ++this.id;
    const ended = this.until((event) => event.bench?.id === id && event.bench.event.ended);
    this.send({ bench: { id, command: { start: { cases: [one] } } } });
    const { outcome } = (await ended).bench.event.ended;
    if (outcome.skipped) throw new Error(outcome.skipped.reason);
    return outcome.measured;
  }
}
