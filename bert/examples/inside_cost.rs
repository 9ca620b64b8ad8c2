//! What looks inside cost beside a probe of the same text, interleaved, once their plans are made.
//!
//! `cargo run --release -p bert --example inside_cost -- DIR [TOKENS] [gpu|cpu]`

#[allow(dead_code)] // a part is used here
mod common;

use std::time::Instant;

use bert::inside::{AttentionRequest, LensRequest, Subject, attention, lens, surprisal};
use bert::probe::{Request, fill_mask};
use common::AnyError;
use kernels::Control;

/// Rounds, of which the median counts.
const ROUNDS: usize = 9;

fn main() -> Result<(), AnyError> {
    let mut rest = std::env::args().skip(1);
    let folder = rest
        .next()
        .ok_or("usage: inside_cost DIR [TOKENS] [gpu|cpu]")?;
    let tokens: usize = rest.next().map_or(Ok(32), |tokens| tokens.parse())?;
    let device = common::device(&rest.next().unwrap_or("cpu".to_owned()))?;
    let folder = std::path::PathBuf::from(folder);
    let (config, tokenizer) = common::tokenizer(&folder)?;
    let mut model = common::model(&folder, config, &device)?;
    let control = Control::default();
    let text = "the ".repeat(tokens.saturating_sub(2));
    let request = Request {
        text: text.clone(),
        pair: None,
        hidden: vec![2],
        top_k: 10,
        compare: Vec::new(),
    };
    let subject = Subject {
        text,
        hidden: vec![2],
        ..Subject::default()
    };
    let through = LensRequest {
        places: Vec::new(),
        top_k: 10,
        follow: None,
    };
    let last = model.config().num_hidden_layers - 1;
    let layer = AttentionRequest {
        layer: last,
        row: None,
    };
    let mut times = [const { Vec::new() }; 3];
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        pollster::block_on(fill_mask(&mut model, &tokenizer, &request, &control))?;
        let probe = begun.elapsed();
        let begun = Instant::now();
        pollster::block_on(lens(&mut model, &tokenizer, &subject, &through, &control))?;
        let looked = begun.elapsed();
        let begun = Instant::now();
        pollster::block_on(attention(
            &mut model, &tokenizer, &subject, &layer, &control,
        ))?;
        let attended = begun.elapsed();
        // The first round makes the plans.
        if round > 0 {
            for (times, took) in times.iter_mut().zip([probe, looked, attended]) {
                times.push(took.as_secs_f64() * 1e3);
            }
        }
    }
    let [probe, looked, attended] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!(
        "{tokens} tokens: probe {probe:.2} ms, lens {:.2}x, attention {:.2}x",
        looked / probe,
        attended / probe
    );
    let nobody = &mut |_, _| {};
    let first = surprisal(&mut model, &tokenizer, &subject, true, nobody, &control);
    pollster::block_on(first)?;
    let begun = Instant::now();
    let all = surprisal(&mut model, &tokenizer, &subject, true, nobody, &control);
    let scored = pollster::block_on(all)?.scored;
    let together = begun.elapsed().as_secs_f64() * 1e3;
    let single = probe * scored as f64;
    println!(
        "{scored} surprisals: {together:.0} ms in batches, {single:.0} ms as {scored} probes: {:.2}x",
        single / together
    );
    Ok(())
}
