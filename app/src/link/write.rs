//! From a link to the fragment that holds it.

use super::inside::{BASELINES, ORDERS, written};
use super::{Link, escape, key};
use crate::link::Panel;
use crate::recipe::Field;
use crate::recipe::carried::{GOALS, METHODS, POOLINGS};
use std::fmt::Display;

/// As links call the panels.
pub(super) const PANELS: [(Panel, &str); 6] = [
    (Panel::Probe, "probe"),
    (Panel::Inside, "inside"),
    (Panel::Teach, "teach"),
    (Panel::Prove, "prove"),
    (Panel::Learn, "learn"),
    (Panel::Bench, "bench"),
];

/// The name of a choice; all of them have one.
fn name<T: PartialEq>(names: &[(T, &'static str)], choice: &T) -> &'static str {
    let found = names.iter().find(|(this, _)| this == choice);
    found.map_or("", |(_, name)| name)
}

fn list(items: impl Iterator<Item = impl Display>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(",")
}

impl Link {
    /// The fragment, without its `#`; empty where everything is as by default.
    pub fn to_fragment(&self) -> String {
        let plain = Self::default();
        let mut fragment = String::new();
        let mut put = |key: &str, value: &str| {
            if fragment.is_empty() {
                fragment.push_str("v=1");
            }
            fragment.push('&');
            fragment.push_str(key);
            fragment.push('=');
            escape::escape(value, &mut fragment);
        };
        if let Some(model) = &self.model {
            put(key::MODEL, &model.to_string());
        }
        if self.panel != plain.panel {
            put(key::PANEL, name(&PANELS, &self.panel));
        }
        if let Some(lesson) = self.lesson {
            put(key::LESSON, &lesson.to_string());
        }
        if self.text != plain.text {
            put(key::TEXT, &self.text);
        }
        if let Some(pair) = &self.pair {
            put(key::PAIR, pair);
        }
        if !self.masks.is_empty() {
            put(key::MASK, &list(self.masks.iter()));
        }
        if self.top_k != plain.top_k {
            put(key::TOP, &self.top_k.to_string());
        }
        if !self.compare.is_empty() {
            put(key::COMPARE, &self.compare);
        }
        let inside = &self.inside;
        if inside.picture != plain.inside.picture {
            put(key::SEE, inside.picture.name());
        }
        if let Some(place) = inside.place {
            put(key::AT, &place.to_string());
        }
        if !inside.follow.is_empty() {
            put(key::FOLLOW, &inside.follow);
        }
        if let Some(map) = inside.map {
            put(key::MAP, &map.written());
        }
        if let Some(row) = inside.row {
            put(key::ROW, &row.to_string());
        }
        if inside.arrives {
            put(key::ARRIVES, "1");
        }
        if !inside.off.is_empty() {
            put(
                key::OFF,
                &list(inside.off.iter().map(|&head| written(head))),
            );
        }
        if inside.baseline != plain.inside.baseline {
            put(key::BASELINE, name(&BASELINES, &inside.baseline));
        }
        if !inside.other.is_empty() {
            put(key::OTHER, &inside.other);
        }
        if !inside.swaps.is_empty() {
            put(key::SWAPS, &inside.swaps);
        }
        if inside.apart {
            put(key::APART, "1");
        }
        if !inside.sentences.is_empty() {
            put(key::SENTENCES, &inside.sentences);
        }
        let (rounds, plain_rounds) = (&inside.rounds, &plain.inside.rounds);
        if rounds.words != plain_rounds.words {
            put(key::ROUND_WORDS, &rounds.words.to_string());
        }
        if rounds.heat != plain_rounds.heat {
            put(key::ROUND_HEAT, &rounds.heat.to_string());
        }
        if let Some(number) = rounds.number {
            put(key::ROUND, &number.to_string());
        }
        if !rounds.own.is_empty() {
            put(key::ROUND_OWN, &rounds.own);
        }
        let (writing, usual) = (&inside.writing, &plain.inside.writing);
        if writing.tokens != usual.tokens {
            put(key::WRITE, &writing.tokens.to_string());
        }
        if writing.tenths != usual.tenths {
            put(key::TEMPERATURE, &writing.temperature().to_string());
        }
        if writing.draw != usual.draw {
            put(key::DRAW, &writing.draw.to_string());
        }
        if writing.order != usual.order {
            put(key::ORDER, name(&ORDERS, &writing.order));
        }
        let (recipe, usual) = (&self.recipe, &plain.recipe);
        if recipe.goal != usual.goal {
            put(key::GOAL, name(&GOALS, &recipe.goal));
        }
        if recipe.method != usual.method {
            put(key::METHOD, name(&METHODS, &recipe.method));
        }
        if recipe.layers != usual.layers {
            put(key::LAYERS, &recipe.layers.to_string());
        }
        if let Some(pooling) = &recipe.pooling {
            put(key::POOLING, name(&POOLINGS, pooling));
        }
        if recipe.whole_words {
            put(key::WHOLE_WORDS, "1");
        }
        for (field, text) in &recipe.fields {
            put(Field::id(*field), text);
        }
        if let Some(data) = &self.data {
            put(key::DATA, data.as_str());
        }
        if !self.trial.is_empty() {
            put(key::TRY, &self.trial);
        }
        if !self.trial_pair.is_empty() {
            put(key::TRY_PAIR, &self.trial_pair);
        }
        if let Some(curve) = &self.curve {
            put(key::CURVE, &curve.to_text());
        }
        if !self.hide.is_empty() {
            put(key::HIDE, &list(self.hide.iter().map(|part| part.name())));
        }
        if let Some(head) = &self.head {
            put(key::HEAD, head);
        }
        escape::close(&mut fragment);
        fragment
    }
}
