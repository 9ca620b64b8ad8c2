//! Submissions: bounded by estimated time, at most two in flight, each in an error scope.
//!
//! What a dispatch will take is estimated from its operations and bytes at the rate of the last
//! submissions, carefully at first; once it has run, from how long it took. A submission that is too
//! long freezes the desktop, and after two seconds Windows takes the GPU away.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use super::clock::now;
use super::device::Gpu;
use super::faults::Fate;
use super::signal::{Wait, signal};
use crate::control::LocalBoxFuture;
use crate::error::DeviceError;

/// Milliseconds of a submission to a GPU.
const BUDGET_MS: f64 = 30.0;
/// The same for a software adapter, where cutting costs more and nothing else is held up.
const SOFTWARE_BUDGET_MS: f64 = 100.0;
/// Work a millisecond before anything was measured: 20 GFLOP/s, a tenth of what small GPUs do.
const CAREFUL_RATE: f64 = 2e7;
/// The same for a software adapter.
const SOFTWARE_RATE: f64 = 1e7;
/// Operations that take as long as moving a byte does.
const WORK_OF_A_BYTE: f64 = 8.0;
/// The same for a software adapter, which computes little faster than it reads.
const SOFTWARE_WORK_OF_A_BYTE: f64 = 1.0;
/// What a dispatch costs at least, in operations.
const WORK_OF_A_DISPATCH: f64 = 1e5;
/// Submissions that the GPU has at a time.
const IN_FLIGHT: usize = 2;
/// How much longer or shorter than estimated a submission is believed to be, at a time.
const SURPRISE: f64 = 8.0;
/// Milliseconds from which on the news of an end come too late.
const LATE_MS: f64 = 20.0;
/// Milliseconds from which on a submission tells how fast the device is.
const TELLING_MS: f64 = 2.0;

/// Submissions of runs since they were last asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Submits {
    /// How many.
    pub count: usize,
    /// Milliseconds that the longest took, from the end of the one before.
    pub longest_ms: f64,
}

/// The dispatches of a prepared plan: what each computes, and what it took, once that is known.
#[derive(Debug)]
pub(super) struct Costs {
    /// Operations, with what moving bytes is worth.
    work: Vec<f64>,
    /// Milliseconds; 0 where it never ran.
    taken: Vec<Cell<f64>>,
}

impl Costs {
    pub fn new(work: Vec<f64>) -> Rc<Self> {
        let taken = vec![Cell::new(0.0); work.len()];
        Rc::new(Self { work, taken })
    }
}

/// A submission that the GPU may still be at.
struct Flight {
    /// Tells when it was done.
    done: Wait<f64>,
    #[cfg(not(target_arch = "wasm32"))]
    index: wgpu::SubmissionIndex,
    piece: Piece,
    check: LocalBoxFuture<'static, Result<(), DeviceError>>,
}

/// Dispatches that were submitted together.
struct Piece {
    costs: Rc<Costs>,
    part: Range<usize>,
    /// When they were submitted.
    begun: f64,
}

/// What a device knows of its submissions.
pub(super) struct Submissions {
    software: bool,
    /// Work a millisecond.
    rate: Cell<f64>,
    /// Milliseconds from a submission to the news of its end, where there is nothing to do.
    latency: Cell<f64>,
    /// Whether a browser tells so late that it is to be asked.
    nudges: Cell<bool>,
    /// When the last one that is over was done.
    last_done: Cell<f64>,
    flights: RefCell<VecDeque<Flight>>,
    submits: Cell<Submits>,
    /// What went wrong and was not told yet.
    failed: RefCell<Option<DeviceError>>,
    /// What the driver complained of outside all error scopes.
    pub uncaptured: Arc<Mutex<Option<String>>>,
}

impl std::fmt::Debug for Submissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Submissions").finish_non_exhaustive()
    }
}

impl Submissions {
    pub fn new(software: bool) -> Self {
        let rate = if software {
            SOFTWARE_RATE
        } else {
            CAREFUL_RATE
        };
        Self {
            software,
            rate: Cell::new(rate),
            latency: Cell::new(0.0),
            nudges: Cell::new(false),
            last_done: Cell::new(f64::NEG_INFINITY),
            flights: RefCell::default(),
            submits: Cell::default(),
            failed: RefCell::default(),
            uncaptured: Arc::default(),
        }
    }

    /// What a dispatch's operations and bytes amount to.
    pub fn work(&self, flops: f64, bytes: u64) -> f64 {
        let of_a_byte = match self.software {
            true => SOFTWARE_WORK_OF_A_BYTE,
            false => WORK_OF_A_BYTE,
        };
        WORK_OF_A_DISPATCH + flops + of_a_byte * bytes as f64
    }

    /// The dispatches from `first` on, and before `end`, that fit a submission: at least one.
    pub fn piece(&self, costs: &Costs, first: usize, end: usize) -> usize {
        let budget = match self.software {
            true => SOFTWARE_BUDGET_MS,
            false => BUDGET_MS,
        };
        let mut total = 0.0;
        let fits = |&i: &usize| {
            total += self.estimate(costs, i);
            total <= budget
        };
        (first..end).take_while(fits).count().max(1)
    }

    fn estimate(&self, costs: &Costs, i: usize) -> f64 {
        match costs.taken[i].get() {
            0.0 => costs.work[i] / self.rate.get(),
            taken => taken,
        }
    }

    /// Takes in how long a submission lasted.
    fn learn(&self, piece: &Piece, done: f64) {
        let Piece { costs, part, begun } = piece;
        let was_idle = *begun >= self.last_done.get();
        let lasted = done - begun.max(self.last_done.get());
        self.last_done.set(done);
        let mut submits = self.submits.get();
        submits.longest_ms = submits.longest_ms.max(lasted);
        self.submits.set(submits);
        // What came to an idle GPU was done some time before one heard of it.
        let heard_late = if was_idle { self.latency.get() } else { 0.0 };
        let lasted = lasted - heard_late.min(lasted);
        let estimates: Vec<f64> = part.clone().map(|i| self.estimate(costs, i)).collect();
        let expected: f64 = estimates.iter().sum();
        let ratio = (lasted / expected).clamp(1.0 / SURPRISE, SURPRISE);
        for (i, estimate) in part.clone().zip(estimates) {
            costs.taken[i].set(estimate * ratio);
        }
        if lasted >= TELLING_MS {
            let work: f64 = costs.work[part.clone()].iter().sum();
            let rate = self.rate.get();
            let found = (work / lasted).clamp(rate / SURPRISE, rate * SURPRISE);
            self.rate.set(0.5 * (rate + found));
        }
    }

    /// Remembers how late one hears of what is done. Where that is very late, it is asked for from
    /// then on.
    pub fn set_latency(&self, milliseconds: f64) {
        self.latency.set(milliseconds);
        self.nudges.set(self.nudges.get() || milliseconds > LATE_MS);
    }

    /// Whether the device must be asked for what it has done.
    #[cfg(target_arch = "wasm32")]
    pub fn nudges(&self) -> bool {
        self.nudges.get()
    }

    /// Milliseconds from a submission to the news of its end, where there is nothing to do.
    pub fn latency(&self) -> f64 {
        self.latency.get()
    }

    /// Notes what went wrong, if nothing did before.
    fn fail(&self, error: DeviceError) {
        self.failed.borrow_mut().get_or_insert(error);
    }

    fn take_failure(&self) -> Result<(), DeviceError> {
        let uncaptured = {
            let mut said = self.uncaptured.lock().unwrap_or_else(|p| p.into_inner());
            said.take()
        };
        if let Some(message) = uncaptured {
            let what = "a command".to_owned();
            self.fail(DeviceError::Rejected { what, message });
        }
        match self.failed.borrow_mut().take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl Gpu {
    /// Submissions of runs since the last call.
    pub fn take_submits(&self) -> Submits {
        self.submissions.submits.take()
    }

    /// Waits until the GPU has room for one more submission.
    ///
    /// # Errors
    /// An earlier submission failed, or the device was lost.
    pub(super) async fn room(&self) -> Result<(), DeviceError> {
        self.retire(IN_FLIGHT - 1).await
    }

    /// Waits for every submission of a run.
    ///
    /// # Errors
    /// One of them failed, so that what it was to write must not be believed; or the device was lost.
    pub(super) async fn settle(&self) -> Result<(), DeviceError> {
        self.retire(0).await
    }

    async fn retire(&self, left: usize) -> Result<(), DeviceError> {
        loop {
            let flight = {
                let mut flights = self.submissions.flights.borrow_mut();
                if flights.len() <= left {
                    break;
                }
                flights.pop_front()
            };
            let Some(flight) = flight else { break };
            #[cfg(not(target_arch = "wasm32"))]
            self.wait_for(&flight)?;
            let done = self.hear(flight.done).await;
            self.submissions.learn(&flight.piece, done);
            if let Err(error) = flight.check.await {
                self.submissions.fail(error);
            }
        }
        self.check_lost()?;
        self.submissions.take_failure()
    }

    /// Natively a callback comes while one waits for its submission.
    #[cfg(not(target_arch = "wasm32"))]
    fn wait_for(&self, flight: &Flight) -> Result<(), DeviceError> {
        let waited = self.device.poll(wgpu::PollType::Wait {
            submission_index: Some(flight.index.clone()),
            timeout: None,
        });
        if flight.done.is_done() {
            return Ok(());
        }
        self.check_lost()?;
        Err(DeviceError::Rejected {
            what: "a run".to_owned(),
            message: format!("the driver does not say when it is done ({waited:?})"),
        })
    }

    /// Submits a part of a run, whose commands `encode` makes.
    pub(super) fn launch(
        &self,
        costs: &Rc<Costs>,
        part: Range<usize>,
        encode: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<(), DeviceError> {
        match self.injected.borrow().next() {
            Fate::Taken => {}
            Fate::DeviceLost => {
                self.destroy();
                return self.check_lost();
            }
            Fate::Refused => {
                let what = "a run".to_owned();
                self.submissions
                    .fail(DeviceError::OutOfMemory { what, bytes: 0 });
                return Ok(());
            }
        }
        let begun = now();
        let (index, check) = self.guarded("a run", 0, || {
            let mut encoder = self.device.create_command_encoder(&Default::default());
            encode(&mut encoder);
            self.queue.submit([encoder.finish()])
        });
        let (signal, done) = signal();
        self.queue
            .on_submitted_work_done(move || signal.done(now()));
        #[cfg(target_arch = "wasm32")]
        let _ = index;
        let mut submits = self.submissions.submits.get();
        submits.count += 1;
        self.submissions.submits.set(submits);
        self.submissions.flights.borrow_mut().push_back(Flight {
            done,
            #[cfg(not(target_arch = "wasm32"))]
            index,
            piece: Piece {
                costs: costs.clone(),
                part,
                begun,
            },
            check,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARDWARE: bool = false;

    /// Submits piece after piece to a GPU of so many operations a millisecond, and returns the
    /// milliseconds of each.
    fn run(submissions: &Submissions, costs: &Rc<Costs>, rate: f64, now: &mut f64) -> Vec<f64> {
        let mut done = 0;
        let mut lasted = Vec::new();
        while done < costs.work.len() {
            let count = submissions.piece(costs, done, costs.work.len());
            let part = done..done + count;
            let took = costs.work[part.clone()].iter().sum::<f64>() / rate;
            let piece = Piece {
                costs: costs.clone(),
                part,
                begun: *now,
            };
            *now += took;
            submissions.learn(&piece, *now);
            lasted.push(took);
            done += count;
        }
        lasted
    }

    #[test]
    fn a_fast_gpu_soon_gets_a_run_in_few_pieces_and_a_slow_one_in_short_ones() {
        let work = vec![2e8; 300]; // 60 GFLOP
        for (rate, most_pieces) in [(1e10, 1), (1e9, 4), (1e8, 40), (1e7, 300)] {
            let submissions = Submissions::new(HARDWARE);
            let costs = Costs::new(work.clone());
            let mut now = 0.0;
            let first = run(&submissions, &costs, rate, &mut now);
            let careful = 2.0 * BUDGET_MS.max(2e8 / rate);
            assert!(first[0] <= careful, "{rate}: {first:?}");
            for _ in 0..3 {
                run(&submissions, &costs, rate, &mut now);
            }
            let later = run(&submissions, &costs, rate, &mut now);
            assert!(later.len() <= most_pieces, "{rate}: {} pieces", later.len());
            let longest = later.iter().copied().fold(0.0, f64::max);
            // Over the budget by one dispatch at most.
            assert!(longest <= BUDGET_MS + 2e8 / rate, "{rate}: {longest}");
            assert!(submissions.submits.get().longest_ms >= longest);
        }
    }

    #[test]
    fn hearing_late_is_not_taken_for_work() {
        let submissions = Submissions::new(HARDWARE);
        submissions.set_latency(100.0);
        let costs = Costs::new(vec![2e8; 100]);
        let mut now = 0.0;
        for _ in 0..20 {
            let count = submissions.piece(&costs, 0, 100);
            let piece = Piece {
                costs: costs.clone(),
                part: 0..count,
                begun: now,
            };
            // A timer of 100 ms tells; the work itself takes a tenth of a millisecond each.
            now += 100.0 + 0.1 * count as f64;
            submissions.learn(&piece, now);
            now += 1.0;
        }
        assert_eq!(submissions.piece(&costs, 0, 100), 100);
    }
}
