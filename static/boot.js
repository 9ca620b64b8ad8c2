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
