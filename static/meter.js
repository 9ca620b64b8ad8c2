// Counts what leaves this device: every request that a script makes here, by its host, and the bytes
// of content that it carries. Runs before any other script, in the page and in the engine's worker.
// The page shows the sum. The page's policy (see index.html) refuses the other ways out, such as
// forms, frames and web sockets.
{
  const inWorker = typeof document === "undefined";
  // What the page's program has not taken over yet.
  const early = [];
  globalThis.unmaskRequests = early;
  let isHeard = false;
  const tell = (request) => postMessage(JSON.stringify({ requested: { request } }));
  if (inWorker) {
    addEventListener("message", function first({ data }) {
      if (data !== "start") return;
      // From here on the page listens.
      removeEventListener("message", first);
      isHeard = true;
      early.splice(0).forEach(tell);
    });
  }

  const bytesOf = (content) => {
    if (content === null || content === undefined) return 0;
    if (typeof content === "string") return new TextEncoder().encode(content).length;
    if (content instanceof URLSearchParams) return bytesOf(String(content));
    // Of a form or a stream the length is not known before it is sent: at least it is not nothing.
    return content.size ?? content.byteLength ?? 1;
  };

  const count = (address, content) => {
    const base = inWorker ? self.location : document.baseURI;
    const { host } = new URL(address instanceof Request ? address.url : address, base);
    const carried = content ?? (address instanceof Request ? address.body : null);
    const request = { host: host === location.host ? "" : host, bytes: bytesOf(carried) };
    if (inWorker) {
      if (isHeard) tell(request);
      else early.push(request);
      return;
    }
    const detail = JSON.stringify(request);
    const isTaken = !dispatchEvent(new CustomEvent("unmask-request", { detail, cancelable: true }));
    if (!isTaken) early.push(detail);
  };

  // A request is never held up by being counted.
  const tryToCount = (...request) => {
    try {
      count(...request);
    } catch {
      // An address that is none: nothing is sent.
    }
  };

  const { fetch } = globalThis;
  globalThis.fetch = function (address, options) {
    tryToCount(address, options?.body);
    return fetch.call(this ?? globalThis, address, options);
  };

  if (!inWorker) {
    const { sendBeacon } = Navigator.prototype;
    Navigator.prototype.sendBeacon = function (address, content) {
      tryToCount(address, content);
      return sendBeacon.call(this, address, content);
    };
  }

  const { open, send } = XMLHttpRequest.prototype;
  const opened = new WeakMap();
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    opened.set(this, address);
    return open.call(this, method, address, ...rest);
  };
  XMLHttpRequest.prototype.send = function (content) {
    tryToCount(opened.get(this) ?? "", content);
    return send.call(this, content);
  };
}
