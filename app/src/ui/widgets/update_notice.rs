//! A newer version of the page is there: an offer, which may wait.

use crate::browser::Offline;
use leptos::prelude::*;

#[component]
pub fn UpdateNotice(offline: Offline) -> impl IntoView {
    view! {
        // There from the start, so that what appears in it is announced.
        <div role="status" aria-label="Newer version">
            <Show when=move || offline.update.get()>
                <section class="update" aria-labelledby="update-title">
                    <p id="update-title">"A new version of this page is here."</p>
                    <div class="actions">
                        <button
                            type="button"
                            class="primary"
                            on:click=move |_| offline.accept()
                        >
                            "Update"
                        </button>
                        <button type="button" class="quiet" on:click=move |_| offline.later()>
                            "Later"
                        </button>
                    </div>
                </section>
            </Show>
        </div>
    }
}
