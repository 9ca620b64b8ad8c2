//! Sentences to start from, each for what it shows.

use super::Probe;
use crate::link::FIRST_TEXT;

/// A sentence to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// What it shows, in a word or two: its button's name.
    pub name: &'static str,
    pub text: &'static str,
    pub pair: Option<&'static str>,
    /// Words to compare at its blank.
    pub compare: &'static str,
    /// What to look at.
    pub shows: &'static str,
}

/// All of them, the one that a visitor finds first.
pub const EXAMPLES: [Example; 8] = [
    Example {
        name: "Everyday",
        text: FIRST_TEXT,
        pair: None,
        compare: "",
        shows: "Both sides count: “poured a cup of” before the blank, “sat down” after it.",
    },
    Example {
        name: "Grammar",
        text: "The boxes in the car [MASK] heavy.",
        pair: None,
        compare: "were / was",
        shows: "The verb goes with “boxes”, not with “car”, which stands beside it.",
    },
    Example {
        name: "Facts",
        text: "Paris is the capital of [MASK].",
        pair: None,
        compare: "",
        shows: "What a model knows it has from its texts. A small one knows little: some just name the city again.",
    },
    Example {
        name: "Two meanings",
        text: "He fished from the bank of the [MASK]. She went to the bank to borrow some [MASK].",
        pair: None,
        compare: "",
        shows: "One word, “bank”, twice: the words around it say which one is meant.",
    },
    Example {
        name: "Negation",
        text: "An oak is not a [MASK].",
        pair: None,
        compare: "tree",
        shows: "Take “not” away and compare. BERTs are known to pass over it (Ettinger, 2020).",
    },
    Example {
        name: "Bias",
        text: "The engineer said that [MASK] was tired.",
        pair: None,
        compare: "she / he",
        shows: "Put “nurse” in the engineer's place. The model repeats what its texts said.",
    },
    Example {
        name: "Another language",
        text: "Der Hund ist ein [MASK].",
        pair: None,
        compare: "",
        shows: "A model that has read English alone is lost here.",
    },
    Example {
        name: "Two texts",
        text: "It rained all day.",
        pair: Some("So they stayed in the [MASK]."),
        compare: "",
        shows: "The first text helps to fill the blank in the second.",
    },
];

impl Probe {
    /// Puts an example in place of what was there, its blanks spelled as the model's vocabulary spells them.
    pub(in crate::state) fn put_example(&mut self, example: &Example, mask: &str) {
        let spelled = |text: &str| text.replace("[MASK]", mask);
        self.put(spelled(example.text));
        self.pair = example.pair.map(spelled).unwrap_or_default();
        self.paired = example.pair.is_some();
        self.compare = example.compare.to_owned();
    }

    /// The example that stands there unchanged.
    pub fn example(&self, mask: &str) -> Option<&'static Example> {
        let spelled = |text: &str| text.replace("[MASK]", mask);
        EXAMPLES.iter().find(|example| {
            spelled(example.text) == self.text
                && self.hidden.is_empty()
                && self.paired == example.pair.is_some()
                && example.pair.is_none_or(|pair| spelled(pair) == self.pair)
        })
    }
}
