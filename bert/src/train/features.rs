//! The vectors of texts that a frozen encoder makes, for a head alone: computed once, kept on the device.

use kernels::{Control, DeviceError, Executable, Graph, ParamSpec, Plan, RunError, Storage};

use super::graph::FEATURES;
use super::learner::Learner;
use super::settle::Scale;
use crate::config::Pooling;
use crate::model::{FeatureGraph, Model, TokenBatch, all_finite};

/// The features of one batch, `[B, H]`, before each is laid in its place.
pub(super) const POOLED: &str = "features of a batch";

/// Texts by whose features it is judged how large they are.
const SCALE_ROWS: usize = 64;

/// What computes features, for so many texts of so many tokens.
pub(super) struct Reading {
    sizes: (usize, usize),
    graph: FeatureGraph,
    executable: Executable,
}

impl Learner {
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

    /// Computes the vectors of the texts at `places`, at most `room`, and lays them in their places;
    /// they stay on the device. One that is cancelled has laid none.
    /// Calls of one `room` and length in a row share a plan.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub async fn add_features(
        &mut self,
        model: &mut Model,
        pooling: Pooling,
        places: &[usize],
        room: usize,
        texts: &TokenBatch,
        control: &Control,
    ) -> Result<(), RunError> {
        let (device, config, layout, params) = model.parts();
        let sizes = (room, texts.tokens);
        if self.reading.as_ref().is_none_or(|r| r.sizes != sizes) {
            // The old plan's memory goes before the new one's comes.
            self.reading = None;
            let graph = FeatureGraph::new(config, layout, pooling, room, texts.tokens)
                .expect("the layout checked every shape");
            let pooled = ParamSpec {
                name: POOLED.to_owned(),
                shape: [room, config.hidden_size].into(),
                storage: Storage::F32,
            };
            if !params.specs().contains(&pooled) {
                params.add(&[pooled], false)?.await?;
            }
            let executable = Executable::new(device, graph.plan(POOLED), params).await?;
            self.reading = Some(Reading {
                sizes,
                graph,
                executable,
            });
        }
        let Some(reading) = &mut self.reading else {
            unreachable!("made above")
        };
        let values = reading.graph.values(config, texts);
        let executable = &mut reading.executable;
        executable.submit(params, values, control).await?;
        let (hidden, rows) = (config.hidden_size, places.iter().enumerate());
        let parts: Vec<_> = rows
            .map(|(row, &place)| (row * hidden, place * hidden, hidden))
            .collect();
        params.copy_parts(POOLED, FEATURES, &parts)
    }

    /// How large the features of the first `count` texts are, by some of them.
    pub(super) async fn feature_scale(
        &self,
        model: &mut Model,
        count: usize,
    ) -> Result<Scale, RunError> {
        let (_, config, _, params) = model.parts();
        let hidden = config.hidden_size;
        let some = params
            .read(FEATURES, 0, count.min(SCALE_ROWS) * hidden)
            .await?;
        Ok(Scale::of(&some, hidden))
    }

    /// The first of the features that is not finite. Only their sum is read back, unless that is not
    /// finite.
    pub(super) async fn features_not_finite(
        &self,
        model: &mut Model,
        control: &Control,
    ) -> Result<Option<usize>, RunError> {
        let (device, config, _, params) = model.parts();
        let (rows, hidden) = (self.features, config.hidden_size);
        let mut graph = Graph::new();
        let sums = graph.param(FEATURES, [rows, hidden]);
        let sums = sums.and_then(|features| graph.sum_rows(features));
        let plan = Plan::new(&graph, &[sums.expect("a matrix has rows")]);
        let mut executable = Executable::new(device, plan, params).await?;
        let found = executable.run(params, Vec::new(), control).await?;
        if all_finite(&found[0].to_f32()) {
            return Ok(None);
        }
        for row in 0..rows {
            let vector = params.read(FEATURES, row * hidden, hidden).await?;
            if !all_finite(&vector) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Frees what computing features took; the features stay.
    pub fn end_features(&mut self, model: &mut Model) {
        self.reading = None;
        model.parts().3.remove(&[POOLED.to_owned()]);
    }
}
