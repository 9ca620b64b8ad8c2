//! The address bar: read at the start and whenever someone changes it, and following what one does, but
//! for the texts that one types.

use super::Store;
use crate::link::MAX_FRAGMENT;
use crate::state::State;
use leptos::leptos_dom::helpers::set_timeout_with_handle;
use leptos::wasm_bindgen::JsValue;
use leptos::{ev, prelude::*};
use std::time::Duration;

/// How long nothing must change before the address does. Safari takes 100 changes in 30 seconds.
const PAUSE: Duration = Duration::from_millis(400);
/// When to try again where the browser refuses.
const LATER: Duration = Duration::from_secs(10);

/// What stands behind the `#`.
pub(super) fn fragment() -> String {
    let hash = window().location().hash().unwrap_or_default();
    hash.strip_prefix('#').unwrap_or_default().to_owned()
}

/// The page's address without a fragment.
pub fn page_address() -> String {
    let href = window().location().href().unwrap_or_default();
    let page = href.split('#').next().unwrap_or_default();
    page.to_owned()
}

/// Whether a fragment leads to a place on the page, as that of the link that skips to the panel.
fn is_place(fragment: &str) -> bool {
    document().get_element_by_id(fragment).is_some()
}

impl Store {
    /// Keeps the address and the state together from here on.
    pub(super) fn follow_address(self) {
        let link = self.view(State::address);
        Effect::new(move |first: Option<()>| {
            // Reading it, since a memo that nobody has read yet tells of no change.
            link.with(|_| ());
            // What was opened stays as it was written, also where it could not be read.
            if first.is_some() {
                self.write_address_in(PAUSE);
            }
        });
        let listener = window_event_listener(ev::hashchange, move |_| {
            let fragment = fragment();
            if is_place(&fragment) {
                self.write_address();
            } else {
                self.change(|state| state.open_fragment(&fragment));
            }
        });
        on_cleanup(move || listener.remove());
        let hidden = self.view(State::hidden_parts);
        Effect::new(move |_| {
            if let Some(root) = document().document_element() {
                let _ = root.set_attribute("data-hide", &hidden.get());
            }
        });
    }

    fn write_address_in(self, pause: Duration) {
        let handle = set_timeout_with_handle(move || self.write_address(), pause).ok();
        self.address.update_value(|waiting| {
            if let Some(earlier) = std::mem::replace(waiting, handle) {
                earlier.clear();
            }
        });
    }

    /// Puts the state into the address bar, in place of what stands there.
    pub fn write_address(self) {
        let new = self.peek(|state| state.address().to_fragment());
        if new == fragment() || new.len() > MAX_FRAGMENT {
            return;
        }
        let address = match new.is_empty() {
            true => page_address(),
            false => format!("#{new}"),
        };
        let written = window().history().and_then(|history| {
            let state = history.state().unwrap_or(JsValue::NULL);
            history.replace_state_with_url(&state, "", Some(&address))
        });
        if written.is_err() {
            self.write_address_in(LATER);
        }
    }
}
