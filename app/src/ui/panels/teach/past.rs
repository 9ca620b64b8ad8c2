//! Past runs: what differed, what they came to, and their losses over one another.

use crate::browser::Store;
use crate::state::teach::past::Row;
use crate::ui::widgets::sight::SightFigure;
use leptos::prelude::*;

#[component]
pub fn PastCard() -> impl IntoView {
    let store = Store::get();
    let count = store.view(|state| state.teach.past.len());
    let same = store.view(|state| state.teach.past.table().2);
    let look = Callback::new(move |width| store.read(|state| state.teach.past.sight(width)));
    view! {
        <Show when=move || { count.get() > 0 }>
            <section class="past card" aria-labelledby="past-heading">
                <h2 id="past-heading">"Past runs"</h2>
                <p class="hint">
                    "Kept on this device: what each run was and what it came to, without texts and weights. "
                    <span id="past-same">{move || same.get()}</span>
                </p>
                <PastTable/>
                <SightFigure name="past-runs" title="Losses of past runs" sight=look/>
            </section>
        </Show>
    }
}

#[component]
fn PastTable() -> impl IntoView {
    let store = Store::get();
    let table = store.view(|state| {
        let (columns, rows, _) = state.teach.past.table();
        (columns, rows)
    });
    let head = move || {
        let columns = table.with(|(columns, _)| columns.clone()).into_iter();
        columns
            .map(|column| view! { <th scope="col">{column}</th> })
            .collect_view()
    };
    let rows = move || {
        let rows = table.with(|(_, rows)| rows.clone()).into_iter();
        rows.map(|row| view! { <PastRow row/> }).collect_view()
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Past runs, as a table">
            <table class="measured" id="past-table">
                <caption class="unseen">"Past runs"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Drawn"</th>
                        {head}
                        <th scope="col">"Recipe"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn PastRow(row: Row) -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    let Row {
        began,
        number,
        drawn,
        cells,
    } = row;
    let (take, forget) = (
        format!("Use the recipe of {number}"),
        format!("Forget {number}"),
    );
    let cells = cells
        .into_iter()
        .map(|cell| view! { <td dir="auto">{cell}</td> });
    view! {
        <tr>
            <th scope="row">
                <label class="drawn">
                    <input
                        type="checkbox"
                        prop:checked=drawn
                        on:change:target=move |event| {
                            let drawn = event.target().checked();
                            store.change(|state| {
                                state.draw_past(began, drawn);
                                Vec::new()
                            });
                        }
                    />
                    <span>{number}</span>
                </label>
            </th>
            {cells.collect_view()}
            <td>
                <button
                    type="button"
                    class="quiet"
                    aria-label=take
                    disabled=move || busy.get()
                    on:click=move |_| store.change(|state| state.take_past(began))
                >
                    "Use"
                </button>
                <button
                    type="button"
                    class="quiet"
                    aria-label=forget
                    on:click=move |_| store.change(|state| state.forget_past(began))
                >
                    "Forget"
                </button>
            </td>
        </tr>
    }
}
