//! The page as a whole.

use crate::browser::{Offline, Store, icon, site};
use crate::link::Panel;
use crate::site::Site;
use crate::ui::later::LaterPanel;
use crate::ui::panels::probe::ProbePanel;
use crate::ui::widgets::badge::EngineBadge;
use crate::ui::widgets::drop_zone::DropZone;
use crate::ui::widgets::failure_card::SessionFailure;
use crate::ui::widgets::lesson::LessonRail;
use crate::ui::widgets::model_bar::ModelBar;
use crate::ui::widgets::question::QuestionDialog;
use crate::ui::widgets::sent::SentButton;
use crate::ui::widgets::share::{LinkNotices, ShareButton};
use crate::ui::widgets::tabs::{TabPanel, Tabs};
use crate::ui::widgets::theme::ThemeButton;
use crate::ui::widgets::update_notice::UpdateNotice;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Draws the page in place of the still picture in `index.html`.
pub fn start() {
    let site = site();
    if let Some(still) = document().get_element_by_id("still") {
        still.remove();
    }
    mount_to_body(move || view! { <Page site/> });
}

/// What a keyboard can reach and someone would begin with.
const CONTROLS: &str = "textarea, button, input, select, summary, a[href]";

/// Moves the focus to the first control of the panel that shows.
fn skip(event: leptos::ev::MouseEvent) {
    let shown = document().query_selector("[role=tabpanel]:not([hidden])");
    let controls = shown
        .ok()
        .flatten()
        .and_then(|panel| panel.query_selector_all(CONTROLS).ok());
    let Some(controls) = controls else { return };
    let reached = (0..controls.length())
        .filter_map(|index| controls.get(index))
        .any(|node| {
            let element: HtmlElement = node.unchecked_into();
            // What is hidden or disabled takes no focus.
            let _ = element.focus();
            document().active_element().as_ref() == Some(&element)
        });
    if reached {
        // Else the address would change.
        event.prevent_default();
    }
}

#[component]
fn Page(site: Site) -> impl IntoView {
    let store = Store::start(site);
    provide_context(store);
    let offline = Offline::start(store);
    let title = store.view(|state| state.title());
    Effect::new(move |_| document().set_title(&title.get()));
    let spoken = store.view(|state| state.spoken());
    view! {
        <a class="skip" href="#main" on:click=skip>"Skip to the panel"</a>
        <header class="top">
            <a class="brand" href="./" aria-label="Unmask, start page">
                <img src=icon() alt="" width="32" height="32"/>
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
                <p>
                    "BERT guesses hidden words, here on your own device. "
                    <SentButton/>
                </p>
            </div>
            <ModelBar/>
            <SessionFailure/>
            <LinkNotices/>
            <Tabs/>
            <LessonRail/>
            <TabPanel panel=Panel::Probe><ProbePanel/></TabPanel>
            <TabPanel panel=Panel::Inside><LaterPanel panel=Panel::Inside/></TabPanel>
            <TabPanel panel=Panel::Teach><LaterPanel panel=Panel::Teach/></TabPanel>
            <TabPanel panel=Panel::Prove><LaterPanel panel=Panel::Prove/></TabPanel>
            <TabPanel panel=Panel::Learn><LaterPanel panel=Panel::Learn/></TabPanel>
            <TabPanel panel=Panel::Bench><LaterPanel panel=Panel::Bench/></TabPanel>
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
