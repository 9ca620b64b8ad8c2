//! Words hidden in a few texts, to be looked at, and how hard they are to guess while a model learns.

use super::news::TELL_EVERY_MS;
use super::run::Ended;
use super::{Classroom, tell};
use crate::engine::Engine;
use crate::engine::io::worker::ticks;
use crate::engine::load::Language;
use crate::engine::resident::Resident;
use crate::protocol::{Deal, DealtToken, RequestId, TeachEvent};
use bert::data::{Masked, Masker, Masking, Random, sentences};
use bert::probe::{ProbeError, losses};
use bert::tokenizer::Tokenizer;
use bert::train::TrainError;
use kernels::Control;
use std::rc::Rc;

/// Texts that are shown.
const SHOWN: usize = 5;
/// Tokens of each.
const TOKENS: usize = 64;
/// Looking at the dealt words takes at most one part in so many of a run's time.
const SHARE: f64 = 20.0;

/// What was dealt last.
pub(super) struct Dealt {
    /// The request that it answered.
    id: RequestId,
    /// Whose tokens they are.
    language: Rc<Language>,
    texts: Vec<Masked>,
}

impl Engine {
    /// Hides words of the visitor's texts, or of the first ones of those that are open.
    pub(super) fn deal(&self, id: RequestId, texts: &str, masking: Masking, seed: u64) {
        let Some(language) = self.place.language() else {
            return tell(id, TeachEvent::Cancelled);
        };
        let mut found = sentences(texts);
        if found.is_empty() {
            let lesson = self.classroom.lesson.borrow();
            found = (lesson.as_ref()).map_or_else(Vec::new, |lesson| lesson.first_texts(SHOWN));
        }
        found.truncate(SHOWN);
        let (texts, masked) = deal(&language.tokenizer, &found, masking, seed)
            .into_iter()
            .unzip();
        *self.classroom.dealt.borrow_mut() = Some(Rc::new(Dealt {
            id,
            language,
            texts: masked,
        }));
        let deal = Deal { texts };
        tell(id, TeachEvent::Dealt { deal });
    }
}

/// Tells the page how hard the dealt words are, now and then while a model learns.
#[derive(Default)]
pub(super) struct DealtLosses {
    /// What was dealt when they were told last, when that was, and how long it took.
    last: Option<(RequestId, f64, f64)>,
}

impl DealtLosses {
    /// Tells them if it is time for that, or if others were dealt. Not of a model that fills no blanks.
    pub async fn tell_if_due(
        &mut self,
        classroom: &Classroom,
        resident: &mut Resident,
        control: &Control,
    ) -> Result<(), Ended> {
        let due = |id: RequestId| match self.last {
            Some((told, at, cost)) if told == id => {
                ticks() - at >= (SHARE * cost).max(TELL_EVERY_MS)
            }
            _ => true,
        };
        let dealt = classroom.dealt.borrow().clone();
        match dealt.filter(|dealt| due(dealt.id)) {
            Some(dealt) => self.tell(&dealt, resident, control).await,
            None => Ok(()),
        }
    }

    /// Tells them as they are at the end.
    pub async fn tell_last(
        mut self,
        classroom: &Classroom,
        resident: &mut Resident,
        control: &Control,
    ) -> Result<(), Ended> {
        self.last = None;
        self.tell_if_due(classroom, resident, control).await
    }

    async fn tell(
        &mut self,
        dealt: &Dealt,
        resident: &mut Resident,
        control: &Control,
    ) -> Result<(), Ended> {
        let same = Rc::ptr_eq(&dealt.language, &resident.language);
        if !same || resident.model.has_mlm().is_err() {
            return Ok(());
        }
        let began = ticks();
        let mut all = Vec::with_capacity(dealt.texts.len());
        for text in &dealt.texts {
            match losses(&mut resident.model, text, control).await {
                Ok(losses) if losses.iter().all(|loss| loss.is_finite()) => all.push(losses),
                Err(ProbeError::Run(error)) => return Err(TrainError::Run(error).into()),
                // The run itself tells of a stop, and of numbers that overflow.
                _ => return Ok(()),
            }
        }
        self.last = Some((dealt.id, ticks(), ticks() - began));
        tell(dealt.id, TeachEvent::DealtLosses { losses: all });
        Ok(())
    }
}

/// Each text as it is shown, and as the model reads it.
fn deal(
    tokenizer: &Tokenizer,
    texts: &[String],
    masking: Masking,
    seed: u64,
) -> Vec<(Vec<DealtToken>, Masked)> {
    let masker = Some(masking).filter(|masking| masking.problems().is_empty());
    let Some(masker) = masker.and_then(|masking| Masker::with(tokenizer, masking)) else {
        return Vec::new();
    };
    let mut random = Random::new(seed, 0);
    let dealt = |text: &String| {
        let encoding = tokenizer.encode(text, None, TOKENS);
        let masked = masker.mask(&encoding, &mut random);
        let name = |id: u32| tokenizer.id_to_token(id).unwrap_or_default();
        let token = |place: usize| DealtToken {
            text: encoding.tokens[place].clone(),
            dealt: (masked.positions.iter().position(|at| *at == place))
                .map(|i| (name(masked.ids[place]), masked.treatments[i])),
        };
        let places = (0..encoding.ids.len()).filter(|place| !encoding.special[*place]);
        (places.map(token).collect(), masked)
    };
    texts.iter().map(dealt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dealt_is_the_chosen_share_and_no_special_token() {
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n.";
        let tokenizer = Tokenizer::from_vocab_txt(vocabulary, true).expect("a vocabulary");
        let text = vec!["a b c d . ".repeat(8)];
        let masking = Masking::default();
        let first = deal(&tokenizer, &text, masking, 1);
        assert_eq!(first[0].0.len(), 40);
        let asked = |deal: &[(Vec<DealtToken>, Masked)]| {
            let tokens = deal[0].0.iter().enumerate();
            let asked = tokens.filter(|(_, token)| token.dealt.is_some());
            asked.map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert_eq!(asked(&first).len(), 6);
        assert_eq!(first[0].1.positions.len(), 6);
        assert_ne!(asked(&first), asked(&deal(&tokenizer, &text, masking, 2)));
        assert_eq!(first, deal(&tokenizer, &text, masking, 1));
        let none = Masking {
            share: 2.0,
            ..masking
        };
        assert_eq!(deal(&tokenizer, &text, none, 1), Vec::new());
    }
}
