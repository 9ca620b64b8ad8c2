//! What a layer norm normalises: `z = dropout(x) + residual`.

use super::super::check::Check;
use super::super::dropout::Noise;
use crate::error::GraphError;
use crate::shader::Operand;
use crate::tensor::{DType, Shape};
use crate::twin::{Inputs, Real, row};

/// The first operands of a layer norm and of its gradients: x `[R, C]`, the residual `[R, C]` (if
/// there is one), the run's seed `[1]` (u32, with dropout).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NormInput {
    /// Whether there is a residual operand.
    pub residual: bool,
    /// What is dropped of x.
    pub dropout: Option<Noise>,
}

/// The dropout's part of a shader's `Params`.
pub(super) struct NoiseParams {
    pub stream: u32,
    pub threshold: u32,
    pub scale: f32,
}

impl NormInput {
    /// How many operands they are.
    pub(super) fn count(&self) -> usize {
        1 + usize::from(self.residual) + usize::from(self.dropout.is_some())
    }

    /// Checks them; returns R and C.
    pub(super) fn check(
        &self,
        check: &Check<'_>,
        op: &'static str,
    ) -> Result<[usize; 2], GraphError> {
        let (rows, columns) = check.matrix(0, "x")?;
        if self.residual {
            check.exactly(1, "residual", DType::Real, Shape::new(&[rows, columns]))?;
        }
        if let Some(noise) = self.dropout {
            check.exactly(self.count() - 1, "seed", DType::U32, Shape::new(&[1]))?;
            noise.check(op)?;
        }
        Ok([rows, columns])
    }

    /// The shaders' first bindings: x, residual, seed.
    pub(super) fn bindings(&self) -> [Operand; 3] {
        let given = |there: bool, i: usize| match there {
            true => Operand::Input(i),
            false => Operand::Unused,
        };
        [
            Operand::Input(0),
            given(self.residual, 1),
            given(self.dropout.is_some(), self.count() - 1),
        ]
    }

    /// The shaders' `override` constants.
    pub(super) fn constants(&self) -> [(&'static str, f64); 2] {
        [
            ("RESIDUAL", f64::from(self.residual)),
            ("DROPOUT", f64::from(self.dropout.is_some())),
        ]
    }

    pub(super) fn noise(&self) -> NoiseParams {
        NoiseParams {
            stream: self.dropout.map_or(0, |n| n.stream),
            threshold: self.dropout.map_or(0, |n| n.threshold()),
            scale: self.dropout.map_or(1.0, |n| n.scale() as f32),
        }
    }

    /// Row `r` of z, into `z`.
    pub(super) fn row<F: Real>(&self, inputs: &Inputs<'_, F>, r: usize, z: &mut [F]) {
        let range = r * z.len()..(r + 1) * z.len();
        z.copy_from_slice(&inputs.real(0)[range.clone()]);
        self.drop(inputs, r, z);
        if self.residual {
            row::add(z, &inputs.real(1)[range]);
        }
    }

    /// Applies the dropout of row `r` of x.
    pub(super) fn drop<F: Real>(&self, inputs: &Inputs<'_, F>, r: usize, row: &mut [F]) {
        if let Some(noise) = self.dropout {
            let seed = inputs.u32(self.count() - 1)[0];
            noise.apply(seed, (r * row.len()) as u32, row);
        }
    }
}
