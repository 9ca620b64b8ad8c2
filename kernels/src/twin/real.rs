//! The number types that the CPU executor computes in.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::Io;
use super::lanes::Lanes;
use super::matmul::Matrix;
#[cfg(not(target_arch = "wasm32"))]
use super::matmul::library;
use crate::ops::Op;

/// A floating-point type: `f32` or `f64`.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Sum
    + 'static
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
{
    /// Several of them at a time.
    type Lanes: Lanes<Self>;
    /// Nearest value to `x`.
    fn new(x: f64) -> Self;
    /// This number as `f64`.
    fn f64(self) -> f64;
    /// e to this power.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Natural logarithm of this number and 1, exact near 0.
    fn ln_1p(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The larger of two numbers; `other` where one is not a number.
    fn max(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
    /// Runs an operation's CPU twin.
    ///
    /// Not a call of the generic twin at its place: a function of its own for each type is compiled
    /// with this crate, as fast as that is asked to be, while what only generic and asynchronous
    /// functions reach is compiled with the program that polls them, as small as the page should be.
    #[doc(hidden)]
    fn run(op: &Op, io: &mut Io<'_, Self>);
    /// `out = scale * a b` (+ `out` where `add`), with views and sizes already checked.
    #[doc(hidden)]
    fn matmul(
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        out: &mut [Self],
        out_stride: usize,
        scale: Self,
        add: bool,
    );
}

impl Real for f32 {
    type Lanes = wide::f32x8;

    fn new(x: f64) -> Self {
        x as f32
    }
    fn f64(self) -> f64 {
        f64::from(self)
    }
    fn exp(self) -> Self {
        f32::exp(self)
    }
    fn ln(self) -> Self {
        f32::ln(self)
    }
    fn ln_1p(self) -> Self {
        f32::ln_1p(self)
    }
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    fn run(op: &Op, io: &mut Io<'_, Self>) {
        op.cpu(io);
    }
    fn matmul(
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        out: &mut [Self],
        out_stride: usize,
        scale: Self,
        add: bool,
    ) {
        #[cfg(target_arch = "wasm32")]
        super::panels::multiply(a, b, out, out_stride, scale, add);
        #[cfg(not(target_arch = "wasm32"))]
        library(a, b, out, out_stride, scale, add);
    }
}

impl Real for f64 {
    type Lanes = f64;

    fn new(x: f64) -> Self {
        x
    }
    fn f64(self) -> f64 {
        self
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn ln(self) -> Self {
        f64::ln(self)
    }
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn run(op: &Op, io: &mut Io<'_, Self>) {
        op.cpu(io);
    }
    fn matmul(
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        out: &mut [Self],
        out_stride: usize,
        scale: Self,
        add: bool,
    ) {
        #[cfg(target_arch = "wasm32")]
        super::matmul::simple(a, b, out, out_stride, scale, add);
        #[cfg(not(target_arch = "wasm32"))]
        library(a, b, out, out_stride, scale, add);
    }
}
