//! The Bench panel: what to measure, how far that is, and the figures.

pub mod report;
#[cfg(test)]
mod tests;

use super::activity::Wish;
use super::{Effect, State, next};
use crate::protocol::{
    BenchCommand, BenchEvent, Case, Command, DeviceReport, Executor, ModelFacts, Outcome, RequestId,
};
use report::Surroundings;

/// Cases that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Products,
    Passes,
    Steps,
    Kernels,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Products, Self::Passes, Self::Steps, Self::Kernels];

    pub fn label(self) -> &'static str {
        match self {
            Self::Products => "Matrix products",
            Self::Passes => "The model's answer",
            Self::Steps => "A step of training",
            Self::Kernels => "Where the time goes",
        }
    }

    /// What its cases are, for the page and the report.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Products => "a[m, k] · b[n, k]ᵀ in single precision, without reading it back",
            Self::Passes => {
                "one text through the loaded model, from its upload to the read-back; with one \
                 hidden word where the model has the head for that"
            }
            Self::Steps => {
                "forward, loss, backward, clipping and AdamW, on random weights as wide as the \
                 loaded model's, which stays as it is"
            }
            Self::Kernels => {
                "one pass and one step as above, each kernel timed by the GPU's own clock, which \
                 makes them a little slower"
            }
        }
    }

    /// Its cases; products from small to large, so that a slow device is found out early.
    pub fn cases(self) -> Vec<Case> {
        let product = |[m, k, n]: [usize; 3]| Case::Product { m, k, n };
        match self {
            Self::Products => [
                [128, 768, 768],
                [512, 512, 512],
                [128, 768, 3072],
                [128, 128, 30_522],
                [1024, 1024, 1024],
            ]
            .map(product)
            .to_vec(),
            Self::Passes => [16, 128]
                .map(|tokens| Case::Forward { texts: 1, tokens })
                .to_vec(),
            Self::Kernels => vec![
                Case::ForwardProfile {
                    texts: 1,
                    tokens: 128,
                },
                Case::StepProfile {
                    texts: 4,
                    tokens: 32,
                },
            ],
            Self::Steps => vec![
                Case::HeadStep { texts: 32 },
                Case::LayerStep {
                    texts: 4,
                    tokens: 32,
                },
            ],
        }
    }

    fn of(case: &Case) -> Self {
        match case {
            Case::Product { .. } => Self::Products,
            Case::Forward { .. } => Self::Passes,
            Case::HeadStep { .. } | Case::LayerStep { .. } => Self::Steps,
            Case::ForwardProfile { .. } | Case::StepProfile { .. } => Self::Kernels,
        }
    }
}

/// A case and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub case: Case,
    pub status: Status,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    Waiting,
    Running,
    Ended(Outcome),
}

/// Where the measuring stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing was measured yet.
    #[default]
    Idle,
    Running,
    Cancelling,
    Cancelled,
    Done,
}

/// What was measured on, as it was then.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub device: DeviceReport,
    pub model: Option<ModelFacts>,
    pub surroundings: Surroundings,
}

/// The Bench panel's state.
#[derive(Clone, Debug, PartialEq)]
pub struct Bench {
    /// Which of [`Group::ALL`] are wanted.
    wanted: [bool; 4],
    pub phase: Phase,
    pub rows: Vec<Row>,
    pub subject: Option<Subject>,
    id: RequestId,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            wanted: [true; 4],
            phase: Phase::default(),
            rows: Vec::new(),
            subject: None,
            id: 0,
        }
    }
}

impl Bench {
    pub fn wants(&self, group: Group) -> bool {
        self.wanted[group as usize]
    }

    /// Measures a group, or leaves it out, from the next start on.
    pub fn want(&mut self, group: Group, wanted: bool) {
        self.wanted[group as usize] = wanted;
    }

    pub(super) fn wants_nothing(&self) -> bool {
        self.wanted == [false; 4]
    }

    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Cancelling)
    }

    /// The groups that have rows, with them.
    pub fn groups(&self) -> Vec<(Group, Vec<Row>)> {
        let rows = |group| {
            let rows = self.rows.iter().filter(|row| Group::of(&row.case) == group);
            (group, rows.cloned().collect::<Vec<Row>>())
        };
        let groups = Group::ALL.into_iter().map(rows);
        groups.filter(|(_, rows)| !rows.is_empty()).collect()
    }

    /// How many cases have ended.
    fn ended(&self) -> usize {
        let ended = |row: &&Row| matches!(row.status, Status::Ended(_));
        self.rows.iter().filter(ended).count()
    }

    /// Between 0 and 1.
    pub fn fraction(&self) -> f64 {
        self.ended() as f64 / self.rows.len().max(1) as f64
    }

    /// How far it is, in words.
    pub fn line(&self) -> String {
        let (ended, all) = (self.ended(), self.rows.len());
        match self.phase {
            Phase::Idle => String::new(),
            Phase::Running => match self.rows.iter().find(|row| row.status == Status::Running) {
                Some(row) => format!("{} of {all}: {}", ended + 1, report::name(&row.case)),
                None => "Beginning".to_owned(),
            },
            Phase::Cancelling => "Cancelling".to_owned(),
            Phase::Cancelled => format!("Cancelled: {ended} of {all} measured"),
            Phase::Done => format!("Done: {ended} of {all}"),
        }
    }

    /// Whether there is something to report.
    pub fn has_report(&self) -> bool {
        !self.is_running() && self.ended() > 0
    }

    /// The engine is gone, and with it what was not measured yet.
    pub(super) fn abandon(&mut self) {
        if self.is_running() {
            self.end(Phase::Cancelled);
        }
    }

    fn end(&mut self, phase: Phase) {
        self.phase = phase;
        for row in &mut self.rows {
            if row.status == Status::Running {
                row.status = Status::Waiting;
            }
        }
    }
}

impl State {
    /// Measures what is wanted, in place of what was measured before.
    pub fn start_bench(&mut self, surroundings: Surroundings) -> Vec<Effect> {
        if self.why_not(&Wish::Measure).is_some() {
            return Vec::new();
        }
        let Some(device) = self.session.device.clone() else {
            return Vec::new();
        };
        let id = next(&mut self.ids);
        let bench = &mut self.bench;
        let wanted = Group::ALL.into_iter().filter(|group| bench.wants(*group));
        let cases: Vec<Case> = wanted.flat_map(Group::cases).collect();
        let waiting = |&case: &Case| Row {
            case,
            status: Status::Waiting,
        };
        bench.rows = cases.iter().map(waiting).collect();
        bench.phase = Phase::Running;
        bench.id = id;
        bench.subject = Some(Subject {
            device,
            model: self.session.model.clone(),
            surroundings,
        });
        let command = BenchCommand::Start { cases };
        vec![Effect::Send(Command::Bench { id, command })]
    }

    /// Gives up what is not measured yet.
    pub fn cancel_bench(&mut self) -> Vec<Effect> {
        if self.bench.phase != Phase::Running {
            return Vec::new();
        }
        self.bench.phase = Phase::Cancelling;
        let (id, command) = (self.bench.id, BenchCommand::Cancel);
        vec![Effect::Send(Command::Bench { id, command })]
    }

    /// Takes in what the engine says of measuring.
    pub(super) fn on_bench(&mut self, id: RequestId, event: BenchEvent) {
        let bench = &mut self.bench;
        if id != bench.id || !bench.is_running() {
            return;
        }
        match event {
            BenchEvent::Began { place } => {
                if let Some(row) = bench.rows.get_mut(place) {
                    row.status = Status::Running;
                }
            }
            // What ends after the cancel may have run on another model already.
            BenchEvent::Ended { .. } if bench.phase == Phase::Cancelling => {}
            BenchEvent::Ended { place, outcome } => {
                if let Some(row) = bench.rows.get_mut(place) {
                    row.status = Status::Ended(outcome);
                }
            }
            BenchEvent::Done if bench.phase == Phase::Running => bench.end(Phase::Done),
            BenchEvent::Done | BenchEvent::Cancelled => bench.end(Phase::Cancelled),
        }
    }

    /// What the measuring runs on, in a line, and a word where that is not what one would expect.
    pub fn bench_device(&self) -> (String, Option<&'static str>) {
        match &self.session.device {
            None => ("The engine is still starting.".to_owned(), None),
            Some(device) => (report::device_line(device), report::device_note(device)),
        }
    }
}

/// Whether a device is a GPU that the processor imitates.
fn is_software(device: &DeviceReport) -> bool {
    let adapter = device.adapter.as_ref();
    device.executor == Executor::Gpu && adapter.is_some_and(|adapter| adapter.software)
}
