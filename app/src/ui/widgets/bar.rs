//! The inside of a list item that is a bar of a chart.

use leptos::prelude::*;

/// `share`: how wide, from 0 to 1. `children`: its name.
#[component]
pub fn Bar(share: f32, value: String, children: Children) -> impl IntoView {
    let width = format!("{:.1}%", share.clamp(0.0, 1.0) * 100.0);
    view! {
        <span class="bar-fill" aria-hidden="true" style:width=width></span>
        <span class="bar-token" dir="auto">{children()}</span>
        <span class="bar-value">{value}</span>
    }
}
