//! What the page and its engine worker say to each other: two closed enums, carried as JSON.
//!
//! The JSON is externally tagged, `{"fatal": {"failure": …}}`, which decodes without buffering and
//! keeps the page small; `worker.js` writes that one event by hand.
//!
//! Files travel beside the JSON as attachments of the same message, in either direction;
//! [`PickedFile::slot`](crate::checkpoint::PickedFile::slot) says which is which. Every request carries an id from one rising counter, so
//! an answer to anything but the newest request of its kind is recognised as stale and dropped.

mod bench;
mod device;
mod inside;
mod make;
mod prove;
mod teach;
mod topic;

pub use bench::{BenchCommand, BenchEvent, Case, KernelTime, Measured, Outcome, Profile};
pub use device::{
    Adapter, DeviceLimits, DeviceReport, Executor, KernelCheck, LeftOut, Preference, SelfTest,
};
pub use inside::{Aim, Change, Found, HeadMap, InsideCommand, InsideEvent, Look, Word};
pub use make::{FolderFiles, MakeCommand, MakeEvent, MakeStage, Outlook, Size, TextFacts};
pub use prove::{CurveAsk, ProveCommand, ProveEvent};
pub use teach::{
    DataReport, Deal, DealtToken, Export, Guesses, PlanReport, Resume, RunNews, TeachCommand,
    TeachEvent, Verdict, Wrong,
};
pub use topic::{Asked, Topic};

use crate::checkpoint::address::Address;
use crate::checkpoint::{Hub, KeptEntry, Offer, Source};
use crate::failure::Failure;
use bert::model::TaskHead;
use bert::probe::{Fill, Replaced, Request, Said, Token, Truncated};
use serde::{Deserialize, Serialize};

/// Names one request; rises by one with each.
pub type RequestId = u32;

/// From the page to the engine. What is not read back here, the engine reads by its [`Topic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// First of all: choose a device, test it, report both.
    Start { preference: Preference, hub: Hub },
    /// Find out what loading from an address would mean. Without `contact` no host is asked; the
    /// hub always may be.
    Look {
        id: RequestId,
        address: Address,
        contact: bool,
    },
    /// Say which checkpoints this device keeps.
    ListKept,
    /// Delete one of them.
    Forget { key: String },
    /// Load a checkpoint; the present model keeps answering until the new one is whole and valid.
    Load { id: RequestId, source: Source },
    /// Give up the load with this id.
    CancelLoad { id: RequestId },
    /// Cut a text into tokens; answered at once, even while a forward pass runs.
    Tokenize {
        id: RequestId,
        text: String,
        pair: Option<String>,
    },
    /// Predict what is hidden. Replaces any earlier probe, waiting or running.
    Probe { id: RequestId, request: Request },
    /// Give up the probe with this id.
    CancelProbe { id: RequestId },
    /// Looking into the model.
    #[serde(skip_deserializing)]
    Inside {
        id: RequestId,
        command: InsideCommand,
    },
    /// Anything that has to do with training.
    #[serde(skip_deserializing)]
    Teach {
        id: RequestId,
        command: TeachCommand,
    },
    /// Anything that has to do with the sample-efficiency curve.
    #[serde(skip_deserializing)]
    Prove {
        id: RequestId,
        command: ProveCommand,
    },
    /// Anything that has to do with measuring.
    #[serde(skip_deserializing)]
    Bench {
        id: RequestId,
        command: BenchCommand,
    },
    /// Anything that has to do with making a new model.
    #[serde(skip_deserializing)]
    Make { id: RequestId, command: MakeCommand },
}

/// A request that a script has made, for the page's count of what leaves this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// Empty where it is the page's own.
    pub host: String,
    /// Of its content.
    pub bytes: u64,
}

/// From the engine to the page. What is not written here, the engine writes by its [`Topic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The worker listens.
    Alive,
    /// The worker asks a host for something. `static/meter.js` writes this.
    Requested {
        request: Requested,
    },
    /// The device is chosen.
    Device {
        report: DeviceReport,
    },
    /// Kernels have been run on known inputs. Comes again, with all of them, once the larger ones
    /// have been tested too.
    SelfTest {
        test: SelfTest,
    },
    /// How far a load has come.
    Progress {
        id: RequestId,
        progress: Progress,
    },
    /// The new model is in place, the old one gone.
    Loaded {
        id: RequestId,
        model: ModelFacts,
    },
    LoadFailed {
        id: RequestId,
        failure: Failure,
    },
    LoadCancelled {
        id: RequestId,
    },
    /// What was to be loaded is no longer whole on this device, and the visitor has not been asked
    /// whether to download it.
    LoadOffered {
        id: RequestId,
        offer: Offer,
    },
    /// Answers [`Command::Look`].
    Offered {
        id: RequestId,
        offer: Offer,
    },
    LookFailed {
        id: RequestId,
        failure: Failure,
    },
    /// What this device keeps; sent whenever that changes.
    Kept {
        entries: Vec<KeptEntry>,
        /// Whether the browser keeps them until the visitor deletes them, where it tells.
        persistent: Option<bool>,
    },
    Tokens {
        id: RequestId,
        tokens: Vec<Token>,
        truncated: Option<Truncated>,
    },
    /// `milliseconds` is the time from taking up the request to having its numbers.
    Filled {
        id: RequestId,
        fill: Fill,
        milliseconds: f64,
    },
    /// A discriminator's answer to a probe.
    Marked {
        id: RequestId,
        marks: Replaced,
        milliseconds: f64,
    },
    /// What the head of a task says of the text of a probe that hides nothing.
    Said {
        id: RequestId,
        said: Box<Said>,
        milliseconds: f64,
    },
    ProbeFailed {
        id: RequestId,
        failure: Failure,
    },
    ProbeCancelled {
        id: RequestId,
    },
    /// Answers the [`Command::Inside`] with this id.
    #[serde(skip_serializing)]
    Inside {
        id: RequestId,
        event: InsideEvent,
    },
    /// Answers the [`Command::Teach`] with this id.
    #[serde(skip_serializing)]
    Teach {
        id: RequestId,
        event: TeachEvent,
    },
    /// Answers the [`Command::Prove`] with this id.
    #[serde(skip_serializing)]
    Prove {
        id: RequestId,
        event: ProveEvent,
    },
    /// Answers the [`Command::Bench`] with this id.
    #[serde(skip_serializing)]
    Bench {
        id: RequestId,
        event: BenchEvent,
    },
    /// Answers the [`Command::Make`] with this id.
    #[serde(skip_serializing)]
    Make {
        id: RequestId,
        event: MakeEvent,
    },
    Memory {
        memory: Memory,
    },
    /// The device is gone; this worker can do no more.
    DeviceLost {
        failure: Failure,
    },
    /// The engine itself broke; this worker can do no more.
    Fatal {
        failure: Failure,
    },
}

/// The stages of a load, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waiting for the device.
    Wait,
    /// Configuration and vocabulary.
    Read,
    /// Weights, over the network and to the device piece by piece.
    Download,
    /// Weights, from this device or from beside the page.
    Upload,
    /// Checking the whole, recording the graph, making pipelines.
    Compile,
}

/// How far a load has come; bytes where the stage has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub stage: Stage,
    pub done: u64,
    pub total: Option<u64>,
    /// Bytes a second over the last few seconds, while something is downloaded.
    pub speed: Option<u64>,
}

/// What is loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    pub name: String,
    /// Of the weights' file: two models of one name are two models.
    pub sha256: String,
    pub architecture: String,
    pub layers: usize,
    pub hidden_size: usize,
    pub heads: usize,
    pub intermediate_size: usize,
    pub vocabulary: usize,
    pub max_positions: usize,
    pub parameters: u64,
    /// How the file stores its weights, such as `F16`.
    pub dtype: String,
    pub file_bytes: u64,
    /// How it came here and whether this device keeps it, in a sentence, where that is worth one.
    pub provenance: Option<String>,
    /// Why masks cannot be filled, where they cannot.
    pub no_masks: Option<String>,
    /// Whether it reads left to right: words are guessed from those before them.
    #[serde(default)]
    pub causal: bool,
    /// Whether capitals are lost that its vocabulary has.
    pub loses_capitals: bool,
    /// Whether it can be saved as a folder as it was loaded.
    pub can_save: bool,
    /// Whether there is a next-sentence head.
    pub next_sentence: bool,
    /// Whether it says of each token whether it was replaced.
    pub replaced: bool,
    /// How the vocabulary spells a hidden word, such as `[MASK]`; `None` if it cannot.
    pub mask: Option<String>,
    /// Whether there is a pooler.
    pub pooler: bool,
    /// The head that a task put on it.
    pub head: Option<TaskHead>,
}

/// Bytes held now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// By the model, on whichever device runs it.
    pub device: u64,
    /// By the engine's WebAssembly memory, which never shrinks.
    pub wasm: u64,
}

/// Serialises a message. These types hold nothing JSON cannot carry except non-finite numbers,
/// which serde writes as `null`; the engine never sends any.
pub fn encode<T: Serialize>(message: &T) -> Result<String, String> {
    serde_json::to_string(message).map_err(|error| error.to_string())
}

/// Reads a message back; the error names the place in the text.
pub fn decode<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{PickedFile, Role};
    use bert::inside::{Baseline, Head, Seen, Subject};

    fn round_trip<T>(message: T)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
    {
        let text = encode(&message).unwrap();
        assert_eq!(decode::<T>(&text).unwrap(), message, "{text}");
    }

    /// A command as the page writes it, and its part reads it.
    fn asked<C>(command: Command, expected: Asked<C>)
    where
        C: for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
    {
        let text = encode(&command).unwrap();
        let (_, body) = Topic::of(&text).unwrap();
        assert_eq!(decode::<Asked<C>>(body).unwrap(), expected, "{text}");
    }

    #[test]
    fn commands_survive_the_wire() {
        round_trip(Command::Start {
            preference: Preference::Auto,
            hub: Hub::default(),
        });
        round_trip(Command::Load {
            id: 7,
            source: Source::Files {
                name: "mine".into(),
                files: vec![PickedFile {
                    role: Role::Weights,
                    name: "model.safetensors".into(),
                    bytes: u64::from(u32::MAX) * 3,
                    slot: 0,
                }],
            },
        });
        round_trip(Command::Probe {
            id: u32::MAX,
            request: Request {
                text: "a \u{0}\u{202e}\u{1f600} \"[MASK]\"".into(),
                pair: Some(String::new()),
                hidden: vec![1, 511],
                top_k: 5,
                compare: Vec::new(),
            },
        });
    }

    #[test]
    fn what_is_measured_survives_the_wire() {
        let cases = vec![
            Case::Product {
                m: 128,
                k: 768,
                n: 30_522,
            },
            Case::LayerStep {
                texts: 4,
                tokens: 32,
            },
        ];
        let command = BenchCommand::Start { cases };
        let whole = Command::Bench {
            id: 3,
            command: command.clone(),
        };
        asked(whole, Asked { id: 3, command });
        let measured = Measured {
            median: 0.1 + 0.2,
            least: f64::MIN_POSITIVE,
            rounds: 7,
            dispatches: 1,
        };
        let skipped = Outcome::Skipped {
            reason: "no\nroom".into(),
        };
        let profiled = Outcome::Profiled(Profile {
            kernels: vec![KernelTime {
                kernel: "layer_norm".into(),
                dispatches: 5,
                microseconds: 12.5,
            }],
            submits: 2,
            longest_ms: 0.25,
        });
        for outcome in [Outcome::Measured(measured), profiled, skipped] {
            let event = BenchEvent::Ended { place: 1, outcome };
            let text = Topic::Bench.event(3, &event).unwrap();
            assert_eq!(decode::<Event>(&text), Ok(Event::Bench { id: 3, event }));
        }
    }

    #[test]
    fn looks_inside_survive_the_wire() {
        let head = Head { layer: 3, head: 0 };
        let subject = Subject {
            text: "a [MASK]".into(),
            without: vec![head],
            ..Subject::default()
        };
        let look = Look::Attribution {
            subject,
            aim: Aim::Guess {
                place: 2,
                word: Word::Typed("tea".into()),
            },
            baseline: Baseline::Pad,
            points: 32,
        };
        let command = InsideCommand::Look { look };
        let whole = Command::Inside {
            id: 4,
            command: command.clone(),
        };
        asked(whole, Asked { id: 4, command });
        let map = HeadMap {
            seen: Seen {
                tokens: Vec::new(),
                truncated: None,
            },
            head,
            rows: vec![1],
            weights: vec![0.25, f32::MIN_POSITIVE],
            arrives: vec![1.0e9, 0.0],
        };
        let event = InsideEvent::Found {
            found: Box::new(Found::Map(map)),
            milliseconds: 0.5,
        };
        let text = Topic::Inside.event(4, &event).unwrap();
        assert_eq!(decode::<Event>(&text), Ok(Event::Inside { id: 4, event }));
    }

    #[test]
    fn events_survive_the_wire() {
        round_trip(Event::Alive);
        round_trip(Event::Progress {
            id: 1,
            progress: Progress {
                stage: Stage::Upload,
                done: 3,
                total: None,
                speed: None,
            },
        });
        round_trip(Event::LoadFailed {
            id: 2,
            failure: Failure::new("t", "c", "a").with_details("line\nline"),
        });
        let check = KernelCheck {
            kernel: "softmax".into(),
            passed: false,
            max_error: None,
            tolerance: 1e-6,
            detail: Some("element 3".into()),
        };
        let left_out = LeftOut {
            what: "tiles-128x64".into(),
            why: "It computed\nwrong.".into(),
        };
        round_trip(Event::SelfTest {
            test: SelfTest {
                checks: vec![check],
                left_out: vec![left_out],
                complete: false,
                trusted: true,
            },
        });
    }

    #[test]
    fn the_event_that_javascript_writes_is_understood() {
        let text = r#"{"fatal":{"failure":{"title":"t","cause":"c","advice":"a","details":"d"}}}"#;
        let failure = Failure::new("t", "c", "a").with_details("d");
        assert_eq!(decode::<Event>(text), Ok(Event::Fatal { failure }));
    }

    #[test]
    fn what_is_not_a_message_is_refused() {
        assert!(decode::<Command>("{\"format_disk\":{}}").is_err());
        assert!(decode::<Event>("[]").is_err());
        assert!(decode::<Command>("{\"cancel_load\":{\"id\":-1}}").is_err());
    }
}
