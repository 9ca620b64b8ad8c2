//! Attention: all heads, one of them, one row of it; and heads switched off.

use super::PlaceChoice;
use crate::browser::Store;
use crate::link::inside::{Enlarged, written};
use crate::ui::widgets::maps::{HeadGrid, HeadMatrix};
use crate::ui::widgets::sight::{CopyTable, SightFigure, SightTable, width_of};
use leptos::{html, prelude::*};

#[component]
pub fn AttentionCard() -> impl IntoView {
    let store = Store::get();
    let frame = NodeRef::<html::Figure>::new();
    let width = width_of(frame);
    let grid = store.view(|state| state.map_grid());
    let table = store.view(|state| state.map_table());
    let name = store.view(|state| state.enlarged_name());
    let shape = store.view(|state| state.layers_and_heads());
    let choose = Callback::new(move |map: Enlarged| {
        store.change(|state| {
            state.inside.choice.map = Some(map);
            Vec::new()
        });
    });
    let label = Signal::derive(move || {
        let [layers, heads] = shape.get();
        format!(
            "{layers} layers of {heads} heads, each a small map of which token looks at which. Enlarged below: {}",
            name.get()
        )
    });
    view! {
        <h2>"Attention"</h2>
        <figure class="sight" node_ref=frame>
            <figcaption>
                "Every head of every layer, the last layer at the top: rows look at columns, the darker the more. \
                 Press one to enlarge it. Beside them the mean of a layer's heads, which hides what heads do, and, of a \
                 text of up to 16 tokens, the attention rollout (the means, half and half with what passes a layer by, \
                 multiplied from the first layer up)."
            </figcaption>
            <HeadGrid grid width chosen=choose label>
                <CopyTable
                    name="heads"
                    tsv=Callback::new(move |()| Some(table.get_untracked().to_tsv()))
                />
            </HeadGrid>
            <SightTable title="What each head does on this text" table=Signal::derive(move || table.get())/>
        </figure>
        <HeadChoice/>
        <GuessLines/>
        <OneHead/>
    }
}

/// Layer, head and row, in lists; and the switch.
#[component]
fn HeadChoice() -> impl IntoView {
    let store = Store::get();
    let head = store.view(|state| state.head());
    let enlarged = store.view(|state| state.enlarged());
    let shape = store.view(|state| state.layers_and_heads());
    let rows = store.view(|state| {
        let tokens = state.probe.tokens.iter().enumerate();
        tokens
            .map(|(place, token)| (place, token.text.clone()))
            .collect::<Vec<_>>()
    });
    let row = store.view(|state| state.row());
    let off = store.view(|state| {
        let head = state.head();
        head.is_some_and(|head| state.inside.choice.off.contains(&head))
    });
    // As links write it: a layer and what is seen of it.
    let set = move |layer: &str, part: &str| {
        let map = Enlarged::read(&format!("{layer}.{part}"));
        store.change(|state| {
            state.inside.choice.map = map.or(state.inside.choice.map);
            Vec::new()
        });
    };
    let parts = move || {
        let written = enlarged.get().map(Enlarged::written).unwrap_or_default();
        let (layer, part) = written.split_once('.').unwrap_or_default();
        (layer.to_owned(), part.to_owned())
    };
    let option = move |value: String, name: String, chosen: &str| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{name}</option> }
    };
    let numbers = move |count: usize, chosen: String| {
        let numbers = (1..=count).map(|number| number.to_string());
        numbers
            .map(|number| option(number.clone(), number, &chosen))
            .collect_view()
    };
    let name = move || head.get().map(written).unwrap_or_default();
    view! {
        <div class="settings">
            <PlaceChoice/>
            <label class="setting">
                "Layer"
                <select
                    id="inside-layer"
                    on:change:target=move |event| set(&event.target().value(), &untrack(parts).1)
                >
                    {move || numbers(shape.get()[0], parts().0)}
                </select>
            </label>
            <label class="setting">
                "Head"
                <select
                    id="inside-head"
                    on:change:target=move |event| set(&untrack(parts).0, &event.target().value())
                >
                    {move || numbers(shape.get()[1], parts().1)}
                    {move || option("mean".to_owned(), "all: their mean".to_owned(), &parts().1)}
                    {move || option("rollout".to_owned(), "all: rollout".to_owned(), &parts().1)}
                </select>
            </label>
            <label class="setting">
                "From the token"
                <select
                    id="inside-row"
                    on:change:target=move |event| {
                        let row = event.target().value().parse().ok();
                        store.change(|state| {
                            state.inside.choice.row = row;
                            Vec::new()
                        });
                    }
                >
                    {move || {
                        let here = row.get();
                        let option = |(place, word): (usize, String)| view! {
                            <option value=place.to_string() selected=place == here>
                                {format!("{place}: {word}")}
                            </option>
                        };
                        rows.get().into_iter().map(option).collect_view()
                    }}
                </select>
            </label>
        </div>
        <div class="controls head-controls">
            <Direction/>
            <button
                type="button"
                id="switch-head"
                aria-pressed=move || off.get().to_string()
                disabled=move || head.get().is_none()
                on:click=move |_| store.change(|state| {
                    if let Some(head) = state.head() {
                        state.inside.switch(head);
                    }
                    Vec::new()
                })
            >
                "Switch head " {name} " off"
            </button>
        </div>
    }
}

#[component]
fn Direction() -> impl IntoView {
    let store = Store::get();
    let arrives = store.view(|state| state.inside.choice.arrives);
    let choice = move |value: bool, words: &'static str| {
        view! {
            <label>
                <input
                    type="radio"
                    name="inside-direction"
                    prop:checked=move || arrives.get() == value
                    on:change=move |_| store.change(|state| {
                        state.inside.choice.arrives = value;
                        Vec::new()
                    })
                />
                <span>{words}</span>
            </label>
        }
    };
    view! {
        <fieldset class="executors">
            <legend>"Show"</legend>
            {choice(false, "where it looks")}
            {choice(true, "what arrives")}
        </fieldset>
    }
}

/// The guesses with all heads and without those that are off.
#[component]
fn GuessLines() -> impl IntoView {
    let store = Store::get();
    let lines = store.view(|state| state.guess_lines());
    view! {
        <dl class="facts" id="guess-lines">
            {move || lines.get().into_iter().map(|(name, guesses)| view! {
                <dt>{name}</dt>
                <dd dir="auto">{guesses}</dd>
            }).collect_view()}
        </dl>
    }
}

/// The head that is chosen: all of it, and its lines from one token.
#[component]
fn OneHead() -> impl IntoView {
    let store = Store::get();
    let matrix = store.view(|state| state.map_matrix());
    let not_whole = store.view(|state| state.not_whole());
    let name = store.view(|state| state.enlarged_name());
    let look = Callback::new(move |width| store.read(|state| state.arcs_sight(width)));
    let frame = NodeRef::<html::Figure>::new();
    let room = width_of(frame);
    let choose = Callback::new(move |row: usize| {
        store.change(|state| {
            state.inside.choice.row = Some(row);
            Vec::new()
        });
    });
    let label = Signal::derive(move || {
        format!(
            "{}: a row for each token, a column for each that it looks at",
            name.get()
        )
    });
    view! {
        <div class="one-head">
            <figure class="sight" node_ref=frame>
                <Show
                    when=move || not_whole.get().is_none()
                    fallback=move || view! { <p class="hint">{not_whole.get()}</p> }
                >
                    <figcaption>{move || name.get()} ", all of it. Press a row to see it as lines."</figcaption>
                    <HeadMatrix matrix room chosen=choose label/>
                </Show>
            </figure>
            <SightFigure name="attention" title="Attention from one token" sight=look/>
        </div>
    }
}
