//! What the widgets show, worked out from the state in plain Rust.

use super::format;
use super::session::Engine;
use super::{Session, State};
use crate::link::Panel;
use crate::protocol::{Executor, KernelCheck, Stage};

/// How a badge looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Wait,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// The style sheet's name for it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// The engine in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    pub tone: Tone,
    pub text: String,
    /// Memory in use, once there is something to say.
    pub memory: Option<String>,
}

/// A load as the model bar shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadLine {
    pub name: String,
    pub stage: &'static str,
    /// Bytes done and to do, in words, where the stage counts them.
    pub amount: String,
    /// Between 0 and 1; `None` where no one knows.
    pub fraction: Option<f64>,
    pub cancelling: bool,
}

impl Session {
    pub fn badge(&self) -> Badge {
        let (tone, text) = match (self.engine, &self.device) {
            (Engine::Broken, _) => (Tone::Bad, "Engine stopped".to_owned()),
            (Engine::Starting, _) => (Tone::Wait, "Starting the engine".to_owned()),
            (Engine::Alive, None) => (Tone::Wait, "Looking for a GPU".to_owned()),
            (Engine::Alive, Some(_)) if self.is_distrusted() => (
                Tone::Bad,
                format!("{}: wrong answers from {}", self.runs_on(), self.wrong()),
            ),
            (Engine::Alive, Some(device)) => {
                let left_out: Vec<&str> = self.left_out().iter().map(|o| o.what.as_str()).collect();
                let tone = match (&self.test, &device.note) {
                    (None, _) => Tone::Wait,
                    (Some(_), None) if left_out.is_empty() => Tone::Good,
                    (Some(_), _) => Tone::Warn,
                };
                let text = match left_out[..] {
                    [] => self.runs_on().to_owned(),
                    _ => format!("{}, without {}", self.runs_on(), left_out.join(", ")),
                };
                (tone, text)
            }
        };
        let used = self.memory.device;
        Badge {
            tone,
            text,
            memory: (used > 0).then(|| format::bytes(used)),
        }
    }

    /// The device in one word or two.
    pub fn runs_on(&self) -> &'static str {
        match &self.device {
            None => "Nothing yet",
            Some(device) => match (device.executor, &device.adapter) {
                (Executor::Cpu, _) => "CPU",
                (Executor::Gpu, Some(adapter)) if adapter.software => "GPU (software)",
                (Executor::Gpu, _) => "GPU",
            },
        }
    }

    /// A word about the device where it is not what one would expect.
    pub fn device_line(&self) -> Option<&'static str> {
        let device = self
            .device
            .as_ref()
            .filter(|device| device.note.is_some())?;
        Some(match &device.adapter {
            _ if self.stands_in.is_some() => "Runs on the CPU: the GPU here computes wrong.",
            Some(adapter) if adapter.software => {
                "Runs on the CPU: the only GPU here is imitated in software."
            }
            _ => "Runs on the CPU: no usable GPU was found.",
        })
    }

    /// What to call the GPU among the choices: a software one is named as such.
    pub fn gpu_label(&self) -> &'static str {
        let software = self
            .device
            .as_ref()
            .and_then(|device| device.adapter.as_ref())
            .is_some_and(|adapter| adapter.software);
        if software { "GPU (software)" } else { "GPU" }
    }

    /// The self-test in one sentence.
    pub fn self_test(&self) -> (Tone, String) {
        let Some(test) = &self.test else {
            return (Tone::Wait, "Self-test: running".to_owned());
        };
        if !test.trusted {
            let wrong = self.wrong();
            return (
                Tone::Bad,
                format!("Self-test failed: {wrong}. Do not trust what this device computes."),
            );
        }
        let all = test.checks.len();
        let right = all - test.failed().count();
        let tone = match right == all && test.left_out.is_empty() {
            true => Tone::Good,
            false => Tone::Warn,
        };
        let mut line = match right == all {
            true => format!("Self-test passed: all {all} GPU kernels"),
            false => format!("Self-test failed: {right} of {all} GPU kernels passed"),
        };
        let without: Vec<&str> = test.left_out.iter().map(|o| o.what.as_str()).collect();
        if !without.is_empty() {
            line += &format!(", without {}", without.join(", "));
        }
        (tone, line)
    }

    /// What belongs to the self-test's sentence: what was left out and why, and what is still to be
    /// tested.
    pub fn self_test_notes(&self) -> Vec<String> {
        let left_out = self.left_out().iter();
        let mut notes: Vec<String> = left_out
            .map(|one| format!("Without {}: {}", one.what, one.why))
            .collect();
        if self.test.as_ref().is_some_and(|test| !test.complete) {
            notes.push(
                "The larger variants of the matrix products are tested after the first answer, when \
                 the engine is idle."
                    .to_owned(),
            );
        }
        notes
    }

    /// The load that runs, if one does.
    pub fn load_line(&self) -> Option<LoadLine> {
        let loading = self.loading.as_ref()?;
        let progress = loading.progress;
        let stage = match progress.stage {
            Stage::Wait => "Waiting for the engine",
            Stage::Read => "Reading configuration and vocabulary",
            Stage::Download => "Downloading weights",
            Stage::Upload => "Reading weights",
            Stage::Compile => "Preparing the model",
        };
        let (amount, fraction) = match (progress.stage, progress.total) {
            (Stage::Upload | Stage::Download, Some(total)) if total > 0 => (
                format!(
                    "{} of {}{}",
                    format::bytes(progress.done),
                    format::bytes(total),
                    format::pace(total.saturating_sub(progress.done), progress.speed)
                ),
                Some((progress.done as f64 / total as f64).clamp(0.0, 1.0)),
            ),
            (Stage::Upload | Stage::Download | Stage::Read, _) if progress.done > 0 => {
                (format::bytes(progress.done), None)
            }
            _ => (String::new(), None),
        };
        Some(LoadLine {
            name: loading.source.name().to_owned(),
            stage: if loading.cancelling {
                "Cancelling"
            } else {
                stage
            },
            amount,
            fraction,
            cancelling: loading.cancelling,
        })
    }

    /// The model in one line.
    pub fn model_line(&self) -> Option<String> {
        let model = self.model.as_ref()?;
        let (layers, hidden) = (model.layers, model.hidden_size);
        let size = format::parameters(model.parameters);
        let mut line = format!("{layers} layers × {hidden}, {size} parameters");
        if let Some(provenance) = &model.provenance {
            line = format!("{line}. {provenance}");
        }
        Some(line)
    }

    /// Names and values of the model's facts.
    pub fn model_facts(&self) -> Vec<(&'static str, String)> {
        let Some(model) = &self.model else {
            return Vec::new();
        };
        let number = |value: usize| format::grouped(value as u64);
        let mut facts = vec![
            ("Architecture", model.architecture.clone()),
            ("Layers", number(model.layers)),
            ("Hidden size", number(model.hidden_size)),
            ("Attention heads", number(model.heads)),
            ("Feed-forward size", number(model.intermediate_size)),
            ("Vocabulary", number(model.vocabulary)),
            (
                "Longest input",
                format!("{} tokens", number(model.max_positions)),
            ),
            ("Parameters", format::grouped(model.parameters)),
            ("Stored as", model.dtype.clone()),
            ("File", format::bytes(model.file_bytes)),
        ];
        if model.loses_capitals {
            let words = "Made small, as transformers does with these files, although the vocabulary has \
                         words with capitals. If the model is a cased one, its tokenizer_config.json \
                         lacks \"do_lower_case\": false.";
            facts.push(("Capitals", words.to_owned()));
        }
        if let Some(address) = self.address() {
            facts.push(("Address", address.to_string()));
        }
        facts
    }
}

/// A kernel's error against its tolerance, for the self-test's table.
pub fn check_line(check: &KernelCheck) -> String {
    let error = check
        .max_error
        .map_or("not a number".to_owned(), |error| format!("{error:.1e}"));
    let line = format!("{error} of {:.1e} allowed", check.tolerance);
    match &check.detail {
        Some(detail) => format!("{line}; {detail}"),
        None => line,
    }
}

impl State {
    /// What happens, for those who listen rather than look: stages and results, not every byte.
    pub fn spoken(&self) -> String {
        if let Some(said) = self.linked.said {
            return said.to_owned();
        }
        if let Some(line) = self.session.load_line() {
            return format!("{}: {}.", line.name, line.stage);
        }
        let Some(model) = &self.session.model else {
            return String::new();
        };
        match self.panel {
            Panel::Teach => {
                if let Some(news) = self.taught() {
                    return news;
                }
            }
            Panel::Prove => {
                if let Some(words) = self.curve_spoken() {
                    return words;
                }
            }
            Panel::Bench => return self.bench.line(),
            Panel::Inside => {
                if let Some(words) = self.inside.voice.and_then(|voice| voice.0(self)) {
                    return words;
                }
            }
            Panel::Learn => return String::new(),
            Panel::Probe => {}
        }
        let results = self.probe.spoken();
        if results.is_empty() {
            format!("{} is ready.", model.name)
        } else {
            results
        }
    }

    /// The line below the tokens: the one that is looked at, or what one can do with them.
    pub fn token_line(&self) -> Option<String> {
        let can_hide = |probe: &super::Probe| {
            let model = self.session.model.as_ref()?;
            let words = probe.tokens.iter().any(|token| !token.special);
            let can_hide = words && model.mask.is_some() && model.no_masks.is_none();
            can_hide.then(|| match model.causal {
                true => "This model reads left to right. Press a word: it is guessed from the words before it alone.".to_owned(),
                false => "Press a word to hide it, again to show it.".to_owned(),
            })
        };
        self.probe.inspected().or_else(|| can_hide(&self.probe))
    }

    /// Whether two texts are given to a model that has no opinion on pairs.
    pub fn lacks_verdict(&self) -> bool {
        let model = self.session.model.as_ref();
        self.probe.paired
            && model.is_some_and(|m| !m.next_sentence && m.no_masks.is_none() && !m.causal)
    }

    /// What the Probe panel says where it has no result to show.
    pub fn hint(&self) -> Option<String> {
        let (session, probe) = (&self.session, &self.probe);
        let hint = match &session.model {
            None if session.loading.is_some() => {
                "Tokens appear once the model is here.".to_owned()
            }
            None => "No model is loaded. Load the bundled one or open your own checkpoint.".into(),
            Some(model) if model.replaced => {
                "This model tells which words someone replaced: under each word stands how likely \
                 that is. Change one and see whether it notices."
                    .to_owned()
            }
            Some(model) => match &model.no_masks {
                Some(_) if model.head.is_some() => {
                    "This model has no head for hidden words, but one for a task: below stands what it says of the text."
                        .to_owned()
                }
                Some(reason) => reason.clone(),
                None if probe.tokens.iter().all(|token| token.special) && !probe.busy() => {
                    "Type a sentence above.".to_owned()
                }
                None => return None,
            },
        };
        Some(hint)
    }
}
