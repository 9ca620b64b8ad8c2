//! A game: the model replaces words of a sentence, the visitor finds them, then a discriminator does.
//!
//! The page holds one model at a time, so a round outlives the model that dealt it.

mod play;
mod score;
mod sentences;
#[cfg(test)]
mod tests;

pub use play::{Mark, Part, Play, Verdict};
pub use score::{Score, Scores};
pub use sentences::SENTENCES;

use crate::link::inside::{MAX_ROUND, ROUND_HEAT, ROUND_WORDS, Rounds};
use crate::protocol::Look;
use crate::state::activity::Wish;
use crate::state::along::along;
use crate::state::{Effect, Memory, State};
use bert::inside::{ReplaceRequest, Round};
use bert::probe::Replaced;

/// The longest text of one's own that is played, in characters.
const MAX_OWN: usize = 600;

/// The game.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spot {
    /// A text of one's own, as it is typed.
    pub typed: String,
    pub play: Option<Play>,
    pub scores: Scores,
    /// The word that the arrow keys have reached.
    pub current: usize,
    /// Whether another round is wanted.
    dealing: bool,
    /// Whether the loaded model is to judge the round.
    judging: bool,
}

impl Spot {
    /// What a link says; a round that it does not mean is over.
    pub(super) fn restore(&mut self, here: &Rounds, link: &Rounds) {
        self.typed.clone_from(&link.own);
        if here != link {
            self.play = None;
        }
    }

    /// A round stays; what the other model was to do does not.
    pub(super) fn on_other_model(&mut self) {
        self.dealing = false;
        self.judging = false;
    }

    /// Settings changed: they count at once where nothing was done yet.
    fn on_setting(&mut self) {
        let fresh = |play: &Play| play.picked.is_empty() && !play.shown;
        self.dealing |= self.play.as_ref().is_some_and(fresh);
    }

    /// Marks a word as replaced, or no longer; says whether anything changed.
    pub fn pick(&mut self, word: usize) -> bool {
        let Some(play) = self.play.as_mut().filter(|play| !play.shown) else {
            return false;
        };
        if word >= play.round.words.len() {
            return false;
        }
        self.current = word;
        if !play.picked.remove(&word) {
            play.picked.insert(word);
        }
        true
    }

    /// Moves the keyboard's place along the sentence; returns the new place.
    pub fn step(&mut self, key: &str) -> Option<usize> {
        let last = self.play.as_ref()?.round.words.len().checked_sub(1)?;
        self.current = along(key, self.current, last)?;
        Some(self.current)
    }

    /// Whether the answer of a round is shown.
    pub fn is_shown(&self) -> bool {
        self.play.as_ref().is_some_and(|play| play.shown)
    }
}

impl State {
    /// What the game needs of the engine.
    pub(super) fn spot_look(&self) -> Option<Look> {
        let model = self.session.model.as_ref()?;
        let spot = &self.inside.spot;
        if spot.judging && model.replaced {
            let text = spot.play.as_ref()?.round.text.clone();
            return Some(Look::Judge { text });
        }
        let wants = spot.dealing || spot.play.is_none();
        (wants && self.can_deal()).then(|| Look::Replace(self.round_request()))
    }

    fn round_request(&self) -> ReplaceRequest {
        let rounds = &self.inside.choice.rounds;
        let number = self.round_number();
        let own: String = rounds.own.chars().take(MAX_OWN).collect();
        ReplaceRequest {
            text: match own.is_empty() {
                true => SENTENCES[number % SENTENCES.len()].to_owned(),
                false => own,
            },
            count: rounds.words,
            temperature: rounds.heat as f64 / 10.0,
            seed: number as u64,
        }
    }

    /// The round that is played or comes next: another one at each visit.
    fn round_number(&self) -> usize {
        let number = self.inside.choice.rounds.number;
        number.unwrap_or(self.inside.spot.scores.you.rounds) % MAX_ROUND
    }

    /// Whether the loaded model can replace words.
    pub fn can_deal(&self) -> bool {
        let model = self.session.model.as_ref();
        model.is_some_and(|model| model.no_masks.is_none() && !model.causal)
    }

    /// Whether the answer is shown, and the loaded model could judge this round and has not.
    pub fn can_judge(&self) -> bool {
        let (Some(model), Some(play)) = (&self.session.model, &self.inside.spot.play) else {
            return false;
        };
        let judged = play.verdicts.iter().any(|known| known.model == model.name);
        model.replaced && play.shown && !judged
    }

    /// Whether it is judging.
    pub fn is_judging(&self) -> bool {
        self.inside.spot.judging
    }

    /// How another model comes to judge, in a sentence, where the loaded one cannot.
    pub fn judge_hint(&self) -> Option<&'static str> {
        let discriminates = self.session.model.as_ref().is_some_and(|m| m.replaced);
        (self.inside.spot.is_shown() && !discriminates).then_some(
            "To let a model mark its own: this page holds one model at a time, so open an ELECTRA discriminator in the \
             model's card above. The round stays here, and a button to judge it comes with that model.",
        )
    }

    /// What the panel says where there is no round to show.
    pub(super) fn spot_hint(&self) -> Option<String> {
        if self.inside.spot.play.is_some() {
            return None;
        }
        let Some(model) = &self.session.model else {
            return self.hint();
        };
        if let Some(reason) = self.why_not(&Wish::LookInside) {
            return Some(reason.to_owned());
        }
        if model.replaced {
            return Some(
                "This model tells replaced words, but replaces none. Load a model that fills blanks, such as the bundled one, \
                 and play a round; then open this one again and let it judge that round."
                    .to_owned(),
            );
        }
        if model.causal {
            return Some(
                "This model reads left to right; words are replaced by a model that sees both sides of them. Load one \
                 that fills blanks, such as the bundled one."
                    .to_owned(),
            );
        }
        let reason = model.no_masks.as_ref()?;
        Some(format!("This model cannot replace words. {reason}"))
    }

    /// The next round.
    pub fn deal_round(&mut self) -> Vec<Effect> {
        let next = (self.round_number() + 1) % MAX_ROUND;
        self.inside.choice.rounds.number = Some(next);
        self.inside.spot.dealing = true;
        Vec::new()
    }

    /// How many words are hidden in a round.
    pub fn set_round_words(&mut self, words: usize) -> Vec<Effect> {
        let words = words.clamp(*ROUND_WORDS.start(), *ROUND_WORDS.end());
        self.inside.choice.rounds.words = words;
        self.inside.spot.on_setting();
        Vec::new()
    }

    /// The temperature, in tenths.
    pub fn set_round_heat(&mut self, heat: usize) -> Vec<Effect> {
        self.inside.choice.rounds.heat = heat.clamp(*ROUND_HEAT.start(), *ROUND_HEAT.end());
        self.inside.spot.on_setting();
        Vec::new()
    }

    /// The typing of a text of one's own has paused.
    pub(super) fn settle_round(&mut self) {
        let typed = self.inside.spot.typed.trim();
        if self.inside.choice.rounds.own != typed {
            self.inside.choice.rounds.own = typed.to_owned();
            self.inside.spot.on_setting();
        }
    }

    /// What to say of a text of one's own that is too long.
    pub fn own_round_hint(&self) -> Option<String> {
        let long = self.inside.choice.rounds.own.chars().nth(MAX_OWN).is_some();
        long.then(|| format!("Only the first {MAX_OWN} characters of your text are played."))
    }

    /// Shows the answer and counts the round.
    pub fn show_round(&mut self) -> Vec<Effect> {
        let spot = &mut self.inside.spot;
        let Some(play) = spot.play.as_mut().filter(|play| !play.shown) else {
            return Vec::new();
        };
        play.shown = true;
        spot.scores.you.add(play.own_score());
        self.keep_scores()
    }

    /// Lets the loaded model judge the round.
    pub fn judge_round(&mut self) -> Vec<Effect> {
        self.inside.spot.judging |= self.can_judge();
        Vec::new()
    }

    /// Forgets the score.
    pub fn forget_scores(&mut self) -> Vec<Effect> {
        self.inside.spot.scores = Scores::default();
        self.keep_scores()
    }

    fn keep_scores(&self) -> Vec<Effect> {
        let text = self.inside.spot.scores.to_text();
        vec![Effect::Remember(Memory::Scores, text)]
    }

    /// What an earlier visit left.
    pub(in crate::state) fn on_kept_scores(&mut self, text: &str) -> Vec<Effect> {
        self.inside.spot.scores = Scores::of_text(text);
        Vec::new()
    }

    /// A round is dealt.
    pub(super) fn on_round(&mut self, look: &Look, round: Round) {
        if let Look::Replace(request) = look {
            self.inside.choice.rounds.number = usize::try_from(request.seed).ok();
        }
        let model = self.session.model.as_ref();
        let dealer = model.map_or_else(String::new, |model| model.name.clone());
        let spot = &mut self.inside.spot;
        spot.dealing = false;
        spot.current = 0;
        spot.play = Some(Play::new(round, dealer));
    }

    /// The loaded model has judged the round.
    pub(super) fn on_judged(&mut self, marks: &Replaced) -> Vec<Effect> {
        self.inside.spot.judging = false;
        let Some(model) = &self.session.model else {
            return Vec::new();
        };
        let Some(play) = &mut self.inside.spot.play else {
            return Vec::new();
        };
        let verdict = Verdict::new(&model.name, &play.round, marks);
        let score = play.score(|word| verdict.marks(word));
        self.inside.spot.scores.add_to_model(&model.name, score);
        play.verdicts.push(verdict);
        self.keep_scores()
    }

    /// How the round stands, for those who listen.
    pub(super) fn spot_spoken(&self) -> Option<String> {
        let play = self.inside.spot.play.as_ref()?;
        Some(match play.shown {
            true => play.lines().join(" "),
            false => format!(
                "A round of {} words is dealt. {} are marked.",
                play.round.words.len(),
                play.picked.len()
            ),
        })
    }
}
