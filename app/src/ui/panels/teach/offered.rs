//! Texts to learn from that a link names.

use crate::browser::Store;
use crate::recipe::MAX_WEB_TEXTS;
use leptos::prelude::*;

#[component]
pub fn OfferedTexts() -> impl IntoView {
    let store = Store::get();
    let offered = store.view(|state| state.teach.offered.clone());
    let fetch = move |_| store.change(|state| state.fetch_offered());
    let decline = move |_| {
        store.change(|state| {
            state.decline_offered();
            Vec::new()
        });
    };
    move || {
        offered.get().map(|texts| {
            let host = texts.host().to_owned();
            view! {
                <section class="notice" id="offered-texts" aria-labelledby="offered-heading">
                    <h3 class="minor" id="offered-heading">"This link brings texts to learn from"</h3>
                    <p>
                        <strong>{texts.name().to_owned()}</strong> ", from " <strong>{host.clone()}</strong>
                        {format!(". Nothing has been fetched yet; at most {} MB are read. The host sees that you ask.", MAX_WEB_TEXTS >> 20)}
                    </p>
                    <div class="actions">
                        <button type="button" class="primary" id="fetch-texts" on:click=fetch>
                            {format!("Fetch from {host}")}
                        </button>
                        <button type="button" class="quiet" on:click=decline>"No, thanks"</button>
                    </div>
                </section>
            }
        })
    }
}
