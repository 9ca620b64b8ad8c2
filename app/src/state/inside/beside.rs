//! Beside: what this model guesses at a blank, and what models that were here before guessed at the same one. There is never a second
//! model on the device: the guesses of the first are kept while the page is open.

use super::State;
use super::drawing::{Drawing, Ink};
use super::sides;
use super::sight::{Sight, Table};
use crate::link::inside::Picture;
use crate::state::format::percent;
use bert::probe::MaskResult;

const CAVEAT: &str = "How it misleads: one sentence says little. A model that reads left to right guesses without what stands \
                      behind the blank, as it was taught to; that is its trade, not a fault.";
/// Answers that are kept.
const KEPT: usize = 12;
/// Squares along a side of the picture of who sees whom.
const SEEN: usize = 6;
const SQUARE: f64 = 9.0;
const ABOVE: f64 = SEEN as f64 * SQUARE + 14.0;

/// What a model guessed in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Guessed {
    model: String,
    causal: bool,
    text: String,
    pair: Option<String>,
    /// Where in which text each blank begins, and what was guessed.
    blanks: Vec<(Option<u8>, usize, MaskResult)>,
}

impl State {
    /// Keeps what the model has just guessed, to stand beside another's.
    pub(in crate::state) fn keep_guesses(&mut self) {
        let (Some(model), Some(fill)) = (&self.session.model, &self.probe.fill) else {
            return;
        };
        let blank = |mask: &MaskResult| {
            let token = fill.tokens.get(mask.position)?;
            Some((token.sequence, token.start, mask.clone()))
        };
        let guessed = Guessed {
            model: model.name.clone(),
            causal: model.causal,
            text: self.probe.text.clone(),
            pair: self.probe.paired.then(|| self.probe.pair.clone()),
            blanks: fill.masks.iter().filter_map(blank).collect(),
        };
        if guessed.blanks.is_empty() {
            return;
        }
        let kept = &mut self.inside.guessed;
        kept.retain(|one| {
            one.model != guessed.model || one.text != guessed.text || one.pair != guessed.pair
        });
        kept.push(guessed);
        let old = kept.len().saturating_sub(KEPT);
        kept.drain(..old);
    }

    /// What the loaded model guesses at the blank, and what the newest other one guessed there.
    fn two(&self) -> Option<[(&Guessed, &MaskResult); 2]> {
        let name = &self.session.model.as_ref()?.name;
        let (place, pair) = (self.place()?, self.probe.paired.then_some(&self.probe.pair));
        let token = self.probe.tokens.get(place)?;
        let of_text = |one: &&Guessed| one.text == self.probe.text && one.pair.as_ref() == pair;
        let at = |one: &'_ Guessed| -> Option<usize> {
            one.blanks.iter().position(|(sequence, start, _)| {
                (*sequence, *start) == (token.sequence, token.start)
            })
        };
        let newest = |own: bool| {
            let mut kept = self.inside.guessed.iter().rev().filter(of_text);
            let found = kept.find(|one| (one.model == *name) == own && at(one).is_some())?;
            Some((found, &found.blanks[at(found)?].2))
        };
        Some([newest(true)?, newest(false)?])
    }

    /// What keeps two models from standing side by side.
    pub(super) fn beside_hint(&self) -> Option<String> {
        self.place()?;
        let name = &self.session.model.as_ref()?.name;
        self.two().is_none().then(|| {
            format!(
                "Only {name} has guessed at this blank. Open another model, such as its twin: the text stays, and what {name} \
                 guesses is kept beside, since two models are never on the device at once."
            )
        })
    }

    /// The guesses of two models for the same blank.
    pub fn beside_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Beside || self.probe.awaits_tokens() {
            return None;
        }
        let [(own, mask), (other, before)] = self.two()?;
        Some(sight([(own, mask), (other, before)], width))
    }

    /// What both learned from the same text, as curves of the losses of their newest runs.
    pub fn taught_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Beside {
            return None;
        }
        let [(own, _), (other, _)] = self.two()?;
        let models = [own, other].map(|one| (one.model.as_str(), one.causal));
        self.teach.past.side_by_side(models, width)
    }
}

fn reads(causal: bool) -> &'static str {
    match causal {
        true => "reads left to right (a triangle of who sees whom)",
        false => "reads both sides (a full square of who sees whom)",
    }
}

fn sight(two: [(&Guessed, &MaskResult); 2], width: f64) -> Sight {
    let best = |mask: &MaskResult| {
        let best = mask.predictions.first();
        best.map_or(String::new(), |best| {
            format!("“{}” ({})", best.token, percent(best.probability))
        })
    };
    let [(own, mask), (other, before)] = two;
    let sentence = format!(
        "{} {} and guesses {}; {} {} and guessed {}.",
        own.model,
        reads(own.causal),
        best(mask),
        other.model,
        reads(other.causal),
        best(before),
    );
    let columns = [
        (own.model.as_str(), mask.clone()),
        (other.model.as_str(), before.clone()),
    ];
    // Each with its own picture above: side by side where there is room, as the guesses are.
    let best = mask.predictions.first().map(|best| best.id);
    let mut drawing = sides::drawing(&columns, best, width);
    let second = match width >= 560.0 {
        true => (width + 12.0) / 2.0,
        false => 76.0,
    };
    let guesses = std::mem::take(&mut drawing.shapes);
    let mut with = Drawing::new(width, drawing.height + ABOVE);
    who_sees_whom(&mut with, 0.0, own.causal, Ink::Accent);
    who_sees_whom(&mut with, second, other.causal, Ink::Second);
    with.shapes
        .extend(guesses.into_iter().map(|shape| shape.lowered(ABOVE)));
    let mut table = Table::new(&["Rank"]);
    for (name, _) in &columns {
        table.columns.push((*name).to_owned());
        table.columns.push(format!("Probability, {name}"));
    }
    let rows = mask.predictions.len().max(before.predictions.len());
    for row in 0..rows {
        let mut cells = vec![(row + 1).to_string()];
        for (_, mask) in &columns {
            let guess = mask.predictions.get(row);
            cells.push(guess.map_or(String::new(), |guess| guess.token.clone()));
            cells.push(guess.map_or(String::new(), |guess| percent(guess.probability)));
        }
        table.rows.push(cells);
    }
    Sight {
        sentence,
        drawing: with,
        table,
        caveat: CAVEAT,
    }
}

/// A row for each word, a square in it for each word that it sees.
fn who_sees_whom(drawing: &mut Drawing, left: f64, causal: bool, ink: Ink) {
    for row in 0..SEEN {
        for column in 0..SEEN {
            let weight = match causal && column > row {
                true => 0.06,
                false => 0.6,
            };
            let at = [left + column as f64 * SQUARE, row as f64 * SQUARE];
            drawing.fill(at, [SQUARE - 1.5; 2], ink, weight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::Shape;
    use super::super::tests::ready;
    use super::*;

    #[test]
    fn guesses_of_the_model_before_stand_beside_for_the_same_text_alone() {
        let mut state = ready();
        state.inside.see(Picture::Beside);
        let hint = state.inside_hint().expect("one model alone");
        assert!(hint.starts_with("Only Seedling has guessed"), "{hint}");
        assert_eq!(state.beside_sight(600.0), None);
        assert_eq!(state.look_inside(), [], "it is Probe's own answer");
        // Another model answers the same text.
        if let Some(model) = &mut state.session.model {
            (model.name, model.causal) = ("Twin".to_owned(), true);
        }
        state.keep_guesses();
        state.keep_guesses();
        assert_eq!(state.inside.guessed.len(), 2, "one of each model");
        assert_eq!(state.inside_hint(), None);
        let sight = state.beside_sight(600.0).expect("two");
        assert!(
            sight
                .sentence
                .starts_with("Twin reads left to right (a triangle")
        );
        assert!(
            sight
                .sentence
                .contains("Seedling reads both sides (a full square")
        );
        assert_eq!(sight.table.rows[0], ["1", "tea", "60.0%", "tea", "60.0%"]);
        // 15 squares of the triangle are empty, none of the full one.
        let faint = |shape: &&Shape| matches!(shape, Shape::Box { weight, .. } if *weight < 0.07);
        assert_eq!(sight.drawing.shapes.iter().filter(faint).count(), 15);
        assert_eq!(state.taught_sight(600.0), None, "neither was taught here");
        state.probe.text = "another text".to_owned();
        assert_eq!(state.beside_sight(600.0), None);
    }
}
