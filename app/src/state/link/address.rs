//! What the address shows of the page: all of its link but what someone typed.

use crate::link::Link;
use crate::state::State;

/// What someone may have typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Texts {
    text: String,
    pair: Option<String>,
    trial: String,
    trial_pair: String,
    compare: String,
    follow: String,
    other: String,
    swaps: String,
    sentences: String,
    own: String,
}

impl Texts {
    pub(super) fn of(link: &Link) -> Self {
        Self {
            text: link.text.clone(),
            pair: link.pair.clone(),
            trial: link.trial.clone(),
            trial_pair: link.trial_pair.clone(),
            compare: link.compare.clone(),
            follow: link.inside.follow.clone(),
            other: link.inside.other.clone(),
            swaps: link.inside.swaps.clone(),
            sentences: link.inside.sentences.clone(),
            own: link.inside.rounds.own.clone(),
        }
    }
}

impl State {
    /// What the address shows of the page. Browsers keep addresses and send them to other devices, so a
    /// typed text is part of it only once its link was copied.
    pub fn address(&self) -> Link {
        let (mut link, public) = (self.link(), &self.linked.public);
        let plain = Link::default();
        let text_shows = link.text == public.text || link.text == plain.text;
        let pair_shows =
            link.pair == public.pair || link.pair.as_ref().is_none_or(String::is_empty);
        if !text_shows || !pair_shows {
            // Places mean nothing in another text.
            link.masks.clear();
            link.inside.place = None;
            link.inside.row = None;
        }
        if !text_shows {
            link.text = plain.text;
        }
        if !pair_shows {
            link.pair = None;
        }
        if link.compare != public.compare {
            link.compare.clear();
        }
        if link.inside.follow != public.follow {
            link.inside.follow.clear();
        }
        if link.inside.other != public.other {
            link.inside.other.clear();
        }
        if link.inside.swaps != public.swaps {
            link.inside.swaps.clear();
        }
        if link.inside.sentences != public.sentences {
            link.inside.sentences.clear();
        }
        if link.inside.rounds.own != public.own {
            link.inside.rounds.own.clear();
        }
        if link.trial != public.trial {
            link.trial.clear();
        }
        if link.trial_pair != public.trial_pair {
            link.trial_pair.clear();
        }
        link
    }

    /// The link was copied: the address may show the same.
    pub fn on_copied(&mut self) {
        self.linked.public = Texts::of(&self.link());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{TEXT, cut_into_words, ready};
    use super::*;
    use crate::link::Panel;

    #[test]
    fn the_address_leaves_out_what_was_typed_until_its_link_is_copied() {
        let address = |state: &State| state.address().to_fragment();
        let mut state = ready();
        state.probe.hidden.insert(2);
        assert_eq!(address(&state), "v=1&mask=2", "of the page's own text");

        state.probe.edit_text("my secret".to_owned());
        state.probe.hidden.insert(1);
        state.probe.paired = true;
        state.probe.edit_pair("another".to_owned());
        state.teach.trial.text = "a third".to_owned();
        state.panel = Panel::Teach;
        assert_eq!(address(&state), "v=1&panel=teach");
        let whole = state.link().to_fragment();
        assert!(
            whole.contains("my+secret") && whole.contains("another") && whole.contains("third")
        );

        state.on_copied();
        assert_eq!(address(&state), whole);
        state.teach.trial.text.push('!');
        assert!(!address(&state).contains("third") && address(&state).contains("my+secret"));
        state.probe.edit_pair("yet another".to_owned());
        assert!(!address(&state).contains("another") && !address(&state).contains("mask"));
    }

    #[test]
    fn the_address_keeps_the_texts_of_the_link_that_was_opened() {
        let mut state = ready();
        let effects = state.open_fragment(TEXT);
        cut_into_words(&mut state, &effects);
        assert_eq!(state.address(), state.link());
        state.probe.edit_text("the cat sat down".to_owned());
        let address = state.address().to_fragment();
        assert!(
            !address.contains("cat") && address.contains("try=fine"),
            "{address}"
        );
    }
}
