//! The last run, as this device keeps it.

use crate::browser::Store;
use crate::state::activity::Wish;
use leptos::prelude::*;

#[component]
pub fn KeptCard() -> impl IntoView {
    let store = Store::get();
    let words = store.view(|state| {
        let kept = state.teach.kept.as_ref()?;
        Some(kept.words(state.session.now))
    });
    let is_here = store.view(|state| state.teach.keeps_this_run());
    let why_not = store.view(|state| state.why_not(&Wish::BringBack));
    let hint = move || match is_here.get() {
        true => "This run is kept on this device: it comes back after a reload of the page.",
        false => "It is kept on this device until you delete it or another run takes its place.",
    };
    let bring_back = move || {
        (!is_here.get()).then(|| {
            view! {
                <button
                    type="button"
                    id="bring-back"
                    aria-describedby="bring-back-why"
                    disabled=move || why_not.get().is_some()
                    on:click=move |_| store.change(|state| state.bring_back())
                >
                    "Bring it back"
                </button>
            }
        })
    };
    view! {
        <Show when=move || words.get().is_some()>
            <section class="kept-run card" aria-labelledby="kept-run-heading">
                <h2 id="kept-run-heading">"Your last run"</h2>
                <p id="kept-run">{move || words.get()}</p>
                <p class="hint">{hint}</p>
                <div class="actions">
                    {bring_back}
                    <button
                        type="button"
                        class="quiet"
                        id="forget-run"
                        on:click=move |_| store.change(|state| state.forget_run())
                    >
                        "Delete the kept run"
                    </button>
                </div>
                <p class="hint" id="bring-back-why">
                    {move || why_not.get().filter(|_| !is_here.get())}
                </p>
            </section>
        </Show>
    }
}
