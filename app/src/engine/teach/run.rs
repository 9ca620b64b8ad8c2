//! A run: the loop that drives it, and what may interrupt it.

use super::best::write_weights;
use super::deal::DealtLosses;
use super::judge::Judge;
use super::lesson::Material;
use super::news::{News, TELL_EVERY_MS};
use super::{Record, fail, tell};
use crate::engine::Engine;
use crate::engine::io::worker::{breathe, sleep, ticks};
use crate::engine::resident::Resident;
use crate::engine::slot::Lease;
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::{RequestId, Resume, TeachEvent, Verdict, Wrong};
use crate::recipe::{Goal, Setup};
use bert::data::{Truth, entities};
use bert::export::{self, Machine};
use bert::train::{EpochReport, Event, TrainError, Training};
use kernels::{CancelToken, Control, Device, DeviceError, RunError};
use std::cell::Cell;
use std::rc::Rc;
use web_sys::Blob;

/// The most steps between two readings of losses.
const MOST_STEPS: usize = 64;
/// How often a resting run looks whether it may go on.
const REST_MS: i32 = 40;
/// How long after a failure of the device the news may come that it is gone.
const LOSS_MS: i32 = 1000;

/// A run, seen from outside its loop.
pub(super) struct Run {
    cancel: CancelToken,
    paused: Cell<bool>,
}

impl Run {
    pub fn pause(&self) {
        self.paused.set(true);
    }

    pub fn go_on(&self) {
        self.paused.set(false);
    }

    pub fn stop(&self) {
        self.cancel.cancel();
    }
}

/// Why a run ended before it was done.
pub(super) enum Ended {
    Stopped,
    /// The device is gone, which the engine's watch tells for everyone.
    Lost,
    /// The device failed, maybe because it is about to be lost.
    Device(Failure),
    Failed(Failure),
}

impl From<TrainError> for Ended {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Run(RunError::Cancelled) => Self::Stopped,
            TrainError::Run(RunError::Device(DeviceError::Lost(_))) => Self::Lost,
            error @ TrainError::Run(RunError::Device(_)) => Self::Device(untaught(&error)),
            error => Self::Failed(untaught(&error)),
        }
    }
}

impl Engine {
    /// Runs from its start to its end. One at a time: the page does not ask for a second one.
    pub(super) async fn run(
        self: Rc<Self>,
        id: RequestId,
        setup: Setup,
        resume: Option<(Resume, Blob)>,
    ) {
        if self.classroom.is_teaching() {
            let cause = "A run is under way already; one at a time.";
            return fail(id, Failure::new("No second run", cause, "Stop the first."));
        }
        if self.load.borrow().is_some() {
            let cause = "Another model is being loaded, which would take this one's place.";
            return fail(id, unlearnable(cause.into()));
        }
        // Nobody takes the model away while this is held.
        let lease = match self.place.lease() {
            Ok(lease) => lease,
            Err(cause) => return fail(id, unlearnable(cause.into())),
        };
        let run = Rc::new(Run {
            cancel: CancelToken::default(),
            paused: Cell::new(false),
        });
        *self.classroom.run.borrow_mut() = Some(run.clone());
        self.trials_over().await;
        let outcome = self.whole_run(id, &setup, resume, &run, &lease).await;
        *self.classroom.run.borrow_mut() = None;
        drop(lease);
        match outcome {
            Ok(()) => self.tell_taught_head(id, &setup).await,
            Err(Ended::Stopped) => {
                tell(id, TeachEvent::Stopped);
                self.tell_taught_head(id, &setup).await;
            }
            Err(Ended::Lost) => {}
            Err(Ended::Device(_)) if self.loses_device().await => {}
            Err(Ended::Device(failure) | Ended::Failed(failure)) => fail(id, failure),
        }
        self.tell_memory();
        // A model may have arrived that waited for the run's end.
        self.drain();
    }

    /// Whether the device is lost or soon will be. A browser rejects what is under way when it
    /// takes a device away, and may tell only afterwards that it did.
    pub(in crate::engine) async fn loses_device(&self) -> bool {
        let Some(Device::Gpu(gpu)) = self.device.borrow().clone() else {
            return false;
        };
        for _ in 0..LOSS_MS / REST_MS {
            if gpu.lost().is_some() {
                return true;
            }
            sleep(REST_MS).await;
        }
        false
    }

    async fn whole_run(
        &self,
        id: RequestId,
        setup: &Setup,
        resume: Option<(Resume, Blob)>,
        run: &Run,
        lease: &Lease<Resident>,
    ) -> Result<(), Ended> {
        let material = {
            let lesson = self.classroom.lesson.borrow().clone();
            if let Some(lesson) = &lesson {
                let (hash, language) = {
                    let resident = lease.lock().await;
                    (
                        resident.model.sha256().to_owned(),
                        resident.language.clone(),
                    )
                };
                lesson.measure(&hash, &language, setup, breathe).await;
            }
            let material = lesson.as_ref().map(|lesson| lesson.material(setup));
            match material {
                Some(Ok(material)) => material,
                Some(Err(cause)) => return Err(Ended::Failed(unlearnable(cause))),
                None => return Err(Ended::Failed(unlearnable("There are no texts.".into()))),
            }
        };
        let doubt = resume.as_ref().and_then(|(resume, _)| resume.doubt.clone());
        let machine = self.machine(doubt);
        let mut resident = lease.lock().await;
        let mut training = begin_run(&mut resident, setup, &material, resume).await?;
        resident.machine = Some(machine.clone());
        drop(resident);
        self.announce(id, setup, &material, machine);
        let resumed = training.state().epoch > 0;
        let judge = Judge::new(id, setup, &material, &run.cancel, lease).await;
        let judge = judge.as_ref();
        let outcome = match judge.filter(|_| !resumed) {
            Some(judge) => judge.guess(true, &mut training, lease).await,
            None => Ok(()),
        };
        let outcome = match outcome {
            Ok(()) => {
                let of = (&material, judge);
                self.drive(id, setup, of, &mut training, run, lease).await
            }
            Err(ended) => Err(ended),
        };
        let finished = training.finish(&mut lease.lock().await.model);
        outcome.and_then(|done| finished.map(|()| done).map_err(Ended::from))
    }

    /// What a run is computed on that begins now. `doubt`: why its first weights are in doubt.
    fn machine(&self, doubt: Option<String>) -> Machine {
        let device = self.device.borrow();
        let standing = self.tested.borrow().standing_doubt();
        Machine {
            doubt: doubt.or(standing),
            ..device.as_ref().map(Machine::of).unwrap_or_default()
        }
    }

    fn announce(&self, id: RequestId, setup: &Setup, material: &Material, machine: Machine) {
        let (train, validation) = material.sizes();
        let head = material.head(&setup.recipe);
        let majority = material.majority();
        tell(
            id,
            TeachEvent::Started {
                head,
                train,
                validation,
                majority,
                machine,
            },
        );
        self.tell_memory();
    }

    /// Advances the run until it is over. Between two steps the model is free for whoever waits.
    async fn drive(
        &self,
        id: RequestId,
        setup: &Setup,
        (material, judge): (&Material, Option<&Judge>),
        training: &mut Training,
        run: &Run,
        lease: &Lease<Resident>,
    ) -> Result<(), Ended> {
        let control = Control::new(run.cancel.clone(), breathe);
        let mut news = News::new(id);
        let mut dealt = (setup.goal.hides_words()).then(DealtLosses::default);
        let (mut active, mut parts) = (0.0, 0);
        loop {
            if run.paused.get() || run.cancel.is_cancelled() {
                let mut resident = lease.lock().await;
                news.tell_all(active, &mut resident.model, training).await?;
            }
            if run.paused.get() {
                tell(id, TeachEvent::Paused);
                while run.paused.get() && !run.cancel.is_cancelled() {
                    sleep(REST_MS).await;
                }
                tell(id, TeachEvent::Continued);
            }
            if run.cancel.is_cancelled() {
                return Err(Ended::Stopped);
            }
            let mut resident = lease.lock().await;
            if let Some(dealt) = &mut dealt {
                let classroom = &self.classroom;
                dealt
                    .tell_if_due(classroom, &mut resident, &control)
                    .await?;
            }
            let began = ticks();
            let event = training.advance(&mut resident.model, &control).await;
            active += ticks() - began;
            let mut event = event.inspect_err(|_| news.tell(active))?;
            parts += 1;
            let each = (active / f64::from(parts)).max(0.01);
            let mut wrong = None;
            match &mut event {
                Event::Epoch(report) => {
                    if report.best {
                        resident.record = Some(self.record(setup, material, report));
                        news.hold_best(training.state());
                    }
                    wrong = mistakes(report, material);
                }
                Event::Steps(_) => {
                    let every = (TELL_EVERY_MS / each) as usize;
                    training.set_report_every(every.clamp(1, MOST_STEPS));
                }
                _ => {}
            }
            let over = matches!(event, Event::Done { .. } | Event::Diverged { .. });
            let model = &mut resident.model;
            if over {
                // The end comes after the weights that it is about.
                news.tell_all(active, model, training).await?;
                if let Some(dealt) = dealt {
                    let classroom = &self.classroom;
                    dealt.tell_last(classroom, &mut resident, &control).await?;
                }
                if let Some(judge) = judge {
                    drop(resident);
                    judge.guess(false, training, lease).await?;
                }
                news.hold(event, wrong);
                news.tell(active);
                return Ok(());
            }
            news.hold(event, wrong);
            news.tell_if_due(active, each, model, training).await?;
            drop(resident);
            breathe().await;
        }
    }

    /// For the card: what the best weights came from.
    fn record(&self, setup: &Setup, material: &Material, report: &EpochReport) -> Record {
        let lesson = self.classroom.lesson.borrow();
        let (train, validation) = material.counts();
        let labelled = matches!(material, Material::Labelled { .. });
        Record {
            kind: material.kind(),
            set: lesson
                .as_ref()
                .map(|l| l.name().to_owned())
                .unwrap_or_default(),
            run: export::Run {
                recipe: setup.recipe,
                train,
                validation,
                pairs: material.has_pairs(),
                figures: labelled.then(|| report.figures.clone()),
                best_epoch: report.epoch,
            },
        }
    }
}

/// Prepares the run on the model, which carries the new classifier from here on.
async fn begin_run(
    resident: &mut Resident,
    setup: &Setup,
    material: &Material,
    resume: Option<(Resume, Blob)>,
) -> Result<Training, Ended> {
    if let Some((resume, _)) = &resume
        && resume.model != resident.model.sha256()
    {
        return Err(Ended::Failed(unlearnable(
            "The kept weights were learned on another model.".into(),
        )));
    }
    (resident.record, resident.machine) = (None, None);
    let Resident {
        model, language, ..
    } = resident;
    let (tokenizer, recipe) = (&language.tokenizer, setup.recipe);
    let mut training = match material {
        Material::Labelled(lesson) => {
            Training::start(model, tokenizer, &lesson.as_lesson(), recipe).await?
        }
        Material::Plain {
            train,
            validation,
            goal,
        } => match goal {
            Goal::Replaced => {
                Training::start_replaced(model, tokenizer, train, validation, recipe).await?
            }
            Goal::NextWord => {
                Training::start_next_word(model, tokenizer, train, validation, recipe).await?
            }
            _ => Training::start_mlm(model, tokenizer, train, validation, recipe).await?,
        },
        Material::Pairs { train, validation } => {
            Training::start_mlm_and_next(model, tokenizer, train, validation, recipe).await?
        }
    };
    if let Some((Resume { state, .. }, weights)) = resume {
        let outcome = match write_weights(model, &training, &weights).await {
            Ok(()) => training.resume(model, &state).map_err(Ended::from),
            Err(failure) => Err(Ended::Failed(failure)),
        };
        if let Err(ended) = outcome {
            // The failure that is told is the first one.
            drop(training.finish(model));
            return Err(ended);
        }
    }
    if let Some(head) = material.head(&recipe)
        && let Err(error) = model.set_head(head)
    {
        // A run has just made it, of this shape.
        log::error!("the head could not be named: {error}");
    }
    Ok(training)
}

/// The texts behind an epoch's mistakes, which leave the report for them.
fn mistakes(report: &mut EpochReport, material: &Material) -> Option<Vec<Wrong>> {
    let Material::Labelled(labelled) = material else {
        return None;
    };
    let mistakes = std::mem::take(&mut report.mistakes);
    let wrong = mistakes.into_iter().filter_map(|mistake| {
        let example = labelled.validation.get(mistake.example)?;
        let verdict = |truth: &Truth| verdict(truth, &labelled.labels, &mistake.probabilities);
        Some(Wrong {
            text: example.text.clone(),
            pair: example.pair.clone(),
            truth: verdict(&example.truth),
            found: verdict(&mistake.found),
        })
    });
    Some(wrong.collect())
}

/// What is right or was found, with the names that the page shows.
fn verdict(truth: &Truth, labels: &[String], probabilities: &[f32]) -> Verdict {
    let name = |label: usize| labels.get(label).cloned().unwrap_or_default();
    match truth {
        Truth::Class(class) => Verdict::Class {
            label: name(*class),
            probability: probabilities.get(*class).copied().unwrap_or_default(),
        },
        Truth::Labels(found) => Verdict::Labels(found.iter().map(|label| name(*label)).collect()),
        Truth::Score(score) => Verdict::Score(*score),
        Truth::Tags(tagged) => {
            let found = entities(tagged, labels).into_iter();
            Verdict::Entities(found.map(|(label, at)| (label.to_owned(), at)).collect())
        }
        Truth::Answers(answers) => Verdict::Answer(answers.first().copied()),
        Truth::Choice { options, right } => Verdict::Choice {
            text: options.get(*right).cloned().unwrap_or_default(),
            probability: probabilities.get(*right).copied().unwrap_or_default(),
        },
    }
}

pub(super) fn unlearnable(cause: String) -> Failure {
    Failure::new(
        "The run cannot begin",
        cause,
        "Change what is named, and start again.",
    )
}

fn untaught(error: &TrainError) -> Failure {
    let advice = match error {
        TrainError::Recipe(_) | TrainError::Data(_) | TrainError::NoPooler => {
            "Change what is named, and start again."
        }
        TrainError::NotFinite(_) => {
            "Load the checkpoint again, or another one: a lower learning rate would not help."
        }
        TrainError::Run(RunError::Device(DeviceError::OutOfMemory { .. })) => {
            "Choose a smaller batch, shorter texts or fewer layers, and start again. The weights \
             from before the run are still there."
        }
        _ => "Start again. If it keeps failing, choose another device under Engine.",
    };
    Failure::new("The run ended", sentence(error), advice)
}
