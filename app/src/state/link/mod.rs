//! The page's state as a link, and a link as the page's state.

mod address;

use super::activity::Wish;
use super::opening::Asked;
use super::session::Engine;
use super::{Effect, State, format};
use crate::checkpoint::Source;
use crate::checkpoint::address::Address;
use crate::failure::Failure;
use crate::link::embed::{Embed, embed};
use crate::link::inside::{Inside, Rounds};
use crate::link::qr::{Qr, qr};
use crate::link::{Link, MAX_FRAGMENT, MAX_TEXT, Notice, Part, badge};
use address::Texts;
use std::collections::BTreeSet;
use std::sync::Arc;

/// From here on a link gets a warning.
const LONG: usize = 8_000;
/// From here on the head stays out of the link.
const TOO_LONG: usize = 32_000;

/// What the page knows of links.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linked {
    /// What could not be read of the link that was opened last.
    pub notices: Vec<Notice>,
    /// Parts of the page that the link hides.
    pub hide: BTreeSet<Part>,
    /// A word for those who listen, of what was just done.
    pub said: Option<&'static str>,
    /// The texts that the address may show: those of the link that was opened, or of one that was copied.
    public: Texts,
    /// The model that the link names, until one is loaded.
    awaited: Option<Awaited>,
    /// What the link hides, until the tokens of its text are there.
    masks: Option<Masks>,
    /// A head that waits for its model.
    coming: Option<Arc<str>>,
    /// The present classifier, as a link carries it.
    head: Option<Arc<str>>,
    /// The classifier that an engine's end takes away, and the model that it belongs to.
    again: Option<(Source, Arc<str>)>,
    /// Why a link does not carry it.
    why_no_head: Option<String>,
}

/// `None` is the bundled model.
#[derive(Clone, Debug, PartialEq)]
struct Awaited(Option<Address>);

/// Positions mean something only in the text that they came with.
#[derive(Clone, Debug, PartialEq)]
struct Masks {
    text: String,
    pair: Option<String>,
    positions: Vec<usize>,
}

/// The box for sharing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The whole address.
    pub link: String,
    /// Such as `1,234 characters`.
    pub length: String,
    /// What whoever sends the link should know.
    pub warnings: Vec<String>,
    /// Whether the head is offered as a file, since the link is made without it.
    pub offers_file: bool,
    /// A badge for the model's card, in Markdown, where others can load the model.
    pub badge: Option<String>,
    /// The link as a QR code, where it is short enough.
    pub qr: Option<Qr>,
}

impl Linked {
    /// The classifier is about to change.
    pub(super) fn forget_head(&mut self) {
        self.head = None;
        self.why_no_head = None;
    }

    /// The engine has written the present classifier as a link carries it.
    pub(super) fn on_head(&mut self, text: Option<String>, note: Option<String>) {
        self.head = text.map(Arc::from);
        self.why_no_head = note;
    }

    /// The head of the link does not fit. The Teach panel has the failure; who opened the link may
    /// be looking at another.
    pub(super) fn on_refused(&mut self, failure: &Failure) {
        self.notices
            .push(Notice(format!("{}: {}", failure.title, failure.cause)));
    }

    /// Puts the notices away once they have been read.
    pub fn dismiss(&mut self) {
        self.notices.clear();
    }
}

/// A text, no longer than a link carries it.
fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

impl State {
    /// The page as it stands, or is about to. A head that would make the link too long stays out.
    pub fn link(&self) -> Link {
        let mut link = self.link_without_head();
        link.head = self.head_for_link().cloned();
        if link.head.is_some() && link.to_fragment().len() > TOO_LONG {
            link.head = None;
        }
        link
    }

    fn link_without_head(&self) -> Link {
        let (probe, trial, linked) = (&self.probe, &self.teach.trial, &self.linked);
        let hidden = || probe.hidden.iter().copied().collect();
        let waiting = linked.masks.as_ref().filter(|masks| self.is_for(masks));
        Link {
            model: match &linked.awaited {
                Some(Awaited(model)) => model.clone(),
                None => self.session.address(),
            },
            panel: self.panel,
            lesson: self.learn.open.map(|step| step + 1),
            text: cut(&probe.text),
            pair: probe.paired.then(|| cut(&probe.pair)),
            masks: waiting.map_or_else(hidden, |masks| masks.positions.clone()),
            top_k: probe.top_k,
            compare: probe.compare.clone(),
            inside: self.inside_for_link(),
            recipe: self.teach.settings.carried(),
            data: self.teach.web_texts().cloned(),
            trial: cut(&trial.text),
            trial_pair: cut(&trial.pair),
            curve: self.curve_for_link().map(Box::new),
            hide: linked.hide.clone(),
            head: None,
        }
    }

    fn inside_for_link(&self) -> Inside {
        let choice = self.inside.choice.clone();
        Inside {
            other: cut(&choice.other),
            swaps: cut(&choice.swaps),
            sentences: cut(&choice.sentences),
            rounds: Rounds {
                own: cut(&choice.rounds.own),
                ..choice.rounds
            },
            ..choice
        }
    }

    fn head_for_link(&self) -> Option<&Arc<str>> {
        let present = || self.linked.head.as_ref().filter(|_| self.can_try());
        self.linked.coming.as_ref().or_else(present)
    }

    fn is_for(&self, masks: &Masks) -> bool {
        let pair = self.probe.paired.then_some(&self.probe.pair);
        masks.text == self.probe.text && masks.pair.as_ref() == pair
    }

    /// The link to this page as it stands; `page` is its address without a fragment.
    pub fn share(&self, page: &str) -> Share {
        let link = self.link();
        let fragment = link.to_fragment();
        let whole = match fragment.is_empty() {
            true => page.to_owned(),
            false => format!("{page}#{fragment}"),
        };
        let long = whole.chars().count();
        let offers_file = link.head.is_none() && self.head_for_link().is_some();
        let mut warnings = Vec::new();
        let mut warn = |words: String| warnings.push(words);
        if fragment.len() > MAX_FRAGMENT {
            warn(format!(
                "Nobody can open this link: {} characters are the most. Shorten the texts.",
                format::grouped(MAX_FRAGMENT as u64)
            ));
        } else if long > LONG {
            warn(format!(
                "Some programs cut links of more than {} characters.",
                format::grouped(LONG as u64)
            ));
        }
        if offers_file {
            warn(format!(
                "The trained head is too long for a link (over {} characters). Send its file \
                 beside the link; whoever drops it on the page has the same model.",
                format::grouped(TOO_LONG as u64)
            ));
        } else if link.head.is_some() {
            warn(
                "The trained head travels inside the link, in half precision. The texts that it \
                 learned from do not."
                    .to_owned(),
            );
        }
        if let Some(reason) = &self.linked.why_no_head {
            warn(format!("No trained head in this link: {reason}"));
        }
        if self.is_from_files() {
            warn(
                "This model came from files on this device, so the link cannot name it: whoever \
                 opens the link has to open the same files."
                    .to_owned(),
            );
        }
        Share {
            qr: qr(&whole),
            link: whole,
            length: format!("{} characters", format::grouped(long as u64)),
            warnings,
            offers_file,
            badge: link.model.map(|model| badge(page, &model.newest())),
        }
    }

    /// This page as it stands in a frame that hides these parts.
    pub fn embed(&self, page: &str, hide: &BTreeSet<Part>) -> Embed {
        let link = Link {
            hide: hide.clone(),
            ..self.link()
        };
        embed(page, &link)
    }

    fn is_from_files(&self) -> bool {
        let files = matches!(self.session.source(), Some(Source::Files { .. }));
        files && self.session.model.is_some()
    }

    /// The link is on the clipboard, or was only marked for copying; `None` once that is old news.
    pub fn say(&mut self, said: Option<&'static str>) {
        self.linked.said = said;
    }

    /// Whether something on the model's card waits for the visitor: there is no model, or an offer.
    pub fn model_asks(&self) -> bool {
        let session = &self.session;
        // An engine that starts has a model to load.
        let starts = session.engine == Engine::Starting;
        let none = session.model.is_none() && session.loading.is_none() && !starts;
        none || self.opening.step != super::opening::Step::Nothing
    }

    /// The parts of the page that are hidden, as the style sheet calls them. The model's card shows
    /// as long as something in it goes on or waits for the visitor: a link cannot hide a question.
    pub fn hidden_parts(&self) -> String {
        let comes = self.session.model.is_none() || self.session.loading.is_some();
        let asks = comes || self.model_asks();
        let hidden = self.linked.hide.iter();
        let names: Vec<&str> = hidden
            .filter(|part| !(asks && **part == Part::Model))
            .map(|part| part.name())
            .collect();
        names.join(" ")
    }

    /// Reads a fragment and opens it; what could not be read is told.
    pub fn open_fragment(&mut self, fragment: &str) -> Vec<Effect> {
        let (link, notices) = Link::parse(fragment);
        self.linked.notices = notices;
        self.open_link(link)
    }

    /// Brings the page to where a link says, once it may.
    pub fn open_link(&mut self, link: Link) -> Vec<Effect> {
        self.wish(Wish::Follow(Box::new(link)))
    }

    /// Whether following a link would put another model, or another classifier, in place of the
    /// present one.
    pub(super) fn takes_the_model(&self, link: &Link) -> bool {
        let present = self.session.model.is_some() && self.session.loading.is_none();
        !(present && self.has(&link.model)) || link.head.is_some()
    }

    pub(super) fn follow(&mut self, link: Link) -> Vec<Effect> {
        self.panel = link.panel;
        self.learn.open(link.lesson.map(|step| step - 1));
        self.linked.public = Texts::of(&link);
        self.linked.hide = link.hide;
        self.linked.masks = (!link.masks.is_empty()).then(|| Masks {
            text: link.text.clone(),
            pair: link.pair.clone(),
            positions: link.masks,
        });
        let probe = &mut self.probe;
        probe.paired = link.pair.is_some();
        probe.edit_text(link.text);
        probe.edit_pair(link.pair.unwrap_or_default());
        probe.hidden.clear();
        probe.set_top_k(link.top_k);
        probe.edit_compare(&link.compare);
        self.inside.restore(link.inside);
        self.prove.restore(link.curve);
        let teach = &mut self.teach;
        teach.settings.restore(&link.recipe);
        if let Some(model) = &self.session.model {
            let (pooler, limit) = (model.pooler, model.max_positions);
            teach.settings.suit(pooler, limit, model.layers);
            teach.settings.suit_reading(model.causal);
        }
        teach.offered = link.data.filter(|data| !teach.has_web_texts(data));
        teach.trial.text = link.trial;
        teach.trial.pair = link.trial_pair;
        teach.trial.answer = None;
        self.linked.coming = link.head;
        let mut effects = self.reach(link.model);
        effects.extend(self.refresh());
        effects.extend(self.plan());
        effects.extend(self.try_text());
        effects
    }

    /// Makes sure that the model of a link is loaded, or on its way, or offered.
    fn reach(&mut self, model: Option<Address>) -> Vec<Effect> {
        self.linked.awaited = None;
        let spoiled = self.linked.coming.is_some() && self.teach.is_taught();
        if self.has(&model) && self.session.model.is_some() && self.session.loading.is_none() {
            if !spoiled {
                return self.attach_coming();
            }
            // Its encoder has learned since; the head belongs to the checkpoint as it was.
            if let Some(source) = self.session.source() {
                self.linked.awaited = Some(Awaited(model));
                return self.load_anew(source);
            }
        }
        self.linked.awaited = Some(Awaited(model.clone()));
        match model {
            Some(address) => self.open_address(address, Asked::ByLink),
            // A fresh engine loads it by itself.
            None if self.session.engine != Engine::Alive && self.has(&None) => Vec::new(),
            None => {
                self.decline_offer();
                self.load_anew(self.session.bundled())
            }
        }
    }

    /// Whether the source of the present model, or the first to be loaded, is this one.
    fn has(&self, model: &Option<Address>) -> bool {
        match (self.session.source(), model) {
            (Some(Source::Remote { listing, .. }), Some(address)) => {
                listing.address == *address || listing.asked == *address
            }
            (source, None) => source == Some(self.session.bundled()),
            _ => false,
        }
    }

    /// The engine ends, and the classifier with it: a new engine that loads the same model gets it
    /// back.
    pub(super) fn keep_head(&mut self) {
        let head = self
            .linked
            .head
            .clone()
            .filter(|_| self.session.model.is_some());
        self.linked.again = self.session.source().zip(head);
    }

    fn attach_coming(&mut self) -> Vec<Effect> {
        let Some(head) = self.linked.coming.take() else {
            return Vec::new();
        };
        let effects = self.attach_text(head.as_ref().to_owned());
        if effects.is_empty() {
            self.linked.notices.push(Notice(
                "The trained head in the link was left out: a file is being written or read. Open \
                 the link again when that is done."
                    .to_owned(),
            ));
        }
        effects
    }

    /// A model is here: the link's own, or the one that someone chose instead.
    pub(super) fn on_model_for_link(&mut self) -> Vec<Effect> {
        self.linked.forget_head();
        if let Some(Awaited(model)) = self.linked.awaited.take()
            && !self.has(&model)
        {
            // Another model may cut the text in other places.
            self.linked.masks = None;
        }
        if let Some((source, head)) = self.linked.again.take()
            && self.session.source() == Some(source)
        {
            self.linked.coming.get_or_insert(head);
        }
        let mut effects = self.attach_coming();
        if effects.is_empty() {
            // A checkpoint with a classifier of its own.
            effects = self.try_text();
        }
        effects
    }

    /// The tokens of the present text are here: hides what the link hides.
    pub(super) fn hide_linked(&mut self) {
        if self.linked.awaited.is_some() {
            return;
        }
        let Some(masks) = self.linked.masks.take() else {
            return;
        };
        if !self.is_for(&masks) {
            return;
        }
        let mut lacking = Vec::new();
        for position in masks.positions {
            match self.probe.can_toggle(position) {
                true => {
                    self.probe.hidden.insert(position);
                }
                false => lacking.push(position.to_string()),
            }
        }
        if !lacking.is_empty() {
            lacking.truncate(10);
            self.linked.notices.push(Notice(format!(
                "“mask” names places where this text has no word to hide: {}.",
                lacking.join(", ")
            )));
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
