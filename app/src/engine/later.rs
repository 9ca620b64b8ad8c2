//! What comes later: the code that only some commands need is a part of its own, which the worker fetches when the first
//! such command comes. `cargo xtask build` takes the program apart at the functions marked here.

use super::Engine;
use super::io::folder::Folder;
use super::port::{post, send};
use crate::checkpoint::address::Address;
use crate::checkpoint::{Hub, Listing, Offer};
use crate::failure::Failure;
use crate::protocol::{Asked, Event, Look, RequestId, Topic, decode};
use bert::data::Text;
use kernels::{CancelToken, LocalBoxFuture};
use serde::de::DeserializeOwned;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{AbortSignal, Blob};

type Task = LocalBoxFuture<'static, ()>;
type Looked = LocalBoxFuture<'static, Result<Offer, Failure>>;
type Opened = LocalBoxFuture<'static, Box<dyn Folder>>;
type Files = Vec<Option<Blob>>;
/// Does a command, which it reads from its JSON.
type Obey = fn(Rc<Engine>, &str, Files);

/// Looking into the model.
pub(super) struct Inside {
    obey: Obey,
    pub look: fn(Rc<Engine>, RequestId, Look, CancelToken) -> Task,
}

/// All that trains, or writes what was trained.
pub(super) struct Learning {
    teach: Obey,
    prove: Obey,
    make: Obey,
    pub answer_try: fn(Rc<Engine>, RequestId, Text, CancelToken) -> Task,
    pub doubt: fn(Rc<Engine>, String) -> Task,
}

/// Measuring.
pub(super) struct Measuring {
    obey: Obey,
}

/// Checkpoints on other hosts.
pub(super) struct Elsewhere {
    look: fn(Hub, Address, bool, AbortSignal) -> Looked,
    folder: fn(Listing, bool, Hub, AbortSignal) -> Opened,
}

#[wasm_split(inside, fallible)]
fn inside() -> Result<&'static Inside, SplitLoaderError> {
    static PART: Inside = Inside {
        obey: |engine, body, _| {
            if let Some(Asked { id, command }) = read(body) {
                engine.inside(id, command);
            }
        },
        look: |engine, id, look, cancel| {
            Box::pin(async move { engine.look_inside(id, look, cancel).await })
        },
    };
    Ok(&PART)
}

#[wasm_split(learning, fallible)]
fn learning() -> Result<&'static Learning, SplitLoaderError> {
    static PART: Learning = Learning {
        teach: |engine, body, files| {
            if let Some(Asked { id, command }) = read(body) {
                engine.teach(id, command, files);
            }
        },
        prove: |engine, body, _| {
            if let Some(Asked { id, command }) = read(body) {
                engine.prove(id, command);
            }
        },
        make: |engine, body, files| {
            if let Some(Asked { id, command }) = read(body) {
                engine.make(id, command, files);
            }
        },
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
        obey: |engine, body, _| {
            if let Some(Asked { id, command }) = read(body) {
                engine.bench(id, command);
            }
        },
    };
    Ok(&PART)
}

#[wasm_split(elsewhere, fallible)]
fn elsewhere() -> Result<&'static Elsewhere, SplitLoaderError> {
    static PART: Elsewhere = Elsewhere {
        look: |hub, address, contact, signal| {
            Box::pin(async move { super::look::look(&hub, &address, contact, signal).await })
        },
        folder: |listing, download, hub, signal| {
            Box::pin(async move {
                let remote = super::io::remote::Remote::new(listing, download, hub, signal).await;
                Box::new(remote) as Box<dyn Folder>
            })
        },
    };
    Ok(&PART)
}

type FetchElsewhere = fn() -> LocalBoxFuture<'static, Result<&'static Elsewhere, SplitLoaderError>>;

thread_local! {
    /// Fetches that part. Other parts need it too: called by its name there, the build would take it for one of the page's
    /// program as well, which is made of the same library.
    static ELSEWHERE: Cell<Option<FetchElsewhere>> = const { Cell::new(None) };
}

/// Makes ready to fetch parts.
pub(super) fn start() {
    ELSEWHERE.set(Some(|| Box::pin(elsewhere())));
}

async fn fetch_elsewhere() -> Result<&'static Elsewhere, Failure> {
    let fetch = ELSEWHERE.get().ok_or_else(away)?;
    fetch().await.map_err(|_| away())
}

/// Finds out what loading from an address would mean.
///
/// # Errors
/// As `look` in `look.rs`; also where its part cannot be fetched.
pub(super) async fn look(
    hub: Hub,
    address: Address,
    contact: bool,
    signal: AbortSignal,
) -> Result<Offer, Failure> {
    let part = fetch_elsewhere().await?;
    (part.look)(hub, address, contact, signal).await
}

/// A checkpoint on another host.
///
/// # Errors
/// Its part cannot be fetched.
pub(super) async fn folder(
    listing: Listing,
    download: bool,
    hub: Hub,
    signal: AbortSignal,
) -> Result<Box<dyn Folder>, Failure> {
    let part = fetch_elsewhere().await?;
    Ok((part.folder)(listing, download, hub, signal).await)
}

/// Reads a command of a part that is here.
fn read<C: DeserializeOwned>(body: &str) -> Option<Asked<C>> {
    let asked = decode(body);
    asked.map_err(|error| post(&strange(error))).ok()
}

/// Tells that a message of the page makes no sense.
pub(super) fn strange(error: String) -> Event {
    let failure = Failure::new(
        "The page and its engine do not understand each other",
        "They may come from different versions.",
        "Reload the page without its cache (Ctrl or Cmd, Shift and R).",
    );
    Event::Fatal {
        failure: failure.with_details(error),
    }
}

/// Why a part that cannot be fetched is not here.
fn away() -> Failure {
    Failure::new(
        "A part of the engine could not be loaded",
        "It comes from the page's host when it is first needed, and the connection broke or the host has another version now.",
        "Try again. If that does not help, reload the page.",
    )
}

/// The parts that are here, and the commands that wait for one.
#[derive(Default)]
pub(super) struct Later {
    pub inside: OnceCell<&'static Inside>,
    pub learning: OnceCell<&'static Learning>,
    measuring: OnceCell<&'static Measuring>,
    waiting: RefCell<VecDeque<(Topic, String, Files)>>,
    fetching: Cell<bool>,
}

impl Later {
    /// What does the commands of a topic, where its part is here.
    fn obey(&self, topic: Topic) -> Option<Obey> {
        match topic {
            Topic::Inside => self.inside.get().map(|part| part.obey),
            Topic::Teach => self.learning.get().map(|part| part.teach),
            Topic::Prove => self.learning.get().map(|part| part.prove),
            Topic::Make => self.learning.get().map(|part| part.make),
            Topic::Bench => self.measuring.get().map(|part| part.obey),
        }
    }

    /// Fetches the part of a topic.
    async fn fetch(&self, topic: Topic) -> Result<(), SplitLoaderError> {
        match topic {
            Topic::Inside => {
                let part = inside().await?;
                self.inside.get_or_init(|| part);
            }
            Topic::Teach | Topic::Prove | Topic::Make => {
                let part = learning().await?;
                self.learning.get_or_init(|| part);
            }
            Topic::Bench => {
                let part = measuring().await?;
                self.measuring.get_or_init(|| part);
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Does what a command of a panel asks. Where its part is still on its way, it waits, and so do those that come after it.
    pub(super) fn in_turn(self: Rc<Self>, topic: Topic, body: String, files: Files) {
        if !self.later.fetching.get()
            && let Some(obey) = self.later.obey(topic)
        {
            return obey(self, &body, files);
        }
        let waits = (topic, body, files);
        self.later.waiting.borrow_mut().push_back(waits);
        if self.later.fetching.replace(true) {
            return;
        }
        let work = self.work();
        spawn_local(async move {
            let _work = work;
            loop {
                let next = self.later.waiting.borrow_mut().pop_front();
                let Some((topic, body, files)) = next else {
                    break;
                };
                if self.later.obey(topic).is_none() {
                    // What this leaves away is refused below.
                    let _ = self.later.fetch(topic).await;
                }
                match self.later.obey(topic) {
                    Some(obey) => obey(self.clone(), &body, files),
                    None => refuse(topic, &body),
                }
            }
            self.later.fetching.set(false);
        });
    }
}

/// Answers a command whose part could not be fetched.
fn refuse(topic: Topic, body: &str) {
    match topic.refuse(body, &away()) {
        Ok(events) => events.into_iter().for_each(|event| send(Ok(event), None)),
        Err(error) => post(&strange(error)),
    }
}
