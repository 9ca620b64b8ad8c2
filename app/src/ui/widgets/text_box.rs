//! A box for text.

use leptos::prelude::*;

/// `label`: above the box; without one, the caller has a `label` for this `id`.
#[component]
pub fn TextBox(
    #[prop(into)] id: String,
    #[prop(optional)] label: Option<&'static str>,
    rows: u32,
    #[prop(into)] text: Signal<String>,
    #[prop(into)] typed: Callback<String>,
) -> impl IntoView {
    view! {
        {label.map(|label| view! { <label class="field" for=id.clone()>{label}</label> })}
        <textarea
            id=id
            rows=rows.to_string()
            dir="auto"
            spellcheck="false"
            autocomplete="off"
            prop:value=move || text.get()
            on:input:target=move |event| typed.run(event.target().value())
        ></textarea>
    }
}
