//! The largest logits of every row, and where a given one stands among them.

use std::cmp::Ordering;

use super::Rule;
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Lanes, Real, row};

/// Asks for no target's figures.
pub const NO_TARGET: u32 = u32::MAX;

/// The `k` largest elements of each row in falling order (equal ones by column), and three
/// figures: the row's log-sum-exp, its target's logit, and the target's rank (1 = largest; logit
/// and rank are 0 where the target is [`NO_TARGET`]).
///
/// A row with a logit that is not finite has no order: its log-sum-exp and its target's rank are NaN,
/// and its columns are the first `k`.
///
/// Operands: logits `[R, V]`, targets `[R]` (u32). Results: values `[R, k]`, columns `[R, k]`
/// (u32), figures `[R, 3]`. So only `2k + 3` numbers a row are read back instead of V.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    /// How many; at most V.
    pub k: usize,
}

params! {
    struct Params { rows: u32, columns: u32, k: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "top k",
    variant: None,
    source: concat!(
        include_str!("../shared/finite.wgsl"),
        include_str!("../shared/reduce.wgsl"),
        include_str!("../shared/first.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Write,
        Access::Write,
        Access::Write,
    ],
};

impl Rule for TopK {
    const NAME: &'static str = "top k";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (rows, columns) = check.matrix(0, "logits")?;
        check.exactly(1, "targets", DType::U32, Shape::new(&[rows]))?;
        if self.k == 0 || self.k > columns {
            return Err(check.attribute(format!("k = {} is not within 1 and {columns}", self.k)));
        }
        let top = [rows, self.k];
        Ok(vec![
            TensorType::real(top),
            TensorType::u32(top),
            TensorType::real([rows, 3]),
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (rows, columns) = (shape.rows(), shape.columns());
        let (lanes, group_rows) = context.row_lanes((self.k + 3) * columns);
        let params = Params {
            rows: rows as u32,
            columns: columns as u32,
            k: self.k as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(group_rows))],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Output(0),
                Operand::Output(1),
                Operand::Output(2),
            ],
            workgroups: grid_1d(rows, group_rows),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let columns = inputs.ty(0).shape.columns();
        let targets = inputs.u32(1);
        let (values, indices, figures) = (outputs.real(), outputs.u32(), outputs.real());
        let mut order: Vec<u32> = Vec::new();
        for (r, x) in inputs.real(0).chunks_exact(columns).enumerate() {
            let finite = row::all_finite(x);
            order.clear();
            match finite {
                true => best(x, self.k, &mut order),
                false => order.extend(0..self.k as u32),
            }
            for (i, &c) in order.iter().enumerate() {
                values[r * self.k + i] = x[c as usize];
                indices[r * self.k + i] = c;
            }
            let largest = values[r * self.k];
            let top = F::Lanes::splat(largest);
            let sum = row::sum_of([x], |[x]| (x - top).exp());
            let known = |x: F| if finite { x } else { F::new(f64::NAN) };
            let (mut logit, mut rank) = (F::default(), F::default());
            if targets[r] != NO_TARGET {
                let target = targets[r].min(columns as u32 - 1);
                logit = x[target as usize];
                let before = |c: &u32| falling(x, *c, target).is_lt();
                let larger = (0..columns as u32).filter(before).count();
                rank = known(F::new(1.0 + larger as f64));
            }
            figures[3 * r..][..3].copy_from_slice(&[known(largest + sum.ln()), logit, rank]);
        }
    }

    /// k + 3 passes over the logits.
    fn flops(&self, inputs: &[TensorType]) -> f64 {
        2.0 * (self.k + 3) as f64 * inputs[0].shape.len() as f64
    }
}

/// The order of two columns of a row: the larger element first, of equal ones the first.
fn falling<F: Real>(x: &[F], a: u32, b: u32) -> Ordering {
    // Adding zero makes -0 equal to 0 in the total order.
    let key = |i: u32| x[i as usize].f64() + 0.0;
    key(b).total_cmp(&key(a)).then(a.cmp(&b))
}

/// Puts the columns of the `k` largest elements of a row into `order`, which is empty.
fn best<F: Real>(x: &[F], k: usize, order: &mut Vec<u32>) {
    // Few of many: most columns fall short of the last one kept, and are done with.
    for column in 0..x.len() as u32 {
        if order.len() == k && falling(x, order[k - 1], column).is_lt() {
            continue;
        }
        order.truncate(k - 1);
        let place = order.partition_point(|&kept| falling(x, kept, column).is_lt());
        order.insert(place, column);
    }
}

/// The results of [`Graph::top_k`].
#[derive(Clone, Copy, Debug)]
pub struct TopKValues {
    /// `[R, k]`, falling.
    pub values: Value,
    /// `[R, k]`, u32.
    pub columns: Value,
    /// `[R, 3]`: log-sum-exp, the target's logit, the target's rank.
    pub figures: Value,
}

impl Graph {
    /// The `k` largest of each row of `logits` (`[R, V]`), and the standing of each row's target
    /// (`[R]`, u32).
    pub fn top_k(
        &mut self,
        logits: Value,
        targets: Value,
        k: usize,
    ) -> Result<TopKValues, GraphError> {
        let outputs = self.apply(TopK { k }.into(), &[logits, targets])?;
        Ok(TopKValues {
            values: outputs[0],
            columns: outputs[1],
            figures: outputs[2],
        })
    }
}
