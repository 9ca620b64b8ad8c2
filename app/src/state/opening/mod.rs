//! Opening a checkpoint by its name or address: look, say what it would mean, load on a click; and
//! the checkpoints that this device keeps.

mod gallery;
mod offer;
mod own;

pub use gallery::{ExhibitLine, Gallery};
pub use offer::{offer_lines, own_weights};

use super::session::Engine;
use super::{Effect, State, format, next};
use crate::checkpoint::address::Address;
use crate::checkpoint::own::OwnModel;
use crate::checkpoint::{Kept, KeptEntry, Listing, Offer, Source};
use crate::failure::Failure;
use crate::protocol::{Command, RequestId};
use crate::recipe::TextSource;

/// Who asked for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Someone typed it here, or pressed a button.
    ByVisitor,
    /// A link named it: no host but the hub is asked before someone says so.
    ByLink,
}

/// How far an opening has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Step {
    #[default]
    Nothing,
    /// The engine finds out what loading would mean.
    Looking {
        id: RequestId,
        address: Address,
        asked: Asked,
    },
    /// It is said; the visitor decides.
    Offered(Box<Offer>),
}

/// The box for a name or an address, and the list of what is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opening {
    pub typed: String,
    /// Why what was typed is no address.
    pub bad: Option<String>,
    pub step: Step,
    /// Whether the offer stands for a copy that should have been on this device.
    pub gone: bool,
    pub kept: Vec<KeptEntry>,
    pub gallery: Gallery,
    /// Models that were made or taught here.
    pub own: Vec<OwnModel>,
    /// Whether the browser keeps them until the visitor deletes them, where it tells.
    pub persistent: Option<bool>,
    /// Whether the engine has listed them before in this visit.
    listed: bool,
}

/// A kept checkpoint as the list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptLine {
    pub key: String,
    pub name: String,
    /// Its size, and how much of it is there.
    pub size: String,
    /// Milliseconds since 1970.
    pub saved: f64,
    pub complete: bool,
    /// Whether it can be opened, or gone on with.
    pub readable: bool,
}

impl Opening {
    /// The checkpoints on this device, as the list shows them.
    pub fn kept_lines(&self) -> Vec<KeptLine> {
        let line = |entry: &KeptEntry| {
            let here = format::bytes(entry.bytes);
            let total = entry.listing.as_ref().map(Listing::bytes);
            let size = match (entry.complete, total) {
                (true, _) => here,
                (false, Some(Some(total))) => format!("{here} of {} so far", format::bytes(total)),
                (false, Some(None)) => format!("{here} so far"),
                (false, None) => "It can only be deleted.".to_owned(),
            };
            let name = match &entry.listing {
                Some(listing) => display(&listing.address),
                None => format!(
                    "An unreadable copy, {}",
                    &entry.key[..entry.key.len().min(8)]
                ),
            };
            KeptLine {
                key: entry.key.clone(),
                name,
                size,
                saved: entry.saved,
                complete: entry.complete,
                readable: entry.listing.is_some(),
            }
        };
        self.kept.iter().map(line).collect()
    }

    /// How long the browser keeps what is listed, in a sentence.
    pub fn kept_how_long(&self) -> Option<&'static str> {
        self.persistent.map(|persistent| match persistent {
            true => "They are kept until you delete them.",
            false => "The browser may delete these when space is short.",
        })
    }

    /// The offer, while it waits for an answer.
    pub fn offer(&self) -> Option<&Offer> {
        match &self.step {
            Step::Offered(offer) => Some(offer),
            _ => None,
        }
    }

    /// What is being looked at.
    pub fn looking(&self) -> Option<String> {
        match &self.step {
            Step::Looking { address, .. } => Some(display(address)),
            _ => None,
        }
    }
}

/// An address with its commit cut to what one can read.
fn display(address: &Address) -> String {
    match address {
        Address::Hub { id, revision } if address.is_pinned() => {
            format!("{id} @ {}", &revision[..8])
        }
        other => other.to_string(),
    }
}

impl State {
    /// Opens what was typed.
    pub fn open_typed(&mut self) -> Vec<Effect> {
        match Address::parse(&self.opening.typed) {
            Ok(address) => self.open_address(address, Asked::ByVisitor),
            Err(reason) => {
                self.opening.bad = Some(format!("This cannot be opened: {reason}."));
                self.opening.step = Step::Nothing;
                Vec::new()
            }
        }
    }

    /// Looks at an address. What is kept on this device loads at once; anything else is offered
    /// first. A link's address takes the bundled model's place at the start.
    pub fn open_address(&mut self, address: Address, asked: Asked) -> Vec<Effect> {
        self.opening.bad = None;
        if asked == Asked::ByLink {
            self.session.expect_another();
        }
        let id = next(&mut self.ids);
        self.session.dismiss();
        self.opening.step = Step::Looking { id, address, asked };
        self.look_again()
    }

    /// What a new engine is asked: a look that no engine has answered yet, and the list.
    pub(super) fn on_alive_for_opening(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::Send(Command::ListKept)];
        effects.extend(self.look_again());
        effects
    }

    fn look_again(&self) -> Vec<Effect> {
        match &self.opening.step {
            Step::Looking { id, address, asked } if self.session.engine == Engine::Alive => {
                vec![Effect::Send(Command::Look {
                    id: *id,
                    address: address.clone(),
                    contact: *asked == Asked::ByVisitor,
                })]
            }
            _ => Vec::new(),
        }
    }

    fn is_looking(&self, wanted: RequestId) -> bool {
        matches!(self.opening.step, Step::Looking { id, .. } if id == wanted)
    }

    pub(super) fn on_offered(&mut self, id: RequestId, offer: Offer) -> Vec<Effect> {
        if !self.is_looking(id) {
            return Vec::new();
        }
        self.opening.step = Step::Nothing;
        match offer.listing {
            Some(listing) if offer.kept == Kept::Whole => self.load(Source::Remote {
                listing,
                download: false,
            }),
            listing => {
                self.opening.gone = false;
                self.opening.step = Step::Offered(Box::new(Offer { listing, ..offer }));
                Vec::new()
            }
        }
    }

    /// A load would take a download that nobody has agreed to: that is offered.
    pub(super) fn on_load_offered(&mut self, id: RequestId, offer: Offer) {
        let is_awaited = self.session.loading.as_ref().is_some_and(|l| l.id == id);
        self.session.on_load_ended(id, None);
        if is_awaited {
            self.opening.gone = true;
            self.opening.step = Step::Offered(Box::new(offer));
        }
    }

    /// Takes in what this device keeps. When a first checkpoint is kept, the browser is asked not to
    /// delete it.
    pub(super) fn on_kept(
        &mut self,
        entries: Vec<KeptEntry>,
        persistent: Option<bool>,
    ) -> Vec<Effect> {
        let whole = |entries: &[KeptEntry]| entries.iter().filter(|entry| entry.complete).count();
        let is_new = self.opening.listed && whole(&entries) > whole(&self.opening.kept);
        self.opening.listed = true;
        self.opening.kept = entries;
        self.opening.persistent = persistent;
        if is_new && persistent == Some(false) {
            return vec![Effect::Persist];
        }
        Vec::new()
    }

    pub(super) fn on_look_failed(&mut self, id: RequestId, failure: Failure) {
        if !self.is_looking(id) {
            return;
        }
        if let Step::Looking { address, .. } = std::mem::take(&mut self.opening.step) {
            self.session.unseen = Some(address).filter(|_| failure.again);
            self.session.failure = Some(failure);
        }
    }

    /// Takes the offer: loads, or asks the host that a link named.
    pub fn accept_offer(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.opening.step) {
            Step::Offered(offer) => match offer.listing {
                Some(listing) => self.download(listing),
                None => self.open_address(offer.asked, Asked::ByVisitor),
            },
            step => {
                self.opening.step = step;
                Vec::new()
            }
        }
    }

    /// Loads the owners' own file in place of the converter's.
    pub fn accept_own(&mut self) -> Vec<Effect> {
        let own = self
            .opening
            .offer()
            .and_then(|offer| offer.conversion.as_ref());
        let Some(listing) = own.map(|conversion| conversion.own.clone()) else {
            return Vec::new();
        };
        self.opening.step = Step::Nothing;
        self.download(listing)
    }

    /// Loads what the visitor has agreed to.
    fn download(&mut self, listing: Listing) -> Vec<Effect> {
        let download = true;
        self.load(Source::Remote { listing, download })
    }

    /// Leaves the offer, or the look, be.
    pub fn decline_offer(&mut self) {
        self.opening.step = Step::Nothing;
    }

    /// Opens a checkpoint of the list; of one that is not whole the rest is offered.
    pub fn open_kept(&mut self, key: &str) -> Vec<Effect> {
        let entry = self.opening.kept.iter().find(|entry| entry.key == key);
        let Some((complete, listing)) =
            entry.and_then(|entry| Some((entry.complete, entry.listing.clone()?)))
        else {
            return Vec::new();
        };
        if !complete {
            return self.open_address(listing.address, Asked::ByVisitor);
        }
        self.opening.step = Step::Nothing;
        self.load(Source::Remote {
            listing,
            download: false,
        })
    }

    /// Deletes a checkpoint from this device; the one that is loaded stays loaded.
    pub fn forget_kept(&mut self, key: &str) -> Vec<Effect> {
        vec![Effect::Send(Command::Forget {
            key: key.to_owned(),
        })]
    }

    /// The visitor's files that may be read again; the page can let go of all others.
    pub fn named_files(&self) -> Vec<usize> {
        let mut slots = self.session.slots();
        for source in [&self.teach.source, &self.make.source] {
            if let Some(TextSource::File { slot, .. }) = source {
                slots.push(*slot);
            }
        }
        slots
    }

    /// Whether what failed can be tried again.
    pub fn can_try_again(&self) -> bool {
        self.session.failed.is_some() || self.session.unseen.is_some()
    }

    /// Loads once more what failed to load, or looks once more.
    pub fn try_again(&mut self) -> Vec<Effect> {
        match (self.session.failed.clone(), self.session.unseen.take()) {
            (Some(source), _) => self.load(source),
            (None, Some(address)) => self.open_address(address, Asked::ByVisitor),
            (None, None) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
