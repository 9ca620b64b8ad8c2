//! The sample-efficiency curve: accuracy over the number of examples, for a head over the frozen encoder, the whole model, and
//! the same model from random weights.
//!
//! Subsets are balanced, and each holds the smaller ones of its seed; the test texts are the same for all. Runs that change the
//! encoder have equally many steps, whatever the number of examples. The frozen line comes first: its features are computed
//! once, and a head that is trained until its loss settles has one answer, that of scikit-learn's `LogisticRegression`.

mod heads;
mod judge;
mod run;
mod setup;
mod subsets;
mod summary;
mod whole;

pub use run::{CurveEvent, CurveRates, CurveRun, CurveWork};
pub use setup::{Curve, CurvePoint, CurveSetup, Place};
pub use subsets::{nested_order, usual_sizes};
pub use summary::{Finding, LinePoint, method_name};
