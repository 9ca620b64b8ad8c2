//! The well-known checkpoints that the page lists, and a text to try one with.

use super::Asked;
use super::offer::too_large;
use crate::checkpoint::address::Address;
use crate::checkpoint::gallery::{Example, Exhibit, parse};
use crate::link::Panel;
use crate::state::{Effect, State};

/// The list, which is read when someone opens it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Gallery {
    #[default]
    Unread,
    Reading,
    Read(Vec<Exhibit>),
    /// It cannot be read: why, in a sentence.
    Failed(String),
}

/// A checkpoint as the list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExhibitLine {
    pub address: Address,
    pub name: String,
    pub what: String,
    /// Its download and its licence.
    pub facts: String,
    /// Why it cannot run on this device.
    pub too_large: Option<String>,
    /// Whether its model is loaded.
    pub loaded: bool,
    /// A text to try it with, once it is loaded.
    pub example: Option<Example>,
}

/// The model that an address names, whatever the revision.
fn id(address: &Address) -> &str {
    match address {
        Address::Hub { id, .. } => id,
        Address::Web { folder, .. } => folder,
    }
}

impl State {
    /// The list is opened: have it read, if that has not happened.
    pub fn open_gallery(&mut self) -> Vec<Effect> {
        match self.opening.gallery {
            Gallery::Unread | Gallery::Failed(_) => {
                self.opening.gallery = Gallery::Reading;
                vec![Effect::ReadGallery]
            }
            Gallery::Reading | Gallery::Read(_) => Vec::new(),
        }
    }

    /// The list has come, or has not.
    pub fn on_gallery(&mut self, text: Result<String, String>) -> Vec<Effect> {
        self.opening.gallery = match text.and_then(|text| parse(&text)) {
            Ok(models) => Gallery::Read(models),
            Err(reason) => Gallery::Failed(format!("The list cannot be read: {reason}.")),
        };
        Vec::new()
    }

    /// The checkpoints of the list.
    pub fn gallery_lines(&self) -> Vec<ExhibitLine> {
        let Gallery::Read(models) = &self.opening.gallery else {
            return Vec::new();
        };
        let present = self.session.address();
        let line = |exhibit: &Exhibit| {
            let weights = Some(exhibit.weights());
            let device = self.session.device.as_ref();
            let loaded = present.as_ref().map(id) == Some(id(&exhibit.address));
            ExhibitLine {
                address: exhibit.address.clone(),
                name: exhibit.name.clone(),
                what: exhibit.what.clone(),
                facts: format!("about {} MB · {}", exhibit.megabytes, exhibit.licence),
                too_large: device.and_then(|device| too_large(device, weights, None)),
                loaded,
                example: exhibit.example.clone().filter(|_| loaded),
            }
        };
        models.iter().map(line).collect()
    }

    /// Opens a checkpoint of the list, as if its address had been typed.
    pub fn open_exhibit(&mut self, address: Address) -> Vec<Effect> {
        self.open_address(address, Asked::ByVisitor)
    }

    /// Puts a text where the model can show what it makes of it.
    pub fn try_example(&mut self, example: &Example) -> Vec<Effect> {
        let model = self.session.model.as_ref();
        let mask = model.and_then(|model| model.mask.as_deref());
        let text = example.text.replace("[MASK]", mask.unwrap_or("[MASK]"));
        self.panel = Panel::Probe;
        self.probe.put(text);
        if let Some(pair) = &example.pair {
            self.probe.edit_pair(pair.clone());
            self.probe.paired = true;
        }
        self.refresh()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Listing, Source};
    use crate::protocol::{Command, DeviceLimits, DeviceReport, Event, Executor};
    use crate::state::tests::{device_report, facts};

    fn opened() -> State {
        let mut state = State::default();
        state.receive(Event::Alive);
        assert_eq!(state.open_gallery(), [Effect::ReadGallery]);
        assert!(state.open_gallery().is_empty(), "it is on its way");
        let text = include_str!("../../../../static/gallery.json").to_owned();
        state.on_gallery(Ok(text));
        assert!(state.open_gallery().is_empty(), "it is there");
        state
    }

    fn device(state: &mut State, executor: Executor, limits: DeviceLimits) {
        let report = DeviceReport {
            limits,
            ..device_report(executor)
        };
        state.receive(Event::Device { report });
    }

    fn names(state: &State, is: fn(&ExhibitLine) -> bool) -> Vec<String> {
        let lines = state.gallery_lines().into_iter();
        lines.filter(is).map(|line| line.name).collect()
    }

    #[test]
    fn a_list_that_cannot_be_read_is_asked_for_again() {
        let mut state = State::default();
        state.open_gallery();
        state.on_gallery(Ok("<!doctype html>".into()));
        assert!(
            matches!(&state.opening.gallery, Gallery::Failed(why) if why.contains("cannot be read"))
        );
        assert_eq!(state.open_gallery(), [Effect::ReadGallery]);
    }

    #[test]
    fn what_is_too_large_for_the_device_is_said_before_anything_is_asked() {
        let mut state = opened();
        assert!(names(&state, |line| line.too_large.is_some()).is_empty());
        let limits = DeviceLimits {
            matrix: Some(134_217_728),
            weights: None,
        };
        device(&mut state, Executor::Gpu, limits);
        let large = names(&state, |line| line.too_large.is_some());
        assert!(
            large.is_empty(),
            "a large vocabulary lies in blocks: {large:?}"
        );
        let weights = Some(400_000_000);
        let limits = DeviceLimits {
            matrix: None,
            weights,
        };
        device(&mut state, Executor::Cpu, limits);
        assert_eq!(names(&state, |line| line.too_large.is_some()).len(), 7);
        let multilingual = state.gallery_lines()[12].too_large.clone().unwrap();
        assert!(multilingual.contains("400.0 MB"), "{multilingual}");
    }

    #[test]
    fn a_checkpoint_is_looked_at_first_and_tried_once_it_is_loaded() {
        let mut state = opened();
        let line = state.gallery_lines()[4].clone();
        assert!(!line.loaded && line.example.is_none());
        let effects = state.open_exhibit(line.address.clone());
        assert!(matches!(
            &effects[..],
            [Effect::Send(Command::Look { contact: true, .. })]
        ));
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let listing = Listing {
            address: line.address.at(commit),
            asked: line.address,
            files: Vec::new(),
        };
        let download = true;
        let effects = state.load(Source::Remote { listing, download });
        let [Effect::Send(Command::Load { id, .. })] = effects[..] else {
            panic!("a load: {effects:?}");
        };
        let mut model = facts("distilbert");
        model.head = Some(crate::state::tests::two_labels());
        state.receive(Event::Loaded { id, model });
        assert_eq!(names(&state, |line| line.loaded), ["DistilBERT, sentiment"]);
        let example = state.gallery_lines()[4].example.clone().expect("a text");
        state.try_example(&example);
        assert!(state.probe.text.starts_with("I did not") && !state.probe.paired);
        assert_eq!(state.panel, Panel::Probe);
        let asked = Example {
            text: "who?".into(),
            pair: Some("a [MASK].".into()),
        };
        state.try_example(&asked);
        assert!(state.probe.paired && state.probe.pair == "a [MASK].");
        let blank = Example {
            text: "a [MASK].".into(),
            pair: None,
        };
        state.try_example(&blank);
        assert!(!state.probe.paired);
        assert_eq!(
            (state.panel, &state.probe.text[..]),
            (Panel::Probe, "a [MASK].")
        );
    }
}
