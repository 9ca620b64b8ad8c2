//! Which heads look elsewhere after a run.

use super::super::drawing::{Anchor, Drawing, Ink};
use super::super::sight::{Sight, Table};
use crate::link::inside::written;
use crate::state::format::percent;
use bert::inside::Head;

const CAVEAT: &str = "How it misleads: a head that looks at the same words may fetch other things from them, and one that looks \
                      elsewhere need not matter to what is said. It is of this text alone.";
const ROW: f64 = 26.0;
const TOP: f64 = 24.0;
const NAMES: f64 = 24.0;
/// Cells that are narrower have no number in them.
const NUMBERED: f64 = 40.0;

/// `shift`: of each layer its heads, by how much of their attention they look elsewhere.
pub(super) fn sight(shift: &[Vec<f32>], width: f64) -> Sight {
    let heads = shift.iter().enumerate().flat_map(|(layer, heads)| {
        let heads = heads.iter().enumerate();
        heads.map(move |(head, &share)| (Head { layer, head }, share))
    });
    let heads: Vec<(Head, f32)> = heads.collect();
    let most = heads.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let sentence = match most {
        Some((head, share)) if *share > 0.0 => format!(
            "By how much of its attention each head looks at other tokens now than before the run, the mean over the words of \
             this text. Head {} has moved most, by {}.",
            written(*head),
            percent(*share)
        ),
        _ => "No head looks elsewhere: all attention on this text is as it was before the run."
            .to_owned(),
    };
    let mut table = Table::new(&["Head", "Attention that moved"]);
    let rows = heads.iter();
    table
        .rows
        .extend(rows.map(|(head, share)| vec![written(*head), percent(*share)]));
    Sight {
        sentence,
        drawing: drawing(shift, most.map_or(0.0, |most| most.1), width),
        table,
        caveat: CAVEAT,
    }
}

/// A cell for each head, the last layer at the top; the one that moved most is the darkest.
fn drawing(shift: &[Vec<f32>], most: f32, width: f64) -> Drawing {
    let across = shift.first().map_or(1, Vec::len).max(1);
    let cell = ((width - NAMES) / across as f64).min(76.0);
    let mut drawing = Drawing::new(width, TOP + shift.len() as f64 * ROW + 4.0);
    let every = (16.0 / cell).ceil().max(1.0) as usize;
    for head in (0..across).step_by(every) {
        let at = [NAMES + (head as f64 + 0.5) * cell, 15.0];
        let name = (head + 1).to_string();
        drawing.text(at, &name, Ink::Soft, Anchor::Middle, 11.0, false);
    }
    for (layer, heads) in shift.iter().enumerate() {
        let y = TOP + (shift.len() - 1 - layer) as f64 * ROW;
        let name = (layer + 1).to_string();
        drawing.word([0.0, y + 16.0], &name, Ink::Soft, Anchor::Start);
        for (head, &share) in heads.iter().enumerate() {
            let x = NAMES + head as f64 * cell;
            let weight = 0.06 + 0.5 * f64::from(share / most.max(f32::MIN_POSITIVE));
            drawing.fill([x, y], [cell - 2.0, ROW - 2.0], Ink::Accent, weight);
            if cell >= NUMBERED {
                let at = [x + cell / 2.0 - 1.0, y + 16.0];
                let share = percent(share);
                drawing.text(at, &share, Ink::Plain, Anchor::Middle, 11.0, false);
            }
        }
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_that_moved_most_is_named_and_none_where_none_moved() {
        let moved = sight(&[vec![0.0, 0.125], vec![0.25, 0.01]], 400.0);
        assert!(
            moved
                .sentence
                .ends_with("Head 2.1 has moved most, by 25.0%."),
            "{}",
            moved.sentence
        );
        assert_eq!(moved.table.rows[1], ["1.2", "12.5%"]);
        let still = sight(&[vec![0.0, 0.0]], 400.0);
        assert!(still.sentence.starts_with("No head looks elsewhere"));
    }
}
