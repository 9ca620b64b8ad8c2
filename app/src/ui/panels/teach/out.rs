//! What comes out: a folder for `transformers`, the head alone, predictions for a file.

use crate::browser::{Store, pick_texts};
use crate::protocol::Export;
use crate::state::activity::Wish;
use crate::ui::widgets::file_button::FileButton;
use crate::ui::widgets::progress_bar::ProgressBar;
use leptos::prelude::*;
use web_sys::HtmlInputElement;

#[component]
pub fn OutCard() -> impl IntoView {
    let store = Store::get();
    let errand = store.view(|state| state.teach.errand_line());
    let head_is_enough = store.view(|state| state.can_try() && state.teach.head_is_enough());
    let predicts = store.view(|state| state.can_try());
    let picked = move |input: HtmlInputElement| {
        if let Some(source) = pick_texts(store, &input) {
            store.change(|state| state.predict(source));
        }
    };
    let why_not = store.view(|state| match state.teach.is_busy() {
        true => Some("A run is under way: what it teaches can be taken when it ends."),
        false => state.why_not(&Wish::HandOut),
    });
    let unable = move || why_not.get().is_some();
    view! {
        <section class="out card" aria-labelledby="out-heading">
            <h2 id="out-heading">"Take it with you"</h2>
            <p class="hint">
                "A folder that transformers loads with from_pretrained, with a card that says how \
                 it was made; or the head alone, a few kilobytes for the same base checkpoint. Drop \
                 either on this page to use it again. What is kept on this device is under “Your own models”."
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
                    id="keep-folder"
                    disabled=unable
                    on:click=move |_| store.change(|state| state.export(Export::Keep))
                >
                    "Keep on this device"
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
                <FileButton
                    id="pick-predict"
                    text="Predict a file"
                    label="File to predict"
                    disabled=Signal::derive(move || unable() || !predicts.get())
                    picked=picked
                />
            </div>
            <p class="hint">{move || why_not.get()}</p>
            {move || errand.get().map(|(line, share)| {
                view! {
                    <div class="loading" id="errand">
                        <p>{line.clone()}</p>
                        <ProgressBar label="Writing" fraction=share words=line/>
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
