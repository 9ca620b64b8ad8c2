//! What a run has come to by now: its figures, how far they can be trusted, and what was guessed before and after.

use super::run::Run;
use crate::state::format::{grouped, share};
use bert::metrics::{Figures, wilson};
use bert::train::HeldOut;

/// Texts that judge a run well enough without a word on it: with them, an accuracy near 90% is known to
/// some six points.
const ENOUGH: u64 = 100;

impl Run {
    /// The figures of the best epoch, by name.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        let Some(best) = self.best() else {
            return Vec::new();
        };
        let mut figures = vec![(
            if self.setup.recipe.settles {
                "Epochs"
            } else {
                "Best epoch"
            },
            best.epoch.to_string(),
        )];
        figures.extend(told(&best.figures));
        figures.push(("Validation loss", format!("{:.3}", best.validation_loss)));
        if let Some(before) = &self.before {
            figures.push((
                "Entropy of the words held out",
                format!("{:.3}", before.entropy),
            ));
        }
        if let Some(majority) = self.majority {
            figures.push(("Always the most frequent label", share(majority)));
        }
        figures
    }

    /// How far an accuracy that few texts judge may lie from the truth, in a sentence.
    pub fn figures_doubt(&self) -> Option<String> {
        let Figures::Classes { metrics, confusion } = &self.best()?.figures else {
            return None;
        };
        let texts = confusion.total();
        if texts == 0 || texts >= ENOUGH {
            return None;
        }
        let (low, high) = wilson(metrics.accuracy, texts);
        let whole = |value: f64| format!("{:.0}%", 100.0 * value);
        let texts = match texts {
            1 => "one text".to_owned(),
            texts => format!("{} texts", grouped(texts)),
        };
        Some(format!(
            "Only {texts} judge it: on other texts its accuracy may be anywhere from {} to {} \
             (Wilson's 95% interval).",
            whole(low),
            whole(high)
        ))
    }
}

/// What a head came to on the validation set, by name.
fn told(figures: &Figures) -> Vec<(&'static str, String)> {
    let three = |value: f64| format!("{value:.3}");
    let known = |value: Option<f64>| value.map_or("undefined".to_owned(), three);
    match figures {
        Figures::Choices { accuracy, chance } => vec![
            ("Validation accuracy", share(*accuracy)),
            ("Choosing at random", share(*chance)),
        ],
        Figures::Words {
            accuracy,
            top5,
            next,
            replaced,
        } => {
            let replaced = replaced.map(|found| {
                [
                    ("Tokens judged rightly", share(found.accuracy)),
                    ("Tokens not replaced", share(1.0 - found.share)),
                    ("F1 of replaced words", three(found.f1())),
                ]
            });
            let next = next.map(|next| {
                [
                    ("Pairs judged rightly", share(next.accuracy)),
                    ("Loss over pairs", three(next.loss)),
                ]
            });
            let words = [
                ("Validation accuracy", share(*accuracy)),
                ("Right word among the five likeliest", share(*top5)),
            ];
            words
                .into_iter()
                .chain(next.into_iter().flatten())
                .chain(replaced.into_iter().flatten())
                .collect()
        }
        Figures::Classes { metrics, .. } => {
            let over = metrics
                .over()
                .map_or(String::new(), |over| format!(", {over}"));
            vec![
                ("Validation accuracy", share(metrics.accuracy)),
                ("Macro F1", format!("{:.3}{over}", metrics.macro_f1)),
            ]
        }
        Figures::Labels(found) => vec![
            ("Micro F1", three(found.micro.f1)),
            ("Macro F1", three(found.macro_f1)),
            ("All labels right", share(found.subset_accuracy)),
        ],
        Figures::Score(found) => vec![
            ("Pearson correlation", known(found.pearson)),
            ("Spearman correlation", known(found.spearman)),
            ("Mean squared error", three(found.mean_squared_error)),
        ],
        Figures::Entities(found) => vec![
            ("Entity F1", three(found.overall.f1)),
            ("Precision", three(found.overall.precision)),
            ("Recall", three(found.overall.recall)),
            ("Words with the right tag", share(found.accuracy)),
        ],
        Figures::Answers(found) => vec![
            ("Exact match", share(found.exact_match)),
            ("Answer F1", three(found.f1)),
        ],
    }
}

/// What is guessed of some texts' hidden words, before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct BeforeAfter {
    pub texts: &'static str,
    /// Loss, accuracy and accuracy among five, each as it is written.
    pub before: [String; 3],
    pub after: Option<[String; 3]>,
}

impl Run {
    /// What was guessed of held-out hidden words before the run, and by now or at its end.
    pub fn before_after(&self) -> Vec<BeforeAfter> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let row = |held: &HeldOut| {
            [
                format!("{:.3}", held.loss),
                share(held.accuracy),
                share(held.top5),
            ]
        };
        let by_now = self.best().and_then(|best| match best.figures {
            Figures::Words { accuracy, top5, .. } => Some(HeldOut {
                loss: best.validation_loss,
                accuracy,
                top5,
                words: before.held.words,
            }),
            _ => None,
        });
        let after = self.after.as_ref().map(|after| after.held).or(by_now);
        let mut rows = vec![BeforeAfter {
            texts: "Texts held out",
            before: row(&before.held),
            after: after.as_ref().map(row),
        }];
        if let Some(other) = &before.other {
            let after = self.after.as_ref().and_then(|after| after.other);
            rows.push(BeforeAfter {
                texts: "The other text",
                before: row(other),
                after: after.as_ref().map(row),
            });
        }
        rows
    }

    /// What the figures before and after say, in sentences.
    pub fn before_after_lines(&self) -> Vec<String> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let mut lines = vec![format!(
            "Whoever knew only how frequent each word is would have a loss of {:.3}: the entropy of the texts held out.",
            before.entropy
        )];
        let other = self.after.as_ref().and_then(|after| after.other);
        if let (Some(then), Some(now)) = (before.other, other) {
            let change = now.loss - then.loss;
            lines.push(match change {
                worse if worse > 0.05 => format!(
                    "On the other text the loss rose by {worse:.3}: some of what it knew is forgotten."
                ),
                better if better < -0.05 => {
                    format!("On the other text the loss fell by {:.3} too.", -better)
                }
                _ => "On the other text the loss hardly changed.".to_owned(),
            });
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{epoch, news, planned, say, started};

    #[test]
    fn few_texts_are_said_to_say_little() {
        let mut state = planned();
        let id = started(&mut state);
        say(&mut state, id, news(epoch(1, 0.75, true), Some(Vec::new())));
        let run = state.teach.run.as_ref().expect("a run");
        let doubt = run.figures_doubt().expect("four texts judge it");
        assert_eq!(
            doubt,
            "Only 4 texts judge it: on other texts its accuracy may be anywhere from 30% to 95% \
             (Wilson's 95% interval)."
        );
    }
}
