//! The small checkpoints of the project: every file of each is understood, and they fit together.

use bert::checkpoint::{
    Dtype, Header, SafetensorsStream, Sink, TensorInfo, decode, first_non_finite,
};
use bert::config::{Activation, Config};
use bert::tokenizer::Tokenizer;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn folder(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match name {
        "seedling" => root.join("static/models/seedling"),
        _ => root.join("tests/fixtures").join(name),
    }
}

/// All float tensors as f32, by name.
#[derive(Default)]
struct Floats(BTreeMap<String, Vec<f32>>);

impl Sink for Floats {
    type Error = String;

    fn header(&mut self, _: &[TensorInfo]) -> Result<(), String> {
        Ok(())
    }

    fn data(
        &mut self,
        tensors: &[TensorInfo],
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), String> {
        let tensor = &tensors[index];
        if let Some(at) = first_non_finite(tensor.dtype, bytes) {
            return Err(format!("{}: element {at} after byte {offset}", tensor.name));
        }
        decode(
            tensor.dtype,
            bytes,
            self.0.entry(tensor.name.clone()).or_default(),
        );
        Ok(())
    }
}

fn floats(name: &str) -> BTreeMap<String, Vec<f32>> {
    let bytes = std::fs::read(folder(name).join("model.safetensors")).unwrap();
    let mut stream = SafetensorsStream::new(Some(bytes.len() as u64), Floats::default());
    for chunk in bytes.chunks(10_007) {
        stream.push(chunk).unwrap();
    }
    stream.finish().unwrap().0
}

fn config(name: &str) -> Config {
    Config::from_json(&std::fs::read_to_string(folder(name).join("config.json")).unwrap()).unwrap()
}

#[test]
fn the_files_of_each_folder_fit_together() {
    for name in [
        "tiny-bert",
        "tiny-bert-f16",
        "tiny-bert-legacy",
        "tiny-encoder",
        "tiny-roberta",
        "tiny-albert",
        "tiny-distilbert",
        "tiny-electra-generator",
        "tiny-electra-discriminator",
        "seedling",
    ] {
        let config = config(name);
        let tokenizer = std::fs::read(folder(name).join("tokenizer.json")).unwrap();
        let tokenizer = Tokenizer::from_tokenizer_json(&tokenizer).unwrap();
        assert_eq!(tokenizer.vocab_size(), config.vocab_size, "{name}");
        assert_eq!(tokenizer.pad_id(), config.pad_token_id, "{name}");
        let floats = floats(name);
        let embedding = floats
            .iter()
            .find(|(name, _)| name.ends_with("word_embeddings.weight"));
        assert_eq!(
            embedding.unwrap().1.len(),
            config.vocab_size * config.embedding_size,
            "{name}"
        );
    }
    assert_eq!(config("tiny-bert-legacy").hidden_act, Activation::GeluTanh);
    assert!(!config("tiny-bert-legacy").tie_word_embeddings);
}

#[test]
fn halves_are_the_rounded_floats() {
    let (exact, rounded) = (floats("tiny-bert"), floats("tiny-bert-f16"));
    assert_eq!(exact.len(), rounded.len());
    for (name, values) in &exact {
        for (exact, rounded) in values.iter().zip(&rounded[name]) {
            assert_eq!(half::f16::from_f32(*exact).to_f32(), *rounded, "{name}");
        }
    }
}

#[test]
fn the_legacy_file_has_what_it_is_for() {
    let bytes = std::fs::read(folder("tiny-bert-legacy").join("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = Header::parse(&bytes[8..8 + length], Some(bytes.len() as u64)).unwrap();
    let dtype = |name: &str| {
        let mut tensors = header.tensors.iter();
        tensors
            .find(|tensor| tensor.name == name)
            .expect(name)
            .dtype
    };
    assert!(matches!(
        dtype("bert.embeddings.position_ids"),
        Dtype::Other(_)
    ));
    assert_eq!(dtype("bert.embeddings.LayerNorm.gamma"), Dtype::BF16);
    let floats = floats("tiny-bert-legacy");
    let decoder = &floats["cls.predictions.decoder.weight"];
    assert_ne!(decoder, &floats["bert.embeddings.word_embeddings.weight"]);
    assert_ne!(
        floats["cls.predictions.decoder.bias"],
        floats["cls.predictions.bias"]
    );
}
