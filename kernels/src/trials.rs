//! What is tested and tried of the variants while nothing else is to be done: which are right, and
//! which makes which products fastest on the adapter at hand.

use std::rc::Rc;

use crate::control::Control;
use crate::error::DeviceError;
use crate::gpu::{Gpu, now};
use crate::ops::gemm::{Epilogue, Variant};
use crate::shader::{Class, Kind, Operand, Product, Tuning};

/// Products smaller than this are not worth a trial.
const FEWEST_FLOPS: f64 = 5e6;

impl Gpu {
    /// Whether plans make products of a class for which several variants are in question and no
    /// trial has decided. Never where waiting for the device costs more than a trial could gain.
    pub fn wants_trials(&self) -> bool {
        self.is_worth_a_race() && !self.undecided().is_empty()
    }

    /// The products to be tried, each with its candidates.
    fn undecided(&self) -> Vec<(Product, Vec<Variant>)> {
        let (capabilities, tuning) = (self.capabilities(), self.tuning());
        let candidates = |product: Product| {
            let undecided = tuning.get(&Class::of(&product)).is_none();
            let worth = product.flops() >= FEWEST_FLOPS;
            let found = Variant::candidates(&capabilities, &product);
            (undecided && worth && found.len() > 1).then_some((product, found))
        };
        self.wanted().into_iter().filter_map(candidates).collect()
    }

    /// Measures the variants in question for the products of prepared plans, a class after the
    /// other, until `budget_ms` milliseconds are over, and keeps what it finds: prepared plans go by
    /// it from their next run on. To be called when nothing else is to be done, and not in the middle
    /// of a run of training, whose bits would change.
    ///
    /// # Errors
    /// The device was lost. A cancel is no error: what was found by then is kept.
    pub async fn run_trials(
        self: &Rc<Self>,
        budget_ms: f64,
        control: &Control,
    ) -> Result<(), DeviceError> {
        let begun = now();
        if !self.wants_trials() {
            return Ok(());
        }
        for (product, candidates) in self.undecided() {
            control.breathe().await;
            if control.is_cancelled() || now() - begun > budget_ms {
                break;
            }
            let class = Class::of(&product);
            let Some(fastest) = self.fastest(&product, &candidates, control).await? else {
                continue;
            };
            log::info!("{class}: {} of {}", fastest.name(), candidates.len());
            let mut found = Tuning::default();
            found.set(&class, fastest.name());
            self.add_tuning(found);
        }
        Ok(())
    }

    /// The fastest of some variants; `None` where there is no room to try, or where it was cancelled.
    async fn fastest(
        self: &Rc<Self>,
        product: &Product,
        candidates: &[Variant],
        control: &Control,
    ) -> Result<Option<Variant>, DeviceError> {
        let capabilities = self.capabilities();
        let epilogue = Epilogue {
            extra: None,
            function: None,
            operands: [Operand::Input(0), Operand::Input(1), Operand::Output(0)],
        };
        let ways: Vec<_> = candidates
            .iter()
            .map(|&variant| product.dispatch_by(variant, &capabilities, epilogue.clone()))
            .collect();
        let fastest = self.race(product.bytes(), &ways, control).await?;
        Ok(fastest.map(|place| candidates[place]))
    }

    /// The variants that may make a kind of product here and that the self-test has not tried: first
    /// those that make what plans have asked for, then those that a trial may choose for it. On a software
    /// adapter, where compiling one takes seconds, there are no trials.
    pub(crate) fn untested(&self) -> Vec<(Variant, Kind)> {
        let capabilities = self.capabilities();
        let choice = self.choice();
        let wanted = self.wanted();
        let mut all: Vec<(Variant, Kind)> = wanted
            .iter()
            .map(|product| (Variant::chosen(&choice, product), product.kind))
            .collect();
        if !self.info().software {
            for product in &wanted {
                let candidates = Variant::candidates(&capabilities, product).into_iter();
                all.extend(candidates.map(|variant| (variant, product.kind)));
            }
        }
        let mut found: Vec<(Variant, Kind)> = Vec::new();
        for (variant, kind) in all {
            let name = variant.name();
            let known = capabilities.left_out.contains(name) || self.is_tested(name, kind);
            if !known && !found.contains(&(variant, kind)) {
                found.push((variant, kind));
            }
        }
        found
    }

    /// Whether the self-test has something left to try.
    pub fn has_untested(&self) -> bool {
        !self.untested().is_empty()
    }

    /// Whether a variant is left that makes products here.
    pub(crate) fn has_variants(&self) -> bool {
        let capabilities = self.capabilities();
        let mut all = Variant::all(&capabilities).into_iter();
        all.any(|variant| !capabilities.left_out.contains(variant.name()))
    }
}
