// Starts the engine's program in its worker.

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
    "It stopped without a word, which mostly means that memory ran out.",
    "Start it again; a smaller model or a shorter text needs less memory.",
    reason,
  );
});

try {
  const { default: init } = await import("./engine.js");
  await init();
} catch (error) {
  report(
    "The engine could not start",
    "Its program could not be loaded: the connection broke, or this browser cannot run it.",
    "Start it again; if that fails, reload the page in a current Chrome, Edge, Firefox or Safari.",
    error,
  );
}
