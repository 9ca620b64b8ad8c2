//! What the engine does when nothing is asked of it: it tests the larger shaders one by one and, on
//! a GPU, tries which of several are the fastest here. The first answer comes before both.

use super::io::worker::{breathe, sleep, ticks};
use super::{Engine, PULSE_MS, device};
use crate::protocol::{Event, SelfTest};
use kernels::gpu::Gpu;
use kernels::{CancelToken, Control, Device, Extent, self_test};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How often it is looked whether there is time.
const LOOK_MS: i32 = 100;
/// Nothing has been asked for so long: who types has paused.
const PAUSE_MS: f64 = 500.0;
/// Where nothing was answered yet, nothing has been asked for so long.
const QUIET_MS: f64 = 2000.0;
/// Trials take no longer at a time.
const BUDGET_MS: f64 = 400.0;
/// Trials that decide nothing are not repeated for ever.
const MOST_TRIALS: usize = 64;

/// What is known of the work under way.
#[derive(Default)]
pub(super) struct Idle {
    /// Pieces of work under way.
    working: Cell<usize>,
    /// When a command came last, or a piece of work ended.
    stirred: Cell<f64>,
    /// Whether a probe or a try has been answered.
    answered: Cell<bool>,
    /// Ends the trials under way.
    trials: RefCell<Option<CancelToken>>,
}

/// A piece of work under way, until this is dropped.
pub(super) struct Work(Rc<Engine>);

impl Drop for Work {
    fn drop(&mut self) {
        let idle = &self.0.idle;
        idle.working.set(idle.working.get() - 1);
        idle.stirred.set(ticks());
    }
}

impl Engine {
    /// Notes that a piece of work begins.
    pub(super) fn work(self: &Rc<Self>) -> Work {
        self.idle.working.set(self.idle.working.get() + 1);
        Work(self.clone())
    }

    /// A command has come: what goes on for want of one ends.
    pub(super) fn stir(&self) {
        self.idle.stirred.set(ticks());
        if let Some(token) = &*self.idle.trials.borrow() {
            token.cancel();
        }
    }

    /// Notes that something was answered.
    pub(super) fn note_answer(&self) {
        self.idle.answered.set(true);
    }

    /// Waits for the end of trials that were asked to end: shaders are not changed from here on
    /// until the engine is idle again.
    pub(super) async fn trials_over(&self) {
        while self.idle.trials.borrow().is_some() {
            sleep(LOOK_MS / 10).await;
        }
    }

    fn has_time(&self) -> bool {
        let pause = match self.idle.answered.get() {
            true => PAUSE_MS,
            false => QUIET_MS,
        };
        self.idle.working.get() == 0 && ticks() - self.idle.stirred.get() >= pause
    }

    /// Waits until there is time; `false` where the device is lost.
    async fn rest(&self, gpu: &Gpu) -> bool {
        loop {
            sleep(LOOK_MS).await;
            if gpu.lost().is_some() {
                return false;
            }
            if self.has_time() {
                return true;
            }
        }
    }

    /// Tests every operation, then, whenever there is time, the variants of products that may be
    /// chosen and have not been tried; then lets trials choose.
    pub(super) async fn test_and_try(self: Rc<Self>, device: Device) {
        let found = self_test(&device, Extent::Start).await;
        let Device::Gpu(gpu) = &device else {
            return self.tell_test(device::tested(&device, found, true)).await;
        };
        if self.proves_nothing(&found).await {
            return;
        }
        // There is no point in testing more of what is wrong.
        let complete = !found.trusted;
        self.tell_test(device::tested(&device, found, complete))
            .await;
        let (mut trusted, mut trials) = (!complete, 0);
        while trusted && self.rest(gpu).await {
            if gpu.has_untested() || !self.tested.borrow().complete {
                trusted = self.test_variant(&device, gpu).await;
            } else if trials < MOST_TRIALS && gpu.wants_trials() {
                trials += usize::from(self.try_shaders(gpu).await);
            } else {
                sleep(PULSE_MS).await;
            }
        }
    }

    /// Whether something was found wrong because the device is being taken away. Firefox hands out
    /// zeros then, and tells of the loss only afterwards.
    async fn proves_nothing(&self, found: &kernels::SelfTest) -> bool {
        !found.trusted && self.loses_device().await
    }

    /// Tests a variant that may be chosen and has not been tried; says whether the device can be
    /// trusted.
    async fn test_variant(self: &Rc<Self>, device: &Device, gpu: &Gpu) -> bool {
        let found = self_test(device, Extent::Variant).await;
        if self.proves_nothing(&found).await {
            return false;
        }
        let complete = !found.trusted || !gpu.has_untested();
        let mut test = device::tested(device, found, complete);
        let mut checks = self.tested.borrow().checks.clone();
        for check in test.checks {
            match checks.iter_mut().find(|one| one.kernel == check.kernel) {
                Some(earlier) => *earlier = check,
                None => checks.push(check),
            }
        }
        test.checks = checks;
        let trusted = test.trusted;
        self.tell_test(test).await;
        trusted
    }

    /// Runs trials until a command comes or their time is over; says whether they ended by
    /// themselves.
    async fn try_shaders(&self, gpu: &Rc<Gpu>) -> bool {
        let token = CancelToken::default();
        *self.idle.trials.borrow_mut() = Some(token.clone());
        let control = Control::new(token.clone(), breathe);
        let outcome = gpu.run_trials(BUDGET_MS, &control).await;
        *self.idle.trials.borrow_mut() = None;
        if let Err(error) = outcome {
            // The watch tells of a lost device.
            log::warn!("trials of shaders: {error}");
        }
        !token.is_cancelled()
    }

    /// Tells the page what the self-test has found. What was learned here before that is in doubt
    /// where something was found wrong.
    async fn tell_test(self: &Rc<Self>, test: SelfTest) {
        let doubt = test.doubt_since(&self.tested.borrow());
        self.tested.replace(test.clone());
        // Where that part is not here, nothing was learned.
        if let (Some(doubt), Some(part)) = (doubt, self.later.learning.get()) {
            (part.doubt)(self.clone(), doubt).await;
        }
        super::post(&Event::SelfTest { test });
        self.tell_memory();
    }
}
