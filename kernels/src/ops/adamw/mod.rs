//! Clipping by the global norm and AdamW, over all parameters at once.

use super::Rule;
use super::check::Check;
use crate::cpu::{self, Lanes, Real, row};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, Pack, grid_1d, params};
use crate::graph::{Graph, Value};
use crate::tensor::{DType, TensorType};

/// Buffers that gradients may lie in.
const MAX_PACKS: usize = 32;
/// Partial sums of each.
const GROUPS: usize = 64;
/// Elements that the CPU goes over at a time: four pieces are 16 KB.
const PIECE: usize = 1024;

/// `norm = √Σ g²` over any number of gradients. Operands: the gradients, of any shape; results:
/// norm `[1]`, and the partial sums behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientNorm;

/// One step of AdamW (Loshchilov & Hutter 2019, algorithm 2, as in `torch.optim.AdamW`), with the
/// gradients' global norm clipped first (Pascanu et al. 2013, as in `torch`'s `clip_grad_norm_`).
///
/// Operands: n gradients, of any shape; their global norm `[1]`; the schedule `[3]`: learning rate,
/// `1 - β₁ᵗ`, `1 - β₂ᵗ`. Results: n weights, n first and n second moments, updated in place: a plan
/// must store them in parameters that are packed in the order of the gradients.
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
    /// Clips the gradients' global norm to this.
    pub max_norm: Option<f64>,
}

params! {
    struct NormParams { len: u32, first: u32, groups: u32, count: u32 }
}

params! {
    struct StepParams {
        len: u32,
        decay_end: u32,
        beta1: f32,
        beta2: f32,
        eps: f32,
        decay: f32,
        max_norm: f32,
    }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

static NORM: Kernel = Kernel {
    name: "gradient norm",
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("norm.wgsl")
    ),
    params: NormParams::FIELDS,
    bindings: &[READ, WRITE, WRITE],
};

static STEP: Kernel = Kernel {
    name: "AdamW",
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("step.wgsl")
    ),
    params: StepParams::FIELDS,
    bindings: &[READ, READ, READ, WRITE, WRITE, WRITE],
};

/// The buffers that the first `count` operands lie in: for each, its first operand, its length in
/// elements, and whether it is shared. An operand that is not packed stands for itself.
fn buffers(context: &DispatchContext<'_>, count: usize) -> Vec<(usize, usize, Option<Pack>)> {
    let mut found: Vec<(usize, usize, Option<Pack>)> = Vec::new();
    for i in 0..count {
        match context.packs[i] {
            None => found.push((i, context.inputs[i].shape.len(), None)),
            Some(pack) => {
                if found
                    .iter()
                    .all(|(.., p)| p.is_none_or(|p| p.buffer != pack.buffer))
                {
                    found.push((i, pack.len, Some(pack)));
                }
            }
        }
    }
    found
}

impl Rule for GradientNorm {
    const NAME: &'static str = "gradient norm";
    const KERNELS: &'static [&'static Kernel] = &[&NORM];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, inputs.len())?;
        for (i, ty) in inputs.iter().enumerate() {
            check.exactly(i, "gradient", DType::Real, ty.shape)?;
        }
        if inputs.is_empty() {
            return Err(check.attribute("there is no gradient".to_owned()));
        }
        Ok(vec![
            TensorType::real([1]),
            TensorType::real([MAX_PACKS * GROUPS]),
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let buffers = buffers(context, context.inputs.len());
        let longest = buffers.iter().map(|(_, len, _)| *len).max().unwrap_or(0);
        let (lanes, rows) = context.row_lanes(longest.div_ceil(GROUPS));
        let constants = |finish: bool| {
            let (lanes, rows) = (f64::from(lanes), f64::from(rows));
            vec![
                ("LANES", lanes),
                ("ROWS", rows),
                ("FINISH", f64::from(finish)),
            ]
        };
        assert!(
            buffers.len() <= MAX_PACKS,
            "gradients lie in more than {MAX_PACKS} buffers"
        );
        let count = (buffers.len() * GROUPS) as u32;
        let mut dispatches: Vec<Dispatch> = Vec::new();
        for (b, (i, len, pack)) in buffers.into_iter().enumerate() {
            let params = NormParams {
                len: len as u32,
                first: (b * GROUPS) as u32,
                groups: GROUPS as u32,
                count,
            };
            let g = if pack.is_some() {
                Operand::InputPack(i)
            } else {
                Operand::Input(i)
            };
            dispatches.push(Dispatch {
                kernel: &NORM,
                constants: constants(false),
                params: params.bytes(),
                operands: vec![g, Operand::Output(1), Operand::Output(0)],
                workgroups: [(GROUPS as u32).div_ceil(rows), 1, 1],
            });
        }
        let params = NormParams {
            len: 0,
            first: 0,
            groups: 0,
            count,
        };
        dispatches.push(Dispatch {
            kernel: &NORM,
            constants: constants(true),
            params: params.bytes(),
            operands: vec![Operand::Unused, Operand::Output(1), Operand::Output(0)],
            workgroups: [1, 1, 1],
        });
        dispatches
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let squares = |i: usize| row::dot(inputs.real(i), inputs.real(i));
        let sum: F = (0..inputs.count()).map(squares).sum();
        outputs.real()[0] = sum.sqrt();
        outputs.real().fill(F::default());
    }
}

impl AdamW {
    /// Of the operands, those that are gradients; norm and schedule come after them.
    fn parameters(&self, inputs: usize) -> usize {
        inputs.saturating_sub(2)
    }
}

impl Rule for AdamW {
    const NAME: &'static str = "AdamW";
    const KERNELS: &'static [&'static Kernel] = &[&STEP];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, inputs.len().max(3))?;
        let count = self.parameters(inputs.len());
        check.vector(count, "norm", 1)?;
        check.vector(count + 1, "schedule", 3)?;
        if self.decayed > count {
            let message = format!("{} of {count} parameters decay", self.decayed);
            return Err(check.attribute(message));
        }
        Ok([&inputs[..count]; 3].concat())
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        16.0 * inputs.iter().map(|g| g.shape.len() as f64).sum::<f64>()
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let n = self.parameters(context.inputs.len());
        let dispatch = |(i, len, pack): (usize, usize, Option<Pack>)| {
            // The decayed parameters come first, so each buffer has one border.
            let spared = (self.decayed..n).find_map(|j| match (pack, context.packs[j]) {
                (Some(here), Some(there)) => (here.buffer == there.buffer).then_some(there.first),
                _ => (i == j).then_some(0),
            });
            let params = StepParams {
                len: len as u32,
                decay_end: spared.unwrap_or(len) as u32,
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                eps: self.eps as f32,
                decay: self.weight_decay as f32,
                max_norm: self.max_norm.unwrap_or(0.0) as f32,
            };
            let input = |i: usize| match pack {
                Some(_) => Operand::InputPack(i),
                None => Operand::Input(i),
            };
            let output = |i: usize| match pack {
                Some(_) => Operand::OutputPack(i),
                None => Operand::Output(i),
            };
            Dispatch {
                kernel: &STEP,
                constants: vec![("CLIP", f64::from(self.max_norm.is_some()))],
                params: params.bytes(),
                operands: vec![
                    input(i),
                    Operand::Input(n),
                    Operand::Input(n + 1),
                    output(i),
                    output(n + i),
                    output(2 * n + i),
                ],
                workgroups: grid_1d(len, 64),
            }
        };
        buffers(context, n).into_iter().map(dispatch).collect()
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let n = self.parameters(inputs.count());
        let norm = inputs.real(n)[0];
        let &[rate, correction1, correction2] = inputs.real(n + 1) else {
            unreachable!("the shape rule checked the schedule");
        };
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
        let (clip, eps, pace) = (splat(clip), number(self.eps), splat(rate / correction1));
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
            let keep = splat(one - rate * decay);
            // In pieces that stay in the first-level cache.
            let moments = m.chunks_mut(PIECE).zip(v.chunks_mut(PIECE));
            let pieces = inputs.real(i).chunks(PIECE).zip(w.chunks_mut(PIECE));
            for ((g, w), (m, v)) in pieces.zip(moments) {
                row::update(m, [g], |m, [g]| beta1 * m + rest1 * (g * clip));
                row::update(v, [g], |v, [g]| beta2 * v + rest2 * (g * clip) * (g * clip));
                row::update(w, [m, v], |w, [m, v]| {
                    w * keep - pace * (m / ((v / correction2).sqrt() + eps))
                });
            }
        }
    }
}

/// The results of [`Graph::adamw`], each in the order of the gradients.
#[derive(Clone, Debug)]
pub struct AdamWValues {
    /// Weights, to be stored in place.
    pub weights: Vec<Value>,
    /// First moments, to be stored in place.
    pub first: Vec<Value>,
    /// Second moments, to be stored in place.
    pub second: Vec<Value>,
    /// `[1]`: the gradients' global norm before clipping.
    pub norm: Value,
}

impl Graph {
    /// Clips `gradients` by their global norm and takes a step of AdamW; `schedule` (`[3]`) holds
    /// the learning rate, `1 - β₁ᵗ` and `1 - β₂ᵗ`.
    pub fn adamw(
        &mut self,
        gradients: &[Value],
        schedule: Value,
        settings: AdamW,
    ) -> Result<AdamWValues, GraphError> {
        let norm = self.apply(GradientNorm.into(), gradients)?[0];
        let mut inputs = gradients.to_vec();
        inputs.extend([norm, schedule]);
        let mut weights = self.apply(settings.into(), &inputs)?;
        let second = weights.split_off(2 * gradients.len());
        let first = weights.split_off(gradients.len());
        Ok(AdamWValues {
            weights,
            first,
            second,
            norm,
        })
    }
}
