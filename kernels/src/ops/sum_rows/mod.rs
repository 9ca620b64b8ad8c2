//! The sum of a matrix's rows: the gradient of a bias.

mod stages;

pub(super) use stages::Sum;

use super::Rule;
use super::check::Check;
use super::columns;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Dispatch, DispatchContext, Kernel, Operand};
use crate::tensor::TensorType;
use crate::twin::{self, Real, row};

/// `out[c] = Σ_r x[r, c]`: x `[R, C]`; results: out `[C]`, and what a GPU's first stage makes of chunks of rows,
/// which no one else reads. Appears in gradients only. Plans take [`SumRows::AT_ONCE`] of them together, with as
/// many operands and twice as many results, in the same order.
#[derive(Clone, Debug, PartialEq)]
pub struct SumRows;

impl SumRows {
    /// Matrices whose rows one dispatch sums: with their sums, as many buffers as every adapter
    /// binds. A layer of BERT has as many biases.
    pub const AT_ONCE: usize = 4;
}

impl Rule for SumRows {
    const NAME: &'static str = "sum rows";
    const KERNELS: &'static [&'static Kernel] = &[
        &stages::ONE[0],
        &stages::ONE[1],
        &stages::TWO[0],
        &stages::TWO[1],
        &stages::FOUR[0],
        &stages::FOUR[1],
    ];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, inputs.len())?;
        if ![1, Self::AT_ONCE].contains(&inputs.len()) {
            let message = format!("takes 1 or {} operands", Self::AT_ONCE);
            return Err(check.attribute(message));
        }
        let mut results = Vec::with_capacity(2 * inputs.len());
        for (i, x) in inputs.iter().enumerate() {
            let (_, columns) = check.matrix(i, "x")?;
            results.extend([TensorType::real([columns]), columns::parts(x.shape)]);
        }
        Ok(results)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let sum = |(i, x): (usize, &TensorType)| Sum {
            x: Operand::Input(i),
            shape: x.shape,
            out: Operand::Output(2 * i),
            parts: Operand::Output(2 * i + 1),
        };
        let sums: Vec<Sum> = context.inputs.iter().enumerate().map(sum).collect();
        Sum::dispatches(context, &sums)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        for i in 0..inputs.count() {
            let (out, _parts) = (outputs.real(), outputs.real());
            out.fill(F::default());
            for x in inputs.real(i).chunks_exact(inputs.ty(i).shape.columns()) {
                row::add(out, x);
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        inputs.iter().map(|x| 8.0 * x.shape.len() as f64).sum()
    }
}

impl Graph {
    /// The sum of the rows of `x` (`[R, C]`): `[C]`.
    pub fn sum_rows(&mut self, x: Value) -> Result<Value, GraphError> {
        self.apply1(SumRows.into(), &[x])
    }
}
