//! Texts as vectors: the encoder, and how its rows become one a text.

use kernels::{Graph, GraphError, Plan, Tensor, TensorType, Value};

use super::forward::{Builder, Encoder};
use super::layout::Layout;
use super::tokens::{TokenBatch, encoder_values};
use crate::config::{Config, Pooling};

/// The vectors of texts `[B, H]`, and the input that names the rows of `[CLS]`, where one is read.
pub(crate) fn pool(
    builder: &mut Builder<'_>,
    encoder: &Encoder,
    pooling: Pooling,
    batch: usize,
) -> Result<(Value, Option<Value>), GraphError> {
    if pooling == Pooling::Mean {
        return Ok((
            builder
                .graph
                .mean_tokens(encoder.output(), encoder.lengths)?,
            None,
        ));
    }
    let at = builder.graph.input("[CLS] rows", TensorType::u32([batch]));
    let first = builder.graph.gather_rows(encoder.output(), at)?;
    let pooled = if pooling == Pooling::Pooler {
        builder.pooler(first)?
    } else {
        first
    };
    Ok((pooled, Some(at)))
}

/// Texts in, their vectors out: the features that a classifier reads.
pub(crate) struct FeatureGraph {
    /// The pass.
    pub graph: Graph,
    encoder: Encoder,
    rows: Option<Value>,
    /// `[B, H]`
    pub pooled: Value,
    batch: usize,
    tokens: usize,
}

impl FeatureGraph {
    /// For `batch` texts of `tokens` tokens.
    pub fn new(
        config: &Config,
        layout: &Layout,
        pooling: Pooling,
        batch: usize,
        tokens: usize,
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::new();
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise: None,
            prefix: "",
        };
        let encoder = builder.encoder(batch, tokens)?;
        let (pooled, rows) = pool(&mut builder, &encoder, pooling, batch)?;
        Ok(Self {
            graph,
            encoder,
            rows,
            pooled,
            batch,
            tokens,
        })
    }

    /// What computes the vectors and leaves them in a parameter, `[batch, H]`.
    pub fn plan(&self, pooled: &str) -> Plan {
        Plan::with_stores(&self.graph, &[], &[(self.pooled, pooled.to_owned())])
    }

    /// The values of a run.
    pub fn values(&self, config: &Config, texts: &TokenBatch) -> Vec<(Value, Tensor)> {
        let mut values = encoder_values(config, &self.encoder, texts, self.batch, self.tokens);
        if let Some(at) = self.rows {
            values.push((at, Tensor::U32(cls_rows(self.batch, self.tokens))));
        }
        values
    }
}

/// The rows of `[CLS]` in `batch` texts of `tokens` tokens.
pub(crate) fn cls_rows(batch: usize, tokens: usize) -> Vec<u32> {
    (0..batch).map(|b| (b * tokens) as u32).collect()
}
