//! Several numbers in one register.

use std::ops::{Add, Div, Mul, Neg, Sub};

use wide::f32x8;

use super::math;

/// As many numbers as the CPU computes with at a time, one operation on each.
///
/// Spelled out, since compilers make no vectors of loops where they optimise a program for size
/// as a whole, as that of the page.
pub trait Lanes<F>:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// How many.
    const COUNT: usize;
    /// One number in every lane.
    fn splat(x: F) -> Self;
    /// The numbers of a slice of this length.
    fn load(from: &[F]) -> Self;
    /// Writes them to a slice of this length.
    fn store(self, to: &mut [F]);
    /// The larger of two numbers.
    fn max(self, other: Self) -> Self;
    /// `yes` where `self` is below `bound`, else `no`.
    fn below(self, bound: Self, yes: Self, no: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// e to this power.
    fn exp(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Gauss error function.
    fn erf(self) -> Self;
}

/// Two registers on most machines: browsers load a constant again at each of its uses, and so it
/// serves two.
impl Lanes<f32> for f32x8 {
    const COUNT: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        f32x8::splat(x)
    }
    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let eight: [f32; 8] = from.try_into().expect("as many numbers as lanes");
        f32x8::from(eight)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        to.copy_from_slice(&self.to_array());
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.fast_max(other)
    }
    #[inline(always)]
    fn below(self, bound: Self, yes: Self, no: Self) -> Self {
        self.simd_lt(bound).select(yes, no)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32x8::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> Self {
        math::exp(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        math::tanh(self)
    }
    #[inline(always)]
    fn erf(self) -> Self {
        math::erf(self)
    }
}

/// The oracle goes number by number, through the exact functions.
impl Lanes<f64> for f64 {
    const COUNT: usize = 1;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn load(from: &[f64]) -> Self {
        from[0]
    }
    #[inline(always)]
    fn store(self, to: &mut [f64]) {
        to[0] = self;
    }
    fn max(self, other: Self) -> Self {
        f64::max(self, other)
    }
    fn below(self, bound: Self, yes: Self, no: Self) -> Self {
        if self < bound { yes } else { no }
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn erf(self) -> Self {
        libm::erf(self)
    }
}
