//! How a checkpoint stores its weights, read off its header in passing.

use bert::checkpoint::{Dtype, Header, SafetensorsStream, Sink};
use std::convert::Infallible;

/// Listens to the first pieces of a file until its header is there.
pub struct Survey {
    stream: Option<SafetensorsStream<Dtypes>>,
    found: Option<String>,
}

impl Survey {
    pub fn new(file_len: Option<u64>) -> Self {
        let stream = SafetensorsStream::new(file_len, Dtypes::default());
        Self {
            stream: Some(stream),
            found: None,
        }
    }

    /// Takes the next piece. A broken file is the loader's to explain; this only stops listening.
    pub fn push(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let broken = stream.push(bytes).is_err();
        self.found = stream.sink().0.clone();
        if broken || self.found.is_some() {
            self.stream = None;
        }
    }

    /// The types in use, the most common first: `F16` or `F32, F16`.
    pub fn dtypes(self) -> String {
        self.found.unwrap_or_default()
    }
}

#[derive(Default)]
struct Dtypes(Option<String>);

impl Sink for Dtypes {
    type Error = Infallible;

    fn header(&mut self, header: &Header) -> Result<(), Infallible> {
        let count = |dtype: &str| {
            let of_type = header
                .tensors
                .iter()
                .filter(|tensor| name(tensor.dtype) == dtype);
            of_type.map(|tensor| tensor.elements()).sum::<usize>()
        };
        let mut counts: Vec<(usize, &str)> = ["F32", "F16", "BF16"]
            .into_iter()
            .map(|dtype| (count(dtype), dtype))
            .collect();
        counts.retain(|(elements, _)| *elements > 0);
        counts.sort_by_key(|(elements, _)| std::cmp::Reverse(*elements));
        let names: Vec<&str> = counts.into_iter().map(|(_, dtype)| dtype).collect();
        self.0 = Some(names.join(", "));
        Ok(())
    }

    fn data(&mut self, _: &Header, _: usize, _: u64, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

fn name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "F32",
        Dtype::F16 => "F16",
        Dtype::BF16 => "BF16",
        // Position ids and the like: part of the file, not of the model.
        Dtype::Other(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    #[test]
    fn the_commonest_type_comes_first_and_integers_do_not_count() {
        let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
            "b":{"dtype":"F16","shape":[4],"data_offsets":[4,12]},
            "c":{"dtype":"I64","shape":[9],"data_offsets":[12,84]}}"#;
        let bytes = file(header, 84);
        let mut survey = Survey::new(Some(bytes.len() as u64));
        for piece in bytes.chunks(7) {
            survey.push(piece);
        }
        assert_eq!(survey.dtypes(), "F16, F32");
    }

    #[test]
    fn a_broken_file_says_nothing() {
        let mut survey = Survey::new(None);
        survey.push(&[0; 64]);
        survey.push(&[0; 64]);
        assert_eq!(survey.dtypes(), "");
    }
}
