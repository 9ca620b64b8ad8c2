//! How fast a download is, over the last few seconds.

use crate::protocol::Stage;
use std::collections::VecDeque;

/// How far back one looks.
const WINDOW_MS: f64 = 4000.0;
/// Less than this says nothing.
const LEAST_MS: f64 = 500.0;

/// What had arrived when.
#[derive(Debug, Default)]
pub struct Speed {
    marks: VecDeque<(f64, u64)>,
}

impl Speed {
    /// Bytes a second, once there is something to say: `done` bytes have arrived at `now`, in
    /// milliseconds. Only a download counts; what is read from this device in between does not.
    pub fn after(&mut self, now: f64, done: u64, stage: Stage) -> Option<u64> {
        if stage != Stage::Download {
            self.marks.clear();
            return None;
        }
        self.marks.push_back((now, done));
        while self.marks.len() > 2 && now - self.marks[0].0 > WINDOW_MS {
            self.marks.pop_front();
        }
        let (since, before) = *self.marks.front()?;
        let spent = now - since;
        (spent >= LEAST_MS).then(|| ((done.saturating_sub(before)) as f64 * 1000.0 / spent) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let mut speed = Speed::default();
        assert_eq!(speed.after(0.0, 0, Stage::Download), None);
        assert_eq!(
            speed.after(100.0, 100, Stage::Download),
            None,
            "too early to say"
        );
        assert_eq!(speed.after(1000.0, 1000, Stage::Download), Some(1000));
        // A minute without a byte, then a quick second.
        speed.after(61_000.0, 1000, Stage::Download);
        assert_eq!(speed.after(62_000.0, 9000, Stage::Download), Some(8000));
        assert_eq!(speed.after(63_000.0, 9000, Stage::Upload), None);
        assert_eq!(
            speed.after(64_000.0, 9000, Stage::Download),
            None,
            "a fresh start"
        );
    }
}
