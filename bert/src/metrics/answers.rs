//! Answers, compared as SQuAD's own script does it (Rajpurkar et al. 2016 and 2018).

use serde::{Deserialize, Serialize};

/// The figures of answers, as means over the questions, 0 to 1 (the script gives percent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerMetrics {
    /// The share of questions with one of the right answers, word by word.
    pub exact_match: f64,
    /// How many words each answer shares with the right one that it is nearest to.
    pub f1: f64,
    /// Questions.
    pub questions: usize,
}

impl AnswerMetrics {
    /// Of each question's exact match and F1.
    pub fn of(questions: &[(f64, f64)]) -> Self {
        let mean = |sum: f64| sum / questions.len().max(1) as f64;
        Self {
            exact_match: mean(questions.iter().map(|q| q.0).sum()),
            f1: mean(questions.iter().map(|q| q.1).sum()),
            questions: questions.len(),
        }
    }
}

/// The words by which answers are compared: in lower case, without punctuation and articles.
fn words(answer: &str) -> Vec<String> {
    // Python's `string.punctuation` is ASCII's, and its `\b` stands between what is alphanumeric and what is not.
    let lower = answer.to_lowercase();
    let kept: Vec<char> = lower
        .chars()
        .filter(|c| !c.is_ascii_punctuation())
        .collect();
    let parts = kept.chunk_by(|a, b| a.is_alphanumeric() == b.is_alphanumeric());
    let parts = parts.map(String::from_iter);
    let kept: String = parts
        .map(|part: String| match part.as_str() {
            "a" | "an" | "the" => " ".to_owned(),
            _ => part,
        })
        .collect();
    kept.split_whitespace().map(str::to_owned).collect()
}

/// The largest of a comparison with each of the right answers; with the empty one where there is none.
fn best(right: &[&str], compare: impl Fn(&str) -> f64) -> f64 {
    match right {
        [] => compare(""),
        _ => right.iter().map(|right| compare(right)).fold(0.0, f64::max),
    }
}

/// 1 where an answer is one of the right ones, else 0. `""` is that there is none.
pub fn exact_match(right: &[&str], found: &str) -> f64 {
    best(right, |right| {
        f64::from(u8::from(words(right) == words(found)))
    })
}

/// The F1 of the words that an answer shares with the nearest of the right ones.
pub fn overlap_f1(right: &[&str], found: &str) -> f64 {
    best(right, |right| {
        let (right, found) = (words(right), words(found));
        if right.is_empty() || found.is_empty() {
            return f64::from(u8::from(right == found));
        }
        let mut left = right.clone();
        let mut same = 0;
        for word in &found {
            if let Some(place) = left.iter().position(|other| other == word) {
                left.swap_remove(place);
                same += 1;
            }
        }
        2.0 * f64::from(same) / (right.len() + found.len()) as f64
    })
}
