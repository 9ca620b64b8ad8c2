//! The Inside panel: which picture is looked at, what has to be asked for it, and what was answered.
//!
//! Nothing is asked by hand. [`State::look_inside`] compares what the open panel needs with what is
//! there, and asks for the first thing that is missing; the page calls it after every change.

mod asking;
mod beside;
mod change;
pub mod drawing;
mod grounds;
mod lens;
pub mod maps;
mod neighbours;
mod sides;
pub mod sight;
pub mod spot;
mod surprise;
mod swaps;
#[cfg(test)]
mod tests;
mod writing;

pub use writing::order_name;

use super::State;
use super::activity::Wish;
use crate::failure::Failure;
use crate::link::inside::{Inside as Choice, MAX_WORD, Picture};
use crate::protocol::{Found, Look, RequestId, Word};
use bert::inside::{Head, Subject};
use spot::Spot;

/// Guesses that are asked for at each place.
pub const GUESSES: usize = 5;
/// A drawing's width where only the words of it count.
const ANY_WIDTH: f64 = 800.0;
/// Answers that are remembered, so that going back to a picture costs nothing.
const REMEMBERED: usize = 12;

/// Says the sentence of the picture that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Voice(pub fn(&State) -> Option<String>);

/// There is only one.
impl PartialEq for Voice {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The Inside panel's state. The text and what is hidden in it are Probe's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inside {
    /// What is asked, as a link carries it.
    pub choice: Choice,
    /// The boxes as they are typed, until the typing pauses.
    pub typed_follow: String,
    pub typed_other: String,
    pub typed_swaps: String,
    pub typed_sentences: String,
    /// The game of spotting swaps.
    pub spot: Spot,
    /// What was answered, the newest last.
    answers: Vec<(Look, Found)>,
    running: Option<(RequestId, Look)>,
    /// What is not asked again by itself: it failed, or was stopped.
    failed: Option<(Look, Option<Failure>)>,
    /// So many of so many passes.
    progress: Option<(usize, usize)>,
    /// How long the newest answer took.
    pub milliseconds: Option<f64>,
    /// What models guessed while the page is open, the newest last.
    guessed: Vec<beside::Guessed>,
    /// What says the sentence of the picture that is shown. It comes with the panel, as all that draws does.
    pub voice: Option<Voice>,
    /// The model that the heads belong to, by its hash.
    model: Option<String>,
}

impl Inside {
    /// Whether an answer is under way.
    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// How far what is under way has come, from 0 to 1, where it tells.
    pub fn fraction(&self) -> Option<f64> {
        let (done, total) = self.progress?;
        Some(done as f64 / total.max(1) as f64)
    }

    /// The same in words.
    pub fn line(&self) -> String {
        match self.progress {
            Some((done, total)) => format!("{done} of {total} passes over the text"),
            None => "Running".to_owned(),
        }
    }

    /// Chooses a picture.
    pub fn see(&mut self, picture: Picture) {
        self.choice.picture = picture;
    }

    /// The typing has paused.
    fn settle(&mut self) {
        let word = self.typed_follow.trim();
        self.choice.follow = word.chars().take(MAX_WORD).collect();
        self.choice.other = self.typed_other.clone();
        self.choice.swaps = self.typed_swaps.clone();
        self.choice.sentences = self.typed_sentences.clone();
    }

    /// What a link says.
    pub(super) fn restore(&mut self, choice: Choice) {
        self.typed_follow.clone_from(&choice.follow);
        self.typed_other.clone_from(&choice.other);
        self.typed_swaps.clone_from(&choice.swaps);
        self.typed_sentences.clone_from(&choice.sentences);
        self.spot.restore(&self.choice.rounds, &choice.rounds);
        self.choice = choice;
        // The link's heads are those of the link's model.
        self.model = None;
        self.failed = None;
    }

    /// Switches a head off, or on again.
    pub fn switch(&mut self, head: Head) {
        if !self.choice.off.remove(&head) {
            self.choice.off.insert(head);
        }
    }

    fn answer(&self, look: &Look) -> Option<&Found> {
        let found = self.answers.iter().rev().find(|(asked, _)| asked == look);
        found.map(|(_, found)| found)
    }

    /// The answer to show for a look: its own; or, until that is there, the newest of its kind.
    fn shown<'a, T>(
        &'a self,
        look: &Look,
        kind: impl Fn(&'a Found) -> Option<&'a T>,
    ) -> Option<&'a T> {
        if let Some(found) = self.answer(look) {
            return kind(found);
        }
        if self.failed.is_some() {
            return None;
        }
        self.answers.iter().rev().find_map(|(_, found)| kind(found))
    }

    fn remember(&mut self, look: Look, found: Found) {
        self.answers.retain(|(asked, _)| *asked != look);
        self.answers.push((look, found));
        if self.answers.len() > REMEMBERED {
            self.answers.remove(0);
        }
    }

    /// Another model, or the same one after it has learned.
    fn forget(&mut self) {
        self.answers.clear();
        self.failed = None;
        self.milliseconds = None;
        self.spot.on_other_model();
    }

    /// The engine is gone, and with it what it was at.
    pub(super) fn abandon(&mut self) {
        self.running = None;
        self.progress = None;
    }
}

impl State {
    /// What the picture that is chosen needs, in the order in which it is shown.
    fn wanted_looks(&self) -> Vec<Look> {
        match self.inside.choice.picture {
            Picture::Lens => self.lens_look().into_iter().collect(),
            Picture::Attention => self.map_looks(),
            Picture::Sides => self.sides_look().into_iter().collect(),
            Picture::Surprise => self.surprise_looks(),
            Picture::Grounds => self.grounds_look().into_iter().collect(),
            Picture::Neighbours => self.neighbour_looks(),
            Picture::Writing => self.writing_look().into_iter().collect(),
            // Probe's own answer is what it shows.
            Picture::Beside => Vec::new(),
            Picture::Change => self.change_look().into_iter().collect(),
            Picture::Spot => self.spot_look().into_iter().collect(),
        }
    }

    /// The text as it is looked at, with what is hidden and the heads that are off.
    fn subject(&self) -> Subject {
        let probe = &self.probe;
        Subject {
            text: probe.text.clone(),
            pair: probe.paired.then(|| probe.pair.clone()),
            hidden: probe.hidden.iter().copied().collect(),
            without: self.heads_off(),
        }
    }

    /// The heads that are switched off, of those that the model has.
    pub fn heads_off(&self) -> Vec<Head> {
        let Some(model) = &self.session.model else {
            return Vec::new();
        };
        let off = self.inside.choice.off.iter();
        off.filter(|off| off.layer < model.layers && off.head < model.heads)
            .copied()
            .collect()
    }

    /// The hidden tokens, with their places.
    pub fn hidden_places(&self) -> Vec<(usize, String)> {
        let tokens = self.probe.tokens.iter().enumerate();
        tokens
            .filter(|(place, _)| self.probe.is_hidden(*place))
            .map(|(place, token)| (place, token.text.clone()))
            .collect()
    }

    /// The hidden token that is looked at: the chosen one, or the first.
    pub fn place(&self) -> Option<usize> {
        let chosen = self.inside.choice.place;
        let hidden = |place: &usize| self.probe.is_hidden(*place);
        chosen.filter(hidden).or_else(|| {
            let mut places = 0..self.probe.tokens.len();
            places.find(hidden)
        })
    }

    /// The word that is followed at a place: the typed one; the hidden word itself; or Probe's best guess.
    fn followed(&self, place: usize) -> Option<Word> {
        let typed = &self.inside.choice.follow;
        if !typed.is_empty() {
            return Some(Word::Typed(typed.clone()));
        }
        if self.probe.hidden.contains(&place) {
            return self.probe.tokens.get(place).map(|token| Word::Id(token.id));
        }
        let best = self.probe.result(place)?.predictions.first()?;
        Some(Word::Id(best.id))
    }

    /// What went wrong with the picture that is shown.
    pub fn look_failure(&self) -> Option<Failure> {
        self.inside.failed.as_ref()?.1.clone()
    }

    /// Whether the visitor stopped what the picture needs.
    pub fn is_look_stopped(&self) -> bool {
        matches!(self.inside.failed, Some((_, None)))
    }

    /// The sentence of the picture that is shown, for those who listen.
    pub fn inside_spoken(&self) -> Option<String> {
        let sight = match self.inside.choice.picture {
            Picture::Lens => self.lens_sight(ANY_WIDTH),
            Picture::Attention => self.arcs_sight(ANY_WIDTH),
            Picture::Sides => self.sides_sight(ANY_WIDTH),
            Picture::Surprise => self.surprise_sight(ANY_WIDTH),
            Picture::Grounds => self.grounds_sight(ANY_WIDTH),
            Picture::Neighbours => self.neighbours_sight(ANY_WIDTH),
            Picture::Writing => self.writing_sight(ANY_WIDTH),
            Picture::Beside => self.beside_sight(ANY_WIDTH),
            Picture::Change => self.moved_sight(ANY_WIDTH),
            Picture::Spot => return self.spot_spoken(),
        };
        sight.map(|sight| sight.sentence)
    }

    /// Whether all has been answered that the picture needs.
    pub(super) fn is_picture_there(&self) -> bool {
        let looks = self.wanted_looks();
        !looks.is_empty() && looks.iter().all(|look| self.inside.answer(look).is_some())
    }

    /// What the panel says where it has no picture to show.
    pub fn inside_hint(&self) -> Option<String> {
        if self.inside.choice.picture == Picture::Spot {
            return self.spot_hint();
        }
        let Some(model) = &self.session.model else {
            return self.hint();
        };
        if let Some(reason) = self.why_not(&Wish::LookInside) {
            return Some(reason.to_owned());
        }
        if self.probe.awaits_tokens() {
            return None;
        }
        if self.probe.tokens.iter().all(|token| token.special) {
            return Some(
                "There is no word to look at, only special tokens: type a sentence above."
                    .to_owned(),
            );
        }
        let picture = self.inside.choice.picture;
        let mask = model.mask.as_deref().unwrap_or("[MASK]");
        let no_blank = || {
            Some(format!(
                "No word is hidden, so there is no guess to look into: press a word above, or write {mask} \
                 in the text."
            ))
        };
        match (picture, &model.no_masks) {
            (Picture::Attention | Picture::Neighbours | Picture::Spot, _) => None,
            (Picture::Change, _) => self.change_hint(),
            (Picture::Lens | Picture::Grounds, _)
                if model.head.is_some() && self.place().is_none() =>
            {
                None
            }
            (Picture::Writing, None) => self.writing_hint(),
            (Picture::Beside, None) if self.place().is_some() => self.beside_hint(),
            (Picture::Beside, None) => no_blank(),
            (_, None) if model.causal => Some(
                "This model reads left to right; this picture is of guesses that see both sides. Attention, \
                 Neighbours and Writing work here."
                    .to_owned(),
            ),
            (_, Some(reason)) => Some(format!("There is no head to look through. {reason}")),
            (Picture::Surprise, None) => None,
            (_, None) if self.place().is_none() => no_blank(),
            (_, None) => None,
        }
    }
}
