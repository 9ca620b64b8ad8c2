//! What happens between a text and a model's answer, natively: the guesses layer by layer, where attention looks, what the
//! answer rests on, how surprising each token is, what one side alone would say.
//!
//! `cargo run --release -p bert --example inside -- DIR "the cat [MASK] here" [--pair "text"] [--mask POSITION]...
//! [--target TOKEN] [--without LAYER.HEAD]... [--device gpu|cpu] [--json]`
//!
//! `--json` has `lens`, `attention`, `arrives`, `heads`, `attribution`, `surprisal` and `sides`; what the model or the text has
//! nothing for is `null`, and `notes` says why.

mod arguments;
#[allow(dead_code)] // a part is used here
#[path = "../common/mod.rs"]
mod common;

use std::process::ExitCode;
use std::time::Instant;

use arguments::Arguments;
use bert::config::HeadKind;
use bert::inside::{
    AttentionRequest, AttributionRequest, Guesses, InsideError, Lens, LensRequest, MAX_ALL_ROWS,
    Target, attention, attribution, guesses, hidden_states, lens, neighbours, sides, surprisal,
    survey,
};
use bert::model::Model;
use bert::probe::{MaskResult, ProbeError};
use bert::tokenizer::Tokenizer;
use common::AnyError;
use kernels::Control;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Guesses of each layer and side.
const TOP_K: usize = 10;

fn run() -> Result<(), AnyError> {
    let arguments = Arguments::read()?;
    let device = common::device(&arguments.device)?;
    let (config, tokenizer) = common::tokenizer(&arguments.folder)?;
    let model = common::model(&arguments.folder, config, &device)?;
    let mut looks = Looks {
        model,
        tokenizer,
        found: Map::new(),
        notes: Map::new(),
        took: Map::new(),
    };
    pollster::block_on(looks.all(&arguments))?;
    let facts = common::device_facts(&device, false)?;
    let mut object = looks.found;
    object.insert("notes".to_owned(), Value::Object(looks.notes));
    object.insert("milliseconds".to_owned(), Value::Object(looks.took));
    object.extend(facts);
    match arguments.json {
        true => println!("{}", Value::Object(object)),
        false => print(&object),
    }
    common::finish(&device);
    Ok(())
}

/// A model that is looked into, and what was found.
struct Looks {
    model: Model,
    tokenizer: Tokenizer,
    found: Map<String, Value>,
    notes: Map<String, Value>,
    /// Milliseconds that each look took, its plan made anew.
    took: Map<String, Value>,
}

impl Looks {
    async fn all(&mut self, asked: &Arguments) -> Result<(), AnyError> {
        let (subject, control) = (&asked.subject, Control::default());
        let begun = Instant::now();
        let (model, tokenizer) = (&mut self.model, &self.tokenizer);
        let said = guesses(model, tokenizer, subject, TOP_K, &control).await;
        let said = self.keep("guesses", begun, said, |said| json!(said.masks))?;
        let places = said.as_ref().map_or(Vec::new(), places);
        let output = said.as_ref().and_then(|said| said.said.as_ref());
        let outputs = output.map(|said| (said.kind, said.labels.clone(), said.logits.clone()));
        let follow = match (&asked.target, &outputs) {
            (Some(token), None) => Some(self.id(token)?),
            _ => None,
        };

        let begun = Instant::now();
        let request = LensRequest {
            places: Vec::new(),
            top_k: TOP_K,
            follow,
        };
        let (model, tokenizer) = (&mut self.model, &self.tokenizer);
        let found = lens(model, tokenizer, subject, &request, &control).await;
        self.keep("lens", begun, found, lens_rows)?;

        let begun = Instant::now();
        let (model, tokenizer) = (&mut self.model, &self.tokenizer);
        let found = survey(model, tokenizer, subject, TOP_K, &control).await;
        let seen = self.keep("heads", begun, found, |found| {
            let traits = |heads: &Vec<bert::inside::HeadSurvey>| {
                let traits = heads.iter().map(|head| json!(head.traits));
                traits.collect::<Vec<Value>>()
            };
            json!(found.layers.iter().map(traits).collect::<Vec<_>>())
        })?;
        let seen = seen.ok_or("nothing could be looked at")?.seen;
        let ids: Vec<u32> = seen.tokens.iter().map(|token| token.id).collect();
        let tokens: Vec<&str> = seen.tokens.iter().map(|token| &token.text[..]).collect();
        self.found.insert("tokens".to_owned(), json!(tokens));
        self.found.insert("ids".to_owned(), json!(ids));
        self.found.insert("masks".to_owned(), json!(places));
        self.found
            .insert("truncated".to_owned(), json!(seen.truncated));

        self.attention(asked, seen.tokens.len(), &control).await?;

        let target = match (&outputs, said.as_ref().and_then(|said| said.masks.first())) {
            (Some((kind, labels, logits)), _) => {
                Some(output_of(*kind, labels, logits, asked.target.as_deref())?)
            }
            (None, Some(mask)) => guess_of(mask, follow),
            (None, None) => None,
        };
        self.found.insert("target".to_owned(), json!(target));
        match target {
            None => self.note("attribution", "there is no answer to explain: hide a word"),
            Some(target) => {
                let begun = Instant::now();
                let request = AttributionRequest {
                    target,
                    baseline: asked.baseline,
                    points: asked.points,
                };
                let (model, tokenizer) = (&mut self.model, &self.tokenizer);
                let progress = &mut |_, _| {};
                let look = attribution(model, tokenizer, subject, &request, progress, &control);
                let found = look.await;
                self.keep("attribution", begun, found, without_text)?;
            }
        }

        let begun = Instant::now();
        let (model, tokenizer) = (&mut self.model, &self.tokenizer);
        let progress = &mut |_, _| {};
        let found = surprisal(model, tokenizer, subject, !asked.plain, progress, &control).await;
        let perplexity = found.as_ref().ok().map(|found| found.pseudo_perplexity);
        self.keep("surprisal", begun, found, |found| json!(found.bits))?;
        self.found
            .insert("pseudo_perplexity".to_owned(), json!(perplexity));

        let begun = Instant::now();
        let (model, tokenizer) = (&mut self.model, &self.tokenizer);
        let found = sides(model, tokenizer, subject, TOP_K, &control).await;
        self.keep("sides", begun, found, without_text)?;

        if asked.states {
            let begun = Instant::now();
            let (model, tokenizer) = (&mut self.model, &self.tokenizer);
            let found = hidden_states(model, tokenizer, subject, &control).await;
            self.keep("hidden_states", begun, found, |found| {
                let layers = found.layers.iter();
                let rows =
                    |layer: &Vec<f32>| layer.chunks(found.width).map(|row| json!(row)).collect();
                json!(layers.map(rows).collect::<Vec<Vec<Value>>>())
            })?;
        }
        if let Some(token) = &asked.neighbours {
            let begun = Instant::now();
            let id = self.id(token)?;
            let (model, tokenizer) = (&mut self.model, &self.tokenizer);
            let found = neighbours(model, tokenizer, id, TOP_K, &control).await;
            self.keep("neighbours", begun, found, |found| json!(found))?;
        }
        Ok(())
    }

    /// The attention of every layer, one after another.
    async fn attention(
        &mut self,
        asked: &Arguments,
        tokens: usize,
        control: &Control,
    ) -> Result<(), AnyError> {
        if tokens > MAX_ALL_ROWS {
            let why =
                format!("the text has {tokens} tokens; all rows are shown up to {MAX_ALL_ROWS}");
            self.note("attention", &why);
            return Ok(());
        }
        let begun = Instant::now();
        let (mut weights, mut arrives) = (Vec::new(), Vec::new());
        for layer in 0..self.model.config().num_hidden_layers {
            let request = AttentionRequest { layer, row: None };
            let (model, tokenizer) = (&mut self.model, &self.tokenizer);
            let found = attention(model, tokenizer, &asked.subject, &request, control).await?;
            let square = |all: &[f32]| -> Vec<Vec<Vec<f32>>> {
                let heads = all.chunks(tokens * tokens);
                let rows = |head: &[f32]| head.chunks(tokens).map(<[f32]>::to_vec).collect();
                heads.map(rows).collect()
            };
            weights.push(square(&found.weights));
            arrives.push(square(&found.arrives));
        }
        self.time("attention", begun);
        self.found.insert("attention".to_owned(), json!(weights));
        self.found.insert("arrives".to_owned(), json!(arrives));
        Ok(())
    }

    /// Keeps what a look found, or notes why there is nothing.
    ///
    /// # Errors
    /// What is wrong with the question or the device.
    fn keep<T>(
        &mut self,
        name: &str,
        begun: Instant,
        found: Result<T, InsideError>,
        shown: impl FnOnce(&T) -> Value,
    ) -> Result<Option<T>, AnyError> {
        match found {
            Ok(found) => {
                self.time(name, begun);
                self.found.insert(name.to_owned(), shown(&found));
                Ok(Some(found))
            }
            Err(
                error @ (InsideError::NothingHidden { .. }
                | InsideError::TooLong { .. }
                | InsideError::Probe(ProbeError::NoHead(_) | ProbeError::NoMask)),
            ) => {
                self.note(name, &error.to_string());
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn time(&mut self, name: &str, begun: Instant) {
        let took = begun.elapsed().as_secs_f64() * 1e3;
        self.took.insert(name.to_owned(), json!(took));
    }

    fn note(&mut self, name: &str, why: &str) {
        self.found.insert(name.to_owned(), Value::Null);
        self.notes.insert(name.to_owned(), json!(why));
    }

    /// The id of a token by its spelling.
    fn id(&self, token: &str) -> Result<u32, AnyError> {
        let id = self.tokenizer.token_to_id(token);
        id.ok_or_else(|| format!("`{token}` is no token of this vocabulary").into())
    }
}

/// The places of the hidden words.
fn places(said: &Guesses) -> Vec<usize> {
    said.masks.iter().map(|mask| mask.position).collect()
}

/// `[layers + 1][masks]`, or of a classifier `[layers + 1]` of probabilities by their names.
fn lens_rows(found: &Lens) -> Value {
    if let (true, Some(classes)) = (found.places.is_empty(), &found.classes) {
        return json!({ "labels": classes.labels, "logits": classes.logits, "probabilities": classes.probabilities });
    }
    let layers = found.places.first().map_or(0, |place| place.layers.len());
    let row = |layer: usize| -> Vec<Value> {
        let places = found.places.iter().map(|place| &place.layers[layer]);
        let cell = |row: &bert::inside::LensRow| {
            json!({
                "top": row.top,
                "target_rank": row.followed.as_ref().map(|followed| followed.rank),
                "target_logit": row.followed.as_ref().map(|followed| followed.logit),
            })
        };
        places.map(cell).collect()
    };
    json!((0..layers).map(row).collect::<Vec<_>>())
}

/// An answer without the tokens, which stand once for all.
fn without_text<T: Serialize>(found: &T) -> Value {
    let mut value = json!(found);
    if let Value::Object(object) = &mut value {
        object.remove("seen");
    }
    value
}

/// The guess that is explained: the followed token, or the best.
fn guess_of(mask: &MaskResult, follow: Option<u32>) -> Option<Target> {
    let id = follow.or(mask.predictions.first().map(|best| best.id))?;
    Some(Target::Guess {
        place: mask.position,
        id,
    })
}

/// The output that is explained: by its name, or the largest (of a head that reads tokens, that of the first word).
fn output_of(
    kind: HeadKind,
    labels: &[String],
    logits: &[f32],
    name: Option<&str>,
) -> Result<Target, AnyError> {
    let place = 1;
    let row = match kind.reads_tokens() {
        true => &logits[place * labels.len()..][..labels.len()],
        false => logits,
    };
    let largest = |best: usize, i: usize| if row[i] > row[best] { i } else { best };
    let output = match name {
        None => (0..row.len()).fold(0, largest),
        Some(name) => labels
            .iter()
            .position(|label| label == name)
            .ok_or_else(|| {
                format!(
                    "`{name}` is no output of this head: they are {}",
                    labels.join(", ")
                )
            })?,
    };
    Ok(match kind.reads_tokens() {
        true => Target::Token { place, output },
        false => Target::Class { output },
    })
}

/// What can be read at a glance.
fn print(found: &Map<String, Value>) {
    let tokens: Vec<&str> = found["tokens"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    println!("{}", tokens.join(" "));
    if let Some(layers) = found.get("lens").and_then(Value::as_array) {
        println!("\nlens, layer by layer (0: the embeddings)");
        for (i, layer) in layers.iter().enumerate() {
            let best = |cell: &Value| {
                let share = 100.0 * cell["top"][0]["probability"].as_f64().unwrap_or(0.0);
                let word = cell["top"][0]["token"].as_str().unwrap_or("");
                let rank = cell["target_rank"].as_u64();
                let rank = rank.map_or(String::new(), |rank| format!(", followed word: {rank}"));
                format!("{word} {share:.1}%{rank}")
            };
            let cells: Vec<String> = layer.as_array().into_iter().flatten().map(best).collect();
            println!("{i:>4}  {}", cells.join("   "));
        }
    }
    for name in ["gradient_x_input", "integrated_gradients", "mask_one_out"] {
        if let Some(numbers) = found.get("attribution").and_then(|a| a[name].as_array()) {
            println!("\n{}", name.replace('_', " "));
            list(&tokens, numbers);
        }
    }
    if let Some(bits) = found.get("surprisal").and_then(Value::as_array) {
        println!("\nsurprisal in bits");
        list(&tokens, bits);
    }
    for side in ["left", "right", "both"] {
        if let Some(best) = found.get("sides").map(|s| &s[side][0]["predictions"][0]) {
            println!("{side:>5}: {}", best["token"].as_str().unwrap_or(""));
        }
    }
    println!("\n{}", json!(found["notes"]));
}

fn list(tokens: &[&str], numbers: &[Value]) {
    let cell = |(token, number): (&&str, &Value)| match number.as_f64() {
        Some(number) => format!("{token} {number:.2}"),
        None => format!("{token} -"),
    };
    let cells: Vec<String> = tokens.iter().zip(numbers).map(cell).collect();
    println!("  {}", cells.join("   "));
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
