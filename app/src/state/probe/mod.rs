//! The Probe panel: a text, its tokens, what is hidden, and what the model expects there.

mod blank;
mod examples;
mod marks;
mod tokens;

pub use examples::{EXAMPLES, Example};
pub use tokens::describe;

use super::Effect;
use super::said::spoken;
use crate::failure::Failure;
use crate::link::{FIRST_TEXT, TOP_K};
use crate::protocol::{Command, RequestId};
use crate::state::along::along;
use bert::probe::{Fill, MaskResult, Nsp, Replaced, Request, Said, Token, Truncated};
use std::collections::BTreeSet;
use tokens::carry_over;

/// What a model can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Which words stand at hidden places.
    pub masks: bool,
    /// Whether the second text follows the first.
    pub next_sentence: bool,
    /// Which tokens someone replaced.
    pub replaced: bool,
    /// What the head of a task says.
    pub head: bool,
}

/// The Probe panel's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    pub text: String,
    pub pair: String,
    /// Whether the second text is in use.
    pub paired: bool,
    pub top_k: usize,
    /// Words whose probability at each blank is wanted, as they are typed.
    pub compare: String,
    /// Tokens of the newest text that the engine has cut.
    pub tokens: Vec<Token>,
    pub truncated: Option<Truncated>,
    /// Positions someone hid, besides masks typed in the text.
    pub hidden: BTreeSet<usize>,
    pub fill: Option<Fill>,
    /// What a discriminator says of each token.
    pub marks: Option<Replaced>,
    /// What the head of a task says.
    pub said: Option<Said>,
    pub milliseconds: Option<f64>,
    /// Why the answer shown is in doubt, in a sentence.
    pub(super) doubt: Option<String>,
    pub failure: Option<Failure>,
    /// The token that the arrow keys have reached.
    pub current: usize,
    /// The token that the pointer or the keyboard is on.
    inspected: Option<usize>,
    /// Whether a text changed since it was last sent to be cut.
    edited: bool,
    /// The newest request of each kind, while unanswered.
    tokenizing: Option<RequestId>,
    running: Option<RequestId>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            text: FIRST_TEXT.into(),
            compare: String::new(),
            pair: String::new(),
            paired: false,
            top_k: 5,
            tokens: Vec::new(),
            truncated: None,
            hidden: BTreeSet::new(),
            fill: None,
            marks: None,
            said: None,
            milliseconds: None,
            doubt: None,
            failure: None,
            current: 1,
            inspected: None,
            edited: false,
            tokenizing: None,
            running: None,
        }
    }
}

impl Probe {
    fn pair(&self) -> Option<String> {
        self.paired.then(|| self.pair.clone())
    }

    /// Changes the text.
    pub fn edit_text(&mut self, text: String) {
        self.text = text;
        self.edited = true;
    }

    /// Puts another text in place of all that was there.
    pub fn put(&mut self, text: String) {
        self.text = text;
        self.pair.clear();
        self.paired = false;
        self.hidden.clear();
        self.compare.clear();
    }

    /// Changes the second text.
    pub fn edit_pair(&mut self, pair: String) {
        self.pair = pair;
        self.edited = true;
    }

    /// Whether the tokens shown belong to an earlier text.
    pub(super) fn awaits_tokens(&self) -> bool {
        self.edited || self.tokenizing.is_some()
    }

    /// Whether an answer is still due.
    pub fn busy(&self) -> bool {
        self.tokenizing.is_some() || self.running.is_some()
    }

    /// Whether a forward pass is under way and could be given up.
    pub fn running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether a token can be hidden or shown: a word of the text, not a special token, and not
    /// a mask that is typed in the text and goes only with it.
    pub fn can_toggle(&self, position: usize) -> bool {
        self.tokens
            .get(position)
            .is_some_and(|token| !token.special && !token.masked)
    }

    /// Hides a token or shows it again; says whether anything changed.
    pub fn toggle(&mut self, position: usize) -> bool {
        if !self.can_toggle(position) {
            return false;
        }
        self.current = position;
        if !self.hidden.remove(&position) {
            self.hidden.insert(position);
        }
        true
    }

    /// Shows every hidden token; says whether there was one.
    pub fn show_all(&mut self) -> bool {
        !std::mem::take(&mut self.hidden).is_empty()
    }

    /// Sets how many predictions are wanted, within [`TOP_K`].
    pub fn set_top_k(&mut self, count: usize) {
        self.top_k = count.clamp(*TOP_K.start(), *TOP_K.end());
    }

    /// Moves the keyboard's place along the strip; returns the new place.
    pub fn step(&mut self, key: &str) -> Option<usize> {
        let last = self.tokens.len().checked_sub(1)?;
        self.current = along(key, self.current, last)?;
        Some(self.current)
    }

    /// The keyboard, or a finger, is on a token.
    pub fn focus(&mut self, position: usize) -> Vec<Effect> {
        self.current = position;
        self.inspect(Some(position))
    }

    /// The pointer is on a token, or on none.
    pub fn inspect(&mut self, position: Option<usize>) -> Vec<Effect> {
        self.inspected = position;
        Vec::new()
    }

    /// The token that is looked at, in words.
    pub fn inspected(&self) -> Option<String> {
        let position = self.inspected?;
        let token = self.tokens.get(position)?;
        Some(format!("{}: {}", token.text, describe(position, token)))
    }

    pub(super) fn tokenize(&mut self, id: RequestId) -> Command {
        self.edited = false;
        self.tokenizing = Some(id);
        Command::Tokenize {
            id,
            text: self.text.clone(),
            pair: self.pair(),
        }
    }

    /// Takes the newest text's tokens; what was hidden stays hidden where its word is still there.
    /// Says whether these are the tokens that were asked for last.
    pub(super) fn on_tokens(
        &mut self,
        id: RequestId,
        tokens: Vec<Token>,
        truncated: Option<Truncated>,
    ) -> bool {
        if self.tokenizing != Some(id) {
            return false;
        }
        self.tokenizing = None;
        self.hidden = carry_over(&self.tokens, &tokens, &self.hidden);
        self.tokens = tokens;
        self.truncated = truncated;
        self.failure = None;
        self.current = self.current.min(self.tokens.len().saturating_sub(1));
        true
    }

    /// Asks what stands at the hidden places. With nothing hidden and no verdict on the pair to
    /// be had there is nothing to ask; what was shown before goes.
    pub(super) fn ask(&mut self, id: RequestId, asks: Asks) -> Option<Command> {
        let hides = !self.hidden.is_empty() || self.tokens.iter().any(|token| token.masked);
        let words = self.tokens.iter().any(|token| !token.special);
        let any = asks.masks && hides
            || asks.next_sentence && self.paired
            || (asks.replaced || asks.head) && words;
        if !any {
            let given_up = self.running.take().map(|id| Command::CancelProbe { id });
            self.clear_results();
            return given_up;
        }
        self.running = Some(id);
        Some(Command::Probe {
            id,
            request: Request {
                text: self.text.clone(),
                pair: self.pair(),
                hidden: self.hidden.iter().copied().collect(),
                top_k: self.top_k,
                compare: self.compared_words(),
            },
        })
    }

    pub(super) fn on_filled(&mut self, id: RequestId, fill: Fill, milliseconds: f64) {
        if self.is_answered(id, milliseconds) {
            self.fill = Some(fill);
        }
    }

    pub(super) fn on_said(&mut self, id: RequestId, said: Said, milliseconds: f64) {
        if self.is_answered(id, milliseconds) {
            self.said = Some(said);
        }
    }

    /// Whether this answers the newest probe; if so, what was shown before is gone.
    fn is_answered(&mut self, id: RequestId, milliseconds: f64) -> bool {
        let answered = self.running.take_if(|running| *running == id).is_some();
        if answered {
            self.clear_results();
            self.milliseconds = Some(milliseconds);
        }
        answered
    }

    pub(super) fn on_failed(&mut self, id: RequestId, failure: Option<Failure>) {
        if self.tokenizing == Some(id) {
            self.tokenizing = None;
            self.failure = failure;
        } else if self.running == Some(id) {
            self.running = None;
            self.fill = None;
            self.marks = None;
            self.said = None;
            self.failure = failure;
        }
    }

    pub(super) fn cancel(&self) -> Option<Command> {
        self.running.map(|id| Command::CancelProbe { id })
    }

    /// The engine is gone, and with it every answer that was due.
    pub(super) fn abandon(&mut self) {
        self.tokenizing = None;
        self.running = None;
    }

    pub(super) fn clear_results(&mut self) {
        self.fill = None;
        self.marks = None;
        self.said = None;
        self.milliseconds = None;
        self.doubt = None;
        self.failure = None;
    }

    pub(super) fn clear_tokens(&mut self) {
        self.clear_results();
        self.tokens.clear();
        self.hidden.clear();
        self.truncated = None;
    }

    /// Whether an answer is shown.
    pub(super) fn has_answer(&self) -> bool {
        self.fill.is_some() || self.marks.is_some() || self.said.is_some()
    }

    /// The answer for a position, if there is one.
    pub fn result(&self, position: usize) -> Option<&MaskResult> {
        self.fill
            .as_ref()?
            .masks
            .iter()
            .find(|mask| mask.position == position)
    }

    /// Whether the second text follows the first; of one text alone the head says nothing.
    pub fn verdict(&self) -> Option<&Nsp> {
        self.fill.as_ref()?.nsp.as_ref().filter(|_| self.paired)
    }

    /// The positions whose answers are shown: those that are still hidden.
    pub fn shown(&self) -> Vec<usize> {
        let masks = self.fill.iter().flat_map(|fill| &fill.masks);
        masks
            .map(|mask| mask.position)
            .filter(|&position| self.is_hidden(position))
            .collect()
    }

    /// The best guess to write under a hidden token. An answer to an earlier text, of another
    /// length, would be written under the wrong words.
    pub fn guess(&self, position: usize) -> Option<String> {
        let fill = self
            .fill
            .as_ref()
            .filter(|fill| fill.tokens.len() == self.tokens.len())?;
        let mask = fill.masks.iter().find(|mask| mask.position == position)?;
        self.is_hidden(position)
            .then(|| mask.predictions.first().map(|p| p.token.clone()))?
    }

    /// Whether a token shows as hidden, by a click or by a typed `[MASK]`.
    pub fn is_hidden(&self, position: usize) -> bool {
        self.hidden.contains(&position)
            || self.tokens.get(position).is_some_and(|token| token.masked)
    }

    /// What to say of a text that is longer than the model reads.
    pub fn truncation(&self) -> Option<String> {
        use super::format::grouped;
        let truncated = self.truncated.as_ref()?;
        let (kept, total) = (
            grouped(truncated.kept as u64),
            grouped(truncated.total as u64),
        );
        let more = if truncated.or_more { "more than " } else { "" };
        Some(format!(
            "This text has {more}{total} tokens; the model reads {kept}. The rest is left out."
        ))
    }

    /// The results in one sentence each, for those who listen rather than look.
    pub fn spoken(&self) -> String {
        use super::format::percent;
        if let Some(said) = &self.said {
            return spoken(said);
        }
        let Some(fill) = &self.fill else {
            return self.suspicion();
        };
        let mut sentences: Vec<String> = (1..)
            .zip(&fill.masks)
            .map(|(number, mask)| {
                let best = mask.predictions.iter().take(3);
                let best = best.map(|p| format!("{} {}", p.token, percent(p.probability)));
                let compared = mask.compared.iter().filter_map(|compared| {
                    let standing = compared.standing.as_ref().ok()?;
                    let share = percent(standing.probability);
                    Some(format!("{}: {share}", compared.word))
                });
                let said: Vec<String> = best.chain(compared).collect();
                format!("Blank {number}: {}.", said.join(", "))
            })
            .collect();
        if let Some(nsp) = self.verdict() {
            sentences.push(format!(
                "Second text follows the first: {}.",
                percent(nsp.is_next)
            ));
        }
        sentences.join(" ")
    }
}

#[cfg(test)]
mod tests;
