// Starts the engine, and the download of the default model unless a link names another one; the page's
// program takes over from there (`page/supervisor.rs`).
try {
  const address = document.querySelector("meta[name=unmask-worker]").content;
  const worker = new Worker(address, { type: "module", name: "unmask-engine" });
  // The page starts another one and hears why that fails.
  worker.onerror = () => delete globalThis.unmaskWorker;
  globalThis.unmaskWorker = worker;
  const { default: model } = JSON.parse(document.getElementById("site").textContent);
  if (!/[#&]model=/.test(location.hash)) {
    const names = ["model.planes", "model.safetensors", "config.json", "tokenizer.json"];
    const files = names.filter((name) => Object.hasOwn(model.files ?? {}, name));
    worker.postMessage({ fetch: files.map((name) => `${model.folder}/${name}`) });
  }
} catch {
  // The page does all of it itself, and says what goes wrong.
}

// Starts the page's program; if that fails, says so where the page would have been.
try {
  const { default: init } = await import("./app.js");
  await init();
} catch (error) {
  const word = document.getElementById("still-word");
  if (word) {
    word.setAttribute("role", "alert");
    word.textContent =
      typeof WebAssembly === "object"
        ? `The page's program could not be loaded. Reload the page; if that does not help, check the connection. (${error})`
        : "This browser has no WebAssembly. Open the page in a current Chrome, Edge, Firefox or Safari.";
  }
  throw error;
}
