//! What a checkpoint's head says of a text, natively: classes, labels, a score, entities, an answer, whether the second
//! text follows, which tokens were replaced.
//!
//! `cargo run --release -p bert --example predict -- DIR "text" [--pair "text"] [--device gpu|cpu] [--json] [--profile]`
//!
//! For an answer, the text is the question and the pair the passage. `--json` has `kind`, the raw `logits` in the order and
//! shape of `transformers`, `tokens`, `ids`, and what can be read in them.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use bert::config::HeadKind;
use bert::data::Text;
use bert::model::Model;
use bert::probe::{Request, Said, Token, answer, entities, fill_mask, predict, replaced};
use bert::tokenizer::Tokenizer;
use common::AnyError;
use kernels::Control;
use serde_json::{Value, json};

const USAGE: &str = "usage: predict DIR \"text\" [--pair \"text\"] [--device gpu|cpu] [--json] \
    [--profile]";

struct Arguments {
    folder: PathBuf,
    text: Text,
    device: String,
    json: bool,
    profile: bool,
}

fn arguments() -> Result<Arguments, AnyError> {
    let mut places = Vec::new();
    let (mut pair, mut device, mut json) = (None, "gpu".to_owned(), false);
    let mut profile = false;
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut value = |name: &str| rest.next().ok_or(format!("{name} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--pair" => pair = Some(value("--pair")?),
            "--device" => device = value("--device")?,
            "--json" => json = true,
            "--profile" => profile = true,
            "--help" => return Err(USAGE.into()),
            other if other.starts_with("--") => return Err(format!("{other}?\n{USAGE}").into()),
            _ => places.push(argument),
        }
    }
    let [folder, text] = places.try_into().map_err(|_| USAGE)?;
    Ok(Arguments {
        folder: folder.into(),
        text: Text { text, pair },
        device,
        json,
        profile,
    })
}

fn run() -> Result<(), AnyError> {
    let Arguments {
        folder,
        text,
        device,
        json,
        profile,
    } = arguments()?;
    let device = common::device(&device)?;
    let (config, tokenizer) = common::tokenizer(&folder)?;
    let mut model = common::model(&folder, config, &device)?;
    common::start_profile(&device, profile)?;
    let mut object = pollster::block_on(ask(&mut model, &tokenizer, &text))?;
    let facts = common::device_facts(&device, profile)?;
    match json {
        true => {
            if let Value::Object(object) = &mut object {
                object.extend(facts);
            }
            println!("{object}");
        }
        false => {
            println!("{object:#}");
            common::print_profile(&facts);
        }
    }
    common::finish(&device);
    Ok(())
}

async fn ask(model: &mut Model, tokenizer: &Tokenizer, text: &Text) -> Result<Value, AnyError> {
    let control = Control::default();
    if model.head().is_some() {
        let said = predict(model, tokenizer, text, &control).await?;
        return Ok(of_head(&said, text));
    }
    let request = Request {
        text: text.text.clone(),
        pair: text.pair.clone(),
        hidden: Vec::new(),
        top_k: 1,
        compare: Vec::new(),
    };
    if model.has_replaced() {
        let said = replaced(model, tokenizer, &request, &control).await?;
        let mut object = shared("replaced", &said.tokens, json!(said.logits));
        object["probabilities"] = json!(said.probabilities);
        return Ok(object);
    }
    if model.has_nsp() {
        // Words that are hidden do not matter here; without any, only this head runs.
        let said = fill_mask(model, tokenizer, &request, &control).await?;
        let nsp = said.nsp.ok_or("the next-sentence head gave nothing")?;
        let mut object = shared("next-sentence", &said.tokens, json!(nsp.logits));
        object["probabilities"] = json!([nsp.is_next, 1.0 - nsp.is_next]);
        return Ok(object);
    }
    Err("this checkpoint has no head for a task: fill_mask asks it for hidden words".into())
}

/// What every kind has.
fn shared(kind: &str, tokens: &[Token], logits: Value) -> Value {
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let tokens: Vec<&str> = tokens.iter().map(|token| &token.text[..]).collect();
    json!({ "kind": kind, "logits": logits, "tokens": tokens, "ids": ids })
}

fn of_head(said: &Said, text: &Text) -> Value {
    let rows: Vec<&[f32]> = said.logits.chunks_exact(said.head.outputs()).collect();
    let logits = match said.head.kind.reads_tokens() {
        true => json!(rows),
        false => json!(said.logits),
    };
    let kind = json!(said.head.kind);
    let mut object = shared(kind.as_str().unwrap_or_default(), &said.tokens, logits);
    match said.head.kind {
        HeadKind::Classes | HeadKind::Labels => {
            let named = said.head.labels.iter().cloned().zip(said.probabilities());
            object["probabilities"] = json!(named.collect::<std::collections::BTreeMap<_, _>>());
        }
        HeadKind::Score => object["score"] = json!(said.logits[0]),
        HeadKind::Tokens => {
            let entity = |found: bert::probe::Entity| {
                let words = found.words(text);
                json!({
                    "label": found.label, "start": found.start, "end": found.end, "text": words,
                    "probability": found.probability,
                })
            };
            object["entities"] = entities(said).into_iter().map(entity).collect();
        }
        HeadKind::Span => {
            object["answer"] = match answer(said) {
                Some(found) => json!({
                    "start": found.start, "end": found.end,
                    "text": found.at().of(text.passage()), "probability": found.probability,
                }),
                None => Value::Null,
            };
        }
        HeadKind::Choice => {
            let named = said
                .choices()
                .into_iter()
                .map(str::to_owned)
                .zip(said.probabilities());
            object["probabilities"] = json!(named.collect::<std::collections::BTreeMap<_, _>>());
        }
    }
    object
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
