//! Back to the weights of the file: how far a run has moved each part of a model, and the model as it was before,
//! without a second one on the device.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kernels::{RunError, Storage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::{Sink, TensorInfo, WeightsStream, decode};
use crate::config::Config;
use crate::model::{Layout, LoadError, Model, names};

/// A part of a model whose weights are compared together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovedPart {
    /// The tables of embeddings, their norm and what widens them.
    Embeddings,
    /// A layer, from 0; of layers that share their weights, the group.
    Layer(usize),
    /// The layer over `[CLS]`.
    Pooler,
    /// The masked-language-model head; its decoder's matrix only where it is not the word embedding.
    WordHead,
    /// The other heads that the file has: next sentence, replaced tokens.
    OtherHeads,
}

/// How far a part has moved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Which.
    pub part: MovedPart,
    /// The norm of the difference of all its weights over the norm of the file's: 0 where nothing has moved, 0.01 for
    /// one per cent.
    pub relative: f64,
}

/// Numbers that stood where the file's numbers stand now.
#[derive(Clone, Debug, PartialEq)]
pub struct Displaced {
    /// The parameter.
    pub param: String,
    /// The first element within it.
    pub offset: usize,
    /// The numbers.
    pub numbers: Vec<f32>,
}

impl Displaced {
    /// Puts them back where they stood.
    ///
    /// # Errors
    /// The parameter is no longer there.
    pub fn put_back(&self, model: &mut Model) -> Result<(), RunError> {
        let params = model.params_mut();
        params.write(&self.param, self.offset, &self.numbers)
    }
}

/// Why a model could not be taken back to its file.
#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    /// The file is damaged, or no checkpoint of this shape.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The device failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The file is not the one that the model was loaded from.
    #[error(
        "these are not the weights that the model was loaded from: SHA-256 {found}, not {expected}"
    )]
    OtherFile {
        /// What the file hashes to.
        found: String,
        /// What the model's file hashed to.
        expected: String,
    },
}

/// Takes the chunks of the file that a model was loaded from, as [`crate::model::ModelLoader`] does, compares its
/// weights with those on the device and writes them there. What they displace is handed out a chunk at a time, for the
/// caller to keep elsewhere and to [`Displaced::put_back`], also after an error: until then the model is partly the
/// earlier one. The head of a task is left as it is.
pub struct Rewind {
    stream: WeightsStream<Pieces>,
    hash: Sha256,
    /// What the last chunk held: reading a device takes waiting, which a sink cannot.
    ready: Rc<RefCell<Vec<Piece>>>,
    /// Of each part the squares of the differences and of the file's numbers, summed.
    sums: BTreeMap<MovedPart, [f64; 2]>,
}

impl Rewind {
    /// Begins to take `model` back to a file of `file_len` bytes, if that is known, with the configuration that stands
    /// beside it.
    pub fn new(model: &Model, config: Config, file_len: Option<u64>) -> Self {
        let ready = Rc::default();
        let pieces = Pieces {
            config,
            limit: model.device().max_tensor_bytes(),
            layout: None,
            ready: Rc::clone(&ready),
        };
        Self {
            stream: WeightsStream::new(file_len, pieces),
            hash: Sha256::new(),
            ready,
            sums: BTreeMap::new(),
        }
    }

    /// Takes the next chunk, of any length; what it displaces is added to `displaced`.
    ///
    /// # Errors
    /// [`RewindError`]. What `displaced` holds must be put back all the same.
    pub async fn push(
        &mut self,
        model: &mut Model,
        bytes: &[u8],
        displaced: &mut Vec<Displaced>,
    ) -> Result<(), RewindError> {
        self.stream.push(bytes).map_err(LoadError::from)?;
        self.hash.update(bytes);
        let ready = self.ready.take();
        for piece in ready {
            self.exchange(model, piece, displaced).await?;
        }
        Ok(())
    }

    async fn exchange(
        &mut self,
        model: &mut Model,
        piece: Piece,
        displaced: &mut Vec<Displaced>,
    ) -> Result<(), RewindError> {
        let slots = &model.layout().slots;
        let Some(slot) = slots.iter().find(|slot| slot.name == piece.slot) else {
            // A run has made another head in this one's place.
            return Ok(());
        };
        let Some(part) = part_of(&slot.param) else {
            return Ok(());
        };
        let mut rest = &piece.numbers[..];
        for at in slot.parts(piece.first, piece.numbers.len()) {
            let (file, after) = rest.split_at(at.len);
            rest = after;
            let own = file.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            let sums = self.sums.entry(part).or_default();
            sums[1] += own;
            // What learns rests in f32.
            let specs = model.params().specs();
            let spec = specs.iter().find(|spec| spec.name == at.param);
            if spec.is_some_and(|spec| spec.storage == Storage::F16) {
                continue;
            }
            let numbers = model.params().read(&at.param, at.offset, at.len).await?;
            if numbers == file {
                continue;
            }
            let apart = numbers.iter().zip(file);
            sums[0] += apart
                .map(|(&now, &then)| (f64::from(now) - f64::from(then)).powi(2))
                .sum::<f64>();
            model.params_mut().write(&at.param, at.offset, file)?;
            displaced.push(Displaced {
                param: at.param,
                offset: at.offset,
                numbers,
            });
        }
        Ok(())
    }

    /// Ends the file, and says how far each of its parts had moved from it.
    ///
    /// # Errors
    /// The file ended early, or is another one than the model's.
    pub fn finish(self, model: &Model) -> Result<Vec<Moved>, RewindError> {
        let found = format!("{:x}", self.hash.finalize());
        self.stream.finish().map_err(LoadError::from)?;
        let expected = model.sha256().to_owned();
        if found != expected {
            return Err(RewindError::OtherFile { found, expected });
        }
        let moved = |(part, [apart, own]): (MovedPart, [f64; 2])| Moved {
            part,
            relative: match own > 0.0 {
                true => (apart / own).sqrt(),
                // Of zeros there is no share.
                false => apart.sqrt(),
            },
        };
        Ok(self.sums.into_iter().map(moved).collect())
    }
}

/// The part that a parameter belongs to; `None` for the head of a task.
fn part_of(param: &str) -> Option<MovedPart> {
    if let Some(rest) = param.strip_prefix("encoder.layer.") {
        let layer = rest.split('.').next()?.parse().ok()?;
        return Some(MovedPart::Layer(layer));
    }
    let begins = |start: &str| param.starts_with(start);
    if begins(names::CLASSIFIER) {
        None
    } else if begins("embeddings") {
        Some(MovedPart::Embeddings)
    } else if begins(names::POOLER) {
        Some(MovedPart::Pooler)
    } else if begins("cls.predictions") {
        Some(MovedPart::WordHead)
    } else {
        Some(MovedPart::OtherHeads)
    }
}

/// Some numbers of one of the model's tensors, as the file has them.
struct Piece {
    /// The tensor's name in `transformers`.
    slot: String,
    /// The first element.
    first: usize,
    numbers: Vec<f32>,
}

/// Collects what a chunk holds.
struct Pieces {
    config: Config,
    limit: u64,
    layout: Option<Layout>,
    ready: Rc<RefCell<Vec<Piece>>>,
}

impl Sink for Pieces {
    type Error = LoadError;

    fn header(&mut self, tensors: &[TensorInfo]) -> Result<(), LoadError> {
        self.layout = Some(Layout::new(&self.config, tensors, self.limit)?);
        Ok(())
    }

    fn data(
        &mut self,
        tensors: &[TensorInfo],
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), LoadError> {
        let Some(layout) = &self.layout else {
            unreachable!("the header comes before the data");
        };
        let Some(slot) = layout.sources[index].map(|slot| &layout.slots[slot]) else {
            return Ok(());
        };
        let dtype = tensors[index].dtype;
        let Some(size) = dtype.float_bytes() else {
            unreachable!("the layout refused tensors that hold no floats");
        };
        let mut numbers = Vec::with_capacity(bytes.len() / size);
        decode(dtype, bytes, &mut numbers);
        self.ready.borrow_mut().push(Piece {
            slot: slot.name.clone(),
            first: offset as usize / size,
            numbers,
        });
        Ok(())
    }
}
