//! The driver of a curve: one piece of work at a time.

use kernels::Control;
use kernels::bench::Clock;
use serde::{Deserialize, Serialize};

use super::super::encode::Encoded;
use super::super::event::TrainError;
use super::super::inputs::Inputs;
use super::super::memory::{self, Limits};
use super::super::texts::Texts;
use super::super::{Lesson, Method, Task};
use super::heads::{HeadRun, Heads, JUDGED, classifier_names};
use super::judge::Judge;
use super::setup::{Curve, CurvePoint, CurveSetup, Place, refused};
use super::subsets::nested_order;
use super::whole::{self, WholeRun};
use crate::config::{HeadKind, Pooling};
use crate::data::label_counts;
use crate::metrics::Confusion;
use crate::model::Model;
use crate::probe;
use crate::tokenizer::Tokenizer;

/// What happened in one [`CurveRun::advance`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CurveEvent {
    /// Texts went through the frozen encoder.
    Features {
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
    },
    /// A run learns.
    Learning {
        /// Which.
        place: Place,
        /// Steps taken.
        step: usize,
        /// Steps in all; `None` of a head, which ends when its loss has settled.
        steps: Option<usize>,
        /// The mean loss of its last steps that were read.
        #[serde(deserialize_with = "super::setup::figure")]
        loss: f64,
    },
    /// A run is judged on the test texts.
    Judging {
        /// Which.
        place: Place,
        /// Texts done.
        done: usize,
        /// Texts in all.
        total: usize,
    },
    /// A point is known.
    Point(CurvePoint),
    /// All points are.
    Done,
}

/// Work that is still to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurveWork {
    /// Texts whose features are to be computed.
    pub features: usize,
    /// Heads that are to settle on them: some hundred small steps each.
    pub heads: usize,
    /// Steps of whole models.
    pub steps: usize,
    /// Test texts that whole models are to read.
    pub judged: usize,
}

/// How long pieces of work take here, in milliseconds; see [`CurveRun::rehearse`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveRates {
    /// A step of the whole model.
    pub step: f64,
    /// A text through the encoder.
    pub text: f64,
}

impl CurveWork {
    /// Seconds for all of it but the heads, which take little.
    pub fn seconds(&self, rates: &CurveRates) -> f64 {
        let texts = (self.features + self.judged) as f64 * rates.text;
        (self.steps as f64 * rates.step + texts) / 1000.0
    }
}

enum Stage {
    /// Nothing is under way.
    Next,
    Head(Box<HeadRun>),
    Whole(Box<WholeRun>),
}

/// A curve that is being computed. Between two calls of [`CurveRun::advance`] it rests; a point is known or not, so what was
/// known when it was stopped is where it goes on.
pub struct CurveRun {
    curve: Curve,
    outputs: usize,
    texts: Texts,
    /// The order of each seed's texts.
    orders: Vec<(u64, Vec<usize>)>,
    heads: Option<Heads>,
    stage: Stage,
    /// The classifier that the model had before: how many outputs, its weight and its bias.
    before: Option<(usize, Vec<f32>, Vec<f32>)>,
}

impl CurveRun {
    /// Prepares a curve of accuracy on the validation texts of a lesson over subsets of the others. The model is the same before
    /// and after, its encoder and a task's head that it had. With `earlier`, what that knows is not computed again.
    ///
    /// # Errors
    /// Texts that have no classes, a setup that cannot be run, an earlier curve of something else, a tokenizer or a pooling that
    /// the checkpoint does not go with, or no room on the device.
    pub async fn start(
        model: &mut Model,
        tokenizer: &Tokenizer,
        lesson: &Lesson<'_>,
        setup: CurveSetup,
        earlier: Option<&Curve>,
    ) -> Result<Self, TrainError> {
        probe::check_vocabulary(tokenizer, model.config()).map_err(TrainError::Vocabulary)?;
        if let Some(words) = refused(lesson) {
            return Err(TrainError::Data(words));
        }
        let (train, outputs) = (lesson.train.len(), lesson.labels.len());
        let problems = setup.problems(train, outputs);
        if !problems.is_empty() {
            return Err(TrainError::Recipe(problems));
        }
        let pooler = |line: &super::super::Recipe| line.pooling == Pooling::Pooler;
        if setup.lines.iter().any(pooler) && !model.heads().pooler {
            return Err(TrainError::NoPooler);
        }
        let limit = setup.lines[0].max_tokens.min(model.config().max_tokens());
        let mut encoded = Vec::with_capacity(train + lesson.validation.len());
        for set in [lesson.train, lesson.validation] {
            for example in set.iter().enumerate() {
                let windows = Encoded::example(tokenizer, limit, outputs, example);
                encoded.extend(windows.map_err(TrainError::Data)?);
            }
        }
        let classes: Vec<usize> = (lesson.train.iter())
            .map(|example| example.truth.class().unwrap_or(0))
            .collect();
        let order = |&seed: &u64| (seed, nested_order(&classes, outputs, seed));
        let orders = setup.seeds.iter().map(order).collect();
        let examples = lesson.train.iter().chain(lesson.validation).cloned();
        let all = (examples.collect(), encoded);
        let texts = Texts::of(HeadKind::Classes, all, [train, train], 0);
        let counts = [lesson.train, lesson.validation].map(|set| label_counts(set, outputs));
        let majority = Confusion::of_majority(&counts[0], &counts[1]).metrics();
        let mut curve = Curve::new(model, lesson, setup, majority.accuracy);
        if let Some(earlier) = earlier {
            curve.go_on_from(earlier).map_err(TrainError::Resume)?;
        }
        for line in &curve.setup.lines {
            let task = Task::Head {
                kind: HeadKind::Classes,
                outputs,
                pooling: line.pooling,
            };
            let needs = memory::needs(model, task, line, texts.extent())?;
            memory::check(&needs, &Limits::of(model.device())).map_err(TrainError::Memory)?;
        }
        let before = match model.head().map(|head| head.labels.len()) {
            Some(labels) => {
                let [weight, bias] = classifier_names();
                let (params, hidden) = (model.params(), model.config().hidden_size);
                let weight = params.read(&weight, 0, labels * hidden).await?;
                Some((labels, weight, params.read(&bias, 0, labels).await?))
            }
            None => None,
        };
        Ok(Self {
            outputs,
            texts,
            orders,
            heads: None,
            stage: Stage::Next,
            before,
            curve,
        })
    }

    /// What is known so far.
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// The order of a seed's texts, by their places among those to learn from: its subset of n is the first n.
    pub fn order(&self, seed: u64) -> Option<&[usize]> {
        let found = self.orders.iter().find(|(of, _)| *of == seed);
        found.map(|(_, order)| &order[..])
    }

    /// Whether the model has its own encoder now: in the middle of a run of a whole model it has another.
    pub fn leaves_encoder(&self) -> bool {
        !matches!(self.stage, Stage::Whole(_))
    }

    /// What is still to be done.
    pub fn work(&self) -> CurveWork {
        let missing = self.curve.missing();
        let heads = missing.iter().filter(|p| p.method == Method::Head).count();
        let whole = missing.len() - heads;
        CurveWork {
            features: match heads > 0 && self.heads.is_none() {
                true => self.texts.len(),
                false => 0,
            },
            heads,
            steps: whole * self.curve.setup.steps,
            judged: whole * self.curve.tested,
        }
    }

    /// Times a step of the whole model on texts of mean length, and undoes it.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub async fn rehearse(
        &mut self,
        model: &mut Model,
        clock: Clock,
        control: &Control,
    ) -> Result<CurveRates, TrainError> {
        let lines = &self.curve.setup.lines;
        let heavy = lines.iter().find(|line| line.method != Method::Head);
        let line = heavy.copied().unwrap_or(super::super::Recipe {
            batch: 16,
            ..super::super::Recipe::for_model(Method::All, model)
        });
        let lengths = self.texts.lengths(0..self.texts.train());
        let mean = lengths.iter().sum::<usize>() / lengths.len().max(1);
        let mut places: Vec<usize> = (0..lengths.len()).collect();
        places.sort_by_key(|&place| lengths[place].abs_diff(mean));
        places.truncate(line.batch);
        let limit = model.config().max_tokens();
        let tokens = self.texts.longest_of(&places).next_multiple_of(16);
        let batch = self.texts.batch(&places, tokens.min(limit));
        let inputs = Inputs::Texts(batch);
        let learner = whole::learner(model, &line, self.outputs, places.len(), 0);
        let mut learner = learner.await?;
        let mut rates = Ok(CurveRates {
            step: 0.0,
            text: 0.0,
        });
        // The first of each makes its plan.
        for _ in 0..2 {
            let begin = clock();
            let mut stepped = learner
                .step(model, &inputs, line.learning_rate, control)
                .await;
            if stepped.is_ok() {
                stepped = learner.reports(model).await.map(|_| ());
            }
            let middle = clock();
            let judged = match stepped {
                Ok(()) => learner.evaluate(model, &inputs, control).await.map(|_| ()),
                Err(error) => Err(error),
            };
            rates = judged.map(|()| CurveRates {
                step: middle - begin,
                text: (clock() - middle) / places.len() as f64,
            });
            if rates.is_err() {
                break;
            }
        }
        let restored = learner.restore(model);
        learner.end(model);
        restored?;
        Ok(rates?)
    }

    /// Does the next piece of work: a batch of features, some steps, or a batch of test texts. One that is cancelled is done
    /// again by the next call; cancel, rather than drop, a call that is under way.
    ///
    /// # Errors
    /// Numbers that overflow before anything was learned, cancelled, or the device failed.
    pub async fn advance(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<CurveEvent, TrainError> {
        let total = self.curve.tested;
        let known = match &mut self.stage {
            Stage::Next => return self.next(model, control).await,
            Stage::Head(run) => {
                let Some(heads) = &mut self.heads else {
                    unreachable!("a head has its features")
                };
                if !run.is_over(heads) {
                    heads.learn(model, &self.texts, run, control).await?;
                    return Ok(CurveEvent::Learning {
                        place: run.place,
                        step: run.steps,
                        steps: None,
                        loss: run.recent,
                    });
                }
                if run.judge.batch().is_some() {
                    heads.judge(model, &self.texts, run, control).await?;
                    return Ok(judging(run.place, &run.judge, total));
                }
                point(run.place, &run.judge, run.recent, run.steps, run.diverged)
            }
            Stage::Whole(run) => {
                let steps = self.curve.setup.steps;
                if !run.is_over(steps) {
                    run.learn(model, &self.texts, steps, control).await?;
                    return Ok(CurveEvent::Learning {
                        place: run.place,
                        step: run.step,
                        steps: Some(steps),
                        loss: run.loss(),
                    });
                }
                if run.judge.batch().is_some() {
                    run.judge(model, &self.texts, control).await?;
                    return Ok(judging(run.place, &run.judge, total));
                }
                point(run.place, &run.judge, run.loss(), run.step, run.diverged)
            }
        };
        if let Stage::Whole(run) = std::mem::replace(&mut self.stage, Stage::Next) {
            run.end(model)?;
        }
        self.curve.points.push(known.clone());
        Ok(CurveEvent::Point(known))
    }

    /// Begins the next run, or computes features for it.
    async fn next(
        &mut self,
        model: &mut Model,
        control: &Control,
    ) -> Result<CurveEvent, TrainError> {
        let Some(place) = self.curve.missing().first().copied() else {
            self.end_heads(model);
            return Ok(CurveEvent::Done);
        };
        let Some(recipe) = self.curve.setup.line(place.method).copied() else {
            unreachable!("a place is of a line")
        };
        let order = self.order(place.seed).unwrap_or_default();
        let rows = order[..place.size].to_vec();
        if place.method == Method::Head {
            if self.heads.is_none() {
                let heads = Heads::new(model, &self.texts, recipe, self.outputs);
                self.heads = Some(heads.await?);
            }
            let Some(heads) = &mut self.heads else {
                unreachable!("made above")
            };
            if !heads.are_ready() {
                let done = heads.read(model, &self.texts, control).await?;
                let total = self.texts.len();
                return Ok(CurveEvent::Features { done, total });
            }
            heads.begin(model, place.size)?;
            let judge = Judge::new(&self.texts, self.outputs, JUDGED, None);
            self.stage = Stage::Head(Box::new(HeadRun::new(place, rows, judge)));
        } else {
            self.end_heads(model);
            let limit = model.config().max_tokens();
            let judge = Judge::new(&self.texts, self.outputs, recipe.batch, Some(limit));
            let run = WholeRun::new(model, &recipe, place, rows, judge, self.outputs);
            self.stage = Stage::Whole(Box::new(run.await?));
        }
        Ok(CurveEvent::Learning {
            place,
            step: 0,
            steps: (place.method != Method::Head).then_some(self.curve.setup.steps),
            loss: 0.0,
        })
    }

    fn end_heads(&mut self, model: &mut Model) {
        if let Some(heads) = self.heads.take() {
            heads.end(model);
        }
    }

    /// Ends it where it stands: the model has its own weights again, and what the curve took is freed.
    ///
    /// # Errors
    /// When the weights are no longer there.
    pub async fn finish(mut self, model: &mut Model) -> Result<Curve, TrainError> {
        self.end_heads(model);
        if let Stage::Whole(run) = self.stage {
            run.end(model)?;
        }
        model.params_mut().remove(&classifier_names());
        model.forget_plans();
        if let Some((labels, weight, bias)) = self.before {
            model.write_classifier(labels, &weight, &bias).await?;
        }
        Ok(self.curve)
    }
}

fn judging(place: Place, judge: &Judge, total: usize) -> CurveEvent {
    CurveEvent::Judging {
        place,
        done: judge.done,
        total,
    }
}

fn point(place: Place, judge: &Judge, loss: f64, steps: usize, diverged: bool) -> CurvePoint {
    let metrics = judge.metrics();
    CurvePoint {
        place,
        accuracy: metrics.accuracy,
        macro_f1: metrics.macro_f1,
        train_loss: loss,
        steps,
        diverged,
    }
}
