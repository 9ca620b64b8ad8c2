//! What went wrong, in plain words: the cause, what one can do, and details to copy.

use crate::browser::{Store, to_clipboard};
use crate::failure::Failure;
use crate::state::State;
use crate::state::session::Engine;
use leptos::{prelude::*, task::spawn_local};

/// One failure. `children` are the buttons that do something about it.
#[component]
pub fn FailureCard(failure: Failure, children: Children) -> impl IntoView {
    let details = failure.details.clone().map(|details| {
        let report = format!(
            "{}\n{}\n{}\n\n{details}",
            failure.title, failure.cause, failure.advice
        );
        let copy = move |_| {
            let report = report.clone();
            // A browser that refuses leaves the text selectable on the page.
            spawn_local(async move {
                to_clipboard(&report).await;
            });
        };
        view! {
            <details class="failure-details">
                <summary>"Details"</summary>
                <pre tabindex="0">{details}</pre>
                <button type="button" class="quiet" on:click=copy>
                    "Copy details"
                </button>
            </details>
        }
    });
    view! {
        <section class="failure" role="alert">
            <h2>{failure.title}</h2>
            <p>{failure.cause}</p>
            <p class="advice">{failure.advice}</p>
            {details}
            <div class="actions">{children()}</div>
        </section>
    }
}

/// A failure, where there is one, with a button that tries again.
#[component]
pub fn Retry(failure: Memo<Option<Failure>>, #[prop(into)] again: Callback<()>) -> impl IntoView {
    move || {
        failure.get().map(|failure| {
            view! {
                <FailureCard failure>
                    <button type="button" class="quiet" on:click=move |_| again.run(())>
                        "Try again"
                    </button>
                </FailureCard>
            }
        })
    }
}

/// The session's failure, where there is one.
#[component]
pub fn SessionFailure() -> impl IntoView {
    let store = Store::get();
    let failure = store.view(|state| state.session.failure.clone());
    let broken = store.view(|state| state.session.engine == Engine::Broken);
    let dismiss = move |_| {
        store.change(|state| {
            state.session.dismiss();
            Vec::new()
        });
    };
    let failed = store.view(|state| state.can_try_again());
    let again = move |_| store.change(|state| state.try_again());
    let restart = move |_| store.change(|state| state.restart());
    move || {
        failure.get().map(|failure| {
            view! {
                <FailureCard failure>
                    <Show when=move || broken.get()>
                        <button type="button" class="primary" on:click=restart>
                            "Start the engine again"
                        </button>
                    </Show>
                    <Show when=move || failed.get()>
                        <button type="button" class="primary" on:click=again>"Try again"</button>
                    </Show>
                    <button type="button" class="quiet" on:click=dismiss>"Dismiss"</button>
                </FailureCard>
            }
        })
    }
}

/// The failure of a panel, if it has one, with a button that dismisses it.
#[component]
pub fn PanelFailure(
    failure: fn(&State) -> Option<Failure>,
    dismiss: fn(&mut State),
) -> impl IntoView {
    let store = Store::get();
    let failure = store.view(failure);
    let dismiss = move |_| {
        store.change(|state| {
            dismiss(state);
            Vec::new()
        });
    };
    move || {
        failure.get().map(|failure| {
            view! {
                <FailureCard failure>
                    <button type="button" class="quiet" on:click=dismiss>"Dismiss"</button>
                </FailureCard>
            }
        })
    }
}
