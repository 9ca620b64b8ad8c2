//! Starts, feeds and ends the engine's worker.

use super::surroundings;
use crate::protocol::{Command, Event, Failure, Source, TeachCommand, TextSource, decode, encode};
use crate::sources::files::Offered;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, ErrorEvent, File, MessageEvent, Worker, WorkerOptions, WorkerType};

/// Holds the worker and every file the visitor has given: a new engine can read them again.
#[derive(Default)]
pub struct Supervisor {
    worker: Option<Running>,
    /// By their slots; what nobody names any more is gone.
    shelf: Vec<Option<File>>,
    /// The best weights of the run that is under way; they outlive the engine.
    weights: Option<Blob>,
}

struct Running {
    worker: Worker,
    // Dropped with the worker, so that nothing from an ended engine arrives late.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Supervisor {
    /// Keeps a file and says where it is.
    pub fn shelve(&mut self, path: String, file: File) -> Offered {
        let offered = Offered {
            path,
            bytes: file.size() as u64,
            slot: self.shelf.len(),
        };
        self.shelf.push(Some(file));
        offered
    }

    /// Lets go of all files but those that are still named.
    pub fn clear_shelf(&mut self, named: &[usize]) {
        for (slot, file) in self.shelf.iter_mut().enumerate() {
            file.take_if(|_| !named.contains(&slot));
        }
    }

    /// Keeps a run's best weights, in place of earlier ones.
    pub fn keep_weights(&mut self, weights: Blob) {
        self.weights = Some(weights);
    }

    /// Lets them go, once there is no run that could be resumed from them.
    pub fn forget_weights(&mut self) {
        self.weights = None;
    }

    /// Ends the present worker, which frees its memory and its device, and starts another.
    ///
    /// # Errors
    /// When the browser refuses workers.
    pub fn restart(
        &mut self,
        receive: impl Fn(Event, Option<Blob>) + Clone + 'static,
    ) -> Result<(), Failure> {
        self.worker = None;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("unmask-engine");
        let worker =
            Worker::new_with_options(&surroundings::worker(), &options).map_err(|error| {
                Failure::new(
                    "The engine could not start",
                    "This browser does not let the page start a worker.",
                    "Open the page in a current Chrome, Edge, Firefox or Safari.",
                )
                .with_details(format!("{error:?}"))
            })?;
        let on_message = Closure::new({
            let receive = receive.clone();
            move |message: MessageEvent| {
                let (text, attachment) = open(&message.data());
                let event = text
                    .ok_or_else(|| "not a string".to_owned())
                    .and_then(|text| decode(&text));
                let event = event.unwrap_or_else(|error| Event::Fatal {
                    failure: garbled(&error),
                });
                receive(event, attachment);
            }
        });
        let on_error = Closure::new(move |error: ErrorEvent| {
            error.prevent_default();
            let failure = broken(&error);
            receive(Event::Fatal { failure }, None);
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.worker = Some(Running {
            worker,
            _on_message: on_message,
            _on_error: on_error,
        });
        Ok(())
    }

    /// Sends a command, with the files it speaks of.
    ///
    /// # Errors
    /// When there is no engine or the message cannot be carried.
    pub fn send(&self, command: &Command) -> Result<(), Failure> {
        let Some(running) = &self.worker else {
            return Ok(());
        };
        let text = encode(command).map_err(|error| garbled(&error))?;
        let message = js_sys::Array::of1(&JsValue::from_str(&text));
        for file in self.attachments(command) {
            message.push(&file);
        }
        running
            .worker
            .post_message(&message)
            .map_err(|error| garbled(&format!("{error:?}")))
    }

    /// What a command speaks of and JSON cannot carry.
    fn attachments(&self, command: &Command) -> Vec<JsValue> {
        let shelved = |slot: usize| {
            let file = self.shelf.get(slot).and_then(Option::as_ref);
            file.map_or(JsValue::NULL, JsValue::from)
        };
        match command {
            Command::Load {
                source: Source::Files { files, .. },
                ..
            } => files.iter().map(|file| shelved(file.slot)).collect(),
            Command::Teach { command, .. } => match command {
                TeachCommand::Open { source, .. } | TeachCommand::Predict { source, .. } => {
                    match source {
                        TextSource::File { slot, .. } => vec![shelved(*slot)],
                        _ => Vec::new(),
                    }
                }
                TeachCommand::Attach { file } => vec![shelved(file.slot)],
                TeachCommand::Start {
                    resume: Some(_), ..
                } => self.weights.iter().map(JsValue::from).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

/// A message's text, and what came with it.
fn open(data: &JsValue) -> (Option<String>, Option<Blob>) {
    match data.dyn_ref::<js_sys::Array>() {
        Some(parts) => (parts.get(0).as_string(), parts.get(1).dyn_into().ok()),
        None => (data.as_string(), None),
    }
}

fn garbled(details: &str) -> Failure {
    Failure::new(
        "The page and its engine do not understand each other",
        "A message between them could not be read. They may come from different versions.",
        "Reload the page without its cache (Ctrl or Cmd, Shift and R).",
    )
    .with_details(details)
}

/// The worker's script could not be loaded, or its program trapped without a panic.
fn broken(error: &ErrorEvent) -> Failure {
    let message = error.message();
    let (cause, advice) = if message.is_empty() {
        (
            "Its program could not be loaded: the connection broke, or a file is missing.",
            "Start it again; if that fails, reload the page.",
        )
    } else {
        (
            "It stopped without a word, which mostly means that memory ran out.",
            "Start it again; a smaller model or a shorter text needs less memory.",
        )
    };
    Failure::new("The engine stopped", cause, advice).with_details(format!(
        "{message}\n{}:{}",
        error.filename(),
        error.lineno()
    ))
}
