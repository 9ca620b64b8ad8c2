//! A run's settings: the field's defaults, what cannot be run, and what seldom does well.

use serde::{Deserialize, Serialize};

use super::{Method, Optimiser};
use crate::config::Pooling;
use crate::data::Masking;
use crate::model::Model;

/// A run's settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Which weights are learned.
    pub method: Method,
    /// How a text's vector is made.
    pub pooling: Pooling,
    /// The highest learning rate, reached after the warm-up; where the loss is to settle, for
    /// features whose numbers are about 1.
    pub learning_rate: f64,
    /// Passes over the training set; where the loss is to settle, the most.
    pub epochs: usize,
    /// Whether a head is trained until its loss settles, at a rate that is halved where it no longer
    /// falls, and its last weights are kept; else the rate follows the schedule, and the best
    /// epoch's weights are.
    pub settles: bool,
    /// Examples of one step.
    pub batch: usize,
    /// Parts in which a step's examples are read, one after the other, so that a large batch fits a small device: their
    /// gradients add up to those of the whole.
    #[serde(default = "one")]
    pub accumulation: usize,
    /// Share of the steps over which the rate grows from zero; then it falls to zero linearly.
    pub warmup: f64,
    /// Share of elements dropped, everywhere.
    pub dropout: f64,
    /// The longest text in tokens; longer ones are cut.
    pub max_tokens: usize,
    /// Seeds the shuffles, the dropout and the classifier's first weights.
    pub seed: u64,
    /// How much more rare classes count: a text or word of class c by `(N / (classes · N_c))^balance`. 0: all alike; 1: as
    /// scikit-learn's `class_weight="balanced"`. Of classes and tags.
    #[serde(default)]
    pub balance: f64,
    /// Which words are hidden, where words are, and how.
    #[serde(default)]
    pub masking: Masking,
    /// The optimiser.
    pub optimiser: Optimiser,
}

/// What recipes had before there was another number.
fn one() -> usize {
    1
}

impl Recipe {
    /// Examples that are read at a time.
    pub fn part(&self) -> usize {
        self.batch.div_ceil(self.accumulation.max(1))
    }

    /// The defaults for a method. A head is trained until its loss settles, with the penalty of
    /// scikit-learn's `LogisticRegression`; the others as [`Recipe::scheduled`].
    pub fn new(method: Method) -> Self {
        let recipe = Self::scheduled(method);
        match method {
            Method::Head => Self {
                learning_rate: 3e-3,
                epochs: 5000,
                settles: true,
                batch: 32,
                warmup: 0.0,
                dropout: 0.0,
                optimiser: Optimiser {
                    weight_decay: 0.0,
                    penalty_c: Some(1.0),
                    max_norm: None,
                    ..recipe.optimiser
                },
                ..recipe
            },
            _ => recipe,
        }
    }

    /// The field's defaults for a method that is trained for a number of epochs: a learning rate of
    /// 1e-3 for a head, 2e-5 for more; from random weights 1e-4, since there is nothing to forget.
    pub fn scheduled(method: Method) -> Self {
        let learning_rate = match method {
            Method::Head => 1e-3,
            Method::LastLayers(_) | Method::All => 2e-5,
            Method::Scratch => 1e-4,
        };
        Self {
            method,
            pooling: Pooling::Mean,
            learning_rate,
            epochs: 3,
            settles: false,
            batch: 16,
            accumulation: 1,
            warmup: 0.1,
            dropout: 0.1,
            max_tokens: 128,
            seed: 42,
            balance: 0.0,
            masking: Masking::default(),
            optimiser: Optimiser::default(),
        }
    }

    /// The defaults for a method on this model: the pooler where the checkpoint has one, else
    /// `[CLS]`, and the mean for a head, whose encoder was not taught to gather a text in one
    /// place; texts no longer than the model reads.
    pub fn for_model(method: Method, model: &Model) -> Self {
        Self::new(method).suited(model)
    }

    /// These settings with the pooling and the longest text of [`Recipe::for_model`].
    pub fn suited(self, model: &Model) -> Self {
        let pooling = match self.method {
            Method::Head => Pooling::Mean,
            _ if model.heads().pooler => Pooling::Pooler,
            _ => Pooling::Cls,
        };
        Self {
            pooling,
            max_tokens: self.max_tokens.min(model.config().max_tokens()),
            ..self
        }
    }

    /// The learning rate of step `step` (from 0) of `total`: linear warm-up, then linear decay to
    /// zero, as `transformers`' `get_linear_schedule_with_warmup`.
    pub fn rate(&self, step: usize, total: usize) -> f64 {
        let warmup = (self.warmup * total as f64).ceil();
        let step = step as f64;
        let share = if step < warmup {
            step / warmup.max(1.0)
        } else {
            (total as f64 - step) / (total as f64 - warmup).max(1.0)
        };
        self.learning_rate * share.max(0.0)
    }

    /// Everything that is wrong with the settings, in words; empty if they can be run.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |fine: bool, message: String| {
            if !fine {
                problems.push(message);
            }
        };
        let rate = self.learning_rate;
        check(
            rate > 0.0 && rate <= 1.0,
            format!("learning rate {rate}: it lies in (0, 1]"),
        );
        // An epoch of few texts is one step, and a loss settles in some hundreds of them.
        let most = if self.settles { 10_000 } else { 1000 };
        check(
            (1..=most).contains(&self.epochs),
            format!("epochs {}: 1 to {most}", self.epochs),
        );
        check(
            (1..=1024).contains(&self.batch),
            format!("batch {}: 1 to 1024", self.batch),
        );
        check(
            (1..=self.batch.max(1)).contains(&self.accumulation),
            format!(
                "{} parts of a step: 1 to the batch of {}",
                self.accumulation, self.batch
            ),
        );
        check(
            (0.0..1.0).contains(&self.warmup),
            format!("warm-up {}: in [0, 1)", self.warmup),
        );
        check(
            (0.0..1.0).contains(&self.dropout),
            format!("dropout {}: in [0, 1)", self.dropout),
        );
        check(
            self.max_tokens >= 3,
            format!("longest text {}: at least 3", self.max_tokens),
        );
        let decay = self.optimiser.layer_decay;
        check(
            decay > 0.0 && decay <= 1.0,
            format!("layer-wise decay {decay}: in (0, 1], 1 being none"),
        );
        let balance = self.balance;
        check(
            (0.0..=1.0).contains(&balance),
            format!("weight of rare classes {balance}: in [0, 1], 0 being none"),
        );
        let decay = self.optimiser.weight_decay;
        check(
            (0.0..=1.0).contains(&decay),
            format!("weight decay {decay}: in [0, 1]"),
        );
        let norm = self.optimiser.max_norm;
        check(
            norm.is_none_or(|n| n > 0.0 && n.is_finite()),
            format!("clipping {norm:?}: over 0"),
        );
        let c = self.optimiser.penalty_c;
        check(
            c.is_none_or(|c| c > 0.0 && c.is_finite()),
            format!("C of the penalty {c:?}: over 0"),
        );
        check(
            !self.settles || self.method == Method::Head,
            "only the loss of a head alone is known to settle: take a number of epochs".to_owned(),
        );
        problems.extend(self.masking.problems());
        if self.method == Method::LastLayers(0) {
            problems.push("last 0 layers: that is the head alone; choose it instead".to_owned());
        }
        problems
    }

    /// Settings that can be run and seldom do well, in words; Devlin et al. 2019 (appendix A.3)
    /// is where the ranges come from.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |usual: bool, message: String| {
            if !usual {
                warnings.push(message);
            }
        };
        let rate = self.learning_rate;
        let tunes = matches!(self.method, Method::LastLayers(_) | Method::All);
        warn(
            !tunes || (2e-5..=5e-5).contains(&rate),
            format!(
                "A learning rate of {rate} is unusual for a trained model: 2e-5 to 5e-5 does well. \
                 A higher one may destroy what it knows, a lower one learns little."
            ),
        );
        warn(
            self.settles || (2..=4).contains(&self.epochs),
            format!(
                "{} epochs are unusual: after 2 to 4 a model has mostly learned what there is, and \
                 with more it begins to learn the examples by heart.",
                self.epochs
            ),
        );
        warn(
            (16..=32).contains(&self.batch),
            format!(
                "A batch of {} is unusual: with 16 to 32 the steps are neither noisy nor few.",
                self.batch
            ),
        );
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_zero() {
        let recipe = Recipe {
            learning_rate: 1.0,
            warmup: 0.1,
            ..Recipe::new(Method::All)
        };
        let rates: Vec<f64> = (0..=100).map(|s| recipe.rate(s, 100)).collect();
        assert_eq!(
            (rates[0], rates[5], rates[10], rates[100]),
            (0.0, 0.5, 1.0, 0.0)
        );
        assert!((rates[55] - 0.5).abs() < 1e-12);
        assert!(rates[10..].windows(2).all(|w| w[1] < w[0]));
    }

    #[test]
    fn unusual_settings_are_told_and_can_be_run() {
        for method in [Method::Head, Method::All, Method::LastLayers(2)] {
            assert_eq!(Recipe::new(method).warnings(), Vec::<String>::new());
        }
        let odd = Recipe {
            learning_rate: 1e-3,
            epochs: 20,
            batch: 4,
            ..Recipe::new(Method::All)
        };
        assert!(odd.problems().is_empty());
        let warnings = odd.warnings();
        assert_eq!(warnings.len(), 3);
        assert!(warnings[0].contains("0.001") && warnings[1].contains("20"));
        // A head's rate is its own matter.
        let head = Recipe {
            method: Method::Head,
            ..odd
        };
        assert_eq!(head.warnings().len(), 2);
    }

    #[test]
    fn bad_settings_are_named() {
        assert!(Recipe::new(Method::All).problems().is_empty());
        let bad = Recipe {
            learning_rate: f64::NAN,
            epochs: 0,
            batch: 0,
            dropout: 1.0,
            ..Recipe::new(Method::LastLayers(0))
        };
        assert_eq!(bad.problems().len(), 5);
        let hot = Recipe {
            learning_rate: 10.0,
            ..Recipe::new(Method::All)
        };
        assert!(hot.problems()[0].contains("learning rate 10"));
    }
}
