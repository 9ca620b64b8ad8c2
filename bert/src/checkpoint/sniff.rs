//! What a file is, by its first bytes: people drop all sorts of things.

use super::MAX_HEADER_BYTES;

/// As many first bytes as [`sniff`] looks at.
pub const SNIFF_BYTES: usize = 512;

/// What a file seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `model.safetensors`, or a damaged one.
    Safetensors,
    /// A pickle, bare or zipped: `pytorch_model.bin`, `*.pt`.
    PytorchPickle,
    /// A zip archive that shows no sign of PyTorch.
    Zip,
    /// As PyTorch wrote before 0.1.10, and much else.
    Tar,
    /// Weights for llama.cpp and its kin.
    Gguf,
    /// `tf_model.h5`.
    Hdf5,
    /// A graph with its weights.
    Onnx,
    /// The text that stands in for a large file in a Git LFS clone.
    LfsPointer,
    /// A page, mostly one that says why the file did not come.
    Html,
    /// A configuration, or an answer of a server.
    Json,
    /// No byte.
    Empty,
    /// None of these.
    Unknown,
}

/// Guesses the kind of a file from its first bytes; [`SNIFF_BYTES`] are enough, 9 tell most kinds apart.
pub fn sniff(first_bytes: &[u8]) -> FileKind {
    let bytes = &first_bytes[..first_bytes.len().min(SNIFF_BYTES)];
    if bytes.is_empty() {
        return FileKind::Empty;
    }
    if let Some((length, rest)) = bytes.split_first_chunk::<8>() {
        let length = u64::from_le_bytes(*length);
        if (1..=MAX_HEADER_BYTES).contains(&length) && rest.first() == Some(&b'{') {
            return FileKind::Safetensors;
        }
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return if contains(bytes, b"/data.pkl") {
            FileKind::PytorchPickle
        } else {
            FileKind::Zip
        };
    }
    if bytes[0] == 0x80 && matches!(bytes.get(1), Some(2..=5)) {
        return FileKind::PytorchPickle;
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return FileKind::Tar;
    }
    if bytes.starts_with(b"GGUF") {
        return FileKind::Gguf;
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return FileKind::Hdf5;
    }
    // A ModelProto: field 1 (ir_version), a small number, then field 2 (producer_name) or 7 (graph).
    if let [0x08, 1..=32, 0x12 | 0x3a, ..] = bytes {
        return FileKind::Onnx;
    }
    let text = bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let starts = |word: &[u8]| {
        let n = text.len().min(word.len());
        n >= 5 && text[..n].eq_ignore_ascii_case(&word[..n])
    };
    if starts(b"version https://git-lfs") {
        FileKind::LfsPointer
    } else if starts(b"<!doctype html") || starts(b"<html") || starts(b"<head") {
        FileKind::Html
    } else if matches!(text.first(), Some(b'{' | b'[')) {
        FileKind::Json
    } else {
        FileKind::Unknown
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

impl FileKind {
    /// What the file is and what to do, in plain sentences, for someone who offered it as a checkpoint.
    pub fn explain(self) -> &'static str {
        match self {
            Self::Safetensors => "This is a safetensors file.",
            Self::PytorchPickle => {
                "This is a PyTorch file (pytorch_model.bin). It is read as data; nothing in it is run."
            }
            Self::Zip => {
                "This is a zip archive. Unpack it and use the model.safetensors or pytorch_model.bin inside."
            }
            Self::Tar => {
                "This is a tar archive. Unpack it and use the model.safetensors or pytorch_model.bin inside."
            }
            Self::Gguf => {
                "This is a GGUF file, made for llama.cpp, and its weights are usually quantised. \
                 Use the model.safetensors of the model it was made from."
            }
            Self::Hdf5 => {
                "This is an HDF5 file (TensorFlow's tf_model.h5). Use the model.safetensors from the same place, \
                 or load it in transformers with from_tf=True and save it again with save_pretrained."
            }
            Self::Onnx => {
                "This looks like an ONNX graph, which holds operations and weights together. \
                 Use the model.safetensors of the model it was exported from."
            }
            Self::LfsPointer => {
                "This is a Git LFS pointer: a few lines of text that stand in for the real file. \
                 Run `git lfs pull` in the clone, or download the real file from the model's page."
            }
            Self::Html => {
                "This is a web page, not a model: the link led to a page about the file (or to a sign-in). \
                 Download the file itself; on the Hugging Face Hub its address has /resolve/ where the page has /blob/."
            }
            Self::Json => {
                "This is a JSON file, such as config.json, tokenizer.json or model.safetensors.index.json. \
                 The weights must be one file, model.safetensors."
            }
            Self::Empty => {
                "This file is empty: the download or the copy did not finish. Get it again."
            }
            Self::Unknown => {
                "This is not a safetensors file. Weights are read from model.safetensors, \
                 as transformers' save_pretrained writes it."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_their_first_bytes() {
        for (bytes, kind) in [
            (&b"\x40\0\0\0\0\0\0\0{\"a\":"[..], FileKind::Safetensors),
            (b"\0\0\0\0\0\0\0\0{", FileKind::Unknown),
            (
                b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl",
                FileKind::PytorchPickle,
            ),
            (b"PK\x03\x04\0\0\x08\x08\0\0readme.txt", FileKind::Zip),
            (&[&[b'a'; 257], &b"ustar\x0000"[..]].concat(), FileKind::Tar),
            (
                b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
                FileKind::PytorchPickle,
            ),
            (b"GGUF\x03\0\0\0", FileKind::Gguf),
            (b"\x89HDF\r\n\x1a\n\0", FileKind::Hdf5),
            (b"\x08\x07\x12\x07pytorch", FileKind::Onnx),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
                FileKind::LfsPointer,
            ),
            (b"version ", FileKind::LfsPointer),
            (b"\n <!DOCTYPE html><html>", FileKind::Html),
            (b"<!doctyp", FileKind::Html),
            (b"<HTML lang=en>", FileKind::Html),
            (b"\xef\xbb\xbf{\"hidden_size\": 3}", FileKind::Json),
            (b"", FileKind::Empty),
            (b"hello", FileKind::Unknown),
            (b"\0", FileKind::Unknown),
        ] {
            assert_eq!(sniff(bytes), kind, "{bytes:?}");
            assert!(kind.explain().ends_with('.'));
        }
    }
}
