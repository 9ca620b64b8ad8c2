//! The pictures that are one drawing: both sides, before and after, and what a guess rests on.

use super::{FollowBox, PlaceChoice};
use crate::browser::Store;
use crate::link::inside::BASELINES;
use crate::ui::widgets::sight::SightFigure;
use bert::inside::Baseline;
use leptos::prelude::*;

#[component]
pub fn SidesCard() -> impl IntoView {
    let store = Store::get();
    let look = Callback::new(move |width| store.read(|state| state.sides_sight(width)));
    view! {
        <h2>"From the left, from the right, from both sides"</h2>
        <div class="settings">
            <PlaceChoice/>
        </div>
        <SightFigure name="sides" title="Left, right and both sides" sight=look/>
    }
}

#[component]
pub fn ChangeCard() -> impl IntoView {
    let store = Store::get();
    let moved = Callback::new(move |width| store.read(|state| state.moved_sight(width)));
    let said = Callback::new(move |width| store.read(|state| state.change_sight(width)));
    let lens = Callback::new(move |width| store.read(|state| state.change_lens_sight(width)));
    let heads = Callback::new(move |width| store.read(|state| state.change_heads_sight(width)));
    view! {
        <h2>"Before and after the run"</h2>
        <div class="settings">
            <PlaceChoice/>
        </div>
        <SightFigure name="moved" title="How far each layer has moved" sight=moved/>
        <SightFigure name="change" title="The same text before and after" sight=said/>
        <SightFigure name="change-lens" title="Layer by layer, before and after" sight=lens/>
        <SightFigure name="change-heads" title="Which heads look elsewhere" sight=heads/>
    }
}

#[component]
pub fn GroundsCard() -> impl IntoView {
    let store = Store::get();
    let guesses = store.view(|state| state.place().is_some());
    let look = Callback::new(move |width| store.read(|state| state.grounds_sight(width)));
    view! {
        <h2>"What the guess rests on (attribution)"</h2>
        <div class="settings">
            <PlaceChoice/>
            <Show when=move || guesses.get()>
                <FollowBox label="Explain another word"/>
            </Show>
            <BaselineChoice/>
        </div>
        <SightFigure name="grounds" title="What the guess rests on" sight=look/>
    }
}

fn label(baseline: Baseline) -> &'static str {
    match baseline {
        Baseline::Mask => "every word hidden",
        Baseline::Pad => "every word padding",
        Baseline::Zero => "nothing at all (zeros)",
    }
}

#[component]
fn BaselineChoice() -> impl IntoView {
    let store = Store::get();
    let here = store.view(|state| state.inside.choice.baseline);
    let options = BASELINES.map(|(baseline, name)| {
        view! {
            <option value=name selected=move || here.get() == baseline>{label(baseline)}</option>
        }
    });
    view! {
        <label class="setting">
            "Integrate from"
            <select
                id="inside-baseline"
                on:change:target=move |event| {
                    let name = event.target().value();
                    let found = BASELINES.into_iter().find(|(_, known)| *known == name);
                    store.change(|state| {
                        if let Some((baseline, _)) = found {
                            state.inside.choice.baseline = baseline;
                        }
                        Vec::new()
                    });
                }
            >
                {options.into_iter().collect_view()}
            </select>
        </label>
    }
}
