//! What a step of the lesson sets up, and what it checks.

use crate::link::Panel;
use crate::link::inside::{Picture, Writing};
use crate::recipe::{Goal, MethodChoice, TextSource};
use crate::state::teach::{PROSE, SAMPLES, prose_reading};
use crate::state::{Effect, State};

/// Texts that come with the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    Book,
    Questions,
}

impl Texts {
    fn source(self) -> TextSource {
        let (name, address) = match self {
            Self::Book => PROSE,
            Self::Questions => SAMPLES[1],
        };
        TextSource::Sample {
            name: name.to_owned(),
            address: address.to_owned(),
        }
    }
}

/// What the page is set to; what is `None` stays as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    pub panel: Panel,
    pub picture: Option<Picture>,
    /// Probe's text.
    pub text: Option<&'static str>,
    /// The text that Surprise compares it with.
    pub other: Option<&'static str>,
    pub texts: Option<Texts>,
    pub goal: Option<Goal>,
    pub head_only: bool,
}

impl Setting {
    pub const NONE: Self = Self {
        panel: Panel::Probe,
        picture: None,
        text: None,
        other: None,
        texts: None,
        goal: None,
        head_only: false,
    };
}

/// What is looked at to tell whether a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Sides,
    Pieces,
    Dealt,
    Follows,
    HeadOff,
    Planned(Goal),
    Taught,
    Curve,
    TwoTexts,
    Writes,
    Spotted,
}

impl State {
    /// Brings the page to where a step begins.
    pub(super) fn set(&mut self, setting: &Setting) -> Vec<Effect> {
        self.panel = setting.panel;
        let mut effects = Vec::new();
        if let Some(text) = setting.text {
            let text = text.replace("[MASK]", self.mask());
            self.probe.put(text);
            effects.extend(self.refresh());
        }
        if let Some(picture) = setting.picture {
            self.inside.see(picture);
        }
        if let Some(other) = setting.other {
            self.inside.typed_other = other.to_owned();
            effects.extend(self.settle_inside());
        }
        if let Some(texts) = setting.texts {
            let source = texts.source();
            let reading = match texts {
                Texts::Book => prose_reading(),
                Texts::Questions => Default::default(),
            };
            let open = self.teach.texts();
            if !open.is_some_and(|(open, read)| open.is_same(&source) && read == reading) {
                effects.extend(self.read_texts(source, reading));
            }
        }
        if let Some(goal) = setting.goal
            && !self.teach.is_busy()
        {
            self.teach.settings.choose_goal(goal);
            if setting.head_only {
                self.teach.settings.choose(MethodChoice::Head);
            }
            effects.extend(self.replan());
        }
        effects
    }

    /// Whether a step is done.
    pub(super) fn holds(&self, check: Check, given: Option<&str>) -> bool {
        let inside = |picture| self.panel == Panel::Inside && self.inside.choice.picture == picture;
        match check {
            Check::Sides => inside(Picture::Sides) && self.is_picture_there(),
            Check::Pieces => {
                let pieces = self
                    .probe
                    .tokens
                    .iter()
                    .any(|token| token.text.starts_with("##"));
                pieces && given.is_none_or(|given| given != self.probe.text)
            }
            Check::Dealt => self.teach.hiding.counts()[0] > 0,
            Check::Follows => {
                let follows = !self.inside.choice.follow.is_empty();
                inside(Picture::Lens) && follows && self.is_picture_there()
            }
            Check::HeadOff => inside(Picture::Attention) && !self.heads_off().is_empty(),
            Check::Planned(goal) => {
                let open = self.teach.settings.goal == goal && self.teach.is_planned();
                open && self.teach.problems().is_empty()
            }
            Check::Taught => self.teach.run.as_ref().is_some_and(|run| run.is_over()),
            Check::Curve => self.is_curve_of_these() && self.prove.has_points(),
            Check::TwoTexts => {
                let two = !self.inside.choice.other.is_empty();
                inside(Picture::Surprise) && two && self.is_picture_there()
            }
            Check::Spotted => inside(Picture::Spot) && self.inside.spot.is_shown(),
            Check::Writes => {
                let again = self.inside.choice.writing.draw != Writing::default().draw;
                inside(Picture::Writing) && again && self.is_picture_there()
            }
        }
    }
}
