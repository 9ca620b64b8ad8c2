//! Sums over the rows of a matrix: who adds up what, see `shared/columns.wgsl`, and in how many stages.

use crate::shader::{DispatchContext, Style, grid_1d};
use crate::tensor::{Shape, TensorType};

/// Rows up to which a large GPU is done in one stage before a second one would have begun.
const ONE_STAGE: usize = 512;
/// Rows of a chunk beyond that, at least: few for a lane, and many workgroups.
const CHUNK: usize = 64;
/// Chunks at most, so that the second stage is short.
const CHUNKS: usize = 128;
/// Rows that a software adapter's lane adds up at most: Mesa's llvmpipe ends every loop after 65,535
/// iterations in all.
const LANE_ROWS: usize = 16_384;

/// How lanes and columns are dealt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Columns of a workgroup.
    columns: u32,
    /// Lanes that share a column.
    lanes: u32,
}

impl Columns {
    /// For sums over `rows` rows. On a GPU a thread a column would leave most of it idle, and eight
    /// columns are as many as memory hands out at once (32 bytes); on a software adapter a barrier
    /// costs more than it saves.
    pub fn choose(context: &DispatchContext<'_>, rows: usize) -> Self {
        let [columns, lanes] = match context.choice.capabilities.style {
            Style::Tiles if rows >= 512 => [8, 32],
            Style::Tiles if rows >= 32 => [32, 8],
            _ => [64, 1],
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
