//! Starts, feeds and ends the engine's worker.

use super::surroundings;
use crate::checkpoint::Source;
use crate::checkpoint::basket::Offered;
use crate::failure::Failure;
use crate::protocol::{Command, Event, MakeCommand, TeachCommand, decode, encode};
use crate::recipe::TextSource;
use js_sys::Reflect;
use leptos::leptos_dom::helpers::{TimeoutHandle, set_timeout_with_handle};
use leptos::prelude::window;
use std::{cell::Cell, rc::Rc, time::Duration};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, File, MessageEvent, Worker, WorkerOptions, WorkerType};

/// A new engine that has said nothing for this long is told of. A slow connection may need longer:
/// it goes on starting meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where `boot.js` leaves the engine that it has started.
const EARLY: &str = "unmaskWorker";

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
    _on_error: Closure<dyn FnMut(web_sys::Event)>,
    watchdog: Watchdog,
}

/// What waits for an engine's first word.
type Watchdog = Rc<Cell<Option<TimeoutHandle>>>;

fn call_off(watchdog: &Watchdog) {
    if let Some(timer) = watchdog.take() {
        timer.clear();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        call_off(&self.watchdog);
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

    /// The best weights of the run, and the file of its texts.
    pub fn parts_of(&self, texts: &TextSource) -> (Option<Blob>, Option<File>) {
        let file = match texts {
            TextSource::File { slot, .. } => self.shelf.get(*slot).cloned().flatten(),
            _ => None,
        };
        (self.weights.clone(), file)
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
        let worker = match early() {
            Some(worker) => worker,
            None => begin()?,
        };
        let silent = {
            let receive = receive.clone();
            move || receive(Event::Fatal { failure: silent() }, None)
        };
        let watchdog: Watchdog = Rc::new(Cell::new(set_timeout_with_handle(silent, PATIENCE).ok()));
        let on_message = Closure::new({
            let (receive, watchdog) = (receive.clone(), watchdog.clone());
            move |message: MessageEvent| {
                let (text, attachment) = open(&message.data());
                let event = text
                    .ok_or_else(|| "not a string".to_owned())
                    .and_then(|text| decode(&text));
                let event = event.unwrap_or_else(|error| Event::Fatal {
                    failure: garbled(&error),
                });
                // A request is no word of the engine's.
                if !matches!(event, Event::Requested { .. }) {
                    call_off(&watchdog);
                }
                receive(event, attachment);
            }
        });
        let on_error = Closure::new({
            let watchdog = watchdog.clone();
            move |error: web_sys::Event| {
                error.prevent_default();
                call_off(&watchdog);
                let failure = broken(&error);
                receive(Event::Fatal { failure }, None);
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // What came before would have been lost: the program waits for this.
        worker
            .post_message(&JsValue::from_str("start"))
            .map_err(|error| garbled(&format!("{error:?}")))?;
        self.worker = Some(Running {
            worker,
            _on_message: on_message,
            _on_error: on_error,
            watchdog,
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
            Command::Make {
                command:
                    MakeCommand::Read {
                        source: TextSource::File { slot, .. },
                        ..
                    },
                ..
            } => vec![shelved(*slot)],
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

/// The engine that `boot.js` started before this program was there. Taken once.
fn early() -> Option<Worker> {
    let (window, key) = (window(), JsValue::from_str(EARLY));
    let worker = Reflect::get(&window, &key).ok()?.dyn_into().ok();
    let _ = Reflect::set(&window, &key, &JsValue::UNDEFINED);
    worker
}

fn begin() -> Result<Worker, Failure> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name("unmask-engine");
    Worker::new_with_options(&surroundings::worker(), &options).map_err(|error| {
        Failure::new(
            "The engine could not start",
            "This browser does not let the page start a worker.",
            "Open the page in a current Chrome, Edge, Firefox or Safari.",
        )
        .with_details(format!("{error:?}"))
    })
}

fn silent() -> Failure {
    Failure::new(
        "The engine does not answer",
        format!(
            "It was started {} seconds ago and has said nothing since.",
            PATIENCE.as_secs()
        ),
        "On a slow connection, wait: it goes on starting. Otherwise start it again; if that does \
         not help, reload the page.",
    )
}

/// The worker's script could not be loaded, or its program trapped without a panic.
///
/// A script that could not be fetched is told of by a plain event, which has none of an error's
/// properties.
fn broken(error: &JsValue) -> Failure {
    let get = |name: &str| Reflect::get(error, &JsValue::from_str(name)).unwrap_or_default();
    let text = |name: &str| get(name).as_string().filter(|text| !text.is_empty());
    let Some(message) = text("message") else {
        return Failure::new(
            "The engine could not start",
            "Its program could not be loaded: the connection broke, or a file is missing on the \
             page's host.",
            "Check the connection and start it again. If that does not help, reload the page: \
             there may be a newer one.",
        )
        .with_details(surroundings::worker());
    };
    let place = text("filename").unwrap_or_default();
    let line = get("lineno").as_f64().unwrap_or_default();
    Failure::new(
        "The engine stopped",
        "It crashed without an error message, usually because memory ran out.",
        "Start it again; a smaller model or a shorter text needs less memory.",
    )
    .with_details(format!("{message}\n{place}:{line}"))
}
