//! What learns: trainable weights, their gradients and moments on the device, and the step.

use kernels::{Control, Executable, Graph, ParamSpec, Plan, RunError, Storage, Tensor};

use super::features::POOLED;
use super::features::Reading;
use super::graph::{FEATURES, Source};
use super::inputs::Inputs;
use super::step::{
    EvaluationPlan, LOG, LOG_ROWS, Part, Settings, StepNumbers, StepPlan, UpdatePlan, Wanted,
    parts_loss,
};
use super::weights::{Trainable, add_classifier, gradient, kept};
use super::{Method, Optimiser, Task};
use crate::data::{MASKED_SHARE, Random};
use crate::model::DropoutRates;
use crate::model::Model;

/// Compiled plans kept at a time; their activations share memory.
pub(super) const PREPARED: usize = 4;
/// Texts that are evaluated at a time by their features.
pub(super) const FEATURE_ROOM: usize = 512;

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The mean loss before the step.
    pub loss: f64,
    /// The gradients' global norm before clipping.
    pub norm: f64,
}

struct Step {
    source: Source,
    part: Part,
    plan: StepPlan,
    executable: Executable,
}

struct Evaluation {
    source: Source,
    wanted: Wanted,
    plan: EvaluationPlan,
    executable: Executable,
}

/// What an evaluated batch gave.
struct Found {
    /// What was wanted of its own rows.
    rows: Tensor,
    /// The mean of each of the task's losses.
    losses: Vec<f64>,
    /// Of each pair the logits of following and of not, where they are learned.
    next: Vec<[f32; 2]>,
    /// Of each token the logit of having been replaced, and whether it was.
    replaced: Vec<(f32, bool)>,
}

/// Guesses for hidden words, and for pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Guessed {
    /// The most probable tokens of each masked place, the likeliest first: five, where the vocabulary has as many.
    pub tokens: Vec<Vec<u32>>,
    /// The mean loss over the masked places and, where pairs are learned, that over the pairs.
    pub losses: Vec<f64>,
    /// Of each pair the logits of following and of not; empty where they are not learned.
    pub next: Vec<[f32; 2]>,
    /// Of each token, padding left out, the logit of having been replaced and whether it was; empty where that is not learned.
    pub replaced: Vec<(f32, bool)>,
}

/// Trainable weights of a model with their optimiser. The model itself is changed; everything
/// else that learning needs lies beside it on the device, and is freed by [`Learner::end`].
pub struct Learner {
    settings: Settings,
    trainable: Trainable,
    seed: u32,
    /// Steps since the moments were zero.
    pub(super) taken: i32,
    /// Of them, those whose reports are still on the device only.
    unread: usize,
    /// Reads the log.
    reader: Executable,
    /// Rows of the features on the device.
    pub(super) features: usize,
    pub(super) reading: Option<Reading>,
    /// Texts of a step, or of a part of one: plans are made for this many.
    room: usize,
    steps: Vec<Step>,
    /// What ends a step in parts.
    update: Option<(UpdatePlan, Executable)>,
    evaluations: Vec<Evaluation>,
}

impl Learner {
    /// Steps whose reports the device holds at most; see [`Learner::reports`].
    pub const REPORTS: usize = LOG_ROWS;

    /// Makes a model's weights trainable. A classifier gets normally distributed weights of the
    /// model's initial deviation, and zero biases; [`Model::params_mut`] can change them.
    pub async fn new(
        model: &mut Model,
        task: Task,
        method: Method,
        optimiser: Optimiser,
        dropout: DropoutRates,
        room: usize,
        seed: u64,
    ) -> Result<Self, RunError> {
        let mut random = Random::new(seed, 0x1ea2);
        if task != Task::Replaced {
            model.remove_generator();
        }
        if method == Method::Scratch {
            model.randomise(&mut random)?;
        }
        if let Task::Head { outputs, .. } = task {
            add_classifier(model, outputs, &mut random).await?;
        }
        let (_, config, layout, params) = model.parts();
        let specs = params.specs();
        let trainable = Trainable::choose(config, layout, specs, task, method, &optimiser);
        trainable.pack(model).await?;
        let settings = Settings {
            task,
            class_weights: Vec::new(),
            optimiser,
            dropout,
            l2: 0.0,
        };
        let learner = Self {
            seed: random.next_u64() as u32,
            taken: 0,
            unread: 0,
            reader: reader(model).await?,
            features: 0,
            reading: None,
            room,
            update: None,
            settings,
            trainable,
            steps: Vec::new(),
            evaluations: Vec::new(),
        };
        learner.keep(model)?;
        Ok(learner)
    }

    /// The trainable parameters' names.
    pub fn trainable(&self) -> impl Iterator<Item = &str> {
        self.trainable.specs.iter().map(|s| s.name.as_str())
    }

    /// The trainable parameters.
    pub fn specs(&self) -> &[ParamSpec] {
        &self.trainable.specs
    }

    /// The name under which a trainable parameter's last gradient lies on the device, for
    /// [`Model::read`].
    pub fn gradient_name(&self, name: &str) -> String {
        gradient(name)
    }

    /// The name under which the copy of a trainable parameter that was kept last lies on the
    /// device, for [`Model::read`].
    pub fn kept_name(&self, name: &str) -> String {
        kept(name)
    }

    /// Remembers the weights as they are now.
    pub fn keep(&self, model: &mut Model) -> Result<(), RunError> {
        let (.., params) = model.parts();
        for spec in &self.trainable.specs {
            params.copy(&spec.name, &kept(&spec.name))?;
        }
        Ok(())
    }

    /// Returns to the weights that were remembered last.
    pub fn restore(&self, model: &mut Model) -> Result<(), RunError> {
        let (.., params) = model.parts();
        for spec in &self.trainable.specs {
            params.copy(&kept(&spec.name), &spec.name)?;
        }
        Ok(())
    }

    /// Frees all that learning needed. The model keeps its weights, and its classifier.
    pub fn end(self, model: &mut Model) {
        let mut all: Vec<String> = self.trainable.added().collect();
        all.extend([FEATURES, POOLED, LOG].map(str::to_owned));
        all.extend((0..self.settings.task.losses()).map(parts_loss));
        model.parts().3.remove(&all);
    }

    /// Draws the dropout of the next steps as if `steps` had been taken before.
    pub(super) fn skip(&mut self, steps: usize) {
        self.seed = self.seed.wrapping_add(steps as u32);
    }

    /// Takes this seed for the noise of the next step: dropout, and words that a generator draws. Each step after it adds 1.
    pub fn set_seed(&mut self, seed: u32) {
        self.seed = seed.wrapping_sub(self.taken as u32 + 1);
    }

    /// Penalises the decayed weights from here on by `l2/2 Σ w²`.
    pub(super) fn set_l2(&mut self, l2: f64) {
        self.settings.l2 = l2;
        self.steps.clear();
        self.update = None;
    }

    /// What a text or a tagged word of each class counts from here on, while learning.
    pub fn set_class_weights(&mut self, weights: Vec<f32>) {
        self.settings.class_weights = weights;
        self.steps.clear();
    }

    fn source(&self, inputs: &Inputs, room: usize) -> Source {
        match inputs {
            Inputs::Features { .. } => Source::Features {
                batch: room,
                rows: self.features,
            },
            Inputs::Texts(batch) => Source::Texts {
                batch: room,
                group: batch.targets.group(),
                tokens: batch.texts.tokens,
                masks: match self.settings.task {
                    Task::Head { .. } => 0,
                    // Every place of a text may be asked for.
                    Task::NextWord => room * batch.texts.tokens,
                    _ => mask_room(room, batch.texts.tokens, batch.targets.masks().len()),
                },
            },
        }
    }

    /// One step: forward, loss, backward, clipping, AdamW. Nothing is read back: see
    /// [`Learner::reports`]. A step that is cancelled has changed no weight and can be taken
    /// again with the same result; one that has begun to change them is not cut any more. Do not
    /// drop the future before it is done; cancel it.
    pub async fn step(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        rate: f64,
        control: &Control,
    ) -> Result<(), RunError> {
        let numbers = self.numbers(rate);
        self.run(model, inputs, Part::Whole, &numbers, control)
            .await?;
        self.has_taken(numbers.t);
        Ok(())
    }

    /// The same in parts, one after the other: the gradients are those of all the parts together.
    pub async fn step_in_parts(
        &mut self,
        model: &mut Model,
        parts: &[Inputs],
        rate: f64,
        control: &Control,
    ) -> Result<(), RunError> {
        if self.update.is_none() {
            self.update = Some(self.make_sums(model).await?);
        }
        let of = |inputs: &Inputs| inputs.weights(&self.settings.class_weights);
        let weights: Vec<Vec<f64>> = parts.iter().map(of).collect();
        let total = |term: usize| weights.iter().map(|all| all[term]).sum::<f64>();
        let totals: Vec<f64> = (0..self.settings.task.losses()).map(total).collect();
        let mut last = self.numbers(rate);
        for (i, inputs) in parts.iter().enumerate() {
            let mut numbers = self.numbers(rate);
            let shares = weights[i].iter().zip(&totals);
            let share = |(part, all): (&f64, &f64)| if *all > 0.0 { part / all } else { 0.0 };
            numbers.shares = shares.map(share).collect();
            numbers.first = i == 0;
            // Each part drops others.
            numbers.seed = numbers.seed.wrapping_add((i as u32) << 20);
            self.run(model, inputs, Part::One, &numbers, control)
                .await?;
            last = numbers;
        }
        let Some((plan, executable)) = &mut self.update else {
            unreachable!("made above")
        };
        let values = plan.values(&self.settings.optimiser, &last);
        executable.submit(model.parts().3, values, control).await?;
        self.has_taken(last.t);
        Ok(())
    }

    /// Room for the sums of a step's parts, and what ends it.
    async fn make_sums(&self, model: &mut Model) -> Result<(UpdatePlan, Executable), RunError> {
        let (device, .., params) = model.parts();
        let losses = self.settings.task.losses();
        self.trainable.add_sums(params, losses).await?;
        let plan = UpdatePlan::new(&self.settings, &self.trainable);
        let executable = Executable::new(device, plan.plan.clone(), params).await?;
        Ok((plan, executable))
    }

    /// Those of the next step, of which a batch is the whole.
    fn numbers(&self, rate: f64) -> StepNumbers {
        let t = self.taken + 1;
        StepNumbers {
            rate,
            t,
            seed: self.seed.wrapping_add(t as u32),
            row: self.taken as usize % LOG_ROWS,
            first: true,
            shares: vec![1.0; self.settings.task.losses()],
        }
    }

    fn has_taken(&mut self, t: i32) {
        self.taken = t;
        self.unread = (self.unread + 1).min(LOG_ROWS);
    }

    async fn run(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        part: Part,
        numbers: &StepNumbers,
        control: &Control,
    ) -> Result<(), RunError> {
        let source = self.source(inputs, self.room);
        let same = |s: &Step| s.source == source && s.part == part;
        if let Some(i) = self.steps.iter().position(same) {
            let step = self.steps.remove(i);
            self.steps.push(step);
        } else {
            // Before the next one is made: its memory is needed.
            if self.steps.len() == PREPARED {
                self.steps.remove(0);
            }
            let step = self.compile(model, source, part).await?;
            self.steps.push(step);
        }
        let last = self.steps.len() - 1;
        let step = &mut self.steps[last];
        let optimiser = &self.settings.optimiser;
        let values = step.plan.values(model.config(), optimiser, inputs, numbers);
        let (.., params) = model.parts();
        step.executable.submit(params, values, control).await
    }

    /// Waits for the steps taken since the last call and reads what they found, oldest first: of
    /// the last [`Learner::REPORTS`] at most.
    pub async fn reports(&mut self, model: &mut Model) -> Result<Vec<StepReport>, RunError> {
        if self.unread == 0 {
            return Ok(Vec::new());
        }
        let (.., params) = model.parts();
        // Not to be cancelled: the steps were taken.
        let control = Control::default();
        let log = self.reader.run(params, Vec::new(), &control).await?[0].to_f64();
        let taken = self.taken as usize;
        let report = |step: usize| {
            let row = step % LOG_ROWS;
            StepReport {
                loss: log[2 * row],
                norm: log[2 * row + 1],
            }
        };
        let reports = (taken - self.unread..taken).map(report).collect();
        self.unread = 0;
        Ok(reports)
    }

    async fn compile(
        &self,
        model: &mut Model,
        source: Source,
        part: Part,
    ) -> Result<Step, RunError> {
        let (device, config, layout, params) = model.parts();
        let plan = StepPlan::new(
            config,
            layout,
            &self.settings,
            &self.trainable,
            source,
            part,
        );
        let executable = Executable::new(device, plan.plan.clone(), params).await?;
        Ok(Step {
            source,
            part,
            plan,
            executable,
        })
    }

    /// GPU dispatches (or CPU steps) of the step that was taken last.
    pub fn dispatches(&self) -> usize {
        self.steps.last().map_or(0, |s| s.executable.dispatches())
    }

    /// The logits of a batch, and its mean loss; no dropout. One row a text (`[L]`, or `[T, L]` of a head that reads
    /// tokens, those of padding too), or a masked place (`[V]`).
    pub async fn evaluate(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        control: &Control,
    ) -> Result<(Vec<Vec<f32>>, f64), RunError> {
        let Found { rows, losses, .. } =
            self.forward(model, inputs, Wanted::Logits, control).await?;
        let flat = rows.to_f32();
        let columns = flat.len() / inputs.items().max(1);
        let rows = flat.chunks_exact(columns.max(1));
        Ok((rows.map(<[f32]>::to_vec).collect(), losses.iter().sum()))
    }

    /// The most probable tokens of each masked place of a batch, what is said of pairs, and the mean losses; no dropout.
    pub async fn guess(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        control: &Control,
    ) -> Result<Guessed, RunError> {
        let found = self.forward(model, inputs, Wanted::Best, control).await?;
        let flat = found.rows.as_u32();
        let each = (flat.len() / inputs.items().max(1)).max(1);
        Ok(Guessed {
            tokens: flat.chunks_exact(each).map(<[u32]>::to_vec).collect(),
            losses: found.losses,
            next: found.next,
            replaced: found.replaced,
        })
    }

    /// What is wanted of the batch's own rows, and the mean losses.
    async fn forward(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        wanted: Wanted,
        control: &Control,
    ) -> Result<Found, RunError> {
        // One text is a try: it should not cost what a batch does. Features are many at a time.
        let room = match inputs.texts() {
            1 => 1,
            many => many.next_power_of_two().min(FEATURE_ROOM).max(self.room),
        };
        let room = match inputs {
            Inputs::Texts(_) => room.min(self.room),
            Inputs::Features { .. } => room,
        };
        let source = self.source(inputs, room);
        let same = |e: &Evaluation| e.source == source && e.wanted == wanted;
        if let Some(i) = self.evaluations.iter().position(same) {
            let evaluation = self.evaluations.remove(i);
            self.evaluations.push(evaluation);
        } else {
            if self.evaluations.len() == PREPARED {
                self.evaluations.remove(0);
            }
            let (device, config, layout, params) = model.parts();
            let task = self.settings.task;
            let plan = EvaluationPlan::new(config, layout, task, source, wanted);
            let executable = Executable::new(device, plan.plan.clone(), params).await?;
            self.evaluations.push(Evaluation {
                source,
                wanted,
                plan,
                executable,
            });
        }
        let last = self.evaluations.len() - 1;
        let evaluation = &mut self.evaluations[last];
        let graph = &evaluation.plan.graph;
        let values = graph.values(model.config(), inputs, 0);
        let room = graph.room();
        let mut found = evaluation
            .executable
            .run(model.parts().3, values, control)
            .await?;
        let losses = 1 + self.settings.task.losses();
        let (mut next, mut replaced) = (Vec::new(), Vec::new());
        match (self.settings.task, &found[losses..]) {
            (Task::MaskedLmAndNext, [logits]) => {
                let logits = logits.to_f32();
                let pairs = logits.chunks_exact(2).take(inputs.texts());
                next = pairs.map(|pair| [pair[0], pair[1]]).collect();
            }
            (Task::Replaced, [logits, changed]) => {
                replaced = inputs.of_tokens(&logits.to_f32(), &changed.to_f32());
            }
            _ => {}
        }
        let losses = found[1..losses].iter().map(|loss| loss.to_f64()[0]);
        let losses = losses.collect();
        let mut rows = found.swap_remove(0);
        rows.truncate(rows.len() / room * inputs.items());
        Ok(Found {
            rows,
            losses,
            next,
            replaced,
        })
    }
}

/// Makes the log, and what reads it.
async fn reader(model: &mut Model) -> Result<Executable, RunError> {
    let spec = ParamSpec {
        name: LOG.to_owned(),
        shape: [LOG_ROWS, 2].into(),
        storage: Storage::F32,
    };
    let (device, .., params) = model.parts();
    params.add(std::slice::from_ref(&spec), false)?.await?;
    let mut graph = Graph::new();
    let log = graph
        .param(&spec.name, spec.shape)
        .and_then(|log| graph.copy(log))
        .expect("a copy has its own shape");
    Executable::new(device, Plan::new(&graph, &[log]), params).await
}

/// Room for the masked places of a batch: as many as [`MASKED_SHARE`] can come to, so that a
/// padded length needs one plan; more only where a batch has more.
pub(super) fn mask_room(texts: usize, tokens: usize, masks: usize) -> usize {
    let each = (MASKED_SHARE * tokens as f64).round().max(1.0) as usize;
    match texts * each {
        usual if masks <= usual => usual,
        _ => masks.next_power_of_two(),
    }
}
