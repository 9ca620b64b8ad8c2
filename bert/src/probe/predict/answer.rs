//! The best span of a passage as the answer to a question.

use serde::{Deserialize, Serialize};

use super::Said;
use crate::data::Stretch;

/// The most tokens of an answer, as in SQuAD's own scripts.
pub const MAX_ANSWER_TOKENS: usize = 30;

/// An answer that stands in a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Its first token.
    pub first: usize,
    /// Its last token.
    pub last: usize,
    /// First character in the passage.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// That it begins and ends there, among all spans and having no answer.
    pub probability: f32,
}

impl Answer {
    /// Its characters in the passage.
    pub fn at(&self) -> Stretch {
        let (start, end) = (self.start, self.end);
        Stretch { start, end }
    }
}

/// The likeliest answer in the passage: the second text, or the first where there is no other. It ends no sooner than it
/// begins, and has at most [`MAX_ANSWER_TOKENS`] tokens. `None` where having none (the span of `[CLS]`, Devlin et al. 2019,
/// section 4.3) is likelier, or there is no passage.
pub fn answer(said: &Said) -> Option<Answer> {
    let (found, none) = answers(said, 1);
    found
        .into_iter()
        .next()
        .filter(|best| best.probability > none)
}

/// The likeliest answers, at most so many, none of which shares a token with a likelier one; and the probability that there is
/// none.
pub fn answers(said: &Said, most: usize) -> (Vec<Answer>, f32) {
    let mut places = places(said);
    // Begin and end are independent: each is a softmax over the passage and [CLS].
    let share = |c: usize| {
        let all = || places.iter().chain(&[0]).map(|&i| said.token(i)[c]);
        let largest = all().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = all().map(|x| (x - largest).exp()).sum();
        move |i: usize| (said.token(i)[c] - largest).exp() / sum
    };
    let (begins, ends) = (share(0), share(1));
    let logit = |i: usize, column: usize| said.token(i)[column];
    let mut found = Vec::new();
    while found.len() < most {
        let Some((_, first, last)) = best_span(&places, logit) else {
            break;
        };
        found.push(Answer {
            first,
            last,
            start: said.tokens[first].start,
            end: said.tokens[last].end,
            probability: begins(first) * ends(last),
        });
        places.retain(|i| !(first..=last).contains(i));
    }
    (found, begins(0) * ends(0))
}

/// How likely the best answer is beside those of other parts of the passage: the sum of its logits.
pub(super) fn likeliest(said: &Said) -> Option<f32> {
    let logit = |i: usize, column: usize| said.token(i)[column];
    best_span(&places(said), logit).map(|(sum, ..)| sum)
}

/// The tokens of the passage.
fn places(said: &Said) -> Vec<usize> {
    let sequences = said.tokens.iter().filter_map(|token| token.sequence);
    let Some(passage) = sequences.max() else {
        return Vec::new();
    };
    let stands = |i: &usize| {
        let token = &said.tokens[*i];
        token.sequence == Some(passage) && !token.special
    };
    (0..said.tokens.len()).filter(stands).collect()
}

/// The span with the largest sum of the logits of its first token (column 0) and its last (column 1), the first of equals; it
/// begins and ends in `places`, ends no sooner than it begins, and has at most [`MAX_ANSWER_TOKENS`]. The sum, and the two tokens.
pub(crate) fn best_span(
    places: &[usize],
    logit: impl Fn(usize, usize) -> f32,
) -> Option<(f32, usize, usize)> {
    let mut best: Option<(f32, usize, usize)> = None;
    for (at, &first) in places.iter().enumerate() {
        let after = places[at..].iter().enumerate().take(MAX_ANSWER_TOKENS);
        // Up to the first gap.
        for (_, &last) in after.take_while(|(i, last)| **last == first + i) {
            let sum = logit(first, 0) + logit(last, 1);
            if best.is_none_or(|(found, ..)| sum > found) {
                best = Some((sum, first, last));
            }
        }
    }
    best
}
