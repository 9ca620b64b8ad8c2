//! Teach: labelled texts in, a classifier out, and the way there.

mod boxes;
mod chart;
mod data;
mod hiding;
mod kept;
mod offered;
mod out;
mod paint;
mod past;
mod progress;
mod recipe;
mod results;

use crate::browser::Store;
use crate::ui::widgets::failure_card::PanelFailure;
use leptos::prelude::*;

#[component]
pub fn TeachPanel() -> impl IntoView {
    let store = Store::get();
    let has_data = store.view(|state| state.teach.report.is_some());
    let has_run = store.view(|state| state.teach.run.is_some());
    let hides = store.view(|state| state.shows_hiding());
    let shows_try = store.view(|state| state.can_try());
    let shows_out = store.view(|state| state.can_export());
    view! {
        <kept::KeptCard/>
        <data::DataCard/>
        <Show when=move || has_data.get()>
            <recipe::RecipeCard/>
        </Show>
        <Show when=move || has_data.get() && hides.get()>
            <hiding::HidingCard/>
        </Show>
        <PanelFailure
                failure=|state| state.teach.failure.clone()
                dismiss=|state| state.teach.dismiss()
            />
        <Show when=move || has_run.get()>
            <progress::ProgressCard/>
        </Show>
        <Show when=move || shows_try.get()>
            <results::TryCard/>
        </Show>
        <Show when=move || has_run.get()>
            <results::ResultCards/>
        </Show>
        <Show when=move || shows_out.get()>
            <out::OutCard/>
        </Show>
        <past::PastCard/>
    }
}
