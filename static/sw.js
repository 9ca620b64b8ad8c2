// Keeps the page for visits without a network. The build writes in which files there are, with the
// SHA-256 of each; a page built for development has an empty list and keeps nothing.
const VERSION = "";
const FILES = {};

const SCOPE = new URL("./", location).href;
// One cache for each version of the page, and one for models and examples of all versions.
const CACHES = `unmask ${SCOPE} `;
const SHELL = `${CACHES}page ${VERSION}`;
const DATA = `${CACHES}data`;

const isHashed = (name) => /^[^?]+-[0-9a-f]{8}\.(js|wasm|css|svg)$/.test(name) && !isData(name);
const isData = (name) => /^(models|examples)\//.test(name);
const address = (name) => new URL(name === "index.html" ? "./" : name, SCOPE).href;
// What is kept under another hash is another file.
const key = (name) => (isData(name) ? `${address(name)}?sha256=${FILES[name]}` : address(name));

// Fetches a file and lets the browser check that it is the one that this version means.
async function fetchChecked(name) {
  const bytes = FILES[name].match(/../g).map((digits) => parseInt(digits, 16));
  const integrity = `sha256-${btoa(String.fromCharCode(...bytes))}`;
  // A copy that the browser still takes for fresh may be an older version's, unless its name has a hash.
  const cache = isHashed(name) ? "default" : "no-cache";
  const response = await fetch(address(name), { integrity, cache });
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

async function keepPage() {
  const cache = await caches.open(SHELL);
  const keep = async (name) => cache.put(key(name), await fetchChecked(name));
  await Promise.all(Object.keys(FILES).filter((name) => !isData(name)).map(keep));
}

// A file is stored once all of it has come and is what it should be; otherwise not at all.
async function keepData(name) {
  const cache = await caches.open(DATA);
  if (await cache.match(key(name))) return;
  await cache.put(key(name), await fetchChecked(name));
}

async function keepFolder(folder) {
  for (const name of Object.keys(FILES)) {
    if (isData(name) && name.startsWith(`${folder}/`)) await keepData(name);
  }
}

// Forgets other versions of the page, unless more than `allowed` windows are open: some may still
// show one of them and ask for its engine.
async function tidy(allowed) {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  if (windows.filter(({ url }) => url.startsWith(SCOPE)).length > allowed) return;
  const waits = registration.installing ?? registration.waiting;
  for (const name of await caches.keys()) {
    const isOld = name.startsWith(CACHES) && name !== SHELL && name !== DATA;
    if (isOld && !waits) await caches.delete(name);
  }
  const known = new Set(Object.keys(FILES).map(key));
  const data = await caches.open(DATA);
  for (const { url } of await data.keys()) if (!known.has(url)) await data.delete(url);
}

// A page for development, where an earlier one was kept: lets go of everything.
async function leave() {
  for (const name of await caches.keys()) if (name.startsWith(CACHES)) await caches.delete(name);
  await registration.unregister();
}

addEventListener("install", (event) => {
  if (VERSION) event.waitUntil(keepPage());
  else skipWaiting();
});

addEventListener("activate", (event) => event.waitUntil(VERSION ? tidy(0) : leave()));

addEventListener("message", (event) => {
  const { data } = event;
  if (data === "update") skipWaiting();
  else if (data === "tidy") event.waitUntil(tidy(1));
  else if (typeof data?.keep === "string") event.waitUntil(keepFolder(data.keep));
});

async function find(cacheName, name) {
  return (await caches.open(cacheName)).match(key(name), { ignoreVary: true });
}

// The file's name below the scope; undefined for what is none of ours.
function nameOf({ method, mode, url, headers }) {
  const { origin, pathname } = new URL(url);
  const path = origin + pathname;
  if (method !== "GET" || headers.has("range") || !path.startsWith(SCOPE)) return undefined;
  const name = decodeURI(path.slice(SCOPE.length)) || "index.html";
  return mode === "navigate" && name !== "index.html" ? undefined : name;
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const name = nameOf(request);
  if (name === undefined) return;
  if (Object.hasOwn(FILES, name)) {
    const cache = isData(name) ? DATA : SHELL;
    event.respondWith(find(cache, name).then((kept) => kept ?? fetch(request)));
    // The page says when a model is worth keeping; an example is small.
    if (name.startsWith("examples/")) event.waitUntil(keepData(name).catch(() => {}));
  } else if (isHashed(name)) {
    // Another version's, for a window that still shows that one.
    const kept = caches.match(address(name), { ignoreVary: true });
    event.respondWith(kept.then((kept) => kept ?? fetch(request)));
  }
});
