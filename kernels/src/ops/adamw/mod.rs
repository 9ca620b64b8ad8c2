//! Clipping by the global norm and AdamW, over all parameters at once, with a log of what a step
//! found.

mod dispatch;

pub(super) use dispatch::Group;

use super::Rule;
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Dispatch, DispatchContext, Kernel};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// Elements that the CPU goes over at a time: four pieces are 16 KB.
const PIECE: usize = 1024;

/// One step of AdamW (Loshchilov & Hutter 2019, algorithm 2, as in `torch.optim.AdamW`), with the
/// gradients' global norm `√Σ g²` clipped first (Pascanu et al. 2013, as in `torch`'s
/// `clip_grad_norm_`).
///
/// Operands: n gradients, of any shape; the schedule `[3]`: learning rate, `1 - β₁ᵗ`, `1 - β₂ᵗ`;
/// with a log, a loss `[1]` and the log's row to write `[1]` (u32). Results: n weights, n first and
/// n second moments, updated in place: a plan must store them in parameters that are packed in the
/// order of the gradients; then the norm before clipping `[1]`, or the log; and the norm's partial
/// sums. The log `[rows, 2]` gets `log[row] = (loss, norm)`, its other rows stay: it must be stored
/// in a parameter too. A row that it does not have is not written.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    /// How many of the parameters, the first ones, are decayed.
    pub decayed: usize,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Added to the gradient of a decayed weight, times the weight, after clipping: a penalty
    /// `l2/2 Σ w²` on the loss (Adam with L2, as `torch.optim.Adam`'s `weight_decay`).
    pub l2: f64,
    /// Clips the gradients' global norm to this.
    pub max_norm: Option<f64>,
    /// Rows of the log, where there is one.
    pub log: Option<usize>,
    /// What each parameter's learning rate is multiplied by; empty where all are 1.
    pub scales: Vec<f64>,
}

impl AdamW {
    /// Of the operands, those that are gradients; the schedule and what the log gets come after
    /// them.
    fn parameters(&self, inputs: usize) -> usize {
        inputs.saturating_sub(if self.log.is_some() { 3 } else { 1 })
    }

    /// What a parameter's learning rate is multiplied by.
    fn scale(&self, parameter: usize) -> f64 {
        self.scales.get(parameter).copied().unwrap_or(1.0)
    }
}

impl Rule for AdamW {
    const NAME: &'static str = "AdamW";
    const KERNELS: &'static [&'static Kernel] =
        &[&dispatch::NORM, &dispatch::STEP, &dispatch::SMALL];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let least = if self.log.is_some() { 4 } else { 2 };
        let check = Check::new(Self::NAME, inputs, inputs.len().max(least))?;
        let count = self.parameters(inputs.len());
        for (i, ty) in inputs[..count].iter().enumerate() {
            check.exactly(i, "gradient", DType::Real, ty.shape)?;
        }
        check.vector(count, "schedule", 3)?;
        if self.decayed > count {
            let message = format!("{} of {count} parameters decay", self.decayed);
            return Err(check.attribute(message));
        }
        if !self.scales.is_empty() && self.scales.len() != count {
            let message = format!("{} scales of {count} parameters", self.scales.len());
            return Err(check.attribute(message));
        }
        let mut results = [&inputs[..count]; 3].concat();
        match self.log {
            Some(0) => return Err(check.attribute("the log has no row".to_owned())),
            Some(rows) => {
                check.vector(count + 1, "loss", 1)?;
                check.exactly(count + 2, "row", DType::U32, Shape::new(&[1]))?;
                results.push(TensorType::real([rows, 2]));
            }
            None => results.push(TensorType::real([1])),
        }
        results.push(TensorType::real([dispatch::sums(count)]));
        Ok(results)
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        16.0 * inputs.iter().map(|g| g.shape.len() as f64).sum::<f64>()
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        self.dispatches(context)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let n = self.parameters(inputs.count());
        let squares = |i: usize| row::dot(inputs.real(i), inputs.real(i));
        let norm = (0..n).map(squares).sum::<F>().sqrt();
        let schedule = inputs.real(n);
        let (rate, correction1, correction2) = (schedule[0], schedule[1], schedule[2]);
        let one = F::new(1.0);
        let clip = self.max_norm.map_or(one, |max| {
            let factor = F::new(max) / (norm + F::new(1e-6));
            if factor < one { factor } else { one }
        });
        let splat = F::Lanes::splat;
        let number = |x: f64| splat(F::new(x));
        let (beta1, beta2) = (number(self.beta1), number(self.beta2));
        let rest1 = splat(one - F::new(self.beta1));
        let rest2 = splat(one - F::new(self.beta2));
        let (clip, eps) = (splat(clip), number(self.eps));
        let correction2 = splat(correction2);
        let mut all: Vec<_> = (0..3 * n).map(|_| outputs.real()).collect();
        let mut second = all.split_off(2 * n).into_iter();
        let mut first = all.split_off(n).into_iter();
        for (i, w) in all.into_iter().enumerate() {
            let decay = if i < self.decayed {
                F::new(self.weight_decay)
            } else {
                F::default()
            };
            let (Some(m), Some(v)) = (first.next(), second.next()) else {
                unreachable!("each weight has two moments");
            };
            let rate = rate * F::new(self.scale(i));
            let (keep, pace) = (splat(one - rate * decay), splat(rate / correction1));
            let l2 = if i < self.decayed { self.l2 } else { 0.0 };
            let l2 = number(l2);
            // In pieces that stay in the first-level cache.
            let moments = m.chunks_mut(PIECE).zip(v.chunks_mut(PIECE));
            let pieces = inputs.real(i).chunks(PIECE).zip(w.chunks_mut(PIECE));
            for ((g, w), (m, v)) in pieces.zip(moments) {
                let slope = |g: F::Lanes, w: F::Lanes| g * clip + l2 * w;
                row::update(m, [g, &*w], |m, [g, w]| beta1 * m + rest1 * slope(g, w));
                row::update(v, [g, &*w], |v, [g, w]| {
                    beta2 * v + rest2 * slope(g, w) * slope(g, w)
                });
                row::update(w, [m, v], |w, [m, v]| {
                    w * keep - pace * (m / ((v / correction2).sqrt() + eps))
                });
            }
        }
        let report = outputs.real();
        if self.log.is_some() {
            let (loss, row) = (inputs.real(n + 1)[0], inputs.u32(n + 2)[0]);
            if let Some(place) = report.chunks_exact_mut(2).nth(row as usize) {
                place.copy_from_slice(&[loss, norm]);
            }
        } else {
            report[0] = norm;
        }
        outputs.real().fill(F::default());
    }
}

/// The results of [`Graph::adamw`], the first three in the order of the gradients.
#[derive(Clone, Debug)]
pub struct AdamWValues {
    /// Weights, to be stored in place.
    pub weights: Vec<Value>,
    /// First moments, to be stored in place.
    pub first: Vec<Value>,
    /// Second moments, to be stored in place.
    pub second: Vec<Value>,
    /// The log `[rows, 2]`, to be stored in place; without one `[1]`, the gradients' global norm
    /// before clipping.
    pub report: Value,
}

impl Graph {
    /// Clips `gradients` by their global norm and takes a step of AdamW; `schedule` (`[3]`) holds
    /// the learning rate, `1 - β₁ᵗ` and `1 - β₂ᵗ`. `log` is there where [`AdamW::log`] is: a loss
    /// (`[1]`), and the row of the log that gets it (`[1]`, u32).
    pub fn adamw(
        &mut self,
        gradients: &[Value],
        schedule: Value,
        settings: AdamW,
        log: Option<[Value; 2]>,
    ) -> Result<AdamWValues, GraphError> {
        let mut inputs = gradients.to_vec();
        inputs.push(schedule);
        inputs.extend(log.into_iter().flatten());
        let mut weights = self.apply(settings.into(), &inputs)?;
        let report = weights[weights.len() - 2];
        let mut first = weights.split_off(gradients.len());
        let mut second = first.split_off(gradients.len());
        second.truncate(gradients.len());
        Ok(AdamWValues {
            weights,
            first,
            second,
            report,
        })
    }
}
