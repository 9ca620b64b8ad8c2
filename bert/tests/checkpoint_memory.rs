//! What the parser allocates: little, whatever the file claims or weighs. Alone in its process, since it counts
//! every allocation there.

#[path = "checkpoint/pytorch/make.rs"]
#[allow(dead_code)] // a part of it is needed here
mod make;

use bert::checkpoint::{
    Header, MAX_HEADER_BYTES, SafetensorsStream, Sink, TensorInfo, WeightsStream,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Counting;
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Most bytes alive at once during `work`, beyond those alive before.
fn peak(work: impl FnOnce()) -> usize {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    work();
    PEAK.load(Relaxed) - before
}

#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    type Error = std::convert::Infallible;
    fn header(&mut self, _: &[TensorInfo]) -> Result<(), Self::Error> {
        Ok(())
    }
    fn data(
        &mut self,
        _: &[TensorInfo],
        _: usize,
        _: u64,
        bytes: &[u8],
    ) -> Result<(), Self::Error> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
}

#[test]
fn memory_stays_small() {
    let claims_much = peak(|| {
        let mut stream = SafetensorsStream::new(None, Count::default());
        stream.push(&MAX_HEADER_BYTES.to_le_bytes()).unwrap();
        stream.push(b"{").unwrap();
        let json =
            br#"{"w":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}"#;
        assert!(Header::parse(json, None).is_ok());
        assert!(Header::parse(json, Some(1000)).is_err());
    });
    assert!(
        claims_much < 16 << 10,
        "{claims_much} bytes for headers that claim much"
    );

    // The worst JSON for its length: as many dimensions, entries or escapes as fit.
    let limit = MAX_HEADER_BYTES as usize;
    let dims = format!(
        r#"{{"w":{{"dtype":"F32","shape":[{}0],"data_offsets":[0,4]}}}}"#,
        "0,".repeat(limit / 2 - 40)
    );
    let entry = |i| format!(r#""{i}":{{"dtype":"F4","shape":[],"data_offsets":[0,0]}}"#);
    let entries = format!(
        "{{{}}}",
        (0..70_000).map(entry).collect::<Vec<_>>().join(",")
    );
    let brackets = "[".repeat(limit);
    for json in [&dims, &entries, &brackets] {
        assert!(json.len() <= limit);
        let used = peak(|| assert!(Header::parse(json.as_bytes(), None).is_err()));
        assert!(used < 40 << 20, "{used} bytes for {:?}...", &json[..40]);
    }

    let streamed = peak(|| {
        let len = 256u64 << 20;
        let json = format!(
            r#"{{"w":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{len}]}}}}"#,
            len / 4
        );
        let mut stream = SafetensorsStream::new(None, Count::default());
        stream.push(&(json.len() as u64).to_le_bytes()).unwrap();
        stream.push(json.as_bytes()).unwrap();
        let chunk = [7u8; 65_535];
        let mut left = len;
        while left > 0 {
            let n = left.min(chunk.len() as u64);
            stream.push(&chunk[..n as usize]).unwrap();
            left -= n;
        }
        assert_eq!(stream.finish().unwrap().0, len);
    });
    assert!(streamed < 16 << 10, "{streamed} bytes to stream 256 MiB");
    pytorch_files_take_little_too();
}

/// Bytes alive at once while a legacy file of one matrix `[rows, columns]` of floats streams.
fn stream_matrix(rows: i64, columns: i64, strides: [i64; 2]) -> usize {
    let storage = make::storage("FloatStorage", "0", rows * columns);
    let value = make::dict(&[("w", make::view(storage, 0, &[rows, columns], &strides))]);
    let start = make::legacy(&value, &[("0", rows * columns, &[])]);
    let bytes = (rows * columns * 4) as u64;
    peak(|| {
        let mut stream = WeightsStream::new(None, Count::default());
        stream.push(&start).unwrap();
        let chunk = [7u8; 65_535];
        let mut left = bytes;
        while left > 0 {
            let n = left.min(chunk.len() as u64);
            stream.push(&chunk[..n as usize]).unwrap();
            left -= n;
        }
        assert_eq!(stream.finish().unwrap().0, bytes);
    })
}

fn pytorch_files_take_little_too() {
    let streamed = stream_matrix(1 << 13, 1 << 13, [1 << 13, 1]);
    assert!(streamed < 128 << 10, "{streamed} bytes to stream 256 MiB");
    // A transposed matrix is held, and turned a piece at a time.
    let turned = stream_matrix(1 << 10, 1 << 12, [1, 1 << 10]);
    assert!(turned < 18 << 20, "{turned} bytes to turn 16 MiB");

    // Pickles that are as large for their length as may be.
    let list = [&b"]q\x00"[..], &b"h\x00a".repeat(500_000)].concat();
    for value in [b"]".repeat(1 << 20), b"}".repeat(1 << 20), list] {
        let file = make::legacy(&value, &[]);
        let used = peak(|| {
            let mut stream = WeightsStream::new(None, Count::default());
            assert!(stream.push(&file).is_err());
        });
        assert!(
            used < 100 << 20,
            "{used} bytes for a pickle of {}",
            file.len()
        );
    }
}
