//! The page: the store that components read, the engine's supervisor, files from the visitor.

mod files;
mod link;
mod offline;
mod save;
mod store;
mod supervisor;
mod surroundings;

pub use files::{offer_drop, offer_input, pick_texts};
pub use link::page_address;
pub use offline::Offline;
pub use save::to_clipboard;
pub use store::Store;
pub use surroundings::around;

use crate::panels::{bench::BenchPanel, probe::ProbePanel, teach::TeachPanel};
use crate::site::Site;
use crate::state::Panel;
use crate::widgets::{
    badge::EngineBadge,
    drop_zone::DropZone,
    failure_card::SessionFailure,
    model_bar::ModelBar,
    question::QuestionDialog,
    share::{LinkNotices, ShareButton},
    tabs::{TabPanel, Tabs},
    theme::ThemeButton,
    update_notice::UpdateNotice,
};
use leptos::prelude::*;

/// As in `index.html`.
const TITLE: &str = "Unmask: hide a word, see what BERT expects";

/// Draws the page in place of the still picture in `index.html`.
pub fn start() {
    // Not Leptos' own, which has no executor before the first view is mounted.
    wasm_bindgen_futures::spawn_local(async {
        let site = surroundings::site().await;
        if let Some(still) = document().get_element_by_id("still") {
            still.remove();
        }
        mount_to_body(move || view! { <Page site/> });
    });
}

#[component]
fn Page(site: Site) -> impl IntoView {
    let store = Store::start(site);
    provide_context(store);
    let offline = Offline::start(store);
    let title = store.view(|state| state.title_prefix());
    Effect::new(move |_| {
        let title = format!("{}{TITLE}", title.get());
        document().set_title(&title);
    });
    let spoken = store.view(|state| state.spoken());
    view! {
        <a class="skip" href="#text">"Skip to the text"</a>
        <header class="top">
            <a class="brand" href="./" aria-label="Unmask, start page">
                <img src=surroundings::icon() alt="" width="32" height="32"/>
                <span>"Unmask"</span>
            </a>
            <div class="top-end">
                <EngineBadge/>
                <ShareButton/>
                <ThemeButton/>
            </div>
        </header>
        <main id="main">
            <div class="hero">
                <h1>"Hide a word. See what BERT expects."</h1>
                <p>"A language model runs here, on your own device. What you type stays with you."</p>
            </div>
            <ModelBar/>
            <SessionFailure/>
            <LinkNotices/>
            <Tabs/>
            <TabPanel panel=Panel::Probe><ProbePanel/></TabPanel>
            <TabPanel panel=Panel::Teach><TeachPanel/></TabPanel>
            <TabPanel panel=Panel::Bench><BenchPanel/></TabPanel>
        </main>
        <footer class="foot">
            <p>
                "Unmask is free software under MIT or Apache-2.0: Rust and hand-written WGSL, \
                 no server, no tracking, no cookies."
            </p>
        </footer>
        <p class="unseen" role="status" aria-live="polite">{move || spoken.get()}</p>
        <UpdateNotice offline/>
        <QuestionDialog/>
        <DropZone/>
    }
}
