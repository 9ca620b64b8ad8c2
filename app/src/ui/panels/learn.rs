//! Learn: the lesson's table of contents, and all of it on one page for printing.

use crate::browser::{Store, page_address};
use crate::state::learn::{WORDS, Words};
use crate::ui::widgets::lesson::Papers;
use leptos::prelude::*;

#[component]
pub fn LearnPanel() -> impl IntoView {
    let store = Store::get();
    let done = store.view(|state| state.learn.done());
    let next = store.view(|state| state.learn.next_to_do());
    let open = move |step: usize| {
        store.change(|state| {
            state.learn.open(Some(step));
            Vec::new()
        });
    };
    let begin = move || match done.get() {
        0 => "Begin the lesson".to_owned(),
        done if done == WORDS.len() => "Begin again at step 1".to_owned(),
        _ => format!("Go on with step {}", next.get() + 1),
    };
    let steps = WORDS.iter().enumerate();
    let steps =
        steps.map(move |(number, step)| view! { <Line number step open=Callback::new(open)/> });
    view! {
        <section class="learn card" aria-labelledby="learn-heading">
            <h2 id="learn-heading">"What pretraining and fine-tuning do, in eleven steps"</h2>
            <p>
                "Each step makes one claim, asks you a question first, sets this page up to try it, and sees whether you did. \
                 None takes more than two minutes. All of it works offline, with the bundled model; your answers stay here."
            </p>
            <div class="actions">
                <button type="button" class="primary" id="learn-begin" on:click=move |_| open(next.get_untracked())>
                    {begin}
                </button>
                <Show when=move || { done.get() > 0 }>
                    <button type="button" class="quiet" on:click=move |_| store.change(|state| state.begin_lesson_anew())>
                        "Forget my answers"
                    </button>
                </Show>
                <button
                    type="button"
                    class="quiet"
                    on:click=move |_| { let _ = window().print(); }
                >
                    "Print the summary"
                </button>
            </div>
            <p class="hint" role="status">{move || format!("{} of {} steps done.", done.get(), WORDS.len())}</p>
            <ol class="steps">{steps.collect_view()}</ol>
            <p class="hint">
                "For a class: open a step, press Share, and send that link. With "
                <code>"&hide="</code>
                " in it, parts of the page stay out of the way."
            </p>
        </section>
        <Summary/>
    }
}

#[component]
fn Line(number: usize, step: &'static Words, open: Callback<usize>) -> impl IntoView {
    let store = Store::get();
    let done = store.view(move |state| state.learn.progress(number).done);
    view! {
        <li>
            <button type="button" class="link" on:click=move |_| open.run(number)>{step.claim}</button>
            <span class="hint">{step.topics}</span>
            <Show when=move || done.get()>
                <span class="step-done">"✓ done"</span>
            </Show>
        </li>
    }
}

/// The whole lesson, for paper.
#[component]
fn Summary() -> impl IntoView {
    let part = |(number, step): (usize, &'static Words)| {
        view! {
            <section>
                <h3>{format!("{}. {}", number + 1, step.claim)}</h3>
                <p><em>{step.question}</em> " " {step.choices[step.right]} ". " {step.why}</p>
                <p>"To do: " {step.task}</p>
                <p>"What it does not say: " {step.limits}</p>
                <Papers papers=step.papers/>
            </section>
        }
    };
    view! {
        <div class="summary" id="lesson-summary" aria-hidden="true">
            <h2>"Unmask: what pretraining and fine-tuning do"</h2>
            <p>{page_address()}</p>
            {WORDS.iter().enumerate().map(part).collect_view()}
        </div>
    }
}
