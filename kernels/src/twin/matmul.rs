//! Matrix products: through the `gemm` crate, but in WebAssembly, where `f32` has tiles of its own and
//! `f64`, the self-test's oracle, needs no speed.

use super::Real;

/// A strided view of a matrix: element (i, j) is `data[i * row_stride + j * column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, F> {
    /// The elements, beginning with (0, 0).
    pub data: &'a [F],
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Distance between rows.
    pub row_stride: usize,
    /// Distance between columns.
    pub column_stride: usize,
}

impl<'a, F> Matrix<'a, F> {
    /// A row-major matrix without gaps.
    pub fn new(data: &'a [F], rows: usize, columns: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// Row-major with `row_stride` elements from one row to the next.
    pub fn strided(data: &'a [F], rows: usize, columns: usize, row_stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// The same elements, rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }

    /// Some of its rows and columns: from `first` on, `size` of each.
    pub fn part(self, first: [usize; 2], size: [usize; 2]) -> Self {
        Self {
            data: &self.data[first[0] * self.row_stride + first[1] * self.column_stride..],
            rows: size[0],
            columns: size[1],
            ..self
        }
    }

    fn reach(&self) -> usize {
        match (self.rows, self.columns) {
            (0, _) | (_, 0) => 0,
            (r, c) => (r - 1) * self.row_stride + (c - 1) * self.column_stride + 1,
        }
    }
}

/// `out = scale * a b` (+ `out` where `add`), with `out` row-major and `out_stride` elements from
/// row to row.
pub fn matmul<F: Real>(
    a: Matrix<'_, F>,
    b: Matrix<'_, F>,
    out: &mut [F],
    out_stride: usize,
    scale: F,
    add: bool,
) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "inner dimensions differ");
    assert!(
        a.reach() <= a.data.len() && b.reach() <= b.data.len(),
        "a matrix view is too long"
    );
    if m == 0 || n == 0 {
        return;
    }
    assert!(
        (m - 1) * out_stride + n <= out.len() && n <= out_stride,
        "the product does not fit"
    );
    F::matmul(a, b, out, out_stride, scale, add);
}

/// [`matmul`] element by element, after the same checks.
#[cfg(any(target_arch = "wasm32", test))]
pub(super) fn simple<F: Real>(
    a: Matrix<'_, F>,
    b: Matrix<'_, F>,
    out: &mut [F],
    out_stride: usize,
    scale: F,
    add: bool,
) {
    for (i, row) in out.chunks_mut(out_stride).take(a.rows).enumerate() {
        for (j, out) in row[..b.columns].iter_mut().enumerate() {
            let product = |k: usize| {
                let left = a.data[i * a.row_stride + k * a.column_stride];
                left * b.data[k * b.row_stride + j * b.column_stride]
            };
            let sum = scale * (0..a.columns).map(product).sum();
            *out = if add { *out + sum } else { sum };
        }
    }
}

/// [`matmul`] by the `gemm` crate, after the same checks.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn library<F: Real>(
    a: Matrix<'_, F>,
    b: Matrix<'_, F>,
    out: &mut [F],
    out_stride: usize,
    scale: F,
    add: bool,
) {
    let stride = |s: usize| s as isize;
    // SAFETY: `matmul` has checked every address that the strides can reach, `out` is borrowed
    // mutably and so overlaps neither operand, and strides fit isize as lengths do.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            out.as_mut_ptr(),
            1,
            stride(out_stride),
            add,
            a.data.as_ptr(),
            stride(a.column_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.column_stride),
            stride(b.row_stride),
            if add { F::new(1.0) } else { F::new(0.0) },
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_by_element_gives_what_the_library_gives() {
        let numbers =
            |count: u32| -> Vec<f64> { (0..count).map(|i| f64::from(i % 7) - 2.5).collect() };
        for (m, k, n) in [(1, 1, 1), (3, 5, 2), (2, 0, 3), (4, 9, 7)] {
            let (a, b) = (numbers(m * k), numbers(k * n));
            let [m, k, n] = [m, k, n].map(|size| size as usize);
            let stride = n + 2;
            for (a, b) in [
                (Matrix::new(&a, m, k), Matrix::new(&b, k, n)),
                (
                    Matrix::new(&a, k, m).transposed(),
                    Matrix::new(&b, n, k).transposed(),
                ),
            ] {
                for add in [false, true] {
                    let before = numbers((m * stride) as u32);
                    let (mut found, mut expected) = (before.clone(), before);
                    simple(a, b, &mut found, stride, 0.5, add);
                    library(a, b, &mut expected, stride, 0.5, add);
                    // Small halves: every sum is exact.
                    assert_eq!(found, expected, "{m}x{k}x{n}, add: {add}");
                }
            }
        }
    }
}
