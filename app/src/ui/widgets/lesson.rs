//! The open step of the lesson: a rail beside the panels, never over them.

use crate::browser::Store;
use crate::state::learn::{Paper, STEPS, WORDS, Words};
use crate::ui::widgets::later::{Later, Part};
use leptos::html::Aside;
use leptos::prelude::*;
use wasm_split_helpers::wasm_split;

/// As in `styles/learn.css`.
const BESIDE: &str = "(min-width: 80rem)";

#[component]
pub fn LessonRail() -> impl IntoView {
    let store = Store::get();
    let open = store.view(|state| state.learn.step().is_some());
    // The style sheet makes room for it.
    Effect::new(move |_| {
        let Some(root) = document().document_element() else {
            return;
        };
        let _ = match open.get() {
            true => root.set_attribute("data-lesson", ""),
            false => root.remove_attribute("data-lesson"),
        };
    });
    view! { <Later open fetch=|| Box::pin(rail())/> }
}

#[wasm_split(lesson, fallible)]
fn rail() -> Part {
    Ok(|| view! { <OpenStep/> }.into_any())
}

#[component]
fn OpenStep() -> impl IntoView {
    let number = Store::get().view(|state| state.learn.step().map(|(number, _)| number));
    move || {
        let number = number.get()?;
        let step = WORDS.get(number)?;
        Some(view! { <Rail number step/> })
    }
}

#[component]
fn Rail(number: usize, step: &'static Words) -> impl IntoView {
    let store = Store::get();
    let answer = store.view(move |state| state.learn.progress(number).answer);
    let done = store.view(move |state| state.learn.progress(number).done);
    let hint = store.view(|state| state.lesson_hint());
    let rail = NodeRef::<Aside>::new();
    let go = move |step: Option<usize>| {
        store.change(|state| {
            state.learn.open(step);
            Vec::new()
        });
    };
    // Whoever turned the page reads on here.
    Effect::new(move |_| {
        if let Some(rail) = rail.get() {
            let _ = rail.focus();
        }
    });
    let last = number + 1 == STEPS.len();
    let shows = move || answer.get().is_some();
    view! {
        <aside class="lesson card" id="lesson" aria-labelledby="lesson-claim" tabindex="-1" node_ref=rail>
            <div class="card-head">
                <p class="hint">{format!("Lesson, step {} of {}", number + 1, STEPS.len())}</p>
                <button type="button" class="quiet" aria-label="Close the lesson" on:click=move |_| go(None)>
                    "Close"
                </button>
            </div>
            <h2 id="lesson-claim">{step.claim}</h2>
            {move || hint.get().map(|hint| view! {
                <p class="notice">
                    {hint}
                    " "
                    <button
                        type="button"
                        class="link"
                        on:click=move |_| store.change(|state| state.load(state.session.bundled()))
                    >
                        "Load the bundled model"
                    </button>
                </p>
            })}
            <Question number step/>
            <Show when=shows>
                <p>{step.task}</p>
                <div class="actions">
                    <button
                        type="button"
                        class="primary"
                        id="lesson-set"
                        on:click=move |_| {
                            store.change(|state| state.set_step());
                            show_panel();
                        }
                    >
                        "Set the page up for this"
                    </button>
                </div>
            </Show>
            <p class="lesson-check" id="lesson-check" role="status" class:good=move || done.get()>
                {move || match (done.get(), shows()) {
                    (true, _) => format!("✓ Done: {}.", lower(step.check_text)),
                    (false, true) => format!("To do: {}.", lower(step.check_text)),
                    (false, false) => String::new(),
                }}
            </p>
            <Show when=shows>
                <details>
                    <summary>"What this does not say, and sources"</summary>
                    <p>{step.limits}</p>
                    <Papers papers=step.papers/>
                </details>
            </Show>
            <div class="actions">
                <button
                    type="button"
                    disabled=number == 0
                    on:click=move |_| go(number.checked_sub(1))
                >
                    "Back"
                </button>
                <button
                    type="button"
                    disabled=last
                    on:click=move |_| go(Some(number + 1))
                >
                    "Next step"
                </button>
            </div>
        </aside>
    }
}

/// Where the rail stands above the panel, the page goes to what was set up.
fn show_panel() {
    let beside = window().match_media(BESIDE).ok().flatten();
    if beside.is_some_and(|beside| beside.matches()) {
        return;
    }
    request_animation_frame(|| {
        let panel = document().query_selector("[role=tabpanel]:not([hidden])");
        if let Some(panel) = panel.ok().flatten() {
            panel.scroll_into_view();
        }
    });
}

/// A sentence's beginning within another one.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

/// The question, its choices, and once one is chosen which is right, and why.
#[component]
fn Question(number: usize, step: &'static Words) -> impl IntoView {
    let store = Store::get();
    let answer = store.view(move |state| state.learn.progress(number).answer);
    let choice = move |(place, text): (usize, &'static str)| {
        let mark = move || match answer.get() {
            Some(_) if place == step.right => " ✓",
            Some(chosen) if chosen == place => " ✗",
            _ => "",
        };
        let spoken = move || match answer.get() {
            Some(_) if place == step.right => ", the right answer",
            Some(chosen) if chosen == place => ", your answer",
            _ => "",
        };
        view! {
            <button
                type="button"
                class="choice"
                aria-pressed=move || (answer.get() == Some(place)).to_string()
                aria-disabled=move || answer.get().is_some().then_some("true")
                on:click=move |_| store.change(|state| state.answer_step(place))
            >
                {text}
                <span aria-hidden="true">{mark}</span>
                <span class="unseen">{spoken}</span>
            </button>
        }
    };
    let verdict = move || {
        let right = answer.get()? == step.right;
        let word = if right { "Right. " } else { "Not so. " };
        Some(view! { <strong>{word}</strong> {step.why} })
    };
    view! {
        <p id="lesson-question">{step.question}</p>
        <div class="choices" role="group" aria-labelledby="lesson-question">
            {step.choices.into_iter().enumerate().map(choice).collect_view()}
        </div>
        <p id="lesson-why" role="status">{verdict}</p>
    }
}

/// The papers that a step's claim comes from.
#[component]
pub fn Papers(papers: &'static [Paper]) -> impl IntoView {
    let paper = |paper: &'static Paper| {
        let address = format!("https://arxiv.org/abs/{}", paper.arxiv);
        view! {
            <li>
                <a href=address target="_blank" rel="noopener noreferrer">{paper.name}</a>
            </li>
        }
    };
    view! { <ul class="papers">{papers.iter().map(paper).collect_view()}</ul> }
}
