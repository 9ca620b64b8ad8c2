//! Answers in a passage, over all its windows.

use std::collections::BTreeMap;

use super::super::encode::Encoded;
use super::super::event::Mistake;
use super::{Score, surest};
use crate::data::{Example, Stretch, Truth};
use crate::metrics::{AnswerMetrics, Figures, exact_match, overlap_f1};
use crate::probe::best_span;

/// What is known of a question.
struct Question {
    example: Example,
    /// The best answer so far, and its logits' sum.
    best: Option<(f32, Stretch)>,
    /// The least sum of `[CLS]` in any window: that there is no answer.
    none: f32,
}

#[derive(Default)]
pub struct Answers {
    questions: BTreeMap<usize, Question>,
    /// Whether some question has no answer: else one is always given, as SQuAD 1.1 is judged.
    some_have_none: bool,
}

impl Answers {
    fn found(&self, question: &Question) -> Option<Stretch> {
        let (sum, stretch) = question.best?;
        (!self.some_have_none || sum > question.none).then_some(stretch)
    }

    /// Exact match, F1, and what was found.
    fn judge(&self, question: &Question) -> (f64, f64, Option<Stretch>) {
        let passage = question.example.pair.as_deref().unwrap_or_default();
        let Truth::Answers(right) = &question.example.truth else {
            return (0.0, 0.0, None);
        };
        let right: Vec<String> = right.iter().map(|s| s.of(passage)).collect();
        let right: Vec<&str> = right.iter().map(String::as_str).collect();
        let found = self.found(question);
        let text = found.map_or(String::new(), |s| s.of(passage));
        (exact_match(&right, &text), overlap_f1(&right, &text), found)
    }
}

impl Score for Answers {
    fn add(&mut self, encoded: &Encoded, example: &Example, logits: &[f32]) {
        let Truth::Answers(right) = &example.truth else {
            return;
        };
        self.some_have_none |= right.is_empty();
        let places: Vec<usize> = (0..encoded.passage.len())
            .filter(|&i| encoded.passage[i].is_some())
            .collect();
        let logit = |i: usize, column: usize| logits[2 * i + column];
        let entry = self.questions.entry(encoded.example);
        let question = entry.or_insert_with(|| Question {
            example: example.clone(),
            best: None,
            none: f32::INFINITY,
        });
        question.none = question.none.min(logit(0, 0) + logit(0, 1));
        let Some((sum, first, last)) = best_span(&places, logit) else {
            return;
        };
        if question.best.is_none_or(|(best, _)| sum > best)
            && let (Some(first), Some(last)) = (encoded.passage[first], encoded.passage[last])
        {
            question.best = Some((
                sum,
                Stretch {
                    start: first.start,
                    end: last.end,
                },
            ));
        }
    }

    fn figures(&self) -> Figures {
        let judged = self.questions.values().map(|question| self.judge(question));
        let judged: Vec<(f64, f64)> = judged.map(|(exact, f1, _)| (exact, f1)).collect();
        Figures::Answers(AnswerMetrics::of(&judged))
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let wrong = |(place, question): (&usize, &Question)| {
            let (exact, f1, found) = self.judge(question);
            (exact == 0.0).then(|| Mistake {
                example: *place,
                found: Truth::Answers(found.into_iter().collect()),
                // What shares no word with any right answer comes first.
                sure: 1.0 - f1 as f32,
                probabilities: Vec::new(),
            })
        };
        surest(self.questions.iter().filter_map(wrong).collect())
    }
}
