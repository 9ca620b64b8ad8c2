//! `model.safetensors`, piece by piece.

use kernels::Control;
use serde_json::{Map, Value, json};

use super::{ExportError, Kind, Refusal, check, needs_code, pooling};
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

/// The tensors of the family's class for the head, of the folder's own (the same without a pooler), or of
/// the class that fills masks, in the order of the layout.
pub(super) fn tensors(model: &Model, kind: Kind) -> Result<Vec<Stored>, Refusal> {
    check(model, kind)?;
    let pooling = pooling(model, kind);
    let passes = pooling == Some(Pooling::Cls) && !needs_code(model, kind);
    let scale = if passes { 1.0 / PASSING } else { 1.0 };
    let head_kind = model.head().map(|head| head.kind);
    let pooler = head_kind.and_then(|kind| model.pooler_name(kind));
    let mut tensors = Vec::new();
    for slot in &model.layout().slots {
        let starts = |start: &str| slot.param.starts_with(start);
        let head = starts("cls.") || starts(names::CLASSIFIER) || starts(names::REPLACED);
        let wanted = match kind {
            Kind::Pretraining if starts("pooler.") => true,
            _ if starts("pooler.") => pooling == Some(Pooling::Pooler),
            _ if !head => true,
            Kind::Head => starts(names::CLASSIFIER),
            Kind::MaskedLm => starts("cls.predictions."),
            Kind::Pretraining => starts("cls."),
            Kind::Replaced => starts(names::REPLACED),
        };
        if !wanted {
            continue;
        }
        let classifier = slot.param.strip_prefix(names::CLASSIFIER);
        // An encoder's own pooler goes where the family's head looks for it.
        let pooler = slot
            .param
            .strip_prefix(names::POOLER)
            .zip(pooler.as_deref());
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
            let tied = model.tied_bias_name();
            if tied != slot.name {
                tensors.push(stored(tied.to_owned()));
            }
        }
        tensors.push(stored(match pooler {
            Some((part, name)) => format!("{name}{part}"),
            None => slot.name.clone(),
        }));
    }
    if let (true, Some(name)) = (passes, &pooler) {
        let h = model.config().hidden_size;
        let pooler = |part: &str, shape: &[usize], origin| Stored {
            name: format!("{name}.{part}"),
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
