//! The tab's title: which panel, which model. What a visitor types is not in it, since browsers keep titles and sync them.

use super::State;
use crate::link::Panel;

/// Of the page as a visitor finds it; as in `index.html`.
const TITLE: &str = "Unmask: hide a word, see what BERT expects";
/// Letters of a model's name that a tab has room for.
const NAME: usize = 40;

impl State {
    /// The title; how far a run is stands before the rest, since a hidden tab shows no more.
    pub fn title(&self) -> String {
        let prefix = self.title_prefix();
        let model = self.session.model.as_ref().map(|model| plain(&model.name));
        let other = model.filter(|_| self.session.source() != Some(self.session.bundled()));
        match (self.panel, other) {
            (Panel::Probe, None) => format!("{prefix}{TITLE}"),
            (panel, None) => format!("{prefix}{} · Unmask", panel.label()),
            (Panel::Probe, Some(model)) => format!("{prefix}[MASK] · {model} · Unmask"),
            (panel, Some(model)) => format!("{prefix}{} · {model} · Unmask", panel.label()),
        }
    }
}

/// A name on one line, without what turns the direction of writing, no longer than a tab shows.
fn plain(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = name.chars().filter(|c| !c.is_control() && !turns(*c));
    let mut short: String = shown.clone().take(NAME).collect();
    if shown.count() > NAME {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::facts;

    #[test]
    fn the_title_follows_panel_and_model_and_has_nothing_that_was_typed() {
        let mut state = State::default();
        assert_eq!(state.title(), TITLE);
        state.probe.edit_text("my secret".to_owned());
        state.panel = Panel::Inside;
        assert_eq!(state.title(), "Inside · Unmask");
        state.session.model = Some(facts("Seedling"));
        assert_eq!(
            state.title(),
            "Inside · Unmask",
            "the model that comes with the page"
        );
        assert!(!state.title().contains("secret"));
    }

    #[test]
    fn a_stranger_s_name_stays_on_one_short_line() {
        assert_eq!(plain("a\u{202e}b\nc"), "abc");
        let long = plain(&"x".repeat(99));
        assert_eq!(long.chars().count(), NAME + 1);
        assert!(long.ends_with('…'));
    }
}
