//! The optimiser over packed parameters, on every executor, against a plain loop.

use kernels::gpu::{Gpu, Options, Style};
use kernels::ops::AdamW;
use kernels::{
    Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, Storage, Tensor,
    TensorType, Value, cases, check,
};

/// The lengths of the parameters; the first `DECAYED` are decayed. Packed, the small ones are one
/// workgroup's, the large ones many's.
const SMALL: [usize; 5] = [257, 3, 64, 1, 1000];
const LARGE: [usize; 5] = [257, 3, 64, 1, 9000];
const DECAYED: usize = 2;
const STEPS: usize = 3;
const L2: f64 = 0.05;
/// Rows of the log: the last step's is beyond its end.
const ROWS: usize = STEPS - 1;

fn number(i: usize) -> f64 {
    f64::from(((i as f64 * 12.9898).sin() * 4.0) as f32)
}

/// What the parameters' learning rates are multiplied by, where they differ.
const SCALES: [f64; 5] = [1.0, 0.5, 0.5, 0.25, 1.0];

/// What a step is set to.
#[derive(Clone, Copy, Debug)]
struct Set {
    max_norm: Option<f64>,
    scaled: bool,
}

fn settings(Set { max_norm, scaled }: Set) -> AdamW {
    AdamW {
        decayed: DECAYED,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.1,
        l2: L2,
        max_norm,
        log: Some(ROWS),
        scales: if scaled { SCALES.to_vec() } else { Vec::new() },
    }
}

fn schedule(step: usize) -> [f64; 3] {
    let t = step as i32 + 1;
    [
        0.01 / f64::from(t),
        1.0 - 0.9f64.powi(t),
        1.0 - 0.999f64.powi(t),
    ]
}

fn loss(step: usize) -> f64 {
    0.25 + step as f64
}

/// What torch.optim.AdamW and clip_grad_norm_ do, with the L2 of torch.optim.Adam, written out: the weights, then the log.
fn reference(lengths: [usize; 5], Set { max_norm, scaled }: Set) -> Vec<Vec<f64>> {
    let start = |p: usize| {
        (0..lengths[p])
            .map(|i| number(100 * p + i))
            .collect::<Vec<_>>()
    };
    let mut weights: Vec<Vec<f64>> = (0..lengths.len()).map(start).collect();
    let mut log = Vec::new();
    let mut moments: Vec<Vec<[f64; 2]>> = lengths.iter().map(|&n| vec![[0.0; 2]; n]).collect();
    for step in 0..STEPS {
        let g = |p: usize, i: usize| number(7 * p + i + step);
        let all = (0..lengths.len()).flat_map(|p| (0..lengths[p]).map(move |i| (p, i)));
        let norm = all.map(|(p, i)| g(p, i).powi(2)).sum::<f64>().sqrt();
        if step < ROWS {
            log.extend([loss(step), norm]);
        }
        let clip = max_norm.map_or(1.0, |max| (max / (norm + 1e-6)).min(1.0));
        let [whole, c1, c2] = schedule(step);
        for p in 0..lengths.len() {
            let rate = if scaled { whole * SCALES[p] } else { whole };
            for i in 0..lengths[p] {
                let l2 = if p < DECAYED { L2 } else { 0.0 };
                let g = clip * g(p, i) + l2 * weights[p][i];
                let [m, v] = &mut moments[p][i];
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                let w = &mut weights[p][i];
                if p < DECAYED {
                    *w *= 1.0 - rate * 0.1;
                }
                *w -= rate / c1 * *m / ((*v / c2).sqrt() + 1e-8);
            }
        }
    }
    weights.push(log);
    weights
}

fn run(device: &Device, lengths: [usize; 5], set: Set, packed: bool) -> Vec<Vec<f64>> {
    let specs = |kind: &str| -> Vec<ParamSpec> {
        let spec = |(i, &n): (usize, &usize)| ParamSpec {
            name: format!("{kind}{i}"),
            shape: [n].into(),
            storage: Storage::F32,
        };
        lengths.iter().enumerate().map(spec).collect()
    };
    pollster::block_on(async {
        let (mut params, _) = Params::new(device, &[]).expect("memory");
        for kind in ["weight", "gradient", "first", "second"] {
            params
                .add(&specs(kind), packed)
                .expect("memory")
                .await
                .expect("memory");
        }
        let log = ParamSpec {
            name: "log".to_owned(),
            shape: [ROWS, 2].into(),
            storage: Storage::F32,
        };
        let added = params.add(std::slice::from_ref(&log), false);
        added.expect("memory").await.expect("memory");
        for (p, spec) in specs("weight").iter().enumerate() {
            let start: Vec<f32> = (0..lengths[p])
                .map(|i| number(100 * p + i) as f32)
                .collect();
            params.write(&spec.name, 0, &start).expect("it fits");
        }
        let mut g = Graph::new();
        let gradients: Vec<Value> = specs("gradient")
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect("new"))
            .collect();
        let rates = g.input("schedule", TensorType::real([3]));
        let loss_value = g.input("loss", TensorType::real([1]));
        let row = g.input("row", TensorType::u32([1]));
        let values = g
            .adamw(&gradients, rates, settings(set), Some([loss_value, row]))
            .expect("it fits");
        let mut stores = vec![(values.report, log.name.clone())];
        for (kind, values) in [
            ("weight", &values.weights),
            ("first", &values.first),
            ("second", &values.second),
        ] {
            stores.extend(
                specs(kind)
                    .into_iter()
                    .zip(values)
                    .map(|(s, &v)| (v, s.name)),
            );
        }
        let plan = Plan::with_stores(&g, &[], &stores);
        let mut step = Executable::new(device, plan, &params)
            .await
            .expect("a plan");
        for t in 0..STEPS {
            for (p, spec) in specs("gradient").iter().enumerate() {
                let now: Vec<f32> = (0..lengths[p])
                    .map(|i| number(7 * p + i + t) as f32)
                    .collect();
                params.write(&spec.name, 0, &now).expect("it fits");
            }
            let inputs = vec![
                (rates, Tensor::F64(schedule(t).to_vec())),
                (loss_value, Tensor::F64(vec![loss(t)])),
                (row, Tensor::U32(vec![t as u32])),
            ];
            step.run(&mut params, inputs, &Control::default())
                .await
                .expect("a step");
        }
        let mut g = Graph::new();
        let mut wanted = specs("weight");
        wanted.push(log);
        let read: Vec<Value> = wanted
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect("new"))
            .collect();
        let mut read = Executable::new(device, Plan::new(&g, &read), &params)
            .await
            .expect("a plan");
        let weights = read
            .run(&mut params, vec![], &Control::default())
            .await
            .expect("a run");
        weights.iter().map(Tensor::to_f64).collect()
    })
}

fn gpu(style: Style) -> Device {
    let options = Options {
        style: Some(style),
        ..Options::default()
    };
    Device::Gpu(pollster::block_on(Gpu::new(options)).expect("a Vulkan adapter"))
}

#[test]
fn adamw_is_torchs_on_every_executor() {
    let devices = [
        ("f64", Device::Cpu(Precision::F64), 1e-12),
        ("f32", Device::Cpu(Precision::F32), 1e-5),
        ("tiles", gpu(Style::Tiles), 1e-5),
        ("lanes", gpu(Style::Lanes), 1e-5),
    ];
    let sets = [
        (None, false),
        (Some(1.0), false),
        (Some(1e6), false),
        (Some(1.0), true),
    ];
    let sets = sets.map(|(max_norm, scaled)| Set { max_norm, scaled });
    let all = sets.map(|set| [SMALL, LARGE].map(|lengths| (set, lengths)));
    for (set, lengths) in all.into_iter().flatten() {
        let expected = reference(lengths, set);
        for (name, device, allowed) in &devices {
            for packed in [false, true] {
                let found = run(device, lengths, set, packed);
                for (p, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
                        let what = format!("{name}, packed {packed}, {set:?}, {p}[{i}]");
                        // The log's norm is a sum of thousands of squares.
                        let allowed = match p == lengths.len() {
                            true => allowed * e.abs().max(1.0),
                            false => *allowed,
                        };
                        assert!((f - e).abs() <= allowed, "{what}: {f}, expected {e}");
                    }
                }
            }
        }
    }
}

/// Of a step over `count` packed parameters, the last of `last` elements.
fn dispatches(count: usize, last: usize) -> usize {
    let device = gpu(Style::Tiles);
    let specs = |kind: &str| -> Vec<ParamSpec> {
        let spec = |i: usize| ParamSpec {
            name: format!("{kind}{i}"),
            shape: [if i + 1 == count { last } else { i + 1 }].into(),
            storage: Storage::F32,
        };
        (0..count).map(spec).collect()
    };
    pollster::block_on(async {
        let (mut params, _) = Params::new(&device, &[]).expect("memory");
        for kind in ["weight", "gradient", "first", "second"] {
            params
                .add(&specs(kind), true)
                .expect("memory")
                .await
                .expect("memory");
        }
        let mut g = Graph::new();
        let gradients: Vec<Value> = specs("gradient")
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect("new"))
            .collect();
        let rates = g.input("schedule", TensorType::real([3]));
        let settings = AdamW {
            log: None,
            ..settings(Set {
                max_norm: Some(1.0),
                scaled: false,
            })
        };
        let values = g.adamw(&gradients, rates, settings, None).expect("it fits");
        let mut stores = Vec::new();
        for (kind, values) in [
            ("weight", &values.weights),
            ("first", &values.first),
            ("second", &values.second),
        ] {
            stores.extend(
                specs(kind)
                    .into_iter()
                    .zip(values)
                    .map(|(s, &v)| (v, s.name)),
            );
        }
        let plan = Plan::with_stores(&g, &[], &stores);
        let step = Executable::new(&device, plan, &params)
            .await
            .expect("a plan");
        step.dispatches()
    })
}

#[test]
fn packed_parameters_take_few_dispatches_whatever_their_number() {
    assert_eq!(dispatches(2, 768), 1);
    assert_eq!(dispatches(2, 100_000), 3);
    assert_eq!(dispatches(50, 100_000), 3);
}

/// A buffer as large as adapters bind: its sum takes more steps than a software adapter lets one
/// lane take.
#[test]
fn the_norm_of_many_gradients_leaves_none_out() {
    let len = 1 << 23;
    let mut case = cases::adamw_log(len);
    // The additions that one lane makes at most, then those of the partial sums.
    case.reduction = len / 64 + 2 * 64;
    for style in [Style::Tiles, Style::Lanes] {
        let report = pollster::block_on(check(&gpu(style), &case));
        assert!(report.passed, "{style:?}: {report:?}");
    }
}
