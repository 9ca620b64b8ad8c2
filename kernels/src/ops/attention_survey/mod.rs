//! Where rows of attention weights lie, in few numbers.

use super::Rule;
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Real};

/// Of each row of attention weights: the share on the token before, the one after, itself, other places with the same id,
/// and marked tokens; the entropy in bits; and the sums over at most `side` stretches of the keys (as many as there
/// are keys, where those are fewer; the rest are 0).
///
/// Operands: weights `[B·A·T, T]`; ids and marked (not 0) `[B·T]`, lengths `[B]`, all u32. Result `[B·A·T, 6 + side]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionSurvey {
    /// Stretches of keys at most.
    pub side: usize,
}

params! {
    struct Params { len: u32, tokens: u32, heads: u32 }
}

/// Numbers of a row before its stretches.
const TRAITS: usize = 6;

const READ: Access = Access::Read;

static FORWARD: Kernel = Kernel {
    name: "attention survey",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[READ, READ, READ, READ, Access::Write],
};

/// A, of checked operands.
fn heads(inputs: &[TensorType]) -> usize {
    inputs[0].shape.rows() / inputs[1].shape.len()
}

impl Rule for AttentionSurvey {
    const NAME: &'static str = "attention survey";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 4)?;
        let (rows, tokens) = check.matrix(0, "weights")?;
        let batch = check.indices(3, "lengths")?;
        if !rows.is_multiple_of(batch * tokens) {
            let expected = format!("[{batch} A {tokens}, {tokens}]");
            return Err(check.shape(0, "weights", expected));
        }
        for (i, name) in [(1, "ids"), (2, "marked")] {
            check.exactly(i, name, DType::U32, Shape::new(&[batch * tokens]))?;
        }
        if self.side == 0 {
            return Err(check.attribute("takes at least 1 stretch".to_owned()));
        }
        Ok(vec![TensorType::real([rows, TRAITS + self.side])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let params = Params {
            len: shape.rows() as u32,
            tokens: shape.columns() as u32,
            heads: heads(context.inputs) as u32,
        };
        let mut operands: Vec<Operand> = (0..4).map(Operand::Input).collect();
        operands.push(Operand::Output(0));
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("SIDE", self.side as f64)],
            params: params.bytes(),
            operands,
            workgroups: grid_1d(shape.rows(), 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let types: Vec<TensorType> = (0..2).map(|i| io.input_type(i)).collect();
        let (heads, tokens) = (heads(&types), types[0].shape.columns());
        let (inputs, mut outputs) = io.split();
        let (ids, marked, lengths) = (inputs.u32(1), inputs.u32(2), inputs.u32(3));
        let rows = inputs.real(0).chunks_exact(tokens);
        let found = outputs.real().chunks_exact_mut(TRAITS + self.side);
        for (n, (row, out)) in rows.zip(found).enumerate() {
            let (i, b) = (n % tokens, n / tokens / heads);
            let length = (lengths[b] as usize).clamp(1, tokens);
            let side = self.side.min(length);
            let own = |j: usize| b * tokens + j;
            out.fill(F::default());
            for s in 0..side {
                for j in s * length / side..(s + 1) * length / side {
                    let w = row[j];
                    out[TRAITS + s] += w;
                    let is = [
                        j + 1 == i,
                        j == i + 1,
                        j == i,
                        j != i && ids[own(j)] == ids[own(i)],
                        marked[own(j)] != 0,
                    ];
                    for (out, is) in out.iter_mut().zip(is) {
                        if is {
                            *out += w;
                        }
                    }
                    if w > F::default() {
                        out[5] -= w * w.ln() / F::new(std::f64::consts::LN_2);
                    }
                }
            }
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        12.0 * inputs[0].shape.len() as f64
    }
}

impl Graph {
    /// Where rows of attention weights lie; see [`AttentionSurvey`] for the shapes. `about` are ids, marks and lengths.
    pub fn attention_survey(
        &mut self,
        weights: Value,
        about: [Value; 3],
        side: usize,
    ) -> Result<Value, GraphError> {
        let [ids, marked, lengths] = about;
        self.apply1(
            AttentionSurvey { side }.into(),
            &[weights, ids, marked, lengths],
        )
    }
}
