//! Fills the masks of a text, natively, as the page does. `DIR` holds a BERT, RoBERTa, ALBERT,
//! DistilBERT or ELECTRA; of an ELECTRA discriminator, says which tokens look replaced instead.
//!
//! `cargo run --release -p bert --example fill_mask -- DIR "text with [MASK]" [--pair "text"]
//! [--device gpu|cpu] [--top 10] [--json] [--profile]`
//!
//! `--profile` adds how long the dispatches of each shader took, by the GPU's own clock.
//!
//! The mask is spelled as the checkpoint spells it: `[MASK]`, or `<mask>` for a RoBERTa.

mod common;

use std::path::PathBuf;
use std::process::ExitCode;

use bert::probe::{Fill, MAX_TOP_K, Replaced, Request, Truncated, fill_mask, replaced};
use common::AnyError;
use kernels::Control;
use serde_json::{Value, json};

const USAGE: &str = "usage: fill_mask DIR \"text with [MASK]\" [--pair \"text\"] [--device gpu|cpu] \
                     [--top 1..100] [--json] [--profile]";

struct Arguments {
    folder: PathBuf,
    request: Request,
    device: String,
    json: bool,
    profile: bool,
}

fn arguments() -> Result<Arguments, AnyError> {
    let mut places = Vec::new();
    let (mut pair, mut device, mut top_k) = (None, "gpu".to_owned(), 10);
    let (mut json, mut profile) = (false, false);
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        let mut value = |name: &str| rest.next().ok_or(format!("{name} needs a value\n{USAGE}"));
        match argument.as_str() {
            "--pair" => pair = Some(value("--pair")?),
            "--device" => device = value("--device")?,
            "--top" => top_k = value("--top")?.parse().map_err(|e| format!("--top: {e}"))?,
            "--json" => json = true,
            "--profile" => profile = true,
            "--help" => return Err(USAGE.into()),
            other if other.starts_with("--") => return Err(format!("{other}?\n{USAGE}").into()),
            _ => places.push(argument),
        }
    }
    let [folder, text] = places.try_into().map_err(|_| USAGE)?;
    if !(1..=MAX_TOP_K).contains(&top_k) {
        return Err(format!("--top {top_k}: it is 1 to {MAX_TOP_K}").into());
    }
    let request = Request {
        text,
        pair,
        hidden: Vec::new(),
        top_k,
        compare: Vec::new(),
    };
    Ok(Arguments {
        folder: folder.into(),
        request,
        device,
        json,
        profile,
    })
}

fn run() -> Result<(), AnyError> {
    let arguments = arguments()?;
    let device = common::device(&arguments.device)?;
    let (config, tokenizer) = common::tokenizer(&arguments.folder)?;
    let mut model = common::model(&arguments.folder, config, &device)?;
    common::start_profile(&device, arguments.profile)?;
    let control = Control::default();
    let request = &arguments.request;
    let mut object = if model.has_replaced() && model.has_mlm().is_err() {
        let verdict = replaced(&mut model, &tokenizer, request, &control);
        let verdict = pollster::block_on(verdict)?;
        if !arguments.json {
            print_replaced(&verdict);
        }
        json!(verdict)
    } else {
        let fill = fill_mask(&mut model, &tokenizer, request, &control);
        let fill = pollster::block_on(fill)?;
        if !arguments.json {
            print(&fill, tokenizer.mask_token().unwrap_or("mask"));
        }
        as_json(&fill)
    };
    let facts = common::device_facts(&device, arguments.profile)?;
    if arguments.json {
        if let Value::Object(object) = &mut object {
            object.extend(facts);
        }
        println!("{object}");
    } else {
        common::print_profile(&facts);
    }
    common::finish(&device);
    Ok(())
}

fn as_json(fill: &Fill) -> Value {
    let masks: Vec<Value> = fill
        .masks
        .iter()
        .map(|m| json!({"position": m.position, "predictions": m.predictions}))
        .collect();
    let mut object = json!({
        "tokens": fill.tokens.iter().map(|t| &t.text).collect::<Vec<_>>(),
        "ids": fill.tokens.iter().map(|t| t.id).collect::<Vec<_>>(),
        "masks": masks,
    });
    if let Some(nsp) = &fill.nsp {
        object["nsp"] = json!(nsp);
    }
    if let Some(truncated) = &fill.truncated {
        object["truncated"] = json!(truncated);
    }
    object
}

fn print_truncated(truncated: Option<Truncated>) {
    if let Some(truncated) = truncated {
        let more = if truncated.or_more { "more than " } else { "" };
        println!(
            "read {} of {more}{} tokens",
            truncated.kept, truncated.total
        );
    }
}

fn print_replaced(verdict: &Replaced) {
    print_truncated(verdict.truncated);
    for (token, probability) in verdict.tokens.iter().zip(&verdict.probabilities) {
        println!("  {:>8.4} %  {}", 100.0 * probability, token.text);
    }
}

fn print(fill: &Fill, mask_token: &str) {
    let spellings: Vec<&str> = fill.tokens.iter().map(|t| t.text.as_str()).collect();
    println!("{}", spellings.join(" "));
    print_truncated(fill.truncated);
    for mask in &fill.masks {
        println!("\n{mask_token} at token {}", mask.position);
        for p in &mask.predictions {
            println!(
                "  {:>8.4} %  {:<16} logit {:.5}",
                100.0 * p.probability,
                p.token,
                p.logit
            );
        }
    }
    if let Some(nsp) = &fill.nsp {
        println!(
            "\nthe second text follows the first: {:.4} %",
            100.0 * nsp.is_next
        );
    }
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
