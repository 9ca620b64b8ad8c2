//! What comes back for a mask: its best guesses, and how single words fare.

use super::{Compared, MAX_COMPARED, MaskResult, Original, Prediction, Token};
use crate::tokenizer::Tokenizer;
use kernels::Tensor;

/// What a plan's top-k returned, row by row.
pub(crate) struct Guesses<'a> {
    values: Vec<f32>,
    columns: &'a [u32],
    figures: Vec<f32>,
    /// Guesses of each row.
    stride: usize,
}

impl<'a> Guesses<'a> {
    /// From values, columns and figures, as they were read back.
    pub(crate) fn new([values, columns, figures]: [&'a Tensor; 3]) -> Self {
        Guesses {
            values: values.to_f32(),
            columns: columns.as_u32(),
            figures: figures.to_f32(),
            stride: values.len() / (figures.len() / 3),
        }
    }

    /// Whether all logits of a row are finite.
    pub(crate) fn is_finite(&self, row: usize) -> bool {
        self.figures[3 * row].is_finite()
    }

    /// A row's natural logarithm of the sum of all its logits' exponentials, and its target's logit.
    pub(crate) fn target(&self, row: usize) -> [f32; 2] {
        [self.figures[3 * row], self.figures[3 * row + 1]]
    }

    /// The best guesses of a row.
    pub(crate) fn best(&self, row: usize, tokenizer: &Tokenizer, top_k: usize) -> Vec<Prediction> {
        let range = row * self.stride..row * self.stride + top_k;
        let guesses = self.values[range.clone()].iter().zip(&self.columns[range]);
        let prediction = |(&logit, &id): (&f32, &u32)| Prediction {
            id,
            token: spelling(tokenizer, id),
            logit,
            probability: (logit - self.figures[3 * row]).exp(),
        };
        guesses.map(prediction).collect()
    }

    /// How a row's target fares, which has this id.
    pub(crate) fn standing(&self, row: usize, id: u32, token: String) -> Original {
        let [sum, logit] = self.target(row);
        Original {
            id,
            token,
            logit,
            probability: (logit - sum).exp(),
            rank: self.figures[3 * row + 2] as u32,
        }
    }

    /// A mask's guesses, and how the word fares that is hidden there.
    pub(crate) fn mask(
        &self,
        row: usize,
        position: usize,
        token: &Token,
        tokenizer: &Tokenizer,
        top_k: usize,
    ) -> MaskResult {
        let hidden = tokenizer.mask_id() != Some(token.id);
        MaskResult {
            position,
            original: hidden.then(|| self.standing(row, token.id, token.text.clone())),
            predictions: self.best(row, tokenizer, top_k),
            compared: Vec::new(),
        }
    }
}

/// A token's spelling, or its number where the vocabulary leaves it out.
pub(crate) fn spelling(tokenizer: &Tokenizer, id: u32) -> String {
    let known = tokenizer.id_to_token(id);
    known.unwrap_or_else(|| format!("#{id}"))
}

/// The words that are compared, each with its id or why it has none.
pub(super) fn words<'a>(
    tokenizer: &Tokenizer,
    typed: &'a [String],
) -> Vec<(&'a str, Result<u32, String>)> {
    let typed = typed.iter().take(MAX_COMPARED);
    typed
        .map(|word| {
            (
                &**word,
                tokenizer.word(word).map_err(|error| error.to_string()),
            )
        })
        .collect()
}

/// How each of the words fares; `standing` is asked for those that have an id, in their order.
pub(super) fn compared(
    words: &[(&str, Result<u32, String>)],
    mut standing: impl FnMut(&u32) -> Original,
) -> Vec<Compared> {
    let compare = |(word, id): &(&str, Result<u32, String>)| Compared {
        word: (*word).to_owned(),
        standing: id.as_ref().map(&mut standing).map_err(Clone::clone),
    };
    words.iter().map(compare).collect()
}
