//! What the kernel tests share: sizes, devices, and the check against the oracle.

mod check;
pub mod devices;

pub use check::assert_all;

use kernels::Storage;

/// Awkward sizes.
pub const SIZES: [usize; 6] = [1, 3, 17, 255, 256, 257];

/// F32 and F16 by turns.
pub fn storage(i: usize) -> Storage {
    match i % 2 {
        0 => Storage::F32,
        _ => Storage::F16,
    }
}
