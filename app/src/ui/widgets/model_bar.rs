//! Which model is loaded, how far a load has come, and the way to another.

use crate::browser::{Store, offer_input};
use crate::state::view::LoadLine;
use crate::ui::widgets::file_button::FileButton;
use crate::ui::widgets::opener::LaterOpener;
use crate::ui::widgets::progress_bar::ProgressBar;
use leptos::prelude::*;
use web_sys::HtmlInputElement;

#[component]
pub fn ModelBar() -> impl IntoView {
    let store = Store::get();
    let name = store.view(|state| state.session.model.as_ref().map(|model| model.name.clone()));
    let line = store.view(|state| state.session.model_line());
    let told = store.view(|state| {
        let model = state.session.model.as_ref();
        model.is_some_and(|model| model.provenance.is_some())
    });
    let facts = store.view(|state| state.session.model_facts());
    let loading = store.view(|state| state.session.loading.is_some());
    let device = store.view(|state| state.session.device_line());
    let can_save = store.view(|state| state.session.model.as_ref().is_some_and(|m| m.can_save));
    let title = move || {
        name.get()
            .unwrap_or_else(|| if loading.get() { "Loading" } else { "No model" }.to_owned())
    };
    let fact_list = move || {
        facts
            .get()
            .into_iter()
            .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
            .collect_view()
    };
    // What the visitor has opened, or what something in it waits for.
    let opened = RwSignal::new(false);
    let asks = store.view(|state| state.model_asks());
    let shown = Memo::new(move |_| opened.get() || asks.get());
    view! {
        <section class="model" aria-label="Model">
            <div class="model-row">
                <div class="model-title">
                    <span aria-hidden="true">"Model"</span>
                    <h2 id="model-name">{title}</h2>
                    <p class:told=move || told.get()>{move || line.get()}</p>
                </div>
                <button
                    type="button"
                    class="quiet"
                    id="change-model"
                    aria-label="Change the model"
                    aria-expanded=move || shown.get().to_string()
                    aria-controls="model-card"
                    on:click=move |_| opened.set(!shown.get_untracked())
                >
                    "Change"
                </button>
            </div>
            <Loading/>
            <div class="card" id="model-card" hidden=move || !shown.get()>
                <Pickers/>
                {move || device.get().map(|line| view! {
                    <p class="device-line" id="device-line">
                        {line}
                        " "
                        <button type="button" class="link" popovertarget="engine-card">
                            "Why? Change device"
                        </button>
                    </p>
                })}
                <Show when=move || name.get().is_some()>
                    <details class="model-facts">
                        <summary>"About this model"</summary>
                        <dl class="facts">{fact_list}</dl>
                        <Show when=move || can_save.get()>
                            <button
                                type="button"
                                class="quiet"
                                id="save-model"
                                on:click=move |_| store.change(|state| state.save_folder())
                            >
                                "Save as a folder with safetensors"
                            </button>
                        </Show>
                        <button
                            type="button"
                            class="quiet"
                            id="unload"
                            on:click=move |_| store.change(|state| state.unload())
                        >
                            "Unload and free its memory"
                        </button>
                    </details>
                </Show>
                <LaterOpener open=shown/>
            </div>
        </section>
    }
}

/// Buttons for a checkpoint of one's own.
#[component]
fn Pickers() -> impl IntoView {
    let store = Store::get();
    let offer = move |input: HtmlInputElement| offer_input(store, &input);
    let is_bundled = store.view(|state| state.session.has_or_loads_bundled());
    view! {
        <div class="pickers" role="group" aria-label="Open a checkpoint">
            <Show when=move || !is_bundled.get()>
                <button
                    type="button"
                    id="load-bundled"
                    on:click=move |_| store.change(|state| state.load(state.session.bundled()))
                >
                    "Load the bundled model"
                </button>
            </Show>
            <FileButton
                id="pick-folder"
                text="Open a folder"
                label="Checkpoint folder"
                folder=true
                multiple=true
                picked=offer
            />
            <FileButton
                id="pick-files"
                text="Open files"
                label="Checkpoint files"
                multiple=true
                picked=offer
            />
        </div>
    }
}

#[component]
fn Loading() -> impl IntoView {
    let store = Store::get();
    let line = store.view(|state| state.session.load_line());
    let shown = Memo::new(move |_| line.with(Option::is_some));
    let text = move |part: fn(&LoadLine) -> String| {
        move || line.with(|line| line.as_ref().map(part).unwrap_or_default())
    };
    let fraction = Signal::derive(move || line.with(|line| line.as_ref()?.fraction));
    let words = text(|line| format!("{} {}", line.stage, line.amount));
    let words = Signal::derive(words);
    let cancelling = move || line.with(|line| line.as_ref().is_some_and(|line| line.cancelling));
    view! {
        <Show when=move || shown.get()>
            <div class="loading" id="loading">
                <p>
                    <strong>{text(|line| line.name.clone())}</strong>
                    " · "
                    <span>{text(|line| line.stage.to_owned())}</span>
                    <span class="amount">{text(|line| line.amount.clone())}</span>
                </p>
                <ProgressBar label="Loading the model" fraction words/>
                <button
                    type="button"
                    class="quiet"
                    id="cancel-load"
                    disabled=cancelling
                    on:click=move |_| store.change(|state| state.cancel_load())
                >
                    "Cancel"
                </button>
            </div>
        </Show>
    }
}
