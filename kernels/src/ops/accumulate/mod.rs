//! Sums over several runs of a plan, as of the gradients of a batch that is read in parts.

use super::Rule;
use super::adamw::Group;
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// `sum = keep sum + share x` for each of n values. Operands: the values, of any shape; `(keep, share)` `[2]`. Results: the sums,
/// updated in place: a plan must store them in parameters that are packed in the order of the values. Where keep is 0, what
/// was there before is forgotten, even if it was no number.
#[derive(Clone, Debug, PartialEq)]
pub struct Accumulate;

params! {
    struct Params { len: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "accumulate",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for Accumulate {
    const NAME: &'static str = "accumulate";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, inputs.len().max(2))?;
        let (values, _) = inputs.split_at(inputs.len().saturating_sub(1));
        for (i, ty) in values.iter().enumerate() {
            check.exactly(i, "value", DType::Real, ty.shape)?;
        }
        check.vector(values.len(), "keep and share", 2)?;
        Ok(values.to_vec())
    }

    fn accumulates(&self) -> bool {
        true
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let count = context.inputs.len() - 1;
        let groups = Group::all(context, count);
        let dispatch = |group: &Group| Dispatch {
            kernel: &FORWARD,
            constants: Vec::new(),
            params: Params {
                len: group.len as u32,
            }
            .bytes(),
            operands: vec![group.input(), Operand::Input(count), group.output(0)],
            workgroups: grid_1d(group.len.div_ceil(4), 64),
        };
        groups.iter().map(dispatch).collect()
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let n = inputs.count() - 1;
        let (keep, share) = (inputs.real(n)[0], F::Lanes::splat(inputs.real(n)[1]));
        for i in 0..n {
            let (sum, x) = (outputs.real(), inputs.real(i));
            match keep == F::default() {
                true => row::update(sum, [x], |_, [x]| share * x),
                false => {
                    let keep = F::Lanes::splat(keep);
                    row::update(sum, [x], |sum, [x]| keep * sum + share * x);
                }
            }
        }
    }
}

impl Graph {
    /// Adds values to sums that outlive the run: `numbers` (`[2]`) holds how much of each sum is kept, and how much of each
    /// value is added. The results must be stored in place.
    pub fn accumulate(
        &mut self,
        values: &[Value],
        numbers: Value,
    ) -> Result<Vec<Value>, GraphError> {
        let inputs = [values, &[numbers]].concat();
        self.apply(Accumulate.into(), &inputs)
    }
}
