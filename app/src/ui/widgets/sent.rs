//! How many bytes this page has sent, measured by itself.

use crate::browser::Store;
use crate::ui::widgets::card_head::CardHead;
use leptos::prelude::*;

#[component]
pub fn SentButton() -> impl IntoView {
    let store = Store::get();
    let line = store.view(|state| state.sent.line());
    let hosts = store.view(|state| state.sent.hosts());
    let rows = move || {
        let hosts = hosts.get().into_iter();
        hosts
            .map(|(host, requests)| view! { <dt>{host}</dt><dd>{requests}</dd> })
            .collect_view()
    };
    view! {
        <button type="button" class="link" id="sent" popovertarget="sent-card">
            {move || line.get()}
        </button>
        <div id="sent-card" class="popover-card" popover="auto" role="dialog" aria-label="What leaves this device">
            <CardHead title="What leaves this device" card="sent-card"/>
            <p>
                "Nothing that you type or open. The page counts every request that its scripts make, and the \
                 bytes of content in them; its security policy closes other ways out. Files are fetched, never sent."
            </p>
            <dl class="facts">
                <dt>"Content"</dt>
                <dd>{move || line.get()}</dd>
                {rows}
            </dl>
        </div>
    }
}
