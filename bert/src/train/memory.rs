//! What a run will take on the device, worked out from its plans before anything is allocated.

use std::borrow::Cow;

use kernels::{Device, ParamSpec, Plan};
use serde::{Deserialize, Serialize};

use super::event::TrainError;
use super::features::POOLED;
use super::graph::Source;
use super::learner::{FEATURE_ROOM, PREPARED, mask_room};
use super::run::FEATURE_BATCH;
use super::start::unsuited;
use super::step::{EvaluationPlan, LOG_ROWS, Part, Settings, StepPlan, Wanted};
use super::weights::{COPIES, Trainable, classifier};
use super::{Method, Recipe, Task};
use crate::data::padded_lengths;
use crate::model::DropoutRates;
use crate::model::FeatureGraph;
use crate::model::Layout;
use crate::model::Model;

/// What lies between packed parameters at most: WebGPU's largest alignment of a binding.
const ALIGNMENT: u64 = 256;
/// Uniforms of a plan's step, a dispatch or two each, on a GPU.
const UNIFORMS: u64 = 2 * 256;
/// What a 32-bit WebAssembly memory can be trusted to hold: 4 GiB less what the engine and
/// fragmentation take.
const WASM_MEMORY: u64 = 3_500_000_000;

/// Bytes that a run takes on its device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The weights as they rest before the run.
    pub weights: u64,
    /// What makes them trainable: gradients, two moments and the copy of the best weights, and
    /// what weights that rested in f16 take more as f32.
    pub training: u64,
    /// What the plans take that are kept at a time, steps and evaluations at the longest padded
    /// lengths: intermediate values, which they share, and what each has of its own.
    pub activations: u64,
    /// Features of the frozen encoder, where only a head is trained.
    pub features: u64,
    /// The largest single buffer. Packed parameters are spread over several where they must be,
    /// so this is one parameter or one intermediate value.
    pub largest_buffer: u64,
}

impl Needs {
    /// All of it.
    pub fn total(&self) -> u64 {
        self.weights + self.training + self.activations + self.features
    }
}

/// What a device can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest buffer, bytes.
    pub buffer: u64,
    /// Everything together, bytes, where that is known: no GPU tells how much memory is free.
    pub total: Option<u64>,
}

impl Limits {
    /// A device's limits.
    pub fn of(device: &Device) -> Self {
        match device {
            Device::Gpu(_) => Self {
                buffer: device.max_tensor_bytes(),
                total: None,
            },
            Device::Cpu(_) => {
                let total = cfg!(target_arch = "wasm32").then_some(WASM_MEMORY);
                Self {
                    buffer: total.unwrap_or(u64::MAX),
                    total,
                }
            }
        }
    }
}

/// Whether a run fits; if not, what does not.
pub fn check(needs: &Needs, limits: &Limits) -> Result<(), String> {
    let mib = |bytes: u64| format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20));
    if needs.largest_buffer > limits.buffer {
        return Err(format!(
            "this run needs a buffer of {}, and this device allows {}: take a smaller batch, \
             shorter texts, fewer layers, or for a head fewer texts",
            mib(needs.largest_buffer),
            mib(limits.buffer)
        ));
    }
    match limits.total {
        Some(total) if needs.total() > total => Err(format!(
            "this run needs {} ({} of weights, {} to train them, {} of intermediate values), and \
             there are {}: take a smaller batch, shorter texts, or fewer layers",
            mib(needs.total()),
            mib(needs.weights),
            mib(needs.training),
            mib(needs.activations + needs.features),
            mib(total)
        )),
        _ => Ok(()),
    }
}

/// What several plans take that are kept at a time.
#[derive(Clone, Default)]
struct Kept {
    /// Intermediate values: the plans share them, since one runs at a time. The i-th largest of each
    /// lie in one place.
    shared: Vec<u64>,
    /// Inputs, outputs and uniforms.
    own: u64,
    /// The largest buffer of all.
    largest: u64,
}

impl Kept {
    fn add(&mut self, plan: &Plan) {
        let slots = plan.slot_bytes();
        self.shared.resize(self.shared.len().max(slots.len()), 0);
        for (shared, slot) in self.shared.iter_mut().zip(slots) {
            *shared = slot.max(*shared);
        }
        let uniforms = UNIFORMS * plan.steps().len() as u64;
        self.own += plan.input_bytes() + plan.output_bytes() + uniforms;
        self.largest = self.largest.max(plan.largest_buffer());
    }

    fn sum(&self) -> u64 {
        self.shared.iter().sum::<u64>() + self.own
    }
}

/// How large the texts of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Tokens of the longest.
    pub longest: usize,
    /// Examples to learn from and to check with.
    pub examples: usize,
    /// Texts of each example: 1 but where one of several is chosen.
    pub group: usize,
}

impl Extent {
    /// Of examples of one text each.
    pub const fn of(longest: usize, examples: usize) -> Self {
        Self {
            longest,
            examples,
            group: 1,
        }
    }
}

/// The layout that a task learns on, and the parameters of it that the model has not yet.
fn ready(model: &Model, task: Task) -> Result<(Cow<'_, Layout>, Vec<ParamSpec>), TrainError> {
    let (config, layout) = (model.config(), model.layout());
    let is_ready = layout.heads.replaced && layout.generator.is_some();
    if task != Task::Replaced || is_ready {
        return Ok((Cow::Borrowed(layout), Vec::new()));
    }
    let mut layout = layout.clone();
    let head = layout.add_replaced(config);
    let refused = TrainError::NoReplacedHead(config.family.class_prefix());
    let mut added = head.ok_or(refused)?;
    added.extend(layout.add_generator(config, model.device().max_tensor_bytes()));
    Ok((Cow::Owned(layout), added))
}

/// What a run takes on the model's device. Nothing is allocated.
///
/// # Errors
/// A recipe that cannot be run.
pub fn needs(
    model: &Model,
    task: Task,
    recipe: &Recipe,
    extent: Extent,
) -> Result<Needs, TrainError> {
    let Extent {
        longest,
        examples: texts,
        group,
    } = extent;
    let mut problems = recipe.problems();
    if task.guesses_words() {
        problems.extend(unsuited(task, recipe.method).map(str::to_owned));
    }
    if !problems.is_empty() {
        return Err(TrainError::Recipe(problems));
    }
    let config = model.config();
    let (layout, added) = ready(model, task)?;
    let layout = &layout;
    let mut specs: Vec<ParamSpec> = model.params().specs().to_vec();
    specs.retain(|s| added.iter().all(|a| a.name != s.name));
    specs.extend(added);
    if let Task::Head { outputs, .. } = task {
        let fresh = classifier(config.hidden_size, outputs);
        specs.retain(|s| fresh.iter().all(|f| f.name != s.name));
        specs.extend(fresh);
    }
    let trainable = Trainable::choose(
        config,
        layout,
        &specs,
        task,
        recipe.method,
        &recipe.optimiser,
    );
    let weights = model.memory_bytes();
    let packed = |s: &ParamSpec| s.gpu_bytes().next_multiple_of(ALIGNMENT);
    let all: u64 = trainable.specs.iter().map(packed).sum();
    let rested = |s: &&ParamSpec| trainable.specs.iter().any(|t| t.name == s.name);
    let known = model.params().specs().iter();
    let halves = model.params().takes_bytes();
    let bytes = |s: &ParamSpec| match halves {
        true => s.gpu_bytes(),
        false => s.shape.len() as u64 * 4,
    };
    let before: u64 = known.filter(rested).map(bytes).sum();
    let sums = u64::from(recipe.accumulation > 1);
    let training = (all * (COPIES as u64 + 1 + sums)).saturating_sub(before) + LOG_ROWS as u64 * 16;

    let room = recipe.part().min(texts.max(1));
    let limit = recipe.max_tokens.min(config.max_tokens());
    let longest = longest.clamp(1, limit);
    let masks = asked(task, recipe, room, longest);
    let widest = widest(model, masks, room * group, longest);
    if widest > usize::MAX as u64 {
        // Nothing that a plan could describe: one value is more than can be addressed.
        return Ok(Needs {
            weights,
            training,
            activations: widest,
            features: 0,
            largest_buffer: widest,
        });
    }
    let settings = Settings {
        task,
        class_weights: match recipe.balance > 0.0 {
            true => vec![1.0; task.outputs()],
            false => Vec::new(),
        },
        optimiser: recipe.optimiser,
        dropout: DropoutRates {
            hidden: recipe.dropout,
            attention: recipe.dropout,
            classifier: recipe.dropout,
        },
        l2: 0.0,
    };
    let add = |kept: &mut Kept, source: Source| {
        let part = match recipe.accumulation {
            1 => Part::Whole,
            _ => Part::One,
        };
        let step = StepPlan::new(config, layout, &settings, &trainable, source, part);
        let wanted = match task.guesses_words() {
            true => Wanted::Best,
            false => Wanted::Logits,
        };
        let evaluation = EvaluationPlan::new(config, layout, task, source, wanted);
        kept.add(&step.plan);
        kept.add(&evaluation.plan);
    };
    let (mut kept, mut features, mut reading) = (Kept::default(), 0, Kept::default());
    if task.has_features(recipe.method) {
        let Task::Head { pooling, .. } = task else {
            unreachable!("refused above")
        };
        let row = config.hidden_size as u64 * 4;
        features = texts as u64 * row;
        let tokens = longest.next_multiple_of(16).min(limit.max(longest));
        let batch = FEATURE_BATCH.min(texts.max(1));
        let graph = FeatureGraph::new(config, layout, pooling, batch, tokens)
            .expect("the layout checked every shape");
        reading.add(&graph.plan(POOLED));
        reading.own += batch as u64 * row;
        reading.largest = reading.largest.max(features);
        let rows = texts.max(1);
        add(&mut kept, Source::Features { batch: room, rows });
        let batch = rows.next_power_of_two().min(FEATURE_ROOM).max(room);
        let source = Source::Features { batch, rows };
        let evaluation = EvaluationPlan::new(config, layout, task, source, Wanted::Logits);
        kept.add(&evaluation.plan);
    } else {
        let lengths = padded_lengths(longest, limit).into_iter().rev();
        for tokens in lengths.take(PREPARED) {
            let masks = asked(task, recipe, room, tokens);
            let source = Source::Texts {
                batch: room,
                group,
                tokens,
                masks,
            };
            add(&mut kept, source);
        }
    }
    // The two do not meet: the features are all there before the first step.
    let activations = kept.sum().max(reading.sum());
    let largest_of_plans = kept.largest.max(reading.largest);
    let parameter = specs.iter().chain(&trainable.specs);
    let largest = parameter.map(ParamSpec::gpu_bytes).max().unwrap_or(0);
    Ok(Needs {
        weights,
        training,
        // While the weights are moved to where they learn, they are there twice.
        activations: activations.max(before),
        features,
        largest_buffer: largest.max(largest_of_plans),
    })
}

/// Room for the words of a batch that are to be guessed.
fn asked(task: Task, recipe: &Recipe, texts: usize, tokens: usize) -> usize {
    match task {
        Task::Head { .. } => return 0,
        Task::NextWord => return texts * tokens,
        _ => {}
    }
    let each = (recipe.masking.share * tokens as f64).round().max(1.0) as usize;
    mask_room(texts, tokens, texts * each)
}

/// Bytes of the largest value of a step with so many hidden words.
fn widest(model: &Model, masks: usize, room: usize, tokens: usize) -> u64 {
    let config = model.config();
    let width = (3 * config.hidden_size).max(config.intermediate_size);
    let rows = |rows: usize, columns: usize| 4 * rows as u64 * columns as u64;
    rows(room * tokens, width).max(rows(masks, config.vocab_size))
}

/// Recipes near to one that does not fit, and that do, nearest first: a batch in parts, a smaller batch, shorter
/// texts, both, the last layers only, a head alone. Empty if nothing fits.
pub fn offers(
    model: &Model,
    task: Task,
    recipe: &Recipe,
    extent: Extent,
    limits: &Limits,
) -> Vec<Recipe> {
    let fits = |recipe: &Recipe| {
        needs(model, task, recipe, extent).is_ok_and(|n| check(&n, limits).is_ok())
    };
    let halves = |from: usize, least: usize| {
        std::iter::successors(Some(from / 2), |n| Some(n / 2)).take_while(move |&n| n >= least)
    };
    let top = recipe.max_tokens.min(extent.longest);
    // The same steps, in more parts each: a head over features has none.
    let doubled = |n: &usize| Some(2 * n);
    let doubles = std::iter::successors(Some(2 * recipe.accumulation), doubled);
    let parts = doubles
        .take_while(|&n| n <= recipe.batch)
        .map(|accumulation| Recipe {
            accumulation,
            ..*recipe
        });
    let smaller = || {
        halves(recipe.batch, 1).map(|batch| Recipe {
            batch,
            accumulation: recipe.accumulation.min(batch),
            ..*recipe
        })
    };
    let shorter = || {
        halves(top, 16).map(|max_tokens| Recipe {
            max_tokens,
            ..*recipe
        })
    };
    let both = || {
        smaller().zip(shorter()).map(|(batch, tokens)| Recipe {
            max_tokens: tokens.max_tokens,
            ..batch
        })
    };
    let mut found: Vec<Recipe> = Vec::new();
    if !task.has_features(recipe.method) {
        found.extend({ parts }.find(&fits));
    }
    found.extend(smaller().find(&fits));
    found.extend(shorter().find(&fits));
    if found.is_empty() {
        found.extend(both().find(&fits));
    }
    let layers = match recipe.method {
        Method::All => model.config().num_hidden_layers,
        Method::LastLayers(count) => count,
        // Random weights below would spoil what is learned above.
        Method::Head | Method::Scratch => 0,
    };
    let last = (1..layers).rev().map(|count| Recipe {
        method: Method::LastLayers(count),
        ..*recipe
    });
    found.extend({ last }.find(&fits));
    if recipe.method != Method::Head && !task.guesses_words() {
        let base = match task.has_features(Method::Head) {
            true => Recipe::new(Method::Head),
            false => Recipe::scheduled(Method::Head),
        };
        let head = Recipe {
            pooling: recipe.pooling,
            max_tokens: recipe.max_tokens,
            seed: recipe.seed,
            ..base
        };
        found.extend(Some(head).filter(&fits));
    }
    found
}
