//! Which model is loaded, how far a load has come, and the way to another.

use crate::page::{Store, offer_input};
use crate::state::view::LoadLine;
use crate::widgets::opener::Opener;
use leptos::{html, prelude::*};

#[component]
pub fn ModelBar() -> impl IntoView {
    let store = Store::get();
    let name = store.view(|state| state.session.model.as_ref().map(|model| model.name.clone()));
    let line = store.view(|state| state.session.model_line());
    let facts = store.view(|state| state.session.model_facts());
    let loading = store.view(|state| state.session.loading.is_some());
    let device = store.view(|state| state.session.device_line());
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
    view! {
        <section class="model card" aria-label="Model">
            <div class="model-row">
                <div class="model-title">
                    <h2 id="model-name">{title}</h2>
                    <p>{move || line.get()}</p>
                </div>
                <Pickers/>
            </div>
            {move || device.get().map(|line| view! {
                <p class="device-line" id="device-line">
                    {line}
                    " "
                    <button type="button" class="link" popovertarget="engine-card">
                        "Why, and what else"
                    </button>
                </p>
            })}
            <Show when=move || name.get().is_some()>
                <details class="model-facts">
                    <summary>"About this model"</summary>
                    <dl class="facts">{fact_list}</dl>
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
            <Loading/>
            <Opener/>
        </section>
    }
}

/// Buttons for a checkpoint of one's own. The inputs themselves stay out of sight and out of the
/// tab order; the buttons press them.
#[component]
fn Pickers() -> impl IntoView {
    let store = Store::get();
    let files = NodeRef::<html::Input>::new();
    let folder = NodeRef::<html::Input>::new();
    folder.on_load(|input| input.set_webkitdirectory(true));
    let is_bundled = store.view(|state| state.session.has_or_loads_bundled());
    let press = move |input: NodeRef<html::Input>| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let offer = move |input: NodeRef<html::Input>| {
        if let Some(input) = input.get_untracked() {
            offer_input(store, &input);
        }
    };
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
            <button type="button" on:click=move |_| press(folder)>"Open a folder"</button>
            <button type="button" on:click=move |_| press(files)>"Open files"</button>
            <input
                node_ref=files
                id="pick-files"
                type="file"
                multiple=true
                hidden=true
                tabindex="-1"
                aria-label="Checkpoint files"
                on:change=move |_| offer(files)
            />
            <input
                node_ref=folder
                id="pick-folder"
                type="file"
                multiple=true
                hidden=true
                tabindex="-1"
                aria-label="Checkpoint folder"
                on:change=move |_| offer(folder)
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
    let percent =
        move || line.with(|line| line.as_ref()?.fraction.map(|f| (f * 100.0).round() as u32));
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
                <div
                    class="progress"
                    class:unknown=move || percent().is_none()
                    role="progressbar"
                    aria-label="Loading the model"
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=percent
                    aria-valuetext=text(|line| format!("{} {}", line.stage, line.amount))
                >
                    <div style:width=move || format!("{}%", percent().unwrap_or(100))></div>
                </div>
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
