//! The way from panel to panel: one stop in the tab order, arrow keys between the tabs.

use crate::browser::Store;
use crate::link::Panel;
use crate::ui::widgets::focus::focus;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

fn id_of(panel: Panel) -> &'static str {
    match panel {
        Panel::Probe => "tab-probe",
        Panel::Inside => "tab-inside",
        Panel::Teach => "tab-teach",
        Panel::Prove => "tab-prove",
        Panel::Learn => "tab-learn",
        Panel::Bench => "tab-bench",
    }
}

fn controls(panel: Panel) -> &'static str {
    match panel {
        Panel::Probe => "panel-probe",
        Panel::Inside => "panel-inside",
        Panel::Teach => "panel-teach",
        Panel::Prove => "panel-prove",
        Panel::Learn => "panel-learn",
        Panel::Bench => "panel-bench",
    }
}

/// Moves the focus to a panel's tab.
pub fn focus_tab(panel: Panel) {
    focus(id_of(panel));
}

#[component]
pub fn Tabs() -> impl IntoView {
    let store = Store::get();
    let here = store.view(|state| state.panel);
    let show = move |panel: Panel| {
        store.change(|state| {
            state.panel = panel;
            Vec::new()
        });
    };
    let on_key = move |event: KeyboardEvent| {
        let now = Panel::ALL.iter().position(|p| *p == here.get_untracked());
        let (now, count) = (now.unwrap_or(0), Panel::ALL.len());
        let next = match event.key().as_str() {
            "ArrowRight" => (now + 1) % count,
            "ArrowLeft" => (now + count - 1) % count,
            "Home" => 0,
            "End" => count - 1,
            _ => return,
        };
        event.prevent_default();
        show(Panel::ALL[next]);
        focus_tab(Panel::ALL[next]);
    };
    let tabs = Panel::ALL.map(|panel| {
        view! {
            <button
                type="button"
                role="tab"
                class="tab"
                id=id_of(panel)
                aria-controls=controls(panel)
                aria-selected=move || (here.get() == panel).to_string()
                tabindex=move || if here.get() == panel { "0" } else { "-1" }
                on:click=move |_| show(panel)
            >
                {panel.label()}
            </button>
        }
    });
    view! {
        <div class="tabs" role="tablist" aria-label="What to do" on:keydown=on_key>
            {tabs.into_iter().collect_view()}
        </div>
    }
}

/// What a tab shows, there all the time and hidden behind the others.
#[component]
pub fn TabPanel(panel: Panel, children: Children) -> impl IntoView {
    let here = Store::get().view(|state| state.panel);
    view! {
        <div
            id=controls(panel)
            role="tabpanel"
            aria-labelledby=id_of(panel)
            hidden=move || here.get() != panel
        >
            {children()}
        </div>
    }
}
