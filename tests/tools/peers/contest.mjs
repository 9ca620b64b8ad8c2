// Turns of contenders, round by round, so that whatever else the machine does falls on all alike; and the
// peers' libraries.

export const say = (...words) => console.log(`· ${words.join(' ')}`);
const middle = (samples) => {
  const sorted = [...samples].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};
export const random = (length, scale) => Float32Array.from({ length }, () => (Math.random() * 2 - 1) * scale);
export const sizes = (text) => text.split('x').map(Number);

// Rounds of all contenders: `{name: async () => ms}`. The first round warms up; one that fails is
// left out with its error, one that takes longer than `patience` ms is measured once.
export async function rounds(title, contenders, options, figure) {
  const patience = Number(options.patience ?? 20_000);
  const samples = {}, errors = {}, slow = {};
  for (let round = 0; round <= Number(options.rounds ?? 7); round++) {
    for (const [name, run] of Object.entries(contenders)) {
      if (errors[name] || slow[name]) continue;
      try {
        const time = await run();
        slow[name] = time > patience;
        if (round > 0 || slow[name]) (samples[name] ??= []).push(time);
      } catch (error) {
        errors[name] = String(error.message ?? error);
      }
    }
  }
  const ours = middle(samples.unmask ?? [NaN]);
  say(`\n${title}`);
  for (const [name, times] of Object.entries(samples)) {
    const time = middle(times);
    const ratio = name === 'unmask' ? '' : `  ${(time / ours).toFixed(2)} x unmask`;
    say(`  ${name.padEnd(16)} ${time.toFixed(3).padStart(10)} ms  ${figure ? figure(time) : ''}${ratio}`);
  }
  for (const [name, error] of Object.entries(errors)) say(`  ${name.padEnd(16)} failed: ${error.slice(0, 300)}`);
  return { samples, errors };
}

export async function tensorflow() {
  for (const file of ['@tensorflow/tfjs/dist/tf.min.js', '@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js']) {
    await new Promise((loaded, failed) => {
      const script = Object.assign(document.createElement('script'), { src: `/nm/${file}`, onload: loaded, onerror: failed });
      document.head.append(script);
    });
  }
  await globalThis.tf.setBackend('webgpu');
  await globalThis.tf.ready();
  return globalThis.tf;
}

export async function jaxjs() {
  const jax = await import('/nm/@jax-js/jax/dist/index.js');
  await jax.init('webgpu');
  jax.defaultDevice('webgpu');
  return jax;
}

export async function onnxruntime({ ort }, gpu) {
  const runtime = await import(`${ort}/${gpu ? 'ort.webgpu.min.mjs?gpu' : 'ort.wasm.min.mjs?cpu'}`);
  runtime.env.wasm.wasmPaths = `${ort}/`;
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = 'error';
  return runtime;
}
