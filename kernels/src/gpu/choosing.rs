//! What shaders are chosen by on a device, and how that changes: a trial finds a faster variant, the
//! driver takes none of another, the self-test finds one wrong. Prepared plans follow at their next run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::{self, Debug, Formatter};
use std::rc::Rc;

use super::device::{Gpu, SUBGROUPS};
use super::pipelines::Unusable;
use crate::shader::Tuning;
use crate::shader::{Capabilities, Choice, LeftOut};
use crate::shader::{Class, Kind, Product};

/// Hears what trials have found.
type Hear = Box<dyn Fn(&Tuning)>;

/// The choice of shaders of a device.
pub(super) struct Choosing {
    capabilities: RefCell<Rc<Capabilities>>,
    tuning: RefCell<Rc<Tuning>>,
    left_out: RefCell<Vec<LeftOut>>,
    /// Counts the changes.
    epoch: Cell<u64>,
    hear: RefCell<Option<Hear>>,
    /// One product of each class that plans have asked for.
    wanted: RefCell<Vec<Product>>,
    /// Variants that the self-test found right, for a kind of product.
    tested: RefCell<BTreeSet<(&'static str, Kind)>>,
}

/// A choice of shaders to return to.
pub(crate) struct Remembered {
    capabilities: Rc<Capabilities>,
    left_out: Vec<LeftOut>,
}

impl Debug for Choosing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Choosing").finish_non_exhaustive()
    }
}

impl Choosing {
    pub fn new(capabilities: Capabilities, tuning: Tuning) -> Self {
        let choosing = Self {
            capabilities: RefCell::new(Rc::new(capabilities)),
            tuning: RefCell::default(),
            left_out: RefCell::default(),
            epoch: Cell::new(1),
            hear: RefCell::default(),
            wanted: RefCell::default(),
            tested: RefCell::default(),
        };
        choosing.take(tuning);
        choosing
    }

    /// Takes a record in place of what trials have found, with what it leaves out.
    fn take(&self, tuning: Tuning) {
        for (what, why) in tuning.left_out() {
            self.leave_out(what, why.to_owned());
        }
        *self.tuning.borrow_mut() = Rc::new(tuning);
        self.changed();
    }

    fn changed(&self) {
        self.epoch.set(self.epoch.get() + 1);
    }

    /// Says that something is left out, which the capabilities know already.
    pub fn note_left_out(&self, what: &str, why: String) {
        let mut left_out = self.left_out.borrow_mut();
        if left_out.iter().all(|known| known.what != what) {
            let what = what.to_owned();
            left_out.push(LeftOut { what, why });
        }
    }

    fn leave_out(&self, what: &str, why: String) {
        let mut capabilities = Capabilities::clone(&self.capabilities.borrow());
        if what == SUBGROUPS {
            capabilities.subgroups = false;
            capabilities.lanes = 4;
        } else {
            capabilities.left_out.insert(what.to_owned());
        }
        *self.capabilities.borrow_mut() = Rc::new(capabilities);
        self.note_left_out(what, why);
        self.changed();
    }
}

impl Gpu {
    /// What the choice of shaders depends on.
    pub fn capabilities(&self) -> Rc<Capabilities> {
        self.choosing.capabilities.borrow().clone()
    }

    /// What trials have found so far, [`Options::tuning`](super::Options::tuning) included, and what
    /// is left out.
    pub fn tuning(&self) -> Rc<Tuning> {
        self.choosing.tuning.borrow().clone()
    }

    /// Takes a record of choices that was made before, in place of what is known now.
    pub fn set_tuning(&self, tuning: Tuning) {
        self.choosing.take(tuning);
    }

    /// Has `hear` told of the whole record whenever it has changed.
    pub fn on_record(&self, hear: impl Fn(&Tuning) + 'static) {
        *self.choosing.hear.borrow_mut() = Some(Box::new(hear));
    }

    /// What the device does without, in the order in which it was found.
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.choosing.left_out.borrow().clone()
    }

    /// Eight hexadecimal digits that tell one record of choices from another: the same input gives
    /// the same bits only by the same record on the same adapter. `None` where shaders are chosen by
    /// rule alone, which is the same wherever the adapter is.
    pub fn record_id(&self) -> Option<String> {
        self.tuning().id(self.info())
    }

    pub(crate) fn choice(&self) -> Choice {
        Choice {
            capabilities: self.capabilities(),
            tuning: self.tuning(),
            forced: None,
        }
    }

    /// Changes whenever the choice of shaders does.
    pub(super) fn epoch(&self) -> u64 {
        self.choosing.epoch.get()
    }

    /// Adds to the record.
    pub(crate) fn add_tuning(&self, found: Tuning) {
        if found.is_empty() {
            return;
        }
        let mut tuning = Tuning::clone(&self.tuning());
        tuning.extend(found);
        *self.choosing.tuning.borrow_mut() = Rc::new(tuning);
        self.choosing.changed();
        self.tell();
    }

    fn tell(&self) {
        if let Some(hear) = &*self.choosing.hear.borrow() {
            hear(&self.tuning());
        }
    }

    /// Does without subgroups, or a variant of shaders, from now on: prepared plans too, at their
    /// next run. The record says so.
    pub(crate) fn leave_out(&self, what: &str, why: String) {
        self.choosing.leave_out(what, why.clone());
        let mut tuning = Tuning::clone(&self.tuning());
        tuning.leave_out(what, &why);
        *self.choosing.tuning.borrow_mut() = Rc::new(tuning);
        log::warn!("{what} is left out on this device: {why}");
        self.tell();
    }

    /// Leaves a variant out whose shader the driver does not take. Returns whether the shader was one.
    pub(super) fn leave_out_unusable(&self, unusable: &Unusable) -> bool {
        let Some(variant) = unusable.kernel.variant else {
            return false;
        };
        if self.capabilities().left_out.contains(variant) {
            return false;
        }
        let why = format!("The driver does not take its shader: {}", unusable.message);
        self.leave_out(variant, why);
        true
    }

    /// The same without a record of it, to see whether it helps.
    pub(crate) fn leave_out_for_now(&self, what: &str, why: String) {
        self.choosing.leave_out(what, why);
    }

    /// The choice as it is now.
    pub(crate) fn remember_choice(&self) -> Remembered {
        Remembered {
            capabilities: self.capabilities(),
            left_out: self.left_out(),
        }
    }

    /// Returns to a choice: what was left out for now did not help.
    pub(crate) fn return_to(&self, choice: Remembered) {
        *self.choosing.capabilities.borrow_mut() = choice.capabilities;
        *self.choosing.left_out.borrow_mut() = choice.left_out;
        self.choosing.changed();
    }

    /// Remembers the products that a plan makes.
    pub(super) fn want(&self, products: Vec<Product>) {
        let mut wanted = self.choosing.wanted.borrow_mut();
        for product in products {
            let class = Class::of(&product);
            if wanted.iter().all(|known| Class::of(known) != class) {
                wanted.push(product);
            }
        }
    }

    /// A product of each class that plans have asked for.
    pub(crate) fn wanted(&self) -> Vec<Product> {
        self.choosing.wanted.borrow().clone()
    }

    /// Whether a variant was tried for a kind of product.
    pub(crate) fn is_tested(&self, variant: &'static str, kind: Kind) -> bool {
        self.choosing.tested.borrow().contains(&(variant, kind))
    }

    /// Remembers that.
    pub(crate) fn set_tested(&self, variant: &'static str, kind: Kind) {
        self.choosing.tested.borrow_mut().insert((variant, kind));
    }
}
