//! Where a head looks from one word, as lines.

use super::super::drawing::{Anchor, Drawing, Ink, fit};
use crate::state::format::percent;
use bert::probe::Token;

/// Lines that are drawn at most from a word.
const LINES: usize = 16;
const ROW: f64 = 26.0;

/// The chosen word to the left, with its guesses; to the right the words that get more than an even share.
pub(super) fn drawing(
    tokens: &[Token],
    shares: &[f32],
    row: usize,
    guesses: &[(String, f32)],
    width: f64,
) -> Drawing {
    let even = 1.0 / tokens.len().max(1) as f32;
    let mut ends: Vec<usize> = (0..tokens.len())
        .filter(|&place| shares[place] > even)
        .collect();
    ends.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
    ends.truncate(LINES);
    ends.sort_unstable();
    let tall = (ends.len() as f64 * ROW).max(40.0 + (guesses.len() as f64 + 1.0) * 20.0) + 12.0;
    let mut drawing = Drawing::new(width, tall);
    let word = (width * 0.3).clamp(80.0, 170.0);
    let middle = match ends.is_empty() {
        true => 26.0,
        false => (ends.len() as f64 * ROW / 2.0).clamp(20.0, 140.0),
    };
    drawing.fill([0.0, middle - 14.0], [word, 28.0], Ink::Accent, 0.22);
    let text = fit(&tokens[row].text, word - 14.0, 14.0);
    drawing.text(
        [8.0, middle + 5.0],
        &text,
        Ink::Plain,
        Anchor::Start,
        14.0,
        true,
    );
    for (number, (guess, share)) in guesses.iter().enumerate() {
        let text = format!("{} {}", fit(guess, word - 62.0, 13.0), percent(*share));
        let at = [8.0, middle + 34.0 + number as f64 * 20.0];
        drawing.word(at, &text, Ink::Soft, Anchor::Start);
    }
    let right = width - word - 56.0;
    for (number, &place) in ends.iter().enumerate() {
        let y = 8.0 + number as f64 * ROW + ROW / 2.0;
        let share = f64::from(shares[place]);
        let bend = word + (right - word) / 2.0;
        let path = format!(
            "M{word:.1} {middle:.1}C{bend:.1} {middle:.1} {bend:.1} {y:.1} {:.1} {y:.1}",
            right - 6.0
        );
        let ink = if tokens[place].special {
            Ink::Soft
        } else {
            Ink::Accent
        };
        let weight = if tokens[place].special {
            0.35
        } else {
            0.4 + 0.6 * share
        };
        drawing.path(path, ink, weight, (1.0 + 9.0 * share).min(8.0));
        let text = fit(&tokens[place].text, word - 4.0, 13.0);
        let ink = if tokens[place].special {
            Ink::Soft
        } else {
            Ink::Plain
        };
        drawing.word([right, y + 4.5], &text, ink, Anchor::Start);
        drawing.text(
            [width, y + 4.5],
            &percent(shares[place]),
            Ink::Soft,
            Anchor::End,
            11.0,
            false,
        );
    }
    drawing
}
