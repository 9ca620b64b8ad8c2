//! Handing a file or a text to the visitor.

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, HtmlAnchorElement, Url};

/// Lets the browser save a file, as if a link to it had been clicked.
pub fn save(blob: &Blob, name: &str) {
    let Ok(url) = Url::create_object_url_with_blob(blob) else {
        return;
    };
    if let Ok(link) = document().create_element("a") {
        let link: HtmlAnchorElement = link.unchecked_into();
        link.set_href(&url);
        link.set_download(name);
        link.click();
    }
    // The download holds the blob from here on; the address is only needed for the click.
    set_timeout(
        move || {
            let _ = Url::revoke_object_url(&url);
        },
        std::time::Duration::from_secs(60),
    );
}

/// The same of a text.
pub fn save_text(text: &str, name: &str) {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    if let Ok(blob) = Blob::new_with_str_sequence(&parts) {
        save(&blob, name);
    }
}

/// Puts a text on the clipboard; says whether the browser took it: away from https there is no clipboard to ask.
pub async fn to_clipboard(text: &str) -> bool {
    let navigator = window().navigator();
    let key = JsValue::from_str("clipboard");
    let there = js_sys::Reflect::get(&navigator, &key).is_ok_and(|found| found.is_object());
    there
        && JsFuture::from(navigator.clipboard().write_text(text))
            .await
            .is_ok()
}
