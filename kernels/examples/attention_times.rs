//! How long each shader of attention takes on a GPU, by its own clock: forward and backward, for the style and
//! with or without the subgroups that are asked for.
//!
//! ```text
//! cargo run --release --package kernels --example attention_times -- \
//!     [--tiles | --lanes] [--no-subgroups] [--dropout] HEADS HEAD_SIZE TOKENS…
//! ```

use kernels::gpu::{Gpu, Options, Style};
use kernels::ops::Noise;
use kernels::{
    Control, Device, Executable, Graph, Params, Plan, Tensor, TensorType, Value, gradients,
};
use std::error::Error;

/// Runs of which the fastest counts.
const RUNS: usize = 7;

/// Both passes over one sequence.
fn plan(heads: usize, head: usize, tokens: usize, dropout: bool) -> (Plan, [Value; 4]) {
    let mut g = Graph::new();
    let qkv = g.input("qkv", TensorType::real([tokens, 3 * heads * head]));
    let lengths = g.input("lengths", TensorType::u32([1]));
    let d = g.input("d", TensorType::real([tokens, heads * head]));
    let seed = g.input("seed", TensorType::u32([1]));
    let noise = Noise {
        probability: 0.1,
        stream: 1,
    };
    let dropout = dropout.then_some((noise, seed));
    let (out, _) = g.attention(qkv, lengths, heads, dropout).expect("it fits");
    let slopes = gradients(&mut g, out, d, &[qkv]).expect("differentiable");
    let outputs: Vec<Value> = slopes.into_iter().flatten().collect();
    (Plan::new(&g, &outputs), [qkv, lengths, d, seed])
}

/// Numbers between -1 and 1.
fn numbers(count: usize) -> Tensor {
    Tensor::F32((0..count).map(|i| (i as f32 * 0.7).sin()).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let (flags, sizes): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    let sizes: Vec<usize> = sizes.iter().map(|s| s.parse()).collect::<Result<_, _>>()?;
    let [heads, head, tokens @ ..] = &sizes[..] else {
        return Err("say how many heads, their size, and numbers of tokens".into());
    };
    let style = [("--tiles", Style::Tiles), ("--lanes", Style::Lanes)];
    let options = Options {
        style: style.iter().find(|(flag, _)| has(flag)).map(|s| s.1),
        no_subgroups: has("--no-subgroups"),
        ..Options::default()
    };
    pollster::block_on(async {
        let gpu = Gpu::new(options).await?;
        if !gpu.has_timestamps() {
            return Err("this adapter grants no timestamps".into());
        }
        let device = Device::Gpu(gpu.clone());
        let (mut params, ready) = Params::new(&device, &[])?;
        ready.await?;
        for &tokens in tokens {
            let (plan, [qkv, lengths, d, seed]) = plan(*heads, *head, tokens, has("--dropout"));
            let used: Vec<Value> = plan.inputs().map(|(value, _)| value).collect();
            let mut passes = Executable::new(&device, plan, &params).await?;
            let width = heads * head;
            let mut inputs = vec![
                (qkv, numbers(3 * tokens * width)),
                (lengths, Tensor::U32(vec![tokens as u32])),
                (d, numbers(tokens * width)),
                (seed, Tensor::U32(vec![5])),
            ];
            inputs.retain(|(value, _)| used.contains(value));
            let mut best: Vec<(&str, f64)> = Vec::new();
            for _ in 0..RUNS {
                gpu.start_profile();
                let control = Control::default();
                passes.run(&mut params, inputs.clone(), &control).await?;
                for time in gpu.take_profile().await? {
                    match best.iter_mut().find(|(name, _)| *name == time.kernel) {
                        Some((_, least)) => *least = least.min(time.microseconds),
                        None => best.push((time.kernel, time.microseconds)),
                    }
                }
            }
            best.sort_by_key(|(name, _)| *name);
            for (name, least) in best {
                println!(
                    "{heads} x {head}, T {tokens}\t{name}\t{:.3} ms",
                    least / 1e3
                );
            }
        }
        Ok(())
    })
}
