//! How words are hidden, shown on a few texts.

use crate::protocol::{Deal, DealtToken, RequestId, TeachCommand};
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
    /// The request that the deal answered.
    dealt: Option<RequestId>,
    /// The loss of each word that is asked for, as a run began with them and by now.
    losses: Option<[Vec<Vec<f64>>; 2]>,
}

/// A token of a text in which words are hidden, as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownToken {
    /// What stands there, or what the model sees in its place.
    pub seen: String,
    /// What was done with it, and what that is in words; none where it is not asked for.
    pub dealt: Option<(Treatment, String)>,
    /// How hard it is to guess by now, in nats, while a run goes on or after it.
    pub loss: Option<String>,
}

impl Hiding {
    pub(super) fn on_dealt(&mut self, id: RequestId, deal: Deal) {
        if self.waiting.take_if(|waiting| *waiting == id).is_some() {
            self.deal = Some(deal);
            self.dealt = Some(id);
            self.losses = None;
        }
    }

    /// A run tells how hard the words of a deal are; of an earlier deal it does not matter any more.
    pub(super) fn on_losses(&mut self, id: RequestId, now: Vec<Vec<f64>>) {
        if self.dealt == Some(id) {
            let first = self.losses.take().map(|[first, _]| first);
            self.losses = Some([first.unwrap_or_else(|| now.clone()), now]);
        }
    }

    /// A run begins: what an earlier one made of the words is past.
    pub(super) fn begin(&mut self) {
        self.losses = None;
    }

    /// The texts as they are drawn.
    pub fn shown(&self) -> Vec<Vec<ShownToken>> {
        let texts = self.deal.iter().flat_map(|deal| &deal.texts);
        let texts = texts.enumerate().map(|(row, text)| {
            let mut asked = 0..;
            let token = |token: &DealtToken| {
                let DealtToken { text, dealt } = token;
                let Some((seen, treatment)) = dealt else {
                    return ShownToken {
                        seen: text.clone(),
                        dealt: None,
                        loss: None,
                    };
                };
                let place = asked.next().unwrap_or_default();
                let [first, now] = [0, 1].map(|when| self.loss(when, row, place));
                let mut done = match treatment {
                    Treatment::Hidden => format!("hidden: {text}"),
                    Treatment::Swapped => format!("{text} was swapped for {seen}"),
                    Treatment::Kept => format!("{text} is asked for and stays"),
                };
                if let (Some(first), Some(now)) = (first, now) {
                    done += &format!("; loss {now:.2}, {first:.2} at first");
                }
                ShownToken {
                    seen: seen.clone(),
                    dealt: Some((*treatment, done)),
                    loss: now.map(|now| format!("{now:.1}")),
                }
            };
            text.iter().map(token).collect()
        });
        texts.collect()
    }

    fn loss(&self, when: usize, row: usize, place: usize) -> Option<f64> {
        let losses = self.losses.as_ref()?;
        losses[when].get(row)?.get(place).copied()
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
        let mean = |all: &Vec<Vec<f64>>| {
            let all = || all.iter().flatten();
            all().sum::<f64>() / all().count().max(1) as f64
        };
        if let Some([first, now]) = self.losses.as_ref().map(|both| both.each_ref().map(mean)) {
            lines.push(format!(
                "Under each is its loss as the model stands, in nats: {now:.2} on average, {first:.2} at first. \
                 0.7 is a word that it gives an even chance, 0 one that it is sure of."
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
        // Losses of a deal that is past are dropped.
        hiding.on_losses(1, vec![vec![1.0, 1.0], vec![]]);
        assert_eq!(hiding.lines().len(), 2);
        hiding.on_losses(2, vec![vec![5.0, 7.0], vec![]]);
        hiding.on_losses(2, vec![vec![0.5, 3.25], vec![]]);
        let shown = &hiding.shown()[0];
        let losses = shown.iter().map(|token| token.loss.as_deref());
        let losses: Vec<Option<&str>> = losses.collect();
        assert_eq!(losses, [None, Some("0.5"), Some("3.2"), None]);
        let (_, done) = shown[2].dealt.as_ref().expect("asked for");
        assert_eq!(done, "a is asked for and stays; loss 3.25, 7.00 at first");
        let line = &hiding.lines()[2];
        assert!(line.contains("1.88 on average, 6.00 at first"), "{line}");
        hiding.begin();
        assert_eq!(hiding.lines().len(), 2);
    }
}
