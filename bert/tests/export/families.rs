//! Every head of every family leaves as a folder and says the same when it comes back. With `UNMASK_FOLDERS=DIR` the folders stay
//! there, each with what it says, for `tests/tools/check_export.py`.

use std::collections::BTreeMap;
use std::path::Path;

use bert::config::{HeadKind, Pooling};
use bert::data::{Random, Text};
use bert::export::{self, Files};
use bert::model::{Model, TaskHead};
use bert::probe::{Said, predict};
use bert::tokenizer::Tokenizer;
use bert::train::{Learner, Method, Optimiser, Task};
use kernels::Control;
use pollster::block_on;

use super::{CPU, about, common, config_of, load, text};
use bert::export::Kind;

/// A checkpoint, and the folder of its tokenizer.
const FAMILIES: [(&str, &str); 9] = [
    ("tiny-bert", "tiny-bert"),
    ("tiny-roberta", "tiny-roberta"),
    ("tiny-albert", "tiny-albert"),
    ("tiny-distilbert", "tiny-bert"),
    ("tiny-electra-generator", "tiny-bert"),
    ("tiny-electra-discriminator", "tiny-bert"),
    ("heads/roberta-labels", "tiny-roberta"),
    ("heads/distilbert-labels", "tiny-bert"),
    ("tiny-xlm-roberta", "tiny-xlm-roberta"),
];

const KINDS: [(HeadKind, usize); 5] = [
    (HeadKind::Classes, 3),
    (HeadKind::Labels, 3),
    (HeadKind::Score, 1),
    (HeadKind::Tokens, 3),
    (HeadKind::Span, 2),
];

fn texts() -> Vec<Text> {
    vec![
        text("the man saw the quick brown fox!", None),
        text("I love this very long night", None),
        text("who saw it?", Some("the dog saw it and ran")),
    ]
}

fn said(model: &mut Model, tokenizer: &Tokenizer) -> Vec<Said> {
    let control = Control::default();
    let texts = texts();
    let each = texts.iter();
    each.map(|text| block_on(predict(model, tokenizer, text, &control)).expect("an answer"))
        .collect()
}

/// Puts a head with random numbers on a model.
fn put_head(model: &mut Model, kind: HeadKind, outputs: usize, pooling: Pooling) {
    let task = Task::Head {
        kind,
        outputs,
        pooling,
    };
    let (optimiser, dropout) = (Optimiser::default(), Default::default());
    let learner = Learner::new(model, task, Method::Head, optimiser, dropout, 1, 3);
    block_on(learner).expect("a learner").end(model);
    let mut random = Random::new(7, outputs as u64);
    let hidden = model.config().hidden_size;
    for (name, count) in [
        ("classifier.weight", outputs * hidden),
        ("classifier.bias", outputs),
    ] {
        let numbers: Vec<f32> = (0..count).map(|_| random.normal() as f32).collect();
        model
            .params_mut()
            .write(name, 0, &numbers)
            .expect("it fits");
    }
    let labels = ["O", "B-one", "I-one"].map(str::to_owned);
    let labels = match kind {
        HeadKind::Classes | HeadKind::Labels | HeadKind::Tokens => labels.to_vec(),
        _ => Vec::new(),
    };
    model
        .set_head(TaskHead::of(kind, labels, pooling))
        .expect("it fits");
}

/// The files of a folder.
fn folder(model: &mut Model, source: &Path, tokenizer: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = std::fs::read(tokenizer.join("tokenizer.json")).expect("a tokenizer");
    let files = Files {
        config: &config_of(source),
        tokenizer: &[("tokenizer.json".to_owned(), bytes)],
    };
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut sink = |name: &str, bytes: &[u8]| -> Result<(), String> {
        found
            .entry(name.to_owned())
            .or_default()
            .extend_from_slice(bytes);
        Ok(())
    };
    let (about, control) = (about(Kind::Head), Control::default());
    block_on(export::folder(model, &about, &files, &control, &mut sink)).expect("a folder");
    found
}

fn keep(root: &Path, name: &str, files: &BTreeMap<String, Vec<u8>>, said: &[Said]) {
    let to = root.join(name);
    std::fs::create_dir_all(&to).expect("a folder");
    for (file, bytes) in files {
        std::fs::write(to.join(file), bytes).expect("a file");
    }
    let row = |said: &Said| serde_json::json!({"text": said.text.text, "pair": said.text.pair, "logits": said.logits});
    let rows: Vec<_> = said.iter().map(row).collect();
    let object =
        serde_json::json!({"kind": said[0].head.kind, "labels": said[0].head.labels, "rows": rows});
    std::fs::write(to.join("said.json"), object.to_string()).expect("a file");
}

#[test]
fn every_head_of_every_family_comes_back() {
    let kept = std::env::var_os("UNMASK_FOLDERS");
    for (name, tokens) in FAMILIES {
        let (source, tokens) = (common::fixture(name), common::fixture(tokens));
        if !source.join("model.safetensors").exists() {
            // Its weights are a PyTorch file: its family's names are those of another here.
            continue;
        }
        let tokenizer = common::tokenizer(&tokens);
        for (kind, outputs) in KINDS {
            for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
                let mut model = common::model(&source, &CPU);
                let reads = !kind.reads_tokens();
                if !reads && pooling != Pooling::Cls
                    || pooling == Pooling::Pooler && !model.heads().pooler
                {
                    continue;
                }
                let what = format!("{}-{kind:?}-{pooling:?}", name.replace('/', "-"));
                put_head(&mut model, kind, outputs, pooling);
                let before = said(&mut model, &tokenizer);
                let files = folder(&mut model, &source, &tokens);
                let config = String::from_utf8(files["config.json"].clone()).expect("UTF-8");
                let mut again =
                    load(&config, &files["model.safetensors"], &CPU).expect("a checkpoint");
                let head = again
                    .head()
                    .unwrap_or_else(|| panic!("{what}: no head\n{config}"));
                assert_eq!(head, model.head().expect("a head"), "{what}");
                for (before, after) in before.iter().zip(said(&mut again, &tokenizer)) {
                    assert_eq!(before.logits, after.logits, "{what}");
                }
                if let Some(root) = &kept {
                    keep(Path::new(root), &what, &files, &before);
                }
            }
        }
    }
}
