//! The engine's side of the wire.

use super::io::worker::scope;
use crate::protocol::{Event, RequestId, Topic, encode};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// Tells the page.
pub fn post(event: &Event) {
    send(encode(event), None);
}

/// Tells the page what answers a command of a later part.
pub fn answer<E: Serialize>(topic: Topic, id: RequestId, event: &E) {
    send(topic.event(id, event), None);
}

/// The same, and hands the page what JSON cannot carry, such as a `Blob`.
pub fn answer_with<E: Serialize>(topic: Topic, id: RequestId, event: &E, attachment: &JsValue) {
    send(topic.event(id, event), Some(attachment));
}

/// Sends a message as it was written.
pub fn send(text: Result<String, String>, attachment: Option<&JsValue>) {
    let text = match text {
        Ok(text) => JsValue::from_str(&text),
        Err(error) => return log::error!("an event could not be encoded: {error}"),
    };
    let message = match attachment {
        Some(attachment) => js_sys::Array::of2(&text, attachment).into(),
        None => text,
    };
    // The page may be gone already; then there is no one to tell.
    drop(scope().post_message(&message));
}
