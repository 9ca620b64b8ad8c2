//! The engine's side of the wire.

use super::io::worker::scope;
use crate::protocol::{Event, encode};
use wasm_bindgen::JsValue;

/// Tells the page.
pub fn post(event: &Event) {
    match encode(event) {
        // The page may be gone already; then there is no one to tell.
        Ok(text) => drop(scope().post_message(&JsValue::from_str(&text))),
        Err(error) => log::error!("an event could not be encoded: {error}"),
    }
}

/// Tells the page, and hands it what JSON cannot carry, such as a `Blob`.
pub fn post_with(event: &Event, attachment: &JsValue) {
    match encode(event) {
        Ok(text) => {
            let message = js_sys::Array::of2(&JsValue::from_str(&text), attachment);
            drop(scope().post_message(&message));
        }
        Err(error) => log::error!("an event could not be encoded: {error}"),
    }
}
