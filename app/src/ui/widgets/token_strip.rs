//! The text as a strip of tokens: each a toggle that hides its word from the model.
//!
//! One stop in the tab order; arrow keys, Home and End move along the strip.

use crate::browser::Store;
use crate::state::probe::describe;
use crate::ui::widgets::focus::focus;
use bert::probe::Token;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

fn element_id(strip: &str, position: usize) -> String {
    format!("{strip}-{position}")
}

/// `id`: the strip's own, since more than one panel shows it.
#[component]
pub fn TokenStrip(id: &'static str) -> impl IntoView {
    let store = Store::get();
    let tokens = store.view(|state| {
        state
            .probe
            .tokens
            .iter()
            .cloned()
            .enumerate()
            .collect::<Vec<(usize, Token)>>()
    });
    let line = store.view(|state| state.token_line());
    let on_key = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let key = event.key();
        let mut reached = None;
        store.change(|state| {
            reached = state.probe.step(&key);
            Vec::new()
        });
        if let Some(position) = reached {
            event.prevent_default();
            focus(&element_id(id, position));
        }
    };
    view! {
        <div
            id=id
            class="strip"
            role="toolbar"
            aria-label="Tokens. Press one to hide or show it."
            on:keydown=on_key
        >
            <For
                each=move || tokens.get()
                key=|(position, token)| (*position, token.id, token.sequence, token.masked)
                let((position, token))
            >
                <TokenButton strip=id position token/>
            </For>
        </div>
        {move || line.get().map(|line| view! { <p class="token-line" aria-hidden="true">{line}</p> })}
    }
}

#[component]
fn TokenButton(strip: &'static str, position: usize, token: Token) -> impl IntoView {
    let store = Store::get();
    let hidden = store.view(move |state| state.probe.is_hidden(position));
    let guess = store.view(move |state| state.probe.note(position));
    let suspect = store.view(move |state| state.probe.is_suspect(position));
    let here = store.view(move |state| state.probe.current == position);
    let fixed = token.special || token.masked;
    let description = describe(position, &token);
    let (prefix, rest) = match token.text.strip_prefix("##") {
        Some(rest) if !fixed => ("##", rest.to_owned()),
        _ => ("", token.text.clone()),
    };
    let toggle = move |_| {
        store.change(|state| {
            state.probe.current = position;
            if state.probe.toggle(position) {
                state.run()
            } else {
                Vec::new()
            }
        });
    };
    view! {
        <button
            type="button"
            id=element_id(strip, position)
            class="token"
            class:special=token.special
            class:second=token.sequence == Some(1)
            class:masked=move || hidden.get()
            class:suspect=move || suspect.get()
            aria-pressed=move || hidden.get().to_string()
            aria-disabled=fixed.then_some("true")
            aria-description=move || match guess.get() {
                Some(note) if !hidden.get() => format!("{description}, replaced: {note}"),
                _ => description.clone(),
            }
            data-id=token.id.to_string()
            tabindex=move || if here.get() { "0" } else { "-1" }
            on:click=toggle
            on:focus=move |_| store.change(|state| state.probe.focus(position))
            on:blur=move |_| store.change(|state| state.probe.inspect(None))
            on:pointerenter=move |_| store.change(|state| state.probe.inspect(Some(position)))
            on:pointerleave=move |_| store.change(|state| state.probe.inspect(None))
        >
            <span class="word" dir="auto"><span class="prefix">{prefix}</span>{rest}</span>
            <span class="guess" dir="auto" aria-hidden="true">{move || guess.get()}</span>
        </button>
    }
}
