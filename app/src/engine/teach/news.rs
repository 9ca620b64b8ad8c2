//! What the page hears of a run, and how often: the smallest models have hundreds of epochs a second.

use super::best::best_weights;
use super::run::Ended;
use super::{tell, tell_with};
use crate::engine::io::worker::ticks;
use crate::protocol::{RequestId, RunNews, TeachEvent, Wrong};
use bert::model::Model;
use bert::train::{Event, RunState, Training};

/// The page hears of a quick run about this often.
pub(super) const TELL_EVERY_MS: f64 = 200.0;
/// A run whose parts take longer on average is told of at once.
const QUICK_MS: f64 = TELL_EVERY_MS / 4.0;
/// Handing out the best weights takes at most one part in so many of a run's time.
const SNAPSHOT_SHARE: f64 = 20.0;

/// What has happened and was not told yet.
pub(super) struct News {
    id: RequestId,
    held: Vec<RunNews>,
    told: f64,
    /// The best epoch whose weights the page does not have yet.
    best: Option<RunState>,
    /// When weights were handed out last, and how long that took.
    snapshot: (f64, f64),
}

impl News {
    pub fn new(id: RequestId) -> Self {
        Self {
            id,
            held: Vec::new(),
            told: 0.0,
            best: None,
            snapshot: (0.0, 0.0),
        }
    }

    /// Something happened; `wrong` are an epoch's mistakes. Of several epochs that are told at once,
    /// only the mistakes of the last and of the best are kept.
    pub fn hold(&mut self, event: Event, wrong: Option<Vec<Wrong>>) {
        match (event, self.held.last_mut()) {
            (Event::Steps(steps), _) if steps.is_empty() => {}
            (
                Event::Steps(steps),
                Some(RunNews {
                    event: Event::Steps(earlier),
                    ..
                }),
            ) => earlier.extend(steps),
            (event, _) => {
                if let Event::Epoch(report) = &event {
                    self.forget_mistakes(report.best);
                }
                self.held.push(RunNews { event, wrong });
            }
        }
    }

    /// Another epoch takes the place of the last one, and maybe of the best.
    fn forget_mistakes(&mut self, best: bool) {
        let mut is_best = true;
        for news in self.held.iter_mut().rev() {
            let Event::Epoch(report) = &news.event else {
                continue;
            };
            if best || !(report.best && is_best) {
                news.wrong = None;
            }
            is_best &= !report.best;
        }
    }

    /// The weights are the best so far, in this state of the run.
    pub fn hold_best(&mut self, state: RunState) {
        self.best = Some(state);
    }

    /// Tells what is held. `active`: milliseconds of computing since the run began.
    pub fn tell(&mut self, active: f64) {
        self.told = ticks();
        let news = std::mem::take(&mut self.held);
        if !news.is_empty() {
            let milliseconds = active;
            tell(self.id, TeachEvent::Run { news, milliseconds });
        }
    }

    /// Tells what is held, if it is time for that in a run whose parts take `each` milliseconds on
    /// average, and hands out the best weights where that costs little enough.
    pub async fn tell_if_due(
        &mut self,
        active: f64,
        each: f64,
        model: &mut Model,
        training: &Training,
    ) -> Result<(), Ended> {
        if each < QUICK_MS && ticks() - self.told < TELL_EVERY_MS {
            return Ok(());
        }
        let (last, cost) = self.snapshot;
        if ticks() - last >= SNAPSHOT_SHARE * cost {
            return self.tell_all(active, model, training).await;
        }
        self.tell(active);
        Ok(())
    }

    /// Tells what is held, and hands out the best weights if the page does not have them: they are
    /// read first, so that it hears of no epoch that it could not go on from.
    pub async fn tell_all(
        &mut self,
        active: f64,
        model: &mut Model,
        training: &Training,
    ) -> Result<(), Ended> {
        let Some(state) = self.best.take() else {
            self.tell(active);
            return Ok(());
        };
        let began = ticks();
        let weights = best_weights(model, training).await;
        self.snapshot = (ticks(), ticks() - began);
        self.tell(active);
        if let Some(weights) = weights? {
            let model = model.sha256().to_owned();
            tell_with(self.id, TeachEvent::Snapshot { state, model }, &weights);
        }
        Ok(())
    }
}
