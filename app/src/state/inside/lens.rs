//! The lens: what the whole head would say after each layer, from the embeddings up.

use super::drawing::{Anchor, Drawing, Ink, fit};
use super::sight::{Sight, Table};
use super::{GUESSES, State};
use crate::link::inside::Picture;
use crate::protocol::{Found, Look};
use crate::state::format::{grouped, percent};
use bert::config::HeadKind;
use bert::inside::{LensClasses, LensPlace, LensRow};

const CAVEAT: &str = "How it misleads: the head was trained for the last layer only. What it says of an \
                      earlier one is what it would say if the model stopped there, not what the model \
                      “thinks” there.";
/// A layer's height.
const ROW: f64 = 30.0;
/// Where the rows begin.
const TOP: f64 = 30.0;
/// Room for the layers' names.
const NAMES: f64 = 44.0;

impl State {
    /// What the lens needs.
    pub(super) fn lens_look(&self) -> Option<Look> {
        if self.inside_hint().is_some() {
            return None;
        }
        let place = self.place();
        Some(Look::Lens {
            subject: self.subject(),
            place,
            top_k: GUESSES,
            follow: place.and_then(|place| self.followed(place)),
        })
    }

    /// The lens as it is shown; `width` is that of the drawing.
    pub fn lens_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Lens {
            return None;
        }
        let look = self.lens_look()?;
        let lens = self.inside.shown(&look, |found| match found {
            Found::Lens(lens) => Some(lens),
            _ => None,
        })?;
        match (lens.places.first(), &lens.classes) {
            (Some(place), _) => Some(words(place, width)),
            (None, Some(classes)) => Some(outputs(classes, width)),
            (None, None) => None,
        }
    }
}

/// The name of a row.
pub(super) fn layer_name(row: usize) -> String {
    match row {
        0 => "Emb.".to_owned(),
        row => row.to_string(),
    }
}

/// The lens at a place.
fn words(place: &LensPlace, width: f64) -> Sight {
    Sight {
        sentence: sentence(place),
        drawing: drawing(place, width),
        table: table(place),
        caveat: CAVEAT,
    }
}

/// A row's rank of the followed word.
fn rank(row: &LensRow) -> Option<u32> {
    row.followed.as_ref().map(|followed| followed.rank)
}

fn sentence(place: &LensPlace) -> String {
    let position = place.position;
    let mut sentence = format!(
        "From the embeddings at the bottom to the last layer at the top: what the head would put in place of \
         token {position} after each."
    );
    let rows = &place.layers;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return sentence;
    };
    let (Some(from), Some(to), Some(followed)) = (rank(first), rank(last), &last.followed) else {
        return sentence;
    };
    sentence += &format!(
        " “{}” goes from rank {} to rank {}",
        followed.token,
        grouped(from.into()),
        grouped(to.into())
    );
    let since = rows.iter().rposition(|row| rank(row) != Some(1));
    match since {
        Some(layer) if layer + 1 < rows.len() => {
            sentence += &format!("; it is first from layer {} on.", layer + 1);
        }
        None => sentence += "; it is first all the way.",
        _ => sentence.push('.'),
    }
    sentence
}

fn drawing(place: &LensPlace, width: f64) -> Drawing {
    let wide = width >= 560.0;
    let rows = place.layers.len();
    let follows = place.layers.iter().any(|row| row.followed.is_some());
    let chart = match (follows, wide) {
        (false, _) => 0.0,
        (true, true) => 200.0,
        (true, false) => 96.0,
    };
    let gap = if follows { 20.0 } else { 0.0 };
    let shown = if wide { GUESSES } else { 2 };
    let cell = (width - NAMES - chart - gap) / shown as f64;
    let mut drawing = Drawing::new(width, TOP + rows as f64 * ROW + 6.0);
    drawing.word([0.0, 18.0], "Layer", Ink::Soft, Anchor::Start);
    drawing.word([NAMES, 18.0], "Best words", Ink::Soft, Anchor::Start);
    // The last layer stands at the top.
    let down = |row: usize| TOP + (rows - 1 - row) as f64 * ROW;
    for (number, row) in place.layers.iter().enumerate() {
        let y = down(number);
        let name = layer_name(number);
        drawing.word([0.0, y + 19.0], &name, Ink::Soft, Anchor::Start);
        let followed = row.followed.as_ref().map(|followed| followed.id);
        for (place, guess) in row.top.iter().take(shown).enumerate() {
            let x = NAMES + place as f64 * cell;
            let ink = match followed == Some(guess.id) {
                true => Ink::Good,
                false => Ink::Accent,
            };
            let weight = 0.06 + 0.4 * f64::from(guess.probability);
            drawing.fill([x, y], [cell - 4.0, ROW - 3.0], ink, weight);
            let room = if wide { cell - 62.0 } else { cell - 14.0 };
            let word = fit(&guess.token, room, 13.0);
            let bold = followed == Some(guess.id);
            drawing.text(
                [x + 7.0, y + 18.5],
                &word,
                Ink::Plain,
                Anchor::Start,
                13.0,
                bold,
            );
            if wide {
                let share = percent(guess.probability);
                let at = [x + cell - 9.0, y + 18.5];
                drawing.text(at, &share, Ink::Plain, Anchor::End, 11.0, false);
            }
        }
    }
    if follows {
        let left = width - chart + 8.0;
        ranks(&mut drawing, place, [left, width - 12.0], down);
    }
    drawing
}

/// The followed word's rank beside the rows: a log axis across, 1 at its left end.
fn ranks(
    drawing: &mut Drawing,
    place: &LensPlace,
    [left, right]: [f64; 2],
    down: impl Fn(usize) -> f64,
) {
    let rows = place.layers.len();
    let ranks: Vec<Option<u32>> = place.layers.iter().map(rank).collect();
    let most = ranks.iter().flatten().copied().max().unwrap_or(1);
    let decades = f64::from(most).log10().ceil().max(1.0);
    let across = |rank: f64| left + rank.log10() / decades * (right - left);
    let bottom = down(0) + ROW;
    let narrow = right - left < 120.0;
    for decade in 0..=decades as i32 {
        let x = across(10f64.powi(decade));
        drawing.line([x, TOP - 4.0], [x, bottom], Ink::Grid, 1.0);
        let name = match decade {
            0 => "rank 1".to_owned(),
            1..3 => 10i32.pow(decade as u32).to_string(),
            3..6 => format!("{}k", 10i32.pow(decade as u32 - 3)),
            _ => "1M".to_owned(),
        };
        if !narrow || decade == 0 || decade == decades as i32 {
            drawing.text([x, 18.0], &name, Ink::Soft, Anchor::Middle, 11.0, false);
        }
    }
    let point = |row: usize| Some([across(ranks[row]?.max(1).into()), down(row) + ROW / 2.0]);
    let points: Vec<[f64; 2]> = (0..rows).filter_map(point).collect();
    let path: Vec<String> = points
        .iter()
        .map(|[x, y]| format!("{x:.1} {y:.1}"))
        .collect();
    if !path.is_empty() {
        drawing.path(format!("M{}", path.join("L")), Ink::Good, 1.0, 2.0);
    }
    for at in points {
        drawing.dot(at, Ink::Good);
    }
}

fn table(place: &LensPlace) -> Table {
    let followed = place.layers.iter().find_map(|row| row.followed.as_ref());
    let mut table = Table::new(&["Layer"]);
    for number in 1..=place.layers.first().map_or(0, |row| row.top.len()) {
        table.columns.push(format!("Word {number}"));
        table.columns.push(format!("Probability {number}"));
    }
    if let Some(followed) = followed {
        table.columns.push(format!("Rank of “{}”", followed.token));
        table
            .columns
            .push(format!("Probability of “{}”", followed.token));
    }
    for (number, row) in place.layers.iter().enumerate().rev() {
        let mut cells = vec![match number {
            0 => "Embeddings".to_owned(),
            number => number.to_string(),
        }];
        for guess in &row.top {
            cells.push(guess.token.clone());
            cells.push(percent(guess.probability));
        }
        if let Some(followed) = &row.followed {
            cells.push(followed.rank.to_string());
            cells.push(percent(followed.probability));
        }
        cells.resize(table.columns.len(), String::new());
        table.rows.push(cells);
    }
    table
}

/// What the head of a task would say after each layer.
fn outputs(classes: &LensClasses, width: f64) -> Sight {
    let is_score = matches!(classes.kind, HeadKind::Score | HeadKind::Choice);
    let rows = classes.probabilities.len();
    let value = |number: f32| match is_score {
        true => format!("{number:.3}"),
        false => percent(number),
    };
    let best = classes.probabilities.last().and_then(|last| {
        let best = last.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        Some((classes.labels.get(best.0)?.clone(), *best.1))
    });
    let mut sentence = "From the embeddings at the bottom to the last layer at the top: what the head would say of \
                        the whole text after each."
        .to_owned();
    if let Some((label, share)) = best.filter(|_| !is_score) {
        sentence += &format!(" In the end “{label}”, {}.", value(share));
    }
    let shown = classes
        .labels
        .len()
        .clamp(1, if width >= 560.0 { 6 } else { 2 });
    let cell = (width - NAMES) / shown as f64;
    let mut drawing = Drawing::new(width, TOP + rows as f64 * ROW + 6.0);
    drawing.word([0.0, 18.0], "Layer", Ink::Soft, Anchor::Start);
    for (column, label) in classes.labels.iter().take(shown).enumerate() {
        let name = fit(label, cell - 8.0, 13.0);
        let x = NAMES + column as f64 * cell;
        drawing.word([x, 18.0], &name, Ink::Soft, Anchor::Start);
    }
    let mut table = Table::new(&["Layer"]);
    table.columns.extend(classes.labels.iter().cloned());
    for (number, row) in classes.probabilities.iter().enumerate().rev() {
        let y = TOP + (rows - 1 - number) as f64 * ROW;
        let name = layer_name(number);
        drawing.word([0.0, y + 19.0], &name, Ink::Soft, Anchor::Start);
        for (column, &share) in row.iter().take(shown).enumerate() {
            let x = NAMES + column as f64 * cell;
            let weight = if is_score { 0.1 } else { f64::from(share) };
            drawing.fill(
                [x, y],
                [cell - 4.0, ROW - 3.0],
                Ink::Accent,
                0.06 + 0.4 * weight,
            );
            drawing.word(
                [x + 7.0, y + 18.5],
                &value(share),
                Ink::Plain,
                Anchor::Start,
            );
        }
        let mut cells = vec![layer_name(number)];
        cells.extend(row.iter().map(|&share| value(share)));
        cells.resize(table.columns.len(), String::new());
        table.rows.push(cells);
    }
    Sight {
        sentence,
        drawing,
        table,
        caveat: CAVEAT,
    }
}
