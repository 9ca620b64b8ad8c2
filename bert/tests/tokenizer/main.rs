//! The tokenizer against golden tokenisations of the reference library, its files, and awkward text.

mod files;
mod folders;
mod golden;
mod texts;
mod vocabulary;

use bert::tokenizer::Tokenizer;
use std::path::{Path, PathBuf};

/// A file or folder of the shared test data; `None`, with a line that says so, where it is absent.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(path);
    if path.exists() {
        return Some(path);
    }
    println!(
        "skipped: the shared test data are not here ({})",
        path.display()
    );
    None
}

fn tokenizer_json(folder: &Path) -> Tokenizer {
    Tokenizer::from_tokenizer_json(&std::fs::read(folder.join("tokenizer.json")).unwrap()).unwrap()
}

fn vocab_txt(folder: &Path) -> Tokenizer {
    let text = std::fs::read_to_string(folder.join("vocab.txt")).unwrap();
    Tokenizer::from_vocab_txt(&text, true).unwrap()
}

const VOCAB: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n##s\nsat\n.\ne\nCat\né\n";

fn small() -> Tokenizer {
    Tokenizer::from_vocab_txt(VOCAB, true).unwrap()
}
