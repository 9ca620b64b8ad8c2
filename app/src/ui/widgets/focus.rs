//! The keyboard's focus, put where the page wants it.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Moves the focus to the element with an id, where it is there.
pub fn focus(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(Ok(element)) = element.map(|element| element.dyn_into::<HtmlElement>()) {
        let _ = element.focus();
    }
}
