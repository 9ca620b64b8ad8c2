//! The form for a new model, as it is typed.

use crate::protocol::Size;
use crate::recipe::Goal;
use bert::tokenizer::{LEAST_VOCABULARY, MOST_VOCABULARY};

/// A number that is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MakeField {
    Vocabulary,
    Steps,
    Layers,
    Hidden,
    Heads,
    MaxTokens,
}

impl MakeField {
    pub const ALL: [Self; 6] = [
        Self::Vocabulary,
        Self::Steps,
        Self::Layers,
        Self::Hidden,
        Self::Heads,
        Self::MaxTokens,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::Vocabulary => "Vocabulary (tokens)",
            Self::Steps => "Steps to learn",
            Self::Layers => "Layers",
            Self::Hidden => "Hidden size",
            Self::Heads => "Attention heads",
            Self::MaxTokens => "Longest text (tokens)",
        }
    }

    /// For the element's id.
    pub fn id(self) -> &'static str {
        match self {
            Self::Vocabulary => "make-vocabulary",
            Self::Steps => "make-steps",
            Self::Layers => "make-layers",
            Self::Hidden => "make-hidden",
            Self::Heads => "make-heads",
            Self::MaxTokens => "make-max-tokens",
        }
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// A named size: those of Google's smaller BERTs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    layers: usize,
    hidden: usize,
    heads: usize,
}

impl Preset {
    const fn of(name: &'static str, [layers, hidden, heads]: [usize; 3]) -> Self {
        Self {
            name,
            layers,
            hidden,
            heads,
        }
    }

    /// For the button's name.
    pub fn words(self) -> String {
        format!("{} layers of {}", self.layers, self.hidden)
    }
}

/// The named sizes.
pub const PRESETS: [Preset; 5] = [
    Preset::of("Smallest", [1, 32, 2]),
    Preset::of("Tiny", [2, 128, 2]),
    Preset::of("Mini", [4, 256, 4]),
    Preset::of("Small", [4, 512, 8]),
    Preset::of("Medium", [8, 512, 8]),
];

/// What can teach a new model, and how that is said.
pub const GOALS: [(Goal, &str); 4] = [
    (Goal::Masks, "Both sides: hidden words"),
    (Goal::Next, "Both sides: hidden words and the next sentence"),
    (Goal::Replaced, "Both sides: replaced words (ELECTRA)"),
    (Goal::NextWord, "Left to right: the next word"),
];

/// What the form holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// As it is typed; empty for the usual one.
    pub named: String,
    /// Whether capitals and accents are told apart.
    pub cased: bool,
    /// What is to teach the model: one of [`GOALS`].
    pub goal: Goal,
    texts: [String; MakeField::ALL.len()],
}

impl Default for Form {
    fn default() -> Self {
        let texts = ["2000", "1000", "2", "128", "2", "64"];
        Self {
            named: String::new(),
            cased: false,
            goal: Goal::Masks,
            texts: texts.map(str::to_owned),
        }
    }
}

impl Form {
    /// What stands in a field.
    pub fn text(&self, field: MakeField) -> &str {
        &self.texts[field.place()]
    }

    /// Types into a field.
    pub fn edit(&mut self, field: MakeField, text: String) {
        self.texts[field.place()] = text;
    }

    /// Takes a named size.
    pub fn take(&mut self, preset: Preset) {
        let Preset {
            layers,
            hidden,
            heads,
            ..
        } = preset;
        for (field, number) in [
            (MakeField::Layers, layers),
            (MakeField::Hidden, hidden),
            (MakeField::Heads, heads),
        ] {
            self.edit(field, number.to_string());
        }
    }

    /// Whether it has this size.
    pub fn has(&self, preset: Preset) -> bool {
        self.size().is_ok_and(|(size, _)| {
            (size.layers, size.hidden, size.heads) == (preset.layers, preset.hidden, preset.heads)
        })
    }

    /// What the model is called where nothing is typed.
    pub fn usual_name(&self) -> &'static str {
        match self.goal {
            Goal::NextWord => "my-twin",
            Goal::Replaced => "my-electra",
            Goal::Labels | Goal::Masks | Goal::Next => "my-bert",
        }
    }

    /// The name of the model.
    pub fn name(&self) -> String {
        match self.named.trim() {
            "" => self.usual_name().to_owned(),
            named => named.to_owned(),
        }
    }

    /// The size and the number of steps that it describes.
    ///
    /// # Errors
    /// Every field that holds no number, or one that cannot be, in a sentence each.
    pub fn size(&self) -> Result<(Size, usize), Vec<String>> {
        let mut problems = Vec::new();
        let mut whole = |field: MakeField| {
            let text = self.text(field).trim();
            let number = text.parse::<u32>().ok().filter(|number| *number > 0);
            number.unwrap_or_else(|| {
                let label = field.label();
                problems.push(format!("{label}: “{text}” is not a whole number from 1."));
                1
            }) as usize
        };
        let size = Size {
            vocabulary: whole(MakeField::Vocabulary),
            layers: whole(MakeField::Layers),
            hidden: whole(MakeField::Hidden),
            heads: whole(MakeField::Heads),
            max_tokens: whole(MakeField::MaxTokens),
            goal: self.goal,
        };
        let steps = whole(MakeField::Steps);
        if problems.is_empty() {
            let of_vocabulary = LEAST_VOCABULARY..=MOST_VOCABULARY;
            if !of_vocabulary.contains(&size.vocabulary) {
                problems.push(format!(
                    "Vocabulary {}: {LEAST_VOCABULARY} to {MOST_VOCABULARY}.",
                    size.vocabulary
                ));
            }
            let words = size.shape().problems().into_iter();
            problems.extend(
                words
                    .filter(|one| !one.starts_with("vocabulary"))
                    .map(|one| {
                        let mut letters = one.chars();
                        let first = letters.next().into_iter().flat_map(char::to_uppercase);
                        format!("{}.", first.chain(letters).collect::<String>())
                    }),
            );
        }
        match problems.is_empty() {
            true => Ok((size, steps)),
            false => Err(problems),
        }
    }
}
