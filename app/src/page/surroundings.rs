//! What the page finds around itself: the addresses that the build wrote into `index.html`, and the
//! host's choices in `site.json`.

use crate::site::Site;
use crate::state::bench::report::Surroundings;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, RequestCache, RequestInit, Response};

/// How long to wait for `site.json`, in milliseconds. The page does not start before.
const PATIENCE: u32 = 10_000;

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
pub async fn site() -> Site {
    match read_site().await {
        Ok(site) => site,
        Err(reason) => {
            let told = format!("site.json is not used: {reason}");
            web_sys::console::warn_1(&told.into());
            Site::default()
        }
    }
}

async fn read_site() -> Result<Site, String> {
    let words = |error: JsValue| format!("{error:?}");
    let options = RequestInit::new();
    options.set_cache(RequestCache::NoCache);
    options.set_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE)));
    let response = window().fetch_with_str_and_init("site.json", &options);
    let response = JsFuture::from(response).await.map_err(words)?;
    let response: Response = response.unchecked_into();
    if !response.ok() {
        return Err(format!("the server answered {}", response.status()));
    }
    let text = response.text().map_err(words)?;
    let text = JsFuture::from(text).await.map_err(words)?;
    Site::parse(&text.as_string().unwrap_or_default())
}
