//! The one store: a signal around [`State`], and the only place where its effects are carried out.

use super::supervisor::Supervisor;
use crate::protocol::{Event, Preference};
use crate::sources::files::Offered;
use crate::state::{Effect, State};
use leptos::leptos_dom::helpers::{TimeoutHandle, set_timeout_with_handle};
use leptos::prelude::*;
use std::time::Duration;

/// How long typing must pause before the engine hears of it; short enough to feel immediate, long
/// enough that a fast typist's keys arrive together.
const TYPING_PAUSE: Duration = Duration::from_millis(70);
const PREFERENCE_KEY: &str = "unmask.device";

/// Cheap to copy into every closure of the page.
#[derive(Clone, Copy)]
pub struct Store {
    state: RwSignal<State>,
    supervisor: StoredValue<Supervisor, LocalStorage>,
    pause: StoredValue<Option<TimeoutHandle>, LocalStorage>,
}

impl Store {
    /// Sets up the state and starts the first engine.
    pub fn start() -> Self {
        let mut state = State::default();
        state.session.preference = remembered_preference();
        let store = Self {
            state: RwSignal::new(state),
            supervisor: StoredValue::new_local(Supervisor::default()),
            pause: StoredValue::new_local(None),
        };
        store.carry_out(Effect::Restart);
        store
    }

    /// The store that the page provides to every component.
    pub fn get() -> Self {
        expect_context()
    }

    /// A part of the state; whoever reads it runs again only when that part changes.
    pub fn view<T>(self, part: impl Fn(&State) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.state.with(&part))
    }

    /// Looks at the state without subscribing to it: for event handlers.
    pub fn peek<T>(self, look: impl FnOnce(&State) -> T) -> T {
        self.state.with_untracked(look)
    }

    /// Changes the state and carries out what follows.
    pub fn change(self, change: impl FnOnce(&mut State) -> Vec<Effect>) {
        let Some(effects) = self.state.try_update(change) else {
            return;
        };
        for effect in effects {
            self.carry_out(effect);
        }
    }

    /// Changes the text at once and tells the engine when the typing pauses.
    pub fn edit(self, change: impl FnOnce(&mut State)) {
        self.change(|state| {
            change(state);
            Vec::new()
        });
        let refresh = move || self.change(State::refresh);
        let handle = set_timeout_with_handle(refresh, TYPING_PAUSE).ok();
        self.pause.update_value(|pause| {
            if let Some(earlier) = std::mem::replace(pause, handle) {
                earlier.clear();
            }
        });
    }

    /// Chooses where the arithmetic runs, now and on later visits.
    pub fn prefer(self, preference: Preference) {
        remember_preference(preference);
        self.change(|state| state.prefer(preference));
    }

    /// Takes files someone dropped or picked, with their paths.
    pub fn offer(self, files: Vec<(String, web_sys::File)>) {
        let offered: Vec<Offered> = self
            .supervisor
            .try_update_value(|supervisor| {
                files
                    .into_iter()
                    .map(|(path, file)| supervisor.shelve(path, file))
                    .collect()
            })
            .unwrap_or_default();
        self.change(|state| match state.session.offer(&offered) {
            Some(source) => state.load(source),
            None => Vec::new(),
        });
    }

    fn receive(self, event: Event) {
        self.change(|state| state.receive(event));
    }

    fn carry_out(self, effect: Effect) {
        let outcome = self.supervisor.try_update_value(|supervisor| match effect {
            Effect::Send(command) => supervisor.send(&command),
            Effect::Restart => supervisor.restart(move |event| self.receive(event)),
        });
        if let Some(Err(failure)) = outcome {
            self.receive(Event::Fatal { failure });
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn remembered_preference() -> Preference {
    let stored = storage().and_then(|storage| storage.get_item(PREFERENCE_KEY).ok().flatten());
    match stored.as_deref() {
        Some("gpu") => Preference::Gpu,
        Some("cpu") => Preference::Cpu,
        _ => Preference::Auto,
    }
}

fn remember_preference(preference: Preference) {
    let value = match preference {
        Preference::Auto => "auto",
        Preference::Gpu => "gpu",
        Preference::Cpu => "cpu",
    };
    if let Some(storage) = storage() {
        // Private windows may refuse; the choice then lasts for this visit.
        let _ = storage.set_item(PREFERENCE_KEY, value);
    }
}
