//! Matrix products of every kind, in the shapes of BERTs.

use criterion::{Criterion, Throughput};
use kernels::Control;
use kernels::bench::{Kind, Product, ProductBench};
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
