// Runs before the first paint, so that a remembered theme does not flash. The page's theme button
// writes the same key.
try {
  document.documentElement.dataset.theme = localStorage.getItem("unmask.theme") ?? "system";
} catch {
  // No storage in this window: the system's theme it is.
}

// The browser's own bars take the colours of the chosen theme, or the system's.
function colourBars() {
  const { theme } = document.documentElement.dataset;
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
    const { scheme } = meta.dataset;
    const chosen = { [scheme]: "all", system: `(prefers-color-scheme: ${scheme})` };
    meta.media = chosen[theme] ?? "not all";
  }
}
new MutationObserver(colourBars).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
colourBars();
