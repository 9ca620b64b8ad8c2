//! How long each shader takes on a GPU, by its own clock, over operations of three sizes each: to see how a cost
//! grows, and to compare two builds by turns.
//!
//! ```text
//! cargo run --package kernels --example kernel_times -- \
//!     [--tiles | --lanes] [--no-subgroups] [PART OF A NAME…]
//! ```

use kernels::cases::{self, Case};
use kernels::gpu::{Gpu, Options, Style};
use kernels::ops::Mask;
use kernels::{Control, Device, Executable, Params, Plan, Storage, Value};
use std::error::Error;
use std::rc::Rc;

/// Runs of which the fastest counts.
const RUNS: usize = 7;

/// What is timed, by name: with vocabularies, lengths and batches as models have them.
fn all() -> Vec<(&'static str, Case)> {
    let mut all = Vec::new();
    for columns in [4_096, 30_522, 250_002] {
        all.push(("top-k", cases::top_k(1, columns, 10)));
    }
    for rows in [4, 16, 64] {
        all.push(("top-k", cases::top_k(rows, 30_522, 10)));
    }
    for rows in [1, 4, 8] {
        let sizes = [rows, 768, 30_522];
        all.push(("product", cases::linear(sizes, Storage::F32, true, None)));
    }
    for rows in [1, 8, 32] {
        let sizes = [rows, 768, 768];
        all.push(("product", cases::linear(sizes, Storage::F32, true, None)));
    }
    for rows in [128, 512, 2_048] {
        let name = "embedding gradient";
        let embed = cases::embed([rows, 768, 3], Storage::F32);
        all.push((name, cases::backward(embed, rows, rows as f64)));
        all.push(("bias gradient", cases::sum_rows(rows, 768, 1)));
        all.push(("bias gradient", layer_biases(rows, 768)));
        let norm = cases::layer_norm(rows, 768, [true, false]);
        all.push(("layer norm", norm.clone()));
        all.push(("layer norm", cases::backward(norm, rows, rows as f64)));
    }
    for len in [3_000, 300_000, 4_000_000] {
        all.push(("AdamW", cases::adamw_log(len)));
    }
    for rows in [8, 32, 128] {
        let loss = cases::cross_entropy(rows, 30_522, false);
        all.push(("cross-entropy", loss.clone()));
        all.push(("cross-entropy", cases::backward(loss, rows, rows as f64)));
    }
    for (head, heads) in [(64, 12), (32, 12), (48, 12)] {
        for tokens in [16, 128, 512] {
            let forward = cases::attention([1, tokens, heads, head], false);
            all.push(("attention", cases::backward(forward, tokens, tokens as f64)));
            let left = cases::masked_attention([1, tokens, heads, head], Mask::LEFT, false);
            let name = "left-to-right attention";
            all.push((name, cases::backward(left, tokens, tokens as f64)));
        }
    }
    all
}

/// The sums that the biases of a layer need: four of the rows of matrices of one size.
fn layer_biases(rows: usize, columns: usize) -> Case {
    let mut case = cases::sum_rows(rows, columns, 1);
    case.what = format!("{rows}x{columns}, 4");
    for _ in 1..4 {
        let (x, numbers) = case.inputs[0].clone();
        let other = case.graph.input("x", case.graph.ty(x));
        let sum = case.graph.sum_rows(other).expect("a matrix");
        case.inputs.push((other, numbers));
        case.outputs.push(sum);
    }
    case
}

fn main() -> Result<(), Box<dyn Error>> {
    let (flags, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    let style = [("--tiles", Style::Tiles), ("--lanes", Style::Lanes)];
    let options = Options {
        style: style.iter().find(|(flag, _)| has(flag)).map(|s| s.1),
        no_subgroups: has("--no-subgroups"),
        ..Options::default()
    };
    let is_asked = |name: &str| names.is_empty() || names.iter().any(|n| name.contains(n));
    pollster::block_on(async {
        let gpu = Gpu::new(options).await?;
        if !gpu.has_timestamps() {
            return Err("this adapter grants no timestamps".into());
        }
        for (name, case) in all().into_iter().filter(|(name, _)| is_asked(name)) {
            for (kernel, least) in times(&gpu, &case).await? {
                println!("{name} {}\t{kernel}\t{:.3} ms", case.what, least / 1e3);
            }
        }
        Ok(())
    })
}

/// The least that each shader took in a run of the case, in microseconds; several uses of one are added up.
async fn times(gpu: &Rc<Gpu>, case: &Case) -> Result<Vec<(&'static str, f64)>, Box<dyn Error>> {
    let device = Device::Gpu(gpu.clone());
    let specs: Vec<_> = case.params.iter().map(|(spec, _)| spec.clone()).collect();
    let (mut params, ready) = Params::new(&device, &specs)?;
    ready.await?;
    for (spec, elements) in &case.params {
        params.write(&spec.name, 0, elements)?;
    }
    let plan = Plan::new(&case.graph, &case.outputs);
    let used: Vec<Value> = plan.inputs().map(|(value, _)| value).collect();
    let inputs = case.inputs.iter().filter(|(value, _)| used.contains(value));
    let inputs: Vec<_> = inputs.cloned().collect();
    let mut executable = Executable::new(&device, plan, &params).await?;
    let mut best: Vec<(&'static str, f64)> = Vec::new();
    for _ in 0..RUNS {
        gpu.start_profile();
        let control = Control::default();
        executable
            .run(&mut params, inputs.clone(), &control)
            .await?;
        let mut run: Vec<(&'static str, f64)> = Vec::new();
        for time in gpu.take_profile().await? {
            match run.iter_mut().find(|(name, _)| *name == time.kernel) {
                Some((_, sum)) => *sum += time.microseconds,
                None => run.push((time.kernel, time.microseconds)),
            }
        }
        for (kernel, sum) in run {
            match best.iter_mut().find(|(name, _)| *name == kernel) {
                Some((_, least)) => *least = least.min(sum),
                None => best.push((kernel, sum)),
            }
        }
    }
    Ok(best)
}
