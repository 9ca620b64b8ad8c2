//! The dispatches of sums over rows: one, or where rows are many one over their chunks and one over what that
//! made of them.

use super::super::columns::{Columns, Width, chunk};
use crate::shader::{Access, Dispatch, DispatchContext, Field, Kernel, Operand, Scalar, Style};
use crate::tensor::Shape;

/// A shader for so many matrices at once, of one or four numbers at a time, after `shared/$width`.
macro_rules! kernel {
    ($name:literal, $count:literal, $width:literal) => {
        Kernel {
            name: $name,
            variant: None,
            source: concat!(
                concat!("#let COUNT = ", $count, "\n"),
                include_str!(concat!("../shared/", $width)),
                include_str!("../shared/columns.wgsl"),
                include_str!("forward.wgsl")
            ),
            params: FIELDS.split_at(3 * $count).0,
            bindings: BINDINGS[$count],
        }
    };
}

const fn field(name: &'static str) -> Field {
    let scalar = Scalar::U32;
    Field { name, scalar }
}

/// The fields of `Params` for four matrices; fewer have the first ones.
const FIELDS: &[Field] = &[
    field("rows0"),
    field("columns0"),
    field("chunk0"),
    field("rows1"),
    field("columns1"),
    field("chunk1"),
    field("rows2"),
    field("columns2"),
    field("chunk2"),
    field("rows3"),
    field("columns3"),
    field("chunk3"),
];

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;
/// For each number of matrices.
const BINDINGS: [&[Access]; 5] = [
    &[],
    &[READ, WRITE],
    &[READ, READ, WRITE, WRITE],
    &[],
    &[READ, READ, READ, READ, WRITE, WRITE, WRITE, WRITE],
];

pub(super) static ONE: [Kernel; 2] = [
    kernel!("sum rows", 1, "one.wgsl"),
    kernel!("sum rows, by four", 1, "four.wgsl"),
];
pub(super) static TWO: [Kernel; 2] = [
    kernel!("sum rows of two", 2, "one.wgsl"),
    kernel!("sum rows of two, by four", 2, "four.wgsl"),
];
pub(super) static FOUR: [Kernel; 2] = [
    kernel!("sum rows of four", 4, "one.wgsl"),
    kernel!("sum rows of four, by four", 4, "four.wgsl"),
];

/// A matrix whose rows are summed.
#[derive(Clone, Copy)]
pub struct Sum {
    /// The matrix.
    pub x: Operand,
    pub shape: Shape,
    /// Its sum.
    pub out: Operand,
    /// Room for the sums of its chunks, see `columns::parts`.
    pub parts: Operand,
}

/// What one dispatch does to a matrix.
struct Use {
    x: Operand,
    out: Operand,
    rows: usize,
    columns: usize,
    chunk: usize,
}

impl Sum {
    /// The dispatches that sum the rows of one, two or four matrices.
    pub fn dispatches(context: &DispatchContext<'_>, sums: &[Self]) -> Vec<Dispatch> {
        let style = context.choice.capabilities.style;
        let first = sums.iter().map(|sum| sum.first(style)).collect();
        let mut dispatches = vec![dispatch(context, first)];
        dispatches.extend(Self::second(context, sums));
        dispatches
    }

    /// The second of them, where there is one.
    pub fn second(context: &DispatchContext<'_>, sums: &[Self]) -> Option<Dispatch> {
        let style = context.choice.capabilities.style;
        let parted = sums.iter().any(|sum| sum.chunks(style) > 1);
        parted.then(|| dispatch(context, sums.iter().map(|s| s.rest(style)).collect()))
    }

    /// Chunks of its rows.
    fn chunks(&self, style: Style) -> usize {
        let rows = self.shape.rows();
        rows.div_ceil(chunk(style, rows))
    }

    /// Where a first stage writes.
    pub fn made_first(&self, style: Style) -> Operand {
        match self.chunks(style) {
            1 => self.out,
            _ => self.parts,
        }
    }

    fn first(&self, style: Style) -> Use {
        Use {
            x: self.x,
            out: self.made_first(style),
            rows: self.shape.rows(),
            columns: self.shape.columns(),
            chunk: chunk(style, self.shape.rows()),
        }
    }

    /// What the second stage does: nothing where the first one made the sum.
    fn rest(&self, style: Style) -> Use {
        let chunks = self.chunks(style);
        let (x, columns) = match chunks {
            1 => (self.x, 0),
            _ => (self.parts, self.shape.columns()),
        };
        Use {
            x,
            out: self.out,
            rows: chunks,
            columns,
            chunk: chunks,
        }
    }
}

fn dispatch(context: &DispatchContext<'_>, uses: Vec<Use>) -> Dispatch {
    let most = |of: fn(&Use) -> usize| uses.iter().map(of).max().unwrap_or(0);
    // Where some are cut into chunks, by these.
    let cut = |u: &&Use| u.rows > u.chunk;
    let chunk = uses.iter().filter(cut).map(|u| u.chunk).max();
    let width = Width::of_all(uses.iter().map(|u| u.columns));
    let columns = Columns::choose(context, chunk.unwrap_or(most(|u| u.rows)), width);
    let params = uses.iter().flat_map(|u| [u.rows, u.columns, u.chunk]);
    let params: Vec<u32> = params.map(|size| size as u32).collect();
    let operands = uses.iter().map(|u| u.x).chain(uses.iter().map(|u| u.out));
    Dispatch {
        kernel: width.of_two(match uses.len() {
            1 => &ONE,
            2 => &TWO,
            _ => &FOUR,
        }),
        constants: columns.constants(),
        params: bytemuck::cast_slice(&params).to_vec(),
        operands: operands.collect(),
        workgroups: columns.stage(
            width.count(most(|u| u.columns)),
            most(|u| u.rows.div_ceil(u.chunk)),
            uses.len(),
        ),
    }
}
