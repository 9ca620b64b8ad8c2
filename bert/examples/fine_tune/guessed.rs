//! What the model guesses of held-out words before a run and after it: of its own texts, and of another kind of text.

use std::fs;
use std::path::Path;

use bert::data::blocks;
use bert::model::Model;
use bert::tokenizer::Tokenizer;
use bert::train::{HeldOut, OtherTexts, Recipe, Training};
use kernels::Control;
use serde_json::{Value, json};

use crate::common::AnyError;

/// Pieces of another text that are looked at: the first ones.
const MOST: usize = 400;

/// What is looked at.
pub struct Judge {
    other: Option<OtherTexts>,
}

/// What was guessed at one moment.
#[derive(Clone, Copy)]
pub struct Guessed {
    held: HeldOut,
    other: Option<HeldOut>,
}

impl Judge {
    /// `other`: a file of plain text, cut into pieces of the recipe's length.
    pub fn new(
        model: &Model,
        tokenizer: &Tokenizer,
        other: Option<&Path>,
        recipe: &Recipe,
    ) -> Result<Self, AnyError> {
        let other = other.map(|path| -> Result<OtherTexts, AnyError> {
            let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
            let text = fs::read_to_string(path).map_err(|e| named(&e))?;
            let mut pieces = blocks(&text, tokenizer, recipe.max_tokens);
            pieces.truncate(MOST);
            Ok(OtherTexts::new(model, tokenizer, &pieces, recipe).map_err(|e| named(&e))?)
        });
        let other = other.transpose()?;
        Ok(Self { other })
    }

    pub fn guess(&self, model: &mut Model, training: &mut Training) -> Result<Guessed, AnyError> {
        let control = Control::default();
        let mut quiet = |_, _| {};
        let held = training.held_out(model, &mut quiet, &control);
        let held = pollster::block_on(held)?;
        let other = match &self.other {
            Some(texts) => {
                let found = training.held_out_of(model, texts, &mut quiet, &control);
                Some(pollster::block_on(found)?)
            }
            None => None,
        };
        Ok(Guessed { held, other })
    }
}

impl Guessed {
    /// For `--json`.
    pub fn object(&self) -> Value {
        json!({"held_out": self.held, "other": self.other})
    }

    /// For people.
    pub fn print(&self, when: &str) {
        let line = |name: &str, found: &HeldOut| {
            eprintln!(
                "{when}, {name}: masked loss {:.4}, top-1 {:.1}%, top-5 {:.1}% of {} words",
                found.loss,
                100.0 * found.accuracy,
                100.0 * found.top5,
                found.words
            );
        };
        line("texts held out", &self.held);
        if let Some(other) = &self.other {
            line("the other text", other);
        }
    }
}
