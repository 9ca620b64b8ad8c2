//! Every kernel against its CPU twin in double precision, at awkward sizes, with both families of
//! shaders, on whatever Vulkan adapter there is (a software one will do).

mod common;

use common::devices::devices;
use common::{SIZES, assert_all, storage};
use kernels::cases;
use kernels::ops::{Function, Loss, Mask};
use kernels::{
    Control, Device, Executable, Extent, Graph, Params, Plan, Precision, RunError, Storage, Tensor,
    TensorType, check, self_test,
};

#[test]
fn linear() {
    let mut shapes: Vec<[usize; 3]> = Vec::new();
    for size in SIZES {
        shapes.extend([
            [size, 17, 3],
            [3, size, 17],
            [17, 3, size],
            [5, 4 * size, 33],
        ]);
    }
    shapes.extend([[64, 64, 64], [65, 260, 65], [257, 256, 255]]);
    let functions = [
        None,
        Some(Function::Gelu),
        Some(Function::GeluTanh),
        Some(Function::Tanh),
        Some(Function::Relu),
        Some(Function::Silu),
        Some(Function::QuickGelu),
    ];
    assert_all(shapes.into_iter().enumerate().flat_map(|(i, shape)| {
        let function = functions[i % functions.len()];
        [
            cases::linear(shape, Storage::F32, i % 2 == 0, function),
            cases::linear(shape, Storage::F16, i % 2 == 1, function),
            cases::linear_blocks(shape, 2 + i % 4, storage(i), i % 3 > 0, function),
        ]
    }));
}

#[test]
fn activation() {
    assert_all(
        SIZES
            .into_iter()
            .flat_map(|n| Function::ALL.map(|f| cases::activation(n, f))),
    );
}

#[test]
fn a_grid_of_more_workgroups_than_one_dimension_allows() {
    assert_all([cases::activation(65_535 * 64 + 65, Function::Relu)]);
}

#[test]
fn embed() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::embed([n, 17, 3], Storage::F32),
            cases::embed([3, n, 3], Storage::F16),
            cases::embed([3, n, 3], Storage::F32),
            cases::embed([n, 17, 2], Storage::F16),
            cases::embed([3, n, 2], Storage::F32),
            cases::embed_blocks([n, 17, 3], 2, Storage::F16),
            cases::embed_blocks([n, 5, 2], 19, Storage::F32),
            cases::embed_blocks([17, n, 3], 3, Storage::F16),
        ]
    }));
}

#[test]
fn gather() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::gather(n, 17, n % 2 == 0),
            cases::gather(3, n, n % 2 == 1),
        ]
    }));
}

#[test]
fn layer_norm() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::layer_norm(n, 17, [true, true]),
            cases::layer_norm(3, n.max(2), [false, false]),
            cases::layer_norm(2, n.max(2), [false, true]),
            cases::layer_norm(5, 4 * n, [true, false]),
        ]
    }));
}

#[test]
fn softmax() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::softmax(n, 17),
            cases::softmax(3, n),
            cases::softmax(2, 4 * n),
        ]
    }));
}

fn attention_sizes() -> impl Iterator<Item = [usize; 4]> {
    let heads = [[2, 1], [2, 3], [1, 17], [3, 32], [2, 64], [1, 128]];
    // Heads that have shaders of their own, over whole blocks of tokens and none.
    let own = [1, 3, 16, 33].map(|tokens| [[2, tokens, 2, 32], [1, tokens, 1, 64]]);
    let sizes = SIZES
        .into_iter()
        .flat_map(|tokens| [[1, tokens, 2, 8], [3, tokens, 1, 5]]);
    sizes
        .chain(heads.map(|[a, d]| [2, 19, a, d]))
        .chain(own.into_iter().flatten())
}

#[test]
fn attention() {
    assert_all(
        attention_sizes()
            .enumerate()
            .map(|(i, s)| cases::attention(s, i % 2 == 1)),
    );
}

const SIGHTS: [Mask; 3] = [Mask::ALL, Mask::LEFT, Mask::RIGHT];

#[test]
fn attention_weights() {
    assert_all(
        attention_sizes()
            .enumerate()
            .map(|(i, s)| cases::attention_weights(s, SIGHTS[i % 3])),
    );
}

#[test]
fn scale_columns() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::scale_columns(n, 17),
            cases::backward(cases::scale_columns(3, n), 1, 1.0),
        ]
    }));
}

#[test]
fn attention_survey() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::attention_survey([2, n, 2], 16),
            cases::attention_survey([1, 19, n.min(17)], 5),
        ]
    }));
}

#[test]
fn value_norms() {
    assert_all(
        attention_sizes()
            .enumerate()
            .map(|(i, s)| cases::value_norms(s, SIZES[i % SIZES.len()])),
    );
}

#[test]
fn attention_backward() {
    assert_all(attention_sizes().enumerate().map(|(i, s)| {
        let [_, tokens, _, head] = s;
        // dv sums T products of a weight of at most 1; dq and dk sum T products of ds, |ds| being at
        // most twice the sum of D products.
        let magnitude = 4.0 * (head as f64).sqrt() + 1.0;
        cases::backward(
            cases::attention(s, i % 2 == 1),
            2 * (tokens + head),
            magnitude,
        )
    }));
}

#[test]
fn linear_backward() {
    let shapes = SIZES
        .into_iter()
        .flat_map(|s| [[s, 17, 4], [3, s, 17], [17, 4, s], [5, 33, 4 * s]]);
    assert_all(shapes.enumerate().map(|(i, [m, k, n])| {
        let longest = m.max(k).max(n);
        cases::backward(
            // The weight whole, or in two or three blocks.
            cases::linear_blocks([m, k, n], 1 + i % 3, storage(i), true, None),
            longest,
            longest as f64,
        )
    }));
}

#[test]
fn matmul() {
    let shapes = SIZES
        .into_iter()
        .flat_map(|s| [[s, 17, 4], [3, s, 17], [17, 4, s], [5, 33, 4 * s]]);
    assert_all(shapes.enumerate().map(|(i, shape)| {
        let storage = if i % 3 == 0 {
            Storage::F32
        } else {
            Storage::F16
        };
        cases::matmul(shape, storage, i % 2 == 1)
    }));
}

#[test]
fn elementwise_and_their_gradients() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        let mut cases = vec![
            cases::add(n),
            cases::dropout(n),
            cases::backward(cases::dropout(n), 1, 2.0),
            cases::backward(cases::add(n), 1, 1.0),
        ];
        cases.extend(Function::ALL.map(|f| {
            // The slope's argument reaches 8, where one rounding moves x² phi(x) most.
            cases::backward(cases::activation(n, f), 1, 8.0)
        }));
        cases
    }));
}

#[test]
fn row_reductions_backward() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        let softmax = |rows, columns| cases::backward(cases::softmax(rows, columns), columns, 4.0);
        let norm = |rows: usize, columns: usize, before| {
            // Sums over a row of C for dz, over R rows for the parameters; 1/deviation is about 2.
            let longest = rows.max(columns);
            let case = cases::layer_norm(rows, columns, before);
            cases::backward(case, longest, 8.0 * (longest as f64).sqrt() + 8.0)
        };
        [
            softmax(n, 17),
            softmax(3, n),
            norm(n, 17, [true, false]),
            norm(n, 17, [true, true]),
            norm(3, n.max(2), [false, false]),
            norm(3, n.max(2), [false, true]),
        ]
    }));
}

#[test]
fn cross_entropy_and_its_gradient() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [[n, 17], [3, n], [2, 4 * n]]
            .into_iter()
            .flat_map(|[rows, columns]| {
                let cases = [false, true].map(|weighted| {
                    let case = cases::cross_entropy(rows, columns, weighted);
                    [case.clone(), cases::backward(case, columns, 2.0)]
                });
                cases.into_iter().flatten()
            })
    }));
}

/// Rows that are nearly certain: their loss is smaller than the rounding of their logits, and most
/// of it comes from many terms that would each vanish beside the largest.
#[test]
fn a_small_cross_entropy_keeps_its_digits() {
    let (rows, columns) = (3, 600);
    let logits: Vec<f64> = (0..rows * columns)
        .map(|i| match (i / columns, i % columns) {
            (0, 7) | (1, 7) => 25.0,
            (2, 7 | 8) => 25.0,
            (0, c) => 5.0 + (c % 5) as f64 / 8.0,
            (_, c) => 8.0 + (c % 7) as f64 / 4.0,
        })
        .collect();
    let mut graph = Graph::new();
    let x = graph.input("logits", TensorType::real([rows, columns]));
    let labels = graph.input("labels", TensorType::u32([rows]));
    let losses = graph.cross_entropy(x, labels, None).expect("a loss").losses;
    let plan = Plan::new(&graph, &[losses]);
    let run = |device: &Device| -> Vec<f64> {
        let found = pollster::block_on(async {
            let (mut params, ready) = Params::new(device, &[])?;
            ready.await?;
            let mut executable = Executable::new(device, plan.clone(), &params).await?;
            let inputs = vec![
                (x, Tensor::F64(logits.clone())),
                (labels, Tensor::U32(vec![7; rows])),
            ];
            let found = executable
                .run(&mut params, inputs, &Control::default())
                .await?;
            Ok::<_, RunError>(found)
        });
        found.expect("a run")[0].to_f64()
    };
    let expected = run(&Device::Cpu(Precision::F64));
    assert!(expected[0] > 1e-7 && expected[0] < 1e-5, "{expected:?}");
    assert!((expected[2] - 2f64.ln()).abs() < 1e-3, "{expected:?}");
    // A few units in the last place of each term, and of their sum.
    let allowed = 64.0 * f64::from(f32::EPSILON);
    for (name, device) in devices() {
        for (found, expected) in run(&device).into_iter().zip(&expected) {
            let error = (found - expected).abs() / expected;
            assert!(error < allowed, "{name}: {found}, not {expected}");
        }
    }
}

#[test]
fn mean_of_tokens_and_its_gradient() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        let cases = [cases::mean_tokens(3, n, 17), cases::mean_tokens(n, 3, 5)];
        cases
            .into_iter()
            .flat_map(|case| [case.clone(), cases::backward(case, 1, 1.0)])
    }));
}

#[test]
fn losses_number_by_number_and_their_gradients() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [Loss::Binary, Loss::Squared]
            .into_iter()
            .flat_map(move |loss| {
                let case = cases::mean_loss([n, 3], loss);
                [case.clone(), cases::backward(case, 1, 20.0)]
            })
    }));
}

#[test]
fn sums_over_runs() {
    assert_all(SIZES.into_iter().map(cases::accumulate));
}

#[test]
fn transpose() {
    assert_all(
        SIZES
            .into_iter()
            .flat_map(|n| [[1, n, 2], [3, 2, n], [2, n, 17]].map(cases::transpose)),
    );
}

#[test]
fn copy() {
    let storages = [Storage::F32, Storage::F16];
    assert_all(
        SIZES
            .into_iter()
            .flat_map(|n| storages.map(|s| cases::copy(n, s))),
    );
}

#[test]
fn look_ups_backward() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::backward(cases::embed([n, 17, 3], Storage::F32), n, n as f64),
            cases::backward(cases::embed([3, n, 3], Storage::F16), 3, 3.0),
            cases::backward(cases::embed([n, 17, 2], Storage::F32), n, n as f64),
            cases::backward(
                cases::embed_blocks([n, 17, 3], 4, Storage::F16),
                n,
                n as f64,
            ),
            cases::backward(cases::gather(n, 17, n % 2 == 0), n, n as f64),
        ]
    }));
}

#[test]
fn top_k() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::top_k(n, 17, 5),
            cases::top_k(3, n, n.min(10)),
            cases::top_k(2, 4 * n, 3.min(n)),
        ]
    }));
}

#[test]
fn sample_and_substitute() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [
            cases::sample(n, 17),
            cases::sample(3, n),
            cases::substitute(n),
        ]
    }));
}

#[test]
fn columns_are_drawn_as_often_as_their_probabilities_say() {
    // One is next to impossible, and one of them comes in half of the rows.
    let probabilities = [0.5f64, 0.3, 0.199, 0.001, 1e-9];
    let rows = 40_000;
    let logits: Vec<f64> = probabilities.iter().map(|p| p.ln() + 2.0).collect();
    for (name, device) in devices() {
        let mut graph = Graph::new();
        let x = graph.input("x", TensorType::real([rows, 5]));
        let seed = graph.input("seed", TensorType::u32([1]));
        let sampled = graph.sample(x, seed, 1).expect("shapes fit");
        let draw = |seed_of_run: u32| {
            let inputs = vec![
                (x, Tensor::F64(logits.repeat(rows))),
                (seed, Tensor::U32(vec![seed_of_run])),
            ];
            let found = pollster::block_on(async {
                let (mut params, ready) = Params::new(&device, &[]).expect("memory");
                ready.await.expect("memory");
                let plan = Plan::new(&graph, &[sampled]);
                let executable = Executable::new(&device, plan, &params).await;
                let control = Control::default();
                let mut executable = executable.expect("a plan");
                executable.run(&mut params, inputs, &control).await
            });
            found.expect("a run").remove(0).as_u32().to_vec()
        };
        let drawn = draw(7);
        for (column, p) in probabilities.iter().enumerate() {
            let count = drawn.iter().filter(|c| **c as usize == column).count() as f64;
            let expected = p * rows as f64;
            // Five standard deviations of a binomial.
            let allowed = 5.0 * (expected * (1.0 - p)).sqrt() + 1e-3;
            assert!(
                (count - expected).abs() <= allowed,
                "{name}, column {column}: {count} of {expected}"
            );
        }
        assert_ne!(drawn, draw(8), "{name}");
    }
}

#[test]
fn rows_as_long_as_a_vocabulary() {
    assert_all([
        cases::sample(2, 30_522),
        cases::top_k(3, 8192, 10),
        cases::top_k(2, 30_522, 100),
        cases::top_k(1, 140_000, 7),
        cases::top_k(2, 1500, 600),
        cases::softmax(2, 30_522),
    ]);
}

#[test]
fn the_start_up_test_passes_and_tells_a_wrong_kernel() {
    let devices = devices();
    for (name, device) in &devices {
        let found = pollster::block_on(self_test(device, Extent::Start));
        assert!(found.trusted, "{name}");
        for report in found.reports {
            assert!(report.passed, "{name}: {report:?}");
        }
        if let Device::Gpu(gpu) = device {
            while gpu.has_untested() {
                let found = pollster::block_on(self_test(device, Extent::Variant));
                assert!(found.trusted, "{name}");
                for report in found.reports {
                    assert!(report.passed, "{name}: {report:?}");
                }
            }
            assert_eq!(gpu.left_out(), [], "{name}");
        }
    }
    // A case whose expectation is broken on purpose must not pass.
    let mut case = cases::softmax(3, 17);
    case.magnitude = 1e-12;
    let report = pollster::block_on(check(&devices[1].1, &case));
    assert!(!report.passed && report.detail.is_some(), "{report:?}");
}
