//! What a device's submissions take: estimated from operations and bytes at the rate of the last ones,
//! carefully at first; once a dispatch has run, from how long it took. A submission that is too long
//! freezes the desktop, and after two seconds Windows takes the GPU away.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

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
/// How much longer than estimated a submission is believed to be, at a time.
const SURPRISE: f64 = 8.0;
/// The same for how much shorter: trust grows slowly.
const RELIEF: f64 = 0.25;
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

/// Dispatches that were submitted together.
pub(super) struct Piece {
    pub costs: Rc<Costs>,
    pub part: Range<usize>,
    /// When they were submitted.
    pub begun: f64,
}

/// What a device knows of its speed.
#[derive(Debug)]
pub(super) struct Pace {
    software: bool,
    /// Work a millisecond.
    rate: Cell<f64>,
    /// Milliseconds from a submission to the news of its end, where there is nothing to do.
    latency: Cell<f64>,
    /// Whether a browser tells so late that it is to be asked.
    nudges: Cell<bool>,
    /// When the last one that is over was done.
    last_done: Cell<f64>,
    submits: Cell<Submits>,
}

impl Pace {
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
            submits: Cell::default(),
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
        let (budget, mut total) = (self.budget(), 0.0);
        let fits = |&i: &usize| {
            total += self.estimate(costs, i);
            total <= budget
        };
        (first..end).take_while(fits).count().max(1)
    }

    pub fn budget(&self) -> f64 {
        match self.software {
            true => SOFTWARE_BUDGET_MS,
            false => BUDGET_MS,
        }
    }

    fn estimate(&self, costs: &Costs, i: usize) -> f64 {
        match costs.taken[i].get() {
            0.0 => costs.work[i] / self.rate.get(),
            taken => taken,
        }
    }

    /// Milliseconds that a piece will take.
    pub fn expected(&self, piece: &Piece) -> f64 {
        let part = piece.part.clone();
        part.map(|i| self.estimate(&piece.costs, i)).sum()
    }

    /// Takes in how long some submissions lasted, of whose end one heard at the same time.
    pub fn learn(&self, pieces: &[Piece], done: f64) {
        let Some(first) = pieces.first() else { return };
        let was_idle = first.begun >= self.last_done.get();
        let lasted = done - first.begun.max(self.last_done.get());
        self.last_done.set(done);
        // What came to an idle GPU was done some time before one heard of it.
        let heard_late = if was_idle { self.latency.get() } else { 0.0 };
        let worked = lasted - heard_late.min(lasted);
        let expected: f64 = pieces.iter().map(|piece| self.expected(piece)).sum();
        let mut work = 0.0;
        let mut submits = self.submits.get();
        for piece in pieces {
            let share = self.expected(piece) / expected;
            submits.longest_ms = submits.longest_ms.max(share * lasted);
            work += piece.costs.work[piece.part.clone()].iter().sum::<f64>();
        }
        self.submits.set(submits);
        let ratio = (worked / expected).clamp(RELIEF, SURPRISE);
        for Piece { costs, part, .. } in pieces {
            for i in part.clone() {
                let taken = self.estimate(costs, i) * ratio;
                costs.taken[i].set(taken);
            }
        }
        if worked >= TELLING_MS {
            let rate = self.rate.get();
            let found = (work / worked).clamp(rate / SURPRISE, rate / RELIEF);
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

    /// Counts a submission.
    pub fn count(&self) {
        let mut submits = self.submits.get();
        submits.count += 1;
        self.submits.set(submits);
    }

    /// What was counted since the last call.
    pub fn take_submits(&self) -> Submits {
        self.submits.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARDWARE: bool = false;

    /// Submits piece after piece to a GPU of so many operations a millisecond, and returns the
    /// milliseconds of each.
    fn run(pace: &Pace, costs: &Rc<Costs>, rate: f64, now: &mut f64) -> Vec<f64> {
        let mut done = 0;
        let mut lasted = Vec::new();
        while done < costs.work.len() {
            let count = pace.piece(costs, done, costs.work.len());
            let part = done..done + count;
            let took = costs.work[part.clone()].iter().sum::<f64>() / rate;
            let piece = Piece {
                costs: costs.clone(),
                part,
                begun: *now,
            };
            *now += took;
            pace.learn(&[piece], *now);
            lasted.push(took);
            done += count;
        }
        lasted
    }

    #[test]
    fn a_fast_gpu_soon_gets_a_run_in_few_pieces_and_a_slow_one_in_short_ones() {
        let work = vec![2e8; 300]; // 60 GFLOP
        for (rate, most_pieces) in [(1e10, 1), (1e9, 4), (1e8, 40), (1e7, 300)] {
            let pace = Pace::new(HARDWARE);
            let costs = Costs::new(work.clone());
            let mut now = 0.0;
            let first = run(&pace, &costs, rate, &mut now);
            let careful = 2.0 * BUDGET_MS.max(2e8 / rate);
            assert!(first[0] <= careful, "{rate}: {first:?}");
            for _ in 0..8 {
                run(&pace, &costs, rate, &mut now);
            }
            let later = run(&pace, &costs, rate, &mut now);
            assert!(later.len() <= most_pieces, "{rate}: {} pieces", later.len());
            let longest = later.iter().copied().fold(0.0, f64::max);
            // Over the budget by one dispatch at most.
            assert!(longest <= BUDGET_MS + 2e8 / rate, "{rate}: {longest}");
            assert!(pace.submits.get().longest_ms >= longest);
        }
    }

    #[test]
    fn hearing_late_is_not_taken_for_work() {
        let pace = Pace::new(HARDWARE);
        pace.set_latency(100.0);
        let costs = Costs::new(vec![2e8; 100]);
        let mut now = 0.0;
        for _ in 0..20 {
            let count = pace.piece(&costs, 0, 100);
            let piece = Piece {
                costs: costs.clone(),
                part: 0..count,
                begun: now,
            };
            // A timer of 100 ms tells; the work itself takes a tenth of a millisecond each.
            now += 100.0 + 0.1 * count as f64;
            pace.learn(&[piece], now);
            now += 1.0;
        }
        assert_eq!(pace.piece(&costs, 0, 100), 100);
    }
}
