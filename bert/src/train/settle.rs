//! When a head has learned what there is. Over features that stay as they are, its loss with an L2
//! penalty has one minimum: the learning rate is halved whenever the loss no longer falls, until
//! that makes no difference.

use serde::{Deserialize, Serialize};

/// Steps of a round at least: fewer tell little of the loss.
const ROUND_STEPS: usize = 50;
/// A round must lower the mean loss by this share, or the rate is halved.
const TOLERANCE: f64 = 0.002;
/// So many times; then the loss has settled.
const HALVINGS: u32 = 6;

/// How far the loss has settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settling {
    /// The lowest mean loss of a round.
    lowest: Option<f64>,
    halvings: u32,
}

impl Settling {
    /// The learning rate of the round.
    pub(super) fn rate(&self, highest: f64) -> f64 {
        highest * 0.5_f64.powi(self.halvings as i32)
    }

    /// Counts a round by the mean loss of its steps.
    pub(super) fn round(&mut self, loss: f64) {
        let falls = self
            .lowest
            .is_none_or(|lowest| loss < lowest * (1.0 - TOLERANCE));
        self.halvings += u32::from(!falls);
        self.lowest = Some(self.lowest.map_or(loss, |lowest| lowest.min(loss)));
    }

    /// Whether it has.
    pub(super) fn is_over(&self) -> bool {
        self.halvings >= HALVINGS
    }
}

/// Epochs of a round, where an epoch has `steps` steps.
pub(super) fn round_epochs(steps: usize) -> usize {
    ROUND_STEPS.div_ceil(steps.max(1))
}

/// How large the features are, by some of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// The mean square of a text's norm.
    square: f64,
    /// H
    hidden: usize,
}

impl Scale {
    /// Of whole vectors of `hidden` numbers.
    pub fn of(features: &[f32], hidden: usize) -> Self {
        let squares: f64 = features.iter().map(|&x| f64::from(x).powi(2)).sum();
        let rows = (features.len() / hidden.max(1)).max(1);
        Self {
            square: (squares / rows as f64).max(f64::MIN_POSITIVE),
            hidden,
        }
    }

    /// A learning rate for features whose numbers are about 1, for these: AdamW moves every weight
    /// by about the rate, whatever the gradient.
    pub fn rate(&self, rate: f64) -> f64 {
        rate / (self.square / self.hidden as f64).sqrt()
    }

    /// The factor λ of the penalty `λ/2 Σ w²` on the mean loss of `texts` texts that is
    /// scikit-learn's `C = c` on their sum. Of two classes scikit-learn has one vector, the
    /// difference of the two here, which halves the penalty. Vectors shorter than 1 would be pressed
    /// to nothing: for them C counts as if their norm were 1.
    pub fn l2(&self, c: f64, texts: usize, classes: usize) -> f64 {
        let vectors = if classes == 2 { 2.0 } else { 1.0 };
        vectors / (c * texts.max(1) as f64) * self.square.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_halved_where_the_loss_stays_until_that_is_of_no_use() {
        let mut settling = Settling::default();
        for loss in [1.0, 0.9, 0.8] {
            settling.round(loss);
            assert_eq!(settling.rate(1.0), 1.0);
        }
        // Less than two thousandths is no fall, and a rise is none.
        settling.round(0.799);
        settling.round(0.81);
        assert_eq!((settling.rate(1.0), settling.is_over()), (0.25, false));
        settling.round(0.7);
        assert_eq!(settling.rate(1.0), 0.25);
        for _ in 0..4 {
            assert!(!settling.is_over());
            settling.round(0.7);
        }
        assert!(settling.is_over());
        // A loss that is no number does not go on for ever.
        let mut broken = Settling::default();
        (0..7).for_each(|_| broken.round(f64::NAN));
        assert!(broken.is_over());
    }

    #[test]
    fn a_round_has_steps_enough() {
        assert_eq!([1, 7, 50, 900].map(round_epochs), [50, 8, 1, 1]);
    }

    #[test]
    fn rate_and_penalty_follow_the_features() {
        // Two vectors of norm 5 and 10, of four numbers.
        let scale = Scale::of(&[3.0, 4.0, 0.0, 0.0, 6.0, 8.0, 0.0, 0.0], 4);
        assert!((scale.rate(1e-3) - 1e-3 / (62.5_f64 / 4.0).sqrt()).abs() < 1e-12);
        assert_eq!((scale.l2(1.0, 100, 3), scale.l2(1.0, 100, 2)), (0.01, 0.02));
        assert_eq!(scale.l2(0.5, 100, 3), 0.02);
        let short = Scale::of(&[0.3, 0.4], 2);
        assert!((short.l2(1.0, 100, 3) - 0.01 * 0.25).abs() < 1e-9);
        assert!(Scale::of(&[0.0; 4], 2).rate(1.0).is_finite());
    }
}
