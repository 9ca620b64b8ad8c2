//! Matrix products of every kind, in the shapes of BERTs.

use criterion::{Criterion, Throughput};
use kernels::bench::{Kind, Product, ProductBench, variants};
use kernels::gpu::{Gpu, Options, Tuning};
use kernels::{Control, Device, RunError};
use pollster::block_on;

use crate::{Named, clock, group, milliseconds, tune};

/// M, K, N.
const SHAPES: [[usize; 3]; 5] = [
    [128, 768, 768],
    [128, 768, 3072],
    [512, 512, 512],
    [1024, 1024, 1024],
    [128, 128, 30_522],
];
const KINDS: [(Kind, &str); 3] = [(Kind::Nt, "a·bᵀ"), (Kind::Nn, "a·b"), (Kind::Tn, "aᵀ·b")];

/// What BERTs multiply, in the kind in which they do it: one text of 128 tokens, 16 of them, their
/// gradients, and decoders of one, eight and 300 words.
const OF_BERTS: [(Kind, [usize; 3]); 20] = [
    (Kind::Nt, [128, 384, 1152]),
    (Kind::Nt, [128, 384, 384]),
    (Kind::Nt, [128, 384, 1536]),
    (Kind::Nt, [128, 1536, 384]),
    (Kind::Nt, [128, 768, 768]),
    (Kind::Nt, [128, 768, 3072]),
    (Kind::Nt, [128, 3072, 768]),
    (Kind::Nt, [2048, 768, 768]),
    (Kind::Nt, [2048, 768, 2304]),
    (Kind::Nt, [2048, 768, 3072]),
    (Kind::Nt, [2048, 3072, 768]),
    (Kind::Nn, [2048, 768, 768]),
    (Kind::Nn, [2048, 768, 3072]),
    (Kind::Tn, [768, 2048, 768]),
    (Kind::Tn, [3072, 2048, 768]),
    (Kind::Nt, [1024, 1024, 1024]),
    (Kind::Nt, [4096, 4096, 4096]),
    (Kind::Nt, [1, 768, 30_522]),
    (Kind::Nt, [8, 768, 30_522]),
    (Kind::Nt, [300, 768, 30_522]),
];
/// Milliseconds of a sample, and samples, of which the fastest counts.
const SAMPLE_MS: f64 = 20.0;
const SAMPLES: usize = 5;

/// Prints what every shader that a GPU may choose makes of the products of BERTs.
pub fn print((name, device): &Named) {
    let Device::Gpu(gpu) = device else {
        return; // the CPU executor has one way
    };
    if gpu.info().software {
        println!("{name} would take hours: its shaders are compared by `cargo xtask bench a.b`.");
        return;
    }
    let control = Control::default();
    let variants = variants(gpu);
    println!(
        "\nProducts by shader, in TFLOP/s, {}\n\n| M x K x N | {} |",
        gpu.info().name,
        variants.join(" | ")
    );
    println!("| --- |{}", " ---: |".repeat(variants.len()));
    let devices: Vec<_> = variants.iter().map(|v| only(gpu, v)).collect();
    for (kind, [m, k, n]) in OF_BERTS {
        let product = Product { kind, m, k, n };
        print!("| {} {m}x{k}x{n} |", format!("{kind:?}").to_lowercase());
        for device in &devices {
            let each = block_on(async {
                let mut bench = ProductBench::new(device, &product, clock, &control).await?;
                let (runs, mut best) = bench.calibrate(SAMPLE_MS, clock, &control).await?;
                for _ in 0..SAMPLES {
                    best = bench.sample(runs, clock, &control).await?.min(best);
                }
                Ok::<_, RunError>(best)
            });
            let each = each.expect("a product that fits this device");
            print!(" {:.2} |", product.gflops(each) / 1e3);
        }
        println!();
    }
}

/// A device that makes the products of BERTs by one shader.
fn only(gpu: &Gpu, variant: &str) -> Device {
    let log = |size: usize| size.next_power_of_two().ilog2();
    let choice = |&(kind, [m, k, n]): &(Kind, [usize; 3])| {
        let kind = format!("{kind:?}").to_lowercase();
        format!("{kind}-{}-{}-{} {variant}\n", log(m), log(n), log(k))
    };
    let choices: String = OF_BERTS.iter().map(choice).collect();
    let options = Options {
        adapter: Some(gpu.info().name.clone()),
        tuning: Some(Tuning::parse(&choices)),
        ..Options::default()
    };
    Device::Gpu(block_on(Gpu::new(options)).expect("the adapter of before"))
}

pub fn bench(criterion: &mut Criterion, (device_name, device): &Named) {
    let control = Control::default();
    for (kind, kind_name) in KINDS {
        let mut group = group(criterion, kind_name);
        for [m, k, n] in SHAPES {
            let product = Product { kind, m, k, n };
            group.throughput(Throughput::Elements(product.flops() as u64));
            let mut bench = None;
            group.bench_function(format!("{m}x{k}x{n}/{device_name}"), |bencher| {
                // Not before: a filter may leave it out.
                let bench = bench.get_or_insert_with(|| {
                    let bench = block_on(ProductBench::new(device, &product, clock, &control));
                    tune(device);
                    bench.expect("a product that fits this device")
                });
                bencher.iter_custom(|count| {
                    let runs = (count as usize).div_ceil(bench.copies());
                    let each = block_on(bench.sample(runs, clock, &control));
                    milliseconds(each.expect("a product") * count as f64)
                });
            });
        }
    }
}
