//! Sums over the rows of a matrix: who adds up what, see `shared/columns.wgsl`, and in how many stages.

use crate::shader::{DispatchContext, Kernel, Style, grid_1d};
use crate::tensor::{Shape, TensorType};

/// Rows up to which a large GPU is done in one stage before a second one would have begun.
const ONE_STAGE: usize = 512;
/// Rows of a chunk beyond that, at least: few for a lane, and many workgroups.
const CHUNK: usize = 128;
/// Chunks at most, so that the second stage is short.
const CHUNKS: usize = 128;
/// Rows that a software adapter's lane adds up at most: Mesa's llvmpipe ends every loop after 65,535
/// iterations in all.
const LANE_ROWS: usize = 16_384;

/// How many numbers of a row a shader goes over at a time, see `shared/one.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Four,
}

impl Width {
    /// For rows of so many columns.
    pub fn of(columns: usize) -> Self {
        Self::of_all([columns])
    }

    /// For rows of several matrices.
    pub fn of_all(columns: impl IntoIterator<Item = usize>) -> Self {
        match columns.into_iter().all(|columns| columns.is_multiple_of(4)) {
            true => Self::Four,
            false => Self::One,
        }
    }

    /// So many columns, counted by it.
    pub fn count(self, columns: usize) -> usize {
        match self {
            Self::One => columns,
            Self::Four => columns / 4,
        }
    }

    /// Its shader, of those for one and for four.
    pub fn of_two(self, kernels: &'static [Kernel; 2]) -> &'static Kernel {
        &kernels[usize::from(self == Self::Four)]
    }
}

/// How lanes and columns are dealt out; a column is as wide as the shader's [`Width`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Columns of a workgroup.
    columns: u32,
    /// Lanes that share a column.
    lanes: u32,
}

impl Columns {
    /// For sums over `rows` rows. On a GPU a thread a column would leave most of it idle, and eight
    /// columns are as many as memory hands out at once (32 bytes, of fours 128); on a software adapter
    /// a barrier costs more than it saves.
    pub fn choose(context: &DispatchContext<'_>, rows: usize, width: Width) -> Self {
        let [columns, lanes] = match (context.choice.capabilities.style, width) {
            (Style::Tiles, Width::One) if rows >= 512 => [8, 32],
            (Style::Tiles, Width::One) if rows >= 32 => [32, 8],
            (Style::Tiles, Width::Four) if rows >= 32 => [8, 32],
            (_, Width::One) => [64, 1],
            (_, Width::Four) => [16, 1],
        };
        Self { columns, lanes }
    }

    /// The shader's `override` constants.
    pub fn constants(self) -> Vec<(&'static str, f64)> {
        vec![
            ("COLUMNS", f64::from(self.columns)),
            ("LANES", f64::from(self.lanes)),
        ]
    }

    /// Workgroups for so many columns.
    pub fn workgroups(self, columns: usize) -> [u32; 3] {
        grid_1d(columns, self.columns)
    }

    /// Workgroups for so many columns, chunks of rows, and matrices.
    pub fn stage(self, columns: usize, chunks: usize, matrices: usize) -> [u32; 3] {
        let columns = columns.div_ceil(self.columns as usize);
        [columns, chunks, matrices].map(|size| size as u32)
    }
}

/// The rows of a chunk that workgroups of a first stage sum, of `rows` rows in all; all of them where
/// one stage is enough.
pub(super) fn chunk(style: Style, rows: usize) -> usize {
    match style {
        Style::Tiles if rows > ONE_STAGE => rows.div_ceil(CHUNKS).max(CHUNK),
        Style::Tiles => rows,
        Style::Lanes => rows.min(LANE_ROWS),
    }
}

/// Room for the sums of all chunks of a matrix `[R, C]`, whatever the style; one number where there
/// is one stage.
pub(super) fn parts(x: Shape) -> TensorType {
    let chunks = |style| x.rows().div_ceil(chunk(style, x.rows()));
    match chunks(Style::Tiles).max(chunks(Style::Lanes)) {
        0 | 1 => TensorType::real([1]),
        chunks => TensorType::real([chunks, x.columns()]),
    }
}
