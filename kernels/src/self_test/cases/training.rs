//! What only learning needs.

use super::{Builder, Case, FITS};
use crate::grad::gradients;
use crate::graph::Value;
use crate::ops::{ActivationGrad, AdamW, Join, Loss, NO_TARGET, Noise, SumRows};
use crate::tensor::{Storage, Tensor};

/// A product as gradients have it, a [M, K] or [K, M].
pub fn matmul([m, k, n]: [usize; 3], storage: Storage, transpose_a: bool) -> Case {
    let what = format!("{m}x{k}x{n}, {storage:?}, transposed {transpose_a}");
    let mut b = Builder::new("matmul", what, k, (k as f64).sqrt() + 1.0);
    let x = b.input(if transpose_a { [k, m] } else { [m, k] }, 1.0);
    let w = b.param([k, n], storage, 1.0 / (k as f32).sqrt());
    let y = b.case.graph.matmul(x, w, transpose_a).expect(FITS);
    b.done(vec![y])
}

/// A product that plans join with what gradients do next.
pub fn joined([m, k, n]: [usize; 3], transpose_a: bool, join: Join) -> Case {
    let what = format!("{m}x{k}x{n}, transposed {transpose_a}, {join:?}");
    let mut b = Builder::new("matmul", what, k, 2.0 * (k as f64).sqrt() + 8.0);
    let x = b.input(if transpose_a { [k, m] } else { [m, k] }, 1.0);
    let w = b.param([k, n], Storage::F32, 1.0 / (k as f32).sqrt());
    let z = b.input([m, n], 2.0);
    let y = b.case.graph.matmul(x, w, transpose_a).expect(FITS);
    let y = match join {
        Join::Sum => b.case.graph.add(z, y),
        Join::Slope(function) => {
            let slope = ActivationGrad { function };
            b.case.graph.apply1(slope.into(), &[z, y])
        }
    };
    b.done(vec![y.expect(FITS)])
}

/// Two tensors added.
pub fn add(len: usize) -> Case {
    let mut b = Builder::new("add", format!("{len}"), 1, 2.0);
    let (x, y) = (b.input([1, len], 1.0), b.input([1, len], 1.0));
    let z = b.case.graph.add(x, y).expect(FITS);
    b.done(vec![z])
}

/// Dropout at a quarter.
pub fn dropout(len: usize) -> Case {
    let mut b = Builder::new("dropout", format!("{len}"), 1, 2.0);
    let x = b.input([1, len], 1.0);
    let seed = b.ids(vec![17]);
    let noise = Noise {
        probability: 0.25,
        stream: 3,
    };
    let y = b.case.graph.dropout(x, seed, noise).expect(FITS);
    b.done(vec![y])
}

/// A cross-entropy, every third row without a label; with weights, some of them 0.
pub fn cross_entropy(rows: usize, columns: usize, weighted: bool) -> Case {
    let mut b = Builder::new(
        "cross-entropy",
        format!(
            "{rows}x{columns}{}",
            if weighted { ", weighted" } else { "" }
        ),
        columns + rows,
        8.0,
    );
    let x = b.input([rows, columns], 4.0);
    let weight = |r: usize| [1.0, 0.25, 0.0, 2.0, 0.5][r % 5];
    let weights = weighted.then(|| b.given([rows], Tensor::F32((0..rows).map(weight).collect())));
    let label = |r: usize| {
        if r % 3 == 2 {
            NO_TARGET
        } else {
            (r * 7 % columns) as u32
        }
    };
    let labels = b.ids((0..rows).map(label).collect());
    let values = b.case.graph.cross_entropy(x, labels, weights).expect(FITS);
    b.done(vec![values.mean, values.losses])
}

/// A loss number by number: targets 0 and 1, every third number without weight, the others with 1 or 2.
pub fn mean_loss([rows, columns]: [usize; 2], loss: Loss) -> Case {
    let len = rows * columns;
    let what = format!("{rows}x{columns}, {loss:?}");
    let mut b = Builder::new("mean loss", what, len, 26.0);
    let x = b.input([rows, columns], 4.0);
    let numbers = |of: fn(usize) -> f32| Tensor::F32((0..len).map(of).collect());
    let y = b.given([rows, columns], numbers(|i| (i * 7 % 5 < 2) as u8 as f32));
    let w = b.given([rows, columns], numbers(|i| [1.0, 2.0, 0.0][i % 3]));
    let mean = b.case.graph.mean_loss(loss, x, y, w).expect(FITS);
    b.done(vec![mean])
}

/// Blocks of rows that become columns.
pub fn transpose([blocks, rows, columns]: [usize; 3]) -> Case {
    let mut b = Builder::new("transpose", format!("{blocks}x{rows}x{columns}"), 0, 1.0);
    let x = b.input([blocks * rows, columns], 1.0);
    let y = b.case.graph.transpose(x, rows).expect(FITS);
    b.done(vec![y])
}

/// A parameter that becomes f32.
pub fn copy(len: usize, storage: Storage) -> Case {
    let mut b = Builder::new("copy", format!("{len}, {storage:?}"), 0, 1.0);
    let x = b.param([1, len], storage, 1.0);
    let y = b.case.graph.copy(x).expect(FITS);
    b.done(vec![y])
}

/// A linear layer and its cross-entropy, every third row without a label, with the gradients of
/// weight and bias and of what comes in: what plans make two steps of.
pub fn linear_cross_entropy([rows, k, n]: [usize; 3], storage: Storage) -> Case {
    let what = format!("{rows}x{k}x{n}, {storage:?}");
    // A sum of K products of at most 1/√K each; then of R probabilities times inputs, over R.
    let magnitude = 2.0 * (k as f64).sqrt() + 8.0;
    let mut b = Builder::new("linear and cross-entropy", what, k + rows + n, magnitude);
    let h = b.input([rows, k], 1.0);
    let w = b.param([n, k], storage, 1.0 / (k as f32).sqrt());
    let bias = b.param([n], Storage::F32, 1.0);
    let label = |r: usize| match r % 3 {
        2 => NO_TARGET,
        _ => (r * 7 % n) as u32,
    };
    let labels = b.ids((0..rows).map(label).collect());
    let d = b.input([1], 1.0);
    let g = &mut b.case.graph;
    let logits = g.linear(h, w, Some(bias)).expect(FITS);
    let mean = g.cross_entropy(logits, labels, None).expect(FITS).mean;
    let found = gradients(g, mean, d, &[w, bias, h]).expect("differentiable");
    let outputs = [mean].into_iter().chain(found.into_iter().flatten());
    b.done(outputs.collect())
}

/// The sums of the rows of this many matrices, of different sizes.
pub fn sum_rows(rows: usize, columns: usize, matrices: usize) -> Case {
    let what = format!("{rows}x{columns}, {matrices}");
    let longest = rows + matrices;
    let mut b = Builder::new("sum rows", what, longest, longest as f64);
    let x: Vec<Value> = (0..matrices)
        .map(|i| b.input([rows + i, columns + 3 * i], 1.0))
        .collect();
    let results = b.case.graph.apply(SumRows.into(), &x).expect(FITS);
    // Beside each sum stands what its chunks came to.
    b.done(results.into_iter().step_by(2).collect())
}

/// Two values that are not packed, as the first of several parts: what the sums held before is forgotten.
pub fn accumulate(len: usize) -> Case {
    let mut b = Builder::new("accumulate", format!("{len}"), 1, 1.0);
    let values = [b.input([1, len], 1.0), b.input([len], 1.0)];
    let numbers = b.given([2], Tensor::F64(vec![0.0, 0.375]));
    let sums = b.case.graph.accumulate(&values, numbers).expect(FITS);
    b.done(sums)
}

/// The norm of two gradients that are not packed, and a loss, into a log of one row. The weights and
/// moments that are updated are not there: what becomes of them is nobody's.
pub fn adamw_log(len: usize) -> Case {
    let magnitude = (2.0 * len as f64).sqrt();
    let mut b = Builder::new("AdamW, log", format!("{len}"), 2 * len, magnitude);
    let gradients = [b.input([1, len], 1.0), b.input([len], 1.0)];
    let (schedule, loss) = (b.input([3], 1.0), b.input([1], 1.0));
    let row = b.ids(vec![0]);
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
    let values = b
        .case
        .graph
        .adamw(&gradients, schedule, settings, Some([loss, row]));
    b.done(vec![values.expect(FITS).report])
}

/// A column of each row, drawn.
pub fn sample(rows: usize, columns: usize) -> Case {
    let mut b = Builder::new("sample", format!("{rows}x{columns}"), 0, 1.0);
    let logits = b.input([rows, columns], 4.0);
    let seed = b.ids(vec![17]);
    let sampled = b.case.graph.sample(logits, seed, 3).expect(FITS);
    b.done(vec![sampled])
}

/// Ids of which a third is replaced, some by themselves.
pub fn substitute(ids: usize) -> Case {
    let mut b = Builder::new("substitute", format!("{ids} ids"), 0, 1.0);
    let places = ids.div_ceil(2);
    let others = places.div_ceil(3);
    let before = b.below(ids, 3);
    let drawn = b.below(others, 3);
    let from = |i: usize| match i % 3 {
        0 => (i / 3) as u32,
        _ => NO_TARGET,
    };
    let from = b.ids((0..places).map(from).collect());
    let found = b.case.graph.substitute(before, drawn, from).expect(FITS);
    b.done(vec![found.ids, found.changed])
}
