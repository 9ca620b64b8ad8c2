//! The shaders that a product may be made by: each computes the same, and a trial chooses once.

use kernels::bench::variants;
use kernels::cases::{self, Case};
use kernels::gpu::{Gpu, Options, Style, Tuning};
use kernels::ops::{Function, Join};
use kernels::{Control, Device, Storage, check};

/// A device whose matrix products of these sizes are made by this shader.
fn tuned(style: Style, [m, k, n]: [usize; 3], variant: &str) -> Device {
    let log = |size: usize| size.next_power_of_two().ilog2();
    let [m, k, n] = [m, k, n].map(log);
    // The product and the gradients of its two factors.
    let choices =
        format!("nt-{m}-{n}-{k} {variant}\nnn-{m}-{k}-{n} {variant}\ntn-{n}-{k}-{m} {variant}\n");
    let options = Options {
        style: Some(style),
        tuning: Some(Tuning::parse(&choices)),
        ..Options::default()
    };
    let gpu = pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter");
    // Another one would make the products otherwise, and nobody would know.
    assert!(variants(&gpu).contains(&variant), "there is no {variant}");
    Device::Gpu(gpu)
}

fn assert_right(style: Style, shape: [usize; 3], variant: &str, cases: &[Case]) {
    let device = tuned(style, shape, variant);
    for case in cases {
        let report = pollster::block_on(check(&device, case));
        assert!(report.passed, "{variant}: {report:?}");
    }
}

/// The products of these sizes in every way that a graph needs them, each by these shaders.
fn assert_all(style: Style, shape: [usize; 3], variants: &[&str]) {
    let [m, k, n] = shape;
    let longest = m.max(k).max(n);
    let gelu = Function::Gelu;
    let backward = cases::linear(shape, Storage::F32, false, None);
    let cases = [
        cases::linear(shape, Storage::F16, true, Some(gelu)),
        cases::backward(backward, longest, longest as f64),
        cases::joined([m, n, k], false, Join::Slope(gelu)),
        cases::joined([n, m, k], true, Join::Sum),
    ];
    for variant in variants {
        assert_right(style, shape, variant, &cases);
    }
}

#[test]
fn every_tile_that_a_trial_may_choose() {
    let all = [
        "tiles-16x64-4",
        "tiles-32x32-4",
        "tiles-64x64",
        "tiles-64x64-8x8",
        "tiles-128x64",
    ];
    for shape in [[1, 70, 67], [5, 132, 66], [13, 9, 30]] {
        assert_all(Style::Tiles, shape, &["rows-1", "rows-4", "rows-8"]);
    }
    assert_all(Style::Tiles, [13, 70, 67], &all[..2]);
    assert_all(Style::Tiles, [37, 132, 66], &all[..3]);
    assert_all(Style::Tiles, [517, 516, 515], &all[1..]);
}

/// Shaders for GPUs that load along rows, or without shared memory.
const LATER: [&str; 7] = [
    "bare-4x4",
    "bare-8x4",
    "strips-32x32-4",
    "strips-64x32",
    "strips-64x64",
    "strips-64x64-ahead",
    "strips-128x64",
];

#[test]
fn every_strip_and_what_does_without_shared_memory() {
    for shape in [[5, 132, 66], [67, 37, 131], [261, 259, 130]] {
        assert_all(Style::Tiles, shape, &LATER);
    }
}

#[test]
fn sizes_that_are_read_and_stored_four_at_a_time() {
    let tiles = ["tiles-16x64-4", "tiles-32x32-4", "tiles-64x64"];
    assert_all(Style::Tiles, [36, 132, 68], &tiles);
    let shape = [132, 68, 140];
    assert_all(Style::Tiles, shape, &["tiles-64x64-8x8", "tiles-128x64"]);
    assert_all(Style::Tiles, shape, &LATER);
    // Blocks of columns of which all, none, or some begin at whole vectors; and of rows that do not.
    for (n, blocks) in [(140, 5), (140, 3), (140, 9), (133, 3)] {
        let [m, k] = [132, 68];
        let case = [cases::linear_blocks(
            [m, k, n],
            blocks,
            Storage::F32,
            true,
            None,
        )];
        for variant in ["tiles-64x64", "strips-64x32", "bare-8x4"] {
            let of_a_block = [m, k, n.div_ceil(blocks)];
            assert_right(Style::Tiles, of_a_block, variant, &case);
        }
    }
}

#[test]
fn parts_of_k_are_added_up_in_order() {
    // Of one part, of several, of a last one that is shorter.
    for shape in [[5, 132, 66], [67, 259, 131], [132, 1024, 68]] {
        assert_all(Style::Tiles, shape, &["split-64x32"]);
    }
    // The gradient of a weight has the same bits every time.
    let device = tuned(Style::Tiles, [516, 64, 60], "split-64x32");
    let linear = cases::linear([516, 64, 60], Storage::F32, false, None);
    let case = cases::backward(linear, 516, 516.0);
    let run = || pollster::block_on(check(&device, &case));
    let first = run();
    assert!(first.passed, "{first:?}");
    assert_eq!(run().max_error.to_bits(), first.max_error.to_bits());
}

#[test]
fn quads_of_every_size() {
    let small = ["quads-4x8", "quads-8x8", "quads-16x16"];
    for shape in [[3, 9, 5], [67, 70, 69]] {
        assert_all(Style::Lanes, shape, &small);
    }
    // Mesa takes many seconds to compile one of the longest.
    let shape = [67, 70, 69];
    let [m, k, n] = shape;
    let linear = cases::linear(shape, Storage::F16, true, Some(Function::Gelu));
    let slope = cases::joined([m, n, k], false, Join::Slope(Function::Gelu));
    let sum = cases::joined([n, m, k], true, Join::Sum);
    assert_right(
        Style::Lanes,
        shape,
        "quads-32x16",
        &[linear.clone(), slope, sum],
    );
    assert_right(Style::Lanes, shape, "quads-64x16", &[linear]);
}

#[test]
fn without_subgroups() {
    let options = Options {
        style: Some(Style::Lanes),
        no_subgroups: true,
        ..Options::default()
    };
    let gpu = pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter");
    let device = Device::Gpu(gpu);
    for shape in [[5, 20, 33], [37, 68, 70], [37, 67, 70]] {
        let [m, k, n] = shape;
        let longest = m.max(k).max(n);
        let linear = |storage| cases::linear(shape, storage, true, None);
        let backward = cases::backward(linear(Storage::F32), longest, longest as f64);
        for case in [linear(Storage::F16), backward] {
            let report = pollster::block_on(check(&device, &case));
            assert!(report.passed, "{report:?}");
        }
    }
}

#[test]
fn trials_run_when_asked_and_what_they_chose_can_be_kept() {
    let run = |tuning: Option<Tuning>| {
        let options = Options {
            style: Some(Style::Tiles),
            tuning,
            ..Options::default()
        };
        let gpu = pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter");
        let device = Device::Gpu(gpu.clone());
        // One of the candidates is of two dispatches.
        let case = cases::linear([64, 512, 128], Storage::F32, true, None);
        let answer = || {
            let report = pollster::block_on(check(&device, &case));
            assert!(report.passed, "{report:?}");
        };
        answer();
        let before = gpu.tuning().to_string();
        // Long enough for one class on any machine.
        let control = Control::default();
        pollster::block_on(gpu.run_trials(60_000.0, &control)).expect("the device is there");
        assert!(!gpu.wants_trials());
        answer();
        (
            before,
            gpu.tuning().to_string(),
            gpu.record_id(),
            variants(&gpu),
        )
    };
    let (before, after, id, all) = run(None);
    assert_eq!(before, "", "no trial before an answer");
    let chosen = after.strip_prefix("nt-6-7-9 ").map(str::trim_end);
    assert!(chosen.is_some_and(|name| all.contains(&name)), "{after}");
    assert_eq!(id.map(|id| id.len()), Some(8));
    // A name that no trial would give stays, so nothing was measured again.
    let kept = "nt-6-7-9 tiles-of-old\n";
    let (before, after, ..) = run(Some(Tuning::parse(kept)));
    assert_eq!((before.as_str(), after.as_str()), (kept, kept));
}

#[test]
fn trials_without_time_decide_nothing() {
    let options = Options {
        style: Some(Style::Tiles),
        ..Options::default()
    };
    let gpu = pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter");
    let case = cases::linear([128, 256, 256], Storage::F32, true, None);
    let report = pollster::block_on(check(&Device::Gpu(gpu.clone()), &case));
    assert!(report.passed, "{report:?}");
    let control = Control::default();
    pollster::block_on(gpu.run_trials(-1.0, &control)).expect("the device is there");
    assert!(gpu.wants_trials() && gpu.tuning().is_empty());
    assert_eq!(gpu.record_id(), None);
}
