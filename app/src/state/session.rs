//! The engine and the model: which device, which checkpoint, what goes on, what went wrong.

use crate::checkpoint::Source;
use crate::checkpoint::address::Address;
use crate::checkpoint::basket::{Basket, Offered};
use crate::checkpoint::lone::{Taken, lone};
use crate::failure::Failure;
use crate::protocol::{
    Command, DeviceReport, KernelCheck, Memory, ModelFacts, Preference, Progress, RequestId,
    SelfTest, Stage,
};
use crate::site::Site;

/// The checkpoint that is published with the page where the host has not chosen another.
pub fn bundled() -> Source {
    Site::default().bundled()
}

/// How the engine's worker is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Its program is being fetched and compiled.
    #[default]
    Starting,
    /// It listens.
    Alive,
    /// It broke; only a restart helps.
    Broken,
}

/// A load under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Loading {
    pub id: RequestId,
    pub source: Source,
    pub progress: Progress,
    pub cancelling: bool,
}

/// The engine and the model as the page knows them.
#[derive(Clone, Debug)]
pub struct Session {
    pub preference: Preference,
    pub engine: Engine,
    pub device: Option<DeviceReport>,
    /// What the self-test has found so far.
    pub test: Option<SelfTest>,
    /// Why the CPU computes although the GPU was preferred: what that computes wrong, in a sentence.
    pub(super) stands_in: Option<String>,
    /// Whether the visitor chose the GPU knowing that it computes wrong.
    pub(super) insists: bool,
    pub memory: Memory,
    pub model: Option<ModelFacts>,
    pub loading: Option<Loading>,
    pub failure: Option<Failure>,
    /// What failed to load, where trying again may help.
    pub failed: Option<Source>,
    /// What could not be looked at, where trying again may help.
    pub(super) unseen: Option<Address>,
    /// Files given so far for a checkpoint that is not complete yet.
    pub basket: Basket,
    /// What the present model was loaded from, and what a new engine loads again.
    wanted: Option<Source>,
    bundled: Source,
    /// When each of the last devices was lost.
    losses: Vec<f64>,
    /// The time, in milliseconds since 1970, as of the last message. The page keeps it.
    pub now: f64,
}

impl Default for Session {
    fn default() -> Self {
        Self::new(bundled())
    }
}

/// After this many lost devices in a short time the page stops starting new engines by itself.
const RESTARTS_BY_ITSELF: usize = 2;
/// A loss is forgotten after this many milliseconds: a laptop that sleeps loses its device each time.
const LOSSES_COUNT_MS: f64 = 10.0 * 60_000.0;

impl Session {
    /// A session that begins with the host's checkpoint.
    pub fn new(bundled: Source) -> Self {
        Self {
            preference: Preference::default(),
            engine: Engine::default(),
            device: None,
            test: None,
            stands_in: None,
            insists: false,
            memory: Memory::default(),
            model: None,
            loading: None,
            failure: None,
            failed: None,
            unseen: None,
            basket: Basket::default(),
            wanted: Some(bundled.clone()),
            bundled,
            losses: Vec::new(),
            now: 0.0,
        }
    }

    /// The checkpoint that is published with the page.
    pub fn bundled(&self) -> Source {
        self.bundled.clone()
    }

    /// A new engine listens; `id` names the load it is given, if any.
    pub(super) fn on_alive(&mut self, id: RequestId) -> Option<Command> {
        if self.engine == Engine::Broken {
            // It was thought dead, and only took long.
            self.failure = None;
        }
        self.engine = Engine::Alive;
        let source = match self.loading.take() {
            Some(loading) => loading.source,
            None => self.wanted.clone()?,
        };
        // Not `load`: what is said of a lost device stays until it has been read.
        self.begin(id, source)
    }

    /// Asks for a load, or remembers it until the engine listens.
    pub(super) fn load(&mut self, id: RequestId, source: Source) -> Option<Command> {
        self.dismiss();
        self.begin(id, source)
    }

    fn begin(&mut self, id: RequestId, source: Source) -> Option<Command> {
        let progress = Progress {
            stage: Stage::Wait,
            done: 0,
            total: None,
            speed: None,
        };
        self.loading = Some(Loading {
            id,
            source: source.clone(),
            progress,
            cancelling: false,
        });
        (self.engine == Engine::Alive).then_some(Command::Load { id, source })
    }

    pub(super) fn cancel_load(&mut self) -> Option<Command> {
        let loading = self.loading.as_mut()?;
        if self.engine != Engine::Alive {
            self.loading = None;
            return None;
        }
        loading.cancelling = true;
        Some(Command::CancelLoad { id: loading.id })
    }

    pub(super) fn on_progress(&mut self, id: RequestId, progress: Progress) {
        if let Some(loading) = self.loading.as_mut().filter(|loading| loading.id == id) {
            loading.progress = progress;
        }
    }

    /// A new model is in place. If a newer load has been asked for meanwhile, that one goes on.
    pub(super) fn on_loaded(&mut self, id: RequestId, model: ModelFacts) {
        if let Some(loading) = self.loading.take_if(|loading| loading.id == id) {
            self.wanted = Some(loading.source.kept());
        }
        self.model = Some(model);
    }

    /// A load failed or was cancelled; the model that was there still is.
    pub(super) fn on_load_ended(&mut self, id: RequestId, failure: Option<Failure>) {
        if let Some(loading) = self.loading.take_if(|loading| loading.id == id) {
            let failed = failure.is_some() && loading.source.address().is_some();
            self.failed = failed.then_some(loading.source);
            self.failure = failure;
        }
    }

    /// A link names another model than the one that would be loaded first.
    pub(super) fn expect_another(&mut self) {
        if self.model.is_none() && self.loading.is_none() {
            self.wanted = None;
        }
    }

    /// Where anyone could load the present model, if it is not the bundled one or from files.
    pub fn address(&self) -> Option<Address> {
        let source = self.wanted.as_ref().filter(|_| self.model.is_some())?;
        source.address().cloned()
    }

    /// Whether a new engine should be started without asking.
    pub(super) fn on_device_lost(&mut self, failure: Failure) -> bool {
        let now = self.now;
        self.losses.retain(|at| now - at < LOSSES_COUNT_MS);
        self.losses.push(now);
        self.forget_engine();
        self.failure = Some(failure);
        let again = self.losses.len() <= RESTARTS_BY_ITSELF;
        self.engine = if again {
            Engine::Starting
        } else {
            Engine::Broken
        };
        again
    }

    pub(super) fn on_fatal(&mut self, failure: Failure) {
        if self.engine == Engine::Broken {
            // One end has several reports: the first, from the panic itself, says most.
            return;
        }
        self.forget_engine();
        self.loading = None;
        self.engine = Engine::Broken;
        self.failure = Some(failure);
    }

    pub(super) fn on_restart(&mut self) {
        self.forget_engine();
        self.engine = Engine::Starting;
        self.failure = None;
        self.losses.clear();
    }

    pub(super) fn unload(&mut self) {
        self.wanted = None;
        self.loading = None;
        self.basket = Basket::default();
    }

    /// What died with the worker.
    fn forget_engine(&mut self) {
        self.device = None;
        self.test = None;
        self.model = None;
        self.memory = Memory::default();
    }

    /// Takes dropped or picked files and says what they are, once a checkpoint is complete.
    pub fn offer(&mut self, offered: &[Offered]) -> Option<Taken> {
        if let Some(taken) = lone(offered) {
            return Some(taken);
        }
        match self.basket.add(offered).and_then(|()| self.basket.take()) {
            Ok(source) => Some(Taken::Checkpoint(source)),
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    /// Whether the bundled checkpoint is loaded or on its way, so that it need not be offered.
    pub fn has_or_loads_bundled(&self) -> bool {
        let is_bundled = |source: &Source| *source == self.bundled;
        match &self.loading {
            Some(loading) => is_bundled(&loading.source),
            None => self.model.is_some() && self.wanted.as_ref().is_some_and(is_bundled),
        }
    }

    /// Of the present model's weights.
    pub(super) fn sha256(&self) -> Option<&String> {
        self.model.as_ref().map(|model| &model.sha256)
    }

    /// What the present model was loaded from.
    pub(super) fn source(&self) -> Option<Source> {
        self.wanted.clone()
    }

    /// The visitor's files that may be read again.
    pub(super) fn slots(&self) -> Vec<usize> {
        let loading = self.loading.as_ref().map(|loading| &loading.source);
        let sources = [loading, self.wanted.as_ref(), self.failed.as_ref()];
        let named = sources.into_iter().flatten().flat_map(Source::slots);
        named.chain(self.basket.slots()).collect()
    }

    /// Puts the failure away once it has been read.
    pub fn dismiss(&mut self) {
        self.failure = None;
        self.failed = None;
        self.unseen = None;
    }

    /// Kernels that failed the self-test; some may not be used any more.
    pub fn failed_checks(&self) -> impl Iterator<Item = &KernelCheck> {
        self.test.iter().flat_map(SelfTest::failed)
    }
}
