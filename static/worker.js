// Starts the engine's program in its worker.

import "./meter.js";

// The first messages are for this script: what to fetch early, and that the page listens. All later
// ones are for the program.
const begun = new Map();
globalThis.unmaskBegun = begun;
const started = new Promise((resolve) => {
  addEventListener("message", function first({ data }) {
    if (data === "start") {
      removeEventListener("message", first);
      resolve();
    } else if (Array.isArray(data?.fetch)) {
      for (const address of data.fetch) {
        // The programs come first where the line carries one after another.
        const answer = fetch(address, { priority: "low" });
        // Whoever takes it hears of a failure.
        answer.catch(() => {});
        begun.set(address, answer);
      }
    }
  });
});

// wgpu cannot ask a browser's adapter for subgroups, although browsers have them: ask for it here,
// whenever the adapter offers them. A device without them works too.
const adapter = globalThis.GPUAdapter?.prototype;
if (adapter) {
  const requestDevice = adapter.requestDevice;
  adapter.requestDevice = function (descriptor = {}) {
    const features = new Set(descriptor.requiredFeatures ?? []);
    if (this.features.has("subgroups")) features.add("subgroups");
    return requestDevice.call(this, { ...descriptor, requiredFeatures: [...features] });
  };
}

const report = (title, cause, advice, error) =>
  postMessage(
    JSON.stringify({
      fatal: { failure: { title, cause, advice, details: String(error?.stack ?? error) } },
    }),
  );

// The engine catches its own errors; a trap stopped its program in mid-sentence. Had it been a panic,
// the page would know already and keep that report.
addEventListener("unhandledrejection", ({ reason }) => {
  if (!(reason instanceof WebAssembly.RuntimeError)) return;
  report(
    "The engine stopped",
    "It crashed without an error message, usually because memory ran out.",
    "Start it again; a smaller model or a shorter text needs less memory.",
    reason,
  );
});

// Not awaited here: messages may only come once this script has ended.
async function start() {
  try {
    const answer = fetch(new URL("engine_bg.wasm", import.meta.url));
    // Where a host sends another type, the program is fetched again and compiled by other means.
    const program = WebAssembly.compileStreaming(answer).catch(() => undefined);
    const { default: init } = await import("./engine.js");
    const compiled = await program;
    await started;
    await init({ module_or_path: compiled });
  } catch (error) {
    await started;
    report(
      "The engine could not start",
      "Its program could not be loaded: the connection broke, or this browser cannot run it.",
      "Start it again; if that fails, reload the page in a current Chrome, Edge, Firefox or Safari.",
      error,
    );
  }
}
start();
