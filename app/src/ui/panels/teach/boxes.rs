//! Examples typed in the page: a box for each label.

use crate::browser::Store;
use crate::state::activity::Wish;
use crate::state::{Effect, State};
use crate::ui::widgets::focus::focus;
use crate::ui::widgets::text_box::TextBox;
use leptos::prelude::*;

#[component]
pub fn LabelBoxes() -> impl IntoView {
    let store = Store::get();
    let count = store.view(|state| state.teach.boxes.how_many());
    let may_add = store.view(|state| state.teach.boxes.may_add());
    let may_remove = store.view(|state| state.teach.boxes.may_remove());
    let add = move |_| {
        store.change(|state| {
            state.teach.boxes.add();
            Vec::new()
        });
        focus_name(count.get_untracked());
    };
    let remove = move |_| {
        store.change(|state| {
            state.teach.boxes.remove();
            Vec::new()
        });
        focus_name(count.get_untracked());
    };
    view! {
        <details class="boxes" id="boxes">
            <summary>"Type examples"</summary>
            <p class="hint">
                "A box for each label, one text a line. Three to ten texts a label are enough to begin."
            </p>
            <div class="boxes-row">
                <For each=move || 0..count.get() key=|index| *index let(index)>
                    <OneBox index/>
                </For>
            </div>
            <TakeOver
                id="learn-boxes"
                why="boxes-why"
                text="Learn these"
                problem=|state| state.teach.boxes.problem()
                take=State::learn_boxes
            >
                <button type="button" disabled=move || !may_add.get() on:click=add>
                    "Add a label"
                </button>
                <Show when=move || may_remove.get()>
                    <button type="button" class="quiet" on:click=remove>
                        "Remove the last, empty label"
                    </button>
                </Show>
            </TakeOver>
            <RunLine/>
        </details>
    }
}

/// How the run goes that the button began, since its card is far below, and the way to try what was learned.
#[component]
fn RunLine() -> impl IntoView {
    let store = Store::get();
    let run = store.view(State::boxes_run);
    let is_over = move || run.get().is_some_and(|(_, over)| over);
    view! {
        <div class="actions" id="boxes-run">
            {move || run.get().map(|(line, _)| view! { <strong>{line}</strong> })}
            <Show when=is_over>
                <button type="button" on:click=move |_| focus("try-text")>
                    "Try it on another text"
                </button>
            </Show>
        </div>
    }
}

/// The button that takes over examples that were made here, others beside it, and why it cannot.
#[component]
pub fn TakeOver(
    id: &'static str,
    why: &'static str,
    text: &'static str,
    problem: fn(&State) -> Option<String>,
    take: fn(&mut State) -> Vec<Effect>,
    children: Children,
) -> impl IntoView {
    let store = Store::get();
    let why_not = store.view(move |state| {
        let refused = state.why_not(&Wish::ReadTexts);
        refused.map(str::to_owned).or_else(|| problem(state))
    });
    view! {
        <div class="actions">
            <button
                type="button"
                class="primary"
                id=id
                aria-describedby=why
                disabled=move || why_not.get().is_some()
                on:click=move |_| store.change(take)
            >
                {text}
            </button>
            {children()}
        </div>
        <p class="hint" id=why>{move || why_not.get()}</p>
    }
}

/// Puts the focus into the name of the last box, once it is there.
fn focus_name(count: usize) {
    focus(&format!("label-{count}"));
}

#[component]
fn OneBox(index: usize) -> impl IntoView {
    let store = Store::get();
    let label = store.view(move |state| state.teach.boxes.get(index).label);
    let text = store.view(move |state| state.teach.boxes.get(index).text);
    let count = store.view(move |state| state.teach.boxes.get(index).count());
    let number = index + 1;
    let id = format!("texts-{number}");
    view! {
        <div class="label-box" role="group" aria-label=format!("Label {number}")>
            <label class="setting" for=format!("label-{number}")>
                <span>{format!("Name of label {number}")}</span>
                <input
                    type="text"
                    id=format!("label-{number}")
                    dir="auto"
                    autocomplete="off"
                    maxlength="80"
                    prop:value=move || label.get()
                    on:input:target=move |event| {
                        let label = event.target().value();
                        store.change(|state| {
                            state.teach.boxes.edit_label(index, label);
                            Vec::new()
                        });
                    }
                />
            </label>
            <label class="field" for=id.clone()>
                {move || format!("Texts of {}", label.get())}
                " "
                <span class="hint">{move || count.get()}</span>
            </label>
            <TextBox
                id=id
                rows=4
                text=text
                typed=move |text| store.change(|state| {
                    state.teach.boxes.edit_text(index, text);
                    Vec::new()
                })
            />
        </div>
    }
}
