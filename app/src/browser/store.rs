//! The one store: a signal around [`State`], and the only place where its effects are carried out.

use super::address_bar::fragment;
use super::last_run;
use super::own;
use super::save::save;
use super::supervisor::Supervisor;
use super::surroundings::page_file;
use crate::checkpoint::basket::Offered;
use crate::checkpoint::lone::Taken;
use crate::link::Panel;
use crate::protocol::{Event, FolderFiles, MakeEvent, Preference, TeachEvent};
use crate::recipe::Field;
use crate::recipe::TextSource;
use crate::site::Site;
use crate::state::activity::Answer;
use crate::state::inside::Inside;
use crate::state::make::Make;
use crate::state::teach::{KeptRun, Trial};
use crate::state::{Effect, Memory, State};
use leptos::leptos_dom::helpers::{TimeoutHandle, set_timeout_with_handle};
use leptos::task::spawn_local;
use leptos::{ev, prelude::*};
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;

/// How long typing must pause before the engine hears of it; short enough to feel immediate, long
/// enough that a fast typist's keys arrive together.
const TYPING_PAUSE: Duration = Duration::from_millis(70);
const PREFERENCE_KEY: &str = "unmask.device";

/// What someone types into. Each has a pause of its own: one must not swallow what another waits for.
#[derive(Clone, Copy)]
enum Typing {
    Text,
    Recipe,
    Trial,
    Inside,
    Make,
    Hiding,
}

/// Cheap to copy into every closure of the page.
#[derive(Clone, Copy)]
pub struct Store {
    state: RwSignal<State>,
    supervisor: StoredValue<Supervisor, LocalStorage>,
    /// For each kind of typing, what waits until it pauses.
    pauses: StoredValue<[Option<TimeoutHandle>; 6], LocalStorage>,
    /// The change of the address that waits for a pause.
    pub(super) address: StoredValue<Option<TimeoutHandle>, LocalStorage>,
}

impl Store {
    /// Sets up the state and starts the first engine.
    pub fn start(site: Site) -> Self {
        let mut state = State::new(site);
        state.session.preference = remembered_preference();
        // Before the first load is decided: the link may name another model.
        let effects = state.open_fragment(&fragment());
        let store = Self {
            state: RwSignal::new(state),
            supervisor: StoredValue::new_local(Supervisor::default()),
            pauses: StoredValue::new_local([const { None }; 6]),
            address: StoredValue::new_local(None),
        };
        store.carry_out(Effect::Restart);
        store.find_last_run();
        spawn_local(store.list_own());
        store.recall();
        effects
            .into_iter()
            .for_each(|effect| store.carry_out(effect));
        store.follow_address();
        store.warn_before_leaving();
        store.stay_awake();
        store.count_requests();
        store
    }

    /// The store that the page provides to every component.
    pub fn get() -> Self {
        expect_context()
    }

    /// Lets the browser ask before a tab is closed that holds a run, or what it learned.
    fn warn_before_leaving(self) {
        let listener = window_event_listener(ev::beforeunload, move |event| {
            if self.peek(|state| state.teach.would_lose() || state.prove.is_running()) {
                event.prevent_default();
                // What older browsers go by.
                event.set_return_value("");
            }
        });
        on_cleanup(move || listener.remove());
    }

    /// A part of the state; whoever reads it runs again only when that part changes.
    pub fn view<T>(self, part: impl Fn(&State) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.state.with(&part))
    }

    /// A part of the state, for whoever is run again by it at every change.
    pub fn read<T>(self, part: impl FnOnce(&State) -> T) -> T {
        self.state.with(part)
    }

    /// Looks at the state without subscribing to it: for event handlers.
    pub fn peek<T>(self, look: impl FnOnce(&State) -> T) -> T {
        self.state.with_untracked(look)
    }

    /// Changes the state and carries out what follows.
    pub fn change(self, change: impl FnOnce(&mut State) -> Vec<Effect>) {
        let change = |state: &mut State| {
            let mut effects = change(state);
            effects.extend(state.look_inside());
            effects.extend(state.check_step());
            effects
        };
        let Some(effects) = self.state.try_update(change) else {
            return;
        };
        for effect in effects {
            self.carry_out(effect);
        }
        if self.peek(|state| state.teach.rescued.is_none()) {
            self.supervisor.try_update_value(Supervisor::forget_weights);
        }
    }

    /// Changes the text at once and tells the engine when the typing pauses.
    pub fn edit(self, change: impl FnOnce(&mut State)) {
        self.edit_then(Typing::Text, change, State::refresh);
    }

    /// Types into a field of the recipe.
    pub fn edit_setting(self, field: Field, text: String) {
        let change = |state: &mut State| state.teach.settings.edit(field, text);
        self.edit_then(Typing::Recipe, change, State::replan);
    }

    /// Types a text to try.
    pub fn edit_trial(self, change: impl FnOnce(&mut Trial)) {
        let change = |state: &mut State| change(&mut state.teach.trial);
        self.edit_then(Typing::Trial, change, State::try_text);
    }

    /// Types into a box of the Inside panel.
    pub fn edit_inside(self, change: impl FnOnce(&mut Inside)) {
        let change = |state: &mut State| change(&mut state.inside);
        self.edit_then(Typing::Inside, change, State::settle_inside);
    }

    /// Types into the form for a new model.
    pub fn edit_make(self, change: impl FnOnce(&mut Make)) {
        let change = |state: &mut State| change(&mut state.make);
        self.edit_then(Typing::Make, change, State::plan_make);
    }

    /// Types another text, whose hidden words are guessed before and after a run.
    pub fn edit_other(self, text: String) {
        let change = |state: &mut State| state.teach.settings.other = text;
        self.edit_then(Typing::Recipe, change, State::plan);
    }

    /// Types texts to hide words in.
    pub fn edit_hiding(self, text: String) {
        let change = |state: &mut State| state.teach.hiding.typed = text;
        self.edit_then(Typing::Hiding, change, State::deal);
    }

    fn edit_then(
        self,
        typing: Typing,
        change: impl FnOnce(&mut State),
        then: fn(&mut State) -> Vec<Effect>,
    ) {
        self.change(|state| {
            change(state);
            Vec::new()
        });
        let tell = move || self.change(then);
        let handle = set_timeout_with_handle(tell, TYPING_PAUSE).ok();
        self.pauses.update_value(|pauses| {
            if let Some(earlier) = std::mem::replace(&mut pauses[typing as usize], handle) {
                earlier.clear();
            }
        });
    }

    /// Chooses where the arithmetic runs, now and on later visits.
    pub fn prefer(self, preference: Preference) {
        self.change(|state| state.prefer(preference));
        remember_preference(self.peek(|state| state.session.preference));
    }

    /// Takes the answer to the question that the page asks.
    pub fn answer(self, answer: Answer) {
        self.change(|state| state.answer(answer));
        remember_preference(self.peek(|state| state.session.preference));
    }

    /// Takes files someone dropped or picked, with their paths: a checkpoint, a classifier, or
    /// examples to learn from.
    pub fn offer(self, files: Vec<(String, web_sys::File)>) {
        let offered = self.shelve(files);
        self.change(|state| match state.session.offer(&offered) {
            Some(Taken::Checkpoint(source)) => state.load(source),
            Some(Taken::Head(file)) => {
                state.panel = Panel::Teach;
                state.attach(file)
            }
            Some(Taken::Examples(source)) => {
                state.panel = Panel::Teach;
                state.open_texts(source)
            }
            None => Vec::new(),
        });
    }

    /// Takes one file of texts, whatever its name.
    pub fn texts_of(self, file: web_sys::File) -> Option<TextSource> {
        let Offered { path, bytes, slot } = self.shelve(vec![(file.name(), file)]).pop()?;
        Some(TextSource::File {
            name: path,
            bytes,
            slot,
        })
    }

    fn shelve(self, files: Vec<(String, web_sys::File)>) -> Vec<Offered> {
        let named = self.peek(State::named_files);
        let shelve = |supervisor: &mut Supervisor| {
            supervisor.clear_shelf(&named);
            let files = files.into_iter();
            files
                .map(|(path, file)| supervisor.shelve(path, file))
                .collect()
        };
        self.supervisor.try_update_value(shelve).unwrap_or_default()
    }

    fn receive(self, event: Event, attachment: Option<web_sys::Blob>) {
        if let (Event::Make { id, event }, Some(weights)) = (&event, &attachment)
            && let MakeEvent::Made { folder, pieces } = event
        {
            let files = self.keep_folder(folder, weights);
            let offered = self.shelve(files);
            return self.change(|state| state.on_made(*id, *pieces, &offered));
        }
        if let (Event::Teach { event, .. }, Some(blob)) = (&event, attachment) {
            match event {
                TeachEvent::Folder { folder } => drop(self.keep_folder(folder, &blob)),
                TeachEvent::File { name } => save(&blob, name),
                TeachEvent::Snapshot { .. } => {
                    let keep = |supervisor: &mut Supervisor| supervisor.keep_weights(blob);
                    self.supervisor.try_update_value(keep);
                }
                _ => {}
            }
        }
        self.change(|state| {
            state.session.now = js_sys::Date::now();
            state.receive(event)
        });
    }

    /// Keeps a folder on this device; returns its files.
    fn keep_folder(
        self,
        folder: &FolderFiles,
        weights: &web_sys::Blob,
    ) -> Vec<(String, web_sys::File)> {
        let name = self.peek(|state| state.free_name(&folder.name));
        let files = own::files_of(folder, &name, weights);
        let kept = files.clone();
        spawn_local(async move {
            let outcome = own::keep(&name, &kept, js_sys::Date::now()).await;
            if let Err(error) = &outcome {
                web_sys::console::warn_2(&"the model is not kept on this device:".into(), error);
            }
            let list = own::list().await;
            self.change(|state| state.on_own(list, outcome.is_err().then_some(name)));
        });
        files
    }

    async fn open_own(self, name: String) {
        match own::fetch(&name).await {
            Some(files) => self.offer(files),
            None => self.change(|state| state.on_own_gone(&name)),
        }
    }

    async fn forget_own(self, name: String) {
        own::forget(&name).await;
        self.list_own().await;
    }

    async fn list_own(self) {
        let list = own::list().await;
        self.change(|state| state.on_own(list, None));
    }

    /// Asks the browser not to delete what this page keeps; some ask the visitor.
    async fn persist(self) {
        let asked = window().navigator().storage().persist();
        let Ok(asked) = asked else { return };
        let answer = JsFuture::from(asked).await.ok();
        if let Some(answer) = answer.and_then(|answer| answer.as_bool()) {
            self.change(|state| {
                state.opening.persistent = Some(answer);
                Vec::new()
            });
        }
    }

    async fn read_gallery(self) {
        let text = page_file("gallery.json").await;
        self.change(|state| state.on_gallery(text));
    }

    /// Brings back what earlier visits left as texts.
    fn recall(self) {
        for memory in Memory::ALL {
            if let Some(text) = recalled(memory) {
                self.change(|state| state.on_remembered(memory, &text));
            }
        }
    }

    /// Offers the run that an earlier visit left.
    fn find_last_run(self) {
        spawn_local(async move {
            if let Some(kept) = last_run::find().await {
                self.change(|state| {
                    state.session.now = js_sys::Date::now();
                    state.on_kept_run(kept)
                });
            }
        });
    }

    async fn keep_run(
        self,
        kept: KeptRun,
        weights: Option<web_sys::Blob>,
        texts: Option<web_sys::File>,
    ) {
        if let Err(error) = last_run::keep(&kept, weights, texts).await {
            web_sys::console::warn_2(&"the run is not kept on this device:".into(), &error);
            self.change(|state| state.on_run_not_kept(kept.began));
        }
    }

    async fn fetch_run(self, kept: KeptRun) {
        let found = last_run::fetch(&kept).await;
        let slot = found.map(|(weights, texts)| {
            let take = |supervisor: &mut Supervisor| supervisor.keep_weights(weights);
            self.supervisor.try_update_value(take);
            let name = kept.texts.name().to_owned();
            let texts = texts.map(|file| self.shelve(vec![(name, file)]));
            texts
                .and_then(|mut shelved| shelved.pop())
                .map(|offered| offered.slot)
        });
        self.change(|state| state.on_run_fetched(kept, slot));
    }

    fn carry_out(self, effect: Effect) {
        let outcome = self.supervisor.try_update_value(|supervisor| match effect {
            Effect::Send(command) => supervisor.send(&command),
            Effect::Restart => {
                supervisor.restart(move |event, attachment| self.receive(event, attachment))
            }
            Effect::Persist => {
                spawn_local(self.persist());
                Ok(())
            }
            Effect::ReadGallery => {
                spawn_local(self.read_gallery());
                Ok(())
            }
            Effect::KeepRun(kept) => {
                let (weights, texts) = supervisor.parts_of(&kept.texts);
                spawn_local(self.keep_run(*kept, weights, texts));
                Ok(())
            }
            Effect::FetchRun(kept) => {
                spawn_local(self.fetch_run(*kept));
                Ok(())
            }
            Effect::OpenOwn(name) => {
                spawn_local(self.open_own(name));
                Ok(())
            }
            Effect::ForgetOwn(name) => {
                spawn_local(self.forget_own(name));
                Ok(())
            }
            Effect::Remember(memory, text) => {
                remember(memory, &text);
                Ok(())
            }
            Effect::ForgetRun => {
                spawn_local(last_run::forget());
                Ok(())
            }
        });
        if let Some(Err(failure)) = outcome {
            self.receive(Event::Fatal { failure }, None);
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn recalled(memory: Memory) -> Option<String> {
    storage()?.get_item(memory.key()).ok().flatten()
}

fn remember(memory: Memory, text: &str) {
    if let Some(storage) = storage() {
        // Full, or private: it then lasts for this visit.
        let _ = storage.set_item(memory.key(), text);
    }
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
