//! How far something is.

use leptos::prelude::*;

/// `fraction`: from 0 to 1, or `None` while nobody knows. `words`: the same for screen readers.
#[component]
pub fn ProgressBar(
    label: &'static str,
    #[prop(into)] fraction: Signal<Option<f64>>,
    #[prop(into)] words: Signal<String>,
) -> impl IntoView {
    let percent = Memo::new(move |_| fraction.get().map(|share| (share * 100.0).round() as u32));
    view! {
        <div
            class="progress"
            class:unknown=move || percent.get().is_none()
            role="progressbar"
            aria-label=label
            aria-valuemin="0"
            aria-valuemax="100"
            aria-valuenow=move || percent.get().map(|percent| percent.to_string())
            aria-valuetext=move || words.get()
        >
            <div style:width=move || format!("{}%", percent.get().unwrap_or(100))></div>
        </div>
    }
}
