//! Neighbours: the tokens nearest to a word in the embedding, and the same word in several sentences, layer by layer.

use super::State;
use super::drawing::{Anchor, Drawing, Ink, fit};
use super::sight::{Sight, Table};
use crate::link::inside::Picture;
use crate::protocol::{Found, Look, Word};
use bert::inside::{Contextual, Neighbour, Occurrence};

const CAVEAT: &str = "How it misleads: these are the vectors of tokens alone, before any context. They also lie near \
                      one another because they are equally frequent or spelled alike, and every meaning of a \
                      word shares one vector.";
const CONTEXT_CAVEAT: &str = "How it misleads: in many models all vectors of the upper layers point much the same way, \
                              whatever the word. A high cosine alone says little; compare the lines with one \
                              another.";
/// Tokens that are listed.
const NEAREST: usize = 12;
/// Places of the word that are compared at most.
pub const MOST_PLACES: usize = 8;
const ROW: f64 = 28.0;
/// Height of the chart, and room beside it.
const CHART: f64 = 190.0;
const LEFT: f64 = 40.0;
const TOP: f64 = 16.0;
/// In what the lines are drawn, one after another.
const INKS: [Ink; 5] = [Ink::Accent, Ink::Second, Ink::Good, Ink::Bad, Ink::Plain];

/// A word's places in the text and in the other sentences.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    word: String,
    places: Vec<Occurrence>,
    /// Lines of the box in which the word is not, from 1.
    without: Vec<usize>,
    /// Whether there are more than are compared.
    more: bool,
}

impl State {
    /// The tokens that have neighbours worth a look, with their places: no typed `[MASK]`.
    pub fn near_words(&self) -> Vec<(usize, String)> {
        let tokens = self.probe.tokens.iter().enumerate();
        let typed =
            |place: usize| self.probe.is_hidden(place) && !self.probe.hidden.contains(&place);
        tokens
            .filter(|(place, token)| !token.special && !typed(*place))
            .map(|(place, token)| (place, token.text.clone()))
            .collect()
    }

    /// The token whose neighbours are looked for: the chosen one, or the longest word.
    pub fn near_place(&self) -> Option<usize> {
        let words = self.near_words();
        let chosen = self.inside.choice.row;
        let chosen = chosen.filter(|row| words.iter().any(|(place, _)| place == row));
        chosen.or_else(|| {
            // Of equals the first.
            let longest = words
                .iter()
                .rev()
                .max_by_key(|(_, word)| word.chars().count());
            longest.map(|(place, _)| *place)
        })
    }

    pub(super) fn neighbour_looks(&self) -> Vec<Look> {
        let Some(place) = self.near_place().filter(|_| self.inside_hint().is_none()) else {
            return Vec::new();
        };
        let near = Look::Neighbours {
            word: Word::Id(self.probe.tokens[place].id),
            count: NEAREST,
        };
        let places = self.places();
        let several = (places.places.len() > 1).then(|| self.contextual_look(places));
        std::iter::once(near).chain(several).collect()
    }

    fn contextual_look(&self, places: Places) -> Look {
        Look::Contextual {
            occurrences: places.places,
            without: self.heads_off(),
        }
    }

    /// Where the chosen token's word stands, in the text and in the other sentences.
    pub(super) fn places(&self) -> Places {
        let mut found = Places::default();
        let Some((text, at)) = self.near_place().and_then(|place| self.word_at(place)) else {
            return found;
        };
        found.word = text.chars().skip(at.0).take(at.1 - at.0).collect();
        let mut places = vec![(text.clone(), at)];
        let others = occurrences(&text, &found.word).into_iter();
        places.extend(
            others
                .filter(|other| *other != at)
                .map(|other| (text.clone(), other)),
        );
        for (number, line) in self.inside.choice.sentences.lines().enumerate() {
            let line = line.trim();
            let here = occurrences(line, &found.word);
            if here.is_empty() && !line.is_empty() {
                found.without.push(number + 1);
            }
            places.extend(here.into_iter().map(|at| (line.to_owned(), at)));
        }
        found.more = places.len() > MOST_PLACES;
        places.truncate(MOST_PLACES);
        let occurrence = |(text, characters)| Occurrence { text, characters };
        found.places = places.into_iter().map(occurrence).collect();
        found
    }

    /// The text that a token is from, and the characters of the word that it is a piece of.
    fn word_at(&self, place: usize) -> Option<(String, (usize, usize))> {
        let token = self.probe.tokens.get(place)?;
        let text = match token.sequence? {
            0 => self.probe.text.clone(),
            _ => self.probe.pair.clone(),
        };
        let letters: Vec<char> = text.chars().collect();
        let (mut from, mut to) = (token.start, token.end.min(letters.len()));
        while from < to && letters[from].is_whitespace() {
            from += 1;
        }
        if from >= to {
            return None;
        }
        while from > 0 && joined(letters[from - 1]) && joined(letters[from]) {
            from -= 1;
        }
        while to < letters.len() && joined(letters[to - 1]) && joined(letters[to]) {
            to += 1;
        }
        Some((text, (from, to)))
    }

    /// What the page says of the other sentences, where something is to be said.
    pub fn sentences_hint(&self) -> Option<String> {
        let places = self.places();
        if places.word.is_empty() {
            return None;
        }
        let word = &places.word;
        if let Some(line) = places.without.first() {
            return Some(format!(
                "Line {line} does not have “{word}”, so it is left out."
            ));
        }
        if places.more {
            return Some(format!(
                "The first {MOST_PLACES} places of “{word}” are compared."
            ));
        }
        (places.places.len() < 2).then(|| {
            format!(
                "Write other sentences with “{word}” above, one a line, to see whether the model tells its \
                 meanings apart."
            )
        })
    }

    /// The nearest tokens as they are shown.
    pub fn neighbours_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Neighbours {
            return None;
        }
        let looks = self.neighbour_looks();
        let Found::Neighbours(near) = self.inside.answer(looks.first()?)? else {
            return None;
        };
        let token = self.probe.tokens.get(self.near_place()?)?;
        Some(nearest(&token.text, near, width))
    }

    /// The word in several sentences as it is shown.
    pub fn contextual_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Neighbours || self.inside_hint().is_some() {
            return None;
        }
        let places = self.places();
        if places.places.len() < 2 {
            return None;
        }
        match self.inside.answer(&self.contextual_look(places.clone()))? {
            Found::Contextual(found) => Some(contextual(&places, found, width)),
            _ => None,
        }
    }
}

/// Whether a letter belongs to a word with those beside it. Scripts without spaces have words of one letter here.
fn joined(letter: char) -> bool {
    letter.is_alphanumeric() && !('\u{2e80}'..'\u{a000}').contains(&letter)
}

/// Where a word stands in a line, as characters; capitals do not count.
fn occurrences(line: &str, word: &str) -> Vec<(usize, usize)> {
    let letters: Vec<char> = line.chars().collect();
    let word: Vec<char> = word.chars().collect();
    let same = |a: &char, b: &char| a.to_lowercase().eq(b.to_lowercase());
    let apart = |a: Option<&char>, b: Option<&char>| {
        !(a.is_some_and(|&a| joined(a)) && b.is_some_and(|&b| joined(b)))
    };
    let mut found = Vec::new();
    for (from, part) in letters.windows(word.len().max(1)).enumerate() {
        let to = from + part.len();
        let before = from.checked_sub(1).and_then(|at| letters.get(at));
        let whole = apart(before, part.first()) && apart(part.last(), letters.get(to));
        if whole && part.iter().zip(&word).all(|(a, b)| same(a, b)) {
            found.push((from, to));
        }
    }
    found
}

fn nearest(word: &str, near: &[Neighbour], width: f64) -> Sight {
    let listed: Vec<String> = near
        .iter()
        .take(3)
        .map(|near| format!("“{}” ({:.2})", near.token, near.cosine))
        .collect();
    let mut drawing = Drawing::new(width, near.len() as f64 * ROW + 4.0);
    let mut table = Table::new(&["Token", "Cosine"]);
    for (row, near) in near.iter().enumerate() {
        let y = row as f64 * ROW;
        let share = f64::from(near.cosine).clamp(0.0, 1.0);
        drawing.fill([0.0, y], [width, ROW - 3.0], Ink::Soft, 0.09);
        drawing.fill(
            [0.0, y],
            [(width * share).max(3.0), ROW - 3.0],
            Ink::Accent,
            0.3,
        );
        let token = fit(&near.token, width - 76.0, 13.0);
        let at = [8.0, y + 17.5];
        drawing.text(at, &token, Ink::Plain, Anchor::Start, 13.0, true);
        let cosine = format!("{:.3}", near.cosine);
        let at = [width - 8.0, y + 17.5];
        drawing.text(at, &cosine, Ink::Plain, Anchor::End, 12.0, false);
        table.rows.push(vec![near.token.clone(), cosine]);
    }
    Sight {
        sentence: format!(
            "The tokens whose word embeddings point most nearly the same way as that of “{word}” (cosine): {}.",
            listed.join(", ")
        ),
        drawing,
        table,
        caveat: CAVEAT,
    }
}

fn contextual(places: &Places, found: &Contextual, width: f64) -> Sight {
    let count = places.places.len();
    let cosine = |layer: usize, a: usize, b: usize| {
        let layer = found.cosines.get(layer);
        layer
            .and_then(|layer| layer.get(a * count + b))
            .copied()
            .unwrap_or(0.0)
    };
    let last = found.cosines.len().saturating_sub(1);
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for a in 0..count {
        pairs.extend((a + 1..count).map(|b| (a, b)));
    }
    let mut columns = vec!["Layer".to_owned()];
    columns.extend(
        pairs
            .iter()
            .map(|(a, b)| format!("{} and {}", a + 1, b + 1)),
    );
    let row = |layer: usize| {
        let mut cells = vec![match layer {
            0 => "Embeddings".to_owned(),
            layer => layer.to_string(),
        }];
        cells.extend(
            pairs
                .iter()
                .map(|&(a, b)| format!("{:.3}", cosine(layer, a, b))),
        );
        cells
    };
    let rows = (0..=last).rev().map(row).collect();
    let closest = (1..count).max_by(|&a, &b| cosine(last, 0, a).total_cmp(&cosine(last, 0, b)));
    let farthest = (1..count).min_by(|&a, &b| cosine(last, 0, a).total_cmp(&cosine(last, 0, b)));
    let mut sentence = format!(
        "“{}” at {count} places: how alike its vector at place 1 is to that at each other, from the embeddings \
         to layer {last} (cosine).",
        places.word
    );
    if let (Some(closest), Some(farthest)) = (closest, farthest) {
        let end = |place: usize| format!("place {} ({:.2})", place + 1, cosine(last, 0, place));
        sentence += &match closest == farthest {
            true => format!(
                " It goes from {:.2} to {:.2}.",
                cosine(0, 0, closest),
                cosine(last, 0, closest)
            ),
            false => format!(
                " In the last layer it is most like {}, least like {}.",
                end(closest),
                end(farthest)
            ),
        };
    }
    let lines: Vec<Vec<f32>> = (1..count)
        .map(|place| (0..=last).map(|layer| cosine(layer, 0, place)).collect())
        .collect();
    Sight {
        sentence,
        drawing: drawing(places, &lines, width),
        table: Table { columns, rows },
        caveat: CONTEXT_CAVEAT,
    }
}

/// A line for each place but the first over the layers, and the places themselves below.
fn drawing(places: &Places, lines: &[Vec<f32>], width: f64) -> Drawing {
    let listed = places.places.len() as f64 * 22.0;
    let mut drawing = Drawing::new(width, TOP + CHART + 44.0 + listed);
    let lowest = lines.iter().flatten().copied().fold(0.0f32, f32::min);
    let lowest = f64::from(lowest.max(-1.0));
    let right = width - 30.0;
    let down = |cosine: f64| TOP + (1.0 - cosine) / (1.0 - lowest) * CHART;
    let layers = lines.first().map_or(1, Vec::len);
    let step = (right - LEFT) / (layers.max(2) - 1) as f64;
    for cosine in [0.0, 0.5, 1.0] {
        let y = down(cosine);
        drawing.line([LEFT, y], [right, y], Ink::Grid, 1.0);
        let at = [LEFT - 8.0, y + 4.0];
        drawing.text(
            at,
            &format!("{cosine:.1}"),
            Ink::Soft,
            Anchor::End,
            11.0,
            false,
        );
    }
    let every = (layers as f64 / ((right - LEFT) / 26.0)).ceil().max(1.0) as usize;
    for layer in (0..layers).step_by(every) {
        let at = [LEFT + layer as f64 * step, TOP + CHART + 18.0];
        drawing.text(
            at,
            &layer.to_string(),
            Ink::Soft,
            Anchor::Middle,
            11.0,
            false,
        );
    }
    for (number, line) in lines.iter().enumerate() {
        let ink = INKS[number % INKS.len()];
        let point =
            |(layer, cosine): (usize, &f32)| [LEFT + layer as f64 * step, down(f64::from(*cosine))];
        let points: Vec<[f64; 2]> = line.iter().enumerate().map(point).collect();
        let path: Vec<String> = points
            .iter()
            .map(|[x, y]| format!("{x:.1} {y:.1}"))
            .collect();
        drawing.path(format!("M{}", path.join("L")), ink, 0.9, 2.0);
        points.iter().for_each(|&at| drawing.dot(at, ink));
        if let Some([x, y]) = points.last() {
            let name = (number + 2).to_string();
            drawing.text([x + 10.0, y + 4.0], &name, ink, Anchor::Start, 12.0, true);
        }
    }
    let first = TOP + CHART + 48.0;
    for (number, place) in places.places.iter().enumerate() {
        let y = first + number as f64 * 22.0;
        let ink = match number {
            0 => Ink::Soft,
            number => INKS[(number - 1) % INKS.len()],
        };
        let name = (number + 1).to_string();
        drawing.text([8.0, y], &name, ink, Anchor::Start, 12.0, true);
        let words = around(place, ((width - 34.0) / 7.6) as usize);
        drawing.word([26.0, y], &words, Ink::Plain, Anchor::Start);
    }
    drawing
}

/// As much of a sentence around the word as fits into so many letters.
fn around(place: &Occurrence, room: usize) -> String {
    let letters: Vec<char> = place.text.chars().collect();
    if letters.len() <= room {
        return place.text.clone();
    }
    let (from, to) = place.characters;
    let beside = room.saturating_sub(to - from + 2) / 2;
    let from = from.saturating_sub(beside);
    let to = (to + beside).min(letters.len());
    let begins = if from > 0 { "…" } else { "" };
    let ends = if to < letters.len() { "…" } else { "" };
    let middle: String = letters[from..to].iter().collect();
    format!("{begins}{middle}{ends}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_whole_and_whatever_its_capitals() {
        assert_eq!(
            occurrences("Bank on the riverbank bank.", "bank"),
            [(0, 4), (22, 26)]
        );
        assert_eq!(occurrences("bankers", "bank"), []);
        assert_eq!(occurrences("銀行の銀", "銀"), [(0, 1), (3, 4)]);
        assert_eq!(occurrences("", "bank"), []);
        assert_eq!(occurrences("It costs 5, or 5!", "!"), [(16, 17)]);
    }

    #[test]
    fn a_long_sentence_is_cut_around_the_word() {
        let text = "one two three four five six seven".to_owned();
        let place = Occurrence {
            text,
            characters: (14, 18),
        };
        assert_eq!(around(&place, 40), place.text);
        let cut = around(&place, 14);
        assert!(
            cut.contains("four") && cut.starts_with('…') && cut.ends_with('…'),
            "{cut}"
        );
        assert!(cut.chars().count() <= 14, "{cut}");
    }

    #[test]
    fn lines_stay_within_the_drawing() {
        let place = |text: &str| Occurrence {
            text: text.to_owned(),
            characters: (0, 1),
        };
        let places = Places {
            word: "a".to_owned(),
            places: vec![place("a b"), place(&"a ".repeat(90)), place("a c")],
            ..Places::default()
        };
        let cosines = vec![vec![1.0, 0.9, -0.4, 0.9, 1.0, 0.2, -0.4, 0.2, 1.0]; 13];
        let found = Contextual {
            pieces: Vec::new(),
            cosines,
        };
        for width in [280.0, 900.0] {
            let sight = contextual(&places, &found, width);
            assert!(
                sight.sentence.contains("least like place 3 (-0.40)"),
                "{}",
                sight.sentence
            );
            assert_eq!(sight.table.rows.len(), 13);
            assert_eq!(
                sight.table.rows[12],
                ["Embeddings", "0.900", "-0.400", "0.200"]
            );
            for shape in &sight.drawing.shapes {
                if let super::super::drawing::Shape::Dot { x, y, .. } = shape {
                    assert!(*x >= LEFT && *x <= width, "{shape:?}");
                    assert!(*y >= TOP - 0.1 && *y <= TOP + CHART + 0.1, "{shape:?}");
                }
            }
        }
    }
}
