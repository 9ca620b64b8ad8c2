//! Examples painted in the page: words of one's own texts get labels by mouse, touch or keyboard.

use super::boxes::TakeOver;
use crate::browser::{Store, save_text};
use crate::state::State;
use crate::ui::widgets::focus::focus;
use crate::ui::widgets::text_box::TextBox;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

#[component]
pub fn PaintBox() -> impl IntoView {
    let store = Store::get();
    let typed = store.view(|state| state.teach.paint.typed.clone());
    let empty = store.view(|state| state.teach.paint.typed.trim().is_empty());
    let count = store.view(|state| state.teach.paint.texts.len());
    let take = move |_| {
        store.change(|state| {
            state.teach.paint.take_texts();
            Vec::new()
        });
    };
    let save = move |_| {
        let mut lines = String::new();
        store.change(|state| {
            lines = state.teach.paint.lines();
            Vec::new()
        });
        save_text(&lines, "painted.jsonl");
    };
    view! {
        <details class="paint" id="paint">
            <summary>"Paint examples"</summary>
            <p class="hint">
                "Mark what words name: put in texts, choose a label, and press a word or draw over several. By \
                 keyboard: arrows move, Space paints, Shift with an arrow paints on. The same again takes it away."
            </p>
            <TextBox
                id="paint-texts"
                label="Texts to paint, one a line"
                rows=3
                text=typed
                typed=move |text| store.change(|state| {
                    state.teach.paint.typed = text;
                    Vec::new()
                })
            />
            <button type="button" disabled=move || empty.get() on:click=take>"Put these below"</button>
            <Show when=move || { count.get() > 0 }>
                <Labels/>
                <div class="paintings">
                    <For each=move || 0..count.get() key=|text| *text let(text)>
                        <OneText text/>
                    </For>
                </div>
                <TakeOver
                    id="use-paintings"
                    why="paint-why"
                    text="Use what is painted"
                    problem=|state| state.teach.paint.problem()
                    take=State::use_paintings
                >
                    <button type="button" on:click=save>"Save as JSON Lines"</button>
                </TakeOver>
            </Show>
        </details>
    }
}

#[component]
fn Labels() -> impl IntoView {
    let store = Store::get();
    let count = store.view(|state| state.teach.paint.labels.len());
    let may_add = store.view(|state| state.teach.paint.may_add_label());
    let one = move |label: usize| {
        let name = store.view(move |state| state.teach.paint.labels[label].clone());
        let chosen = store.view(move |state| state.teach.paint.brush == label);
        let choose = move |_| {
            store.change(|state| {
                state.teach.paint.brush = label;
                Vec::new()
            });
        };
        view! {
            <div class="brush">
                <label>
                    <input type="radio" name="brush" prop:checked=move || chosen.get() on:change=choose/>
                    <span class=format!("swatch tone-{label}") aria-hidden="true"></span>
                    <span class="unseen">{move || format!("Paint {}", name.get())}</span>
                </label>
                <input
                    type="text"
                    aria-label=format!("Name of painted label {}", label + 1)
                    dir="auto"
                    autocomplete="off"
                    maxlength="40"
                    prop:value=move || name.get()
                    on:input:target=move |event| {
                        let name = event.target().value();
                        store.change(|state| {
                            state.teach.paint.rename(label, name);
                            Vec::new()
                        });
                    }
                />
            </div>
        }
    };
    view! {
        <fieldset class="brushes">
            <legend>"Paint with"</legend>
            <For each=move || 0..count.get() key=|label| *label let(label)>
                {one(label)}
            </For>
            <button
                type="button"
                class="quiet"
                disabled=move || !may_add.get()
                on:click=move |_| store.change(|state| {
                    state.teach.paint.add_label();
                    Vec::new()
                })
            >
                "Add a label"
            </button>
        </fieldset>
    }
}

fn element_id(text: usize, word: usize) -> String {
    format!("paint-{text}-{word}")
}

/// The word under a pointer: a finger that moves stays with the element that it went down on.
fn word_at(event: &PointerEvent) -> Option<(usize, usize)> {
    let (x, y) = (event.client_x() as f32, event.client_y() as f32);
    let id = document()
        .element_from_point(x, y)?
        .closest("[id^='paint-']")
        .ok()??
        .id();
    let mut parts = id.strip_prefix("paint-")?.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[component]
fn OneText(text: usize) -> impl IntoView {
    let store = Store::get();
    let words = store.view(move |state| state.teach.paint.texts[text].words.len());
    let on_key = move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let (key, shift) = (event.key(), event.shift_key());
        let mut reached = None;
        store.change(|state| {
            let paint = &mut state.teach.paint;
            reached = match shift {
                true => paint.extend(text, &key),
                false => paint.step(text, &key),
            };
            Vec::new()
        });
        if let Some(word) = reached {
            event.prevent_default();
            focus(&element_id(text, word));
        }
    };
    let up = move |event: PointerEvent| {
        let at = word_at(&event).unwrap_or((usize::MAX, 0));
        store.change(|state| {
            state.teach.paint.release(at.0, at.1);
            Vec::new()
        });
    };
    view! {
        <div
            class="painting"
            role="toolbar"
            aria-label=format!("Words of text {}", text + 1)
            on:keydown=on_key
            on:pointerup=up
        >
            <For each=move || 0..words.get() key=|word| *word let(word)>
                <Word text word/>
            </For>
        </div>
    }
}

#[component]
fn Word(text: usize, word: usize) -> impl IntoView {
    let store = Store::get();
    let spelling = store.view(move |state| state.teach.paint.texts[text].word(word));
    let label = store.view(move |state| {
        let paint = &state.teach.paint;
        let (label, begins) = paint.texts[text].label_of(word)?;
        Some((label, paint.labels[label].clone(), begins))
    });
    let here = store.view(move |state| state.teach.paint.here[text] == word);
    let down = move |event: PointerEvent| {
        // A finger that draws over words does not scroll the page.
        event.prevent_default();
        if let Some(Ok(element)) = event.target().map(|t| t.dyn_into::<HtmlElement>()) {
            let _ = element.focus();
        }
        store.change(|state| {
            state.teach.paint.press(text, word);
            Vec::new()
        });
    };
    // A press by keyboard, or by a reader of the screen: a pointer's has painted already.
    let click = move |event: web_sys::MouseEvent| {
        if event.detail() == 0 {
            store.change(|state| {
                state.teach.paint.press(text, word);
                state.teach.paint.release(text, word);
                Vec::new()
            });
        }
    };
    view! {
        <button
            type="button"
            id=element_id(text, word)
            class=move || match label.get() {
                Some((label, _, begins)) => {
                    format!("paint-word entity tone-{label}{}", if begins { " begins" } else { "" })
                }
                None => "paint-word".to_owned(),
            }
            aria-pressed=move || label.get().is_some().to_string()
            aria-description=move || label.get().map(|(_, name, _)| name)
            tabindex=move || if here.get() { "0" } else { "-1" }
            on:pointerdown=down
            on:click=click
        >
            <span dir="auto">{move || spelling.get()}</span>
            {move || label.get().filter(|(.., begins)| *begins).map(|(_, name, _)| view! {
                <span class="entity-label" aria-hidden="true">" " {name}</span>
            })}
        </button>
    }
}
