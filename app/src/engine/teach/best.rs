//! The best weights of a run, out to the browser's own store and back.

use super::run::{Ended, unlearnable};
use crate::failure::Failure;
use bert::model::Model;
use bert::train::{TrainError, Training};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

/// Elements of a weight that are read back at a time.
const PIECE: usize = 1 << 20;

/// The best weights so far, side by side in the order of [`Training::trainable`], as little-endian
/// f32; `None` where the browser has no room. Each piece becomes a `Blob` before the next is read, and
/// the browser may keep those on disk: nothing here holds all of them.
pub(super) async fn best_weights(
    model: &mut Model,
    training: &Training,
) -> Result<Option<JsValue>, Ended> {
    let parts = js_sys::Array::new();
    for spec in training.trainable() {
        let name = training.best_weight_name(&spec.name);
        let mut first = 0;
        while first < spec.shape.len() {
            let last = (first + PIECE).min(spec.shape.len());
            let numbers = model.params().read(&name, first, last - first).await;
            let numbers = numbers.map_err(TrainError::from)?;
            let bytes = js_sys::Uint8Array::from(bytemuck::cast_slice::<f32, u8>(&numbers));
            let bytes = js_sys::Array::of1(&bytes);
            let Ok(piece) = Blob::new_with_u8_array_sequence(&bytes) else {
                return Ok(None);
            };
            parts.push(&piece);
            first = last;
        }
    }
    let whole = Blob::new_with_blob_sequence(&parts);
    Ok(whole.ok().map(JsValue::from))
}

/// Puts weights that [`best_weights`] read back onto the model.
pub(super) async fn write_weights(
    model: &mut Model,
    training: &Training,
    weights: &Blob,
) -> Result<(), Failure> {
    let specs = training.trainable();
    let elements: usize = specs.iter().map(|spec| spec.shape.len()).sum();
    if weights.size() != 4.0 * elements as f64 {
        return Err(unlearnable(
            "The kept weights belong to another model or recipe.".into(),
        ));
    }
    let lost = |error: JsValue| {
        unlearnable("The kept weights can no longer be read.".into())
            .with_details(format!("{error:?}"))
    };
    let mut offset = 0.0;
    for spec in specs {
        let mut first = 0;
        while first < spec.shape.len() {
            let count = PIECE.min(spec.shape.len() - first);
            let end = offset + 4.0 * count as f64;
            let piece = weights.slice_with_f64_and_f64(offset, end).map_err(lost)?;
            let buffer = JsFuture::from(piece.array_buffer());
            let numbers = js_sys::Float32Array::new(&buffer.await.map_err(lost)?).to_vec();
            let written = model.params_mut().write(&spec.name, first, &numbers);
            written
                .map_err(|error| unlearnable(format!("The kept weights do not fit: {error}.")))?;
            (first, offset) = (first + count, end);
        }
    }
    Ok(())
}
