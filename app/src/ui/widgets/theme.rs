//! Light, dark, or as the system says.

use leptos::prelude::*;

/// Also read by `theme.js`, before the first paint.
const KEY: &str = "unmask.theme";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn from_name(name: Option<&str>) -> Self {
        match name {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// Applies and remembers a theme; the style sheet and `theme.js` go by the root's `data-theme`.
fn apply(theme: Theme) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme.name());
    }
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(KEY, theme.name());
    }
}

#[component]
pub fn ThemeButton() -> impl IntoView {
    let stored = window()
        .local_storage()
        .ok()
        .flatten()
        .and_then(|storage| storage.get_item(KEY).ok().flatten());
    let (theme, set_theme) = signal(Theme::from_name(stored.as_deref()));
    let switch = move |_| {
        let next = theme.get_untracked().next();
        apply(next);
        set_theme.set(next);
    };
    let label = move || {
        let theme = theme.get();
        format!(
            "Colours: {}. Switch to {}.",
            theme.name(),
            theme.next().name()
        )
    };
    let path = move || match theme.get() {
        // A half-filled disc, a sun, a moon.
        Theme::System => "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 3v18a9 9 0 0 0 0-18z",
        Theme::Light => {
            "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M4.9 4.9l2.1 2.1\
             M17 17l2.1 2.1M4.9 19.1l2.1-2.1M17 7l2.1-2.1"
        }
        Theme::Dark => "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
    };
    view! {
        <button class="icon-button" type="button" on:click=switch aria-label=label title=label>
            <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" class="line-icon">
                <path d=path></path>
            </svg>
        </button>
    }
}
