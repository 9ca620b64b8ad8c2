//! BERT as a graph (Devlin et al. 2019), and its relatives.

use kernels::ops::{Function, Lookup, Mask, Noise, TopKValues};
use kernels::{Graph, GraphError, Tensor, TensorType, Value};

use super::families;
use super::layout::Layout;
use super::names;
use crate::config::{Activation, Config};
use serde::{Deserialize, Serialize};

/// The encoder's values: B sequences of T tokens, rows in the order of the batch.
#[derive(Clone, Debug)]
pub struct Encoder {
    /// Token ids, positions and, where the model has any, token types, one after another:
    /// `[2·B·T]` or `[3·B·T]`, u32.
    pub rows: Value,
    /// B·T, the number of tokens.
    pub tokens: usize,
    /// Number of tokens that are not padding `[B]`, u32.
    pub lengths: Value,
    /// The embeddings' output, then every layer's: `[B·T, H]` each.
    pub hidden: Vec<Value>,
}

impl Encoder {
    /// The last layer's output `[B·T, H]`.
    pub fn output(&self) -> Value {
        self.hidden[self.hidden.len() - 1]
    }

    /// The values of its inputs for texts of `tokens` tokens each, padded to that length and one
    /// after another: ids and types (`[B·T]`), and how many tokens of each are not padding (`[B]`).
    pub fn values(
        &self,
        config: &Config,
        tokens: usize,
        ids: Vec<u32>,
        types: Vec<u32>,
        lengths: Vec<u32>,
    ) -> Vec<(Value, Tensor)> {
        let rows = Self::look_ups(config, tokens, ids, types);
        vec![(self.rows, rows), (self.lengths, Tensor::U32(lengths))]
    }

    /// The value of [`Encoder::rows`] for such texts.
    pub(crate) fn look_ups(
        config: &Config,
        tokens: usize,
        ids: Vec<u32>,
        types: Vec<u32>,
    ) -> Tensor {
        let mut rows = ids;
        let positions = rows.chunks(tokens).flat_map(|text| config.positions(text));
        let positions: Vec<u32> = positions.collect();
        rows.extend(positions);
        if config.type_vocab_size > 0 {
            rows.extend(types);
        }
        Tensor::U32(rows)
    }
}

/// How the layers are gone through where somebody looks inside; by default as ever.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// What each layer's context is multiplied with, column by column `[H]`; empty where nothing is.
    pub gates: Vec<Value>,
    /// Which tokens a token attends to.
    pub mask: Mask,
    /// The rows that go on after the last layer's attention (u32 `[R]`), where the others are not asked for: that
    /// layer's output has these alone, `[R, H]`.
    pub last: Option<Value>,
}

/// What the layers leave to look at.
pub(crate) struct Passed {
    /// The embeddings' output, then every layer's: `[B·T, H]` each.
    pub hidden: Vec<Value>,
    /// Every layer's packed queries, keys and values: `[B·T, 3·H]`.
    pub qkv: Vec<Value>,
}

/// Shares of elements that are dropped while learning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DropoutRates {
    /// After the embeddings and before each residual sum.
    pub hidden: f64,
    /// Of the attention weights.
    pub attention: f64,
    /// Before the classifier.
    pub classifier: f64,
}

/// Dropout while a model learns: rates, the run's seed, and a stream for each place.
#[derive(Clone, Copy, Debug)]
pub struct TrainingNoise {
    rates: DropoutRates,
    seed: Value,
    next: u32,
}

impl TrainingNoise {
    /// `seed` (`[1]`, u32) changes from step to step.
    pub fn new(rates: DropoutRates, seed: Value) -> Self {
        Self {
            rates,
            seed,
            next: 0,
        }
    }

    fn draw(&mut self, rate: fn(&DropoutRates) -> f64) -> Option<(Noise, Value)> {
        let probability = rate(&self.rates);
        self.next += 1;
        let noise = Noise {
            probability,
            stream: self.next,
        };
        (probability > 0.0).then_some((noise, self.seed))
    }
}

/// Records BERT's parts into a graph.
pub struct Builder<'a> {
    /// The graph.
    pub graph: &'a mut Graph,
    /// The model's configuration.
    pub config: &'a Config,
    /// Where its weights lie.
    pub layout: &'a Layout,
    /// Dropout, where the model is to learn.
    pub noise: Option<TrainingNoise>,
    /// Before the names of all parameters but the embeddings' tables, which several models share so.
    pub prefix: &'static str,
}

impl Builder<'_> {
    fn dense(&mut self, x: Value, name: &str, outputs: usize) -> Result<Value, GraphError> {
        let inputs = self.graph.ty(x).shape.columns();
        let name = format!("{}{name}", self.prefix);
        let weight = format!("{name}.weight");
        let weight = self.graph.param(&weight, [outputs, inputs])?;
        let bias = self.graph.param(&format!("{name}.bias"), [outputs])?;
        self.graph.linear(x, weight, Some(bias))
    }

    fn norm(&mut self, x: Value, name: &str) -> Result<Value, GraphError> {
        let gamma_beta = self.norm_params(x, name)?;
        let eps = self.config.layer_norm_eps;
        self.graph.layer_norm(x, None, None, gamma_beta, eps)
    }

    /// A layer norm of a residual sum, before which x is dropped from, where it is.
    fn residual_norm(
        &mut self,
        x: Value,
        drops: bool,
        residual: Value,
        name: &str,
    ) -> Result<Value, GraphError> {
        let noise = if drops {
            self.noise(|rates| rates.hidden)
        } else {
            None
        };
        let gamma_beta = self.norm_params(x, name)?;
        let eps = self.config.layer_norm_eps;
        self.graph
            .layer_norm(x, noise, Some(residual), gamma_beta, eps)
    }

    /// The gamma and beta of a layer norm over `x`.
    fn norm_params(&mut self, x: Value, name: &str) -> Result<[Value; 2], GraphError> {
        let size = self.graph.ty(x).shape.columns();
        let name = format!("{}{name}", self.prefix);
        let gamma = self.graph.param(&format!("{name}.weight"), [size])?;
        let beta = self.graph.param(&format!("{name}.bias"), [size])?;
        Ok([gamma, beta])
    }

    fn noise(&mut self, rate: fn(&DropoutRates) -> f64) -> Option<(Noise, Value)> {
        self.noise.as_mut().and_then(|noise| noise.draw(rate))
    }

    fn dropout(&mut self, x: Value, rate: fn(&DropoutRates) -> f64) -> Result<Value, GraphError> {
        match self.noise(rate) {
            Some((noise, seed)) => self.graph.dropout(x, seed, noise),
            None => Ok(x),
        }
    }

    fn activation(&self) -> Function {
        match self.config.hidden_act {
            Activation::Gelu => Function::Gelu,
            Activation::GeluTanh => Function::GeluTanh,
            Activation::Relu => Function::Relu,
            Activation::Tanh => Function::Tanh,
            Activation::Silu => Function::Silu,
            Activation::QuickGelu => Function::QuickGelu,
        }
    }

    /// Embeddings and all layers, for `batch` sequences of `tokens` tokens.
    pub fn encoder(&mut self, batch: usize, tokens: usize) -> Result<Encoder, GraphError> {
        let rows = self.look_ups(batch * tokens);
        let lengths = self.graph.input("lengths", TensorType::u32([batch]));
        self.encoder_of(rows, lengths, tokens)
    }

    /// The same for `rows` and `lengths` that are there already, as in [`Encoder`].
    pub(crate) fn encoder_of(
        &mut self,
        rows: Value,
        lengths: Value,
        tokens: usize,
    ) -> Result<Encoder, GraphError> {
        let tokens = self.graph.ty(lengths).shape.len() * tokens;
        let sum = self.embeddings(rows)?;
        let passed = self.layers(sum, lengths, &Way::default())?;
        Ok(Encoder {
            rows,
            tokens,
            lengths,
            hidden: passed.hidden,
        })
    }

    /// The input [`Encoder::rows`] of N tokens.
    pub(crate) fn look_ups(&mut self, tokens: usize) -> Value {
        let tables = 2 + usize::from(self.config.type_vocab_size > 0);
        let ty = TensorType::u32([tables * tokens]);
        self.graph.input("ids, positions and types", ty)
    }

    /// The sum of the embeddings `[N, E]` of N tokens, of which [`Encoder::rows`] says where they lie.
    pub(crate) fn embeddings(&mut self, rows: Value) -> Result<Value, GraphError> {
        let c = self.config;
        let mut tables = vec![Lookup {
            blocks: self.vocabulary(names::WORD)?,
            padding: Some(c.pad_token_id),
        }];
        let mut look_up = |table: &str, entries: usize, padding: Option<u32>| {
            Ok::<_, GraphError>(Lookup {
                blocks: vec![self.graph.param(table, [entries, c.embedding_size])?],
                padding,
            })
        };
        let (positions, padding) = (c.max_position_embeddings, c.position_padding());
        tables.push(look_up(names::POSITION, positions, padding)?);
        if c.type_vocab_size > 0 {
            tables.push(look_up(names::TYPE, c.type_vocab_size, None)?);
        }
        self.graph.embed(rows, &tables)
    }

    /// What follows the sum of embeddings: its norm and projection, and all layers.
    pub(crate) fn layers(
        &mut self,
        sum: Value,
        lengths: Value,
        way: &Way,
    ) -> Result<Passed, GraphError> {
        let c = self.config;
        let normed = self.norm(sum, names::EMBEDDING_NORM)?;
        let mut x = self.dropout(normed, |rates| rates.hidden)?;
        if c.projects_embeddings() {
            x = self.dense(x, names::PROJECTION, c.hidden_size)?;
        }
        let mut passed = Passed {
            hidden: vec![x],
            qkv: Vec::new(),
        };
        for i in 0..c.num_hidden_layers {
            let qkv;
            (x, qkv) = self.layer(i, x, lengths, way)?;
            passed.hidden.push(x);
            passed.qkv.push(qkv);
        }
        Ok(passed)
    }

    /// One layer: attention and feed-forward, each with a residual sum and a norm after it. Also its packed
    /// queries, keys and values.
    fn layer(
        &mut self,
        i: usize,
        x: Value,
        lengths: Value,
        way: &Way,
    ) -> Result<(Value, Value), GraphError> {
        let c = self.config;
        let group = c.layer_group(i);
        let name = |part: &str| names::layer(group, part);
        let qkv = self.dense(x, &name(names::QKV), 3 * c.hidden_size)?;
        let heads = c.num_attention_heads;
        let (mask, noise) = (c.mask(way.mask), self.noise(|rates| rates.attention));
        let mut context = self.graph.attention(qkv, lengths, heads, mask, noise)?.0;
        if let Some(&gate) = way.gates.get(i) {
            context = self.graph.scale_columns(context, gate)?;
        }
        let mut x = x;
        if let Some(rows) = way.last.filter(|_| i + 1 == c.num_hidden_layers) {
            context = self.graph.gather_rows(context, rows)?;
            x = self.graph.gather_rows(x, rows)?;
        }
        let projected = self.dense(context, &name("attention.output.dense"), c.hidden_size)?;
        let drops = c.family.drops_attention_output();
        let x = self.residual_norm(projected, drops, x, &name("attention.output.LayerNorm"))?;
        let inner = self.dense(x, &name("intermediate.dense"), c.intermediate_size)?;
        let inner = self.graph.activation(inner, self.activation())?;
        let outer = self.dense(inner, &name("output.dense"), c.hidden_size)?;
        let drops = c.family.drops_feed_forward();
        let x = self.residual_norm(outer, drops, x, &name("output.LayerNorm"))?;
        Ok((x, qkv))
    }

    /// A matrix over the vocabulary `[V, E]`, in blocks of its rows.
    pub(crate) fn vocabulary(&mut self, name: &str) -> Result<Vec<Value>, GraphError> {
        let params = self.layout.vocabulary.params(name).into_iter();
        params
            .map(|(name, shape)| self.graph.param(&name, shape))
            .collect()
    }

    /// The masked-language-model head over rows `[R, H]`: logits `[R, V]`.
    pub fn mlm(&mut self, rows: Value) -> Result<Value, GraphError> {
        let x = self.transform(rows)?;
        let decoder = self.decoder()?;
        let bias = format!("{}{}", self.prefix, names::DECODER_BIAS);
        let bias = self.graph.param(&bias, [self.config.vocab_size])?;
        self.graph.linear_blocks(x, &decoder, Some(bias))
    }

    /// What that head does before its decoder: `[R, E]`.
    pub(crate) fn transform(&mut self, rows: Value) -> Result<Value, GraphError> {
        let c = self.config;
        let x = self.dense(rows, names::TRANSFORM, c.embedding_size)?;
        let function = match c.family.fills_with_gelu() {
            true => Function::Gelu,
            false => self.activation(),
        };
        let x = self.graph.activation(x, function)?;
        self.norm(x, names::TRANSFORM_NORM)
    }

    /// The decoder's matrix `[V, E]`, in blocks of its rows.
    pub(crate) fn decoder(&mut self) -> Result<Vec<Value>, GraphError> {
        self.vocabulary(match self.layout.heads.untied_decoder {
            true => names::DECODER,
            false => names::WORD,
        })
    }

    /// The head that says of each row `[R, H]` whether its token was replaced: logits `[R, 1]`.
    pub fn replaced(&mut self, rows: Value) -> Result<Value, GraphError> {
        let x = self.dense(rows, names::REPLACED, self.config.hidden_size)?;
        let x = self.graph.activation(x, self.activation())?;
        self.dense(x, names::REPLACED_LOGIT, 1)
    }

    /// The pooler over the rows of `[CLS]` (`[B, H]`): `[B, H]`.
    pub fn pooler(&mut self, first: Value) -> Result<Value, GraphError> {
        let family = self.config.family;
        let first = match family.drops_before_pooler() {
            true => self.dropout(first, |rates| rates.classifier)?,
            false => first,
        };
        let x = self.dense(first, names::POOLER, self.config.hidden_size)?;
        let function = families::names(family).pooler_activation;
        self.graph.activation(x, function)
    }

    /// A classifier over pooled vectors (`[B, H]`): logits `[B, classes]`.
    pub fn classifier(
        &mut self,
        pooled: Value,
        name: &str,
        classes: usize,
    ) -> Result<Value, GraphError> {
        let pooled = self.dropout(pooled, |rates| rates.classifier)?;
        self.dense(pooled, name, classes)
    }

    /// The next-sentence head over the pooler's output (`[B, H]`): logits `[B, 2]`, of which the
    /// first says that the second text follows.
    pub fn nsp(&mut self, pooled: Value) -> Result<Value, GraphError> {
        self.dense(pooled, names::NSP, 2)
    }
}

/// The graph that fills masks in one text: the decoder runs on R masked rows only, and only k
/// predictions of each are read back.
#[derive(Clone, Debug)]
pub struct FillGraph {
    /// The graph.
    pub graph: Graph,
    /// The encoder, for one sequence.
    pub encoder: Encoder,
    /// Which rows are masked `[R]`, and the ids that stood there `[R]`; both u32.
    pub masked: Option<(Value, Value, TopKValues)>,
    /// The row of `[CLS]` `[1]`, u32, and the next-sentence logits `[1, 2]`.
    pub nsp: Option<(Value, Value)>,
    /// Each token's logit of being replaced `[T, 1]`.
    pub replaced: Option<Value>,
}

impl FillGraph {
    /// `tokens` is T; `masks` is R, and k, or `None` where nothing is masked; with `pair`, whether the second
    /// text follows the first is asked too, where there is the head.
    pub fn new(
        config: &Config,
        layout: &Layout,
        tokens: usize,
        masks: Option<(usize, usize)>,
        pair: bool,
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::new();
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise: None,
            prefix: "",
        };
        let encoder = builder.encoder(1, tokens)?;
        let mut masked = None;
        if let Some((rows, k)) = masks {
            let at = builder.graph.input("masked rows", TensorType::u32([rows]));
            let targets = builder.graph.input("original ids", TensorType::u32([rows]));
            let hidden = builder.graph.gather_rows(encoder.output(), at)?;
            let logits = builder.mlm(hidden)?;
            masked = Some((at, targets, builder.graph.top_k(logits, targets, k)?));
        }
        let mut nsp = None;
        if pair && layout.heads.nsp {
            let at = builder.graph.input("[CLS] row", TensorType::u32([1]));
            let first = builder.graph.gather_rows(encoder.output(), at)?;
            let pooled = builder.pooler(first)?;
            nsp = Some((at, builder.nsp(pooled)?));
        }
        let replaced = match layout.heads.replaced {
            true => Some(builder.replaced(encoder.output())?),
            false => None,
        };
        Ok(Self {
            graph,
            encoder,
            masked,
            nsp,
            replaced,
        })
    }

    /// What a run reads back: values, columns and figures where something is masked, then the
    /// next-sentence logits and the logits of being replaced, where there are the heads.
    pub fn outputs(&self) -> Vec<Value> {
        let masked = self
            .masked
            .iter()
            .flat_map(|(.., top)| [top.values, top.columns, top.figures]);
        masked
            .chain(self.nsp.iter().map(|(_, logits)| *logits))
            .chain(self.replaced)
            .collect()
    }
}
