//! One hidden place and what the model expects there.

use crate::browser::Store;
use crate::state::format::{grouped, percent};
use crate::ui::widgets::bar::Bar;
use bert::probe::{Compared, MaskResult, Prediction};
use leptos::prelude::*;

/// The card of the blank at `position`; empty once that place is no longer hidden. `positions`: all that are shown.
#[component]
pub fn MaskCard(position: usize, positions: Memo<Vec<usize>>) -> impl IntoView {
    let store = Store::get();
    let result = store.view(move |state| state.probe.result(position).cloned());
    let heading = format!("mask-{position}");
    let labelled_by = heading.clone();
    let number = move || positions.with(|all| all.iter().position(|place| *place == position));
    view! {
        <section class="mask card" aria-labelledby=labelled_by data-position=position.to_string()>
            <h2 id=heading class="minor">
                {move || number().map(|number| format!("Blank {}", number + 1))}
            </h2>
            {move || result.get().map(|result| view! { <Predictions result/> })}
        </section>
    }
}

#[component]
fn Predictions(result: MaskResult) -> impl IntoView {
    let original_id = result.original.as_ref().map(|original| original.id);
    let original = result.original.map(|original| {
        view! {
            <p class="original">
                "Actual word: "
                <strong dir="auto">{original.token}</strong>
                ", "
                {percent(original.probability)}
                ", rank "
                {grouped(u64::from(original.rank))}
            </p>
        }
    });
    let bars = result
        .predictions
        .into_iter()
        .map(|prediction| {
            let right = original_id == Some(prediction.id);
            view! { <Guess prediction right/> }
        })
        .collect_view();
    view! {
        <ol class="bars">{bars}</ol>
        {original}
        <CompareList compared=result.compared/>
    }
}

#[component]
fn Guess(prediction: Prediction, right: bool) -> impl IntoView {
    let title = format!("id {}, logit {:.3}", prediction.id, prediction.logit);
    view! {
        <li class="bar" class:right=right title=title data-id=prediction.id.to_string()>
            <Bar share=prediction.probability value=percent(prediction.probability)>
                {prediction.token}
                {right.then_some(view! {
                    <span class="right-mark" aria-hidden="true">"✓"</span>
                    <span class="unseen">" (the hidden word)"</span>
                })}
            </Bar>
        </li>
    }
}

/// The words that the visitor compares, in bars of their own: the widest is the likeliest.
#[component]
fn CompareList(compared: Vec<Compared>) -> impl IntoView {
    if compared.is_empty() {
        return ().into_any();
    }
    let share = |compared: &Compared| match &compared.standing {
        Ok(standing) => standing.probability,
        Err(_) => 0.0,
    };
    let most = compared.iter().map(share).fold(f32::MIN_POSITIVE, f32::max);
    let bars = compared.iter().map(|compared| match &compared.standing {
        Ok(standing) => {
            let value = format!(
                "{}, rank {}",
                percent(standing.probability),
                grouped(u64::from(standing.rank))
            );
            let share = standing.probability / most;
            let word = compared.word.clone();
            view! { <li class="bar second"><Bar share value>{word}</Bar></li> }.into_any()
        }
        Err(reason) => view! { <li class="hint">{format!("{reason}.")}</li> }.into_any(),
    });
    let bars = bars.collect_view();
    view! {
        <h3 class="minor">"Compared"</h3>
        <ul class="bars compared">{bars}</ul>
    }
    .into_any()
}
