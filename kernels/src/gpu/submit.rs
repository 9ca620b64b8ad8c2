//! Submissions: bounded by estimated time, two in flight, each in an error scope.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use super::clock::now;
use super::device::Gpu;
use super::faults::Fate;
use super::pace::{Costs, Pace, Piece, Submits};
use super::signal::{Wait, signal};
use crate::control::LocalBoxFuture;
use crate::error::DeviceError;

/// Submissions that the GPU has at a time; more only where all of them fit the budget together.
const IN_FLIGHT: usize = 2;
/// The most of these.
const MOST_IN_FLIGHT: usize = 64;
/// Ends that are told within so many milliseconds were told at once.
const AT_ONCE_MS: f64 = 0.2;

/// A submission that the GPU may still be at.
struct Flight {
    /// Tells when it was done.
    done: Wait<f64>,
    #[cfg(not(target_arch = "wasm32"))]
    index: wgpu::SubmissionIndex,
    piece: Piece,
    check: LocalBoxFuture<'static, Result<(), DeviceError>>,
}

/// What a device knows of its submissions.
pub(super) struct Submissions {
    pub pace: Pace,
    flights: RefCell<VecDeque<Flight>>,
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
        Self {
            pace: Pace::new(software),
            flights: RefCell::default(),
            failed: RefCell::default(),
            uncaptured: Arc::default(),
        }
    }

    /// Whether what is in flight is enough: two submissions, or many small ones.
    fn is_busy(&self) -> bool {
        let flights = self.flights.borrow();
        let piece = |flight: &Flight| self.pace.expected(&flight.piece);
        match flights.len() {
            count if count < IN_FLIGHT => false,
            MOST_IN_FLIGHT.. => true,
            _ => flights.iter().map(piece).sum::<f64>() > self.pace.budget(),
        }
    }

    /// The oldest submission, if it was done by then.
    fn pop_done_by(&self, time: f64) -> Option<Flight> {
        let mut flights = self.flights.borrow_mut();
        let done = flights.front()?.done.peek()?;
        if done <= time {
            flights.pop_front()
        } else {
            None
        }
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
        self.submissions.pace.take_submits()
    }

    /// Waits until the GPU has room for one more submission.
    ///
    /// # Errors
    /// An earlier submission failed, or the device was lost.
    pub(super) async fn room(&self) -> Result<(), DeviceError> {
        while self.submissions.is_busy() {
            self.retire().await?;
        }
        self.check_lost()?;
        self.submissions.take_failure()
    }

    /// Waits for every submission of a run.
    ///
    /// # Errors
    /// One of them failed, so that what it was to write must not be believed; or the device was lost.
    pub(super) async fn settle(&self) -> Result<(), DeviceError> {
        while !self.submissions.flights.borrow().is_empty() {
            self.retire().await?;
        }
        self.check_lost()?;
        self.submissions.take_failure()
    }

    /// Waits for the oldest submission, and takes in what it and those that were done with it took.
    async fn retire(&self) -> Result<(), DeviceError> {
        let Some(first) = self.submissions.flights.borrow_mut().pop_front() else {
            return Ok(());
        };
        #[cfg(not(target_arch = "wasm32"))]
        self.wait_for(&first)?;
        let done = self.hear(first.done).await;
        let (mut pieces, mut checks) = (vec![first.piece], vec![first.check]);
        // One hears of several at once, and cannot tell when each was done.
        while let Some(next) = self.submissions.pop_done_by(done + AT_ONCE_MS) {
            pieces.push(next.piece);
            checks.push(next.check);
        }
        self.submissions.pace.learn(&pieces, done);
        for check in checks {
            if let Err(error) = check.await {
                self.submissions.fail(error);
            }
        }
        Ok(())
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
        self.submissions.pace.count();
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
