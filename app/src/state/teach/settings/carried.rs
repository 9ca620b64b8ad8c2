//! The form as a link carries it.

use super::{Field, Settings};
use crate::recipe::carried::{Carried, Number, number};

impl Settings {
    /// What differs from the defaults for the chosen method. What is no number stays behind, and
    /// what is out of its range becomes the nearest in it.
    pub fn carried(&self) -> Carried {
        let mut plain = Self::default();
        plain.choose(self.method);
        plain.suit(self.has_pooler, self.limit, usize::MAX);
        let written = |settings: &Self, field| match number(field, settings.text(field)) {
            Number::Fine(text) | Number::Clamped(text) => Some(text),
            Number::Bad => None,
        };
        let fields = Field::ALL.into_iter().filter_map(|field| {
            let text = written(self, field)?;
            (written(&plain, field).as_ref() != Some(&text)).then_some((field, text))
        });
        Carried {
            goal: self.goal,
            method: self.method,
            layers: self.layers,
            pooling: (self.pooling != plain.pooling).then_some(self.pooling),
            whole_words: self.whole_words,
            fields: fields.collect(),
        }
    }

    /// Puts into the form what a link carries, and the defaults for the rest. [`Settings::suit`]
    /// belongs behind it, where a model is there.
    pub fn restore(&mut self, carried: &Carried) {
        *self = Self {
            layers: carried.layers,
            of_tokens: self.of_tokens,
            whole_words: carried.whole_words,
            ..Self::default()
        };
        self.choose(carried.method);
        self.choose_goal(carried.goal);
        if let Some(pooling) = carried.pooling {
            self.choose_pooling(pooling);
        }
        for (field, text) in &carried.fields {
            self.edit(*field, text.clone());
        }
    }
}
