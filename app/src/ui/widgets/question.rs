//! The question before something is lost.

use crate::browser::Store;
use crate::state::activity::{Answer, Loss};
use leptos::{ev, html, prelude::*};

/// Shows while there is a question; nothing else can be done meanwhile.
#[component]
pub fn QuestionDialog() -> impl IntoView {
    let store = Store::get();
    let loss = store.view(|state| state.question.as_ref().map(|question| question.loss));
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let (Some(dialog), asked) = (dialog.get(), loss.get().is_some()) else {
            return;
        };
        match (asked, dialog.open()) {
            // Refused only where it is not on the page.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let answer = move |answer| store.answer(answer);
    // Escape.
    let cancel = move |event: ev::Event| {
        event.prevent_default();
        answer(Answer::Keep);
    };
    let text = move |words: fn(Loss) -> &'static str| loss.get().map_or("", words);
    view! {
        <dialog
            node_ref=dialog
            id="question"
            class="question card"
            aria-labelledby="question-title"
            aria-describedby="question-text"
            on:cancel=cancel
        >
            <h2 id="question-title">{move || text(Loss::title)}</h2>
            <p id="question-text">{move || text(Loss::text)}</p>
            <div class="actions">
                <button type="button" class="primary" id="question-keep" on:click=move |_| answer(Answer::Keep)>
                    "Keep it"
                </button>
                <Show when=move || loss.get() == Some(Loss::Learned)>
                    <button type="button" id="question-download" on:click=move |_| answer(Answer::Download)>
                        "Download it first"
                    </button>
                </Show>
                <button type="button" class="danger" id="question-agree" on:click=move |_| answer(Answer::Agree)>
                    {move || text(Loss::agree)}
                </button>
            </div>
        </dialog>
    }
}
