//! Texts as looks read them, and the passes that looks are made of.

use kernels::ops::{Mask, NO_TARGET};
use kernels::{Control, Graph, GraphError, Tensor, TensorType, Value};

use super::{Head, InsideError, Seen, Subject};
use crate::config::Config;
use crate::model::{Builder, Encoder, Layout, Looked, Model, Passed, TokenBatch, Way, bucket};
use crate::probe::{ProbeError, check_vocabulary, tokens};
use crate::tokenizer::Tokenizer;

/// A subject's text, cut into tokens and checked.
pub(super) struct Text {
    /// What answers carry.
    pub seen: Seen,
    /// The ids that the model sees.
    pub ids: Vec<u32>,
    /// The token types.
    pub types: Vec<u32>,
    /// The places that are hidden.
    pub masked: Vec<usize>,
    /// The word of its text that each token is a piece of.
    pub words: Vec<Option<u32>>,
    /// The heads that are off.
    pub off: Vec<Head>,
}

impl Text {
    /// Reads a subject that has a word.
    ///
    /// # Errors
    /// Those of [`Text::read_any`], and a text of special tokens only.
    pub fn read(
        model: &Model,
        tokenizer: &Tokenizer,
        subject: &Subject,
    ) -> Result<Self, InsideError> {
        let text = Self::read_any(model, tokenizer, subject)?;
        match text.seen.tokens.iter().all(|token| token.special) {
            true => Err(InsideError::NoWords),
            false => Ok(text),
        }
    }

    /// Reads a subject, which may be empty.
    ///
    /// # Errors
    /// A tokenizer of another model, no `[MASK]` to hide words by, a head that is not there.
    pub fn read_any(
        model: &Model,
        tokenizer: &Tokenizer,
        subject: &Subject,
    ) -> Result<Self, InsideError> {
        let config = model.config();
        check_vocabulary(tokenizer, config)?;
        let limit = match model.heads().mlm {
            true => config.max_tokens(),
            false => model.head_limit(),
        };
        let encoding = tokenizer.encode(&subject.text, subject.pair.as_deref(), limit);
        let tokens = tokens(tokenizer, &encoding, &subject.hidden);
        for head in &subject.without {
            check_layer(config, head.layer)?;
            if head.head >= config.num_attention_heads {
                let last = config.num_attention_heads - 1;
                return Err(InsideError::NoSuchHead {
                    head: head.head,
                    last,
                });
            }
        }
        let masked: Vec<usize> = (0..tokens.len()).filter(|&i| tokens[i].masked).collect();
        let mut ids = encoding.ids;
        for &i in &masked {
            ids[i] = tokenizer.mask_id().ok_or(ProbeError::NoMask)?;
        }
        Ok(Self {
            ids,
            types: encoding.type_ids,
            masked,
            words: encoding.words,
            off: subject.without.clone(),
            seen: Seen {
                tokens,
                truncated: encoding.truncated,
            },
        })
    }

    /// T.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Refuses a place beyond the text.
    ///
    /// # Errors
    /// [`InsideError::NoSuchPlace`].
    pub fn check_place(&self, place: usize) -> Result<(), InsideError> {
        let last = self.len() - 1;
        match place <= last {
            true => Ok(()),
            false => Err(InsideError::NoSuchPlace { place, last }),
        }
    }

    /// The id that a guess at a place is compared with: of the word that is hidden there, else none.
    pub fn original(&self, place: usize, tokenizer: &Tokenizer) -> u32 {
        let token = &self.seen.tokens[place];
        match token.masked && tokenizer.mask_id() != Some(token.id) {
            true => token.id,
            false => NO_TARGET,
        }
    }

    /// The text alone.
    pub fn batch(&self) -> TokenBatch {
        self.variants(vec![self.ids.clone()])
    }

    /// Variants of the text with other ids.
    pub fn variants(&self, ids: Vec<Vec<u32>>) -> TokenBatch {
        TokenBatch {
            tokens: self.len(),
            types: vec![self.types.clone(); ids.len()],
            ids,
        }
    }

    /// Why an answer by `head` is not finite.
    pub async fn not_finite(
        &self,
        model: &mut Model,
        head: &'static str,
        control: &Control,
    ) -> InsideError {
        match model.not_finite(&self.batch(), head, control).await {
            Ok(error) => error.into(),
            Err(error) => error.into(),
        }
    }
}

/// Refuses a layer that is not there.
///
/// # Errors
/// [`InsideError::NoSuchLayer`].
pub(super) fn check_layer(config: &Config, layer: usize) -> Result<(), InsideError> {
    let last = config.num_hidden_layers - 1;
    match layer <= last {
        true => Ok(()),
        false => Err(InsideError::NoSuchLayer { layer, last }),
    }
}

/// A pass's sizes, and how it goes through the layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// Texts at a time.
    pub batch: usize,
    /// Tokens of each, padded.
    pub tokens: usize,
    /// Whether heads may be off.
    pub gated: bool,
    /// Which tokens a token attends to.
    pub mask: Mask,
    /// Whether of the last layer only one row a text is wanted, which the last input (`[batch]` u32) names: nothing
    /// else is computed after that layer's attention.
    pub one_row: bool,
}

/// A pass as a graph so far: its inputs are look-ups (or the sum of embeddings), lengths and, where heads may be
/// off, a gate a layer.
pub(super) struct Wired {
    /// The encoder's values.
    pub encoder: Encoder,
    /// Each layer's packed queries, keys and values.
    pub qkv: Vec<Value>,
    /// The inputs so far.
    pub inputs: Vec<Value>,
}

impl Pass {
    /// For `batch` variants of a text.
    pub fn new(model: &Model, text: &Text, batch: usize) -> Self {
        let (tokens, most) = (text.len(), model.config().max_tokens());
        Self {
            batch,
            tokens: bucket(tokens).min(most).max(tokens),
            gated: !text.off.is_empty(),
            mask: Mask::ALL,
            one_row: false,
        }
    }

    /// What tells its plans from those of other passes.
    pub fn key(&self, what: &str) -> String {
        format!("{what} {self:?}")
    }

    /// Records the pass from ids on.
    pub fn wire(&self, builder: &mut Builder<'_>) -> Result<Wired, GraphError> {
        let rows = builder.look_ups(self.batch * self.tokens);
        let sum = builder.embeddings(rows)?;
        self.wire_from(builder, rows, sum)
    }

    /// Records the pass from a sum of embeddings (`[B·T, E]`) on, which `first` is an input of.
    pub fn wire_from(
        &self,
        builder: &mut Builder<'_>,
        first: Value,
        sum: Value,
    ) -> Result<Wired, GraphError> {
        let (layers, hidden) = (builder.config.num_hidden_layers, builder.config.hidden_size);
        let graph = &mut builder.graph;
        let lengths = graph.input("lengths", TensorType::u32([self.batch]));
        let gates = match self.gated {
            true => (0..layers)
                .map(|_| graph.input("gate", TensorType::real([hidden])))
                .collect(),
            false => Vec::new(),
        };
        let mut inputs = vec![first, lengths];
        inputs.extend(&gates);
        let last = self.one_row.then(|| {
            let rows = TensorType::u32([self.batch]);
            builder.graph.input("rows that are wanted", rows)
        });
        inputs.extend(last);
        let way = Way {
            gates,
            mask: self.mask,
            last,
        };
        let Passed { hidden, qkv } = builder.layers(sum, lengths, &way)?;
        let encoder = Encoder {
            rows: first,
            tokens: self.batch * self.tokens,
            lengths,
            hidden,
        };
        Ok(Wired {
            encoder,
            qkv,
            inputs,
        })
    }

    /// The values of the inputs: of texts, at most `batch` of them.
    pub fn values(&self, config: &Config, texts: &TokenBatch, off: &[Head]) -> Vec<Tensor> {
        let lay = |rows: &[Vec<u32>], filler: u32| {
            let mut flat = vec![filler; self.batch * self.tokens];
            for (row, text) in flat.chunks_exact_mut(self.tokens).zip(rows) {
                row[..text.len()].copy_from_slice(text);
            }
            flat
        };
        let (ids, types) = (lay(&texts.ids, config.pad_token_id), lay(&texts.types, 0));
        let rows = Encoder::look_ups(config, self.tokens, ids, types);
        let lengths = texts.ids.iter().map(Vec::len).collect();
        self.values_from(config, rows, lengths, off)
    }

    /// The same where the first input and the lengths are given.
    pub fn values_from(
        &self,
        config: &Config,
        first: Tensor,
        lengths: Vec<usize>,
        off: &[Head],
    ) -> Vec<Tensor> {
        let mut lengths: Vec<u32> = lengths.into_iter().map(|length| length as u32).collect();
        lengths.resize(self.batch, 1);
        let mut values = vec![first, Tensor::U32(lengths)];
        if self.gated {
            let size = config.head_size();
            for layer in 0..config.num_hidden_layers {
                let heads = heads_on(config, layer, off);
                let gate = heads.iter().flat_map(|&on| vec![on; size]).collect();
                values.push(Tensor::F32(gate));
            }
        }
        values
    }
}

/// 1 for each head of a layer, 0 for those that are off.
pub(super) fn heads_on(config: &Config, layer: usize, off: &[Head]) -> Vec<f32> {
    let on = |head: usize| f32::from(u8::from(!off.contains(&Head { layer, head })));
    (0..config.num_attention_heads).map(on).collect()
}

/// Makes a look's graph with a builder.
pub(super) fn build(
    config: &Config,
    layout: &Layout,
    record: impl FnOnce(&mut Builder<'_>) -> Result<(Vec<Value>, Vec<Value>), GraphError>,
) -> Result<Looked, GraphError> {
    let mut graph = Graph::new();
    let mut builder = Builder {
        graph: &mut graph,
        config,
        layout,
        noise: None,
        prefix: "",
    };
    let (inputs, outputs) = record(&mut builder)?;
    Ok(Looked {
        graph,
        inputs,
        outputs,
    })
}

/// Runs the look of this key with these inputs, in the order in which `record` named them first; what it names
/// second is read.
///
/// # Errors
/// Cancelled, or the device failed.
pub(super) async fn run(
    model: &mut Model,
    key: String,
    record: impl FnOnce(&mut Builder<'_>) -> Result<(Vec<Value>, Vec<Value>), GraphError>,
    inputs: Vec<Tensor>,
    control: &Control,
) -> Result<Vec<Tensor>, InsideError> {
    let make = |config: &Config, layout: &Layout| build(config, layout, record);
    let (look, params) = model.look(key, make).await?;
    let inputs = look.inputs.iter().copied().zip(inputs).collect();
    Ok(look.executable.run(params, inputs, control).await?)
}

/// Rows `at` of every layer's output, one layer after another: `[(L + 1)·R, H]`; and the inputs that name them:
/// `[2·(L + 1)·R]` u32, and a row of zeros.
pub(super) fn rows_of_layers(
    builder: &mut Builder<'_>,
    wired: &mut Wired,
    count: usize,
) -> Result<Value, GraphError> {
    let hidden = builder.config.hidden_size;
    let layers = wired.encoder.hidden.clone();
    let at = TensorType::u32([2 * layers.len() * count]);
    let at = builder.graph.input("rows of layers", at);
    let zero = builder.graph.input("zero", TensorType::real([1, hidden]));
    wired.inputs.extend([at, zero]);
    // A look-up in one table, whose blocks are the layers; the second table adds nothing.
    let table = |blocks: Vec<Value>| kernels::ops::Lookup {
        blocks,
        padding: None,
    };
    builder.graph.embed(at, &[table(layers), table(vec![zero])])
}

/// The values of those inputs: of `places`, in a pass with room for `count`.
pub(super) fn rows_values(
    config: &Config,
    pass: &Pass,
    places: &[usize],
    count: usize,
) -> [Tensor; 2] {
    let layers = config.num_hidden_layers + 1;
    let rows = pass.batch * pass.tokens;
    // The rest repeat the first place, and are not read.
    let place = |i: usize| places.get(i).or(places.first()).copied().unwrap_or(0);
    let mut at: Vec<u32> = (0..layers)
        .flat_map(|layer| (0..count).map(move |i| (layer, i)))
        .map(|(layer, i)| (layer * rows + place(i)) as u32)
        .collect();
    at.resize(2 * layers * count, 0);
    [Tensor::U32(at), Tensor::F32(vec![0.0; config.hidden_size])]
}
