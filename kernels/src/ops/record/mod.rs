//! Figures of many runs, side by side on the device until someone reads them.

use super::Rule;
use super::check::Check;
use crate::cpu::{self, Real};
use crate::error::GraphError;
use crate::gpu::{Access, Dispatch, DispatchContext, Kernel, Operand, params};
use crate::graph::{Graph, Value};
use crate::tensor::{DType, Shape, TensorType};

/// `log[row] = (a, b)`; the other rows stay as they were.
///
/// Operands: a `[1]`, b `[1]`, row `[1]` (u32). Result: the log `[R, 2]`, updated in place: a plan
/// must store it in a parameter. A row that the log does not have is not written.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// R, the rows of the log.
    pub rows: usize,
}

params! {
    struct Params { rows: u32 }
}

const READ: Access = Access::Read;

static FORWARD: Kernel = Kernel {
    name: "record",
    source: include_str!("forward.wgsl"),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, Access::Write],
};

impl Rule for Record {
    const NAME: &'static str = "record";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 3)?;
        check.vector(0, "a", 1)?;
        check.vector(1, "b", 1)?;
        check.exactly(2, "row", DType::U32, Shape::new(&[1]))?;
        if self.rows == 0 {
            return Err(check.attribute("the log has no row".to_owned()));
        }
        Ok(vec![TensorType::real([self.rows, 2])])
    }

    fn dispatch(&self, _context: &DispatchContext<'_>) -> Vec<Dispatch> {
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: Params {
                rows: self.rows as u32,
            }
            .bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Input(2),
                Operand::Output(0),
            ],
            workgroups: [1, 1, 1],
        }]
    }

    fn cpu<F: Real>(&self, io: &mut cpu::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (a, b, row) = (inputs.real(0)[0], inputs.real(1)[0], inputs.u32(2)[0]);
        if let Some(place) = outputs.real().chunks_exact_mut(2).nth(row as usize) {
            place.copy_from_slice(&[a, b]);
        }
    }
}

impl Graph {
    /// Writes two figures (`[1]` each) into row `row` (`[1]`, u32) of a log of `rows` rows.
    pub fn record(
        &mut self,
        [a, b]: [Value; 2],
        row: Value,
        rows: usize,
    ) -> Result<Value, GraphError> {
        self.apply1(Record { rows }.into(), &[a, b, row])
    }
}
