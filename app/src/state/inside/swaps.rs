//! A table of swaps: one sentence with choices in braces, and what each of them costs the model.

use super::State;
use super::drawing::{Anchor, Drawing, Ink, fit};
use super::sight::{Sight, Table};
use crate::link::inside::Picture;
use crate::protocol::{Found, Look};
use bert::inside::Surprisal;

const CAVEAT: &str = "What such numbers do not say: they are no probabilities of sentences. A choice of more tokens, or a \
                      rarer one, costs more by itself. One sentence is no finding about a model: it takes many, \
                      with the names and the order swapped, before anything can be said of its grammar or its \
                      prejudice.";
/// Choices at one place.
const MOST_CHOICES: usize = 6;
/// Places with choices.
const MOST_SLOTS: usize = 2;
/// Sentences in all.
const MOST_SENTENCES: usize = 12;
const ROW: f64 = 46.0;

/// A sentence with a choice at each of its places.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Swap {
    pub text: String,
    /// The choices.
    pub words: Vec<String>,
    /// Which characters of the text they are, from..to.
    pub places: Vec<(usize, usize)>,
}

/// A piece of what is typed.
enum Piece<'a> {
    Text(&'a str),
    Choices(Vec<&'a str>),
}

/// The sentences of `The nurse said {he, she} was late.`; none where nothing is typed.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(super) fn swaps(typed: &str) -> Result<Vec<Swap>, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let pieces = pieces(typed)?;
    // Counted before they are made: choices at forty places are more sentences than any device holds.
    let choices = pieces.iter().filter_map(|piece| match piece {
        Piece::Choices(choices) => Some(choices.len()),
        Piece::Text(_) => None,
    });
    let (slots, sentences) = choices.fold((0, 1), |(slots, sentences): (usize, usize), count| {
        (slots + 1, sentences.saturating_mul(count))
    });
    if slots == 0 {
        return Err("Write the choices in braces: The nurse said {he, she} was late.".to_owned());
    }
    if slots > MOST_SLOTS {
        return Err(format!(
            "There are choices at {slots} places; at most {MOST_SLOTS} are compared."
        ));
    }
    if sentences > MOST_SENTENCES {
        return Err(format!(
            "These choices make {sentences} sentences; at most {MOST_SENTENCES} are compared."
        ));
    }
    let mut found = vec![Swap::default()];
    for piece in pieces {
        match piece {
            Piece::Text(text) => found.iter_mut().for_each(|swap| swap.text += text),
            Piece::Choices(choices) => {
                let with = |swap: &Swap, choice: &&str| {
                    let mut swap = swap.clone();
                    let from = swap.text.chars().count();
                    swap.places.push((from, from + choice.chars().count()));
                    swap.words.push((*choice).to_owned());
                    swap.text += choice;
                    swap
                };
                let all = found
                    .iter()
                    .flat_map(|swap| choices.iter().map(move |choice| with(swap, choice)));
                found = all.collect();
            }
        }
    }
    Ok(found)
}

fn pieces(typed: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = typed;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((inside, after)) = after.split_once('}') else {
            return Err("A brace is opened and not closed: add a }.".to_owned());
        };
        let choices: Vec<&str> = inside.split([',', '|']).map(str::trim).collect();
        if choices.iter().any(|choice| choice.is_empty()) {
            return Err(format!(
                "One of the choices in {{{inside}}} is empty: write a word between the commas."
            ));
        }
        if !(2..=MOST_CHOICES).contains(&choices.len()) {
            let count = choices.len();
            return Err(format!(
                "{{{inside}}} holds {count}; it takes 2 to {MOST_CHOICES} choices with commas between."
            ));
        }
        pieces.extend([Piece::Text(text), Piece::Choices(choices)]);
        rest = after;
    }
    if rest.contains('}')
        || pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Text(text) if text.contains('}')))
    {
        return Err(
            "A brace is closed that was not opened: add a { before the choices.".to_owned(),
        );
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

impl State {
    pub(super) fn swaps_look(&self) -> Option<Look> {
        if self.inside_hint().is_some() {
            return None;
        }
        let swaps = swaps(&self.inside.choice.swaps).ok()?;
        (!swaps.is_empty()).then(|| Look::Swaps {
            sentences: swaps.into_iter().map(|swap| swap.text).collect(),
            without: self.heads_off(),
            within_word: !self.inside.choice.apart,
        })
    }

    /// What is wrong with the sentence for the swaps.
    pub fn swaps_hint(&self) -> Option<String> {
        swaps(&self.inside.choice.swaps).err()
    }

    /// The table of swaps as it is shown.
    pub fn swaps_sight(&self, width: f64) -> Option<Sight> {
        if self.inside.choice.picture != Picture::Surprise {
            return None;
        }
        let swaps = swaps(&self.inside.choice.swaps).ok()?;
        match self.inside.answer(&self.swaps_look()?)? {
            Found::Swaps(found) if found.len() == swaps.len() => Some(sight(&swaps, found, width)),
            _ => None,
        }
    }
}

/// What one sentence costs.
struct Cost {
    name: String,
    /// Of the choices themselves.
    own: f64,
    /// Of all other words.
    rest: f64,
    tokens: usize,
}

impl Cost {
    fn new(swap: &Swap, found: &Surprisal) -> Self {
        let chosen = |start: usize, end: usize| {
            let mut places = swap.places.iter();
            places.any(|&(from, to)| start < to && end > from)
        };
        let (mut own, mut rest) = (0.0, 0.0);
        for (token, bits) in found.seen.tokens.iter().zip(&found.bits) {
            let bits = bits.map_or(0.0, f64::from);
            match chosen(token.start, token.end) {
                true => own += bits,
                false => rest += bits,
            }
        }
        Self {
            name: swap.words.join(", "),
            own,
            rest,
            tokens: found.scored,
        }
    }

    fn total(&self) -> f64 {
        self.own + self.rest
    }
}

fn sight(swaps: &[Swap], found: &[Surprisal], width: f64) -> Sight {
    let costs: Vec<Cost> = swaps
        .iter()
        .zip(found)
        .map(|(swap, found)| Cost::new(swap, found))
        .collect();
    let first = costs.first().map_or(0.0, Cost::total);
    let mut table = Table::new(&[
        "Choice",
        "Bits in all",
        "Against the first",
        "Of the choice itself",
        "Of the other words",
        "Tokens",
        "Sentence",
    ]);
    for (cost, swap) in costs.iter().zip(swaps) {
        table.rows.push(vec![
            cost.name.clone(),
            format!("{:.2}", cost.total()),
            format!("{:+.2}", cost.total() - first),
            format!("{:.2}", cost.own),
            format!("{:.2}", cost.rest),
            cost.tokens.to_string(),
            swap.text.clone(),
        ]);
    }
    let mut ranked: Vec<&Cost> = costs.iter().collect();
    ranked.sort_by(|a, b| a.total().total_cmp(&b.total()));
    let mut sentence = "What the whole sentence costs the model with each choice (pseudo-log-likelihood, in bits; less \
                        is more expected)."
        .to_owned();
    if let [best, next, ..] = ranked[..] {
        sentence += &format!(
            " “{}” costs least, {:.1} bits, “{}” {:.1} more.",
            best.name,
            best.total(),
            next.name,
            next.total() - best.total()
        );
    }
    if costs.iter().any(|cost| cost.tokens != costs[0].tokens) {
        sentence += " The choices are not equally many tokens, so the totals are no fair comparison: see what \
                     the other words cost.";
    }
    Sight {
        sentence,
        drawing: drawing(&costs, width),
        table,
        caveat: CAVEAT,
    }
}

/// A bar for each choice: its own bits, then those of the other words.
fn drawing(costs: &[Cost], width: f64) -> Drawing {
    let mut drawing = Drawing::new(width, 26.0 + costs.len() as f64 * ROW);
    let most = costs.iter().map(Cost::total).fold(1.0, f64::max);
    let scale = width / most;
    let first = costs.first().map_or(0.0, Cost::total);
    let mut key = |x: f64, ink: Ink, words: &str| {
        drawing.fill([x, 4.0], [12.0, 12.0], ink, 0.45);
        drawing.text(
            [x + 18.0, 14.5],
            words,
            Ink::Soft,
            Anchor::Start,
            12.0,
            false,
        );
    };
    key(0.0, Ink::Accent, "the choice");
    key(104.0, Ink::Second, "the other words");
    for (row, cost) in costs.iter().enumerate() {
        let y = 26.0 + row as f64 * ROW;
        let own = cost.own.max(0.0) * scale;
        drawing.fill([0.0, y + 20.0], [width, 16.0], Ink::Soft, 0.09);
        drawing.fill([0.0, y + 20.0], [own, 16.0], Ink::Accent, 0.45);
        drawing.fill(
            [own, y + 20.0],
            [cost.rest.max(0.0) * scale, 16.0],
            Ink::Second,
            0.45,
        );
        let name = fit(&cost.name, width - 150.0, 13.0);
        drawing.text(
            [0.0, y + 14.5],
            &name,
            Ink::Plain,
            Anchor::Start,
            13.0,
            true,
        );
        let apart = match row {
            0 => String::new(),
            _ => format!(" ({:+.1})", cost.total() - first),
        };
        let bits = format!("{:.1} bits{apart}", cost.total());
        drawing.text(
            [width, y + 14.5],
            &bits,
            Ink::Plain,
            Anchor::End,
            12.0,
            false,
        );
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;
    use bert::inside::Seen;
    use bert::probe::Token;

    fn texts(typed: &str) -> Vec<String> {
        let swaps = swaps(typed).expect("swaps");
        swaps.into_iter().map(|swap| swap.text).collect()
    }

    #[test]
    fn choices_in_braces_become_sentences() {
        assert_eq!(
            texts(" The {cat, dog|hen} sat. "),
            ["The cat sat.", "The dog sat.", "The hen sat."]
        );
        assert_eq!(texts("{a,b} {c,d}"), ["a c", "a d", "b c", "b d"]);
        assert_eq!(texts(""), [""; 0]);
        let swaps = swaps("Le {été, thé} est là").expect("swaps");
        assert_eq!(swaps[1].places, [(3, 6)], "characters, not bytes");
        assert_eq!(swaps[1].words, ["thé"]);
    }

    #[test]
    fn choices_at_many_places_are_refused_before_their_sentences_are_made() {
        let error = swaps(&"{a,b}".repeat(4000)).expect_err("too many");
        assert!(error.contains("at 4000 places"), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_sentence_is_said() {
        for (typed, why) in [
            ("The cat sat.", "in braces"),
            ("The {cat, dog sat.", "not closed"),
            ("The cat} sat.", "not opened"),
            ("The {cat} sat.", "holds 1"),
            ("The {cat, } sat.", "is empty"),
            ("{a,b,c,d,e,f,g}", "holds 7"),
            ("{a,b} {a,b} {a,b}", "at 3 places"),
            ("{a,b,c,d} {a,b,c,d}", "16 sentences"),
            ("{a,b} c}", "not opened"),
        ] {
            let error = swaps(typed).expect_err(typed);
            assert!(error.contains(why), "{typed}: {error}");
        }
    }

    #[test]
    fn a_choice_is_told_from_the_words_around_it() {
        let swaps = swaps("a {bb, c} d").expect("swaps");
        let token = |start, end, sequence: Option<u8>| Token {
            id: 1,
            text: "x".to_owned(),
            special: sequence.is_none(),
            masked: false,
            sequence,
            start,
            end,
        };
        let found = |end: usize| Surprisal {
            seen: Seen {
                tokens: vec![
                    token(0, 0, None),
                    token(0, 1, Some(0)),
                    token(2, end, Some(0)),
                    token(end + 1, end + 2, Some(0)),
                ],
                truncated: None,
            },
            bits: vec![None, Some(1.0), Some(end as f32), Some(2.0)],
            words: vec![None, Some(0), Some(1), Some(2)],
            total: 0.0,
            scored: 3,
            pseudo_perplexity: 1.0,
            within_word: true,
        };
        let sight = sight(&swaps, &[found(4), found(3)], 500.0);
        let row = &sight.table.rows[1];
        assert_eq!(row[..6], ["c", "6.00", "-1.00", "3.00", "3.00", "3"]);
        assert!(
            sight
                .sentence
                .contains("“c” costs least, 6.0 bits, “bb” 1.0 more.")
        );
        assert!(!sight.sentence.contains("not equally many"));
    }
}
