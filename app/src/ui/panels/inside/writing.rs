//! Writing: how many words, how they are drawn, and in which order their product is looked at.

use crate::browser::Store;
use crate::link::inside::{MAX_DRAW, MOST_TENTHS, ORDERS, TO_WRITE, Writing};
use crate::state::inside::order_name;
use crate::ui::widgets::sight::SightFigure;
use crate::ui::widgets::slider::Slider;
use leptos::prelude::*;

#[component]
pub fn WritingCard() -> impl IntoView {
    let store = Store::get();
    let line = store.view(|state| state.writing_line());
    let in_orders = store.view(|state| state.writes_in_orders());
    let fills = store.view(|state| state.fills_own_blanks());
    let texts = Callback::new(move |width| store.read(|state| state.writing_sight(width)));
    let products = Callback::new(move |width| store.read(|state| state.products_sight(width)));
    view! {
        <h2>"Writing"</h2>
        <p class="hint" id="writing-line">{move || line.get()}</p>
        <div class="settings">
            <Show when=move || !fills.get()>
                <Tokens/>
            </Show>
            <Temperature/>
            <Draw/>
        </div>
        <SightFigure name="writing" title="What was written" sight=texts/>
        <h3>"One probability times the next"</h3>
        <Show when=move || in_orders.get()>
            <div class="settings">
                <OrderChoice/>
            </div>
        </Show>
        <SightFigure name="products" title="The product in each order" sight=products/>
    }
}

/// Changes how the model writes; it does so at once.
fn change(store: Store, change: impl FnOnce(&mut Writing)) {
    store.change(|state| {
        change(&mut state.inside.choice.writing);
        Vec::new()
    });
}

#[component]
fn Tokens() -> impl IntoView {
    let store = Store::get();
    let tokens = store.view(|state| state.inside.choice.writing.tokens);
    view! {
        <Slider
            id="write-tokens"
            label="Tokens to write"
            range=TO_WRITE
            value=tokens
            at_rest=true
            set=move |count| change(store, |writing| writing.tokens = count)
        />
    }
}

#[component]
fn Temperature() -> impl IntoView {
    let store = Store::get();
    let tenths = store.view(|state| state.inside.choice.writing.tenths);
    let words = Signal::derive(move || match tenths.get() {
        0 => "0: the likeliest".to_owned(),
        tenths => format!("{:.1}", f64::from(tenths) / 10.0),
    });
    view! {
        <Slider
            id="write-temperature"
            label="Temperature"
            range=0..=MOST_TENTHS as usize
            value=Signal::derive(move || tenths.get() as usize)
            words
            at_rest=true
            set=move |tenths| change(store, |writing| writing.tenths = tenths as u32)
        />
    }
}

#[component]
fn Draw() -> impl IntoView {
    let store = Store::get();
    let draw = store.view(|state| state.inside.choice.writing.draw);
    view! {
        <label class="setting">
            "Seed"
            <input
                type="number"
                id="write-draw"
                min="0"
                max=MAX_DRAW.to_string()
                prop:value=move || draw.get().to_string()
                on:change:target=move |event| {
                    let Ok(draw) = event.target().value().parse::<u32>() else { return };
                    change(store, |writing| writing.draw = draw.min(MAX_DRAW));
                }
            />
        </label>
        <button
            type="button"
            id="draw-again"
            on:click=move |_| store.change(|state| {
                state.draw_again();
                Vec::new()
            })
        >
            "Write anew"
        </button>
    }
}

/// Which text is multiplied in all orders.
#[component]
fn OrderChoice() -> impl IntoView {
    let store = Store::get();
    let here = store.view(|state| state.inside.choice.writing.order);
    let options = ORDERS.map(|(order, name)| {
        view! {
            <option value=name selected=move || here.get() == order>{order_name(order)}</option>
        }
    });
    view! {
        <label class="setting">
            "The text that was written"
            <select
                id="write-order"
                on:change:target=move |event| {
                    let name = event.target().value();
                    if let Some((order, _)) = ORDERS.into_iter().find(|(_, known)| *known == name) {
                        change(store, |writing| writing.order = order);
                    }
                }
            >
                {options.into_iter().collect_view()}
            </select>
        </label>
    }
}
