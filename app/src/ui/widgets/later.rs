//! What comes later: the code of a piece is a part of its own, which the page fetches when the piece is first opened.
//! `cargo xtask build` takes the program apart at the functions that are marked `wasm_split`.

use crate::failure::Failure;
use crate::ui::widgets::failure_card::FailureCard;
use leptos::{prelude::*, task::spawn_local};
use std::pin::Pin;
use wasm_split_helpers::SplitLoaderError;

/// What a part has: how its piece is drawn.
pub type Draw = fn() -> AnyView;
/// A part, or that it could not be fetched.
pub type Part = Result<Draw, SplitLoaderError>;
/// Fetches a part; at once where it is here.
pub type Fetch = fn() -> Pin<Box<dyn Future<Output = Part>>>;

#[derive(Clone)]
enum Stage {
    Away,
    Fetching,
    Here(Draw),
    Failed,
}

/// A piece of the page from when it is first opened; it stays then.
#[component]
pub fn Later(#[prop(into)] open: Signal<bool>, fetch: Fetch) -> impl IntoView {
    let stage = RwSignal::new(Stage::Away);
    let begin = move || {
        stage.set(Stage::Fetching);
        spawn_local(async move {
            stage.set(match fetch().await {
                Ok(draw) => Stage::Here(draw),
                Err(_) => Stage::Failed,
            });
        });
    };
    Effect::new(move |_| {
        if open.get() && matches!(stage.get_untracked(), Stage::Away) {
            begin();
        }
    });
    move || match stage.get() {
        Stage::Away => ().into_any(),
        Stage::Fetching => {
            view! { <p class="hint coming" role="status">"Loading \u{2026}"</p> }.into_any()
        }
        Stage::Here(draw) => draw(),
        Stage::Failed => {
            let failure = Failure::new(
                "This part of the page could not be loaded",
                "The connection broke, or the page's host has another version now.",
                "Try again. If that does not help, reload the page.",
            );
            view! {
                <FailureCard failure>
                    <button type="button" class="quiet" on:click=move |_| begin()>
                        "Try again"
                    </button>
                </FailureCard>
            }
            .into_any()
        }
    }
}
