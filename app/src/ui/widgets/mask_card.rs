//! One hidden place and what the model expects there.

use crate::browser::Store;
use crate::state::format::percent;
use crate::ui::widgets::bar::Bar;
use bert::probe::{MaskResult, Prediction};
use leptos::prelude::*;

/// The card of the mask at `position`; empty once that place is no longer hidden.
#[component]
pub fn MaskCard(position: usize) -> impl IntoView {
    let store = Store::get();
    let result = store.view(move |state| state.probe.result(position).cloned());
    let heading = format!("mask-{position}");
    let labelled_by = heading.clone();
    view! {
        <section class="mask card" aria-labelledby=labelled_by>
            <h2 id=heading class="minor">"Position " {position}</h2>
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
                "Hidden here: "
                <strong dir="auto">{original.token}</strong>
                ", "
                {percent(original.probability)}
                ", rank "
                {crate::state::format::grouped(u64::from(original.rank))}
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
