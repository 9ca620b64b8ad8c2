//! Faults that tests put in, to see that each ends as it should.

use std::cell::Cell;

/// Given a shader's name and its WGSL, returns what the driver gets instead.
pub type Rewrite = fn(&str, String) -> String;

/// What goes wrong on purpose; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Changes shaders.
    pub shader: Option<Rewrite>,
    /// The device is lost in place of this submission of a run, counted from 0.
    pub lose_at: Option<usize>,
    /// The driver has no memory for this submission of a run, counted from 0.
    pub refuse_at: Option<usize>,
}

/// What becomes of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    DeviceLost,
    Refused,
}

/// The faults of a device, with the submissions counted since they were put in.
#[derive(Debug, Default)]
pub(super) struct Injected {
    pub faults: Faults,
    submissions: Cell<usize>,
}

impl Injected {
    pub fn new(faults: Faults) -> Self {
        Self {
            faults,
            submissions: Cell::new(0),
        }
    }

    /// What becomes of the next submission.
    pub fn next(&self) -> Fate {
        let this = Some(self.submissions.replace(self.submissions.get() + 1));
        match &self.faults {
            faults if faults.lose_at == this => Fate::DeviceLost,
            faults if faults.refuse_at == this => Fate::Refused,
            _ => Fate::Taken,
        }
    }
}
