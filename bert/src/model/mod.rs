//! A BERT on a device.

mod families;
mod features;
mod finite;
mod forward;
pub(crate) mod generator;
mod head;
mod layout;
mod loader;
mod looks;
pub mod names;
mod slot;
mod task_head;
mod tokens;

pub(crate) use features::{FeatureGraph, cls_rows};
pub(crate) use finite::all_finite;
pub use finite::{ModelPart, NotFinite};
pub use forward::{Builder, DropoutRates, Encoder, FillGraph, TrainingNoise};
pub(crate) use forward::{Passed, Way};
pub use generator::Generator;
pub use layout::{Heads, Layout};
pub use loader::ModelLoader;
pub(crate) use looks::{Look, Looked};
pub use slot::{Blocks, Part, Slot};
pub(crate) use task_head::parts as classifier_parts;
pub use task_head::{TaskHead, TaskHeadError};
pub use tokens::TokenBatch;
pub(crate) use tokens::{encoder_values, look_ups};

use kernels::{
    Control, Device, DeviceError, Executable, Graph, ParamSpec, Params, Plan, RunError, Tensor,
};

use crate::checkpoint::StreamError;
use crate::config::Config;
use crate::data::Random;

/// Why a checkpoint could not be loaded. Nothing of it stays on the device.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not what it should be.
    #[error(transparent)]
    Stream(Box<StreamError<LoadError>>),
    /// Tensors are missing, or differ from what config.json says.
    #[error("the checkpoint does not fit its config.json: {}", .0.join("; "))]
    Tensors(Vec<String>),
    /// A weight is not a number.
    #[error(
        "tensor `{name}` holds NaN or infinity at element {index}: the checkpoint is damaged, or its \
         training diverged"
    )]
    NonFinite {
        /// The tensor's name in the file.
        name: String,
        /// The element, counted row by row.
        index: usize,
    },
    /// The shaders cannot hold a head of this size.
    #[error("attention heads of size {0} are not supported; the largest is 128")]
    HeadSize(usize),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device did not take a weight.
    #[error(transparent)]
    Run(RunError),
}

impl From<RunError> for LoadError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Device(error) => Self::Device(error),
            error => Self::Run(error),
        }
    }
}

impl From<StreamError<LoadError>> for LoadError {
    fn from(error: StreamError<LoadError>) -> Self {
        match error {
            StreamError::Sink(error) => error,
            error => LoadError::Stream(Box::new(error)),
        }
    }
}

/// Prepared plans kept at a time: one for each recent length of text and number of masks.
const PREPARED: usize = 8;

/// The sizes that a prepared plan was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    tokens: usize,
    masks: Option<(usize, usize)>,
    pair: bool,
}

impl Sizes {
    fn plan(&self, config: &Config, layout: &Layout) -> (FillGraph, Plan) {
        let fill = FillGraph::new(config, layout, self.tokens, self.masks, self.pair)
            .expect("the layout checked every shape against the configuration");
        let plan = Plan::new(&fill.graph, &fill.outputs());
        (fill, plan)
    }
}

/// Asks for the shaders of a short text with a mask, which is what comes first.
fn warm_up(device: &Device, config: &Config, layout: &Layout, params: &Params) {
    let sizes = Sizes {
        tokens: bucket(16).min(config.max_tokens()),
        masks: layout.heads.mlm.then(|| (1, config.vocab_size.min(10))),
        pair: false,
    };
    let (_, plan) = sizes.plan(config, layout);
    Executable::warm_up(device, &plan, params);
}

/// A plan ready to run, with the values that its inputs go to.
pub struct Prepared {
    sizes: Sizes,
    /// The graph.
    pub fill: FillGraph,
    /// The plan on the device.
    pub executable: Executable,
}

/// A loaded checkpoint.
pub struct Model {
    device: Device,
    config: Config,
    layout: Layout,
    params: Params,
    sha256: String,
    task_head: Option<TaskHead>,
    prepared: Vec<Prepared>,
    passes: Vec<head::Prepared>,
    looks: Vec<Look>,
}

impl Model {
    fn new(device: Device, config: Config, layout: Layout, params: Params, sha256: String) -> Self {
        let task_head = TaskHead::loaded(&config, &layout.heads);
        Self {
            device,
            config,
            layout,
            params,
            sha256,
            task_head,
            prepared: Vec::new(),
            passes: Vec::new(),
            looks: Vec::new(),
        }
    }

    /// A model of this shape with random weights, which depend on `seed` alone: an encoder, and a
    /// masked-language-model head if `mlm`. It has no file, so [`Model::sha256`] is empty.
    ///
    /// # Errors
    /// [`LoadError::HeadSize`], or the device has no room.
    pub async fn fresh(
        device: &Device,
        config: Config,
        mlm: bool,
        seed: u64,
    ) -> Result<Self, LoadError> {
        let head = config.head_size();
        if head > kernels::ops::MAX_HEAD_SIZE {
            return Err(LoadError::HeadSize(head));
        }
        let layout = Layout::fresh(&config, mlm, device.max_tensor_bytes());
        let (params, ready) = Params::new(device, &layout.params)?;
        ready.await?;
        let mut model = Self::new(device.clone(), config, layout, params, String::new());
        model.randomise(&mut Random::new(seed, 0))?;
        Ok(model)
    }

    /// Makes sure of a next-sentence head, with random weights where there was none; `false` where the family has none.
    ///
    /// # Errors
    /// The device has no room.
    pub async fn add_next_sentence(&mut self, seed: u64) -> Result<bool, RunError> {
        let Some(added) = self.layout.add_next_sentence(&self.config) else {
            return Ok(false);
        };
        self.params.add(&added, false)?.await?;
        self.randomise_some(&added, &mut Random::new(seed, 0x2e87))?;
        self.forget_plans();
        Ok(true)
    }

    /// Makes sure of a head that tells replaced words, with random weights where there was none; `false` where the family
    /// has none.
    ///
    /// # Errors
    /// The device has no room.
    pub async fn add_replaced(&mut self, seed: u64) -> Result<bool, RunError> {
        let Some(added) = self.layout.add_replaced(&self.config) else {
            return Ok(false);
        };
        self.params.add(&added, false)?.await?;
        self.randomise_some(&added, &mut Random::new(seed, 0x6e4d))?;
        self.forget_plans();
        Ok(true)
    }

    /// Forgets everything: normally distributed matrices, layer norms that change nothing.
    pub(crate) fn randomise(&mut self, random: &mut Random) -> Result<(), RunError> {
        let specs = self.params.specs().to_vec();
        self.randomise_some(&specs, random)
    }

    fn randomise_some(&mut self, specs: &[ParamSpec], random: &mut Random) -> Result<(), RunError> {
        let deviation = self.config.initializer_range;
        for spec in specs {
            let numbers = fresh_numbers(&spec.name, spec.shape.len(), deviation, random);
            self.params.write(&spec.name, 0, &numbers)?;
        }
        Ok(())
    }

    /// SHA-256 of the file that it was loaded from, in hexadecimal digits. Training does not
    /// change it: it names the base.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The device it lives on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Its weights on the device.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Its weights, for plans of one's own to run with.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// What it has beside the encoder.
    pub fn heads(&self) -> &Heads {
        &self.layout.heads
    }

    /// Its tensors and parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The device, configuration and layout, with the weights to write.
    pub(crate) fn parts(&mut self) -> (&Device, &Config, &Layout, &mut Params) {
        (&self.device, &self.config, &self.layout, &mut self.params)
    }

    /// Drops prepared plans: they read the parameters that they were made with, also when others
    /// have taken their names since.
    pub(crate) fn forget_plans(&mut self) {
        self.prepared.clear();
        self.passes.clear();
        self.looks.clear();
    }

    /// The numbers of a parameter, read back from the device; of one that lies in blocks, those of
    /// all blocks.
    ///
    /// # Errors
    /// [`RunError::MissingParam`] if there is none of this name.
    pub async fn read(&mut self, name: &str) -> Result<Tensor, RunError> {
        let missing = || RunError::MissingParam(name.to_owned());
        let slots = &self.layout.slots;
        let names: Vec<String> = match slots.iter().find(|s| s.param == name && s.block.is_some()) {
            Some(slot) => (slot.parts(0, slot.elements()).into_iter())
                .map(|part| part.param)
                .collect(),
            None => vec![name.to_owned()],
        };
        let mut all: Option<Tensor> = None;
        for name in names {
            let specs = self.params.specs();
            let spec = specs.iter().find(|s| s.name == name).ok_or_else(missing)?;
            let mut graph = Graph::new();
            let read = graph
                .param(&name, spec.shape)
                .and_then(|param| graph.copy(param))
                .expect("a copy has the parameter's own shape");
            let plan = Plan::new(&graph, &[read]);
            let mut executable = Executable::new(&self.device, plan, &self.params).await?;
            let control = Control::default();
            let run = executable.run(&mut self.params, Vec::new(), &control);
            let block = run.await?.remove(0);
            match &mut all {
                Some(all) => all.append(block),
                None => all = Some(block),
            }
        }
        all.ok_or_else(missing)
    }

    /// Whether it can fill masks, or why not.
    pub fn has_mlm(&self) -> Result<(), String> {
        if self.config.causal {
            return Err(
                "This model reads left to right (its config.json says `is_decoder`): it guesses the next word from those \
                 before it, so a hidden word with words after it means nothing to it."
                    .to_owned(),
            );
        }
        if self.layout.heads.mlm {
            return Ok(());
        }
        let (start, class) = (
            families::names(self.config.family).mlm.start,
            self.config.family.class_prefix(),
        );
        Err(format!(
            "This checkpoint is an encoder without a masked-language-model head (its file has no \
             `{start}*` tensors), so it cannot fill masks. Its tokens can still be looked at; a \
             `{class}ForMaskedLM` checkpoint has the head."
        ))
    }

    /// Whether it can guess the next word, or why not.
    pub fn has_next_word(&self) -> Result<(), String> {
        match (self.config.causal, self.layout.heads.mlm) {
            (true, true) => Ok(()),
            (true, false) => Err(
                "This model reads left to right, but its file has no `cls.predictions.*` tensors, so it cannot guess words: a \
                 `BertLMHeadModel` has them."
                    .to_owned(),
            ),
            (false, _) => Err(
                "This model reads both sides (its config.json has no `is_decoder`): it would see the next word that it is to \
                 guess. Make a new model that reads left to right."
                    .to_owned(),
            ),
        }
    }

    /// Whether it can guess words, hidden ones or next ones, or why not.
    pub fn guesses_words(&self) -> Result<(), String> {
        match self.config.causal {
            true => self.has_next_word(),
            false => self.has_mlm(),
        }
    }

    /// Whether it can judge whether one text follows another.
    pub fn has_nsp(&self) -> bool {
        self.layout.heads.nsp
    }

    /// Whether it can say of each token whether it was replaced.
    pub fn has_replaced(&self) -> bool {
        self.layout.heads.replaced
    }

    /// Number of weights.
    pub fn parameter_count(&self) -> u64 {
        self.layout.parameter_count()
    }

    /// Bytes that the weights take on the device.
    pub fn memory_bytes(&self) -> u64 {
        self.params.memory_bytes()
    }

    /// Gives the device's memory back. Dropping does the same.
    pub fn destroy(self) {}

    /// GPU dispatches (or CPU steps) of one forward pass over one text of `tokens` tokens with `masks` masks.
    pub async fn dispatches(&mut self, tokens: usize, masks: usize) -> Result<usize, RunError> {
        let (prepared, ..) = self.prepare(tokens, masks, 10, false).await?;
        Ok(prepared.executable.dispatches())
    }

    /// The plan for a text of `tokens` tokens with `masks` masks, of whose predictions `top_k` are
    /// wanted; of a `pair` of texts also whether the second follows. Sizes are rounded up, so that editing a
    /// text seldom needs a new plan.
    pub(crate) async fn prepare(
        &mut self,
        tokens: usize,
        masks: usize,
        top_k: usize,
        pair: bool,
    ) -> Result<(&mut Prepared, &mut Params, &Config), RunError> {
        let sizes = Sizes {
            tokens: bucket(tokens).min(self.config.max_tokens()).max(tokens),
            masks: (masks > 0).then(|| {
                let k = top_k.next_multiple_of(10).min(self.config.vocab_size);
                (masks.next_power_of_two(), k)
            }),
            pair,
        };
        if let Some(i) = self.prepared.iter().position(|p| p.sizes == sizes) {
            // The most recently used one last, the one to forget first.
            let prepared = self.prepared.remove(i);
            self.prepared.push(prepared);
        } else {
            let (fill, plan) = sizes.plan(&self.config, &self.layout);
            let executable = Executable::new(&self.device, plan, &self.params).await?;
            if self.prepared.len() == PREPARED {
                self.prepared.remove(0);
            }
            self.prepared.push(Prepared {
                sizes,
                fill,
                executable,
            });
        }
        let last = self.prepared.len() - 1;
        Ok((&mut self.prepared[last], &mut self.params, &self.config))
    }
}

/// First numbers of a parameter: normally distributed matrices, biases of zero, layer norms that change nothing.
pub(crate) fn fresh_numbers(
    name: &str,
    count: usize,
    deviation: f64,
    random: &mut Random,
) -> Vec<f32> {
    match name {
        name if name.ends_with("bias") => vec![0.0; count],
        name if name.contains("LayerNorm") => vec![1.0; count],
        _ => (0..count)
            .map(|_| (random.normal() * deviation) as f32)
            .collect(),
    }
}

/// A length of text, rounded up: plans are made for few lengths, and padding costs little.
pub(crate) fn bucket(tokens: usize) -> usize {
    const STEPS: [usize; 6] = [8, 16, 24, 32, 48, 64];
    match STEPS.into_iter().find(|&s| s >= tokens) {
        Some(step) => step,
        None => tokens.next_multiple_of(if tokens <= 128 { 32 } else { 64 }),
    }
}

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn buckets_hold_their_texts_and_waste_little() {
        for tokens in 1..=512 {
            let bucket = bucket(tokens);
            assert!(bucket >= tokens);
            assert!(
                bucket - tokens < 8.max(tokens * 6 / 10),
                "{tokens} -> {bucket}"
            );
        }
    }
}
