//! Handing a file or a text to the visitor.

use leptos::prelude::*;
use leptos::wasm_bindgen::prelude::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, Url};

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

/// The same of what a canvas shows, on white.
pub fn save_canvas(shown: &HtmlCanvasElement, name: &str) {
    let Ok(element) = document().create_element("canvas") else {
        return;
    };
    let canvas: HtmlCanvasElement = element.unchecked_into();
    canvas.set_width(shown.width());
    canvas.set_height(shown.height());
    let context = canvas.get_context("2d").ok().flatten();
    let Some(Ok(context)) = context.map(|it| it.dyn_into::<CanvasRenderingContext2d>()) else {
        return;
    };
    context.set_fill_style_str("#ffffff");
    context.fill_rect(
        0.0,
        0.0,
        f64::from(canvas.width()),
        f64::from(canvas.height()),
    );
    let drawn = context.draw_image_with_html_canvas_element(shown, 0.0, 0.0);
    let name = name.to_owned();
    let done = Closure::once_into_js(move |blob: Option<Blob>| {
        if let Some(blob) = blob {
            save(&blob, &name);
        }
    });
    // A browser that refuses saves nothing.
    let _ = drawn.and_then(|()| canvas.to_blob(done.unchecked_ref()));
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
