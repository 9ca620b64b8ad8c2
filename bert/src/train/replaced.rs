//! Replaced words: a generator fills what is hidden, and the model tells what was replaced (Clark et al. 2020, section 3.1).

use kernels::ops::{Loss, NO_TARGET};
use kernels::{Graph, GraphError, Tensor, TensorType, Value};

use super::REPLACED_WEIGHT;
use super::inputs::Mask;
use crate::config::Config;
use crate::model::generator::PREFIX;
use crate::model::{Builder, Encoder, TokenBatch, look_ups};

/// The noise that the generator's words are drawn with.
const DRAWING: u32 = 0x6e4e_0000;

/// What there is beside the generator where replaced words are learned.
pub(super) struct Replaced {
    /// The texts with nothing hidden, as [`Encoder::rows`].
    rows: Value,
    /// Of each token `[B·T]`, u32, the hidden word that it is, or [`NO_TARGET`].
    sources: Value,
    /// [`REPLACED_WEIGHT`], `[1]`.
    weight: Value,
    /// Each token's logit of having been replaced, `[B·T, 1]`.
    pub logits: Value,
    /// 1 where it was, else 0, `[B·T, 1]`.
    pub changed: Value,
}

/// Both models over a batch.
pub(super) struct Recorded {
    /// Of texts with words hidden.
    pub generator: Encoder,
    /// The rows of the hidden words `[R]`, u32.
    pub hidden: Value,
    /// The generator's logits of them `[R, V]`.
    pub logits: Value,
    /// Of texts with those words filled.
    pub replaced: Replaced,
}

/// Records both, for B texts of T tokens with R words hidden. The model's layout has a generator.
pub(super) fn record(
    builder: &mut Builder<'_>,
    [batch, tokens, masks]: [usize; 3],
    seed: Value,
) -> Result<Recorded, GraphError> {
    let (config, layout) = (builder.config, builder.layout);
    let Some(generator) = &layout.generator else {
        unreachable!("a run of replaced words has a generator")
    };
    builder.config = &generator.config;
    builder.layout = &generator.layout;
    builder.prefix = PREFIX;
    let encoded = builder.encoder(batch, tokens)?;
    let hidden = TensorType::u32([masks]);
    let hidden = builder.graph.input("masked rows", hidden);
    let filled = builder.graph.gather_rows(encoded.output(), hidden)?;
    let logits = builder.mlm(filled)?;
    builder.config = config;
    builder.layout = layout;
    builder.prefix = "";
    let drawn = builder.graph.sample(logits, seed, DRAWING)?;
    Ok(Recorded {
        replaced: tell(builder, encoded.lengths, tokens, drawn)?,
        generator: encoded,
        hidden,
        logits,
    })
}

/// The model over texts in which the words `drawn` stand where words were hidden.
fn tell(
    builder: &mut Builder<'_>,
    lengths: Value,
    tokens: usize,
    drawn: Value,
) -> Result<Replaced, GraphError> {
    let count = builder.graph.ty(lengths).shape.len() * tokens;
    let rows = builder.look_ups(count);
    let sources = TensorType::u32([count]);
    let sources = builder.graph.input("sources of the tokens", sources);
    let found = builder.graph.substitute(rows, drawn, sources)?;
    let encoded = builder.encoder_of(found.ids, lengths, tokens)?;
    Ok(Replaced {
        rows,
        sources,
        weight: builder
            .graph
            .input("weight of the tokens", TensorType::real([1])),
        logits: builder.replaced(encoded.output())?,
        changed: found.changed,
    })
}

impl Replaced {
    /// What telling them counts, `[1]`; `weights` are 1 for each token that is not padding, else 0.
    pub fn loss(&self, graph: &mut Graph, weights: Value) -> Result<Value, GraphError> {
        let mean = graph.mean_loss(Loss::Binary, self.logits, self.changed, weights)?;
        graph.scale_columns(mean, self.weight)
    }

    /// The values of its inputs for texts with words hidden, padded to `batch` of them.
    pub fn values(
        &self,
        config: &Config,
        texts: &TokenBatch,
        masks: &[Mask],
        batch: usize,
    ) -> Vec<(Value, Tensor)> {
        let tokens = texts.tokens;
        let mut whole = texts.clone();
        let mut sources = vec![NO_TARGET; batch * tokens];
        for (i, &(text, at, id)) in masks.iter().enumerate() {
            whole.ids[text][at] = id;
            sources[text * tokens + at] = i as u32;
        }
        vec![
            (self.rows, look_ups(config, &whole, batch, tokens)),
            (self.sources, Tensor::U32(sources)),
            (self.weight, Tensor::F64(vec![REPLACED_WEIGHT])),
        ]
    }
}
