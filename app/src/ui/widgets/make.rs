//! A new model: a text, a size, what it would take.

use crate::browser::{Store, pick_prose};
use crate::recipe::{Goal, TextSource};
use crate::state::make::{GOALS, MakeField, PRESETS, Preset};
use crate::state::teach::PROSE;
use crate::ui::widgets::failure_card::FailureCard;
use crate::ui::widgets::file_button::FileButton;
use crate::ui::widgets::progress_bar::ProgressBar;
use crate::ui::widgets::text_box::TextBox;
use leptos::prelude::*;
use web_sys::HtmlInputElement;

#[component]
pub fn MakeForm() -> impl IntoView {
    let store = Store::get();
    let has_text = store.view(|state| state.make.facts.is_some());
    view! {
        <details class="make" id="make">
            <summary>"Make a new one"</summary>
            <p class="hint">
                "A BERT of your own, from plain text: its vocabulary is learned here, its weights begin at random, \
                 and hidden words teach it; or its twin, which reads left to right and learns the next word. Nothing leaves this device."
            </p>
            <Text/>
            <Show when=move || has_text.get()>
                <SizeForm/>
                <MakeButton/>
            </Show>
            <Working/>
            <MakeFailure/>
        </details>
    }
}

/// Where the text comes from, and what was read.
#[component]
fn Text() -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.make.is_busy());
    let pasted = store.view(|state| state.make.pasted.clone());
    let empty = store.view(|state| state.make.pasted.trim().is_empty());
    let line = store.view(|state| state.make.text_line());
    let notes = store.view(|state| state.make.notes());
    let cased = store.view(|state| state.make.form.cased);
    let sample = move |_| {
        let (name, address) = (PROSE.0.to_owned(), PROSE.1.to_owned());
        store.change(|state| state.choose_make_text(TextSource::Sample { name, address }));
    };
    let picked = move |input: HtmlInputElement| {
        if let Some(source) = pick_prose(store, &input) {
            store.change(|state| state.choose_make_text(source));
        }
    };
    let take = move |_| {
        store.change(|state| {
            let text = state.make.pasted.clone();
            state.choose_make_text(TextSource::Pasted { text })
        });
    };
    view! {
        <div class="pickers" role="group" aria-label="Text for a new model">
            <button type="button" disabled=move || busy.get() on:click=sample>
                {format!("A book: {}", PROSE.0)}
            </button>
            <FileButton
                id="pick-prose"
                text="Open text files"
                label="Files of plain text"
                multiple=true
                disabled=busy
                picked=picked
            />
        </div>
        <details class="paste">
            <summary>"Paste a text"</summary>
            <TextBox
                id="make-pasted"
                label="Plain text, the longer the better"
                rows=5
                text=pasted
                typed=move |text| store.change(|state| {
                    state.make.pasted = text;
                    Vec::new()
                })
            />
            <button type="button" disabled=move || busy.get() || empty.get() on:click=take>
                "Use this text"
            </button>
        </details>
        <label class="check">
            <input
                type="checkbox"
                id="make-cased"
                disabled=move || busy.get()
                prop:checked=move || cased.get()
                on:change:target=move |event| {
                    let cased = event.target().checked();
                    store.change(|state| state.choose_cased(cased));
                }
            />
            <span>"Tell capitals and accents apart"</span>
        </label>
        {move || line.get().map(|line| view! { <p id="make-text" role="status">{line}</p> })}
        {move || notes.get().into_iter().map(|note| view! {
            <p class="notice">{note}</p>
        }).collect_view()}
    }
}

#[component]
fn SizeForm() -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.make.is_busy());
    let named = store.view(|state| state.make.form.named.clone());
    let usual = store.view(|state| state.make.form.usual_name());
    let presets = PRESETS.map(|preset| view! { <PresetButton preset/> });
    let [vocabulary, steps, more @ ..] = MakeField::ALL;
    let first = [vocabulary, steps].map(|field| view! { <Number field/> });
    let more = more.map(|field| view! { <Number field/> });
    view! {
        <fieldset class="plain" disabled=move || busy.get()>
            <fieldset class="executors">
                <legend>"Size"</legend>
                {presets.into_iter().collect_view()}
            </fieldset>
            <Reads/>
            <div class="settings">
                <label class="setting" for="make-name">
                    <span>"Name"</span>
                    <input
                        type="text"
                        id="make-name"
                        autocomplete="off"
                        placeholder=move || usual.get()
                        prop:value=move || named.get()
                        on:input:target=move |event| {
                            let value = event.target().value();
                            store.edit_make(move |make| make.form.named = value);
                        }
                    />
                </label>
                {first.into_iter().collect_view()}
            </div>
            <details class="more-settings">
                <summary>"Layers, width and lengths"</summary>
                <div class="settings">{more.into_iter().collect_view()}</div>
            </details>
        </fieldset>
    }
}

/// How the model reads, and what it learns.
#[component]
fn Reads() -> impl IntoView {
    let store = Store::get();
    let goal = store.view(|state| state.make.form.goal);
    let choice = |(this, words): (Goal, &'static str)| {
        view! {
            <label>
                <input
                    type="radio"
                    name="make-reads"
                    prop:checked=move || goal.get() == this
                    on:change=move |_| store.change(|state| state.choose_make_goal(this))
                />
                <span>{words}</span>
            </label>
        }
    };
    view! {
        <fieldset class="executors">
            <legend>"Reads"</legend>
            {GOALS.map(choice).into_iter().collect_view()}
        </fieldset>
    }
}

#[component]
fn PresetButton(preset: Preset) -> impl IntoView {
    let store = Store::get();
    let chosen = store.view(move |state| state.make.form.has(preset));
    view! {
        <label title=preset.words()>
            <input
                type="radio"
                name="make-size"
                prop:checked=move || chosen.get()
                on:change=move |_| store.change(|state| state.choose_preset(preset))
            />
            <span>{preset.name}</span>
        </label>
    }
}

#[component]
fn Number(field: MakeField) -> impl IntoView {
    let store = Store::get();
    let text = store.view(move |state| state.make.form.text(field).to_owned());
    view! {
        <label class="setting" for=field.id()>
            <span>{field.label()}</span>
            <input
                type="text"
                inputmode="numeric"
                autocomplete="off"
                id=field.id()
                prop:value=move || text.get()
                on:input:target=move |event| {
                    let value = event.target().value();
                    store.edit_make(move |make| make.form.edit(field, value));
                }
            />
        </label>
    }
}

/// What it would take, what speaks against it, and the button.
#[component]
fn MakeButton() -> impl IntoView {
    let store = Store::get();
    let lines = store.view(|state| state.make.outlook_lines());
    let problems = store.view(|state| state.make.problems());
    let why_not = store.view(|state| state.why_not_make());
    let twin = store.view(|state| {
        state.make.made.map(|goal| match goal {
            Goal::NextWord => "Make its twin that reads both sides",
            _ => "Make its twin that reads left to right",
        })
    });
    view! {
        <div class="outlook" id="make-outlook" aria-live="polite">
            {move || lines.get().into_iter().map(|line| view! { <p>{line}</p> }).collect_view()}
            {move || problems.get().into_iter().map(|line| view! {
                <p class="problem">{line}</p>
            }).collect_view()}
        </div>
        <div class="actions">
            <button
                type="button"
                class="primary"
                id="make-model"
                aria-describedby="make-why"
                disabled=move || why_not.get().is_some()
                on:click=move |_| store.change(|state| state.make_model())
            >
                "Make it"
            </button>
            {move || twin.get().map(|words| view! {
                <button
                    type="button"
                    id="make-twin"
                    disabled=move || why_not.get().is_some()
                    on:click=move |_| store.change(|state| state.make_twin())
                >
                    {words}
                </button>
            })}
        </div>
        <p class="hint" id="make-why">{move || why_not.get()}</p>
    }
}

#[component]
fn Working() -> impl IntoView {
    let store = Store::get();
    let work = store.view(|state| state.make.work_line());
    let shown = Memo::new(move |_| work.with(Option::is_some));
    let words = Signal::derive(move || work.get().map_or_else(String::new, |(line, _)| line));
    let fraction = Signal::derive(move || work.get().and_then(|(_, share)| share));
    view! {
        <Show when=move || shown.get()>
            <div class="loading" id="make-work">
                <p>{move || words.get()}</p>
                <ProgressBar label="Making a new model" fraction words/>
                <button
                    type="button"
                    class="quiet"
                    on:click=move |_| store.change(|state| state.cancel_make())
                >
                    "Cancel"
                </button>
            </div>
        </Show>
    }
}

#[component]
fn MakeFailure() -> impl IntoView {
    let store = Store::get();
    let failure = store.view(|state| state.make.failure.clone());
    let bears = store.view(|state| state.make.bears);
    let dismiss = move |_| {
        store.change(|state| {
            state.make.failure = None;
            state.make.bears = None;
            Vec::new()
        });
    };
    move || {
        failure.get().map(|failure| {
            view! {
                <FailureCard failure>
                    {bears.get().map(|bears| view! {
                        <button
                            type="button"
                            class="primary"
                            on:click=move |_| store.change(|state| state.take_borne_vocabulary())
                        >
                            {format!("Take a vocabulary of {bears}")}
                        </button>
                    })}
                    <button type="button" class="quiet" on:click=dismiss>"Dismiss"</button>
                </FailureCard>
            }
        })
    }
}
