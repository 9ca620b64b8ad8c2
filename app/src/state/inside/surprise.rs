//! Surprise: how many bits each word costs the model, each hidden in turn; alone, or beside another text.

use super::State;
use super::drawing::{Anchor, Drawing, Ink, fit, width_of};
use super::sight::{Sight, Table};
use crate::link::inside::Picture;
use crate::protocol::{Found, Look};
use bert::inside::{Subject, Surprisal};

const CAVEAT: &str = "How it misleads: the bits do not add up to the probability of the sentence, since each word was \
                      guessed knowing all the others. A word of several pieces is counted with its later \
                      pieces hidden too.";
const APART_CAVEAT: &str = "How it misleads: the bits do not add up to the probability of the sentence, since each word \
                            was guessed knowing all the others. With the later pieces of a word in sight, long and \
                            rare words look far more expected than they are.";
const TWO_CAVEAT: &str = "How it misleads: only words that both texts have can be compared; the words that differ have \
                          other rivals. One pair of sentences says little about the model.";
/// Room for bars above a line of words.
const BARS: f64 = 64.0;
/// Bits that fill it.
const MOST_BITS: f64 = 16.0;

/// A word of a text, with the bits of all its pieces.
#[derive(Clone, Debug, PartialEq)]
struct Word {
    text: String,
    bits: f64,
}

impl State {
    pub(super) fn surprise_looks(&self) -> Vec<Look> {
        if self.inside_hint().is_some() {
            return Vec::new();
        }
        let own = Subject {
            // What is hidden in turn is every word.
            hidden: Vec::new(),
            ..self.subject()
        };
        let other = self.other_subject();
        let subjects = std::iter::once(own).chain(other);
        let within_word = !self.inside.choice.apart;
        let surprisal = |subject| Look::Surprisal {
            subject,
            within_word,
        };
        // The choices last: the text itself is quicker.
        subjects.map(surprisal).chain(self.swaps_look()).collect()
    }

    /// The other text, where there is one.
    fn other_subject(&self) -> Option<Subject> {
        let text = self.inside.choice.other.trim();
        (!text.is_empty()).then(|| Subject {
            text: text.to_owned(),
            without: self.heads_off(),
            ..Subject::default()
        })
    }

    /// The bars as they are shown.
    pub fn surprise_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Surprise {
            return None;
        }
        let looks = self.surprise_looks();
        let found = |look: Option<&Look>| match self.inside.answer(look?) {
            Some(Found::Surprisal(surprisal)) => Some(surprisal),
            _ => None,
        };
        let one = found(looks.first())?;
        let other = looks
            .get(1)
            .filter(|look| matches!(look, Look::Surprisal { .. }));
        Some(match (other, found(other)) {
            (Some(_), Some(other)) => pair(one, other, width),
            _ => alone(one, width),
        })
    }
}

/// The words of a text; pieces of one belong together.
fn words(surprisal: &Surprisal) -> Vec<Word> {
    let mut words: Vec<(usize, Word)> = Vec::new();
    let pieces = surprisal.seen.tokens.iter().zip(&surprisal.bits);
    for ((token, bits), word) in pieces.zip(&surprisal.words) {
        let (Some(bits), Some(word)) = (bits, word) else {
            continue;
        };
        let bits = f64::from(*bits);
        match words.last_mut().filter(|(last, _)| last == word) {
            Some((_, earlier)) => {
                earlier.text += token.text.strip_prefix("##").unwrap_or(&token.text);
                earlier.bits += bits;
            }
            None => {
                // RoBERTa and SentencePiece write the space before a word as a letter.
                let text = token.text.trim_start_matches(['\u{120}', '\u{2581}']);
                let text = text.to_owned();
                words.push((*word, Word { text, bits }));
            }
        }
    }
    words.into_iter().map(|(_, word)| word).collect()
}

fn summary(surprisal: &Surprisal) -> String {
    format!(
        "pseudo-perplexity {:.2}, {:.1} bits in {} tokens",
        surprisal.pseudo_perplexity, surprisal.total, surprisal.scored
    )
}

fn alone(surprisal: &Surprisal, width: f64) -> Sight {
    let words = words(surprisal);
    let most = words.iter().max_by(|a, b| a.bits.total_cmp(&b.bits));
    let most = most.map_or(String::new(), |word| {
        format!(
            " “{}” surprises it most, by {:.1} bits.",
            word.text, word.bits
        )
    });
    let columns: Vec<Column> = words
        .iter()
        .map(|word| [Some(word.clone()), None])
        .collect();
    let mut table = Table::new(&["Word", "Bits"]);
    for word in &words {
        table
            .rows
            .push(vec![word.text.clone(), format!("{:.2}", word.bits)]);
    }
    Sight {
        sentence: format!(
            "The bits by which each word surprises the model that sees all the others: {}.{most}",
            summary(surprisal)
        ),
        drawing: drawing(&columns, false, width),
        table,
        caveat: match surprisal.within_word {
            true => CAVEAT,
            false => APART_CAVEAT,
        },
    }
}

/// One column: a word of the first text, one of the second, or the same in both.
type Column = [Option<Word>; 2];

fn pair(one: &Surprisal, other: &Surprisal, width: f64) -> Sight {
    let columns = align(&words(one), &words(other));
    let mut table = Table::new(&["Word", "Bits", "Other text", "Bits there", "Difference"]);
    let (mut shared, mut difference) = (0, 0.0);
    for [a, b] in &columns {
        let text = |word: &Option<Word>| {
            word.as_ref()
                .map_or("–".to_owned(), |word| word.text.clone())
        };
        let bits = |word: &Option<Word>| {
            let bits = word.as_ref().map(|word| format!("{:.2}", word.bits));
            bits.unwrap_or_default()
        };
        let mut apart = String::new();
        if let (Some(a), Some(b)) = (a, b) {
            shared += 1;
            difference += b.bits - a.bits;
            apart = format!("{:+.2}", b.bits - a.bits);
        }
        table
            .rows
            .push(vec![text(a), bits(a), text(b), bits(b), apart]);
    }
    let verdict = match (shared, difference) {
        (0, _) => "They share no word, so nothing can be compared.".to_owned(),
        (_, difference) => format!(
            "The {shared} words that both have cost {:.1} bits {} in the other text.",
            difference.abs(),
            if difference > 0.0 { "more" } else { "less" }
        ),
    };
    Sight {
        sentence: format!(
            "Above your text ({}), below the other one ({}). {verdict}",
            summary(one),
            summary(other)
        ),
        drawing: drawing(&columns, true, width),
        table,
        caveat: TWO_CAVEAT,
    }
}

/// The longest run of words that both texts have in this order, and what stands between.
fn align(a: &[Word], b: &[Word]) -> Vec<Column> {
    let same = |i: usize, j: usize| a[i].text.to_lowercase() == b[j].text.to_lowercase();
    let across = b.len() + 1;
    // How many words the rests from i and j on share.
    let mut shared = vec![0_usize; (a.len() + 1) * across];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            shared[i * across + j] = match same(i, j) {
                true => shared[(i + 1) * across + j + 1] + 1,
                false => shared[(i + 1) * across + j].max(shared[i * across + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut columns) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && same(i, j) {
            columns.push([Some(a[i].clone()), Some(b[j].clone())]);
            (i, j) = (i + 1, j + 1);
        } else if j >= b.len()
            || (i < a.len() && shared[(i + 1) * across + j] >= shared[i * across + j + 1])
        {
            columns.push([Some(a[i].clone()), None]);
            i += 1;
        } else {
            columns.push([None, Some(b[j].clone())]);
            j += 1;
        }
    }
    columns
}

/// Lines of words with their bars above (and, of a second text, below).
fn drawing(columns: &[Column], two: bool, width: f64) -> Drawing {
    let line = if two { 2.0 * BARS + 94.0 } else { BARS + 50.0 };
    let wide = |column: &Column| {
        let words = column.iter().flatten();
        let longest = words
            .map(|word| width_of(&word.text, 13.0))
            .fold(30.0, f64::max);
        (longest + 14.0).min(width)
    };
    let most = columns.iter().flatten().flatten().map(|word| word.bits);
    let scale = (BARS - 6.0) / most.fold(MOST_BITS, f64::max);
    // Where each column stands: which line, and how far across.
    let (mut x, mut row, mut places) = (0.0, 0_usize, Vec::new());
    for column in columns {
        let wide = wide(column);
        if x > 0.0 && x + wide > width {
            (x, row) = (0.0, row + 1);
        }
        places.push((x, row, wide));
        x += wide;
    }
    let mut drawing = Drawing::new(width, (row + 1) as f64 * line);
    for ([a, b], (x, row, wide)) in columns.iter().zip(places) {
        let top = row as f64 * line;
        let middle = x + wide / 2.0;
        let mut bar = |y: f64, tall: f64, ink| {
            let shade = [wide - 10.0, tall];
            drawing.fill([x + 5.0, y], shade, ink, 0.55);
        };
        let tall = |word: &Word| (word.bits.max(0.0) * scale).max(1.5);
        let text = |word: &Word| fit(&word.text, wide, 13.0);
        let bits = |word: &Word| format!("{:.1}", word.bits);
        if let Some(a) = a {
            bar(top + BARS + 4.0 - tall(a), tall(a), Ink::Accent);
        }
        if let Some(b) = b {
            bar(top + BARS + 84.0, tall(b), Ink::Second);
        }
        if let Some(a) = a {
            let (word, under) = (top + BARS + 19.0, top + BARS + 34.0);
            drawing.word([middle, word], &text(a), Ink::Plain, Anchor::Middle);
            drawing.text(
                [middle, under],
                &bits(a),
                Ink::Soft,
                Anchor::Middle,
                11.0,
                false,
            );
        }
        if let Some(b) = b {
            let (word, over) = (top + BARS + 79.0, top + BARS + 64.0);
            drawing.word([middle, word], &text(b), Ink::Plain, Anchor::Middle);
            drawing.text(
                [middle, over],
                &bits(b),
                Ink::Soft,
                Anchor::Middle,
                11.0,
                false,
            );
        }
        if let (Some(a), Some(b)) = (a, b) {
            let apart = b.bits - a.bits;
            let ink = if apart > 0.0 { Ink::Bad } else { Ink::Good };
            let at = [middle, top + BARS + 49.5];
            drawing.text(at, &format!("{apart:+.1}"), ink, Anchor::Middle, 12.0, true);
        }
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let word = |text: &str| Word {
            text: text.to_owned(),
            bits: text.len() as f64,
        };
        text.split(' ').map(word).collect()
    }

    fn shown(columns: &[Column]) -> Vec<String> {
        let name = |word: &Option<Word>| word.as_ref().map_or("-".to_owned(), |w| w.text.clone());
        let pair = |[a, b]: &Column| format!("{}/{}", name(a), name(b));
        columns.iter().map(pair).collect()
    }

    #[test]
    fn texts_are_laid_side_by_side_by_the_words_they_share() {
        let columns = align(&words("the keys is on it"), &words("The keys are on"));
        assert_eq!(
            shown(&columns),
            ["the/The", "keys/keys", "is/-", "-/are", "on/on", "it/-"]
        );
        assert_eq!(shown(&align(&words("a"), &words("b"))), ["a/-", "-/b"]);
    }

    #[test]
    fn lines_of_words_stay_within_their_width() {
        let columns = align(
            &words("incomprehensibilities are here again"),
            &words("all here"),
        );
        for width in [260.0, 900.0] {
            let drawing = drawing(&columns, true, width);
            for shape in &drawing.shapes {
                if let super::super::drawing::Shape::Box {
                    x,
                    y,
                    width: wide,
                    height,
                    ..
                } = shape
                {
                    assert!(*x >= 0.0 && x + wide <= width, "{shape:?} in {width}");
                    assert!(*y >= 0.0 && y + height <= drawing.height, "{shape:?}");
                }
            }
        }
    }
}
