//! Where the texts come from, and how they were read.

use super::boxes::LabelBoxes;
use super::offered::OfferedTexts;
use super::paint::PaintBox;
use crate::browser::{Store, pick_texts};
use crate::protocol::DataReport;
use crate::recipe::TextSource;
use crate::state::format::grouped;
use crate::state::teach::{PROSE, SAMPLES};
use crate::ui::widgets::bar::Bar;
use crate::ui::widgets::file_button::FileButton;
use crate::ui::widgets::text_box::TextBox;
use bert::config::HeadKind;
use bert::data::Columns;
use leptos::prelude::*;
use web_sys::HtmlInputElement;

#[component]
pub fn DataCard() -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    let report = store.view(|state| state.teach.report.clone());
    let samples = SAMPLES.map(|(name, address)| {
        let open = move |_| {
            let (name, address) = (name.to_owned(), address.to_owned());
            store.change(|state| state.open_texts(TextSource::Sample { name, address }));
        };
        view! {
            <button type="button" disabled=move || busy.get() on:click=open>{name}</button>
        }
    });
    let prose = move |_| {
        let (name, address) = (PROSE.0.to_owned(), PROSE.1.to_owned());
        store.change(|state| state.open_prose(TextSource::Sample { name, address }));
    };
    let picked = move |input: HtmlInputElement| {
        if let Some(source) = pick_texts(store, &input) {
            store.change(|state| state.open_texts(source));
        }
    };
    view! {
        <section class="teach-data card" aria-labelledby="texts-heading">
            <h2 id="texts-heading">"Examples to learn from"</h2>
            <OfferedTexts/>
            <p class="hint">
                "Start from a small set, type your own, or bring a file: TSV, CSV or JSON, one text and \
                 its labels or its score a row; CoNLL or JSON with marked words; questions with answers as \
                 SQuAD has them. They stay on this device."
            </p>
            <div class="pickers" role="group" aria-label="Examples">
                {samples.into_iter().collect_view()}
                <button type="button" disabled=move || busy.get() on:click=prose>
                    {format!("A book: {}", PROSE.0)}
                </button>
                <FileButton
                    id="pick-examples"
                    text="Open a file of examples"
                    label="File of examples"
                    disabled=busy
                    picked=picked
                />
            </div>
            <LabelBoxes/>
            <PaintBox/>
            <Paste/>
            {move || report.get().map(|report| view! { <Report report/> })}
        </section>
    }
}

#[component]
fn Paste() -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    let pasted = store.view(|state| state.teach.pasted.clone());
    let empty = store.view(|state| state.teach.pasted.trim().is_empty());
    let open = move |_| {
        store.change(|state| {
            let text = state.teach.pasted.clone();
            state.open_texts(TextSource::Pasted { text })
        });
    };
    view! {
        <details class="paste">
            <summary>"Paste examples"</summary>
            <TextBox
                id="pasted"
                label="Examples, one a line: label, tab or comma, text"
                rows=5
                text=pasted
                typed=move |text| store.change(|state| {
                    state.teach.pasted = text;
                    Vec::new()
                })
            />
            <button
                type="button"
                disabled=move || busy.get() || empty.get()
                on:click=open
            >
                "Use these"
            </button>
        </details>
    }
}

#[component]
fn Report(report: DataReport) -> impl IntoView {
    let store = Store::get();
    let line = store.view(|state| state.teach.data_line());
    let most = report.labels.iter().map(|(_, n)| *n).max().unwrap_or(1);
    let bars = report.labels.iter().map(|(label, count)| {
        let share = *count as f32 / most as f32;
        let label = label.clone();
        view! {
            <li class="bar">
                <Bar share value=grouped(*count as u64)>{label}</Bar>
            </li>
        }
    });
    let labels = (!report.labels.is_empty()).then(|| {
        view! {
            <details class="labels" open=report.labels.len() <= 8>
                <summary>"Rows of each label"</summary>
                <ul class="bars" aria-label="Rows of each label">{bars.collect_view()}</ul>
            </details>
        }
    });
    let notes = report.notes.iter().chain(&report.problem);
    let notes = notes.map(|note| view! { <p class="notice">{note.clone()}</p> });
    view! {
        <div id="data-report">
            <p class="data-line" id="data-line">
                <strong>{report.name.clone()}</strong>
                ": "
                {move || line.get()}
            </p>
            {notes.collect_view()}
            <ProseChoice prose=report.prose/>
            {(!report.marked && !report.prose).then(|| view! {
                <ColumnChoice report=report.clone()/>
            })}
            <KindChoice report=report.clone()/>
            <Preview report/>
            {labels}
        </div>
    }
}

/// Whether it is a table or running text.
#[component]
fn ProseChoice(prose: bool) -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    view! {
        <label class="check">
            <input
                type="checkbox"
                id="prose"
                disabled=move || busy.get()
                prop:checked=prose
                on:change:target=move |event| {
                    let prose = event.target().checked();
                    store.change(|state| state.choose_prose(prose));
                }
            />
            <span>"Running text, no table: its sentences fill pieces of the longest length"</span>
        </label>
    }
}

/// Which column is what: guessed, and open to correction.
#[component]
fn ColumnChoice(report: DataReport) -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    let chosen = report.chosen.clone();
    let choices = [
        ("Text", "column-text", Some(chosen.text), false),
        ("Second text", "column-pair", chosen.pair, true),
        ("Label", "column-label", chosen.label, true),
    ];
    let select = |(name, id, now, optional): (&'static str, &'static str, Option<usize>, bool)| {
        let chosen = chosen.clone();
        let none = optional.then(|| {
            view! { <option value="" selected=now.is_none()>"none"</option> }
        });
        let options = report.columns.iter().enumerate().map(|(i, column)| {
            view! {
                <option value=i.to_string() selected=now == Some(i)>{column.clone()}</option>
            }
        });
        let change = move |value: String| {
            let place = value.parse().ok();
            let mut columns: Columns = chosen.clone();
            match (id, place) {
                ("column-text", Some(place)) => columns.text = place,
                ("column-pair", place) => columns.pair = place,
                ("column-label", place) => columns.label = place,
                _ => return,
            }
            store.change(|state| state.choose_columns(columns));
        };
        view! {
            <label class="setting" for=id>
                <span>{name}</span>
                <select
                    id=id
                    disabled=move || busy.get()
                    on:change:target=move |event| change(event.target().value())
                >
                    {none}
                    {options.collect_view()}
                </select>
            </label>
        }
    };
    let selects: Vec<_> = choices.into_iter().map(select).collect();
    let header = report.header;
    view! {
        <div class="settings" role="group" aria-label="Columns">
            {selects}
            <label class="check">
                <input
                    type="checkbox"
                    id="header"
                    disabled=move || busy.get()
                    prop:checked=header
                    on:change:target=move |event| {
                        let header = event.target().checked();
                        store.change(|state| state.choose_header(header));
                    }
                />
                <span>"First row names the columns"</span>
            </label>
        </div>
    }
}

/// What the labels are, where that is not certain.
#[component]
fn KindChoice(report: DataReport) -> impl IntoView {
    let store = Store::get();
    let busy = store.view(|state| state.teach.is_busy());
    let (kinds, now) = (report.kinds, report.kind);
    let choice = |kind: HeadKind| {
        let (id, words) = match kind {
            HeadKind::Classes => ("kind-classes", "One class a text"),
            HeadKind::Labels => ("kind-labels", "Several labels a text"),
            HeadKind::Score => ("kind-score", "A score"),
            HeadKind::Tokens => ("kind-tokens", "Tags of words"),
            HeadKind::Span => ("kind-span", "Answers in a passage"),
            HeadKind::Choice => ("kind-choice", "One of several texts"),
        };
        view! {
            <label>
                <input
                    type="radio"
                    name="kind"
                    id=id
                    prop:checked=now == Some(kind)
                    on:change=move |_| store.change(|state| state.choose_kind(kind))
                />
                <span>{words}</span>
            </label>
        }
    };
    (kinds.len() > 1).then(|| {
        let choices: Vec<_> = kinds.iter().map(|kind| choice(*kind)).collect();
        view! {
            <fieldset class="executors" disabled=move || busy.get()>
                <legend>"The labels are"</legend>
                {choices}
            </fieldset>
        }
    })
}

#[component]
fn Preview(report: DataReport) -> impl IntoView {
    let head = report.columns.iter().map(|name| {
        view! { <th scope="col">{name.clone()}</th> }
    });
    let row = |cells: &Vec<String>| {
        let cells = cells.iter().map(|cell| view! { <td>{cell.clone()}</td> });
        view! { <tr>{cells.collect_view()}</tr> }
    };
    view! {
        <details class="preview">
            <summary>"First rows"</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="First rows">
                <table>
                    <thead><tr>{head.collect_view()}</tr></thead>
                    <tbody>{report.preview.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
