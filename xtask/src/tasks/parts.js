// The parts of the program that come later: the files of each, the last of which is its own. What stands before it, it
// shares with other parts.
const PARTS = {};
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
    const answer = await fetch(new URL(file, import.meta.url));
    if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
    return answer.arrayBuffer();
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
