//! Files made by hand, and a sink that checks what the parser promises.

use bert::checkpoint::{MAX_PIECE, SafetensorsStream, Sink, StreamError, TensorInfo};

/// A file from its JSON header and its data.
pub fn file(json: &str, data: &[u8]) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes(), json.as_bytes(), data].concat()
}

pub fn entry(name: &str, dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#"{name:?}:{{"dtype":{dtype:?},"shape":{shape},"data_offsets":[{begin},{end}]}}"#)
}

/// Collects what it is given and checks what the trait promises.
#[derive(Default)]
pub struct Collect {
    pub infos: Option<Vec<TensorInfo>>,
    pub tensors: Vec<Vec<u8>>,
    pub last: (usize, u64),
    /// Whether tensors may take turns, as those do that share memory.
    pub turns: bool,
    pub pieces: usize,
}

impl Sink for Collect {
    type Error = std::convert::Infallible;

    fn header(&mut self, tensors: &[TensorInfo]) -> Result<(), Self::Error> {
        assert!(self.infos.is_none(), "one header");
        self.tensors = vec![Vec::new(); tensors.len()];
        self.infos = Some(tensors.to_vec());
        Ok(())
    }

    fn data(
        &mut self,
        tensors: &[TensorInfo],
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Self::Error> {
        let info = &tensors[index];
        let collected = &mut self.tensors[index];
        assert_eq!(offset, collected.len() as u64, "no gap");
        assert!(self.turns || (index, offset) >= self.last, "file order");
        assert!(!bytes.is_empty() && bytes.len() <= MAX_PIECE);
        let last = offset + bytes.len() as u64 == info.byte_len();
        assert!(
            offset.is_multiple_of(8) && (last || bytes.len().is_multiple_of(8)),
            "grain"
        );
        assert_eq!(bytes.len() % info.dtype.float_bytes().expect("a float"), 0);
        collected.extend_from_slice(bytes);
        self.last = (index, offset);
        self.pieces += 1;
        Ok(())
    }
}

pub type Parsed = Result<Collect, StreamError<std::convert::Infallible>>;

pub fn parse<'a>(file_len: Option<u64>, chunks: impl IntoIterator<Item = &'a [u8]>) -> Parsed {
    let mut stream = SafetensorsStream::new(file_len, Collect::default());
    for chunk in chunks {
        stream.push(chunk)?;
    }
    stream.finish()
}

/// Five tensors, among them an I64 one, an empty one and two with an odd number of halves.
pub fn sample() -> Vec<u8> {
    let json = format!(
        "{{{},{},{},{},{},\"__metadata__\":{{\"format\":\"pt\"}}}}  ",
        entry("b", "F16", "[3]", 24, 30),
        entry("ids", "I64", "[1,2]", 8, 24),
        entry("a", "F32", "[2,1]", 0, 8),
        entry("none", "F32", "[0,7]", 30, 30),
        entry("c", "BF16", "[1,1,1,5]", 30, 40),
    );
    file(&json, &(0..40).collect::<Vec<u8>>())
}
