//! Fine-tuning: tasks, methods, the step on the device, and the run as a series of events.

mod graph;
mod learner;
mod run;

pub use graph::{Batch, Inputs};
pub(crate) use graph::{cls_rows, encoder_values, pool};
pub use learner::{Learner, StepReport};
pub use run::{EpochReport, Event, Progress, TrainError, Training};

use serde::{Deserialize, Serialize};

/// How a sentence's vector is made from its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The pooler (a tanh layer) over `[CLS]`, as `BertForSequenceClassification` does.
    Pooler,
    /// `[CLS]` of the last layer.
    Cls,
    /// The mean over all tokens that are not padding.
    Mean,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Choosing one of several classes for a text or a pair of texts.
    Classify {
        /// Number of classes.
        classes: usize,
        /// How a text's vector is made.
        pooling: Pooling,
    },
    /// Guessing masked tokens.
    MaskedLm,
}

/// Which weights are learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The classifier alone, over features that are computed once.
    Head,
    /// The classifier and the last n layers (and the pooler, where it is used).
    LastLayers(usize),
    /// Everything.
    All,
    /// Everything, from random weights: for comparison.
    Scratch,
}

/// The optimiser's settings; the defaults are the field's (Devlin et al. 2019, appendix A.3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimiser {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Whether biases and layer norms are decayed too.
    pub decay_all: bool,
    /// Clips the gradients' global norm to this.
    pub max_norm: Option<f64>,
}

impl Default for Optimiser {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
            decay_all: false,
            max_norm: Some(1.0),
        }
    }
}

/// Shares of elements that are dropped while learning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DropoutRates {
    /// After the embeddings and before each residual sum.
    pub hidden: f64,
    /// Of the attention weights.
    pub attention: f64,
    /// Before the classifier.
    pub classifier: f64,
}

/// A run's settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Which weights are learned.
    pub method: Method,
    /// How a text's vector is made.
    pub pooling: Pooling,
    /// The highest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// Passes over the training set.
    pub epochs: usize,
    /// Examples of one step.
    pub batch: usize,
    /// Share of the steps over which the rate grows from zero; then it falls to zero linearly.
    pub warmup: f64,
    /// Share of elements dropped, everywhere.
    pub dropout: f64,
    /// The longest text in tokens; longer ones are cut.
    pub max_tokens: usize,
    /// Seeds the shuffles, the dropout and the classifier's first weights.
    pub seed: u64,
    /// The optimiser.
    pub optimiser: Optimiser,
}

impl Recipe {
    /// The field's defaults for a method: 1e-3 for a head, 2e-5 for more; from random weights
    /// 1e-4, since there is nothing to forget.
    pub fn new(method: Method) -> Self {
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
            batch: 16,
            warmup: 0.1,
            dropout: 0.1,
            max_tokens: 128,
            seed: 42,
            optimiser: Optimiser::default(),
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
        check(
            (1..=1000).contains(&self.epochs),
            format!("epochs {}: 1 to 1000", self.epochs),
        );
        check(
            (1..=1024).contains(&self.batch),
            format!("batch {}: 1 to 1024", self.batch),
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
        if self.method == Method::LastLayers(0) {
            problems.push("last 0 layers: that is the head alone; choose it instead".to_owned());
        }
        problems
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
