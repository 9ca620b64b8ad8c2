//! Teaching: the engine's answers to [`TeachCommand`]s.

mod best;
mod curve;
mod deal;
mod hand_out;
mod judge;
mod lesson;
mod linking;
mod news;
mod run;
pub(super) mod zip;

use super::idle::Work;
use super::port::{answer, answer_with};
use super::queue::Queue;
use super::resident::Resident;
use super::{Engine, unanswered};
use crate::checkpoint::PickedFile;
use crate::engine::io::reader::Reader;
use crate::engine::io::worker::{breathe, ticks};
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::{PlanReport, RequestId, TeachCommand, TeachEvent, Topic};
use crate::recipe::{MAX_PROSE, MAX_WEB_TEXTS, Reading, Setup, TextSource};
use bert::data::{MAX_FILE_BYTES, Text, plain_text};
use bert::export::{self, Kind};
use bert::probe::{ProbeError, predict};
use bert::train::Method;
use deal::Dealt;
pub(super) use hand_out::slug;
use kernels::{CancelToken, Control};
use lesson::Lesson;
use run::{Run, unlearnable};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Blob;

/// What the engine keeps for teaching.
#[derive(Default)]
pub(super) struct Classroom {
    lesson: RefCell<Option<Rc<Lesson>>>,
    /// The newest request to open texts; an earlier one that is still read is dropped.
    opening: RefCell<Option<RequestId>>,
    /// The newest plan that is asked for and not made yet.
    plan: RefCell<Option<(RequestId, Box<Setup>)>>,
    planning: RefCell<bool>,
    run: RefCell<Option<Rc<Run>>>,
    /// Words that are shown hidden: a run tells how hard they are.
    dealt: RefCell<Option<Rc<Dealt>>>,
    pub(super) tries: RefCell<Queue<Text>>,
    /// Ends the curve that is drawn.
    curve: RefCell<Option<CancelToken>>,
    /// The export or the predictions under way.
    errand: RefCell<Option<CancelToken>>,
}

/// A run that left its mark on the present model.
#[derive(Clone)]
pub(super) struct Record {
    kind: Kind,
    /// The name of the texts.
    set: String,
    run: export::Run,
}

/// Answers a request.
fn tell(id: RequestId, event: TeachEvent) {
    answer(Topic::Teach, id, &event);
}

/// Answers a request with something that does not fit into JSON.
fn tell_with(id: RequestId, event: TeachEvent, attachment: &JsValue) {
    answer_with(Topic::Teach, id, &event, attachment);
}

fn fail(id: RequestId, failure: Failure) {
    tell(id, TeachEvent::Failed { failure });
}

/// Runs something that counts as work until it ends.
fn during(work: Work, task: impl Future<Output = ()> + 'static) {
    spawn_local(async move {
        task.await;
        drop(work);
    });
}

impl Classroom {
    /// Whether a run has begun and not ended.
    pub(super) fn is_teaching(&self) -> bool {
        self.run.borrow().is_some()
    }
}

impl Engine {
    /// Does what a command asks; `files` came with it.
    pub(super) fn teach(
        self: Rc<Self>,
        id: RequestId,
        command: TeachCommand,
        files: Vec<Option<Blob>>,
    ) {
        let file = files.into_iter().next().flatten();
        let work = self.work();
        match command {
            TeachCommand::Open { source, reading } => {
                during(work, async move {
                    self.open_texts(id, source, reading, file).await
                });
            }
            TeachCommand::Plan { setup } => {
                *self.classroom.plan.borrow_mut() = Some((id, setup));
                during(work, async move { self.plan().await });
            }
            TeachCommand::Start { setup, resume } => {
                let resume = resume.zip(file);
                during(work, async move { self.run(id, *setup, resume).await });
            }
            TeachCommand::Pause => self.with_run(Run::pause),
            TeachCommand::Continue => self.with_run(Run::go_on),
            TeachCommand::Stop => self.with_run(Run::stop),
            TeachCommand::Try { text, pair } => {
                let text = Text { text, pair };
                self.classroom.tries.borrow_mut().push(id, text);
                self.drain();
            }
            TeachCommand::Export { what } => {
                during(work, async move { self.export(id, what).await });
            }
            TeachCommand::Attach { file: picked } => {
                during(work, async move { self.attach(id, picked, file).await });
            }
            TeachCommand::AttachText { head } => {
                during(work, async move { self.attach_text(id, head).await });
            }
            TeachCommand::Predict { source, reading } => {
                during(work, async move {
                    self.predict(id, source, reading, file).await
                });
            }
            TeachCommand::Deal {
                texts,
                masking,
                seed,
            } => self.deal(id, &texts, masking, seed),
            TeachCommand::Cancel => {
                if let Some(token) = &*self.classroom.errand.borrow() {
                    token.cancel();
                }
            }
        }
    }

    /// The self-test found something wrong that may have had a part in what was learned here.
    pub(super) async fn doubt_lessons(&self, doubt: String) {
        let Some(mut resident) = self.place.lock().await else {
            return;
        };
        let teaches = self.classroom.is_teaching();
        let record = resident.record.as_ref();
        let method = record.map(|record| record.run.recipe.method);
        if !teaches && method.is_none() {
            return;
        }
        if let Some(machine) = &mut resident.machine {
            machine.doubt.get_or_insert(doubt);
        }
        drop(resident);
        if !teaches && method == Some(Method::Head) {
            // The link says it too. The page takes the head whoever asked for it.
            self.tell_link_head(0).await;
        }
    }

    fn with_run(&self, act: impl Fn(&Run)) {
        if let Some(run) = &*self.classroom.run.borrow() {
            act(run);
        }
    }

    async fn open_texts(
        &self,
        id: RequestId,
        source: TextSource,
        reading: Reading,
        file: Option<Blob>,
    ) {
        *self.classroom.opening.borrow_mut() = Some(id);
        let read = read_texts(&source, reading, file).await;
        if *self.classroom.opening.borrow() != Some(id) {
            return;
        }
        match read {
            Ok(lesson) => {
                let report = lesson.report();
                *self.classroom.lesson.borrow_mut() = Some(Rc::new(lesson));
                tell(id, TeachEvent::Opened { report });
            }
            Err(failure) => fail(id, failure),
        }
    }

    /// Makes the newest plan that is asked for; several changes in a row make one.
    async fn plan(self: Rc<Self>) {
        if self.classroom.planning.replace(true) {
            return;
        }
        loop {
            let asked = self.classroom.plan.borrow_mut().take();
            let Some((id, setup)) = asked else { break };
            let lesson = self.classroom.lesson.borrow().clone();
            let Some(lesson) = lesson else { continue };
            let report = self.plan_of(&lesson, &setup).await;
            if let Some(report) = report {
                tell(id, TeachEvent::Planned { report });
            }
        }
        self.classroom.planning.replace(false);
    }

    /// What a run on these texts would take; `None` without a model.
    async fn plan_of(&self, lesson: &Lesson, setup: &Setup) -> Option<PlanReport> {
        let (hash, language) = {
            let resident = self.place.lock().await?;
            let hash = resident.model.sha256().to_owned();
            (hash, resident.language.clone())
        };
        lesson.measure(&hash, &language, setup, breathe).await;
        let resident = self.place.lock().await?;
        Some(lesson.plan(setup, &resident.model))
    }

    /// Answers a try as the model stands now, in the middle of a run or after it.
    pub(super) async fn answer_try(&self, id: RequestId, text: Text, cancel: CancelToken) {
        let Some(mut resident) = self.place.lock().await else {
            return tell(id, TeachEvent::Cancelled);
        };
        let Resident {
            model, language, ..
        } = &mut *resident;
        let control = Control::new(cancel, breathe);
        let began = ticks();
        let outcome = predict(model, &language.tokenizer, &text, &control).await;
        drop(resident);
        match outcome {
            Ok(said) => {
                let (said, milliseconds) = (Box::new(said), ticks() - began);
                tell(id, TeachEvent::Tried { said, milliseconds });
            }
            Err(ProbeError::Cancelled | ProbeError::NoTaskHead) => tell(id, TeachEvent::Cancelled),
            Err(error) => fail(id, unanswered(&error)),
        }
    }
}

/// Reads texts from wherever they are.
async fn read_texts(
    source: &TextSource,
    reading: Reading,
    file: Option<Blob>,
) -> Result<Lesson, Failure> {
    if reading.prose {
        let text = text_of(source, file).await?;
        return Lesson::running(source.name(), &text);
    }
    let bytes = bytes_of(source, file, MAX_FILE_BYTES).await?;
    Lesson::read(source.name(), &bytes, reading)
}

async fn bytes_of(
    source: &TextSource,
    file: Option<Blob>,
    most: usize,
) -> Result<Vec<u8>, Failure> {
    let name = source.name();
    match source {
        TextSource::Pasted { text } | TextSource::Typed { text } => Ok(text.as_bytes().to_vec()),
        TextSource::Sample { address, .. } => {
            let reader = Reader::fetch(address).await?;
            let reader = reader.ok_or_else(|| gone(name))?;
            reader.all(most).await
        }
        TextSource::Web { address } => {
            let reader = Reader::web(address).await?;
            reader.all(most.min(MAX_WEB_TEXTS)).await
        }
        TextSource::File { .. } => {
            let file = file.ok_or_else(|| gone(name))?;
            Reader::disk(name, file).all(most).await
        }
    }
}

/// A running text, whole.
///
/// # Errors
/// One that is too long, or no text.
pub(super) async fn text_of(source: &TextSource, file: Option<Blob>) -> Result<String, Failure> {
    let name = source.name();
    let bytes = match source {
        TextSource::File { bytes, .. } => *bytes,
        TextSource::Pasted { text } | TextSource::Typed { text } => text.len() as u64,
        TextSource::Sample { .. } | TextSource::Web { .. } => 0,
    };
    if bytes > MAX_PROSE as u64 {
        let mb = |bytes: f64| format!("{:.0} MB", bytes / 1e6);
        return Err(Failure::new(
            format!("{name} is too long"),
            format!(
                "It has {}: at most {} of running text are read.",
                mb(bytes as f64),
                mb(MAX_PROSE as f64)
            ),
            "Take a part of it.",
        ));
    }
    let bytes = bytes_of(source, file, MAX_PROSE).await?;
    plain_text(&bytes).map_err(|error| {
        Failure::new(
            format!("{name} is no plain text"),
            sentence(&error),
            "Save it as plain text in UTF-8, and open it again.",
        )
    })
}

fn gone(name: &str) -> Failure {
    Failure::new(
        format!("{name} is no longer here"),
        "The browser has let go of the file, or the page's host has none of this name.",
        "Pick or drop the file again.",
    )
}

/// The file of a message that must have one.
fn attached(picked: &PickedFile, file: Option<Blob>) -> Result<Reader, Failure> {
    let file = file.ok_or_else(|| gone(&picked.name))?;
    Ok(Reader::disk(&picked.name, file))
}
