//! What a checkpoint's folder and a file of texts hold.

use crate::damage::{Format, fixture, said};
use bert::checkpoint::{MAX_PIECE, Sink, TensorInfo, WeightsStream};
use bert::config::Config;
use bert::export::Head;
use std::convert::Infallible;

/// Counts what it is given, and holds nothing: a header that lies must not make anyone hold much either.
#[derive(Default)]
struct Count {
    got: Vec<u64>,
    infos: Vec<TensorInfo>,
}

impl Sink for Count {
    type Error = Infallible;

    fn header(&mut self, tensors: &[TensorInfo]) -> Result<(), Infallible> {
        assert!(self.infos.is_empty(), "one header");
        self.got = vec![0; tensors.len()];
        self.infos = tensors.to_vec();
        Ok(())
    }

    fn data(
        &mut self,
        _: &[TensorInfo],
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Infallible> {
        assert_eq!(offset, self.got[index], "no gap");
        assert!(!bytes.is_empty() && bytes.len() <= MAX_PIECE);
        self.got[index] += bytes.len() as u64;
        Ok(())
    }
}

fn weights(bytes: &[u8]) {
    for known in [None, Some(bytes.len() as u64)] {
        let mut stream = WeightsStream::new(known, Count::default());
        let pushed = bytes.chunks(997).try_for_each(|chunk| stream.push(chunk));
        let outcome = match pushed {
            Ok(()) => stream.finish().map(Some),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(Some(sink)) => {
                for (info, got) in sink.infos.iter().zip(&sink.got) {
                    let is_float = info.dtype.float_bytes().is_some();
                    let whole = if is_float { info.byte_len() } else { 0 };
                    assert_eq!(*got, whole, "{} is whole", info.name);
                }
            }
            Ok(None) => {}
            Err(error) => said(&error),
        }
    }
}

/// A file from its JSON header and its data.
fn safetensors_file(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), data].concat()
}

/// A small file of several tensors.
fn safetensors() -> Vec<u8> {
    let header = concat!(
        r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#,
        r#""b":{"dtype":"F16","shape":[5],"data_offsets":[24,34]},"#,
        r#""c":{"dtype":"I64","shape":[1],"data_offsets":[34,42]},"#,
        r#""d":{"dtype":"F64","shape":[0,7],"data_offsets":[42,42]}}"#,
    );
    safetensors_file(header, &[1; 42])
}

#[test]
fn safetensors_files() {
    let format = Format {
        files: vec![safetensors()],
        words: &[
            "\"dtype\"",
            "\"F64\"",
            "\"BF16\"",
            "\"shape\"",
            "\"data_offsets\"",
            "__metadata__",
        ],
    };
    format.attack(weights);
}

#[test]
fn pytorch_files() {
    let names = [
        "legacy-2.0",
        "legacy-2.15",
        "nested-2.0",
        "zip-2.0",
        "zip-2.15",
    ];
    let format = Format {
        files: names
            .map(|name| fixture(&format!("pytorch/{name}.bin")))
            .to_vec(),
        words: &[
            "ctorch\nFloatStorage\n",
            "ctorch._utils\n_rebuild_tensor_v2\n",
            "cos\nsystem\n",
            "PK\u{1}\u{2}",
            "PK\u{3}\u{4}",
            "PK\u{5}\u{6}",
            "data.pkl",
            "R",
            "b",
            "Q",
            "t",
            "}",
            "(",
            ".",
            "storage",
        ],
    };
    format.attack(weights);
}

#[test]
fn configurations() {
    let folders = [
        "tiny-bert",
        "tiny-roberta",
        "tiny-albert",
        "tiny-electra-generator",
        "tiny-classifier",
    ];
    let format = Format {
        files: folders
            .map(|folder| fixture(&format!("{folder}/config.json")))
            .to_vec(),
        words: &[
            "\"hidden_size\"",
            "\"vocab_size\"",
            "\"num_attention_heads\"",
            "\"model_type\"",
            "\"bert\"",
            "\"id2label\"",
            "\"unmask\"",
            "\"gelu\"",
            "\"architectures\"",
        ],
    };
    format.attack_text(|text| match Config::from_json(text) {
        Ok(config) => {
            assert!(config.num_attention_heads > 0 && config.vocab_size > 0);
            assert_eq!(config.hidden_size % config.num_attention_heads, 0);
            config.max_tokens();
            // The generator beside it, for replaced words, is a model too or is refused.
            match config.generator_json(text) {
                Ok(json) => assert!(Config::from_json(&json).is_ok(), "{json}"),
                Err(error) => said(&error),
            }
        }
        Err(error) => said(&error),
    });
}

/// A head's file, as the page writes it; `more` is what its metadata say beside.
fn head(labels: [&str; 2], more: &str) -> Vec<u8> {
    let header = format!(
        concat!(
            r#"{{"__metadata__":{{"unmask_head":"1","base_sha256":"{}","base":"x","hidden_size":"2","#,
            r#""labels":"[\"{}\",\"{}\"]","pooling":"mean"{}}},"#,
            r#""classifier.weight":{{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}},"#,
            r#""classifier.bias":{{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}}}"#
        ),
        "ab".repeat(32),
        labels[0],
        labels[1],
        more
    );
    safetensors_file(&header, &[0; 24])
}

#[test]
fn heads() {
    let machine = r#","max_tokens":"64","machine":"{\"adapter\":\"H\",\"shaders\":\"0123abcd\"}""#;
    let files = vec![
        head(["a", "b"], ""),
        head(["a", "b"], machine),
        head(["a", "b"], r#","kind":"labels""#),
        head(["O", "B-PER"], r#","kind":"tokens""#),
        head(["start", "end"], r#","kind":"span","max_tokens":"384""#),
    ];
    let read = |file: &Vec<u8>| Head::parse(file).unwrap_or_else(|error| panic!("{error}"));
    let texts = files
        .iter()
        .map(|file| read(file).to_link_text().expect("a text"));
    let links = Format {
        files: texts.map(String::into_bytes).collect(),
        words: &["A", "-", "_", "AAAA"],
    };
    let format = Format {
        files,
        words: &[
            "\"labels\"",
            "\"pooling\"",
            "\"hidden_size\"",
            "\"kind\"",
            "\"choice\"",
            "\"score\"",
            "\"machine\"",
            "classifier.weight",
            "\"F16\"",
            "mean",
            "cls",
        ],
    };
    format.attack(|bytes| match Head::parse(bytes) {
        Ok(head) => {
            // Small numbers fit a link, and come out of it as they went in.
            if let Ok(text) = head.to_link_text() {
                same_again(&text);
            }
        }
        Err(error) => said(&error),
    });
    links.attack_text(|text| match Head::from_link_text(text) {
        Ok(head) => {
            if let Ok(text) = head.to_link_text() {
                same_again(&text);
            }
        }
        Err(error) => said(&error),
    });
}

/// What was written is read, and written the same again.
fn same_again(text: &str) {
    match Head::from_link_text(text) {
        Ok(head) => assert_eq!(head.to_link_text().as_deref().ok(), Some(text)),
        Err(error) => panic!("{error}: {text}"),
    }
}
