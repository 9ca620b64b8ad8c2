//! The panels that come later, each a part of its own.

use crate::browser::Store;
use crate::link::Panel;
use crate::state::State;
use crate::state::inside::Voice;
use crate::ui::panels::bench::BenchPanel;
use crate::ui::panels::inside::InsidePanel;
use crate::ui::panels::learn::LearnPanel;
use crate::ui::panels::prove::ProvePanel;
use crate::ui::panels::teach::TeachPanel;
use crate::ui::widgets::later::{Draw, Fetch, Later, Part};
use leptos::prelude::*;
use wasm_split_helpers::wasm_split;

#[wasm_split(panel_inside, fallible)]
fn inside() -> Part {
    Ok(|| {
        Store::get().change(|state| {
            state.inside.voice = Some(Voice(State::inside_spoken));
            Vec::new()
        });
        view! { <InsidePanel/> }.into_any()
    })
}

#[wasm_split(panel_teach, fallible)]
fn teach() -> Part {
    Ok(|| view! { <TeachPanel/> }.into_any())
}

#[wasm_split(panel_prove, fallible)]
fn prove() -> Part {
    Ok(|| view! { <ProvePanel/> }.into_any())
}

#[wasm_split(panel_learn, fallible)]
fn learn() -> Part {
    Ok(|| view! { <LearnPanel/> }.into_any())
}

#[wasm_split(panel_bench, fallible)]
fn bench() -> Part {
    Ok(|| view! { <BenchPanel/> }.into_any())
}

/// A panel from when it is first opened. Probe is there from the start.
#[component]
pub fn LaterPanel(panel: Panel) -> impl IntoView {
    let here = Store::get().view(|state| state.panel);
    let open = Signal::derive(move || here.get() == panel);
    let fetch: Fetch = match panel {
        Panel::Probe => || Box::pin(async { Ok((|| ().into_any()) as Draw) }),
        Panel::Inside => || Box::pin(inside()),
        Panel::Teach => || Box::pin(teach()),
        Panel::Prove => || Box::pin(prove()),
        Panel::Learn => || Box::pin(learn()),
        Panel::Bench => || Box::pin(bench()),
    };
    view! { <Later open fetch/> }
}
