//! Attention: all heads small, one of them large, where it looks from one word, and what changes without it.

mod arcs;
mod together;
mod traits;

use super::sight::{Sight, Table};
use super::{GUESSES, State};
use crate::link::inside::{Enlarged, Picture, written};
use crate::protocol::{Found, HeadMap, Look};
use crate::state::format::percent;
use bert::inside::{Guesses, Head, MAX_ALL_ROWS, Survey, THUMBNAIL};
use bert::probe::{MaskResult, Token};

const CAVEAT: &str = "How it misleads: attention tells where information is fetched from, not what it is worth: its \
                      words are already mixed with all others. Only switching a head off shows what it does \
                      to the guess.";
const MEAN_CAVEAT: &str = "How it misleads: a mean hides what single heads do, and heads of one layer do different things.";
const ROLLOUT_CAVEAT: &str = "How it misleads: rollout (Abnar and Zuidema 2020) takes each layer for half its heads' mean and half \
                              what passes it by. Values, feed-forward layers and norms are left out.";
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
    pub chosen: Option<Enlarged>,
    pub off: Vec<Head>,
}

/// One map, all rows of it.
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
        let (Some(enlarged), subject) = (self.enlarged(), self.subject()) else {
            return Vec::new();
        };
        let mut looks = Vec::new();
        if self.guesses_change() {
            looks.push(self.guesses_look());
        }
        looks.extend(enlarged.head().map(|head| self.map_look(head)));
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

    /// The map that is enlarged: the chosen one, or that of the last layer's first head.
    pub fn enlarged(&self) -> Option<Enlarged> {
        let model = self.session.model.as_ref()?;
        let last = Enlarged::Head(Head {
            layer: model.layers.checked_sub(1)?,
            head: 0,
        });
        let there = |one: &Enlarged| {
            let has_head = one.head().is_none_or(|head| head.head < model.heads);
            one.layer() < model.layers && has_head
        };
        let chosen = self.inside.choice.map.filter(there);
        chosen.or_else(|| there(&last).then_some(last))
    }

    /// The head that is enlarged, where it is one's map.
    pub fn head(&self) -> Option<Head> {
        self.enlarged()?.head()
    }

    /// The map that is enlarged, in words.
    pub fn enlarged_name(&self) -> String {
        match self.enlarged() {
            Some(Enlarged::Head(head)) => format!("Head {}", written(head)),
            Some(Enlarged::Mean(layer)) => format!("The mean of layer {}", layer + 1),
            Some(Enlarged::Rollout(layer)) => format!("The rollout up to layer {}", layer + 1),
            None => String::new(),
        }
    }

    /// Why the map that is enlarged cannot be seen whole.
    pub fn not_whole(&self) -> Option<&'static str> {
        let tokens = self.probe.tokens.len();
        match self.enlarged()? {
            Enlarged::Head(_) if tokens > MAX_ALL_ROWS => {
                Some("This text is too long for the whole map of a head: one row of it is shown.")
            }
            Enlarged::Mean(_) | Enlarged::Rollout(_) if tokens > THUMBNAIL => Some(
                "The heads taken together are seen token by token in texts of up to 16 tokens: shorten the text, or \
                 choose a head.",
            ),
            _ => None,
        }
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
            chosen: self.enlarged(),
            off: self.heads_off(),
        })
    }

    /// The heads of a layer taken together, `[T][T]`, where the text is short enough to be seen token by token.
    fn together(&self) -> Option<(&Survey, Vec<f32>)> {
        if self.inside.choice.picture != Picture::Attention || self.inside_hint().is_some() {
            return None;
        }
        let enlarged = self.enlarged()?;
        let survey = self.survey()?;
        let (side, tokens) = (survey.side, survey.seen.tokens.len());
        let maps = together::maps(survey);
        let (_, numbers) = maps.into_iter().find(|(name, _)| match enlarged {
            Enlarged::Head(_) => false,
            Enlarged::Mean(_) => *name == together::MEAN,
            Enlarged::Rollout(_) => *name == together::ROLLOUT,
        })?;
        let first = enlarged.layer() * side * side;
        let numbers = numbers.get(first..first + side * side)?;
        (side == tokens).then(|| (survey, numbers.to_vec()))
    }

    /// The enlarged map; `None` where the text is too long for all of it.
    pub fn map_matrix(&self) -> Option<Matrix> {
        if let Some((survey, numbers)) = self.together() {
            let words = survey.seen.tokens.iter();
            return Some(Matrix {
                words: words.map(|token| token.text.clone()).collect(),
                numbers,
                row: self.row(),
            });
        }
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

    /// The lines from one word, with its guesses where it is hidden.
    pub fn arcs_sight(&self, width: f64) -> Option<Sight> {
        let row = self.row();
        if let Some((survey, numbers)) = self.together() {
            let tokens = &survey.seen.tokens;
            let shares = numbers.chunks_exact(tokens.len()).nth(row)?;
            let from = &tokens.get(row)?.text;
            let layer = self.enlarged()?.layer() + 1;
            let (begin, caveat) = match self.enlarged()? {
                Enlarged::Rollout(_) => (
                    format!(
                        "What attention alone would have brought to “{from}” (token {row}) by layer {layer}, by rollout"
                    ),
                    ROLLOUT_CAVEAT,
                ),
                _ => (
                    format!(
                        "Where the heads of layer {layer} look from “{from}” (token {row}) on average"
                    ),
                    MEAN_CAVEAT,
                ),
            };
            let sentence = format!("{begin}: {}.", shared_out(tokens, shares));
            return Some(self.lines(tokens, shares, sentence, caveat, width));
        }
        let map = self.head_map()?;
        let head = map.head;
        let shares = self.shares(map, row)?;
        let tokens = &map.seen.tokens;
        let arrives = self.inside.choice.arrives;
        let name = written(head);
        let from = &tokens.get(row)?.text;
        let begin = match arrives {
            false => format!("Where head {name} looks from “{from}” (token {row})"),
            true => format!(
                "What arrives at “{from}” (token {row}) through head {name}, weight times value"
            ),
        };
        let mut sentence = format!("{begin}: {}.", shared_out(tokens, &shares));
        if let Some(does) = self.head_does(head) {
            sentence += &format!(" On this text the head {does}.");
        }
        if self.inside.choice.off.contains(&head) {
            sentence += " It is switched off: nothing of this arrives.";
        }
        Some(self.lines(tokens, &shares, sentence, CAVEAT, width))
    }

    /// A row of a map as lines.
    fn lines(
        &self,
        tokens: &[Token],
        shares: &[f32],
        sentence: String,
        caveat: &'static str,
        width: f64,
    ) -> Sight {
        let row = self.row();
        let mut table = Table::new(&["Token", "Share"]);
        for (token, share) in tokens.iter().zip(shares) {
            table.rows.push(vec![token.text.clone(), percent(*share)]);
        }
        Sight {
            sentence,
            drawing: arcs::drawing(tokens, shares, row, &self.guesses_at(row), width),
            table,
            caveat,
        }
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
}

/// How a row is shared out, in words: special tokens, then the words with the most.
fn shared_out(tokens: &[Token], shares: &[f32]) -> String {
    let special: f32 = (tokens.iter().zip(shares))
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
    format!(
        "{} of it on special tokens, then {}",
        percent(special),
        best.join(", ")
    )
}

fn at(masks: &[MaskResult], place: usize) -> Option<&MaskResult> {
    masks.iter().find(|mask| mask.position == place)
}
