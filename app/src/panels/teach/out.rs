//! What comes out: a folder for `transformers`, the head alone, predictions for a file.

use crate::page::{Store, pick_texts};
use crate::protocol::Export;
use leptos::{html, prelude::*};

#[component]
pub fn OutCard() -> impl IntoView {
    let store = Store::get();
    let errand = store.view(|state| state.teach.errand_line());
    let idle = store.view(|state| state.teach.errand.is_none());
    let busy = store.view(|state| state.teach.is_busy());
    let head_is_enough = store.view(|state| state.can_try() && state.teach.head_is_enough());
    let predicts = store.view(|state| state.can_try());
    let input = NodeRef::<html::Input>::new();
    let press = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    let picked = move |_| {
        if let Some(source) = input
            .get_untracked()
            .and_then(|input| pick_texts(store, &input))
        {
            store.change(|state| state.predict(source));
        }
    };
    let unable = move || busy.get() || !idle.get();
    view! {
        <section class="out card" aria-labelledby="out-heading">
            <h2 id="out-heading">"Take it with you"</h2>
            <p class="hint">
                "A folder that transformers loads with from_pretrained, with a card that says how \
                 it was made; or the head alone, a few kilobytes for the same base checkpoint. Drop \
                 either on this page to use it again."
            </p>
            <div class="actions">
                <button
                    type="button"
                    id="export-folder"
                    disabled=unable
                    on:click=move |_| store.change(|state| state.export(Export::Folder))
                >
                    "Download the folder"
                </button>
                <button
                    type="button"
                    id="export-head"
                    disabled=move || unable() || !head_is_enough.get()
                    aria-description=move || (!head_is_enough.get()).then_some(
                        "The encoder learned too, so the head alone would not be the model.",
                    )
                    on:click=move |_| store.change(|state| state.export(Export::Head))
                >
                    "Download the head"
                </button>
                <button
                    type="button"
                    disabled=move || unable() || !predicts.get()
                    on:click=press
                >
                    "Predict a file"
                </button>
                <input
                    node_ref=input
                    id="pick-predict"
                    type="file"
                    hidden=true
                    tabindex="-1"
                    aria-label="File to predict"
                    on:change=picked
                />
            </div>
            {move || errand.get().map(|(line, share)| {
                let percent = share.map(|share| (share * 100.0).round() as u32);
                view! {
                    <div class="loading" id="errand">
                        <p>{line.clone()}</p>
                        <div
                            class="progress"
                            class:unknown=percent.is_none()
                            role="progressbar"
                            aria-label="Writing"
                            aria-valuemin="0"
                            aria-valuemax="100"
                            aria-valuenow=percent.map(|p| p.to_string())
                            aria-valuetext=line
                        >
                            <div style:width=format!("{}%", percent.unwrap_or(100))></div>
                        </div>
                        <button
                            type="button"
                            class="quiet"
                            on:click=move |_| store.change(|state| state.cancel_errand())
                        >
                            "Cancel"
                        </button>
                    </div>
                }
            })}
        </section>
    }
}
