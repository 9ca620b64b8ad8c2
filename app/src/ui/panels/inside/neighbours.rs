//! Neighbours of a word in the embedding, and the word in several sentences.

use crate::browser::Store;
use crate::ui::widgets::sight::SightFigure;
use crate::ui::widgets::text_box::TextBox;
use leptos::prelude::*;

#[component]
pub fn NeighboursCard() -> impl IntoView {
    let store = Store::get();
    let sentences = store.view(|state| state.inside.typed_sentences.clone());
    let hint = store.view(|state| state.sentences_hint());
    let near = Callback::new(move |width| store.read(|state| state.neighbours_sight(width)));
    let context = Callback::new(move |width| store.read(|state| state.contextual_sight(width)));
    view! {
        <h2>"Neighbours of a word"</h2>
        <div class="settings">
            <WordChoice/>
        </div>
        <SightFigure name="neighbours" title="The nearest tokens" sight=near/>
        <h3>"The same word in other sentences"</h3>
        <div>
            <TextBox
                id="inside-sentences"
                label="Other sentences with the word, one a line"
                rows=3
                text=sentences
                typed=move |text| store.edit_inside(|inside| inside.typed_sentences = text)
            />
        </div>
        {move || hint.get().map(|hint| view! { <p class="hint" id="sentences-hint">{hint}</p> })}
        <SightFigure name="contextual" title="The word in its sentences" sight=context/>
    }
}

/// Which of the text's words.
#[component]
fn WordChoice() -> impl IntoView {
    let store = Store::get();
    let here = store.view(|state| state.near_place());
    let words = store.view(|state| state.near_words());
    view! {
        <label class="setting">
            "Word"
            <select
                id="inside-word"
                on:change:target=move |event| {
                    let place = event.target().value().parse().ok();
                    store.change(|state| {
                        state.inside.choice.row = place;
                        Vec::new()
                    });
                }
            >
                {move || {
                    let here = here.get();
                    let option = |(place, word): (usize, String)| view! {
                        <option value=place.to_string() selected=here == Some(place)>
                            {format!("{place}: {word}")}
                        </option>
                    };
                    words.get().into_iter().map(option).collect_view()
                }}
            </select>
        </label>
    }
}
