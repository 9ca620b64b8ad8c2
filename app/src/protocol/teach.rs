//! The part of the wire that teaches: labelled texts, a recipe, a run, and what comes out of it.

use super::make::FolderFiles;
use crate::checkpoint::PickedFile;
use crate::failure::Failure;
use crate::recipe::{Reading, Setup, TextSource};
use bert::config::HeadKind;
use bert::data::{Columns, Masking, Stretch, Treatment};
use bert::export::Machine;
use bert::model::TaskHead;
use bert::probe::Said;
use bert::train::{Event as RunEvent, HeldOut, Needs, Recipe, RunState};
use serde::{Deserialize, Serialize};

/// A run that was cut short by a lost device, and the best weights it had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    pub state: RunState,
    /// The SHA-256 of the checkpoint that they were learned on.
    pub model: String,
    /// Why the weights are in doubt, in a sentence.
    pub doubt: Option<String>,
}

/// What to hand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Export {
    /// A folder that `transformers` loads, as one zip file.
    Folder,
    /// The same folder, to be kept on this device.
    Keep,
    /// The classifier alone.
    Head,
}

/// A token of a text in which words are hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealtToken {
    /// What stands in the text.
    pub text: String,
    /// What the model sees in its place, and what was done; none where it is not asked for.
    pub dealt: Option<(String, Treatment)>,
}

/// Texts with words hidden in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Without special tokens.
    pub texts: Vec<Vec<DealtToken>>,
}

/// What the model guessed of held-out hidden words at one moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guesses {
    /// Of the run's own validation texts.
    pub held: HeldOut,
    /// Of another text, where one was given.
    pub other: Option<HeldOut>,
    /// The entropy of the tokens of the validation texts, in nats: the loss of knowing how frequent each is.
    pub entropy: f64,
}

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeachCommand {
    /// Read texts, in place of those that were read before.
    Open {
        source: TextSource,
        reading: Reading,
    },
    /// Say what a run would take.
    Plan { setup: Box<Setup> },
    /// Begin a run on the texts that were opened last. To resume, the first attachment holds the
    /// best weights.
    Start {
        setup: Box<Setup>,
        resume: Option<Resume>,
    },
    /// Rest after the step that runs.
    Pause,
    /// Go on.
    Continue,
    /// End the run; the model keeps the best weights it had.
    Stop,
    /// Ask the head of a text as the model stands now. Replaces any earlier try.
    Try { text: String, pair: Option<String> },
    /// Write a file.
    Export { what: Export },
    /// Put a classifier from a file on the present model.
    Attach { file: PickedFile },
    /// Put the classifier of a link on the present model, from its text.
    AttachText { head: String },
    /// Ask the head of every text of a file.
    Predict {
        source: TextSource,
        reading: Reading,
    },
    /// Give up the export or the predictions that run.
    Cancel,
    /// Hide words of some texts, one a line, or of the open texts where there is none.
    Deal {
        texts: String,
        masking: Masking,
        seed: u64,
    },
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataReport {
    pub name: String,
    /// Such as `TSV`.
    pub format: String,
    pub rows: usize,
    pub header: bool,
    pub columns: Vec<String>,
    pub chosen: Columns,
    /// The first rows' cells, cut to what a glance takes in.
    pub preview: Vec<Vec<String>>,
    /// What heads can learn from these columns, the likeliest first; empty where no column holds labels.
    pub kinds: Vec<HeadKind>,
    /// The one that is to learn.
    pub kind: Option<HeadKind>,
    /// Whether marks are part of the texts: no column can be chosen then.
    pub marked: bool,
    /// Whether it is running text: its rows are sentences.
    #[serde(default)]
    pub prose: bool,
    /// Every label with its number of rows; empty where no column holds labels, or what is learned has none.
    pub labels: Vec<(String, usize)>,
    /// What someone should know before training, in sentences.
    pub notes: Vec<String>,
    /// Why these columns cannot be learned from as labels.
    pub problem: Option<String>,
}

/// What a run would take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    pub train: usize,
    pub validation: usize,
    /// None where the run ends when its loss has settled.
    pub steps: usize,
    /// Tokens of the longest text, as it is read.
    pub longest: usize,
    /// Texts that are cut.
    pub truncated: usize,
    /// The share that always giving the most frequent label gets right.
    pub majority: Option<f64>,
    pub needs: Option<Needs>,
    /// Why the run cannot begin.
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
    /// Recipes that do fit, where this one does not, each with what it changes.
    pub offers: Vec<(String, Recipe)>,
}

/// What is right of a text, or what a model says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A class, and its probability.
    Class { label: String, probability: f32 },
    /// All its labels.
    Labels(Vec<String>),
    /// A number.
    Score(f64),
    /// Entities in the text.
    Entities(Vec<(String, Stretch)>),
    /// An answer in the second text; none.
    Answer(Option<Stretch>),
    /// One of several texts, and its probability.
    Choice { text: String, probability: f32 },
}

/// An example that the model gets wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wrong {
    pub text: String,
    pub pair: Option<String>,
    pub truth: Verdict,
    pub found: Verdict,
}

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunNews {
    pub event: RunEvent,
    /// With an epoch of a head: what the model gets wrong.
    pub wrong: Option<Vec<Wrong>>,
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeachEvent {
    Opened {
        report: DataReport,
    },
    Planned {
        report: PlanReport,
    },
    /// The run begins.
    Started {
        /// The head that learns; `None` where hidden words are learned.
        head: Option<TaskHead>,
        train: usize,
        validation: usize,
        majority: Option<f64>,
        /// What computes it.
        machine: Machine,
    },
    /// What happened since the page heard last, in order.
    Run {
        news: Vec<RunNews>,
        /// Since the run began, pauses left out.
        milliseconds: f64,
    },
    /// What is guessed of held-out hidden words before the first step, or after the last.
    Guessed {
        before: bool,
        guesses: Guesses,
    },
    /// Held-out texts are being judged: how many of how many are done.
    Judging {
        done: usize,
        total: usize,
    },
    /// Answers [`TeachCommand::Deal`].
    Dealt {
        deal: Deal,
    },
    /// While a run learns hidden words: the loss of each word that was dealt by the request of this number, in nats, in the
    /// order of the texts and their asked tokens.
    DealtLosses {
        losses: Vec<Vec<f64>>,
    },
    /// A folder to keep on this device; the weights are the attachment.
    Folder {
        folder: FolderFiles,
    },
    /// The best weights so far, as the attachment, to resume from.
    Snapshot {
        state: RunState,
        /// The SHA-256 of the checkpoint that they were learned on.
        model: String,
    },
    Paused,
    Continued,
    /// The run ended before its time, as asked.
    Stopped,
    Tried {
        said: Box<Said>,
        milliseconds: f64,
    },
    /// How far an export or the predictions are, in bytes or texts.
    Working {
        done: u64,
        total: u64,
    },
    /// A file to save, as the attachment.
    File {
        name: String,
    },
    /// The present model has another head, trained there where it is known.
    Attached {
        head: Option<TaskHead>,
        machine: Option<Machine>,
    },
    /// The present classifier as a link carries it, or why a link cannot.
    LinkHead {
        text: Option<String>,
        note: Option<String>,
    },
    Cancelled,
    Failed {
        failure: Failure,
    },
}
