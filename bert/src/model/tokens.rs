//! Texts as a pass reads them.

use kernels::{Tensor, Value};

use super::forward::Encoder;
use crate::config::Config;

/// The tokens of some texts, padded to one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenBatch {
    /// T, the padded length.
    pub tokens: usize,
    /// Each text's ids, at most T.
    pub ids: Vec<Vec<u32>>,
    /// Each text's token types.
    pub types: Vec<Vec<u32>>,
}

/// What [`Encoder::rows`] is for these texts, in a plan with room for `room` texts of `tokens` tokens.
pub(crate) fn look_ups(config: &Config, texts: &TokenBatch, room: usize, tokens: usize) -> Tensor {
    let lay = |rows: &[Vec<u32>], filler: u32| {
        let mut flat = vec![filler; room * tokens];
        for (row, text) in flat.chunks_exact_mut(tokens).zip(rows) {
            row[..text.len()].copy_from_slice(text);
        }
        flat
    };
    let (ids, types) = (lay(&texts.ids, config.pad_token_id), lay(&texts.types, 0));
    Encoder::look_ups(config, tokens, ids, types)
}

/// The encoder's inputs for these texts, in such a plan.
pub(crate) fn encoder_values(
    config: &Config,
    encoder: &Encoder,
    texts: &TokenBatch,
    room: usize,
    tokens: usize,
) -> Vec<(Value, Tensor)> {
    let mut lengths: Vec<u32> = texts.ids.iter().map(|ids| ids.len() as u32).collect();
    lengths.resize(room, 1);
    vec![
        (encoder.rows, look_ups(config, texts, room, tokens)),
        (encoder.lengths, Tensor::U32(lengths)),
    ]
}
