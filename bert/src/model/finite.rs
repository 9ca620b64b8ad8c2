//! Where numbers stop being finite, asked only when an answer is none.

use kernels::ops::NO_TARGET;
use kernels::{Control, Executable, Graph, GraphError, Plan, RunError, Tensor, TensorType, Value};

use super::Model;
use super::forward::Builder;
use super::tokens::{TokenBatch, encoder_values};

/// A part of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPart {
    /// The embeddings, with their norm.
    Embeddings,
    /// A layer of the encoder.
    Layer {
        /// Its number, from 1.
        layer: usize,
        /// Layers in all.
        of: usize,
    },
    /// What comes after the encoder, by its name.
    Head(&'static str),
}

impl std::fmt::Display for ModelPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embeddings => write!(f, "the embeddings"),
            Self::Layer { layer, of } => write!(f, "layer {layer} of {of}"),
            Self::Head(name) => write!(f, "the {name}"),
        }
    }
}

/// A text whose answer would be made of NaN and infinities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the numbers overflow: for this text the output of {part} is not finite (NaN or infinity); the \
     weights are damaged, or too large for single precision"
)]
pub struct NotFinite {
    /// The first part whose output is not finite.
    pub part: ModelPart,
}

impl Model {
    /// Why an answer to these texts, by `head`, is not finite: the first part of the model whose output
    /// is not. Runs the encoder once more; the model can be used on.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(crate) async fn not_finite(
        &mut self,
        texts: &TokenBatch,
        head: &'static str,
        control: &Control,
    ) -> Result<NotFinite, RunError> {
        let part = self.part_not_finite(texts, control).await?;
        Ok(NotFinite {
            part: part.unwrap_or(ModelPart::Head(head)),
        })
    }

    /// The first part of the encoder whose output is not finite for one of these texts.
    pub(crate) async fn part_not_finite(
        &mut self,
        texts: &TokenBatch,
        control: &Control,
    ) -> Result<Option<ModelPart>, RunError> {
        let (count, tokens) = (texts.ids.len(), texts.tokens);
        let mut graph = Graph::new();
        let mut builder = Builder {
            graph: &mut graph,
            config: &self.config,
            layout: &self.layout,
            noise: None,
            prefix: "",
        };
        let fits = "the layout checked every shape against the configuration";
        let encoder = builder.encoder(count, tokens).expect(fits);
        let targets = graph.input("no targets", TensorType::u32([count * tokens]));
        let outputs = encoder.hidden.iter();
        let outputs: Result<Vec<Value>, GraphError> = outputs
            .map(|&hidden| Ok(graph.top_k(hidden, targets, 1)?.figures))
            .collect();
        let plan = Plan::new(&graph, &outputs.expect(fits));
        let mut inputs = encoder_values(&self.config, &encoder, texts, count, tokens);
        inputs.push((targets, Tensor::U32(vec![NO_TARGET; count * tokens])));
        let mut executable = Executable::new(&self.device, plan, &self.params).await?;
        let found = executable.run(&mut self.params, inputs, control).await?;
        let of = found.len() - 1;
        // What padding comes to, nobody reads.
        let rows = texts.ids.iter().enumerate();
        let rows: Vec<usize> = rows
            .flat_map(|(i, ids)| i * tokens..i * tokens + ids.len())
            .collect();
        let broken = |figures: &Tensor| {
            let figures = figures.to_f32();
            rows.iter().any(|&row| !figures[3 * row].is_finite())
        };
        Ok(found.iter().position(broken).map(|i| match i {
            0 => ModelPart::Embeddings,
            layer => ModelPart::Layer { layer, of },
        }))
    }
}

/// Whether a text's numbers are all finite.
pub(crate) fn all_finite(numbers: &[f32]) -> bool {
    numbers.iter().all(|x| x.is_finite())
}
