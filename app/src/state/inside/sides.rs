//! Left and right: the guesses for a hidden word from what stands before it, after it, and on both sides.

use super::drawing::{Anchor, Drawing, Ink, fit};
use super::sight::{Sight, Table};
use super::{GUESSES, State};
use crate::link::inside::Picture;
use crate::protocol::{Found, Look};
use crate::state::format::percent;
use bert::inside::Sides;
use bert::probe::MaskResult;

const CAVEAT: &str = "How it misleads: the model was trained to see both sides. With one side hidden from it, it \
                      works as it never learned to, so its guesses are worse than those of a model that \
                      reads in one direction by trade.";
const ROW: f64 = 30.0;

impl State {
    pub(super) fn sides_look(&self) -> Option<Look> {
        if self.inside_hint().is_some() {
            return None;
        }
        Some(Look::Sides {
            subject: self.subject(),
            top_k: GUESSES,
        })
    }

    /// The three columns as they are shown.
    pub fn sides_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Sides {
            return None;
        }
        let (look, place) = (self.sides_look()?, self.place()?);
        let sides = self.inside.shown(&look, |found| match found {
            Found::Sides(sides) => Some(sides),
            _ => None,
        })?;
        sight(sides, place, width)
    }
}

fn sight(sides: &Sides, place: usize, width: f64) -> Option<Sight> {
    let at = |masks: &[MaskResult]| masks.iter().find(|mask| mask.position == place).cloned();
    let columns = [
        ("Left only", at(&sides.left)?),
        ("Both sides", at(&sides.both)?),
        ("Right only", at(&sides.right)?),
    ];
    let best = |mask: &MaskResult| {
        let best = mask.predictions.first();
        best.map_or(String::new(), |best| {
            format!("“{}” ({})", best.token, percent(best.probability))
        })
    };
    let sentence = format!(
        "For token {place} the model expects {} from what stands to its left, {} from what stands to its \
         right, and {} from both.",
        best(&columns[0].1),
        best(&columns[2].1),
        best(&columns[1].1)
    );
    Some(Sight {
        sentence,
        drawing: drawing(
            &columns,
            columns[1].1.predictions.first().map(|best| best.id),
            width,
        ),
        table: table(&columns),
        caveat: CAVEAT,
    })
}

/// Columns of guesses where there is room, else one above the other; the one that is `sure` stands out.
pub(super) fn drawing(columns: &[(&str, MaskResult)], sure: Option<u32>, width: f64) -> Drawing {
    let beside = width >= 560.0;
    let rows = columns.iter().map(|(_, mask)| mask.predictions.len()).max();
    let block = 28.0 + rows.unwrap_or(0) as f64 * ROW + 12.0;
    let count = columns.len().max(1) as f64;
    let (column, height) = match beside {
        true => ((width - 12.0 * (count - 1.0)) / count, block),
        false => (width, count * block),
    };
    let mut drawing = Drawing::new(width, height);
    for (number, (name, mask)) in columns.iter().enumerate() {
        let (left, top) = match beside {
            true => (number as f64 * (column + 12.0), 0.0),
            false => (0.0, number as f64 * block),
        };
        drawing.text(
            [left, top + 18.0],
            name,
            Ink::Soft,
            Anchor::Start,
            13.0,
            true,
        );
        for (row, guess) in mask.predictions.iter().enumerate() {
            let y = top + 28.0 + row as f64 * ROW;
            let ink = match sure == Some(guess.id) {
                true => Ink::Good,
                false => Ink::Accent,
            };
            drawing.fill([left, y], [column, ROW - 3.0], Ink::Soft, 0.09);
            let share = f64::from(guess.probability).clamp(0.0, 1.0);
            drawing.fill([left, y], [(column * share).max(3.0), ROW - 3.0], ink, 0.35);
            let word = fit(&guess.token, column - 76.0, 13.0);
            drawing.text(
                [left + 8.0, y + 18.5],
                &word,
                Ink::Plain,
                Anchor::Start,
                13.0,
                true,
            );
            let at = [left + column - 8.0, y + 18.5];
            drawing.text(
                at,
                &percent(guess.probability),
                Ink::Plain,
                Anchor::End,
                12.0,
                false,
            );
        }
    }
    drawing
}

fn table(columns: &[(&str, MaskResult); 3]) -> Table {
    let mut table = Table::new(&["Rank"]);
    for (name, _) in columns {
        table.columns.push((*name).to_owned());
        table
            .columns
            .push(format!("Probability, {}", name.to_lowercase()));
    }
    let rows = columns.iter().map(|(_, mask)| mask.predictions.len()).max();
    for row in 0..rows.unwrap_or(0) {
        let mut cells = vec![(row + 1).to_string()];
        for (_, mask) in columns {
            let guess = mask.predictions.get(row);
            cells.push(guess.map_or(String::new(), |guess| guess.token.clone()));
            cells.push(guess.map_or(String::new(), |guess| percent(guess.probability)));
        }
        table.rows.push(cells);
    }
    table
}
