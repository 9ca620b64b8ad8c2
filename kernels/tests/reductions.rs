//! What reduces over rows and columns, at sizes around those where shaders begin a second stage or go four
//! elements at a time.

#[path = "common/check.rs"]
mod check;
#[path = "common/devices.rs"]
mod devices;

use check::assert_all;
use devices::devices;
use kernels::cases::{self, Case};
use kernels::ops::{AdamW, Loss};
use kernels::{Control, Executable, Graph, Params, Plan, Tensor, TensorType};

/// On both sides of one stage and two, and of chunks of rows.
const ROWS: [usize; 7] = [1, 2, 63, 257, 513, 2049, 8197];
/// Whole fours of columns and none, more and fewer than a workgroup's.
const COLUMNS: [usize; 7] = [1, 3, 4, 33, 36, 768, 770];

/// All sizes that take no minutes.
fn sizes() -> impl Iterator<Item = [usize; 2]> {
    let all = ROWS.map(|rows| COLUMNS.map(|columns| [rows, columns]));
    let all = all.into_iter().flatten();
    all.filter(|[rows, columns]| rows * columns <= 2049 * 770)
}

/// The case with whole numbers, whose sums do not depend on the order: not even the smallest may be missing.
fn whole(mut case: Case) -> Case {
    for (_, tensor) in &mut case.inputs {
        if matches!(tensor, Tensor::F32(_)) {
            let whole = tensor.to_f64().into_iter().map(|x| (8.0 * x).round());
            *tensor = Tensor::F64(whole.collect());
        }
    }
    case
}

fn sum_rows(rows: usize, columns: usize, matrices: usize) -> Case {
    Case {
        magnitude: 0.0,
        ..whole(cases::sum_rows(rows, columns, matrices))
    }
}

#[test]
fn sums_of_rows() {
    assert_all(sizes().map(|[rows, columns]| sum_rows(rows, columns, 1)));
    // Matrices of which some have two stages and others one, and some two chunks and others three.
    for rows in [510, 639, 16_382] {
        assert_all([sum_rows(rows, 5, 4)]);
    }
    // More than Mesa's llvmpipe lets one lane go over.
    assert_all([sum_rows(70_001, 3, 1)]);
}

#[test]
fn layer_norms_and_their_gradients() {
    let befores = [[true, false], [true, true], [false, false], [false, true]];
    let sizes = sizes().filter(|[_, columns]| *columns > 1);
    assert_all(sizes.enumerate().flat_map(|(i, [rows, columns])| {
        let longest = rows.max(columns);
        let case = cases::layer_norm(rows, columns, befores[i % 4]);
        let magnitude = 8.0 * (longest as f64).sqrt() + 8.0;
        [case.clone(), cases::backward(case, longest, magnitude)]
    }));
}

#[test]
fn norms_of_gradients() {
    let lengths = [1, 2, 3, 4, 5, 63, 257, 2049, 8191, 8195, 70_001];
    assert_all(lengths.map(|len| {
        let case = whole(cases::adamw_log(len));
        // The root of an exact sum, 2 / 3 of 64 a number at most.
        Case {
            reduction: 0,
            magnitude: (2.0 * len as f64 * 64.0).sqrt(),
            ..case
        }
    }));
}

/// Gradients that end within a four, in memory where something longer stood before that is no number.
#[test]
fn what_stands_beyond_a_gradient_is_none() {
    let len = 9_001;
    let mut graph = Graph::new();
    let input = |graph: &mut Graph, shape: [usize; 2]| graph.input("x", TensorType::real(shape));
    let (x, y) = (input(&mut graph, [len + 3, 1]), input(&mut graph, [1, len]));
    let schedule = graph.input("schedule", TensorType::real([3]));
    let longer = graph.add(x, x).expect("one shape");
    let loss = graph.mean_loss(Loss::Squared, longer, x, x);
    let loss = loss.expect("one shape");
    let gradient = graph.add(y, y).expect("one shape");
    let row = graph.input("row", TensorType::u32([1]));
    let settings = AdamW {
        decayed: 1,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.01,
        l2: 0.0,
        max_norm: Some(1.0),
        log: Some(1),
        scales: Vec::new(),
    };
    let values = graph.adamw(&[gradient], schedule, settings, Some([loss, row]));
    let report = values.expect("it fits").report;
    let ones = |count: usize| Tensor::F64(vec![1.0; count]);
    let infinities = Tensor::F64(vec![f64::INFINITY; len + 3]);
    let inputs = vec![
        (x, infinities),
        (y, ones(len)),
        (schedule, ones(3)),
        (row, Tensor::U32(vec![0])),
    ];
    for (name, device) in devices() {
        let found = pollster::block_on(async {
            let (mut params, ready) = Params::new(&device, &[])?;
            ready.await?;
            let plan = Plan::new(&graph, &[report]);
            let mut executable = Executable::new(&device, plan, &params).await?;
            let control = Control::default();
            executable.run(&mut params, inputs.clone(), &control).await
        });
        let norm = found.expect("a run")[0].to_f64()[1];
        let expected = 2.0 * (len as f64).sqrt();
        assert!((norm - expected).abs() < 1e-3, "{name}: {norm}");
    }
}

#[test]
fn sums_over_runs() {
    assert_all([1, 2, 3, 5, 63, 257, 770, 2049].map(cases::accumulate));
}

#[test]
fn cross_entropies() {
    let more = [[3, 30_522], [257, 64], [2049, 9]];
    let sizes = sizes().filter(|[rows, _]| *rows < 2049).chain(more);
    assert_all(sizes.enumerate().flat_map(|(i, [rows, columns])| {
        let case = cases::cross_entropy(rows, columns, i % 2 == 1);
        [case.clone(), cases::backward(case, columns, 2.0)]
    }));
}

/// Logits in an order in which each is the largest so far, in which none is but the first, and that are all the same.
#[test]
fn cross_entropies_of_ordered_rows() {
    let (rows, columns) = (3, 8193);
    let order = |compare: fn(&f64, &f64) -> std::cmp::Ordering| {
        let mut case = cases::cross_entropy(rows, columns, false);
        let mut logits = case.inputs[0].1.to_f64();
        for row in logits.chunks_mut(columns) {
            row.sort_by(compare);
        }
        case.inputs[0].1 = Tensor::F64(logits);
        case
    };
    let mut same = cases::cross_entropy(rows, columns, false);
    same.inputs[0].1 = Tensor::F64(vec![3.5; rows * columns]);
    assert_all([
        order(|a, b| a.total_cmp(b)),
        order(|a, b| b.total_cmp(a)),
        same,
    ]);
}
