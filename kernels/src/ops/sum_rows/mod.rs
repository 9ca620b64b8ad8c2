//! The sum of a matrix's rows: the gradient of a bias.

use super::Rule;
use super::check::Check;
use super::columns::Columns;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, params};
use crate::tensor::TensorType;
use crate::twin::{self, Real, row};

/// `out[c] = Σ_r x[r, c]`: x `[R, C]`, result `[C]`. Appears in gradients only. Plans take
/// [`SumRows::AT_ONCE`] of them together, with as many operands and results.
#[derive(Clone, Debug, PartialEq)]
pub struct SumRows;

impl SumRows {
    /// Matrices whose rows one dispatch sums: with their sums, as many buffers as every adapter
    /// binds. A layer of BERT has as many biases.
    pub const AT_ONCE: usize = 4;
}

params! {
    struct Params { rows: u32, columns: u32 }
}

params! {
    struct FourParams {
        rows0: u32,
        rows1: u32,
        rows2: u32,
        rows3: u32,
        columns0: u32,
        columns1: u32,
        columns2: u32,
        columns3: u32,
    }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

static FORWARD: Kernel = Kernel {
    name: "sum rows",
    variant: None,
    source: concat!(
        include_str!("../shared/columns.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, WRITE],
};

static FOUR: Kernel = Kernel {
    name: "sum rows, four",
    variant: None,
    source: concat!(
        include_str!("../shared/columns.wgsl"),
        include_str!("four.wgsl")
    ),
    params: FourParams::FIELDS,
    bindings: &[READ, READ, READ, READ, WRITE, WRITE, WRITE, WRITE],
};

impl Rule for SumRows {
    const NAME: &'static str = "sum rows";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD, &FOUR];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, inputs.len())?;
        if ![1, Self::AT_ONCE].contains(&inputs.len()) {
            let message = format!("takes 1 or {} operands", Self::AT_ONCE);
            return Err(check.attribute(message));
        }
        let sum = |i| Ok(TensorType::real([check.matrix(i, "x")?.1]));
        (0..inputs.len()).map(sum).collect()
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shapes = context.inputs.iter().map(|ty| ty.shape);
        let rows: Vec<u32> = shapes.clone().map(|s| s.rows() as u32).collect();
        let columns: Vec<u32> = shapes.map(|s| s.columns() as u32).collect();
        let longest = rows.iter().copied().max().unwrap_or(0);
        let widest = columns.iter().copied().max().unwrap_or(0);
        let lanes = Columns::choose(context, longest as usize);
        let count = context.inputs.len();
        let operands = (0..count).map(Operand::Input);
        let operands = operands.chain((0..count).map(Operand::Output)).collect();
        let (constants, workgroups) = (lanes.constants(), lanes.workgroups(widest as usize));
        vec![match (&rows[..], &columns[..]) {
            (&[rows0, rows1, rows2, rows3], &[columns0, columns1, columns2, columns3]) => {
                Dispatch {
                    kernel: &FOUR,
                    constants,
                    params: FourParams {
                        rows0,
                        rows1,
                        rows2,
                        rows3,
                        columns0,
                        columns1,
                        columns2,
                        columns3,
                    }
                    .bytes(),
                    operands,
                    workgroups: [workgroups[0], Self::AT_ONCE as u32, 1],
                }
            }
            _ => Dispatch {
                kernel: &FORWARD,
                constants,
                params: Params {
                    rows: longest,
                    columns: widest,
                }
                .bytes(),
                operands,
                workgroups,
            },
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        for i in 0..inputs.count() {
            let out = outputs.real();
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
