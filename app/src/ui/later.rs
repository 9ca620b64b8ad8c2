//! Panels that come later: the code of each is a part of its own, which the page fetches when the panel is first opened.
//! `cargo xtask build` takes the program apart at the functions marked here.

use crate::browser::Store;
use crate::failure::Failure;
use crate::link::Panel;
use crate::ui::panels::bench::BenchPanel;
use crate::ui::panels::inside::InsidePanel;
use crate::ui::panels::prove::ProvePanel;
use crate::ui::panels::teach::TeachPanel;
use crate::ui::widgets::failure_card::FailureCard;
use leptos::{prelude::*, task::spawn_local};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

type Draw = fn() -> AnyView;
type Part = Result<Draw, SplitLoaderError>;

#[wasm_split(panel_inside, fallible)]
fn inside() -> Part {
    Ok(|| view! { <InsidePanel/> }.into_any())
}

#[wasm_split(panel_teach, fallible)]
fn teach() -> Part {
    Ok(|| view! { <TeachPanel/> }.into_any())
}

#[wasm_split(panel_prove, fallible)]
fn prove() -> Part {
    Ok(|| view! { <ProvePanel/> }.into_any())
}

#[wasm_split(panel_bench, fallible)]
fn bench() -> Part {
    Ok(|| view! { <BenchPanel/> }.into_any())
}

/// Fetches a panel's part; `None` for one that is there from the start.
async fn part(panel: Panel) -> Option<Part> {
    Some(match panel {
        Panel::Probe => return None,
        Panel::Inside => inside().await,
        Panel::Teach => teach().await,
        Panel::Prove => prove().await,
        Panel::Bench => bench().await,
    })
}

#[derive(Clone)]
enum Stage {
    Away,
    Fetching,
    Here(Draw),
    Failed,
}

/// A panel from when it is first opened; it stays then.
#[component]
pub fn LaterPanel(panel: Panel) -> impl IntoView {
    let here = Store::get().view(|state| state.panel);
    let stage = RwSignal::new(Stage::Away);
    let fetch = move || {
        stage.set(Stage::Fetching);
        spawn_local(async move {
            match part(panel).await {
                Some(Ok(draw)) => stage.set(Stage::Here(draw)),
                Some(Err(_)) => stage.set(Stage::Failed),
                None => {}
            }
        });
    };
    Effect::new(move |_| {
        if here.get() == panel && matches!(stage.get_untracked(), Stage::Away) {
            fetch();
        }
    });
    move || match stage.get() {
        Stage::Away => ().into_any(),
        Stage::Fetching => {
            view! { <p class="hint" role="status">"This panel is on its way \u{2026}"</p> }
                .into_any()
        }
        Stage::Here(draw) => draw(),
        Stage::Failed => {
            let failure = Failure::new(
                "This panel could not be loaded",
                "The connection broke, or the page's host has another version now.",
                "Try again. If that does not help, reload the page.",
            );
            view! {
                <FailureCard failure>
                    <button type="button" class="quiet" on:click=move |_| fetch()>"Try again"</button>
                </FailureCard>
            }
            .into_any()
        }
    }
}
