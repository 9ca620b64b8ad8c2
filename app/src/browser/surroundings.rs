//! What the page finds around itself: the addresses and the host's choices (`site.json`) that the build
//! wrote into `index.html`.

use crate::site::Site;
use crate::state::bench::report::Surroundings;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// An attribute of the first element that a selector finds; empty where there is none.
fn attribute(selector: &str, name: &str) -> String {
    let found = document().query_selector(selector).ok().flatten();
    found
        .and_then(|element| element.get_attribute(name))
        .unwrap_or_default()
}

/// The engine worker's script, relative to the page.
pub fn worker() -> String {
    attribute("meta[name=unmask-worker]", "content")
}

/// The service worker's script, relative to the page; `None` for a page that is not to be kept.
pub fn service_worker() -> Option<String> {
    Some(attribute("meta[name=unmask-offline]", "content")).filter(|name| !name.is_empty())
}

/// The page's picture, relative to the page.
pub fn icon() -> String {
    attribute("link[rel=icon]", "href")
}

/// What a report says of where it comes from: the moment, the browser, and the page's version with
/// the name of the engine's script, which differs from build to build.
pub fn around() -> Surroundings {
    let now = String::from(js_sys::Date::new_0().to_iso_string());
    let date = match now.split_once('T') {
        // `2026-11-26T08:05:00.000Z`
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or_default()),
        None => now,
    };
    Surroundings {
        date,
        browser: window().navigator().user_agent().unwrap_or_default(),
        version: format!("{} ({})", env!("CARGO_PKG_VERSION"), worker()),
    }
}

/// The host's choices; those of the page as it is published where they cannot be read, which the
/// console is told.
pub fn site() -> Site {
    let found = document().get_element_by_id("site");
    let text = found.and_then(|element| element.text_content());
    Site::parse(&text.unwrap_or_default()).unwrap_or_else(|reason| {
        let told = format!("site.json is not used: {reason}");
        web_sys::console::warn_1(&told.into());
        Site::default()
    })
}

/// A text that is published with the page.
///
/// # Errors
/// In words, when it does not come.
pub async fn page_file(name: &str) -> Result<String, String> {
    let wrong = |error: JsValue| format!("{name} did not come ({error:?})");
    let response = JsFuture::from(window().fetch_with_str(name)).await;
    let response: Response = response.map_err(wrong)?.unchecked_into();
    if !response.ok() {
        return Err(format!("{name}: the host answered {}", response.status()));
    }
    let text = JsFuture::from(response.text().map_err(wrong)?).await;
    Ok(text.map_err(wrong)?.as_string().unwrap_or_default())
}
