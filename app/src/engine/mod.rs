//! The engine: a worker that owns the device, the tokenizer and the model, and does what the
//! page's [`Command`]s ask.
//!
//! One thread. Long work breathes: between the pieces of a file and the steps of a plan the
//! worker handles the messages that wait, so a newer edit or a cancel is heard at once.

mod bench;
mod conversion;
mod device;
mod idle;
mod inside;
pub mod io;
mod later;
mod load;
mod look;
mod make;
mod parts;
pub mod port;
pub mod queue;
mod report;
mod resident;
mod slot;
mod speed;
mod teach;
mod tuning;
pub(crate) mod words;

use crate::checkpoint::Hub;
use crate::checkpoint::address::Address;
use crate::failure::Failure;
use crate::protocol::{
    Command, Event, Executor, Look, Memory, Preference, Progress, RequestId, SelfTest, Stage,
    Topic, decode,
};
use bert::data::Text;
use bert::model::Model;
use bert::probe::{ProbeError, Request, fill_mask, predict, replaced, tokenize};
use bert::tokenizer::Tokenizer;
use idle::Idle;
use io::kept::Shelf;
use io::worker::{breathe, scope, sleep, ticks, wasm_bytes};
use kernels::{CancelToken, Control, Device};
use later::{Later, strange};
use load::{Ended, Load, Loaded};
use make::Workshop;
use port::post;
use queue::Queue;
use resident::{Place, Resident, held};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use teach::Classroom;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, MessageEvent};
use words::sentence;

/// How often the device is asked whether it is still there.
const PULSE_MS: i32 = 500;

/// Starts listening.
pub fn start() {
    std::panic::set_hook(Box::new(report::on_panic));
    report::log_to_console();
    later::start();
    let engine = Rc::new(Engine::default());
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        engine.clone().on_message(&message);
    });
    // Lives as long as the worker.
    scope().set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
    post(&Event::Alive);
}

#[derive(Default)]
struct Engine {
    device: RefCell<Option<Device>>,
    hub: RefCell<Hub>,
    /// Ends the newest look at an address.
    looking: RefCell<Option<AbortController>>,
    /// The load that runs, or that waits for the device.
    load: RefCell<Option<Rc<Load>>>,
    /// The present model.
    place: Place,
    probes: RefCell<Queue<Request>>,
    looks: RefCell<Queue<Look>>,
    classroom: Classroom,
    draining: Cell<bool>,
    /// What the self-test has found so far.
    tested: RefCell<SelfTest>,
    idle: Idle,
    /// Ends the measuring that was asked for last.
    benching: RefCell<Option<CancelToken>>,
    workshop: Workshop,
    later: Later,
}

impl Engine {
    fn on_message(self: Rc<Self>, message: &MessageEvent) {
        self.stir();
        let data: js_sys::Array = message.data().unchecked_into();
        let text = data.get(0).as_string().unwrap_or_default();
        if let Some((topic, body)) = Topic::of(&text) {
            return self.in_turn(topic, body.to_owned(), load::attachments(&data));
        }
        match decode::<Command>(&text) {
            Ok(Command::Start { preference, hub }) => {
                *self.hub.borrow_mut() = hub;
                spawn_local(async move { self.open(preference).await });
            }
            Ok(Command::Load { id, source }) => {
                let files = load::attachments(&data);
                let hub = self.hub.borrow().clone();
                self.begin(Load::new(id, source, files, hub));
            }
            Ok(Command::Look {
                id,
                address,
                contact,
            }) => spawn_local(async move { self.look(id, address, contact).await }),
            Ok(Command::ListKept) => spawn_local(tell_kept()),
            Ok(Command::Forget { key }) => spawn_local(async move {
                if let Some(shelf) = Shelf::open().await {
                    shelf.delete(&key).await;
                }
                tell_kept().await;
            }),
            Ok(Command::CancelLoad { id }) => self.cancel_load(id),
            Ok(Command::Tokenize { id, text, pair }) => {
                self.tokenize(
                    id,
                    &Request {
                        text,
                        pair,
                        hidden: Vec::new(),
                        top_k: 1,
                        compare: Vec::new(),
                    },
                );
            }
            Ok(Command::Probe { id, request }) => {
                self.looks.borrow_mut().interrupt();
                self.probes.borrow_mut().push(id, request);
                self.drain();
            }
            Ok(Command::CancelProbe { id }) => {
                if self.probes.borrow_mut().cancel(id) {
                    post(&Event::ProbeCancelled { id });
                }
            }
            Ok(_) => post(&strange("it belongs to a later part".to_owned())),
            Err(error) => post(&strange(error)),
        }
    }

    /// Opens the device, starts the load that waits for it, and tests the device meanwhile.
    async fn open(self: Rc<Self>, preference: Preference) {
        let (device, report) = device::choose(preference).await;
        let on_gpu = report.executor == Executor::Gpu;
        *self.tested.borrow_mut() = report.untested();
        post(&Event::Device { report });
        *self.device.borrow_mut() = Some(device.clone());
        self.tell_memory();
        let waiting = self.load.borrow().clone();
        if let Some(load) = waiting {
            self.clone().run_load(load);
        }
        if on_gpu {
            spawn_local(watch(device.clone()));
        }
        self.test_and_try(device).await;
    }

    /// Begins a load in place of an earlier one, unless it would take the present model from whoever
    /// holds it.
    fn begin(self: Rc<Self>, load: Load) {
        if self.place.is_held() {
            let (id, failure) = (load.id, held());
            return post(&Event::LoadFailed { id, failure });
        }
        let load = Rc::new(load);
        if let Some(earlier) = self.load.borrow_mut().replace(load.clone()) {
            earlier.stop();
        }
        if self.device.borrow().is_some() {
            self.run_load(load);
        } else {
            let progress = Progress {
                stage: Stage::Wait,
                done: 0,
                total: None,
                speed: None,
            };
            post(&Event::Progress {
                id: load.id,
                progress,
            });
        }
    }

    /// Finds out what loading from an address would mean; a newer look ends an older one.
    async fn look(&self, id: RequestId, address: Address, contact: bool) {
        let abort = AbortController::new().expect_throw("every browser with workers has these");
        let signal = abort.signal();
        if let Some(earlier) = self.looking.borrow_mut().replace(abort) {
            earlier.abort();
        }
        let hub = self.hub.borrow().clone();
        match later::look(hub, address, contact, signal).await {
            Ok(offer) => post(&Event::Offered { id, offer }),
            Err(failure) => post(&Event::LookFailed { id, failure }),
        }
    }

    /// Gives up a load at once: a read that has stalled ends by itself later, unheard.
    fn cancel_load(&self, id: RequestId) {
        let load = self.load.borrow_mut().take_if(|load| load.id == id);
        if let Some(load) = load {
            load.stop();
            post(&Event::LoadCancelled { id });
        }
    }

    fn run_load(self: Rc<Self>, load: Rc<Load>) {
        let Some(device) = self.device.borrow().clone() else {
            return;
        };
        let work = self.work();
        spawn_local(async move {
            let _work = work;
            let id = load.id;
            let outcome = load.run(&device).await;
            let is_remote = load.source.address().is_some();
            self.load.borrow_mut().take_if(|present| present.id == id);
            match outcome {
                Ok(loaded) => {
                    self.clone().arrive(loaded, load);
                }
                Err(Ended::Cancelled) => post(&Event::LoadCancelled { id }),
                Err(Ended::Failed(failure)) => post(&Event::LoadFailed { id, failure }),
                Err(Ended::Offered(offer)) => post(&Event::LoadOffered { id, offer: *offer }),
            }
            self.tell_memory();
            if is_remote {
                tell_kept().await;
            }
        });
    }

    /// Puts a new model in the old one's place, as soon as nothing runs on the old one.
    fn arrive(self: Rc<Self>, loaded: Loaded, load: Rc<Load>) {
        let Loaded {
            model,
            language,
            facts,
        } = loaded;
        self.place.arrive(Resident {
            model,
            language: Rc::new(language),
            origin: load,
            facts,
            record: None,
            machine: None,
        });
        self.probes.borrow().stop_running();
        self.looks.borrow_mut().interrupt();
        self.drain();
    }

    async fn swap_in(&self) {
        let told = |resident: &Resident| {
            let (id, model) = (resident.origin.id, resident.facts.clone());
            post(&Event::Loaded { id, model });
        };
        self.place.settle(told).await;
        self.tell_memory();
    }

    fn tokenize(&self, id: RequestId, request: &Request) {
        // Without a model the page does not ask; a request that crossed its unloading is dropped.
        if let Some(language) = self.place.language() {
            let (tokens, truncated) = tokenize(&language.tokenizer, &language.config, request);
            post(&Event::Tokens {
                id,
                tokens,
                truncated,
            });
        }
    }

    /// Runs what waits, newest first and one at a time, until nothing does.
    fn drain(self: Rc<Self>) {
        if self.draining.replace(true) {
            return;
        }
        let work = self.work();
        spawn_local(async move {
            let _work = work;
            loop {
                self.swap_in().await;
                let started = self.probes.borrow_mut().start();
                if let Some((id, request, cancel)) = started {
                    let event = self.probe(id, &request, cancel).await;
                    self.probes.borrow_mut().finish();
                    if matches!(
                        event,
                        Event::Filled { .. } | Event::Marked { .. } | Event::Said { .. }
                    ) {
                        self.note_answer();
                    }
                    post(&event);
                    self.tell_memory();
                    continue;
                }
                let started = self.classroom.tries.borrow_mut().start();
                if let Some((id, text, cancel)) = started {
                    if let Some(part) = self.later.learning.get() {
                        (part.answer_try)(self.clone(), id, text, cancel).await;
                    }
                    self.classroom.tries.borrow_mut().finish();
                    self.note_answer();
                    continue;
                }
                let started = self.looks.borrow_mut().start();
                let Some((id, look, cancel)) = started else {
                    break;
                };
                if let Some(part) = self.later.inside.get() {
                    (part.look)(self.clone(), id, look, cancel).await;
                }
                self.looks.borrow_mut().finish();
                self.tell_memory();
            }
            self.draining.set(false);
        });
    }

    /// Runs one probe.
    async fn probe(&self, id: RequestId, request: &Request, cancel: CancelToken) -> Event {
        let Some(mut resident) = self.place.lock().await else {
            return Event::ProbeCancelled { id };
        };
        let Resident {
            model, language, ..
        } = &mut *resident;
        let control = Control::new(cancel, breathe);
        let began = ticks();
        let outcome = if says(model, &language.tokenizer, request) {
            let text = Text {
                text: request.text.clone(),
                pair: request.pair.clone(),
            };
            let said = predict(model, &language.tokenizer, &text, &control).await;
            said.map(|said| Event::Said {
                id,
                said: Box::new(said),
                milliseconds: ticks() - began,
            })
        } else if model.has_replaced() {
            let marks = replaced(model, &language.tokenizer, request, &control).await;
            marks.map(|marks| Event::Marked {
                id,
                marks,
                milliseconds: ticks() - began,
            })
        } else {
            let fill = fill_mask(model, &language.tokenizer, request, &control).await;
            fill.map(|fill| Event::Filled {
                id,
                fill,
                milliseconds: ticks() - began,
            })
        };
        drop(resident);
        match outcome {
            Ok(event) => event,
            Err(ProbeError::Cancelled) => Event::ProbeCancelled { id },
            Err(error) => Event::ProbeFailed {
                id,
                failure: unanswered(&error),
            },
        }
    }

    fn tell_memory(&self) {
        let device = match &*self.device.borrow() {
            Some(Device::Gpu(gpu)) => gpu.memory_in_use(),
            // Whoever holds the model tells by itself when it is done.
            _ => match self.place.memory() {
                Some(bytes) => bytes,
                None => return,
            },
        };
        post(&Event::Memory {
            memory: Memory {
                device,
                wasm: wasm_bytes(),
            },
        });
    }
}

/// Tells the page which checkpoints this device keeps.
async fn tell_kept() {
    let entries = match Shelf::open().await {
        Some(shelf) => shelf.overview().await,
        None => Vec::new(),
    };
    let persistent = Shelf::is_persistent().await;
    post(&Event::Kept {
        entries,
        persistent,
    });
}

/// Tells the page when the GPU is lost.
async fn watch(device: Device) {
    let Device::Gpu(gpu) = device else { return };
    loop {
        if let Some(reason) = gpu.lost() {
            let failure = Failure::new(
                "The GPU was lost",
                "The browser or the driver took it away: after sleep, an update, a crash, or when \
                 memory ran out.",
                "A new engine starts by itself and loads the model again. If the GPU is lost time \
                 and again, choose the CPU under Engine.",
            )
            .with_details(reason);
            post(&Event::DeviceLost { failure });
            return;
        }
        sleep(PULSE_MS).await;
    }
}

fn unanswered(error: &ProbeError) -> Failure {
    let advice = match error {
        ProbeError::NotFinite(_) => {
            "Another text may be answered. If none is, load the checkpoint again, or another one."
        }
        _ => "Try again. If it keeps failing, choose another device under Engine.",
    };
    Failure::new("The model could not answer", sentence(error), advice)
}

/// Whether a probe is a question to the head of a task: there is one, and no word is hidden that could be guessed.
fn says(model: &Model, tokenizer: &Tokenizer, request: &Request) -> bool {
    let typed = |mask: &str| {
        let pair = request.pair.as_deref().unwrap_or_default();
        request.text.contains(mask) || pair.contains(mask)
    };
    let hides = !request.hidden.is_empty() || tokenizer.mask_token().is_some_and(typed);
    model.head().is_some() && !(hides && model.guesses_words().is_ok())
}
