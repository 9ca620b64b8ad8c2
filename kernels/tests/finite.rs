//! Numbers that are none: NaN and infinities come out where they went in, on every executor.

#[path = "common/devices.rs"]
mod devices;

use kernels::ops::{Function, Mask, NO_TARGET};
use kernels::{
    Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, Storage, Tensor,
    TensorType, Value, gradients,
};

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;
/// NaN with its sign set, as x86 makes it of `inf - inf`.
const NEGATIVE_NAN: f32 = f32::from_bits(0xffc0_0000);
const NONE: [f32; 4] = [NAN, NEGATIVE_NAN, INF, -INF];
/// Short and long: a lane to a row or many, one row to a workgroup or four.
const COLUMNS: [usize; 3] = [3, 33, 9000];

/// Those of every kernel test, and the CPU in double precision.
fn devices() -> Vec<(&'static str, Device)> {
    let mut all = devices::devices();
    all.push(("cpu f64", Device::Cpu(Precision::F64)));
    all
}

fn run(
    device: &Device,
    graph: &Graph,
    outputs: &[Value],
    params: &[(&str, Vec<usize>, Vec<f32>)],
    inputs: Vec<(Value, Tensor)>,
) -> Vec<Tensor> {
    let specs: Vec<ParamSpec> = params
        .iter()
        .map(|(name, shape, _)| ParamSpec {
            name: (*name).to_owned(),
            shape: kernels::Shape::new(shape),
            storage: Storage::F32,
        })
        .collect();
    pollster::block_on(async {
        let (mut stored, ready) = Params::new(device, &specs).expect("memory");
        ready.await.expect("memory");
        for (name, _, numbers) in params {
            stored.write(name, 0, numbers).expect("it fits");
        }
        let plan = Plan::new(graph, outputs);
        let mut executable = Executable::new(device, plan, &stored)
            .await
            .expect("a plan");
        let control = Control::default();
        let found = executable.run(&mut stored, inputs, &control);
        found.await.expect("a run")
    })
}

/// Rows of numbers in order; the second has `none` at `place`.
fn rows(count: usize, columns: usize, place: usize, none: f32) -> Vec<f32> {
    let number = |i: usize| ((i % columns) as f32 * 0.7).sin();
    let mut x: Vec<f32> = (0..count * columns).map(number).collect();
    x[columns + place] = none;
    x
}

#[test]
fn a_row_without_an_order_has_valid_columns_and_nan_for_figures() {
    let k = 3;
    for (name, device) in devices() {
        for columns in COLUMNS {
            for none in NONE {
                for place in [0, columns / 2, columns - 1] {
                    let mut g = Graph::new();
                    let x = g.input("x", TensorType::real([3, columns]));
                    let targets = g.input("targets", TensorType::u32([3]));
                    let top = g.top_k(x, targets, k).expect("it fits");
                    let outputs = [top.values, top.columns, top.figures];
                    let numbers = rows(3, columns, place, none);
                    let inputs = vec![
                        (x, Tensor::F32(numbers.clone())),
                        (targets, Tensor::U32(vec![1, 1, NO_TARGET])),
                    ];
                    let found = run(&device, &g, &outputs, &[], inputs);
                    let what = format!("{name}, {none} at {place} of {columns}");
                    let (values, figures) = (found[0].to_f32(), found[2].to_f32());
                    assert_eq!(found[1].as_u32()[k..2 * k], [0, 1, 2], "{what}");
                    for i in 0..k {
                        let (value, own) = (values[k + i], numbers[columns + i]);
                        assert!(value == own || (value.is_nan() && own.is_nan()), "{what}");
                    }
                    assert!(figures[3].is_nan() && figures[5].is_nan(), "{what}");
                    // Its neighbours are as they were.
                    for row in [0, 2] {
                        assert!(figures[3 * row].is_finite(), "{what}");
                        let own = &numbers[row * columns..][..columns];
                        let best = own.iter().copied().fold(-INF, f32::max);
                        assert_eq!(values[row * k], best, "{what}");
                        let column = found[1].as_u32()[row * k] as usize;
                        assert_eq!(own[column], best, "{what}");
                    }
                    assert_eq!(figures[8], 0.0, "{what}");
                    assert!(figures[2] >= 1.0, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_loss_passes_on_what_is_no_number() {
    for (name, device) in devices() {
        for columns in COLUMNS {
            for none in NONE {
                for place in [0, columns - 1] {
                    let mut g = Graph::new();
                    let x = g.input("x", TensorType::real([3, columns]));
                    let labels = g.input("labels", TensorType::u32([3]));
                    let d = g.input("d", TensorType::real([1]));
                    let loss = g.cross_entropy(x, labels, None).expect("it fits");
                    let dx = gradients(&mut g, loss.mean, d, &[x]).expect("differentiable");
                    let dx = dx[0].expect("the loss needs it");
                    for labelled in [true, false] {
                        let label = if labelled { 1 } else { NO_TARGET };
                        let inputs = vec![
                            (x, Tensor::F32(rows(3, columns, place, none))),
                            (labels, Tensor::U32(vec![1, label, 2])),
                            (d, Tensor::F32(vec![1.0])),
                        ];
                        let outputs = [loss.mean, loss.losses, dx];
                        let found = run(&device, &g, &outputs, &[], inputs);
                        let what = format!("{name}, {none} at {place} of {columns}, {labelled}");
                        let losses = found[1].to_f32();
                        assert!(losses[0].is_finite() && losses[2].is_finite(), "{what}");
                        assert_eq!(found[0].to_f32()[0].is_nan(), labelled, "{what}");
                        assert_eq!(losses[1].is_nan(), labelled, "{what}");
                        let dx = found[2].to_f32();
                        let row = |r: usize| &dx[r * columns..][..columns];
                        assert!(row(0).iter().all(|x| x.is_finite()), "{what}");
                        match labelled {
                            true => assert!(row(1).iter().any(|x| x.is_nan()), "{what}"),
                            false => assert!(row(1).iter().all(|&x| x == 0.0), "{what}"),
                        }
                    }
                }
            }
        }
    }
}

/// What plans make of a classifier's last layer, its loss and both gradients.
#[test]
fn a_head_passes_on_what_is_no_number() {
    let [rows_, k, n] = [3, 20, 3];
    for (name, device) in devices() {
        for none in NONE {
            for labelled in [true, false] {
                let mut g = Graph::new();
                let h = g.input("h", TensorType::real([rows_, k]));
                let labels = g.input("labels", TensorType::u32([rows_]));
                let d = g.input("d", TensorType::real([1]));
                let (w, b) = (
                    g.param("w", [n, k]).expect("new"),
                    g.param("b", [n]).expect("new"),
                );
                let logits = g.linear(h, w, Some(b)).expect("it fits");
                let mean = g.cross_entropy(logits, labels, None).expect("it fits").mean;
                let found = gradients(&mut g, mean, d, &[w, b]).expect("differentiable");
                let mut outputs: Vec<Value> = found.into_iter().flatten().collect();
                outputs.push(mean);
                assert_eq!(Plan::new(&g, &outputs).steps().len(), 2, "it is not fused");
                let label = if labelled { 1 } else { NO_TARGET };
                let inputs = vec![
                    (h, Tensor::F32(rows(rows_, k, 4, 0.5))),
                    (labels, Tensor::U32(vec![NO_TARGET, label, NO_TARGET])),
                    (d, Tensor::F32(vec![1.0])),
                ];
                // One of the logits that are not the label's.
                let bias = vec![none, 0.0, 0.0];
                let weight = (0..n * k).map(|i| 0.1 + i as f32 * 0.01).collect();
                let params = [("w", vec![n, k], weight), ("b", vec![n], bias)];
                let found = run(&device, &g, &outputs, &params, inputs);
                let what = format!("{name}, {none}, {labelled}");
                assert_eq!(found[2].to_f32()[0].is_nan(), labelled, "{what}");
                let bias = found[1].to_f32();
                assert_eq!(
                    bias.iter().any(|x| x.is_nan()),
                    labelled,
                    "{what}: {bias:?}"
                );
            }
        }
    }
}

#[test]
fn activations_keep_nan() {
    let numbers = vec![NAN, NEGATIVE_NAN, INF, -INF, 1.0, -1.0, 0.0, 20.0, -20.0];
    let count = numbers.len();
    for (name, device) in devices() {
        for function in Function::ALL {
            for fused in [false, true] {
                let mut g = Graph::new();
                let x = g.input("x", TensorType::real([count, 1]));
                // By a product with one, into whose epilogue plans move it; or by itself.
                let before = match fused {
                    true => {
                        let w = g.param("w", [1, 1]).expect("new");
                        g.linear(x, w, None).expect("it fits")
                    }
                    false => x,
                };
                let y = g.activation(before, function).expect("it fits");
                assert_eq!(Plan::new(&g, &[y]).steps().len(), 1);
                let params = [("w", vec![1, 1], vec![1.0])];
                let inputs = vec![(x, Tensor::F32(numbers.clone()))];
                let found = run(&device, &g, &[y], &params, inputs)[0].to_f32();
                let what = format!("{name}, {function:?}, {fused}: {found:?}");
                assert!(found[0].is_nan() && found[1].is_nan(), "{what}");
                assert!(found[4..].iter().all(|x| x.is_finite()), "{what}");
                match function {
                    Function::Tanh => assert!((found[2] - 1.0).abs() < 1e-6, "{what}"),
                    _ => assert_eq!(found[2], INF, "{what}"),
                }
            }
        }
    }
}

/// The slope of a tanh is no number where its argument is none.
#[test]
fn slopes_keep_nan() {
    for (name, device) in devices() {
        for function in Function::ALL.into_iter().filter(|f| *f != Function::Relu) {
            let mut g = Graph::new();
            let x = g.input("x", TensorType::real([2, 1]));
            let d = g.input("d", TensorType::real([2, 1]));
            let y = g.activation(x, function).expect("it fits");
            let dx = gradients(&mut g, y, d, &[x]).expect("differentiable")[0];
            let dx = dx.expect("y needs it");
            let inputs = vec![
                (x, Tensor::F32(vec![NAN, 1.0])),
                (d, Tensor::F32(vec![1.0, 1.0])),
            ];
            let found = run(&device, &g, &[dx], &[], inputs)[0].to_f32();
            assert!(
                found[0].is_nan() && found[1].is_finite(),
                "{name}, {function:?}: {found:?}"
            );
        }
    }
}

/// Numbers whose squares overflow would leave nothing of a row but beta.
#[test]
fn a_norm_of_what_overflows_is_no_number() {
    let columns = 48;
    for (name, device) in devices() {
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real([3, columns]));
        let gamma = g.param("gamma", [columns]).expect("new");
        let beta = g.param("beta", [columns]).expect("new");
        let y = g
            .layer_norm(x, None, None, [gamma, beta], 1e-12)
            .expect("it fits");
        let mut numbers = rows(3, columns, 0, 0.5);
        numbers[columns..2 * columns]
            .iter_mut()
            .for_each(|x| *x *= 1e30);
        let inputs = vec![(x, Tensor::F32(numbers))];
        let ones = |x: f32| vec![x; columns];
        let params = [
            ("gamma", vec![columns], ones(1.0)),
            ("beta", vec![columns], ones(0.5)),
        ];
        let found = run(&device, &g, &[y], &params, inputs)[0].to_f32();
        // Double precision has room for the squares.
        let overflows = name != "cpu f64";
        let row = |r: usize| &found[r * columns..][..columns];
        assert!(
            row(1).iter().all(|x| x.is_nan() == overflows),
            "{name}: {:?}",
            row(1)
        );
        assert!(row(0).iter().chain(row(2)).all(|x| x.is_finite()), "{name}");
    }
}

/// An infinite score makes no weight of 1: whatever the order of the keys, the row is no number.
#[test]
fn attention_passes_on_what_is_no_number() {
    let tokens = 9;
    for (name, device) in devices() {
        // Sizes for which there are shaders by quads, and one for which there are none.
        for head in [8, 32, 64] {
            for (place, none) in [0, 4, 8].into_iter().flat_map(|p| [(p, NAN), (p, INF)]) {
                let mut g = Graph::new();
                let qkv = g.input("qkv", TensorType::real([tokens, 3 * head]));
                let lengths = g.input("lengths", TensorType::u32([1]));
                let (out, _) = g
                    .attention(qkv, lengths, 1, Mask::ALL, None)
                    .expect("it fits");
                let mut numbers = vec![0.5; tokens * 3 * head];
                // An element of one token's key.
                numbers[place * 3 * head + head] = none;
                let inputs = vec![
                    (qkv, Tensor::F32(numbers)),
                    (lengths, Tensor::U32(vec![tokens as u32])),
                ];
                let found = run(&device, &g, &[out], &[], inputs)[0].to_f32();
                let what = format!("{name}, head {head}, {none} at {place}");
                assert!(
                    found.iter().all(|x| x.is_nan()),
                    "{what}: {:?}",
                    &found[..4]
                );
            }
        }
    }
}
