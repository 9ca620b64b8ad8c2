//! A button that asks for files.

use leptos::{html, prelude::*};
use web_sys::HtmlInputElement;

/// The input itself, named `label`, stays out of sight and out of the tab order; the button presses it.
#[component]
pub fn FileButton(
    id: &'static str,
    text: &'static str,
    label: &'static str,
    #[prop(optional)] multiple: bool,
    #[prop(optional)] folder: bool,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(into)] picked: Callback<HtmlInputElement>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    input.on_load(move |input| input.set_webkitdirectory(folder));
    let press = move |_| {
        if let Some(input) = input.get_untracked() {
            input.click();
        }
    };
    view! {
        <button type="button" disabled=move || disabled.get() on:click=press>{text}</button>
        <input
            node_ref=input
            id=id
            type="file"
            multiple=multiple
            hidden=true
            tabindex="-1"
            aria-label=label
            on:change:target=move |event| picked.run(event.target())
        />
    }
}
