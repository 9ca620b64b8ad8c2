//! Which look-ups are of the same row.

use std::collections::HashMap;

use super::check::Check;
use super::{NO_TARGET, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Real};

/// Finds which of R look-ups in a table are of the same row: `links[i]` is the next look-up of the row that look-up i is
/// of, [`NO_TARGET`] where there is none; `links[R + i]` is 1 where none before it is of that row, else 0.
///
/// Operand: rows `[P·R]` (u32), of P look-ups one after another; result `[2·R]` (u32). Appears in gradients only.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRows {
    /// Which of P look-ups.
    pub part: usize,
    /// R.
    pub rows: usize,
    /// Rows of the table; a look-up beyond them is of the last one.
    pub table: usize,
}

params! {
    struct Params { rows: u32, offset: u32, table_rows: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "link rows",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Write],
};

impl Rule for LinkRows {
    const NAME: &'static str = "link rows";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 1)?;
        let all = check.indices(0, "rows")?;
        if self.rows == 0 || self.table == 0 || (self.part + 1) * self.rows > all {
            let (part, rows) = (self.part, self.rows);
            return Err(check.attribute(format!("there is no part {part} of {rows} rows in {all}")));
        }
        Ok(vec![TensorType::u32([2 * self.rows])])
    }

    fn dispatch(&self, _context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let params = Params {
            rows: self.rows as u32,
            offset: (self.part * self.rows) as u32,
            table_rows: self.table as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Output(0)],
            workgroups: grid_1d(self.rows, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let rows = &inputs.u32(0)[self.part * self.rows..][..self.rows];
        let (next, first) = outputs.u32().split_at_mut(self.rows);
        let mut last = HashMap::new();
        for (i, &row) in rows.iter().enumerate() {
            let row = row.min(self.table as u32 - 1);
            let before = last.insert(row, i);
            first[i] = u32::from(before.is_none());
            next[i] = NO_TARGET;
            if let Some(before) = before {
                next[before] = i as u32;
            }
        }
    }

    /// A thread a look-up, each of which looks through the others.
    fn flops(&self, _inputs: &[TensorType]) -> f64 {
        (self.rows * self.rows) as f64
    }
}

impl Graph {
    /// Which of the look-ups `part` of `rows` (`[P·R]`, u32), R of them, are of the same row of a table of `table` rows; see
    /// [`LinkRows`].
    pub(crate) fn link_rows(
        &mut self,
        rows: Value,
        part: usize,
        count: usize,
        table: usize,
    ) -> Result<Value, GraphError> {
        let op = LinkRows {
            part,
            rows: count,
            table,
        };
        self.apply1(op.into(), &[rows])
    }
}
