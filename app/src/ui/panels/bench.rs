//! Bench: how fast this device computes, and the figures as a text to send to someone.

use crate::browser::{Store, around};
use crate::protocol::{Outcome, Profile};
use crate::state::activity::Wish;
use crate::state::bench::report::{
    COLUMNS, Cells, KERNEL_COLUMNS, KernelLine, cells, kernel_lines, name,
};
use crate::state::bench::{Group, Phase, Row, Status};
use crate::ui::widgets::bar::Bar;
use crate::ui::widgets::copy_box::CopyBox;
use crate::ui::widgets::progress_bar::ProgressBar;
use leptos::prelude::*;

/// The most kernels that get a bar; the table has them all.
const BARS: usize = 10;

#[component]
pub fn BenchPanel() -> impl IntoView {
    let store = Store::get();
    let has_rows = store.view(|state| !state.bench.rows.is_empty());
    view! {
        <MeasureCard/>
        <Show when=move || has_rows.get()>
            <FiguresCard/>
        </Show>
    }
}

/// What to measure, on what, and the buttons.
#[component]
fn MeasureCard() -> impl IntoView {
    let store = Store::get();
    let device = store.view(|state| state.bench_device());
    let problem = store.view(|state| state.why_not(&Wish::Measure));
    let running = store.view(|state| state.bench.is_running());
    let phase = store.view(|state| state.bench.phase);
    let line = store.view(|state| state.bench.line());
    let fraction = store.view(|state| Some(state.bench.fraction()));
    let start = move |_| store.change(|state| state.start_bench(around()));
    let cancel = move |_| store.change(|state| state.cancel_bench());
    view! {
        <section class="bench card" aria-labelledby="bench-heading">
            <h2 id="bench-heading">"Speed on this device"</h2>
            <p class="hint" id="bench-device">{move || device.get().0}</p>
            {move || device.get().1.map(|note| view! { <p class="note">{note}</p> })}
            <fieldset class="executors">
                <legend>"Measure"</legend>
                {Group::ALL.map(|group| view! { <Wanted group/> }).collect_view()}
            </fieldset>
            <Show when=move || running.get()>
                <ProgressBar label="Measuring" fraction words=line/>
            </Show>
            <div class="run-row">
                <p class="hint" id="bench-line">
                    {move || problem.get().filter(|_| !running.get()).map_or_else(
                        || line.get(),
                        str::to_owned,
                    )}
                </p>
                <div class="actions">
                    <Show
                        when=move || running.get()
                        fallback=move || view! {
                            <button
                                type="button"
                                class="primary"
                                id="start-bench"
                                disabled=move || problem.get().is_some()
                                on:click=start
                            >
                                "Measure"
                            </button>
                        }
                    >
                        <button
                            type="button"
                            id="cancel-bench"
                            disabled=move || phase.get() == Phase::Cancelling
                            on:click=cancel
                        >
                            "Cancel measuring"
                        </button>
                    </Show>
                </div>
            </div>
        </section>
    }
}

/// The box that takes a group in or leaves it out.
#[component]
fn Wanted(group: Group) -> impl IntoView {
    let store = Store::get();
    let wanted = store.view(move |state| state.bench.wants(group));
    let running = store.view(|state| state.bench.is_running());
    view! {
        <label>
            <input
                type="checkbox"
                disabled=move || running.get()
                prop:checked=move || wanted.get()
                on:change:target=move |event| {
                    let wanted = event.target().checked();
                    store.change(|state| {
                        state.bench.want(group, wanted);
                        Vec::new()
                    });
                }
            />
            <span>{group.label()}</span>
        </label>
    }
}

/// The figures, and the way to take them along.
#[component]
fn FiguresCard() -> impl IntoView {
    let store = Store::get();
    let groups = store.view(|state| state.bench.groups());
    let whole = store.view(|state| state.bench.has_report());
    view! {
        <section class="bench card" aria-labelledby="bench-figures-heading">
            <h2 id="bench-figures-heading">"Figures"</h2>
            {move || groups.get().into_iter().map(|(group, rows)| match group {
                Group::Kernels => view! { <Kernels rows/> }.into_any(),
                _ => view! { <Figures group rows/> }.into_any(),
            }).collect_view()}
            <Show when=move || whole.get()>
                <Report/>
            </Show>
        </section>
    }
}

#[component]
fn Figures(group: Group, rows: Vec<Row>) -> impl IntoView {
    let head = COLUMNS.map(|column| view! { <th scope="col">{column}</th> });
    let rows = rows.into_iter().map(|row| {
        let cells = match cells(&row) {
            Cells::Figures(figures) => {
                let figures = figures.map(|figure| view! { <td>{figure}</td> });
                figures.into_iter().collect_view().into_any()
            }
            Cells::Words(words) => {
                view! { <td class="words" colspan=COLUMNS.len().to_string()>{words}</td> }
                    .into_any()
            }
        };
        view! { <tr><th scope="row">{name(&row.case)}</th>{cells}</tr> }
    });
    view! {
        <p class="hint"><strong>{group.label()}</strong>": " {group.hint()}</p>
        <div class="scroll" tabindex="0" role="region" aria-label=group.label()>
            <table class="measured">
                <caption class="unseen">{group.label()}</caption>
                <thead><tr><td></td>{head.into_iter().collect_view()}</tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

/// Where the time of a pass and of a step goes.
#[component]
fn Kernels(rows: Vec<Row>) -> impl IntoView {
    let group = Group::Kernels;
    let rows = rows.into_iter().map(|row| {
        let heading = name(&row.case);
        match (&row.status, cells(&row)) {
            (Status::Ended(Outcome::Profiled(profile)), _) => {
                view! { <KernelTimes heading profile=profile.clone()/> }.into_any()
            }
            (_, Cells::Words(words)) => view! { <p>{heading} ": " {words}</p> }.into_any(),
            (_, Cells::Figures(_)) => ().into_any(),
        }
    });
    view! {
        <p class="hint"><strong>{group.label()}</strong>": " {group.hint()}</p>
        {rows.collect_view()}
    }
}

/// The kernels of one pass or step: bars to look at, and a table with the figures.
#[component]
fn KernelTimes(heading: String, profile: Profile) -> impl IntoView {
    let (words, lines) = kernel_lines(&profile);
    let bars = lines.iter().take(BARS).map(|line| {
        let value = line.cells[1].clone();
        let kernel = line.kernel.clone();
        view! { <li class="bar"><Bar share=line.share value>{kernel}</Bar></li> }
    });
    let bars = bars.collect_view();
    let rows = lines.iter().map(|KernelLine { kernel, cells, .. }| {
        let cells = cells.clone().map(|cell| view! { <td>{cell}</td> });
        view! { <tr><th scope="row">{kernel.clone()}</th>{cells.into_iter().collect_view()}</tr> }
    });
    let rows = rows.collect_view();
    let table = (!lines.is_empty()).then(|| {
        let head = KERNEL_COLUMNS.map(|column| view! { <th scope="col">{column}</th> });
        let (label, caption) = (heading.clone(), heading.clone());
        view! {
            // The table says the same in figures.
            <ol class="bars" aria-hidden="true">{bars}</ol>
            <div class="scroll" tabindex="0" role="region" aria-label=label>
                <table class="measured kernels">
                    <caption class="unseen">{caption}</caption>
                    <thead>
                        <tr><th scope="col">"Kernel"</th>{head.into_iter().collect_view()}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    view! {
        <p><strong>{heading}</strong> ": " {words}</p>
        {table}
    }
}

/// The report, to be copied by a button or, where there is no clipboard, by hand.
#[component]
fn Report() -> impl IntoView {
    let store = Store::get();
    let text = store.view(|state| state.bench.report());
    view! {
        <CopyBox
            button="Copy report"
            id="copy-report"
            summary="The report as text"
            label="Report"
            field_id="report"
            text=text.into()
        />
    }
}
