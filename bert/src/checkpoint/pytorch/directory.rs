//! The end of a zip archive: its directory, which must say what was read.

use super::PytorchError;
use super::record::{Numbers, Record};

/// How the directory begins.
pub const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
/// PyTorch writes the long form of the end too, also where it is not needed.
const LONG_END: &[u8] = b"PK\x06\x06";
const LONG_END_BYTES: usize = 56;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;

/// Compares a directory, which begins at byte `begin` of the file, with the records that stand before it: readers
/// that go by the one must see what those see that go by the other.
///
/// # Errors
/// The first difference.
pub fn check(bytes: &[u8], begin: u64, records: &[Record]) -> Result<(), PytorchError> {
    let mut left = Left(bytes);
    for record in records {
        entry(&mut left, record)?;
    }
    let length = (bytes.len() - left.0.len()) as u64;
    let (count, end) = (records.len() as u64, begin + length);
    if left.0.starts_with(LONG_END) {
        let numbers = left.take(LONG_END_BYTES)?;
        let told = [4, 24, 32, 40, 48].map(|at| numbers.u64(at));
        let disks = numbers.u64(16);
        if (told, disks) != ([LONG_END_BYTES as u64 - 12, count, count, length, begin], 0) {
            return Err(differs("its long end"));
        }
        if !left.0.starts_with(LOCATOR) {
            return Err(differs("its long end"));
        }
        let numbers = left.take(LOCATOR_BYTES)?;
        if (numbers.u32(4), numbers.u64(8), numbers.u32(16)) != (0, end, 1) {
            return Err(differs("where its long end begins"));
        }
    }
    if !left.0.starts_with(END) {
        return Err(differs("it lists more records, or other ones"));
    }
    let numbers = left.take(END_BYTES)?;
    let told = [8, 10].map(|at| u64::from(numbers.u16(at)));
    let place = [12, 16].map(|at| u64::from(numbers.u32(at)));
    if numbers.u32(4) != 0 || told != [count; 2] || place != [length, begin] {
        return Err(differs("its end"));
    }
    let comment = usize::from(numbers.u16(20));
    if left.0.len() != comment {
        let end = begin + (bytes.len() - left.0.len() + comment) as u64;
        return Err(PytorchError::Trailing { end });
    }
    Ok(())
}

fn entry(left: &mut Left, record: &Record) -> Result<(), PytorchError> {
    if !left.0.starts_with(ENTRY) {
        return Err(differs("it lists fewer records"));
    }
    let numbers = left.take(ENTRY_BYTES)?;
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(numbers.u16(at)));
    let told = (
        numbers.u16(8),
        numbers.u16(10),
        numbers.sizes(16),
        u64::from(numbers.u32(42)),
    );
    let seen = (record.flags, record.method, record.sizes, record.at);
    let name = left.take(name)?.0;
    left.take(extra + comment)?;
    if told != seen || name != record.name.as_bytes() {
        return Err(differs("a record's name, place, flags or length"));
    }
    Ok(())
}

struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn take(&mut self, count: usize) -> Result<Numbers<'a>, PytorchError> {
        let (taken, rest) = (self.0)
            .split_at_checked(count)
            .ok_or(differs("its end is missing"))?;
        self.0 = rest;
        Ok(Numbers(taken))
    }
}

fn differs(what: &'static str) -> PytorchError {
    PytorchError::Directory(what)
}
