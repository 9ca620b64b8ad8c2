//! Attention over heads of any size, with the shaders for subgroups and those that do without.

use kernels::cases::{self, Case};
use kernels::gpu::{Gpu, Options, Style};
use kernels::{Device, check};

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
