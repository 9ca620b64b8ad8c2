//! What the head of a task says, in words.

use super::format::percent;
use bert::config::HeadKind;
use bert::probe::{Said, answer, entities};

/// The outputs of a head of whole texts with their probabilities, the likeliest first.
pub fn ranked(said: &Said) -> Vec<(String, f32)> {
    let labels = said.head.labels.iter().cloned();
    let mut found: Vec<(String, f32)> = labels.zip(said.probabilities()).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

/// The choices with their probabilities, the likeliest first; empty where there are not two.
pub fn ranked_choices(said: &Said) -> Vec<(String, f32)> {
    let choices = said.choices().into_iter().map(str::to_owned);
    let mut found: Vec<(String, f32)> = choices.zip(said.probabilities()).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found
}

/// For those who listen, in a sentence.
pub fn spoken(said: &Said) -> String {
    match said.head.kind {
        HeadKind::Classes => match ranked(said).first() {
            Some((label, share)) => format!("{label}, {}", percent(*share)),
            None => String::new(),
        },
        HeadKind::Labels => {
            let given = ranked(said).into_iter().filter(|(_, share)| *share > 0.5);
            let given: Vec<String> = given.map(|(label, _)| label).collect();
            match given.is_empty() {
                true => "No label".to_owned(),
                false => given.join(", "),
            }
        }
        HeadKind::Choice if said.logits.len() > 1 => match ranked_choices(said).first() {
            Some((choice, share)) => format!("{choice}, {}", percent(*share)),
            None => String::new(),
        },
        HeadKind::Score | HeadKind::Choice => {
            format!(
                "Score {:.3}",
                said.logits.first().copied().unwrap_or_default()
            )
        }
        HeadKind::Tokens => {
            let found = entities(said).into_iter();
            let found =
                found.map(|entity| format!("{}: {}", entity.words(&said.text), entity.label));
            let found: Vec<String> = found.collect();
            match found.is_empty() {
                true => "No entity found".to_owned(),
                false => found.join("; "),
            }
        }
        HeadKind::Span => match answer(said) {
            Some(found) => format!(
                "{}, {}",
                found.at().of(said.text.passage()),
                percent(found.probability)
            ),
            None => "No answer".to_owned(),
        },
    }
}
