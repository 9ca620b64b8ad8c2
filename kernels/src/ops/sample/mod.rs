//! A column of each row, drawn with the probabilities of its softmax.

use super::Rule;
use super::check::Check;
use super::dropout::random_bits;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Real};

/// Draws a column of each row with the probabilities `softmax(x)`, as the largest of `x - ln E` with `E` standard
/// exponential (the Gumbel-max trick; Maddison et al. 2014, "A* Sampling", section 2).
///
/// Operands: logits `[R, V]`, the run's seed `[1]` (u32); result `[R]` (u32). What is drawn depends on nothing else. No
/// gradient goes through it. Of a row whose logits are no numbers, any of its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Different for every place in a model that draws; see [`Noise`](super::Noise).
    pub stream: u32,
}

impl Sample {
    /// Standard exponential noise of the element `index`.
    fn exponential<F: Real>(&self, seed: u32, index: u32) -> F {
        let bits = random_bits(seed, self.stream, index) >> 9;
        let v = (f64::from(bits) + 0.5) / f64::from(1 << 23);
        F::new(v / (1.0 - v)).ln_1p()
    }
}

params! {
    struct Params { rows: u32, columns: u32, stream: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "sample",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("../shared/first.wgsl"),
        include_str!("../cross_entropy/log_1p.wgsl"),
        include_str!("../dropout/noise.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for Sample {
    const NAME: &'static str = "sample";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (rows, _) = check.matrix(0, "logits")?;
        check.exactly(1, "seed", DType::U32, Shape::new(&[1]))?;
        Ok(vec![TensorType::u32([rows])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (rows, columns) = (shape.rows(), shape.columns());
        let (lanes, group_rows) = context.row_lanes(columns);
        let params = Params {
            rows: rows as u32,
            columns: columns as u32,
            stream: self.stream,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(group_rows))],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(rows, group_rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let seed = inputs.u32(1)[0];
        let rows = inputs.real(0).chunks_exact(columns);
        for (r, (x, sampled)) in rows.zip(outputs.u32()).enumerate() {
            let first = (r * columns) as u32;
            let mut best = (F::new(f64::NEG_INFINITY), 0);
            for (c, &x) in x.iter().enumerate() {
                let noise: F = self.exponential(seed, first.wrapping_add(c as u32));
                let score = x - noise.ln();
                if score > best.0 {
                    best = (score, c as u32);
                }
            }
            *sampled = best.1;
        }
    }

    /// Two logarithms and a hash an element.
    fn flops(&self, inputs: &[TensorType]) -> f64 {
        64.0 * inputs[0].shape.len() as f64
    }
}

impl Graph {
    /// A column of each row of `logits` (`[R, V]`), drawn with the probabilities of its softmax: `[R]`, u32; `seed`
    /// (`[1]`, u32) changes from run to run, `stream` from place to place.
    pub fn sample(&mut self, logits: Value, seed: Value, stream: u32) -> Result<Value, GraphError> {
        self.apply1(Sample { stream }.into(), &[logits, seed])
    }
}
