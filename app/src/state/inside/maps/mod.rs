//! Attention: all heads small, one of them large, where it looks from one word, and what changes without it.

mod arcs;
mod together;

use super::sight::{Sight, Table};
use super::{GUESSES, State};
use crate::link::inside::{Picture, written};
use crate::protocol::{Found, HeadMap, Look};
use crate::state::format::percent;
use bert::inside::{Guesses, Head, HeadTraits, MAX_ALL_ROWS, Survey};
use bert::probe::MaskResult;

const CAVEAT: &str = "How it misleads: attention tells where information is fetched from, not what it is worth: its \
                      words are already mixed with all others. Only switching a head off shows what it does \
                      to the guess.";
/// A share from which on a head is named by what it does.
const MOSTLY: f32 = 0.4;
/// A head whose entropy is this share of the highest there can be looks everywhere.
const BROAD: f32 = 0.8;

/// The grid of all heads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    pub layers: usize,
    pub heads: usize,
    /// A thumbnail is `side x side` numbers; empty until they are there.
    pub side: usize,
    /// `[layers][heads][side][side]`, flat.
    pub numbers: Vec<f32>,
    /// All heads of each layer taken together, in several ways: a name and `[layers][side][side]`, flat.
    pub together: Vec<(&'static str, Vec<f32>)>,
    pub chosen: Option<Head>,
    pub off: Vec<Head>,
}

/// One head, all rows of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    pub words: Vec<String>,
    /// `[words][words]`, flat; a row's sum is 1 (of what arrives: its share).
    pub numbers: Vec<f32>,
    /// The row that is drawn as lines.
    pub row: usize,
}

impl State {
    /// What the picture needs: the quickest first.
    pub(super) fn map_looks(&self) -> Vec<Look> {
        if self.inside_hint().is_some() {
            return Vec::new();
        }
        let (Some(head), subject) = (self.head(), self.subject()) else {
            return Vec::new();
        };
        let mut looks = Vec::new();
        if self.guesses_change() {
            looks.push(self.guesses_look());
        }
        looks.push(self.map_look(head));
        looks.push(Look::Survey {
            subject,
            top_k: GUESSES,
        });
        looks
    }

    fn guesses_look(&self) -> Look {
        Look::Guesses {
            subject: self.subject(),
            top_k: GUESSES,
        }
    }

    fn map_look(&self, head: Head) -> Look {
        let long = self.probe.tokens.len() > MAX_ALL_ROWS;
        Look::Map {
            subject: self.subject(),
            head,
            row: long.then(|| self.row()),
        }
    }

    /// Whether there is a guess, and a head is off.
    fn guesses_change(&self) -> bool {
        let model = self.session.model.as_ref();
        let guesses = model.is_some_and(|model| model.no_masks.is_none() && !model.causal);
        let asked = guesses && self.place().is_some() || self.probe.said.is_some();
        asked && !self.heads_off().is_empty()
    }

    /// The head that is enlarged: the chosen one, or the first of the last layer.
    pub fn head(&self) -> Option<Head> {
        let model = self.session.model.as_ref()?;
        let last = Head {
            layer: model.layers.checked_sub(1)?,
            head: 0,
        };
        let there = |head: &Head| head.layer < model.layers && head.head < model.heads;
        let chosen = self.inside.choice.map.filter(there);
        chosen.or_else(|| there(&last).then_some(last))
    }

    /// How many layers the model has, and heads in each.
    pub fn layers_and_heads(&self) -> [usize; 2] {
        let model = self.session.model.as_ref();
        model.map_or([0, 0], |model| [model.layers, model.heads])
    }

    /// The token whose row is drawn: the chosen one, the hidden one, or the first word.
    pub fn row(&self) -> usize {
        let tokens = &self.probe.tokens;
        let chosen = self.inside.choice.row.filter(|&row| row < tokens.len());
        let first = || tokens.iter().position(|token| !token.special);
        chosen.or_else(|| self.place()).or_else(first).unwrap_or(0)
    }

    /// The head's map, its own or an earlier one until that is there.
    fn head_map(&self) -> Option<&HeadMap> {
        if self.inside.choice.picture != Picture::Attention || self.inside_hint().is_some() {
            return None;
        }
        let look = self.map_look(self.head()?);
        self.inside.shown(&look, |found| match found {
            Found::Map(map) => Some(map),
            _ => None,
        })
    }

    fn survey(&self) -> Option<&Survey> {
        let look = Look::Survey {
            subject: self.subject(),
            top_k: GUESSES,
        };
        self.inside.shown(&look, |found| match found {
            Found::Survey(survey) => Some(survey),
            _ => None,
        })
    }

    /// All heads, small.
    pub fn map_grid(&self) -> Option<Grid> {
        if self.inside.choice.picture != Picture::Attention || self.inside_hint().is_some() {
            return None;
        }
        let [layers, heads] = self.layers_and_heads();
        let survey = self.survey();
        let survey = survey.filter(|survey| survey.layers.len() == layers);
        let numbers = survey.map(|survey| {
            let heads = survey.layers.iter().flatten();
            heads
                .flat_map(|head| head.thumbnail.iter().copied())
                .collect()
        });
        Some(Grid {
            layers,
            heads,
            side: survey.map_or(0, |survey| survey.side),
            numbers: numbers.unwrap_or_default(),
            together: survey.map_or(Vec::new(), together::maps),
            chosen: self.head(),
            off: self.heads_off(),
        })
    }

    /// One head, large; `None` where the text is too long for all of it.
    pub fn map_matrix(&self) -> Option<Matrix> {
        let map = self.head_map()?;
        let tokens = map.seen.tokens.len();
        (map.rows.len() == tokens).then(|| Matrix {
            words: map
                .seen
                .tokens
                .iter()
                .map(|token| token.text.clone())
                .collect(),
            numbers: (0..tokens)
                .flat_map(|row| self.shares(map, row).unwrap_or_default())
                .collect(),
            row: self.row(),
        })
    }

    /// A row as shares of its sum.
    fn shares(&self, map: &HeadMap, row: usize) -> Option<Vec<f32>> {
        let tokens = map.seen.tokens.len();
        let at = map.rows.iter().position(|&there| there == row)?;
        let numbers = match self.inside.choice.arrives {
            true => &map.arrives,
            false => &map.weights,
        };
        let row = numbers.get(at * tokens..(at + 1) * tokens)?;
        let sum: f32 = row.iter().sum();
        let share = |number: &f32| if sum > 0.0 { number / sum } else { 0.0 };
        Some(row.iter().map(share).collect())
    }

    /// Whether the whole map is too much for this text.
    pub fn is_too_long_for_matrix(&self) -> bool {
        self.probe.tokens.len() > MAX_ALL_ROWS
    }

    /// The lines from one word, with its guesses where it is hidden.
    pub fn arcs_sight(&self, width: f64) -> Option<Sight> {
        let map = self.head_map()?;
        let (row, head) = (self.row(), map.head);
        let shares = self.shares(map, row)?;
        let tokens = &map.seen.tokens;
        let arrives = self.inside.choice.arrives;
        let guesses = self.guesses_at(row);
        let special: f32 = tokens
            .iter()
            .zip(&shares)
            .filter(|(token, _)| token.special)
            .map(|(_, share)| share)
            .sum();
        let mut words: Vec<(usize, f32)> = shares.iter().copied().enumerate().collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = words
            .iter()
            .filter(|(place, _)| !tokens[*place].special)
            .take(3);
        let best: Vec<String> = best
            .map(|(place, share)| format!("“{}” {}", tokens[*place].text, percent(*share)))
            .collect();
        let name = written(head);
        let from = &tokens.get(row)?.text;
        let begin = match arrives {
            false => format!("Where head {name} looks from “{from}” (token {row})"),
            true => format!(
                "What arrives at “{from}” (token {row}) through head {name}, weight times value"
            ),
        };
        let mut sentence = format!(
            "{begin}: {} of it on special tokens, then {}.",
            percent(special),
            best.join(", ")
        );
        if let Some(does) = self.head_does(head) {
            sentence += &format!(" On this text the head {does}.");
        }
        if self.inside.choice.off.contains(&head) {
            sentence += " It is switched off: nothing of this arrives.";
        }
        let mut table = Table::new(&["Token", "Share"]);
        for (token, share) in tokens.iter().zip(&shares) {
            table.rows.push(vec![token.text.clone(), percent(*share)]);
        }
        Some(Sight {
            sentence,
            drawing: arcs::drawing(tokens, &shares, row, &guesses, width),
            table,
            caveat: CAVEAT,
        })
    }

    /// The guesses at a token, as they are with the heads that are off.
    fn guesses_at(&self, row: usize) -> Vec<(String, f32)> {
        let mask = match self.guesses_change() {
            true => self
                .changed_guesses()
                .and_then(|guesses| at(&guesses.masks, row)),
            false => self.probe.result(row),
        };
        let best = mask.iter().flat_map(|mask| mask.predictions.iter().take(3));
        best.map(|best| (best.token.clone(), best.probability))
            .collect()
    }

    fn changed_guesses(&self) -> Option<&Guesses> {
        self.inside
            .shown(&self.guesses_look(), |found| match found {
                Found::Guesses(guesses) => Some(guesses),
                _ => None,
            })
    }

    /// The guesses with all heads, and with those that are off: a name and the guesses in words.
    pub fn guess_lines(&self) -> Vec<(String, String)> {
        let off = self.heads_off().len();
        let spoken = |mask: &MaskResult| {
            let best = mask.predictions.iter().take(GUESSES);
            let best: Vec<String> = best
                .map(|best| format!("{} {}", best.token, percent(best.probability)))
                .collect();
            best.join(", ")
        };
        let mut lines = Vec::new();
        let without = match off {
            1 => "Without that head".to_owned(),
            _ => format!("Without {off} heads"),
        };
        if let Some(place) = self.place() {
            if let Some(mask) = self.probe.result(place) {
                lines.push(("All heads".to_owned(), spoken(mask)));
            }
            let changed = self.changed_guesses().filter(|_| self.guesses_change());
            if let Some(mask) = changed.and_then(|guesses| at(&guesses.masks, place)) {
                lines.push((without, spoken(mask)));
            }
        } else if let Some(said) = &self.probe.said
            && said.logits.len() == said.head.labels.len()
        {
            let logits = |logits: &[f32]| {
                let named = said.head.labels.iter().zip(logits);
                let named: Vec<String> = named
                    .map(|(label, logit)| format!("{label} {logit:.3}"))
                    .collect();
                named.join(", ")
            };
            lines.push(("All heads (logits)".to_owned(), logits(&said.logits)));
            let changed = self.changed_guesses().filter(|_| self.guesses_change());
            if let Some(says) = changed.and_then(|guesses| guesses.said.as_ref()) {
                lines.push((format!("{without} (logits)"), logits(&says.logits)));
            }
        }
        lines
    }

    /// What a head does on this text, in a few words.
    fn head_does(&self, head: Head) -> Option<String> {
        let survey = self.survey()?;
        let found = survey.layers.get(head.layer)?.get(head.head)?;
        Some(does(&found.traits, survey.seen.tokens.len()))
    }

    /// All heads as a table: what each does.
    pub fn map_table(&self) -> Table {
        let mut table = Table::new(&[
            "Head",
            "On this text it",
            "Word before",
            "Word after",
            "Itself",
            "Same word",
            "Special",
            "Entropy",
        ]);
        let Some(survey) = self.survey() else {
            return table;
        };
        for head in survey.layers.iter().flatten() {
            let traits = &head.traits;
            let mut name = written(head.head);
            if head.off {
                name += " (off)";
            }
            let mut row = vec![name, does(traits, survey.seen.tokens.len())];
            let shares = [
                traits.previous,
                traits.next,
                traits.itself,
                traits.same,
                traits.special,
            ];
            row.extend(shares.map(percent));
            row.push(format!("{:.2} bits", traits.entropy));
            table.rows.push(row);
        }
        table
    }
}

fn at(masks: &[MaskResult], place: usize) -> Option<&MaskResult> {
    masks.iter().find(|mask| mask.position == place)
}

/// What a head does, named by where most of its weight lies.
fn does(traits: &HeadTraits, tokens: usize) -> String {
    let named = [
        (traits.previous, "looks at the token before"),
        (traits.next, "looks at the token after"),
        (traits.itself, "looks at the token itself"),
        (traits.same, "looks at the same word elsewhere"),
        (traits.special, "rests on special tokens"),
    ];
    let most = named.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
    match most {
        Some((share, name)) if share >= MOSTLY => format!("{name} ({})", percent(share)),
        _ if traits.entropy >= BROAD * (tokens.max(2) as f32).log2() => {
            "looks at everything a little".to_owned()
        }
        _ => "does nothing with a name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_named_by_where_they_look() {
        let named = |traits: HeadTraits| does(&traits, 16);
        let before = HeadTraits {
            previous: 0.7,
            special: 0.2,
            ..HeadTraits::default()
        };
        assert!(named(before).starts_with("looks at the token before (70.0"));
        let broad = HeadTraits {
            special: 0.2,
            entropy: 3.5,
            ..HeadTraits::default()
        };
        assert_eq!(named(broad), "looks at everything a little");
        assert_eq!(named(HeadTraits::default()), "does nothing with a name");
    }
}
