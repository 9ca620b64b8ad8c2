//! What a model runs: filling masks and classifying.

use super::{Builder, Case, FITS};
use crate::graph::Value;
use crate::ops::{Function, Lookup, Mask, NO_TARGET, Noise};
use crate::tensor::{Storage, Tensor};

/// Lengths of so many blocks of a whole, none of them empty, that are not all the same.
fn lengths(whole: usize, blocks: usize) -> impl Iterator<Item = usize> {
    let blocks = blocks.min(whole);
    (0..blocks).map(move |i| whole * (i + 1) / blocks - whole * i / blocks)
}

/// A linear layer with every operand in [-1, 1) and weights scaled by 1/√K.
pub fn linear(sizes: [usize; 3], storage: Storage, bias: bool, function: Option<Function>) -> Case {
    linear_blocks(sizes, 1, storage, bias, function)
}

/// The same with a weight in this many blocks of rows, at most one a row.
pub fn linear_blocks(
    [m, k, n]: [usize; 3],
    blocks: usize,
    storage: Storage,
    bias: bool,
    function: Option<Function>,
) -> Case {
    let scale = 1.0 / (k as f32).sqrt();
    let what = format!("{m}x{k}x{n} in {blocks}, {storage:?}, bias {bias}, {function:?}");
    // Terms are at most 1/√K each, and every activation has a slope below 1.2.
    let mut b = Builder::new("linear", what, k, (k as f64).sqrt() + 1.0);
    let x = b.input([m, k], 1.0);
    let w: Vec<Value> = lengths(n, blocks)
        .map(|rows| b.param([rows, k], storage, scale))
        .collect();
    let bias = bias.then(|| b.param([n], Storage::F32, 1.0));
    let mut y = b.case.graph.linear_blocks(x, &w, bias).expect(FITS);
    if let Some(function) = function {
        y = b.case.graph.activation(y, function).expect(FITS);
    }
    b.done(vec![y])
}

/// An activation on its own, over [-8, 8).
pub fn activation(len: usize, function: Function) -> Case {
    let mut b = Builder::new("activation", format!("{len}, {function:?}"), 0, 8.0);
    let x = b.input([1, len], 8.0);
    let y = b.case.graph.activation(x, function).expect(FITS);
    b.done(vec![y])
}

/// The sum of two or three embeddings, with ids beyond the tables' ends among them.
pub fn embed(sizes: [usize; 3], storage: Storage) -> Case {
    embed_blocks(sizes, 1, storage)
}

/// The same with the 19 words in this many blocks.
pub fn embed_blocks([rows, columns, tables]: [usize; 3], blocks: usize, storage: Storage) -> Case {
    let terms = tables as f64;
    let what = format!("{rows}x{columns}, {tables} tables, words in {blocks}, {storage:?}");
    let mut b = Builder::new("embed", what, tables, terms);
    let sizes = &[(23, 19, blocks), (11, 11, 1), (3, 2, 1)][..tables];
    let mut ids: Vec<u32> = Vec::new();
    for &(bound, ..) in sizes {
        ids.extend((0..rows).map(|_| (b.number().abs() * bound as f32) as u32));
    }
    let ids = b.ids(ids);
    let lookups: Vec<Lookup> = sizes
        .iter()
        .map(|&(_, entries, blocks)| Lookup {
            blocks: lengths(entries, blocks)
                .map(|entries| b.param([entries, columns], storage, 1.0))
                .collect(),
            padding: None,
        })
        .collect();
    let y = b.case.graph.embed(ids, &lookups).expect(FITS);
    b.done(vec![y])
}

/// The sum of embeddings and its layer norm, which plans make one step of.
pub fn embed_norm(sizes: [usize; 3], blocks: usize, storage: Storage) -> Case {
    let mut case = embed_blocks(sizes, blocks, storage);
    case.what = format!("{}, norm", case.what);
    let (columns, sum) = (sizes[1], case.outputs[0]);
    // As for a layer norm, whose input is rounded three times here.
    (case.reduction, case.magnitude) = (columns, 6.0);
    let mut b = Builder {
        case,
        state: 0x1234_5678,
    };
    let gamma_beta = [0, 1].map(|_| b.param([columns], Storage::F32, 1.0));
    let y = b.case.graph.layer_norm(sum, None, None, gamma_beta, 1e-3);
    b.done(vec![y.expect(FITS)])
}

/// Rows of a matrix, some of them twice, and what a dropout of a quarter leaves of them.
pub fn gather(rows: usize, columns: usize, dropout: bool) -> Case {
    let what = format!("{rows}x{columns}, dropout {dropout}");
    let mut b = Builder::new("gather rows", what, 0, 1.0);
    let x = b.input([rows, columns], 1.0);
    let ids = b.below(rows + 2, rows);
    let mut y = b.case.graph.gather_rows(x, ids).expect(FITS);
    if dropout {
        let seed = b.ids(vec![17]);
        let noise = Noise {
            probability: 0.25,
            stream: 7,
        };
        y = b.case.graph.dropout(y, seed, noise).expect(FITS);
    }
    b.done(vec![y])
}

/// A layer norm, with a residual sum before it, and a dropout of a quarter before that.
pub fn layer_norm(rows: usize, columns: usize, [residual, dropout]: [bool; 2]) -> Case {
    let what = format!("{rows}x{columns}, residual {residual}, dropout {dropout}");
    // The normalised value reaches √C for a row with one outlier; z itself is rounded once before
    // the mean is taken from it, which the division by the deviation (about 0.6 here) magnifies.
    let mut b = Builder::new("layer norm", what, columns, 4.0);
    let x = b.input([rows, columns], 1.0);
    let residual = residual.then(|| b.input([rows, columns], 1.0));
    let gamma = b.param([columns], Storage::F32, 1.0);
    let beta = b.param([columns], Storage::F32, 1.0);
    let noise = Noise {
        probability: 0.25,
        stream: 5,
    };
    let dropout = dropout.then(|| (noise, b.ids(vec![17])));
    let g = &mut b.case.graph;
    let y = g.layer_norm(x, dropout, residual, [gamma, beta], 1e-3);
    b.done(vec![y.expect(FITS)])
}

/// A softmax.
pub fn softmax(rows: usize, columns: usize) -> Case {
    // Probabilities are at most 1; scores up to 4 lose as much in the exponential's argument.
    let mut b = Builder::new("softmax", format!("{rows}x{columns}"), columns, 4.0);
    let x = b.input([rows, columns], 4.0);
    let y = b.case.graph.softmax(x).expect(FITS);
    b.done(vec![y])
}

/// Self-attention over sequences of falling lengths.
pub fn attention(sizes: [usize; 4], dropout: bool) -> Case {
    masked_attention(sizes, Mask::ALL, dropout)
}

/// The same under a mask.
pub fn masked_attention(
    [batch, tokens, heads, head]: [usize; 4],
    mask: Mask,
    dropout: bool,
) -> Case {
    let mut what = format!("B {batch}, T {tokens}, A {heads}, D {head}, dropout {dropout}");
    if mask != Mask::ALL {
        what = format!("{what}, {mask:?}");
    }
    // Scores are sums of D terms of at most 1/√D; their error enters every weight.
    let magnitude = 2.0 * (head as f64).sqrt() + 1.0;
    let mut b = Builder::new("attention", what, tokens + head, magnitude);
    let qkv = b.input([batch * tokens, 3 * heads * head], 1.0);
    let lengths = (0..batch)
        .map(|i| (tokens - i * tokens / (batch + 1)) as u32)
        .collect();
    let lengths = b.ids(lengths);
    let noise = Noise {
        probability: 0.25,
        stream: 5,
    };
    let dropout = dropout.then(|| (noise, b.ids(vec![17])));
    let (y, lse) = b
        .case
        .graph
        .attention(qkv, lengths, heads, mask, dropout)
        .expect(FITS);
    b.done(vec![y, lse])
}

/// The k largest of rows that hold equal elements, with and without a target.
pub fn top_k(rows: usize, columns: usize, k: usize) -> Case {
    let what = format!("{rows}x{columns}, k {k}");
    let mut b = Builder::new("top k", what, columns, 8.0);
    let x = b.input([rows, columns], 4.0);
    // Rounded to sixteenths: ties must come in the order of their columns.
    if let Some((_, Tensor::F32(data))) = b.case.inputs.last_mut() {
        data.iter_mut()
            .for_each(|x| *x = (*x * 16.0).round() / 16.0);
    }
    let target = |r: usize| {
        if r % 3 == 2 {
            NO_TARGET
        } else {
            (r * 7 % columns) as u32
        }
    };
    let targets = b.ids((0..rows).map(target).collect());
    let top = b.case.graph.top_k(x, targets, k).expect(FITS);
    b.done(vec![top.values, top.columns, top.figures])
}

/// The mean over sequences of falling lengths.
pub fn mean_tokens(batch: usize, tokens: usize, columns: usize) -> Case {
    let what = format!("B {batch}, T {tokens}, C {columns}");
    let mut b = Builder::new("mean of tokens", what, tokens, 1.0);
    let x = b.input([batch * tokens, columns], 1.0);
    let lengths = (0..batch)
        .map(|i| (tokens - i * tokens / (batch + 1)) as u32)
        .collect();
    let lengths = b.ids(lengths);
    let y = b.case.graph.mean_tokens(x, lengths).expect(FITS);
    b.done(vec![y])
}
