//! Surprise: the bits of each word, two texts beside one another, and a table of swaps.

use crate::browser::Store;
use crate::ui::widgets::sight::SightFigure;
use crate::ui::widgets::text_box::TextBox;
use leptos::prelude::*;

#[component]
pub fn SurpriseCard() -> impl IntoView {
    let store = Store::get();
    let other = store.view(|state| state.inside.typed_other.clone());
    let swaps = store.view(|state| state.inside.typed_swaps.clone());
    let hint = store.view(|state| state.swaps_hint());
    let together = store.view(|state| !state.inside.choice.apart);
    let look = Callback::new(move |width| store.read(|state| state.surprise_sight(width)));
    let costs = Callback::new(move |width| store.read(|state| state.swaps_sight(width)));
    view! {
        <h2>"How much each word surprises it (pseudo-log-likelihood)"</h2>
        <div>
            <TextBox
                id="inside-other"
                label="Compare with another text"
                rows=1
                text=other
                typed=move |text| store.edit_inside(|inside| inside.typed_other = text)
            />
        </div>
        <label class="check">
            <input
                type="checkbox"
                id="inside-together"
                prop:checked=move || together.get()
                on:change:target=move |event| {
                    let together = event.target().checked();
                    store.change(|state| {
                        state.inside.choice.apart = !together;
                        Vec::new()
                    });
                }
            />
            <span>"Hide the later pieces of a word together with the earlier ones"</span>
        </label>
        <SightFigure name="surprise" title="Bits of each word" sight=look/>
        <h3>"A table of swaps"</h3>
        <div>
            <TextBox
                id="inside-swaps"
                label="A sentence with choices in braces, such as: The keys {is, are} here."
                rows=1
                text=swaps
                typed=move |text| store.edit_inside(|inside| inside.typed_swaps = text)
            />
        </div>
        {move || hint.get().map(|hint| view! { <p class="hint" id="swaps-hint">{hint}</p> })}
        <SightFigure name="swaps" title="What each choice costs" sight=costs/>
    }
}
