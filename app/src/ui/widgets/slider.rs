//! A number that is chosen along a line.

use leptos::prelude::*;
use std::ops::RangeInclusive;

/// Its name, the line, and what it stands at. `words` are said and shown in place of the number; with `at_rest` it is `set`
/// where the line is let go, else at every move.
#[component]
pub fn Slider(
    id: &'static str,
    label: &'static str,
    range: RangeInclusive<usize>,
    #[prop(into)] value: Signal<usize>,
    #[prop(optional, into)] words: Option<Signal<String>>,
    #[prop(optional)] at_rest: bool,
    set: impl Fn(usize) + Copy + 'static,
) -> impl IntoView {
    let shown = move || words.map_or_else(|| value.get().to_string(), |words| words.get());
    let (least, most) = range.into_inner();
    let take = move |text: String| {
        if let Ok(number) = text.parse::<usize>() {
            set(number.clamp(least, most));
        }
    };
    view! {
        <label class="range" for=id>
            <span>{label}</span>
            <input
                type="range"
                id=id
                min=least.to_string()
                max=most.to_string()
                aria-valuetext=words.map(|_| shown)
                prop:value=move || value.get().to_string()
                on:input:target=move |event| if !at_rest { take(event.target().value()) }
                on:change:target=move |event| if at_rest { take(event.target().value()) }
            />
            <output for=id>{shown}</output>
        </label>
    }
}
