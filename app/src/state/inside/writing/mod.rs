//! Writing: blanks filled in three orders, whose products of probabilities differ; or word by word from the left, where there is but one.

mod products;
#[cfg(test)]
mod tests;

use super::State;
use super::drawing::{Anchor, Drawing, Ink, fit, width_of};
use super::sight::{Sight, Table};
use crate::link::inside::Picture;
use crate::protocol::{Found, Look};
use crate::state::format::percent;
use bert::inside::{Draft, MAX_WRITTEN, Order, WriteRequest, Written, WrittenToken};
use products::products;

const FILLED_CAVEAT: &str = "How it misleads: BERT never learned to write. Each word is drawn among the 50 likeliest, \
                             special tokens left out; the figures are the model's own, at temperature 1, whatever \
                             temperature drew the words.";
const FROM_LEFT_CAVEAT: &str = "How it misleads: each word is drawn among the 50 likeliest; the figures are the model's \
                                own, at temperature 1, whatever temperature drew the words. [SEP] is where the model \
                                ends the text.";
/// Given words that are shown on each side of one that was written.
const AROUND: usize = 12;
const LINE: f64 = 50.0;
const BLOCK: f64 = 26.0;

/// What an order is called.
pub fn order_name(order: Order) -> &'static str {
    match order {
        Order::LeftToRight => "Left to right",
        Order::RightToLeft => "Right to left",
        Order::SurestFirst => "Surest first",
    }
}

fn lower(order: Order) -> String {
    order_name(order).to_lowercase()
}

impl State {
    /// What keeps the model from writing here.
    pub(super) fn writing_hint(&self) -> Option<String> {
        let blanks = self.hidden_places().len();
        let causal = self
            .session
            .model
            .as_ref()
            .is_some_and(|model| model.causal);
        (blanks > MAX_WRITTEN && !causal).then(|| {
            format!(
                "{blanks} words are hidden, and {MAX_WRITTEN} are filled at a time: show some of them."
            )
        })
    }

    pub(super) fn writing_look(&self) -> Option<Look> {
        if self.inside_hint().is_some() {
            return None;
        }
        let writing = &self.inside.choice.writing;
        Some(Look::Write {
            request: WriteRequest {
                subject: self.subject(),
                tokens: writing.tokens,
                temperature: writing.temperature(),
                seed: u64::from(writing.draw),
            },
        })
    }

    fn written(&self) -> Option<&Written> {
        if self.inside.choice.picture != Picture::Writing {
            return None;
        }
        let look = self.writing_look()?;
        let found = self.inside.shown(&look, |found| match found {
            Found::Written(written) => Some(written),
            _ => None,
        });
        found.filter(|written| !written.drafts.is_empty())
    }

    /// Whether blanks of the text are filled rather than words added.
    pub fn fills_own_blanks(&self) -> bool {
        self.writes_in_orders() && !self.hidden_places().is_empty()
    }

    /// Whether the model fills places in one order or another, rather than from the left alone.
    pub fn writes_in_orders(&self) -> bool {
        !self
            .session
            .model
            .as_ref()
            .is_some_and(|model| model.causal)
    }

    /// What is done with the text, in a sentence.
    pub fn writing_line(&self) -> String {
        let blanks = self.hidden_places().len();
        match (self.writes_in_orders(), blanks) {
            (true, 0) => {
                "No word is hidden, so blanks are put behind the text, and filled one at a time. Hide words above to have those filled."
                    .to_owned()
            }
            (true, 1) => "The blank is filled: with one there is no order. Hide another word, or write one more [MASK]."
                .replace("[MASK]", self.mask()),
            (true, many) => format!("The {many} blanks are filled, one at a time."),
            (false, 0) => "The text is written on, one word after another.".to_owned(),
            (false, _) => {
                "The text is written on from the first blank; what stands behind it is not read.".to_owned()
            }
        }
    }

    /// Another draw with the next seed.
    pub fn draw_again(&mut self) {
        let writing = &mut self.inside.choice.writing;
        writing.draw = match writing.draw {
            draw if draw < crate::link::inside::MAX_DRAW => draw + 1,
            _ => 0,
        };
    }

    /// What was written, with how likely each word was.
    pub fn writing_sight(&self, width: f64) -> Option<Sight> {
        Some(texts(self.written()?, self.writes_in_orders(), width))
    }

    /// The chosen text's product in each order.
    pub fn products_sight(&self, width: f64) -> Option<Sight> {
        let written = self.written()?;
        let chosen = self.inside.choice.writing.order;
        let mut drafts = written.drafts.iter();
        let draft = drafts.find(|draft| draft.order == chosen);
        products(draft.or(written.drafts.first())?, width)
    }
}

/// Bits that a natural logarithm of a probability costs.
fn bits(logarithm: f64) -> f64 {
    // Not -0.
    (-logarithm / std::f64::consts::LN_2).max(0.0)
}

/// Tokens as one reads them: pieces of a word together.
fn joined<'a>(tokens: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for token in tokens {
        match (
            token.strip_prefix("##"),
            token.strip_prefix(['\u{120}', '\u{2581}']),
        ) {
            (Some(piece), _) => text.push_str(piece),
            (None, Some(word)) => {
                text.push(' ');
                text.push_str(word);
            }
            (None, None) => {
                text.push(' ');
                text.push_str(token);
            }
        }
    }
    text.trim().to_owned()
}

fn words(draft: &Draft) -> String {
    joined(draft.tokens.iter().map(|token| token.token.as_str()))
}

fn own(draft: &Draft) -> f64 {
    let own = draft.counts.iter().find(|count| count.order == draft.order);
    own.map_or(0.0, |count| bits(count.product))
}

fn texts(written: &Written, in_orders: bool, width: f64) -> Sight {
    let mut table = Table::new(&["Order", "Place", "Token", "Turn", "Probability"]);
    for draft in &written.drafts {
        table.rows.extend(draft.tokens.iter().map(|token| {
            vec![
                order_name(draft.order).to_owned(),
                (token.place + 1).to_string(),
                token.token.clone(),
                (token.turn + 1).to_string(),
                percent(token.probability),
            ]
        }));
    }
    let sentence = match (in_orders, written.drafts.first()) {
        (false, Some(draft)) => {
            let at = draft
                .tokens
                .iter()
                .min_by(|a, b| a.probability.total_cmp(&b.probability));
            let least = at.map_or(String::new(), |token| {
                format!(
                    " The least expected was “{}”, at {}.",
                    token.token,
                    percent(token.probability)
                )
            });
            let end = match draft.tokens.last() {
                Some(last) if last.token == "[SEP]" => " Then it ended the text.",
                _ => "",
            };
            format!("From the left it writes: “{}”.{least}{end}", words(draft))
        }
        _ => {
            let said: Vec<String> = written
                .drafts
                .iter()
                .map(|draft| format!("{} “{}”", lower(draft.order), words(draft)))
                .collect();
            let what = match written.filled {
                true => "The blanks filled",
                false => "Written on",
            };
            format!("{what} in three orders: {}.", said.join("; "))
        }
    };
    Sight {
        sentence,
        drawing: text_drawing(written, in_orders, width),
        table,
        caveat: match in_orders {
            true => FILLED_CAVEAT,
            false => FROM_LEFT_CAVEAT,
        },
    }
}

/// A word of a finished text: given, left out, or written.
enum Piece<'a> {
    Given(&'a str),
    LeftOut,
    Written(&'a WrittenToken),
}

fn pieces<'a>(given: &'a [String], tokens: &'a [WrittenToken]) -> Vec<Piece<'a>> {
    let mut given = given.iter();
    let near = |place: usize| {
        let mut places = tokens.iter().map(|token| token.place);
        places.any(|written| written.abs_diff(place) <= AROUND)
    };
    let mut pieces = Vec::new();
    for place in 0..given.len() + tokens.len() {
        if let Some(token) = tokens.iter().find(|token| token.place == place) {
            pieces.push(Piece::Written(token));
        } else if let Some(word) = given.next() {
            match near(place) {
                true => pieces.push(Piece::Given(word)),
                false if matches!(pieces.last(), Some(Piece::LeftOut)) => {}
                false => pieces.push(Piece::LeftOut),
            }
        }
    }
    pieces
}

/// Each text as lines of words; under those that were written stand their probability and, of several orders, their turn.
fn text_drawing(written: &Written, in_orders: bool, width: f64) -> Drawing {
    let mut drawing = Drawing::new(width, 0.0);
    let mut top = 0.0;
    for draft in &written.drafts {
        if in_orders {
            let name = order_name(draft.order);
            drawing.text(
                [0.0, top + 16.0],
                name,
                Ink::Soft,
                Anchor::Start,
                13.0,
                true,
            );
            let total = format!("{:.1} bits", own(draft));
            drawing.text(
                [width, top + 16.0],
                &total,
                Ink::Soft,
                Anchor::End,
                12.0,
                false,
            );
            top += BLOCK;
        }
        let mut x = 0.0;
        for piece in pieces(&written.given, &draft.tokens) {
            let (word, under) = match piece {
                Piece::Given(word) => (word, None),
                Piece::LeftOut => ("…", None),
                Piece::Written(token) => {
                    let said = match in_orders {
                        true => format!("{}. {}", token.turn + 1, percent(token.probability)),
                        false => percent(token.probability),
                    };
                    (token.token.as_str(), Some((token, said)))
                }
            };
            let wide = match &under {
                None => width_of(word, 13.0) + 8.0,
                Some((_, said)) => width_of(word, 13.0).max(width_of(said, 11.0)) + 18.0,
            };
            let wide = wide.min(width);
            if x > 0.0 && x + wide > width {
                (x, top) = (0.0, top + LINE);
            }
            let middle = x + wide / 2.0;
            let shown = fit(word, wide, 13.0);
            if let Some((token, said)) = under {
                let weight = 0.12 + 0.5 * f64::from(token.probability);
                drawing.fill(
                    [x + 3.0, top + 2.0],
                    [wide - 6.0, 24.0],
                    Ink::Accent,
                    weight,
                );
                drawing.text(
                    [middle, top + 18.5],
                    &shown,
                    Ink::Plain,
                    Anchor::Middle,
                    13.0,
                    true,
                );
                drawing.text(
                    [middle, top + 38.0],
                    &said,
                    Ink::Soft,
                    Anchor::Middle,
                    11.0,
                    false,
                );
            } else {
                drawing.word([middle, top + 18.5], &shown, Ink::Soft, Anchor::Middle);
            }
            x += wide;
        }
        top += LINE + 4.0;
    }
    drawing.height = top.max(1.0);
    drawing
}
