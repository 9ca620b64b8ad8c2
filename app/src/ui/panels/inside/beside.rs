//! Beside another model: two models' guesses at one blank, who sees whom in each, and what taught them.

use super::PlaceChoice;
use crate::browser::Store;
use crate::ui::widgets::sight::SightFigure;
use leptos::prelude::*;

#[component]
pub fn BesideCard() -> impl IntoView {
    let store = Store::get();
    let guesses = Callback::new(move |width| store.read(|state| state.beside_sight(width)));
    let taught = Callback::new(move |width| store.read(|state| state.taught_sight(width)));
    let curves = store.view(|state| state.taught_sight(800.0).is_some());
    view! {
        <h2>"This model and another one"</h2>
        <div class="settings">
            <PlaceChoice/>
        </div>
        <SightFigure name="beside" title="Guesses of two models" sight=guesses/>
        <Show when=move || curves.get()>
            <h3>"What taught them"</h3>
        </Show>
        <SightFigure name="taught" title="Losses of both models" sight=taught/>
    }
}
