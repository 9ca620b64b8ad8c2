//! Well-known checkpoints by one click.

use crate::browser::Store;
use crate::state::opening::{ExhibitLine, Gallery};
use leptos::prelude::*;

#[component]
pub fn GalleryList() -> impl IntoView {
    let store = Store::get();
    let lines = store.view(|state| state.gallery_lines());
    let failure = store.view(|state| match &state.opening.gallery {
        Gallery::Failed(reason) => Some(reason.clone()),
        _ => None,
    });
    let reading = store.view(|state| state.opening.gallery == Gallery::Reading);
    view! {
        <details
            class="gallery"
            id="gallery"
            on:toggle=move |_| store.change(|state| state.open_gallery())
        >
            <summary>"Well-known models"</summary>
            <p class="hint">
                "Nothing is downloaded before you say so. The sizes are approximate."
            </p>
            <Show when=move || reading.get()>
                <p role="status">"Reading the list"</p>
            </Show>
            {move || failure.get().map(|reason| view! {
                <p class="notice" role="alert">{reason}</p>
            })}
            <ul>
                <For each=move || lines.get() key=|line| format!("{line:?}") let(line)>
                    <Item line/>
                </For>
            </ul>
        </details>
    }
}

#[component]
fn Item(line: ExhibitLine) -> impl IntoView {
    let store = Store::get();
    let address = line.address.clone();
    let open = move |_| {
        let address = address.clone();
        store.change(|state| state.open_exhibit(address));
    };
    let example = line.example.map(|example| {
        let text = example.text.clone();
        let put = move |_| store.change(|state| state.try_example(&example));
        view! {
            <p class="gallery-try">
                "To try: "
                <button type="button" class="link" on:click=put>{text}</button>
            </p>
        }
    });
    view! {
        <li>
            <span class="gallery-what">
                <strong>{line.name.clone()}</strong>
                " "
                <span class="hint">{line.facts}</span>
                <br/>
                {line.what}
                {line.too_large.map(|why| view! { <span class="notice">{why}</span> })}
                {example}
            </span>
            {match line.loaded {
                true => view! { <span class="hint">"Loaded"</span> }.into_any(),
                false => view! {
                    <button type="button" aria-label=format!("Open {}", line.name) on:click=open>
                        "Open"
                    </button>
                }
                .into_any(),
            }}
        </li>
    }
}
