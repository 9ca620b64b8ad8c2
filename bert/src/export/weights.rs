//! `model.safetensors`, piece by piece.

use kernels::Control;
use serde_json::{Map, Value, json};

use super::{ExportError, Kind, Refusal, check, pooling};
use crate::config::Pooling;
use crate::model::{Model, Slot, names};

/// Elements read back at a time: 2 MiB.
const PIECE: usize = 1 << 19;

/// How a pooler passes `[CLS]` on; see [`crate::export`].
pub(super) const PASSING: f32 = 1.0 / 4096.0;

/// Where a stored tensor's numbers come from.
pub(super) enum Origin {
    /// A tensor of the model, times a power of two.
    Slot { slot: Slot, scale: f32 },
    /// `PASSING` on the diagonal of a square matrix, zero elsewhere.
    Diagonal,
    /// Zeros.
    Zeros,
}

/// A tensor of the file.
pub(super) struct Stored {
    /// Its name in `transformers`.
    pub name: String,
    pub shape: Vec<usize>,
    pub origin: Origin,
}

impl Stored {
    fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The tensors of `BertForSequenceClassification`, of the class for mean pooling (the same without
/// a pooler), or of `BertForMaskedLM`, in the order of the layout.
pub(super) fn tensors(model: &Model, kind: Kind) -> Result<Vec<Stored>, Refusal> {
    check(model, kind)?;
    let pooling = pooling(model, kind);
    let scale = match pooling {
        Some(Pooling::Cls) => 1.0 / PASSING,
        _ => 1.0,
    };
    let mut tensors = Vec::new();
    for slot in &model.layout().slots {
        let starts = |start: &str| slot.param.starts_with(start);
        let head = starts("cls.") || starts(names::CLASSIFIER);
        let wanted = match kind {
            _ if starts("pooler.") => pooling == Some(Pooling::Pooler),
            _ if !head => true,
            Kind::Head => starts(names::CLASSIFIER),
            Kind::MaskedLm => starts("cls.predictions."),
        };
        if !wanted {
            continue;
        }
        let classifier = slot.param.strip_prefix(names::CLASSIFIER);
        let stored = |name: String| Stored {
            name,
            shape: slot.shape.clone(),
            origin: Origin::Slot {
                slot: slot.clone(),
                scale: match classifier {
                    Some(".weight") => scale,
                    _ => 1.0,
                },
            },
        };
        if slot.param == names::DECODER_BIAS && model.heads().untied_decoder {
            // `transformers` reads the slot's name where the decoder has a matrix of its own, and
            // misses this one.
            tensors.push(stored(names::DECODER_BIAS.to_owned()));
        }
        tensors.push(stored(slot.name.clone()));
    }
    if pooling == Some(Pooling::Cls) {
        let h = model.config().hidden_size;
        let pooler = |part: &str, shape: &[usize], origin| Stored {
            name: format!("bert.{}.{part}", names::POOLER),
            shape: shape.to_vec(),
            origin,
        };
        tensors.push(pooler("weight", &[h, h], Origin::Diagonal));
        tensors.push(pooler("bias", &[h], Origin::Zeros));
    }
    Ok(tensors)
}

/// Bytes of all numbers.
pub(super) fn data_len(tensors: &[Stored]) -> u64 {
    tensors.iter().map(|t| 4 * t.elements() as u64).sum()
}

/// The file's first bytes: the header's length and the header, padded so that the numbers begin at
/// a multiple of 8. The metadata's values are strings.
pub(super) fn header<'a>(
    tensors: impl IntoIterator<Item = (&'a String, &'a Vec<usize>)>,
    metadata: Value,
) -> Vec<u8> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), metadata);
    let mut begin = 0u64;
    for (name, shape) in tensors {
        let end = begin + 4 * shape.iter().product::<usize>() as u64;
        let offsets = [begin, end];
        let info = json!({"dtype": "F32", "shape": shape, "data_offsets": offsets});
        header.insert(name.clone(), info);
        begin = end;
    }
    let mut text = Value::from(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes()[..], &text].concat()
}

/// Takes the file's next piece.
type Put<'a, E> = dyn FnMut(&[u8]) -> Result<(), ExportError<E>> + 'a;

/// Writes the file.
pub(super) async fn write<E>(
    model: &mut Model,
    tensors: &[Stored],
    metadata: Value,
    control: &Control,
    put: &mut Put<'_, E>,
) -> Result<(), ExportError<E>> {
    let named = tensors.iter().map(|tensor| (&tensor.name, &tensor.shape));
    put(&header(named, metadata))?;
    for tensor in tensors {
        let elements = tensor.elements();
        for first in (0..elements).step_by(PIECE) {
            if control.is_cancelled() {
                return Err(kernels::RunError::Cancelled.into());
            }
            let count = PIECE.min(elements - first);
            let numbers = piece(model, tensor, first, count).await?;
            if numbers.iter().any(|x| !x.is_finite()) {
                return Err(Refusal::NonFinite(tensor.name.clone()).into());
            }
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            put(&bytes)?;
            control.breathe().await;
        }
    }
    Ok(())
}

async fn piece(
    model: &Model,
    tensor: &Stored,
    first: usize,
    count: usize,
) -> Result<Vec<f32>, kernels::RunError> {
    match &tensor.origin {
        Origin::Slot { slot, scale } => {
            let mut numbers = Vec::with_capacity(count);
            for part in slot.parts(first, count) {
                let params = model.params();
                numbers.extend(params.read(&part.param, part.offset, part.len).await?);
            }
            numbers.iter_mut().for_each(|x| *x *= scale);
            Ok(numbers)
        }
        Origin::Diagonal => {
            let stride = tensor.shape[0] + 1;
            let diagonal = |i: usize| {
                if i.is_multiple_of(stride) {
                    PASSING
                } else {
                    0.0
                }
            };
            Ok((first..first + count).map(diagonal).collect())
        }
        Origin::Zeros => Ok(vec![0.0; count]),
    }
}
