//! The top of a box that opens over the page: its title, and the button that closes it.

use leptos::prelude::*;

/// `card` is the id of the popover that closes.
#[component]
pub fn CardHead(title: &'static str, card: &'static str) -> impl IntoView {
    view! {
        <div class="card-head">
            <h2>{title}</h2>
            <button
                type="button"
                class="icon-button"
                popovertarget=card
                popovertargetaction="hide"
                aria-label="Close"
            >
                <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" class="line-icon">
                    <path d="M6 6l12 12M18 6L6 18"></path>
                </svg>
            </button>
        </div>
    }
}
