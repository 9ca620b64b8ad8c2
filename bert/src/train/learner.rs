//! What learns: trainable weights, their gradients and moments on the device, and the step.

use kernels::ops::AdamW;
use kernels::{
    Control, DeviceError, Executable, Graph, ParamSpec, Plan, RunError, Storage, Tensor,
    TensorType, Value, gradients,
};

use super::graph::{Batch, CLASSIFIER, FEATURES, FeatureGraph, Inputs, LossGraph, Source};
use super::{DropoutRates, Method, Optimiser, Pooling, Task};
use crate::data::Random;
use crate::model::Model;

/// Compiled plans kept at a time; each holds the activations of its batch.
const PREPARED: usize = 4;

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
    graph: LossGraph,
    one: Value,
    schedule: Value,
    executable: Executable,
}

struct Evaluation {
    source: Source,
    graph: LossGraph,
    executable: Executable,
}

/// Trainable weights of a model with their optimiser. The model itself is changed; everything
/// else that learning needs lies beside it on the device, and is freed by [`Learner::end`].
pub struct Learner {
    task: Task,
    optimiser: Optimiser,
    dropout: DropoutRates,
    seed: u32,
    /// In the order in which they are packed: decayed ones first.
    trainable: Vec<ParamSpec>,
    decayed: usize,
    taken: i32,
    /// Rows of the features on the device.
    features: usize,
    /// Texts of a step: plans are made for this many.
    room: usize,
    steps: Vec<Step>,
    evaluations: Vec<Evaluation>,
}

/// Names of what belongs to a trainable parameter.
fn gradient(name: &str) -> String {
    format!("gradient/{name}")
}
fn first_moment(name: &str) -> String {
    format!("first moment/{name}")
}
fn second_moment(name: &str) -> String {
    format!("second moment/{name}")
}
fn kept(name: &str) -> String {
    format!("kept/{name}")
}

impl Learner {
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
        if method == Method::Scratch {
            randomise(model, &mut random);
        }
        if let Task::Classify { classes, .. } = task {
            add_classifier(model, classes, &mut random).await?;
        }
        let mut learner = Self {
            task,
            optimiser,
            dropout,
            seed: random.next_u64() as u32,
            trainable: Vec::new(),
            decayed: 0,
            taken: 0,
            features: 0,
            room,
            steps: Vec::new(),
            evaluations: Vec::new(),
        };
        learner.choose(model, method);
        learner.pack(model).await?;
        Ok(learner)
    }

    /// Finds the parameters that the method trains and the loss depends on.
    fn choose(&mut self, model: &mut Model, method: Method) {
        let layers = model.config().num_hidden_layers;
        let learns = |name: &str| match method {
            Method::Head => name.starts_with(CLASSIFIER),
            Method::All | Method::Scratch => true,
            Method::LastLayers(count) => {
                let layer = |i: usize| name.starts_with(&format!("encoder.layer.{i}."));
                (layers.saturating_sub(count)..layers).any(layer)
                    || ["pooler", "cls.predictions", CLASSIFIER]
                        .iter()
                        .any(|p| name.starts_with(p))
            }
        };
        let (_, config, layout, params) = model.parts();
        let masks = if self.task == Task::MaskedLm { 1 } else { 0 };
        let source = Source::Texts {
            batch: 1,
            tokens: 1,
            masks,
        };
        let graph = LossGraph::new(config, &layout.heads, self.task, source, None);
        let graph = graph.expect("the layout checked every shape").graph;
        let used = graph.params();
        let mut chosen: Vec<ParamSpec> = params
            .specs()
            .iter()
            .filter(|s| used.contains(&s.name.as_str()) && learns(&s.name))
            .map(|s| ParamSpec {
                storage: Storage::F32,
                ..s.clone()
            })
            .collect();
        let decays = |s: &ParamSpec| {
            self.optimiser.decay_all || !(s.name.ends_with("bias") || s.name.contains("LayerNorm"))
        };
        chosen.sort_by_key(|s| !decays(s));
        self.decayed = chosen.iter().filter(|s| decays(s)).count();
        self.trainable = chosen;
    }

    /// Moves the trainable weights side by side, in f32, with room for gradients, moments and a
    /// copy of the best weights.
    async fn pack(&mut self, model: &mut Model) -> Result<(), RunError> {
        let named = |name: fn(&str) -> String| -> Vec<ParamSpec> {
            let rename = |s: &ParamSpec| ParamSpec {
                name: name(&s.name),
                ..s.clone()
            };
            self.trainable.iter().map(rename).collect()
        };
        let (device, _, _, params) = model.parts();
        for group in [
            named(gradient),
            named(first_moment),
            named(second_moment),
            named(kept),
        ] {
            params.add(&group, true)?.await?;
        }
        // The copies are made under another name, so that plans can read the one and write the
        // other.
        params
            .add(&named(|name| format!("packed/{name}")), true)?
            .await?;
        let mut graph = Graph::new();
        let mut stores = Vec::new();
        for spec in &self.trainable {
            let copy = graph
                .param(&spec.name, spec.shape)
                .and_then(|param| graph.copy(param));
            stores.push((
                copy.expect("a copy has its own shape"),
                format!("packed/{}", spec.name),
            ));
        }
        let plan = Plan::with_stores(&graph, &[], &stores);
        let mut copy = Executable::new(device, plan, params).await?;
        copy.submit(params, Vec::new(), &Control::default()).await?;
        drop(copy);
        for (spec, (_, packed)) in self.trainable.iter().zip(&stores) {
            params.rename(packed, &spec.name);
        }
        model.forget_plans();
        self.keep(model);
        Ok(())
    }

    /// The trainable parameters' names.
    pub fn trainable(&self) -> impl Iterator<Item = &str> {
        self.trainable.iter().map(|s| s.name.as_str())
    }

    /// The name under which a trainable parameter's last gradient lies on the device, for
    /// [`Model::read`].
    pub fn gradient_name(&self, name: &str) -> String {
        gradient(name)
    }

    /// Remembers the weights as they are now.
    pub fn keep(&self, model: &mut Model) {
        let (.., params) = model.parts();
        for spec in &self.trainable {
            params.copy(&spec.name, &kept(&spec.name));
        }
    }

    /// Returns to the weights that were remembered last.
    pub fn restore(&self, model: &mut Model) {
        let (.., params) = model.parts();
        for spec in &self.trainable {
            params.copy(&kept(&spec.name), &spec.name);
        }
    }

    /// Frees all that learning needed. The model keeps its weights, and its classifier.
    pub fn end(self, model: &mut Model) {
        let names = |s: &ParamSpec| {
            [
                gradient(&s.name),
                first_moment(&s.name),
                second_moment(&s.name),
                kept(&s.name),
            ]
        };
        let mut all: Vec<String> = self.trainable.iter().flat_map(names).collect();
        all.push(FEATURES.to_owned());
        model.parts().3.remove(&all);
    }

    fn source(&self, inputs: &Inputs) -> Source {
        match inputs {
            Inputs::Features { .. } => Source::Features {
                batch: self.room,
                rows: self.features,
            },
            Inputs::Texts(batch) => Source::Texts {
                batch: self.room,
                tokens: batch.tokens,
                masks: match self.task {
                    Task::MaskedLm => batch.masks.len().max(1).next_power_of_two(),
                    Task::Classify { .. } => 0,
                },
            },
        }
    }

    /// One step: forward, loss, backward, clipping, AdamW. With `report`, waits for its loss.
    pub async fn step(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        rate: f64,
        report: bool,
        control: &Control,
    ) -> Result<Option<StepReport>, RunError> {
        let source = self.source(inputs);
        if let Some(i) = self.steps.iter().position(|s| s.source == source) {
            let step = self.steps.remove(i);
            self.steps.push(step);
        } else {
            if self.steps.len() == PREPARED {
                self.steps.remove(0);
            }
            self.steps.push(self.compile(model, source).await?);
        }
        let last = self.steps.len() - 1;
        let step = &mut self.steps[last];
        self.taken += 1;
        let seed = self.seed.wrapping_add(self.taken as u32);
        let mut values = step.graph.values(model.config(), inputs, seed);
        let correction = |beta: f64| 1.0 - beta.powi(self.taken);
        let schedule = vec![
            rate,
            correction(self.optimiser.beta1),
            correction(self.optimiser.beta2),
        ];
        values.push((step.one, Tensor::F64(vec![1.0])));
        values.push((step.schedule, Tensor::F64(schedule)));
        let (.., params) = model.parts();
        step.executable.submit(params, values, control).await?;
        if !report {
            return Ok(None);
        }
        let found = step.executable.read(params).await?;
        Ok(Some(StepReport {
            loss: found[0].to_f64()[0],
            norm: found[1].to_f64()[0],
        }))
    }

    async fn compile(&self, model: &mut Model, source: Source) -> Result<Step, RunError> {
        let (device, config, layout, params) = model.parts();
        let fits = "the layout checked every shape";
        let mut graph =
            LossGraph::new(config, &layout.heads, self.task, source, Some(self.dropout))
                .expect(fits);
        let g = &mut graph.graph;
        let one = g.input("one", TensorType::real([1]));
        let schedule = g.input("schedule", TensorType::real([3]));
        let weights: Vec<Value> = self
            .trainable
            .iter()
            .map(|s| g.param(&s.name, s.shape).expect(fits))
            .collect();
        let found =
            gradients(g, graph.loss, one, &weights).expect("every operation is differentiable");
        let found: Vec<Value> = found
            .into_iter()
            .map(|v| v.expect("only what the loss needs is trained"))
            .collect();
        let settings = AdamW {
            decayed: self.decayed,
            beta1: self.optimiser.beta1,
            beta2: self.optimiser.beta2,
            eps: self.optimiser.eps,
            weight_decay: self.optimiser.weight_decay,
            max_norm: self.optimiser.max_norm,
        };
        let update = g.adamw(&found, schedule, settings).expect(fits);
        let mut stores = Vec::new();
        for (i, spec) in self.trainable.iter().enumerate() {
            stores.push((found[i], gradient(&spec.name)));
            stores.push((update.weights[i], spec.name.clone()));
            stores.push((update.first[i], first_moment(&spec.name)));
            stores.push((update.second[i], second_moment(&spec.name)));
        }
        let plan = Plan::with_stores(g, &[graph.loss, update.norm], &stores);
        let executable = Executable::new(device, plan, params).await?;
        Ok(Step {
            source,
            graph,
            one,
            schedule,
            executable,
        })
    }

    /// GPU dispatches (or CPU steps) of the step that was taken last.
    pub fn dispatches(&self) -> usize {
        self.steps.last().map_or(0, |s| s.executable.dispatches())
    }

    /// The logits of a batch, row by row (`[texts, classes]`), and its mean loss; no dropout.
    pub async fn evaluate(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        control: &Control,
    ) -> Result<(Vec<Vec<f32>>, f64), RunError> {
        let source = self.source(inputs);
        if let Some(i) = self.evaluations.iter().position(|e| e.source == source) {
            let evaluation = self.evaluations.remove(i);
            self.evaluations.push(evaluation);
        } else {
            if self.evaluations.len() == PREPARED {
                self.evaluations.remove(0);
            }
            let (device, config, layout, params) = model.parts();
            let graph = LossGraph::new(config, &layout.heads, self.task, source, None)
                .expect("the layout checked every shape");
            let plan = Plan::new(&graph.graph, &[graph.logits, graph.loss]);
            let executable = Executable::new(device, plan, params).await?;
            self.evaluations.push(Evaluation {
                source,
                graph,
                executable,
            });
        }
        let last = self.evaluations.len() - 1;
        let evaluation = &mut self.evaluations[last];
        let values = evaluation.graph.values(model.config(), inputs, 0);
        let columns = evaluation
            .graph
            .graph
            .ty(evaluation.graph.logits)
            .shape
            .columns();
        let found = evaluation
            .executable
            .run(model.parts().3, values, control)
            .await?;
        let count = match inputs {
            Inputs::Texts(batch) if batch.masks.is_empty() => batch.ids.len(),
            Inputs::Texts(batch) => batch.masks.len(),
            Inputs::Features { rows, .. } => rows.len(),
        };
        let rows = found[0].to_f32();
        let rows = rows
            .chunks_exact(columns)
            .take(count)
            .map(<[f32]>::to_vec)
            .collect();
        Ok((rows, found[1].to_f64()[0]))
    }

    /// Makes room for the features of `count` texts.
    pub async fn reserve_features(
        &mut self,
        model: &mut Model,
        count: usize,
    ) -> Result<(), DeviceError> {
        let shape = [count, model.config().hidden_size].into();
        let spec = ParamSpec {
            name: FEATURES.to_owned(),
            shape,
            storage: Storage::F32,
        };
        self.features = count;
        model.parts().3.add(&[spec], false)?.await
    }

    /// Computes the vectors of texts and lays them on the device, from row `first` on.
    pub async fn add_features(
        &mut self,
        model: &mut Model,
        pooling: Pooling,
        first: usize,
        batch: &Batch,
        control: &Control,
    ) -> Result<(), RunError> {
        let (device, config, _, params) = model.parts();
        let tokens = batch.tokens;
        let graph = FeatureGraph::new(config, pooling, batch.ids.len(), tokens)
            .expect("the layout checked every shape");
        let plan = Plan::new(&graph.graph, &[graph.pooled]);
        let mut executable = Executable::new(device, plan, params).await?;
        let values = graph.values(config, batch);
        let found = executable.run(params, values, control).await?;
        params.write(FEATURES, first * config.hidden_size, &found[0].to_f32());
        Ok(())
    }
}

/// Adds a classifier with fresh weights.
async fn add_classifier(
    model: &mut Model,
    classes: usize,
    random: &mut Random,
) -> Result<(), RunError> {
    let (hidden, deviation) = (model.config().hidden_size, model.config().initializer_range);
    let spec = |part: &str, shape: kernels::Shape| ParamSpec {
        name: format!("{CLASSIFIER}.{part}"),
        shape,
        storage: Storage::F32,
    };
    let specs = [
        spec("weight", [classes, hidden].into()),
        spec("bias", [classes].into()),
    ];
    let (.., params) = model.parts();
    params.add(&specs, false)?.await?;
    let weights: Vec<f32> = (0..classes * hidden)
        .map(|_| (random.normal() * deviation) as f32)
        .collect();
    params.write(&specs[0].name, 0, &weights);
    params.write(&specs[1].name, 0, &vec![0.0; classes]);
    Ok(())
}

/// Forgets everything: normally distributed matrices, layer norms that change nothing.
fn randomise(model: &mut Model, random: &mut Random) {
    let deviation = model.config().initializer_range;
    let (.., params) = model.parts();
    for spec in params.specs().to_vec() {
        let numbers: Vec<f32> = match spec.name.as_str() {
            name if name.ends_with("bias") => vec![0.0; spec.shape.len()],
            name if name.contains("LayerNorm") => vec![1.0; spec.shape.len()],
            _ => (0..spec.shape.len())
                .map(|_| (random.normal() * deviation) as f32)
                .collect(),
        };
        params.write(&spec.name, 0, &numbers);
    }
}
