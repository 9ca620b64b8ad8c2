//! Timing a model, natively and in the browser: forward passes, and steps of training on a model
//! that is there for nothing else.

use kernels::bench::Clock;
use kernels::ops::NO_TARGET;
use kernels::{Control, Executable, Graph, Plan, RunError, Tensor, Value};

use crate::config::Config;
use crate::config::Pooling;
use crate::model::DropoutRates;
use crate::model::TokenBatch;
use crate::model::{Builder, FillGraph, Model};
use crate::train::{Batch, Inputs, Learner, Method, Optimiser, Targets, Task};

/// Predictions of the hidden word that are read back.
const TOP_K: usize = 10;
/// Rows of features that a head's batches are taken from.
const FEATURES: usize = 64;
/// Words of a stand-in's vocabulary: time does not depend on it, memory does.
const STAND_IN_WORDS: usize = 1000;
/// As while fine-tuning.
const DROPOUT: f64 = 0.1;
const LEARNING_RATE: f64 = 1e-4;

/// A forward pass, prepared for a model that stays its caller's.
pub struct ForwardBench {
    executable: Executable,
    inputs: Vec<(Value, Tensor)>,
}

impl ForwardBench {
    /// The encoder alone over `texts` texts of `tokens` tokens: from ids to the last layer's vectors
    /// `[B·T, H]`, read back.
    ///
    /// # Errors
    /// The device has no room, or failed.
    pub async fn encoder(model: &mut Model, texts: usize, tokens: usize) -> Result<Self, RunError> {
        let (device, config, layout, params) = model.parts();
        let mut graph = Graph::new();
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise: None,
            prefix: "",
        };
        let encoder = builder.encoder(texts, tokens);
        let encoder = encoder.expect("the layout checked every shape");
        let plan = Plan::new(&graph, &[encoder.output()]);
        Ok(Self {
            executable: Executable::new(device, plan, params).await?,
            inputs: encoder.values(
                config,
                tokens,
                ids(config, texts * tokens),
                vec![0; texts * tokens],
                vec![tokens as u32; texts],
            ),
        })
    }

    /// What a probe with one hidden word computes: one text of `tokens` tokens, to the ten best
    /// guesses. The model must have the head for it ([`Model::has_mlm`]).
    ///
    /// # Errors
    /// As [`ForwardBench::encoder`].
    pub async fn fill(model: &mut Model, tokens: usize) -> Result<Self, RunError> {
        let (device, config, layout, params) = model.parts();
        let masks = Some((1, TOP_K.min(config.vocab_size)));
        let fill = FillGraph::new(config, layout, tokens, masks, false);
        let fill = fill.expect("the layout checked every shape");
        let plan = Plan::new(&fill.graph, &fill.outputs());
        let executable = Executable::new(device, plan, params).await?;
        let (ids, types) = (ids(config, tokens), vec![0; tokens]);
        let mut inputs = fill
            .encoder
            .values(config, tokens, ids, types, vec![tokens as u32]);
        if let Some((rows, targets, _)) = fill.masked {
            inputs.push((rows, Tensor::U32(vec![tokens as u32 / 2])));
            inputs.push((targets, Tensor::U32(vec![NO_TARGET])));
        }
        inputs.extend(fill.nsp.map(|(row, _)| (row, Tensor::U32(vec![0]))));
        Ok(Self { executable, inputs })
    }

    /// Milliseconds of one pass, from its upload to its read-back, on the model that it was prepared
    /// for.
    ///
    /// # Errors
    /// [`RunError::Cancelled`], or the device failed.
    pub async fn sample(
        &mut self,
        model: &mut Model,
        clock: Clock,
        control: &Control,
    ) -> Result<f64, RunError> {
        let begin = clock();
        let run = self
            .executable
            .run(model.params_mut(), self.inputs.clone(), control);
        run.await?;
        Ok(clock() - begin)
    }

    /// GPU dispatches (or CPU steps) of one pass.
    pub fn dispatches(&self) -> usize {
        self.executable.dispatches()
    }
}

/// Ids all over the vocabulary, the same every time.
fn ids(config: &Config, count: usize) -> Vec<u32> {
    (0..count)
        .map(|place| (place * 131 % config.vocab_size) as u32)
        .collect()
}

/// A model that is trained for nothing but the time it takes.
pub struct StepBench {
    model: Model,
    learner: Learner,
    inputs: Inputs,
}

impl StepBench {
    /// Prepares steps of a classifier of two classes on `texts` texts; a head's read features that
    /// are there, all others texts of `tokens` tokens. The first step, which makes the plan and
    /// compiles shaders, is taken here.
    ///
    /// # Errors
    /// [`RunError::Cancelled`], the device has no room, or failed.
    pub async fn new(
        mut model: Model,
        method: Method,
        texts: usize,
        tokens: usize,
        control: &Control,
    ) -> Result<Self, RunError> {
        let task = Task::classify(2, Pooling::Mean);
        let dropout = DropoutRates {
            hidden: DROPOUT,
            attention: DROPOUT,
            classifier: DROPOUT,
        };
        let optimiser = Optimiser::default();
        let seed = 1;
        let learner = Learner::new(&mut model, task, method, optimiser, dropout, texts, seed);
        let mut learner = learner.await?;
        let targets = Targets::Classes((0..texts as u32).map(|i| i % 2).collect());
        let inputs = if method == Method::Head {
            learner.reserve_features(&mut model, FEATURES).await?;
            let rows = (0..texts as u32).map(|i| i * 3 % FEATURES as u32).collect();
            Inputs::Features { rows, targets }
        } else {
            let all = ids(model.config(), texts * tokens);
            Inputs::Texts(Batch {
                texts: TokenBatch {
                    tokens,
                    ids: all.chunks(tokens).map(<[u32]>::to_vec).collect(),
                    types: vec![vec![0; tokens]; texts],
                },
                targets,
            })
        };
        let mut bench = Self {
            model,
            learner,
            inputs,
        };
        bench.take(1, control).await?;
        Ok(bench)
    }

    /// Milliseconds of one step - forward, loss, backward, clipping, AdamW - where `steps` follow one
    /// another and their losses are read at the end, as a run does it.
    ///
    /// # Errors
    /// [`RunError::Cancelled`], or the device failed.
    pub async fn sample(
        &mut self,
        steps: usize,
        clock: Clock,
        control: &Control,
    ) -> Result<f64, RunError> {
        let begin = clock();
        self.take(steps, control).await?;
        Ok((clock() - begin) / steps as f64)
    }

    /// GPU dispatches (or CPU steps) of one step.
    pub fn dispatches(&self) -> usize {
        self.learner.dispatches()
    }

    async fn take(&mut self, steps: usize, control: &Control) -> Result<(), RunError> {
        let Self {
            model,
            learner,
            inputs,
        } = self;
        for _ in 0..steps {
            learner.step(model, inputs, LEARNING_RATE, control).await?;
        }
        learner.reports(model).await.map(drop)
    }
}

/// A configuration of one layer as wide as `config`'s, with few words: what a step of training takes
/// for each layer, without the memory of the whole model.
pub fn stand_in(config: &Config) -> Config {
    let words = STAND_IN_WORDS.max(config.pad_token_id as usize + 1);
    Config {
        vocab_size: config.vocab_size.min(words),
        num_hidden_layers: 1,
        num_hidden_groups: 1,
        ..config.clone()
    }
}
