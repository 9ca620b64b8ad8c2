//! What only learning needs.

use super::{Builder, Case, FITS};
use crate::ops::{GradientNorm, NO_TARGET, Noise};
use crate::tensor::Storage;

/// A product as gradients have it, a [M, K] or [K, M].
pub fn matmul([m, k, n]: [usize; 3], storage: Storage, transpose_a: bool) -> Case {
    let what = format!("{m}x{k}x{n}, {storage:?}, transposed {transpose_a}");
    let mut b = Builder::new("matmul", what, k, (k as f64).sqrt() + 1.0);
    let x = b.input(if transpose_a { [k, m] } else { [m, k] }, 1.0);
    let w = b.param([k, n], storage, 1.0 / (k as f32).sqrt());
    let y = b.case.graph.matmul(x, w, transpose_a).expect(FITS);
    b.done(vec![y])
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

/// A cross-entropy, every third row without a label.
pub fn cross_entropy(rows: usize, columns: usize) -> Case {
    let mut b = Builder::new(
        "cross-entropy",
        format!("{rows}x{columns}"),
        columns + rows,
        8.0,
    );
    let x = b.input([rows, columns], 4.0);
    let label = |r: usize| {
        if r % 3 == 2 {
            NO_TARGET
        } else {
            (r * 7 % columns) as u32
        }
    };
    let labels = b.ids((0..rows).map(label).collect());
    let values = b.case.graph.cross_entropy(x, labels).expect(FITS);
    b.done(vec![values.mean, values.losses])
}

/// A parameter that becomes f32.
pub fn copy(len: usize, storage: Storage) -> Case {
    let mut b = Builder::new("copy", format!("{len}, {storage:?}"), 0, 1.0);
    let x = b.param([1, len], storage, 1.0);
    let y = b.case.graph.copy(x).expect(FITS);
    b.done(vec![y])
}

/// Two figures into a log of one row.
pub fn record() -> Case {
    let mut b = Builder::new("record", "1 row".to_owned(), 1, 0.0);
    let figures = [b.input([1], 1.0), b.input([1], 1.0)];
    let row = b.ids(vec![0]);
    let log = b.case.graph.record(figures, row, 1).expect(FITS);
    b.done(vec![log])
}

/// The norm of two gradients that are not packed.
pub fn gradient_norm(len: usize) -> Case {
    let mut b = Builder::new(
        "gradient norm",
        format!("{len}"),
        2 * len,
        (2.0 * len as f64).sqrt(),
    );
    let gradients = [b.input([1, len], 1.0), b.input([len], 1.0)];
    let outputs = b
        .case
        .graph
        .apply(GradientNorm.into(), &gradients)
        .expect(FITS);
    b.done(vec![outputs[0]])
}
