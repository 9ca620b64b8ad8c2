//! How words are hidden, shown on a few texts.

use crate::protocol::{Deal, RequestId, TeachCommand};
use crate::state::format::grouped;
use crate::state::{Effect, State};
use bert::data::Treatment;

/// Texts with words hidden in them, dealt at will.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hiding {
    /// The visitor's own texts, one a line; where there are none, the first of the open ones show.
    pub typed: String,
    pub deal: Option<Deal>,
    seed: u64,
    waiting: Option<RequestId>,
}

impl Hiding {
    pub(super) fn on_dealt(&mut self, id: RequestId, deal: Deal) {
        if self.waiting.take_if(|waiting| *waiting == id).is_some() {
            self.deal = Some(deal);
        }
    }

    pub(super) fn on_nothing(&mut self, id: RequestId) {
        self.waiting.take_if(|waiting| *waiting == id);
    }

    pub(super) fn abandon(&mut self) {
        self.waiting = None;
    }

    /// How many tokens there are, and how many of them are hidden, swapped and kept.
    pub fn counts(&self) -> [usize; 4] {
        let tokens = || {
            self.deal
                .iter()
                .flat_map(|deal| deal.texts.iter().flatten())
        };
        let count = |wanted: Treatment| {
            let dealt = tokens().filter_map(|token| token.dealt.as_ref());
            dealt.filter(|(_, treatment)| *treatment == wanted).count()
        };
        [
            tokens().count(),
            count(Treatment::Hidden),
            count(Treatment::Swapped),
            count(Treatment::Kept),
        ]
    }

    /// What was dealt, in a sentence, and what it means beside a model that reads left to right.
    pub fn lines(&self) -> Vec<String> {
        let [all, hidden, swapped, kept] = self.counts();
        let asked = hidden + swapped + kept;
        if all == 0 {
            return Vec::new();
        }
        let share = 100.0 * asked as f64 / all as f64;
        let mut lines = vec![format!(
            "{} of {} tokens are asked for ({share:.0}%): {hidden} hidden, {swapped} swapped, {kept} kept.",
            grouped(asked as u64),
            grouped(all as u64)
        )];
        if asked > 0 {
            lines.push(format!(
                "Only these teach in this pass. A model that reads left to right would learn from all {}: {:.1} times as many.",
                grouped(all as u64),
                all as f64 / asked as f64
            ));
        }
        lines
    }
}

impl State {
    /// Whether it shows how words are hidden.
    pub fn shows_hiding(&self) -> bool {
        let model = self.session.model.as_ref();
        self.teach.settings.goal.hides_words() && model.is_some_and(|model| model.mask.is_some())
    }

    /// Hides words as the form says, the same as last time where nothing changed.
    pub fn deal(&mut self) -> Vec<Effect> {
        if !self.shows_hiding() {
            return Vec::new();
        }
        let Some(masking) = self.teach.settings.masking() else {
            return Vec::new();
        };
        let texts = self.teach.hiding.typed.clone();
        let seed = self.teach.hiding.seed;
        let (id, effect) = self.teach_command(TeachCommand::Deal {
            texts,
            masking,
            seed,
        });
        self.teach.hiding.waiting = Some(id);
        vec![effect]
    }

    /// Hides others.
    pub fn deal_again(&mut self) -> Vec<Effect> {
        self.teach.hiding.seed += 1;
        self.deal()
    }

    /// The form changed: what it would take, and how words are hidden.
    pub fn replan(&mut self) -> Vec<Effect> {
        let mut effects = self.deal();
        effects.extend(self.plan());
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DealtToken;

    #[test]
    fn what_was_dealt_is_counted_and_stale_deals_are_dropped() {
        let token = |treatment: Option<Treatment>| DealtToken {
            text: "a".into(),
            dealt: treatment.map(|treatment| ("b".into(), treatment)),
        };
        let text = vec![
            token(None),
            token(Some(Treatment::Hidden)),
            token(Some(Treatment::Kept)),
            token(None),
        ];
        let deal = Deal {
            texts: vec![text, vec![token(None)]],
        };
        let mut hiding = Hiding {
            waiting: Some(2),
            ..Hiding::default()
        };
        hiding.on_dealt(1, deal.clone());
        assert_eq!(hiding.deal, None);
        assert_eq!(hiding.lines(), Vec::<String>::new());
        hiding.on_dealt(2, deal);
        assert_eq!(hiding.counts(), [5, 1, 0, 1]);
        let lines = hiding.lines();
        assert!(
            lines[0].starts_with("2 of 5 tokens are asked for (40%): 1 hidden, 0 swapped, 1 kept")
        );
        assert!(
            lines[1].ends_with("all 5: 2.5 times as many."),
            "{}",
            lines[1]
        );
    }
}
