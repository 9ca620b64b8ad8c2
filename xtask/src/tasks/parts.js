// The parts of the program that come later: the files of each, the last of which is its own. What stands before it, it
// shares with other parts; the small ones of those (#NAME) are sections of one file.
const PARTS = {};
const SHARED = "";
const begun = new Map();

function once(name, begin) {
    if (!begun.has(name)) {
        const promise = begin();
        // What failed may be tried again.
        promise.catch(() => begun.delete(name));
        begun.set(name, promise);
    }
    return begun.get(name);
}

const fetchPart = (file) => once(`bytes of ${file}`, async () => {
    if (file.startsWith("#")) {
        const shared = await once("sections", async () => WebAssembly.compile(await fetchPart(SHARED)));
        return WebAssembly.Module.customSections(shared, file.slice(1))[0];
    }
    const address = new URL(file, import.meta.url);
    try {
        const answer = await fetch(address);
        if (answer.ok) return await answer.arrayBuffer();
        throw new Error(`${file}: ${answer.status}`);
    } catch (error) {
        // The service worker keeps all parts, but does not yet answer at a first visit, nor for what a host has replaced.
        const kept = await globalThis.caches?.match(address, { ignoreVary: true });
        if (!kept) throw error;
        return kept.arrayBuffer();
    }
});

const startPart = (file) => once(file, async () =>
    WebAssembly.instantiate(await fetchPart(file), { __wasm_split: initSync() }),
);

// What the program imports to load a part: it hands over a function of its own, which hears whether the part is here.
const loaderOf = (part) => async (callback, data) => {
    let isHere = true;
    try {
        PARTS[part].forEach(fetchPart);
        for (const file of PARTS[part]) await startPart(file);
    } catch (error) {
        console.error(error);
        isHere = false;
    }
    initSync().__indirect_function_table.get(callback)(data, isHere);
};
