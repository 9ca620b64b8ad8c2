//! Which tensor of a checkpoint goes where.

use kernels::{ParamSpec, Shape, Storage};

use super::LoadError;
use super::families::{self, Names};
use super::generator::Generator;
use super::names;
use super::slot::{Blocks, Slot};
use crate::checkpoint::{Dtype, TensorInfo};
use crate::config::{Config, Family, HeadKind, Pooling};

/// What a checkpoint holds beside the encoder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// The masked-language-model head.
    pub mlm: bool,
    /// The pooler: a layer over `[CLS]`, the encoder's own or the classifier's.
    pub pooler: bool,
    /// The next-sentence (ALBERT: sentence-order) head; it reads the pooler.
    pub nsp: bool,
    /// The head that says of each token whether it was replaced (ELECTRA's discriminator).
    pub replaced: bool,
    /// Whether the decoder has a matrix of its own instead of the word embeddings.
    pub untied_decoder: bool,
    /// What a task's head says, where there is one, and its outputs.
    pub task: Option<(HeadKind, usize)>,
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
    /// How the matrices over the vocabulary lie: the word embeddings, and a decoder's own.
    pub vocabulary: Blocks,
    /// The generator that lies beside the model while replaced words are learned.
    pub generator: Option<Box<Generator>>,
}

/// Collects the tensors that a configuration asks for.
struct Wanted {
    names: &'static Names,
    vocabulary: Blocks,
    slots: Vec<Slot>,
}

impl Wanted {
    /// One tensor that is a parameter.
    fn tensor(&mut self, name: &str, shape: &[usize], param: &str) {
        self.part(name, shape, param, 0);
    }

    fn part(&mut self, name: &str, shape: &[usize], param: &str, offset: usize) {
        self.slots.push(Slot {
            name: name.to_owned(),
            shape: shape.to_vec(),
            param: param.to_owned(),
            offset,
            block: match param {
                names::WORD | names::DECODER => self.vocabulary.block(),
                _ => None,
            },
        });
    }

    /// A matrix, and a bias of one number an output.
    fn dense(&mut self, name: &str, [outputs, inputs]: [usize; 2], param: &str) {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        self.tensor(&weight, &[outputs, inputs], &format!("{param}.weight"));
        self.tensor(&bias, &[outputs], &format!("{param}.bias"));
    }

    fn norm(&mut self, name: &str, size: usize, param: &str) {
        for part in ["weight", "bias"] {
            self.tensor(
                &format!("{name}.{part}"),
                &[size],
                &format!("{param}.{part}"),
            );
        }
    }

    fn embeddings(&mut self, config: &Config) {
        let e = config.embedding_size;
        let tables = [
            (names::WORD, config.vocab_size),
            (names::POSITION, config.max_position_embeddings),
            (names::TYPE, config.type_vocab_size),
        ];
        // All families have the same names here; a table of no rows is not there.
        for (name, rows) in tables.into_iter().filter(|(_, rows)| *rows > 0) {
            self.tensor(&self.in_encoder(name), &[rows, e], name);
        }
        self.norm(
            &self.in_encoder(names::EMBEDDING_NORM),
            e,
            names::EMBEDDING_NORM,
        );
        if config.projects_embeddings() {
            let name = self.in_encoder(self.names.projection);
            self.dense(&name, [config.hidden_size, e], names::PROJECTION);
        }
    }

    /// The layers' weights number `i`; queries, keys and values packed.
    fn layer(&mut self, config: &Config, i: usize) {
        let (n, h, inner) = (self.names, config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("{}{}", n.prefix, n.of_layer(i, part));
        let param = |part: &str| names::layer(i, part);
        for (part, role) in n.qkv.iter().enumerate() {
            let (role, packed) = (name(role), param(names::QKV));
            self.part(
                &format!("{role}.weight"),
                &[h, h],
                &format!("{packed}.weight"),
                part * h * h,
            );
            self.part(
                &format!("{role}.bias"),
                &[h],
                &format!("{packed}.bias"),
                part * h,
            );
        }
        let own = &families::names(Family::Bert);
        let mut dense = |named: fn(&Names) -> &'static str, shape: [usize; 2]| {
            self.dense(&name(named(n)), shape, &param(named(own)));
        };
        dense(|n| n.attention_output, [h, h]);
        dense(|n| n.intermediate, [inner, h]);
        dense(|n| n.output, [h, inner]);
        for named in [|n: &Names| n.attention_norm, |n: &Names| n.output_norm] {
            self.norm(&name(named(n)), h, &param(named(own)));
        }
    }

    fn heads(&mut self, config: &Config, heads: &Heads, pooler: Option<&str>) {
        let (h, e, v) = (config.hidden_size, config.embedding_size, config.vocab_size);
        let n = self.names;
        if let Some(name) = pooler {
            self.dense(name, [h, h], names::POOLER);
        }
        if heads.mlm {
            self.dense(n.mlm.transform, [e, h], names::TRANSFORM);
            self.norm(n.mlm.transform_norm, e, names::TRANSFORM_NORM);
            let bias = n.mlm.bias[usize::from(heads.untied_decoder)];
            self.tensor(bias, &[v], names::DECODER_BIAS);
            if heads.untied_decoder {
                self.tensor(n.mlm.decoder, &[v, e], names::DECODER);
            }
        }
        if let (true, Some(name)) = (heads.nsp, n.nsp) {
            self.dense(name, [2, h], names::NSP);
        }
        if let (true, Some([dense, logit])) = (heads.replaced, n.replaced) {
            self.dense(dense, [h, h], names::REPLACED);
            self.dense(logit, [1, h], names::REPLACED_LOGIT);
        }
        if let Some((kind, outputs)) = heads.task {
            self.dense(n.head(kind), [outputs, h], names::CLASSIFIER);
        }
    }

    fn in_encoder(&self, name: &str) -> String {
        format!("{}{name}", self.names.prefix)
    }
}

impl Layout {
    /// Matches a file's tensors with the configuration, for a device that binds `limit` bytes at
    /// most; lists everything that is missing or has the wrong shape at once.
    pub fn new(config: &Config, tensors: &[TensorInfo], limit: u64) -> Result<Self, LoadError> {
        let family = families::names(config.family);
        let names: Vec<String> = tensors
            .iter()
            .map(|t| canonical(&t.name, family.prefix))
            .collect();
        let has = |start: &str| names.iter().any(|n| n.starts_with(start));
        let layer = |name: &&'static str| has(&format!("{name}."));
        let task = task(config, tensors, &names, family);
        let classifier = task.filter(|(kind, _)| !kind.reads_tokens());
        // A pooler that only passes [CLS] on is no pooler (see `export`); one that the classifier
        // reads must be there.
        let passes = classifier.is_some() && config.classifier_scale != 1.0;
        let reads = classifier.is_some() && config.pooling == Pooling::Pooler;
        // A classifier's own pooler goes before one that the encoder kept from its training.
        let own = classifier
            .and_then(|(kind, _)| family.head_pooler(kind))
            .filter(|_| reads);
        let encoders = family
            .pooler
            .filter(|name| (layer(name) && !passes) || reads)
            .map(|name| format!("{}{name}", family.prefix));
        let pooler = own.map(str::to_owned).or(encoders);
        let mlm = has(family.mlm.start);
        let heads = Heads {
            mlm,
            pooler: pooler.is_some(),
            nsp: pooler.is_some() && family.nsp.is_some_and(|name| layer(&name)),
            replaced: family.replaced.is_some_and(|[dense, _]| layer(&dense)),
            untied_decoder: !config.tie_word_embeddings && mlm,
            task,
        };
        let vocabulary = Blocks::new([config.vocab_size, config.embedding_size], limit);
        let mut wanted = Wanted {
            names: family,
            vocabulary,
            slots: Vec::new(),
        };
        wanted.embeddings(config);
        (0..config.num_hidden_groups).for_each(|i| wanted.layer(config, i));
        wanted.heads(config, &heads, pooler.as_deref());
        let slots = wanted.slots;
        let mut sources = vec![None; names.len()];
        let mut problems = Vec::new();
        for (s, slot) in slots.iter().enumerate() {
            let Some(index) = find(&names, slot, family) else {
                problems.push(format!("`{}` {:?} is missing", slot.name, slot.shape));
                continue;
            };
            let tensor = &tensors[index];
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
            index.map(|i| tensors[i].dtype)
        };
        let params = params(&slots, &vocabulary, dtype);
        Ok(Self {
            heads,
            slots,
            params,
            sources,
            vocabulary,
            generator: None,
        })
    }

    /// Elements of the largest parameter that a device must bind whole: those over the vocabulary lie
    /// in blocks where they must.
    pub fn largest_whole(config: &Config) -> usize {
        let params = Self::fresh(config, false, u64::MAX).params;
        let whole = params.iter().filter(|param| param.name != names::WORD);
        whole.map(|param| param.shape.len()).max().unwrap_or(0)
    }

    /// The layout of a model that comes from no file: the encoder, and a masked-language-model head
    /// if `mlm`; all of it rests in f32.
    pub(super) fn fresh(config: &Config, mlm: bool, limit: u64) -> Self {
        let heads = Heads {
            mlm,
            ..Heads::default()
        };
        let vocabulary = Blocks::new([config.vocab_size, config.embedding_size], limit);
        let mut wanted = Wanted {
            names: families::names(config.family),
            vocabulary,
            slots: Vec::new(),
        };
        wanted.embeddings(config);
        (0..config.num_hidden_groups).for_each(|i| wanted.layer(config, i));
        wanted.heads(config, &heads, None);
        let slots = wanted.slots;
        let params = params(&slots, &vocabulary, |_| None);
        Self {
            heads,
            slots,
            params,
            sources: Vec::new(),
            vocabulary,
            generator: None,
        }
    }

    /// Adds a next-sentence head, and a pooler where there is none; `None` where the family has no such head, and what was
    /// added otherwise: nothing where it is there.
    pub(super) fn add_next_sentence(&mut self, config: &Config) -> Option<Vec<ParamSpec>> {
        let names = families::names(config.family);
        let (pooler, nsp) = names.pooler.zip(names.nsp)?;
        let mut wanted = Wanted {
            names,
            vocabulary: self.vocabulary,
            slots: Vec::new(),
        };
        let hidden = config.hidden_size;
        if !self.heads.pooler {
            let name = format!("{}{pooler}", names.prefix);
            wanted.dense(&name, [hidden, hidden], names::POOLER);
        }
        if !self.heads.nsp {
            wanted.dense(nsp, [2, hidden], names::NSP);
        }
        (self.heads.pooler, self.heads.nsp) = (true, true);
        Some(self.add(wanted))
    }

    /// Adds a head that tells replaced words; `None` where the family has none, and what was added otherwise: nothing where it
    /// is there.
    pub(crate) fn add_replaced(&mut self, config: &Config) -> Option<Vec<ParamSpec>> {
        let names = families::names(config.family);
        let [dense, logit] = names.replaced?;
        let mut wanted = Wanted {
            names,
            vocabulary: self.vocabulary,
            slots: Vec::new(),
        };
        let hidden = config.hidden_size;
        if !self.heads.replaced {
            wanted.dense(dense, [hidden, hidden], names::REPLACED);
            wanted.dense(logit, [1, hidden], names::REPLACED_LOGIT);
        }
        self.heads.replaced = true;
        Some(self.add(wanted))
    }

    /// Adds tensors that no file holds; their parameters.
    fn add(&mut self, wanted: Wanted) -> Vec<ParamSpec> {
        let added = params(&wanted.slots, &self.vocabulary, |_| None);
        self.slots.extend(wanted.slots);
        self.params.extend(added.iter().cloned());
        added
    }

    /// Number of the model's own numbers.
    pub fn parameter_count(&self) -> u64 {
        self.slots.iter().map(|s| s.elements() as u64).sum()
    }
}

/// The parameters that hold the slots. A matrix rests in f16 where the file holds it so, which
/// loses nothing but, on some GPUs, numbers below 6e-5, which they read as 0; vectors are small, and
/// rest in f32.
fn params(
    slots: &[Slot],
    vocabulary: &Blocks,
    dtype: impl Fn(usize) -> Option<Dtype>,
) -> Vec<ParamSpec> {
    let mut params: Vec<ParamSpec> = Vec::new();
    for (s, slot) in slots.iter().enumerate() {
        // Parts begin at whole words only if every part has an even number of elements.
        let halves = dtype(s) == Some(Dtype::F16) && slot.shape.len() == 2;
        let alone = slots.iter().filter(|s| s.param == slot.param).count() == 1;
        // Training and heads of their own replace the classifier, in f32.
        let replaced = slot.param.starts_with(names::CLASSIFIER);
        let f16 = halves && !replaced && (alone || slot.elements().is_multiple_of(2));
        let storage = if f16 { Storage::F16 } else { Storage::F32 };
        if slot.block.is_some() {
            let blocks = vocabulary.params(&slot.param).into_iter();
            params.extend(blocks.map(|(name, shape)| ParamSpec {
                name,
                shape: shape.into(),
                storage,
            }));
            continue;
        }
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

/// What the head of a task says, by the class in config.json, and its outputs: as many as config.json names or, where
/// it names none, as the file holds. Without a class it is a classifier. One that is not used is told of in the log.
fn task(
    config: &Config,
    tensors: &[TensorInfo],
    names: &[String],
    family: &Names,
) -> Option<(HeadKind, usize)> {
    let stored = |kind| {
        let place = |part: &str| {
            let name = format!("{}.{part}", family.head(kind));
            names.iter().position(|n| *n == name)
        };
        let found = place("weight").or(place("bias"))?;
        tensors[found].shape.first().copied()
    };
    let named = |stored: usize| match config.id2label.len() {
        0 => stored,
        named => named,
    };
    let classes = || Some((HeadKind::Classes, named(stored(HeadKind::Classes)?)));
    let of = |architecture: &String| {
        // One that differs by the number of outputs has its weights under the same name.
        let kind = HeadKind::of(architecture, config.problem, 2)?;
        let stored = stored(kind)?;
        let kind = HeadKind::of(architecture, config.problem, stored)?;
        let outputs = match kind {
            HeadKind::Span => 2,
            HeadKind::Choice | HeadKind::Score => stored,
            HeadKind::Classes | HeadKind::Labels | HeadKind::Tokens => named(stored),
        };
        Some((kind, outputs))
    };
    let (kind, outputs) = match config.architectures.is_empty() {
        true => classes()?,
        false => config.architectures.iter().find_map(of)?,
    };
    let range = match kind {
        // A checkpoint may have one tag, though none is learned so.
        HeadKind::Tokens => 1..=*kind.outputs().end(),
        _ => kind.outputs(),
    };
    let usable = range.contains(&outputs);
    if !usable {
        log::warn!(
            "the checkpoint's head is left aside: it has {outputs} outputs, and {} to {} can be used",
            range.start(),
            range.end()
        );
    }
    usable.then_some((kind, outputs))
}

/// What wrappers put before all names of a model: `DataParallel`, and trainers that call it their `model`.
const WRAPPERS: [&str; 2] = ["module.", "model."];

/// A file's tensor name in today's form: no wrapper's or family's prefix, no `gamma` and `beta`.
fn canonical(name: &str, prefix: &str) -> String {
    let mut name = name;
    while let Some(inner) = WRAPPERS.iter().find_map(|outer| name.strip_prefix(outer)) {
        name = inner;
    }
    let name = name.strip_prefix(prefix).unwrap_or(name);
    match name.rsplit_once("LayerNorm.") {
        Some((start, "gamma")) => format!("{start}LayerNorm.weight"),
        Some((start, "beta")) => format!("{start}LayerNorm.bias"),
        _ => name.to_owned(),
    }
}

/// Where a tensor stands in the file.
fn find(file: &[String], slot: &Slot, family: &Names) -> Option<usize> {
    let position = |wanted: &str| file.iter().position(|n| n == wanted);
    let name = slot.name.strip_prefix(family.prefix);
    let own = position(name.unwrap_or(&slot.name));
    if slot.param != names::DECODER_BIAS {
        return own;
    }
    own.or_else(|| family.mlm.bias.iter().find_map(|name| position(name)))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn old_names_become_todays() {
        let now = "encoder.layer.3.output.LayerNorm.weight";
        let canonical = |name: &str| canonical(name, "bert.");
        assert_eq!(
            canonical("bert.encoder.layer.3.output.LayerNorm.gamma"),
            now
        );
        assert_eq!(canonical("encoder.layer.3.output.LayerNorm.weight"), now);
        assert_eq!(canonical("cls.predictions.bias"), "cls.predictions.bias");
        for outer in ["module.", "model.", "module.model."] {
            let wrapped = format!("{outer}bert.encoder.layer.3.output.LayerNorm.beta");
            assert_eq!(canonical(&wrapped), now.replace("weight", "bias"));
        }
    }
}
