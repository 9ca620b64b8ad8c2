//! The sample-efficiency curve: the loop that draws it from the texts that are open.

use super::lesson::{Labelled, Material};
use super::run::Ended;
use super::{during, unlearnable};
use crate::engine::Engine;
use crate::engine::io::worker::{breathe, ticks};
use crate::engine::port::answer;
use crate::engine::resident::Resident;
use crate::engine::slot::Lease;
use crate::failure::Failure;
use crate::protocol::{CurveAsk, ProveCommand, ProveEvent, RequestId, Topic};
use crate::recipe::{Goal, Setup};
use bert::model::Model;
use bert::train::curve::{Curve, CurveEvent, CurveRun, CurveSetup, usual_sizes};
use bert::train::{Method, Recipe, TrainError};
use kernels::{CancelToken, Control, DeviceError, RunError};
use std::rc::Rc;

/// The page hears how far it is about this often.
const TELL_EVERY_MS: f64 = 200.0;

fn tell(id: RequestId, event: ProveEvent) {
    answer(Topic::Prove, id, &event);
}

/// What is asked, for a model, so many texts to learn from, and so many classes.
fn setup(ask: &CurveAsk, model: &Model, texts: usize, classes: usize) -> CurveSetup {
    let mut sizes = match ask.sizes.is_empty() && !ask.all {
        true => usual_sizes(texts, classes),
        false => ask.sizes.clone(),
    };
    if ask.all && sizes.last().is_none_or(|&last| last < texts) {
        sizes.push(texts);
    }
    let setup = CurveSetup::new(model, &ask.methods, sizes, ask.seeds);
    CurveSetup {
        steps: ask.steps,
        ..setup
    }
}

impl Engine {
    /// Does what a command asks.
    pub(in crate::engine) fn prove(self: Rc<Self>, id: RequestId, command: ProveCommand) {
        match command {
            ProveCommand::Start {
                ask,
                earlier,
                rehearse,
            } => {
                let work = self.work();
                during(work, async move {
                    self.draw(id, ask, earlier, rehearse).await;
                });
            }
            ProveCommand::Stop => {
                if let Some(token) = &*self.classroom.curve.borrow() {
                    token.cancel();
                }
            }
        }
    }

    /// Draws from start to end. One at a time, and not beside a run: the page asks for neither.
    async fn draw(
        self: Rc<Self>,
        id: RequestId,
        ask: CurveAsk,
        earlier: Option<Box<Curve>>,
        rehearse: bool,
    ) {
        let fail = |failure| tell(id, ProveEvent::Failed { failure });
        if self.classroom.is_teaching() || self.load.borrow().is_some() {
            let cause = "A run is under way, or another model is being loaded.";
            return fail(undrawn(cause.to_owned()));
        }
        let lease = match self.place.lease() {
            Ok(lease) => lease,
            Err(cause) => return fail(undrawn(cause.to_owned())),
        };
        let cancel = CancelToken::default();
        *self.classroom.curve.borrow_mut() = Some(cancel.clone());
        self.trials_over().await;
        let control = Control::new(cancel, breathe);
        let outcome = self
            .whole_curve(id, &ask, earlier, rehearse, &control, &lease)
            .await;
        *self.classroom.curve.borrow_mut() = None;
        drop(lease);
        match outcome {
            Ok(()) => tell(id, ProveEvent::Done),
            Err(Ended::Stopped) => tell(id, ProveEvent::Stopped),
            Err(Ended::Lost) => {}
            Err(Ended::Device(_)) if self.loses_device().await => {}
            Err(Ended::Device(failure) | Ended::Failed(failure)) => fail(failure),
        }
        self.tell_memory();
        // A model may have arrived that waited for the end.
        self.drain();
    }

    async fn whole_curve(
        &self,
        id: RequestId,
        ask: &CurveAsk,
        earlier: Option<Box<Curve>>,
        rehearse: bool,
        control: &Control,
        lease: &Lease<Resident>,
    ) -> Result<(), Ended> {
        let texts = self
            .texts_for(ask)
            .map_err(|cause| Ended::Failed(undrawn(cause)))?;
        let run = {
            let mut resident = lease.lock().await;
            begin(&mut resident, ask, &texts, earlier.as_deref()).await?
        };
        let curve = Box::new(run.curve().clone());
        tell(id, ProveEvent::Started { curve });
        self.tell_memory();
        self.draw_all(id, run, rehearse, control, lease).await
    }

    /// The open texts, with those put aside to test with.
    fn texts_for(&self, ask: &CurveAsk) -> Result<Labelled, String> {
        let lesson = self.classroom.lesson.borrow();
        let lesson = lesson.as_ref().ok_or("There are no texts.")?;
        let setup = Setup {
            goal: Goal::Labels,
            recipe: Recipe::new(Method::Head),
            share: ask.share,
            other: None,
        };
        match lesson.material(&setup)? {
            Material::Labelled(labelled) => Ok(labelled),
            Material::Plain { .. } | Material::Pairs { .. } => {
                Err("The texts have no labels.".to_owned())
            }
        }
    }

    /// Does one piece of work after another, and gives the model back its own weights. Between two the model is free
    /// for whoever waits, but not in the middle of a run of a whole model, which has other weights then.
    async fn draw_all(
        &self,
        id: RequestId,
        mut run: CurveRun,
        rehearse: bool,
        control: &Control,
        lease: &Lease<Resident>,
    ) -> Result<(), Ended> {
        let mut held = None;
        let mut told = 0.0;
        let outcome = loop {
            let mut resident = match held.take() {
                Some(resident) => resident,
                None => lease.lock().await,
            };
            let model = &mut resident.model;
            let ended = match control.is_cancelled() {
                true => Err(Ended::Stopped),
                false => self.piece(id, &mut run, model, &mut told, control).await,
            };
            let ended = match ended {
                Ok(true) if rehearse => {
                    rehearsed(id, &mut run, model, control).await.map(|()| true)
                }
                ended => ended,
            };
            let goes_on = matches!(ended, Ok(false));
            if !goes_on || !run.leaves_encoder() {
                held = Some(resident);
            }
            if !goes_on {
                break ended;
            }
            breathe().await;
        };
        let mut resident = match held {
            Some(resident) => resident,
            None => lease.lock().await,
        };
        let finished = run.finish(&mut resident.model).await;
        outcome.and_then(|_| finished.map(|_| ()).map_err(Ended::from))
    }

    /// Does one piece of work and tells of it; whether it was the last.
    async fn piece(
        &self,
        id: RequestId,
        run: &mut CurveRun,
        model: &mut Model,
        told: &mut f64,
        control: &Control,
    ) -> Result<bool, Ended> {
        let event = run.advance(model, control).await?;
        match event {
            CurveEvent::Done => return Ok(true),
            CurveEvent::Point(mut point) => {
                // JSON has no number for that; such a point is in no line.
                if !point.train_loss.is_finite() {
                    point.train_loss = f64::MAX;
                }
                let event = CurveEvent::Point(point);
                tell(id, ProveEvent::Happened { event });
                self.tell_memory();
            }
            CurveEvent::Learning { loss, .. } if !loss.is_finite() => {}
            event if ticks() - *told >= TELL_EVERY_MS => {
                *told = ticks();
                tell(id, ProveEvent::Happened { event });
            }
            _ => {}
        }
        Ok(false)
    }
}

/// Prepares the curve. An earlier one of something else is left aside.
async fn begin(
    resident: &mut Resident,
    ask: &CurveAsk,
    texts: &Labelled,
    earlier: Option<&Curve>,
) -> Result<CurveRun, Ended> {
    let Resident {
        model, language, ..
    } = resident;
    let (tokenizer, lesson) = (&language.tokenizer, texts.as_lesson());
    let setup = setup(ask, model, lesson.train.len(), lesson.labels.len());
    let run = CurveRun::start(model, tokenizer, &lesson, setup.clone(), earlier).await;
    match run {
        Err(TrainError::Resume(_)) => {
            Ok(CurveRun::start(model, tokenizer, &lesson, setup, None).await?)
        }
        run => Ok(run?),
    }
}

/// Tells how long pieces of work take. Where a whole model has no room here that is told when one is asked for.
async fn rehearsed(
    id: RequestId,
    run: &mut CurveRun,
    model: &mut Model,
    control: &Control,
) -> Result<(), Ended> {
    match run.rehearse(model, ticks, control).await {
        Ok(rates) => tell(id, ProveEvent::Rates { rates }),
        Err(error @ TrainError::Run(RunError::Cancelled)) => return Err(error.into()),
        Err(error @ TrainError::Run(RunError::Device(DeviceError::Lost(_)))) => {
            return Err(error.into());
        }
        Err(error) => log::warn!("no estimate: {error}"),
    }
    Ok(())
}

fn undrawn(cause: String) -> Failure {
    Failure {
        title: "The curve cannot be drawn".to_owned(),
        ..unlearnable(cause)
    }
}
