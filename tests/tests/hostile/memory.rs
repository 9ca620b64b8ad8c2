//! How much a parser may hold: some times what it was given, and what its tables need.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a parser may hold whatever it is given: compiled patterns and the like.
pub const TABLES: usize = 8 << 20;
/// The same of a tokenizer: tables as long as the highest id that it may have, which one entry can name.
pub const VOCABULARY: usize = 96 << 20;
/// And for each byte of its input.
const TIMES: usize = 200;

thread_local! {
    // Tests are threads: each counts its own.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    // Gone at the very end of a thread.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Does `work` on an input of `length` bytes.
///
/// # Panics
/// When it held much more than `tables` at once.
pub fn bounded(tables: usize, length: usize, work: impl FnOnce()) {
    let before = LIVE.get();
    PEAK.set(before);
    work();
    let held = (PEAK.get() - before).max(0) as usize;
    let most = tables + TIMES * length;
    assert!(held <= most, "{held} bytes held for an input of {length}");
}

#[test]
#[should_panic(expected = "bytes held for an input of 1")]
fn too_much_is_noticed() {
    bounded(TABLES, 1, || drop(vec![0u8; TABLES + 2 * TIMES]));
}
