//! How words are hidden: the shares, and a few texts with words hidden in them.

use super::recipe::Setting;
use crate::browser::Store;
use crate::recipe::Field;
use crate::state::teach::ShownToken;
use crate::ui::widgets::text_box::TextBox;
use bert::data::Treatment;
use leptos::prelude::*;

#[component]
pub fn HidingCard() -> impl IntoView {
    let store = Store::get();
    let typed = store.view(|state| state.teach.hiding.typed.clone());
    let shown = store.view(|state| state.teach.hiding.shown());
    let lines = store.view(|state| state.teach.hiding.lines());
    let busy = store.view(|state| state.teach.is_busy());
    let whole = store.view(|state| state.teach.settings.whole_words);
    let other = store.view(|state| state.teach.settings.other.clone());
    let again = move |_| store.change(|state| state.deal_again());
    let fields = Field::MASKS.map(|field| view! { <Setting field/> });
    view! {
        <section class="hiding card" aria-labelledby="hiding-heading">
            <h2 id="hiding-heading">"Which words are hidden"</h2>
            <p class="hint">
                "Dealt anew in every pass. Of the tokens that are asked for most become "
                <span class="dealt hidden">"[MASK]"</span>
                ", some "
                <span class="dealt swapped">"another word"</span>
                ", and some "
                <span class="dealt stays">"stay"</span>
                ": so the model cannot tell by looks which words it will be asked for."
            </p>
            <div id="dealt" role="group" aria-label="Texts with hidden words">
                {move || shown.get().into_iter().map(|text| view! { <Dealt text/> }).collect_view()}
            </div>
            {move || lines.get().into_iter().enumerate().map(|(i, line)| view! {
                <p class="hint" id=format!("dealt-line-{i}")>{line}</p>
            }).collect_view()}
            <div class="actions">
                <button type="button" id="deal-again" on:click=again>"Deal again"</button>
            </div>
            <details class="paste">
                <summary>"Your own sentences"</summary>
                <TextBox
                    id="deal-texts"
                    label="Sentences to hide words in"
                    rows=3
                    text=typed
                    typed=move |text| store.edit_hiding(text)
                />
            </details>
            <details class="more-settings">
                <summary>"Shares: 15%, and 80/10/10, are BERT's own"</summary>
                <fieldset class="plain" disabled=move || busy.get()>
                    <div class="settings">{fields.into_iter().collect_view()}</div>
                    <label class="check">
                        <input
                            type="checkbox"
                            id="whole-words"
                            prop:checked=move || whole.get()
                            on:change:target=move |event| {
                                let whole = event.target().checked();
                                store.change(|state| {
                                    state.teach.settings.whole_words = whole;
                                    state.replan()
                                });
                            }
                        />
                        <span>"Whole words: all pieces of a word together"</span>
                    </label>
                </fieldset>
            </details>
            <details class="paste">
                <summary>"What is forgotten: another text"</summary>
                <p class="hint">
                    "Plain text of another kind than what is taught. Its hidden words are guessed before the run and after it."
                </p>
                <TextBox
                    id="other-text"
                    label="Another text"
                    rows=4
                    text=other
                    typed=move |text| store.edit_other(text)
                />
            </details>
        </section>
    }
}

/// A text whose chosen tokens are coloured and named, each over its loss where a run tells it.
#[component]
fn Dealt(text: Vec<ShownToken>) -> impl IntoView {
    let tokens = text.into_iter().map(|ShownToken { seen, dealt, loss }| {
        let Some((treatment, done)) = dealt else {
            return view! { <span class="dealt">{seen}</span>" " }.into_any();
        };
        let class = match treatment {
            Treatment::Hidden => "dealt hidden",
            Treatment::Swapped => "dealt swapped",
            Treatment::Kept => "dealt stays",
        };
        view! {
            <span class=class title=done.clone()>
                {seen}
                {loss.map(|loss| view! { <small class="dealt-loss" aria-hidden="true">{loss}</small> })}
                <span class="unseen">{format!(" ({done})")}</span>
            </span>
            " "
        }
        .into_any()
    });
    view! { <p class="dealt-text" dir="auto">{tokens.collect_view()}</p> }
}
