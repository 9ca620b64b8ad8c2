//! What comes later: the code that only some commands need is a part of its own, which the worker fetches when the first
//! such command comes. `cargo xtask build` takes the program apart at the functions marked here.

use super::Engine;
use super::port::post;
use crate::failure::Failure;
use crate::protocol::{
    BenchCommand, BenchEvent, Command, Event, InsideEvent, Look, MakeCommand, MakeEvent, Outcome,
    ProveCommand, ProveEvent, RequestId, TeachCommand, TeachEvent,
};
use bert::data::Text;
use kernels::{CancelToken, LocalBoxFuture};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::Blob;

type Task = LocalBoxFuture<'static, ()>;
type Files = Vec<Option<Blob>>;

/// Looking into the model.
pub(super) struct Inside {
    pub look: fn(Rc<Engine>, RequestId, Look, CancelToken) -> Task,
}

/// All that trains, or writes what was trained.
pub(super) struct Learning {
    pub teach: fn(Rc<Engine>, RequestId, TeachCommand, Files),
    pub prove: fn(Rc<Engine>, RequestId, ProveCommand),
    pub make: fn(Rc<Engine>, RequestId, MakeCommand, Files),
    pub answer_try: fn(Rc<Engine>, RequestId, Text, CancelToken) -> Task,
    pub doubt: fn(Rc<Engine>, String) -> Task,
}

/// Measuring.
pub(super) struct Measuring {
    pub bench: fn(Rc<Engine>, RequestId, BenchCommand),
}

#[wasm_split(inside, fallible)]
fn inside() -> Result<&'static Inside, SplitLoaderError> {
    static PART: Inside = Inside {
        look: |engine, id, look, cancel| {
            Box::pin(async move { engine.look_inside(id, look, cancel).await })
        },
    };
    Ok(&PART)
}

#[wasm_split(learning, fallible)]
fn learning() -> Result<&'static Learning, SplitLoaderError> {
    static PART: Learning = Learning {
        teach: Engine::teach,
        prove: Engine::prove,
        make: Engine::make,
        answer_try: |engine, id, text, cancel| {
            Box::pin(async move { engine.answer_try(id, text, cancel).await })
        },
        doubt: |engine, doubt| Box::pin(async move { engine.doubt_lessons(doubt).await }),
    };
    Ok(&PART)
}

#[wasm_split(measuring, fallible)]
fn measuring() -> Result<&'static Measuring, SplitLoaderError> {
    static PART: Measuring = Measuring {
        bench: Engine::bench,
    };
    Ok(&PART)
}

/// The parts that are here, and the commands that wait for one.
#[derive(Default)]
pub(super) struct Later {
    pub inside: OnceCell<&'static Inside>,
    pub learning: OnceCell<&'static Learning>,
    pub measuring: OnceCell<&'static Measuring>,
    waiting: RefCell<VecDeque<(Command, Files)>>,
    fetching: Cell<bool>,
}

impl Later {
    /// Whether the part that a command needs is here.
    fn has(&self, command: &Command) -> bool {
        match command {
            Command::Inside { .. } => self.inside.get().is_some(),
            Command::Teach { .. } | Command::Prove { .. } | Command::Make { .. } => {
                self.learning.get().is_some()
            }
            Command::Bench { .. } => self.measuring.get().is_some(),
            _ => true,
        }
    }

    /// Fetches the part that a command needs.
    async fn fetch(&self, command: &Command) -> Result<(), SplitLoaderError> {
        match command {
            Command::Inside { .. } => {
                let part = inside().await?;
                self.inside.get_or_init(|| part);
            }
            Command::Teach { .. } | Command::Prove { .. } | Command::Make { .. } => {
                let part = learning().await?;
                self.learning.get_or_init(|| part);
            }
            Command::Bench { .. } => {
                let part = measuring().await?;
                self.measuring.get_or_init(|| part);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Engine {
    /// Does what a command of a panel asks. Where its part is still on its way, it waits, and so do those that come after it.
    pub(super) fn in_turn(self: Rc<Self>, command: Command, files: Files) {
        if !self.later.fetching.get() && self.later.has(&command) {
            return self.obey(command, files);
        }
        self.later.waiting.borrow_mut().push_back((command, files));
        if self.later.fetching.replace(true) {
            return;
        }
        let work = self.work();
        spawn_local(async move {
            let _work = work;
            loop {
                let next = self.later.waiting.borrow_mut().pop_front();
                let Some((command, files)) = next else { break };
                match self.later.has(&command) || self.later.fetch(&command).await.is_ok() {
                    true => self.clone().obey(command, files),
                    false => refuse(command),
                }
            }
            self.later.fetching.set(false);
        });
    }

    fn obey(self: Rc<Self>, command: Command, files: Files) {
        let later = &self.clone().later;
        match command {
            Command::Inside { id, command } => self.inside(id, command),
            Command::Bench { id, command } => {
                if let Some(part) = later.measuring.get() {
                    (part.bench)(self, id, command);
                }
            }
            command => {
                let Some(part) = later.learning.get() else {
                    return;
                };
                match command {
                    Command::Teach { id, command } => (part.teach)(self, id, command, files),
                    Command::Prove { id, command } => (part.prove)(self, id, command),
                    Command::Make { id, command } => (part.make)(self, id, command, files),
                    _ => {}
                }
            }
        }
    }
}

/// Answers a command whose part could not be fetched.
fn refuse(command: Command) {
    let failure = Failure::new(
        "A part of the engine could not be loaded",
        "It comes from the page's host when it is first needed, and the connection broke or the host has another version now.",
        "Try again. If that does not help, reload the page.",
    );
    match command {
        Command::Inside { id, .. } => {
            let event = InsideEvent::Failed { failure };
            post(&Event::Inside { id, event });
        }
        Command::Teach { id, .. } => {
            let event = TeachEvent::Failed { failure };
            post(&Event::Teach { id, event });
        }
        Command::Prove { id, .. } => {
            let event = ProveEvent::Failed { failure };
            post(&Event::Prove { id, event });
        }
        Command::Make { id, .. } => {
            let bears = None;
            let event = MakeEvent::Failed { failure, bears };
            post(&Event::Make { id, event });
        }
        Command::Bench { id, command } => {
            let tell = |event| post(&Event::Bench { id, event });
            if let BenchCommand::Start { cases } = command {
                for place in 0..cases.len() {
                    let reason = format!("{}. {}", failure.title, failure.advice);
                    let outcome = Outcome::Skipped { reason };
                    tell(BenchEvent::Ended { place, outcome });
                }
            }
            tell(BenchEvent::Done);
        }
        _ => {}
    }
}
