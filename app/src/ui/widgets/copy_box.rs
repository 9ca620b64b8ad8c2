//! A text to take away: a button that copies it, and the text itself, for where there is no clipboard.

use crate::browser::{Store, to_clipboard};
use leptos::{html, prelude::*, task::spawn_local};

#[component]
pub fn CopyBox(
    /// What the button says.
    button: &'static str,
    /// The button's id.
    id: &'static str,
    /// What is written over the closed text.
    summary: &'static str,
    /// The text box's accessible name.
    label: &'static str,
    /// The text box's id.
    field_id: &'static str,
    text: Signal<String>,
) -> impl IntoView {
    let store = Store::get();
    let said = store.view(|state| state.linked.said);
    let details = NodeRef::<html::Details>::new();
    let field = NodeRef::<html::Textarea>::new();
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            let said = match to_clipboard(&text).await {
                true => "Copied",
                false => {
                    if let (Some(details), Some(field)) =
                        (details.get_untracked(), field.get_untracked())
                    {
                        details.set_open(true);
                        let _ = field.focus();
                        field.select();
                    }
                    "Press Ctrl or Cmd and C to copy"
                }
            };
            store.say(said);
        });
    };
    view! {
        <div class="share-row">
            <button type="button" class="quiet" id=id on:click=copy>{button}</button>
            <span class="said" aria-hidden="true">{move || said.get()}</span>
        </div>
        <details class="copy-box" node_ref=details>
            <summary>{summary}</summary>
            <textarea
                node_ref=field
                id=field_id
                rows="12"
                readonly=true
                spellcheck="false"
                aria-label=label
                prop:value=move || text.get()
            ></textarea>
        </details>
    }
}
