//! How far a run is, and the hands on it.

use super::chart::ChartFigure;
use crate::browser::Store;
use crate::state::teach::run::{Phase, Run};
use crate::ui::widgets::progress_bar::ProgressBar;
use leptos::prelude::*;

#[component]
pub fn ProgressCard() -> impl IntoView {
    let store = Store::get();
    let of_run = move |part: fn(&Run) -> String| {
        store.view(move |state| state.teach.run.as_ref().map(part).unwrap_or_default())
    };
    let line = of_run(Run::phase_line);
    let time = of_run(Run::time_line);
    let machine = store.view(|state| state.teach.run.as_ref().and_then(Run::machine_line));
    let doubt = store.view(|state| state.teach.run.as_ref().and_then(|run| run.doubt.clone()));
    let fraction = store.view(|state| Some(state.teach.run.as_ref().map_or(0.0, Run::fraction)));
    let loss = store.view(|state| state.teach.run.as_ref().map(Run::loss_chart));
    let rate = store.view(|state| state.teach.run.as_ref().map(Run::rate_chart));
    let losses = store.view(|state| state.teach.run.as_ref().and_then(Run::losses_chart));
    let accuracy = store.view(|state| state.teach.run.as_ref().map(Run::accuracy_chart));
    view! {
        <section class="run card" aria-labelledby="run-heading">
            <h2 id="run-heading">"Run"</h2>
            <p id="run-line"><strong>{move || line.get()}</strong></p>
            <ProgressBar label="Training" fraction words=line/>
            <div class="run-row">
                <p class="hint" id="run-time">{move || time.get()}</p>
                <Hands/>
            </div>
            {move || machine.get().map(|line| view! {
                <p class="hint" id="run-machine">{line}</p>
            })}
            {move || doubt.get().map(|doubt| view! {
                <p class="notice" id="run-doubt" role="status">{doubt}</p>
            })}
            <div class="charts">
                <ChartFigure chart=loss id="loss-chart"/>
                <Show when=move || losses.get().is_some()>
                    <ChartFigure chart=losses id="losses-chart"/>
                </Show>
                <ChartFigure chart=accuracy id="accuracy-chart"/>
                <details class="rate">
                    <summary>"Learning rate"</summary>
                    <ChartFigure chart=rate id="rate-chart"/>
                </details>
            </div>
        </section>
    }
}

/// Pause, go on, stop.
#[component]
fn Hands() -> impl IntoView {
    let store = Store::get();
    let phase = store.view(|state| state.teach.run.as_ref().map(|run| run.phase));
    let under_way = store.view(|state| state.teach.run.as_ref().is_some_and(Run::is_under_way));
    let is = move |this: Phase| move || phase.get() == Some(this);
    view! {
        <div class="actions">
            <Show when=is(Phase::Running)>
                <button
                    type="button"
                    id="pause-run"
                    on:click=move |_| store.change(|state| state.pause_run())
                >
                    "Pause"
                </button>
            </Show>
            <Show when=is(Phase::Paused)>
                <button
                    type="button"
                    id="continue-run"
                    on:click=move |_| store.change(|state| state.continue_run())
                >
                    "Resume"
                </button>
            </Show>
            <Show when=move || under_way.get()>
                <button
                    type="button"
                    class="quiet"
                    id="stop-run"
                    disabled=is(Phase::Stopping)
                    on:click=move |_| store.change(|state| state.stop_run())
                >
                    "Stop training"
                </button>
            </Show>
        </div>
    }
}
