//! The present model, with all that must agree with it.

use super::load::{Language, Load};
use super::slot::{Held, Lease, Slot};
use super::teach::Record;
use crate::failure::Failure;
use crate::protocol::ModelFacts;
use bert::export::{Kind, Machine};
use bert::model::Model;
use std::cell::RefCell;
use std::rc::Rc;

/// A model, what cuts texts for it, where it came from and what it learned here: one value, so that
/// nobody sees parts of two.
pub(super) struct Resident {
    pub model: Model,
    pub language: Rc<Language>,
    pub origin: Rc<Load>,
    pub facts: ModelFacts,
    /// What it learned here, for the card that goes with it.
    pub record: Option<Record>,
    /// What its classifier, or all of it, was trained on, where that is known.
    pub machine: Option<Machine>,
}

/// The place of the present model. Whoever works on it locks it; a run, an errand and a measurement
/// hold a lease on it besides, from their start to their end.
#[derive(Default)]
pub(super) struct Place {
    slot: Slot<Resident>,
    /// The present model's: texts are cut even while it computes.
    language: RefCell<Option<Rc<Language>>>,
}

impl Place {
    /// Takes in a model that waits until nobody holds the present one.
    pub fn arrive(&self, next: Resident) {
        if let Some(unused) = self.slot.arrive(next) {
            unused.model.destroy();
        }
    }

    /// Puts a model that has arrived in its place, unless the present one is held; `settled` sees it.
    pub async fn settle(&self, settled: impl FnOnce(&Resident)) {
        let earlier = self.slot.settle(|resident| {
            *self.language.borrow_mut() = Some(resident.language.clone());
            settled(resident);
        });
        if let Some(earlier) = earlier.await {
            earlier.model.destroy();
        }
    }

    /// Whether a run, an errand or a measurement holds the present model.
    pub fn is_held(&self) -> bool {
        self.slot.is_held()
    }

    /// Holds the present model for something that is named in the failure.
    ///
    /// # Errors
    /// There is none, or another one takes its place.
    pub fn lease(&self) -> Result<Lease<Resident>, &'static str> {
        self.slot.lease().map_err(|reason| match reason {
            super::slot::Unleased::Empty => "No model is loaded.",
            super::slot::Unleased::Arriving => "Another model is taking the place of this one.",
        })
    }

    /// The present model once it is free; `None` if there is none.
    pub async fn lock(&self) -> Option<Held<'_, Resident>> {
        self.slot.lock().await
    }

    /// Bytes that the model holds; `None` while someone works on it.
    pub fn memory(&self) -> Option<u64> {
        let present = self.slot.try_lock()?;
        Some(present.map_or(0, |resident| resident.model.memory_bytes()))
    }

    /// What cuts texts for the present model.
    pub fn language(&self) -> Option<Rc<Language>> {
        self.language.borrow().clone()
    }
}

/// A load is refused: what holds the present model would lose it.
pub(super) fn held() -> Failure {
    Failure::new(
        "The model was not loaded",
        "The present model is still at work: a run, a file that is written, or a measurement.",
        "Let it end, or stop it, then load again.",
    )
}

/// What a model is saved as where no run says it.
pub(super) fn kind_of(model: &Model) -> Kind {
    match model.head() {
        Some(_) => Kind::Head,
        None if model.has_replaced() && model.guesses_words().is_err() => Kind::Replaced,
        None => Kind::MaskedLm,
    }
}
