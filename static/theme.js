// Runs before the first paint, so that a remembered theme does not flash. The page's theme button
// writes the same key.
try {
  document.documentElement.dataset.theme = localStorage.getItem("unmask.theme") ?? "system";
} catch {
  // No storage in this window: the system's theme it is.
}
