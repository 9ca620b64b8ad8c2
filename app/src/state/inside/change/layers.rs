//! The lens at one place before a run and after it, layer by layer.

use super::super::drawing::{Anchor, Drawing, Ink, fit};
use super::super::lens::layer_name;
use super::super::sight::{Sight, Table};
use crate::state::format::{grouped, percent};
use bert::inside::{LensPlace, LensRow};

const CAVEAT: &str = "How it misleads: the head was trained for the last layer only, before the run and in it. What changes in \
                      the middle is what it would say if the model stopped there.";
const ROW: f64 = 30.0;
const TOP: f64 = 30.0;
const NAMES: f64 = 44.0;

/// The lens before and after, at the same place.
pub(super) fn sight(lens: &[LensPlace; 2], width: f64) -> Sight {
    let [before, after] = lens;
    let pairs: Vec<[&LensRow; 2]> = (before.layers.iter().zip(&after.layers))
        .map(|(before, after)| [before, after])
        .collect();
    let best = |row: &LensRow| row.top.first().map(|best| best.id);
    let differs = |[before, after]: &[&LensRow; 2]| best(before) != best(after);
    let first = pairs.iter().position(differs);
    let mut sentence = format!(
        "What the head would put in place of token {} after each layer, before the run and after it.",
        before.position
    );
    sentence += &match first {
        None => " The best word is the same after every layer.".to_owned(),
        Some(0) => " The best words differ from the embeddings on.".to_owned(),
        Some(layer) => format!(" The best words differ first after layer {layer}."),
    };
    let last = pairs
        .last()
        .map(|pair| pair.map(|row| row.followed.clone()));
    if let Some([Some(then), Some(now)]) = last {
        sentence += &format!(
            " In the end “{}” had rank {}, and has rank {}.",
            now.token,
            grouped(then.rank.into()),
            grouped(now.rank.into())
        );
    }
    Sight {
        sentence,
        drawing: drawing(&pairs, width),
        table: table(&pairs),
        caveat: CAVEAT,
    }
}

/// Two columns of best words, the last layer at the top.
fn drawing(pairs: &[[&LensRow; 2]], width: f64) -> Drawing {
    let cell = (width - NAMES) / 2.0;
    let mut drawing = Drawing::new(width, TOP + pairs.len() as f64 * ROW + 6.0);
    drawing.word([0.0, 18.0], "Layer", Ink::Soft, Anchor::Start);
    for (column, name) in ["Before", "After"].into_iter().enumerate() {
        let x = NAMES + column as f64 * cell;
        drawing.word([x, 18.0], name, Ink::Soft, Anchor::Start);
    }
    for (layer, pair) in pairs.iter().enumerate() {
        let y = TOP + (pairs.len() - 1 - layer) as f64 * ROW;
        let name = layer_name(layer);
        drawing.word([0.0, y + 19.0], &name, Ink::Soft, Anchor::Start);
        for (column, row) in pair.iter().enumerate() {
            let x = NAMES + column as f64 * cell;
            let Some(best) = row.top.first() else {
                continue;
            };
            let followed = row.followed.as_ref();
            let is_it = followed.is_some_and(|followed| followed.id == best.id);
            let ink = if is_it { Ink::Good } else { Ink::Accent };
            let weight = 0.06 + 0.4 * f64::from(best.probability);
            drawing.fill([x, y], [cell - 4.0, ROW - 3.0], ink, weight);
            let at = [x + 7.0, y + 18.5];
            let word = fit(&best.token, cell - 70.0, 13.0);
            drawing.text(at, &word, Ink::Plain, Anchor::Start, 13.0, is_it);
            let at = [x + cell - 9.0, y + 18.5];
            let share = percent(best.probability);
            drawing.text(at, &share, Ink::Plain, Anchor::End, 11.0, false);
        }
    }
    drawing
}

fn table(pairs: &[[&LensRow; 2]]) -> Table {
    let mut table = Table::new(&[
        "Layer",
        "Before",
        "Probability before",
        "Rank before",
        "After",
        "Probability after",
        "Rank after",
    ]);
    for (layer, pair) in pairs.iter().enumerate().rev() {
        let mut cells = vec![match layer {
            0 => "Embeddings".to_owned(),
            layer => layer.to_string(),
        }];
        for row in pair {
            let best = row.top.first();
            cells.push(best.map_or(String::new(), |best| best.token.clone()));
            cells.push(best.map_or(String::new(), |best| percent(best.probability)));
            let followed = row.followed.as_ref();
            cells.push(followed.map_or(String::new(), |followed| followed.rank.to_string()));
        }
        table.rows.push(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use bert::probe::{Original, Prediction};

    fn row(id: u32, rank: u32) -> LensRow {
        LensRow {
            top: vec![Prediction {
                id,
                token: format!("word{id}"),
                logit: 1.0,
                probability: 0.5,
            }],
            followed: Some(Original {
                id: 9,
                token: "nine".into(),
                logit: 0.0,
                probability: 0.1,
                rank,
            }),
        }
    }

    #[test]
    fn the_first_layer_that_differs_is_named() {
        let place = |layers: Vec<LensRow>| LensPlace {
            position: 4,
            layers,
        };
        let before = place(vec![row(1, 700), row(2, 40), row(3, 20)]);
        let after = place(vec![row(1, 700), row(2, 30), row(9, 1)]);
        let changed = sight(&[before.clone(), after], 400.0);
        assert!(
            changed.sentence.contains(
                "differ first after layer 2. In the end “nine” had rank 20, and has rank 1."
            ),
            "{}",
            changed.sentence
        );
        assert_eq!(
            changed.table.rows[0],
            ["2", "word3", "50.0%", "20", "word9", "50.0%", "1"]
        );
        let same = sight(&[before.clone(), before], 400.0);
        assert!(same.sentence.contains("the same after every layer"));
    }
}
