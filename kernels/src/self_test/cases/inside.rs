//! What a look inside a model runs beside its passes.

use super::{Builder, Case, FITS};
use crate::ops::Mask;
use crate::tensor::Tensor;

/// The weights of attention over sequences of falling lengths.
pub fn attention_weights([batch, tokens, heads, head]: [usize; 4], mask: Mask) -> Case {
    let what = format!("B {batch}, T {tokens}, A {heads}, D {head}, {mask:?}");
    // Scores are sums of D terms of at most 1/√D; their error enters every weight.
    let magnitude = 2.0 * (head as f64).sqrt() + 1.0;
    let mut b = Builder::new("attention weights", what, tokens + head, magnitude);
    let qkv = b.input([batch * tokens, 3 * heads * head], 1.0);
    let lengths = (0..batch)
        .map(|i| (tokens - i * tokens / (batch + 1)) as u32)
        .collect();
    let lengths = b.ids(lengths);
    let weights = b.case.graph.attention_weights(qkv, lengths, heads, mask);
    b.done(vec![weights.expect(FITS)])
}

/// A matrix with its columns scaled.
pub fn scale_columns(rows: usize, columns: usize) -> Case {
    let mut b = Builder::new("scale columns", format!("{rows}x{columns}"), 1, 1.0);
    let x = b.input([rows, columns], 1.0);
    let scale = b.numbers(columns, 1.0);
    // No input of random numbers: it has no gradient.
    let scale = b.given([columns], Tensor::F32(scale));
    let y = b.case.graph.scale_columns(x, scale).expect(FITS);
    b.done(vec![y])
}

/// The norms of values that a matrix of `rows` rows has carried.
pub fn value_norms([batch, tokens, heads, head]: [usize; 4], rows: usize) -> Case {
    let what = format!("B {batch}, T {tokens}, A {heads}, D {head}, {rows} rows");
    // A norm of `rows` sums of D terms of at most 1/√D.
    let magnitude = ((rows * head) as f64).sqrt();
    let mut b = Builder::new("value norms", what, rows + head, magnitude);
    let qkv = b.input([batch * tokens, 3 * heads * head], 1.0);
    let w = b.input([rows, heads * head], 1.0 / (head as f32).sqrt());
    let on = (0..heads).map(|a| f32::from(u8::from(a != 1))).collect();
    let on = b.given([heads], Tensor::F32(on));
    let norms = b.case.graph.value_norms(qkv, w, on, tokens);
    b.done(vec![norms.expect(FITS)])
}

/// Where rows of weights lie, over sequences of falling lengths.
pub fn attention_survey([batch, tokens, heads]: [usize; 3], side: usize) -> Case {
    let what = format!("B {batch}, T {tokens}, A {heads}, {side} stretches");
    // Each of T terms w log w is below 1.
    let mut b = Builder::new("attention survey", what, tokens, tokens as f64);
    let numbers = b.numbers(batch * heads * tokens * tokens, 1.0);
    let weights = numbers.into_iter().map(f32::abs).collect();
    let weights = b.given([batch * heads * tokens, tokens], Tensor::F32(weights));
    let ids = b.below(batch * tokens, 7);
    let marked = b.below(batch * tokens, 2);
    let lengths = (0..batch)
        .map(|i| (tokens - i * tokens / (batch + 1)) as u32)
        .collect();
    let lengths = b.ids(lengths);
    let found = b
        .case
        .graph
        .attention_survey(weights, [ids, marked, lengths], side);
    b.done(vec![found.expect(FITS)])
}
