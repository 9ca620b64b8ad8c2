//! Attention over heads of any size, with the shaders for subgroups and those that do without.

use kernels::cases::{self, Case};
use kernels::gpu::{Gpu, Options, Style};
use kernels::ops::Mask;
use kernels::{Control, Device, Executable, Params, Plan, Precision, check};

/// Odd ones, over whole tiles and blocks of tokens and none.
const TOKENS: [usize; 5] = [1, 7, 33, 65, 130];
/// Some fill the shaders' registers, some leave the last vector of four half empty.
const HEADS: [usize; 12] = [3, 16, 20, 24, 30, 32, 36, 48, 64, 80, 96, 128];

fn devices() -> Vec<(&'static str, Device)> {
    let gpu = |style, no_subgroups| {
        let options = Options {
            style: Some(style),
            no_subgroups,
            ..Options::default()
        };
        Device::Gpu(pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter"))
    };
    vec![
        ("tiles", gpu(Style::Tiles, false)),
        ("tiles, no subgroups", gpu(Style::Tiles, true)),
        ("lanes", gpu(Style::Lanes, false)),
        ("lanes, no subgroups", gpu(Style::Lanes, true)),
    ]
}

/// Every size of heads with every number of tokens, of one to twelve heads, and every other size with dropout.
fn sizes() -> impl Iterator<Item = ([usize; 4], bool)> {
    let pairs = HEADS
        .into_iter()
        .flat_map(|head| TOKENS.into_iter().map(move |tokens| (tokens, head)));
    pairs.enumerate().map(|(i, (tokens, head))| {
        let heads = if tokens > 65 { 1 + i % 3 } else { 1 + i % 12 };
        ([1 + i % 3, tokens, heads, head], i / TOKENS.len() % 2 == 1)
    })
}

/// Each must lie within its tolerance of the oracle, on every device.
fn assert_all(cases: impl Iterator<Item = Case>) {
    let devices = devices();
    let mut failures = Vec::new();
    for case in cases {
        for (name, device) in &devices {
            let report = pollster::block_on(check(device, &case));
            if !report.passed {
                let (error, most) = (report.max_error, report.tolerance);
                failures.push(format!(
                    "{name}: {}: error {error:.3e} over {most:.3e}",
                    case.what
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn forward() {
    let cases = sizes().map(|(sizes, dropout)| cases::attention(sizes, dropout));
    assert_all(cases);
}

#[test]
fn backward() {
    let cases = sizes().map(|(sizes, dropout)| {
        let [_, tokens, _, head] = sizes;
        // As in `kernels.rs`.
        let magnitude = 4.0 * (head as f64).sqrt() + 1.0;
        let case = cases::attention(sizes, dropout);
        cases::backward(case, 2 * (tokens + head), magnitude)
    });
    assert_all(cases);
}

/// Of one side, of few places and of one.
const MASKS: [Mask; 7] = [
    Mask::LEFT,
    Mask::RIGHT,
    reach(3, 2),
    reach(20, 0),
    reach(0, 40),
    reach(64, 64),
    reach(0, 0),
];

const fn reach(before: u32, after: u32) -> Mask {
    Mask {
        before: Some(before),
        after: Some(after),
    }
}

/// Each case under masks that change from size to size, so that every size of heads meets several.
fn masked() -> impl Iterator<Item = (Case, [usize; 4])> {
    sizes().enumerate().map(|(i, (sizes, dropout))| {
        let mask = MASKS[i % MASKS.len()];
        (cases::masked_attention(sizes, mask, dropout), sizes)
    })
}

#[test]
fn masked_forward() {
    assert_all(masked().map(|(case, _)| case));
}

#[test]
fn masked_backward() {
    let cases = masked().map(|(case, [_, tokens, _, head])| {
        let magnitude = 4.0 * (head as f64).sqrt() + 1.0;
        cases::backward(case, 2 * (tokens + head), magnitude)
    });
    assert_all(cases);
}

#[test]
fn the_weights_written_out_give_the_same() {
    let [batch, tokens, heads, head] = [2, 37, 2, 3];
    let run = |case: Case| {
        let plan = Plan::new(&case.graph, &case.outputs);
        pollster::block_on(async {
            let device = Device::Cpu(Precision::F64);
            let (mut params, _) = Params::new(&device, &[]).expect("no parameters");
            let mut executable = Executable::new(&device, plan, &params).await?;
            let control = Control::default();
            executable.run(&mut params, case.inputs, &control).await
        })
        .expect("it runs")
    };
    for mask in [Mask::ALL].into_iter().chain(MASKS) {
        let sizes = [batch, tokens, heads, head];
        let case = cases::masked_attention(sizes, mask, false);
        let qkv = case.inputs[0].1.to_f32();
        let fused = run(case)[0].to_f32();
        let weights = run(cases::attention_weights(sizes, mask))[0].to_f32();
        for (at, &found) in fused.iter().enumerate() {
            let (row, column) = (at / (heads * head), at % (heads * head));
            let (b, i, a) = (row / tokens, row % tokens, column / head);
            let weights = &weights[((b * heads + a) * tokens + i) * tokens..][..tokens];
            let value = |j: usize| qkv[((b * tokens + j) * 3 + 2) * heads * head + column];
            let sum: f32 = weights.iter().enumerate().map(|(j, w)| w * value(j)).sum();
            assert!((found - sum).abs() < 1e-5, "{mask:?}: {found}, not {sum}");
        }
    }
}
