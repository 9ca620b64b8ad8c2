//! Products of `f32` matrices for WebAssembly, in tiles that fit its engines' sixteen registers.
//!
//! The `gemm` crate's 12x4 tile takes seventeen, so that browsers on x86 spill some to memory at
//! every step, and its packing goes element by element. In V8 on a Zen this takes 0.7 of its time
//! for 128x384x1152 and 0.6 for 8x384x1152. The blocking is that of Goto & van de Geijn 2008: a
//! block of `a` is packed for the second-level cache, a panel of `b` for the first, and one tile
//! of the result at a time is summed in registers.

use std::array::from_fn;
use std::cell::RefCell;

use wide::f32x4;

use super::matmul::Matrix;
use super::row;

/// Rows of a tile.
const ROWS: usize = 4;
/// Columns of a tile. 4x8 takes eight registers for sums, two for `b`, one for an element of `a`
/// and one for a product, and does 64 operations for 6 loads; larger tiles spill.
const COLUMNS: usize = 8;
/// Inner elements at a time: a panel of `b` (12 KB) and the rows of a tile (6 KB) stay in a
/// first-level cache of 32 KB.
const DEPTH: usize = 384;
/// Rows of `a` at a time: 192 KB, for a second-level cache of 256 KB and more.
const HEIGHT: usize = 128;

/// Packed operands, inner elements outermost.
struct Packed {
    /// `[HEIGHT / ROWS · DEPTH, ROWS]`
    a: Vec<[f32; ROWS]>,
    /// `[DEPTH, COLUMNS]`
    b: Vec<[f32; COLUMNS]>,
}

thread_local! {
    // Kept from product to product: allocated and zeroed once.
    static PACKED: RefCell<Packed> = RefCell::new(Packed {
        a: vec![[0.0; ROWS]; HEIGHT / ROWS * DEPTH],
        b: vec![[0.0; COLUMNS]; DEPTH],
    });
}

/// `out = scale * a b` (+ `out` where `add`): see [`super::matmul()`], which checks the views.
pub fn multiply(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: &mut [f32],
    out_stride: usize,
    scale: f32,
    add: bool,
) {
    // Few rows: reading `b` is most of the work, and packing it would double that.
    if a.rows < ROWS && a.column_stride == 1 && b.row_stride == 1 {
        return dots(a, b, out, out_stride, scale, add);
    }
    if a.columns == 0 && !add {
        let rows = out.chunks_mut(out_stride).take(a.rows);
        rows.for_each(|row| row[..b.columns].fill(0.0));
    }
    PACKED.with_borrow_mut(|packed| {
        for k in (0..a.columns).step_by(DEPTH) {
            let depth = DEPTH.min(a.columns - k);
            for i in (0..a.rows).step_by(HEIGHT) {
                let a = a.part([i, k], [HEIGHT.min(a.rows - i), depth]);
                let b = b.part([k, 0], [depth, b.columns]);
                block(
                    packed,
                    a,
                    b,
                    &mut out[i * out_stride..],
                    out_stride,
                    scale,
                    add || k > 0,
                );
            }
        }
    });
}

/// The same for few rows, row by row of `bᵀ`.
fn dots(
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: &mut [f32],
    out_stride: usize,
    scale: f32,
    add: bool,
) {
    for j in 0..b.columns {
        let column = &b.data[j * b.column_stride..][..b.rows];
        for i in 0..a.rows {
            let product = scale * row::dot(&a.data[i * a.row_stride..][..a.columns], column);
            let out = &mut out[i * out_stride + j];
            *out = if add { *out + product } else { product };
        }
    }
}

/// The same for at most [`HEIGHT`] rows and [`DEPTH`] inner elements.
fn block(
    packed: &mut Packed,
    a: Matrix<'_, f32>,
    b: Matrix<'_, f32>,
    out: &mut [f32],
    out_stride: usize,
    scale: f32,
    add: bool,
) {
    let depth = a.columns;
    let tiles = a.rows.div_ceil(ROWS);
    let packed_a = &mut packed.a[..tiles * depth];
    for (tile, to) in packed_a.chunks_exact_mut(depth).enumerate() {
        let i = tile * ROWS;
        pack(a.part([i, 0], [ROWS.min(a.rows - i), depth]), to);
    }
    let panel = &mut packed.b[..depth];
    for j in (0..b.columns).step_by(COLUMNS) {
        let columns = COLUMNS.min(b.columns - j);
        pack(b.part([0, j], [depth, columns]).transposed(), panel);
        for (tile, a_tile) in packed_a.chunks_exact(depth).enumerate() {
            let sums = tile_sums(a_tile, panel);
            let rows = ROWS.min(a.rows - tile * ROWS);
            for (row, sums) in sums.into_iter().enumerate().take(rows) {
                let at = (tile * ROWS + row) * out_stride + j;
                write(sums, scale, add, &mut out[at..][..columns]);
            }
        }
    }
}

/// Four numbers that lie side by side.
#[inline(always)]
fn load(from: &[f32]) -> f32x4 {
    let four: [f32; 4] = from.try_into().expect("four numbers");
    f32x4::from(four)
}

/// Writes a row of a tile, or as much of it as the result has columns.
#[inline(always)]
fn write(sums: [f32x4; 2], scale: f32, add: bool, out: &mut [f32]) {
    let mut padded = [0.0; COLUMNS];
    let whole = out.len() == COLUMNS;
    let to = match whole {
        true => &mut *out,
        false => &mut padded[..],
    };
    for (to, sum) in to.chunks_exact_mut(4).zip(sums) {
        let before = match add && whole {
            true => load(to),
            false => f32x4::splat(0.0),
        };
        let product = sum.mul_add(f32x4::splat(scale), before);
        to.copy_from_slice(&product.to_array());
    }
    if !whole {
        for (out, product) in out.iter_mut().zip(padded) {
            *out = if add { *out + product } else { product };
        }
    }
}

/// A tile of the product of a packed block's rows `[K, ROWS]` and a panel `[K, COLUMNS]`.
#[inline(always)]
fn tile_sums(a: &[[f32; ROWS]], panel: &[[f32; COLUMNS]]) -> [[f32x4; 2]; ROWS] {
    let mut sums = [[f32x4::splat(0.0); 2]; ROWS];
    // Not unrolled further: browsers' compilers then spill.
    for (a, b) in a.iter().zip(panel) {
        let b = [load(&b[..4]), load(&b[4..])];
        for (sums, &a) in sums.iter_mut().zip(a) {
            let a = f32x4::splat(a);
            *sums = from_fn(|half| a.mul_add(b[half], sums[half]));
        }
    }
    sums
}

/// Packs at most W rows, of as many columns as `to` has places, column by column; rows that are
/// missing are zero.
#[inline(always)]
fn pack<const W: usize>(from: Matrix<'_, f32>, to: &mut [[f32; W]]) {
    let Matrix {
        data,
        rows,
        row_stride,
        column_stride,
        ..
    } = from;
    if rows == W && row_stride == 1 {
        for (column, to) in to.iter_mut().enumerate() {
            to.copy_from_slice(&data[column * column_stride..][..W]);
        }
    } else if rows == W && column_stride == 1 {
        for first in (0..W).step_by(4) {
            let rows = from_fn(|row| &data[(first + row) * row_stride..][..to.len()]);
            pack_transposed(rows, first, to);
        }
    } else {
        for (column, to) in to.iter_mut().enumerate() {
            *to = from_fn(|row| match row < rows {
                true => data[row * row_stride + column * column_stride],
                false => 0.0,
            });
        }
    }
}

/// Packs four rows into the places from `first` on, four columns at a time in registers.
#[inline(always)]
fn pack_transposed<const W: usize>(rows: [&[f32]; 4], first: usize, to: &mut [[f32; W]]) {
    let fours = rows.map(|row| row.as_chunks::<4>());
    let (to_fours, to_rest) = to.as_chunks_mut::<4>();
    for (i, to) in to_fours.iter_mut().enumerate() {
        let columns = f32x4::transpose(fours.map(|(four, _)| load(&four[i])));
        for (to, column) in to.iter_mut().zip(columns) {
            to[first..][..4].copy_from_slice(&column.to_array());
        }
    }
    for (i, to) in to_rest.iter_mut().enumerate() {
        to[first..][..4].copy_from_slice(&fours.map(|(_, rest)| rest[i]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in [-1, 1) from a fixed generator.
    fn numbers(count: usize, mut state: u32) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// `[rows, columns]`, as it is or as the transpose of what lies in `data`.
    fn view(data: &[f32], [rows, columns]: [usize; 2], transposed: bool) -> Matrix<'_, f32> {
        match transposed {
            true => Matrix::new(data, columns, rows).transposed(),
            false => Matrix::new(data, rows, columns),
        }
    }

    fn at(x: Matrix<'_, f32>, i: usize, j: usize) -> f64 {
        f64::from(x.data[i * x.row_stride + j * x.column_stride])
    }

    fn assert_right([m, k, n]: [usize; 3], transposed: [bool; 2], add: bool) {
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let (a, b) = (
            view(&a, [m, k], transposed[0]),
            view(&b, [k, n], transposed[1]),
        );
        // Three more columns, which must stay as they are.
        let stride = n + 3;
        let before = numbers(m * stride, 3);
        let (mut out, scale) = (before.clone(), 0.75);
        multiply(a, b, &mut out, stride, scale, add);
        for i in 0..m {
            let row = i * stride..(i + 1) * stride;
            let (row, before) = (&out[row.clone()], &before[row]);
            assert_eq!(row[n..], before[n..]);
            for j in 0..n {
                let terms = (0..k).map(|p| at(a, i, p) * at(b, p, j));
                let start = if add { f64::from(before[j]) } else { 0.0 };
                let exact = start + f64::from(scale) * terms.sum::<f64>();
                // Σ|terms| is at most k + 1 (Higham 2002, §4.2).
                let bound = ((k + 4) * (k + 1)) as f64 * f64::from(f32::EPSILON) / 2.0;
                let error = (f64::from(row[j]) - exact).abs();
                assert!(
                    error <= bound,
                    "{m}x{k}x{n}, {transposed:?}, {add}: [{i}, {j}] is off by {error:e}"
                );
            }
        }
    }

    #[test]
    fn every_layout_at_awkward_sizes() {
        let sizes = [
            [1, 1, 1],
            [3, 17, 9],
            [4, 8, 8],
            [5, 7, 13],
            [2, 0, 3],
            [6, 0, 3],
            [9, 33, 1],
            [17, 5, 31],
            [7, DEPTH + 3, 10],
            [HEIGHT + 1, 6, 8],
            [2 * HEIGHT + 5, DEPTH + 1, 11],
        ];
        for size in sizes {
            for transposed in [[false, false], [false, true], [true, false], [true, true]] {
                for add in [false, true] {
                    assert_right(size, transposed, add);
                }
            }
        }
    }
}
