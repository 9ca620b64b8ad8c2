//! The workgroups of shaders that sum over the rows of a matrix, see `shared/columns.wgsl`.

use crate::shader::{DispatchContext, Style, grid_1d};

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
}
