//! What the whole head would say after each layer.

use super::{FollowBox, PlaceChoice};
use crate::browser::Store;
use crate::ui::widgets::sight::SightFigure;
use leptos::prelude::*;

#[component]
pub fn LensCard() -> impl IntoView {
    let store = Store::get();
    let guesses = store.view(|state| state.place().is_some());
    let look = Callback::new(move |width| store.read(|state| state.lens_sight(width)));
    view! {
        <h2>"Layer by layer (logit lens)"</h2>
        <Show when=move || guesses.get()>
            <div class="settings">
                <PlaceChoice/>
                <FollowBox label="Follow a word"/>
            </div>
        </Show>
        <SightFigure name="lens" title="Layer by layer" sight=look/>
    }
}
