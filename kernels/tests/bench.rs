//! What is timed is what is claimed: the product itself, as often as said, on every executor.

use kernels::bench::{Kind, Product, ProductBench, Summary};
use kernels::gpu::{Gpu, Options, Style};
use kernels::{CancelToken, Control, Device, Precision, RunError};
use std::cell::Cell;

thread_local! {
    static TICKS: Cell<f64> = const { Cell::new(0.0) };
}

/// A clock that goes on by one whenever it is looked at.
fn ticking() -> f64 {
    TICKS.set(TICKS.get() + 1.0);
    TICKS.get()
}

fn devices() -> Vec<Device> {
    let gpu = |style| {
        let options = Options {
            style: Some(style),
            ..Options::default()
        };
        Device::Gpu(pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter"))
    };
    vec![
        Device::Cpu(Precision::F32),
        gpu(Style::Lanes),
        gpu(Style::Tiles),
    ]
}

#[test]
fn every_kind_runs_everywhere() {
    for device in devices() {
        for kind in [Kind::Nt, Kind::Nn, Kind::Tn] {
            let product = Product {
                kind,
                m: 5,
                k: 12,
                n: 8,
            };
            pollster::block_on(async {
                let control = Control::default();
                let mut bench = ProductBench::new(&device, &product, ticking, &control)
                    .await
                    .expect("a bench");
                let (runs, _) = bench
                    .calibrate(0.0, ticking, &control)
                    .await
                    .expect("a calibration");
                assert_eq!(runs, 1, "nothing is shorter than no time");
                // Two looks at the clock are one tick apart, as were those of the idle wait.
                let each = bench.sample(3, ticking, &control).await.expect("a sample");
                assert_eq!(each, 0.0, "{kind:?}: the wait itself does not count");
            });
        }
    }
}

#[test]
fn a_cancelled_sample_ends() {
    pollster::block_on(async {
        let product = Product {
            kind: Kind::Nn,
            m: 4,
            k: 4,
            n: 4,
        };
        let device = Device::Cpu(Precision::F32);
        let cancel = CancelToken::default();
        let control = Control::new(cancel.clone(), || Box::pin(async {}));
        let mut bench = ProductBench::new(&device, &product, ticking, &control)
            .await
            .expect("a bench");
        cancel.cancel();
        let outcome = bench.sample(1, ticking, &control).await;
        assert_eq!(outcome, Err(RunError::Cancelled));
    });
}

#[test]
fn a_rate_is_operations_over_time() {
    let product = Product {
        kind: Kind::Nt,
        m: 1000,
        k: 500,
        n: 1000,
    };
    assert_eq!(product.flops(), 1e9);
    assert_eq!(product.gflops(4.0), 250.0);
}

#[test]
fn a_summary_is_the_middle_and_the_least() {
    let of = |samples: &[f64]| Summary::of(samples).map(|s| (s.median, s.least));
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[7.0]), Some((7.0, 7.0)));
    assert_eq!(of(&[9.0, 1.0, 4.0]), Some((4.0, 1.0)));
    assert_eq!(of(&[9.0, 1.0, 4.0, 5.0]), Some((4.5, 1.0)));
}
