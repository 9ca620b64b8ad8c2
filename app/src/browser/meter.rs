//! What the page's own scripts ask for, as `static/meter.js` counts it. The engine's worker tells of its own.

use super::Store;
use crate::protocol::{Event, Requested};
use js_sys::{Array, Reflect};
use leptos::{ev, prelude::*};
use wasm_bindgen::prelude::*;
use web_sys::CustomEvent;

/// The event that tells of a request, and where earlier ones wait.
const EVENT: &str = "unmask-request";
const EARLY: &str = "unmaskRequests";

impl Store {
    /// Counts requests from here on, and those that were made before this program was there.
    pub(super) fn count_requests(self) {
        let count = move |request: Option<String>| {
            let request: Option<Requested> =
                request.and_then(|request| serde_json::from_str(&request).ok());
            if let Some(request) = request {
                self.change(|state| state.receive(Event::Requested { request }));
            }
        };
        let early = Reflect::get(&window(), &EARLY.into());
        if let Some(early) = early.ok().and_then(|early| early.dyn_into::<Array>().ok()) {
            early.iter().for_each(|request| count(request.as_string()));
            early.set_length(0);
        }
        let taken = ev::Custom::<CustomEvent>::new(EVENT);
        let listener = window_event_listener(taken, move |event| {
            event.prevent_default();
            count(event.detail().as_string());
        });
        on_cleanup(move || listener.remove());
    }
}
