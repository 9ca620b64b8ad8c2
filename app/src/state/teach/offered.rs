//! Texts to learn from that a link names: offered, and fetched on a click.

use super::Teach;
use crate::recipe::{TextSource, WebTexts};
use crate::state::{Effect, State};

impl Teach {
    /// The texts of some host that are open or offered: a link carries them.
    pub(in crate::state) fn web_texts(&self) -> Option<&WebTexts> {
        let open = match &self.source {
            Some(TextSource::Web { address }) => Some(address),
            _ => None,
        };
        self.offered.as_ref().or(open)
    }

    /// Whether these are open.
    pub(in crate::state) fn has_web_texts(&self, wanted: &WebTexts) -> bool {
        matches!(&self.source, Some(TextSource::Web { address }) if address == wanted)
    }
}

impl State {
    /// The visitor agrees: asks the host for the texts.
    pub fn fetch_offered(&mut self) -> Vec<Effect> {
        let Some(address) = self.teach.offered.clone() else {
            return Vec::new();
        };
        let effects = self.open_texts(TextSource::Web { address });
        // What has to wait stays offered.
        if self.teach.failure.is_none() {
            self.teach.offered = None;
        }
        effects
    }

    /// The visitor does not want them.
    pub fn decline_offered(&mut self) {
        self.teach.offered = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Command, TeachCommand};
    use crate::state::link::tests::ready;

    const LINK: &str = "v=1&panel=teach&data=https://example.org/a/moods.tsv";

    fn opens(effects: &[Effect]) -> bool {
        let open = |effect: &Effect| {
            matches!(
                effect,
                Effect::Send(Command::Teach {
                    command: TeachCommand::Open { .. },
                    ..
                })
            )
        };
        effects.iter().any(open)
    }

    #[test]
    fn texts_of_a_link_are_fetched_on_a_click_only() {
        let mut state = ready();
        let effects = state.open_fragment(LINK);
        assert!(!opens(&effects), "{effects:?}");
        let offered = state.teach.offered.clone().expect("an offer");
        assert_eq!(
            (offered.host(), offered.name()),
            ("example.org", "moods.tsv")
        );
        assert_eq!(state.link().to_fragment(), LINK, "a reload loses nothing");

        let effects = state.fetch_offered();
        assert!(opens(&effects), "{effects:?}");
        assert_eq!(state.teach.offered, None);
        assert_eq!(
            state.link().to_fragment(),
            LINK,
            "whoever gets the link is asked as well"
        );
        state.open_fragment(LINK);
        assert_eq!(state.teach.offered, None, "they are here");
    }

    #[test]
    fn who_declines_is_not_asked_again() {
        let mut state = ready();
        state.open_fragment(LINK);
        state.decline_offered();
        assert!(!opens(&state.fetch_offered()));
        assert_eq!(state.link().to_fragment(), "v=1&panel=teach");
    }
}
