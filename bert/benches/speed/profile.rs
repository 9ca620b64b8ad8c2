//! Where time goes: each shader's dispatches in a pass or a step, by the GPU's own clock.

use bert::bench::ForwardBench;
use bert::model::Model;
use kernels::gpu::{Gpu, KernelTime};
use kernels::{Control, Device};
use pollster::block_on;

use crate::passes::{ENCODED, ENCODED_BASE, FILLED, base, minilm, seedling};
use crate::steps::cases;
use crate::{Named, clock, is_hardware, tune};

/// Prints a table for each pass and step on a GPU that grants timestamps; else says why there is none.
pub fn print((name, device): &Named) {
    let Device::Gpu(gpu) = device else {
        return; // the CPU executor has no dispatches
    };
    if !gpu.has_timestamps() {
        println!("{name} grants no timestamps.");
        return;
    }
    let control = Control::default();
    let pass = |case: &str, model: &mut Model, mut bench: ForwardBench| {
        tune(device);
        table(&format!("{case}, {name}"), gpu, || {
            block_on(bench.sample(model, clock, &control)).expect("a pass");
        });
    };
    let mut model = seedling(device);
    for tokens in FILLED {
        let bench = block_on(ForwardBench::fill(&mut model, tokens));
        let case = format!("seedling, fill 1x{tokens}");
        pass(
            &case,
            &mut model,
            bench.expect("a pass that fits this device"),
        );
    }
    let encoders = [
        ("MiniLM-L6", minilm(), ENCODED),
        ("BERT-base", base(), ENCODED_BASE),
    ];
    let hardware = is_hardware(device);
    let measured = if hardware { 2 } else { 1 };
    for (model_name, config, sizes) in encoders.into_iter().take(measured) {
        let model = block_on(Model::fresh(device, config, false, 1));
        let mut model = model.expect("a model that fits this device");
        for [texts, tokens] in sizes {
            let bench = block_on(ForwardBench::encoder(&mut model, texts, tokens));
            let case = format!("{model_name}, encode {texts}x{tokens}");
            pass(
                &case,
                &mut model,
                bench.expect("a pass that fits this device"),
            );
        }
    }
    for case in cases(device) {
        let mut bench = case.prepare(device, &control);
        tune(device);
        table(&format!("step, {}, {name}", case.name), gpu, || {
            block_on(bench.sample(1, clock, &control)).expect("a step");
        });
    }
}

/// Runs something twice, the second time measured, and prints a row for each shader.
fn table(heading: &str, gpu: &Gpu, mut run: impl FnMut()) {
    run();
    gpu.take_submits();
    gpu.start_profile();
    run();
    let times = block_on(gpu.take_profile()).expect("the device is there");
    let submits = gpu.take_submits();
    let total: f64 = times.iter().map(|time| time.microseconds).sum();
    println!(
        "\n{heading}: {:.2} ms in {} submissions, the longest {:.1} ms\n",
        total / 1e3,
        submits.count,
        submits.longest_ms
    );
    println!("| shader | dispatches | microseconds | share |\n| --- | ---: | ---: | ---: |");
    for KernelTime {
        kernel,
        dispatches,
        microseconds,
        ..
    } in times
    {
        let share = 100.0 * microseconds / total;
        println!("| {kernel} | {dispatches} | {microseconds:.1} | {share:.1} % |");
    }
}
