//! Which weights learn, and where they and all that belongs to them lie on the device.

use kernels::{Control, Executable, Graph, ParamSpec, Params, Plan, RunError, Shape, Storage};

use super::graph::{CLASSIFIER, LossGraph, Source};
use super::step::parts_loss;
use super::{Method, Optimiser, Task};
use crate::config::Config;
use crate::data::Random;
use crate::model::{Layout, Model, names};

/// Names of what belongs to a trainable parameter.
pub(super) fn gradient(name: &str) -> String {
    format!("gradient/{name}")
}
/// Over a step's parts, where it has several.
pub(super) fn sum(name: &str) -> String {
    format!("sum of gradients/{name}")
}
pub(super) fn first_moment(name: &str) -> String {
    format!("first moment/{name}")
}
pub(super) fn second_moment(name: &str) -> String {
    format!("second moment/{name}")
}
pub(super) fn kept(name: &str) -> String {
    format!("kept/{name}")
}

/// What one trainable weight needs beside itself: gradient, two moments, and the best copy.
pub(super) const COPIES: usize = 4;

/// The weights that learn, in the order in which they are packed: decayed ones first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trainable {
    pub specs: Vec<ParamSpec>,
    /// How many of them, the first ones, are decayed.
    pub decayed: usize,
    /// What the learning rate of each is multiplied by; empty where that is 1 of all.
    pub scales: Vec<f64>,
}

/// What a parameter's learning rate is multiplied by: `decay` once for each layer above it. One that layers share goes by
/// the last of them.
fn scale(config: &Config, name: &str, decay: f64) -> f64 {
    let layers = config.num_hidden_layers;
    let of = |i: &usize| name.starts_with(&names::layer(config.layer_group(*i), ""));
    let above = match (0..layers).rev().find(of) {
        Some(layer) => layers - layer,
        None if name.starts_with("embeddings") => layers + 1,
        None => 0,
    };
    decay.powi(above as i32)
}

impl Trainable {
    /// Of `params`, those that the method trains and the loss depends on.
    pub fn choose(
        config: &Config,
        layout: &Layout,
        params: &[ParamSpec],
        task: Task,
        method: Method,
        optimiser: &Optimiser,
    ) -> Self {
        let layers = config.num_hidden_layers;
        let learns = |name: &str| match method {
            Method::Head => name.starts_with(CLASSIFIER),
            Method::All | Method::Scratch => true,
            Method::LastLayers(count) => {
                let layer = |i: usize| name.starts_with(&names::layer(config.layer_group(i), ""));
                (layers.saturating_sub(count)..layers).any(layer)
                    || ["pooler", "cls.", CLASSIFIER]
                        .iter()
                        .any(|p| name.starts_with(p))
            }
        };
        let source = Source::Texts {
            batch: 1,
            group: 1,
            tokens: 1,
            masks: usize::from(task.guesses_words()),
        };
        let graph = LossGraph::new(config, layout, task, source, None, &[]);
        let graph = graph.expect("the layout checked every shape").graph;
        let used = graph.params();
        let mut specs: Vec<ParamSpec> = params
            .iter()
            .filter(|s| used.contains(&s.name.as_str()) && learns(&s.name))
            .map(|s| ParamSpec {
                storage: Storage::F32,
                ..s.clone()
            })
            .collect();
        let decays = |s: &ParamSpec| {
            optimiser.decay_all || !(s.name.ends_with("bias") || s.name.contains("LayerNorm"))
        };
        let scale = |s: &ParamSpec| scale(config, &s.name, optimiser.layer_decay);
        // Those of one learning rate lie together: a dispatch goes over them.
        specs.sort_by(|a, b| {
            let scales = scale(b).total_cmp(&scale(a));
            decays(b).cmp(&decays(a)).then(scales)
        });
        let decayed = specs.iter().filter(|s| decays(s)).count();
        let scales = match optimiser.layer_decay == 1.0 {
            true => Vec::new(),
            false => specs.iter().map(scale).collect(),
        };
        Self {
            specs,
            decayed,
            scales,
        }
    }

    /// Moves the weights side by side, in f32, with room for gradients, moments and a copy of the
    /// best weights.
    pub async fn pack(&self, model: &mut Model) -> Result<(), RunError> {
        let named = |name: fn(&str) -> String| -> Vec<ParamSpec> {
            let rename = |s: &ParamSpec| ParamSpec {
                name: name(&s.name),
                ..s.clone()
            };
            self.specs.iter().map(rename).collect()
        };
        let (device, _, _, params) = model.parts();
        let groups: [fn(&str) -> String; COPIES] = [gradient, first_moment, second_moment, kept];
        for group in groups {
            params.add(&named(group), true)?.await?;
        }

        // The copies are made under another name, so that plans can read the one and write the
        // other.
        params
            .add(&named(|name| format!("packed/{name}")), true)?
            .await?;
        let mut graph = Graph::new();
        let mut stores = Vec::new();
        for spec in &self.specs {
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
        for (spec, (_, packed)) in self.specs.iter().zip(&stores) {
            params.rename(packed, &spec.name)?;
        }
        model.forget_plans();
        Ok(())
    }

    /// Makes room for the sums of the gradients of a step's parts, and of its losses.
    pub async fn add_sums(&self, params: &mut Params, losses: usize) -> Result<(), RunError> {
        let sum = |spec: &ParamSpec| ParamSpec {
            name: sum(&spec.name),
            ..spec.clone()
        };
        let sums: Vec<ParamSpec> = self.specs.iter().map(sum).collect();
        params.add(&sums, true)?.await?;
        let loss = |i| ParamSpec {
            name: parts_loss(i),
            shape: [1].into(),
            storage: Storage::F32,
        };
        // Each by itself: sums that are packed are those of one operation.
        for i in 0..losses {
            params.add(&[loss(i)], false)?.await?;
        }
        Ok(())
    }

    /// The names of all that was added beside the weights.
    pub fn added(&self) -> impl Iterator<Item = String> {
        self.specs.iter().flat_map(|s| {
            let name = s.name.as_str();
            [
                gradient(name),
                sum(name),
                first_moment(name),
                second_moment(name),
                kept(name),
            ]
        })
    }
}

/// A classifier's parameters.
pub(super) fn classifier(hidden: usize, classes: usize) -> [ParamSpec; 2] {
    let spec = |part: &str, shape: Shape| ParamSpec {
        name: format!("{CLASSIFIER}.{part}"),
        shape,
        storage: Storage::F32,
    };
    [
        spec("weight", [classes, hidden].into()),
        spec("bias", [classes].into()),
    ]
}

/// Adds a classifier with fresh weights.
pub(super) async fn add_classifier(
    model: &mut Model,
    classes: usize,
    random: &mut Random,
) -> Result<(), RunError> {
    let (hidden, deviation) = (model.config().hidden_size, model.config().initializer_range);
    let specs = classifier(hidden, classes);
    let (.., params) = model.parts();
    params.add(&specs, false)?.await?;
    let weights: Vec<f32> = (0..classes * hidden)
        .map(|_| (random.normal() * deviation) as f32)
        .collect();
    params.write(&specs[0].name, 0, &weights)?;
    params.write(&specs[1].name, 0, &vec![0.0; classes])?;
    Ok(())
}
