//! Which tensor of a checkpoint goes where.

use kernels::{ParamSpec, Shape, Storage};

use super::LoadError;
use crate::checkpoint::{Dtype, Header};
use crate::config::{Config, MAX_LABELS};
use crate::train::Pooling;

/// What a checkpoint holds beside the encoder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The masked-language-model head.
    pub mlm: bool,
    /// The pooler (a tanh layer over `[CLS]`).
    pub pooler: bool,
    /// The next-sentence head; it reads the pooler.
    pub nsp: bool,
    /// Whether the decoder has a matrix of its own instead of the word embeddings.
    pub untied_decoder: bool,
    /// Classes of the classifier, where there is one for whole texts.
    pub classifier: Option<usize>,
}

/// One tensor of the model: its name in `transformers`, and the parameter that holds it. Queries,
/// keys and values are three tensors in one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// `transformers` name without the `bert.` prefix of encoder tensors.
    pub name: String,
    /// Its shape there.
    pub shape: Vec<usize>,
    /// The parameter.
    pub param: String,
    /// First element within the parameter.
    pub offset: usize,
}

impl Slot {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Every tensor of a model, and every parameter that holds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// What there is beside the encoder.
    pub heads: Heads,
    /// The tensors.
    pub slots: Vec<Slot>,
    /// The parameters.
    pub params: Vec<ParamSpec>,
    /// For every tensor of the file, its slot.
    pub sources: Vec<Option<usize>>,
}

/// The parameter names that graphs refer to.
pub mod names {
    /// `[V, H]`
    pub const WORD: &str = "embeddings.word_embeddings.weight";
    /// `[P, H]`
    pub const POSITION: &str = "embeddings.position_embeddings.weight";
    /// `[S, H]`
    pub const TYPE: &str = "embeddings.token_type_embeddings.weight";
    /// `.weight` and `.bias`: `[H]`
    pub const EMBEDDING_NORM: &str = "embeddings.LayerNorm";
    /// `.weight`: `[H, H]`
    pub const POOLER: &str = "pooler.dense";
    /// `.weight`: `[H, H]`
    pub const TRANSFORM: &str = "cls.predictions.transform.dense";
    /// `[H]` each
    pub const TRANSFORM_NORM: &str = "cls.predictions.transform.LayerNorm";
    /// `[V, H]`, only where it is not the word embedding
    pub const DECODER: &str = "cls.predictions.decoder.weight";
    /// `[V]`
    pub const DECODER_BIAS: &str = "cls.predictions.bias";
    /// `.weight`: `[2, H]`
    pub const NSP: &str = "cls.seq_relationship";
    /// `.weight`: `[L, H]`
    pub const CLASSIFIER: &str = "classifier";

    /// Layer `i`'s part of this name, as in `encoder.layer.0.output.dense`.
    pub fn layer(i: usize, part: &str) -> String {
        format!("encoder.layer.{i}.{part}")
    }

    /// The packed queries, keys and values: `.weight` `[3H, H]`, `.bias` `[3H]`.
    pub const QKV: &str = "attention.self.qkv";
}

/// Collects the tensors that a configuration asks for.
#[derive(Default)]
struct Wanted {
    slots: Vec<Slot>,
}

impl Wanted {
    fn tensor(&mut self, name: &str, shape: &[usize]) {
        self.part(name, shape, name, 0);
    }

    fn part(&mut self, name: &str, shape: &[usize], param: &str, offset: usize) {
        let (name, param) = (name.to_owned(), param.to_owned());
        self.slots.push(Slot {
            name,
            shape: shape.to_vec(),
            param,
            offset,
        });
    }

    fn dense(&mut self, name: &str, outputs: usize, inputs: usize) {
        self.tensor(&format!("{name}.weight"), &[outputs, inputs]);
        self.tensor(&format!("{name}.bias"), &[outputs]);
    }

    fn norm(&mut self, name: &str, size: usize) {
        self.tensor(&format!("{name}.weight"), &[size]);
        self.tensor(&format!("{name}.bias"), &[size]);
    }
}

fn wanted(config: &Config, heads: &Heads) -> Vec<Slot> {
    let (h, v) = (config.hidden_size, config.vocab_size);
    let mut w = Wanted::default();
    w.tensor(names::WORD, &[v, h]);
    w.tensor(names::POSITION, &[config.max_position_embeddings, h]);
    w.tensor(names::TYPE, &[config.type_vocab_size, h]);
    w.norm(names::EMBEDDING_NORM, h);
    for i in 0..config.num_hidden_layers {
        let name = |part: &str| names::layer(i, part);
        for (part, role) in ["query", "key", "value"].iter().enumerate() {
            let role = name(&format!("attention.self.{role}"));
            let packed = name(names::QKV);
            w.part(
                &format!("{role}.weight"),
                &[h, h],
                &format!("{packed}.weight"),
                part * h * h,
            );
            w.part(
                &format!("{role}.bias"),
                &[h],
                &format!("{packed}.bias"),
                part * h,
            );
        }
        w.dense(&name("attention.output.dense"), h, h);
        w.norm(&name("attention.output.LayerNorm"), h);
        w.dense(&name("intermediate.dense"), config.intermediate_size, h);
        w.dense(&name("output.dense"), h, config.intermediate_size);
        w.norm(&name("output.LayerNorm"), h);
    }
    if heads.pooler {
        w.dense(names::POOLER, h, h);
    }
    if heads.mlm {
        w.dense(names::TRANSFORM, h, h);
        w.norm(names::TRANSFORM_NORM, h);
        w.tensor(names::DECODER_BIAS, &[v]);
        if heads.untied_decoder {
            w.tensor(names::DECODER, &[v, h]);
        }
    }
    if heads.nsp {
        w.dense(names::NSP, 2, h);
    }
    if let Some(classes) = heads.classifier {
        w.dense(names::CLASSIFIER, classes, h);
    }
    w.slots
}

impl Layout {
    /// Matches a file's tensors with the configuration; lists everything that is missing or has
    /// the wrong shape at once.
    pub fn new(config: &Config, header: &Header) -> Result<Self, LoadError> {
        let names: Vec<String> = header.tensors.iter().map(|t| canonical(&t.name)).collect();
        let has = |start: &str| names.iter().any(|n| n.starts_with(start));
        let classifier = classes(config, header, &names);
        // A pooler that only passes [CLS] on is no pooler (see `export`); one that the classifier
        // reads must be there.
        let passes = classifier.is_some() && config.classifier_scale != 1.0;
        let reads = classifier.is_some() && config.pooling == Pooling::Pooler;
        let pooler = (has("pooler.") && !passes) || reads;
        let heads = Heads {
            mlm: has("cls.predictions."),
            pooler,
            nsp: pooler && has("cls.seq_relationship."),
            untied_decoder: !config.tie_word_embeddings && has("cls.predictions."),
            classifier,
        };
        let slots = wanted(config, &heads);
        let mut sources = vec![None; names.len()];
        let mut problems = Vec::new();
        for (s, slot) in slots.iter().enumerate() {
            let Some(index) = find(&names, &slot.name, &heads) else {
                problems.push(format!("`{}` {:?} is missing", slot.name, slot.shape));
                continue;
            };
            let tensor = &header.tensors[index];
            if tensor.shape != slot.shape {
                let (name, found, want) = (&tensor.name, &tensor.shape, &slot.shape);
                problems.push(format!(
                    "`{name}` is {found:?}, config.json asks for {want:?}"
                ));
            } else if tensor.dtype.float_bytes().is_none() {
                let (name, dtype) = (&tensor.name, tensor.dtype);
                problems.push(format!("`{name}` holds {dtype}, which is no float type"));
            }
            sources[index] = Some(s);
        }
        if !problems.is_empty() {
            return Err(LoadError::Tensors(problems));
        }
        let dtype = |slot: usize| {
            let index = sources.iter().position(|s| *s == Some(slot));
            index.map(|i| header.tensors[i].dtype)
        };
        let params = params(&slots, dtype);
        Ok(Self {
            heads,
            slots,
            params,
            sources,
        })
    }

    /// Number of the model's own numbers.
    pub fn parameter_count(&self) -> u64 {
        self.slots.iter().map(|s| s.elements() as u64).sum()
    }
}

/// The parameters that hold the slots. A matrix rests in f16 where the file holds it so, which
/// loses nothing; vectors are small, and rest in f32.
fn params(slots: &[Slot], dtype: impl Fn(usize) -> Option<Dtype>) -> Vec<ParamSpec> {
    let mut params: Vec<ParamSpec> = Vec::new();
    for (s, slot) in slots.iter().enumerate() {
        // Parts begin at whole words only if every part has an even number of elements.
        let halves = dtype(s) == Some(Dtype::F16) && slot.shape.len() == 2;
        let alone = slot.param == slot.name;
        // Training and heads of their own replace the classifier, in f32.
        let replaced = slot.name.starts_with(names::CLASSIFIER);
        let f16 = halves && !replaced && (alone || slot.elements().is_multiple_of(2));
        let storage = if f16 { Storage::F16 } else { Storage::F32 };
        match params.iter_mut().find(|p| p.name == slot.param) {
            Some(param) => {
                let mut dims = param.shape.dims().to_vec();
                dims[0] += slot.shape[0];
                param.shape = Shape::new(&dims);
                if storage == Storage::F32 {
                    param.storage = storage;
                }
            }
            None => {
                let shape = Shape::new(&slot.shape);
                params.push(ParamSpec {
                    name: slot.param.clone(),
                    shape,
                    storage,
                });
            }
        }
    }
    params
}

/// Classes of the classifier for whole texts, as config.json names them or, where it names none,
/// as the file holds them. Heads of the same name for something else (tokens, choices, numbers,
/// several labels at once) are left aside.
fn classes(config: &Config, header: &Header, names: &[String]) -> Option<usize> {
    let place = |part: &str| {
        let name = format!("{}.{part}", names::CLASSIFIER);
        names.iter().position(|n| *n == name)
    };
    let (weight, bias) = (place("weight"), place("bias"));
    let found = weight.or(bias)?;
    let whole = |name: &String| name.ends_with("ForSequenceClassification");
    if !config.architectures.is_empty() && !config.architectures.iter().any(whole) {
        return None;
    }
    let stored = header.tensors[found].shape.first().copied();
    let classes = match config.id2label.len() {
        0 => stored?,
        named => named,
    };
    let usable = (2..=MAX_LABELS).contains(&classes) && config.single_label;
    if !usable {
        log::warn!(
            "the checkpoint's classifier is left aside: only one for a choice of 2 to {MAX_LABELS} \
             classes is used, and this one has {classes}{}",
            if config.single_label {
                ""
            } else {
                " and another problem_type"
            }
        );
    }
    usable.then_some(classes)
}

/// A file's tensor name in today's form: no `bert.` prefix, no `gamma` and `beta`.
fn canonical(name: &str) -> String {
    let name = name.strip_prefix("bert.").unwrap_or(name);
    match name.rsplit_once("LayerNorm.") {
        Some((start, "gamma")) => format!("{start}LayerNorm.weight"),
        Some((start, "beta")) => format!("{start}LayerNorm.bias"),
        _ => name.to_owned(),
    }
}

/// Where a tensor stands in the file. The decoder's bias goes by two names: `transformers` reads
/// the first where the decoder is tied to the embeddings, and the second where it is not.
fn find(file: &[String], name: &str, heads: &Heads) -> Option<usize> {
    let position = |wanted: &str| file.iter().position(|n| n == wanted);
    if name != names::DECODER_BIAS {
        return position(name);
    }
    let (mut first, mut second) = (name, "cls.predictions.decoder.bias");
    if heads.untied_decoder {
        std::mem::swap(&mut first, &mut second);
    }
    position(first).or_else(|| position(second))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn old_names_become_todays() {
        let now = "encoder.layer.3.output.LayerNorm.weight";
        assert_eq!(
            canonical("bert.encoder.layer.3.output.LayerNorm.gamma"),
            now
        );
        assert_eq!(canonical("encoder.layer.3.output.LayerNorm.weight"), now);
        assert_eq!(canonical("cls.predictions.bias"), "cls.predictions.bias");
    }
}
