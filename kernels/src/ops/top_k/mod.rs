//! The largest logits of every row, and where a given one stands among them.

use std::cmp::Ordering;

use super::Rule;
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, Style, grid_1d, params};
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
/// (u32), figures `[R, 3]`; so only `2k + 3` numbers a row are read back instead of V. And what a GPU's
/// second stage makes these of, the parts' own (u32), which no one else reads.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    /// How many; at most V.
    pub k: usize,
}

/// Elements of a row that a workgroup's lanes share on a GPU: few reads a lane, and many workgroups.
const GROUP_PART: usize = 2048;
/// Lanes of such a workgroup.
const GROUP_LANES: u32 = 256;
/// Parts that keep a software adapter's cores and their lanes busy, each one lane's.
const LANE_PARTS: usize = 64;
/// The fewest elements that are worth a part of their own there.
const LANE_PART: usize = 128;
/// Elements that one lane reads at most there: Mesa's llvmpipe ends every loop after 65,535 iterations in all.
const LANE_READS: usize = 16_384;

params! {
    struct PartsParams { rows: u32, columns: u32, k: u32, parts: u32 }
}

params! {
    struct MergeParams { rows: u32, columns: u32, k: u32, kept: u32, parts: u32 }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

/// A stage from its name, parameters, bindings and source.
macro_rules! stage {
    ($name:literal, $params:ident, $bindings:expr, $source:literal) => {
        Kernel {
            name: $name,
            variant: None,
            source: concat!(
                include_str!("../shared/finite.wgsl"),
                include_str!("../shared/reduce.wgsl"),
                include_str!("../shared/first.wgsl"),
                include_str!("next.wgsl"),
                include_str!($source)
            ),
            params: $params::FIELDS,
            bindings: $bindings,
        }
    };
}

static PARTS: Kernel = stage!(
    "top k, parts",
    PartsParams,
    &[READ, READ, WRITE],
    "parts.wgsl"
);
static MERGE: Kernel = stage!(
    "top k, merge",
    MergeParams,
    &[READ, READ, READ, WRITE, WRITE, WRITE],
    "merge.wgsl"
);

/// How a row is dealt out.
struct Cut {
    parts: usize,
    /// Lanes that share a part.
    lanes: u32,
    /// Candidates that each part keeps.
    kept: usize,
}

impl Cut {
    fn new(style: Style, columns: usize, k: usize) -> Self {
        let (parts, lanes) = match style {
            Style::Tiles => (columns.div_ceil(GROUP_PART), GROUP_LANES),
            Style::Lanes => {
                let busy = columns.div_ceil(LANE_PART).min(LANE_PARTS);
                let short = (columns * (k + 3)).div_ceil(LANE_READS);
                (busy.max(short), 1)
            }
        };
        let longest = columns.div_ceil(parts * lanes as usize) * lanes as usize;
        Self {
            parts,
            lanes,
            kept: k.min(longest),
        }
    }

    /// What all parts of a row keep: values, columns, and three figures each.
    fn len(&self) -> usize {
        self.parts * (2 * self.kept + 3)
    }

    /// Lanes that share a row in the second stage.
    fn merge_lanes(&self, style: Style, k: usize) -> u32 {
        let reads = self.parts * self.kept * (k + 3);
        match style {
            Style::Tiles => GROUP_LANES,
            // A barrier costs more than it saves, as long as a lane can do all of it.
            Style::Lanes => {
                let lanes = reads.div_ceil(LANE_READS).next_power_of_two();
                (lanes as u32).min(GROUP_LANES)
            }
        }
    }
}

impl Rule for TopK {
    const NAME: &'static str = "top k";
    const KERNELS: &'static [&'static Kernel] = &[&PARTS, &MERGE];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        let (rows, columns) = check.matrix(0, "logits")?;
        check.exactly(1, "targets", DType::U32, Shape::new(&[rows]))?;
        if self.k == 0 || self.k > columns {
            return Err(check.attribute(format!("k = {} is not within 1 and {columns}", self.k)));
        }
        let top = [rows, self.k];
        let len = |style| Cut::new(style, columns, self.k).len();
        Ok(vec![
            TensorType::real(top),
            TensorType::u32(top),
            TensorType::real([rows, 3]),
            TensorType::u32([rows, len(Style::Tiles).max(len(Style::Lanes))]),
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let shape = context.inputs[0].shape;
        let (rows, columns) = (shape.rows(), shape.columns());
        let capabilities = &context.choice.capabilities;
        let style = capabilities.style;
        let cut = Cut::new(style, columns, self.k);
        let stage = |kernel, lanes: u32, params, operands, count| {
            let spans = if lanes == 1 { capabilities.lanes } else { 1 };
            Dispatch {
                kernel,
                constants: vec![("LANES", f64::from(lanes)), ("ROWS", f64::from(spans))],
                params,
                operands,
                workgroups: grid_1d(count, spans),
            }
        };
        let [logits, targets] = [0, 1].map(Operand::Input);
        let [values, found, figures, kept] = [0, 1, 2, 3].map(Operand::Output);
        let parts = PartsParams {
            rows: rows as u32,
            columns: columns as u32,
            k: cut.kept as u32,
            parts: cut.parts as u32,
        };
        let merge = MergeParams {
            rows: rows as u32,
            columns: columns as u32,
            k: self.k as u32,
            kept: cut.kept as u32,
            parts: cut.parts as u32,
        };
        vec![
            stage(
                &PARTS,
                cut.lanes,
                parts.bytes(),
                vec![logits, targets, kept],
                rows * cut.parts,
            ),
            stage(
                &MERGE,
                cut.merge_lanes(style, self.k),
                merge.bytes(),
                vec![logits, targets, kept, values, found, figures],
                rows,
            ),
        ]
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
