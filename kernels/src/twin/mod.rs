//! What operations compute on the CPU with, generic over f32 and f64: operands, products, rows.

mod lanes;
mod math;
mod matmul;
#[cfg(any(target_arch = "wasm32", test))]
mod panels;
mod real;
pub(crate) mod row;

pub use lanes::Lanes;
pub(crate) use matmul::{Matrix, matmul};
pub use real::Real;

use std::slice::IterMut;

use crate::tensor::TensorType;

/// Elements of one value.
#[derive(Clone, Debug)]
pub enum Buffer<F> {
    /// Real numbers.
    Real(Vec<F>),
    /// Unsigned integers.
    U32(Vec<u32>),
}

impl<F> Buffer<F> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Real(data) => data.len(),
            Self::U32(data) => data.len(),
        }
    }
}

/// The operands of one operation: inputs to read, outputs to fill.
///
/// Output buffers may be longer than their value (memory is shared between values) and hold
/// whatever was there before; `outputs` cuts them to length.
pub struct Io<'a, F> {
    pub(crate) inputs: Vec<(&'a Buffer<F>, TensorType)>,
    pub(crate) outputs: &'a mut [(Buffer<F>, TensorType)],
    pub(crate) scratch: &'a mut [F],
}

impl<F: Real> Io<'_, F> {
    /// Type of input `i`.
    pub fn input_type(&self, i: usize) -> TensorType {
        self.inputs[i].1
    }

    /// Input `i` and output `o`, both real.
    pub fn real(&mut self, i: usize, o: usize) -> (&[F], &mut [F]) {
        (real(&self.inputs[i]), real_mut(&mut self.outputs[o]))
    }

    /// Everything at once, for operations that need several inputs beside an output.
    pub fn split(&mut self) -> (Inputs<'_, F>, Outputs<'_, F>) {
        (Inputs(&self.inputs), Outputs(self.outputs.iter_mut()))
    }

    /// The same with room for `len` numbers to work in, at most what the operation said that it
    /// needs; it holds whatever was there before.
    pub fn split_with_scratch(&mut self, len: usize) -> (Inputs<'_, F>, Outputs<'_, F>, &mut [F]) {
        let outputs = Outputs(self.outputs.iter_mut());
        (Inputs(&self.inputs), outputs, &mut self.scratch[..len])
    }
}

/// The inputs of an operation.
pub struct Inputs<'a, F>(&'a [(&'a Buffer<F>, TensorType)]);

impl<'a, F: Real> Inputs<'a, F> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
    /// Type of input `i`.
    pub fn ty(&self, i: usize) -> TensorType {
        self.0[i].1
    }
    /// The real numbers of input `i`.
    pub fn real(&self, i: usize) -> &'a [F] {
        real(&self.0[i])
    }
    /// The integers of input `i`.
    pub fn u32(&self, i: usize) -> &'a [u32] {
        match self.0[i] {
            (Buffer::U32(v), ty) => &v[..ty.shape.len()],
            _ => unreachable!("the shape rule checked that this operand holds u32"),
        }
    }
}

/// The outputs of an operation, taken one by one.
pub struct Outputs<'a, F>(IterMut<'a, (Buffer<F>, TensorType)>);

impl<'a, F: Real> Outputs<'a, F> {
    /// The next output, which holds real numbers.
    pub fn real(&mut self) -> &'a mut [F] {
        match self.0.next() {
            Some(output) => real_mut(output),
            None => unreachable!("the shape rule made as many outputs"),
        }
    }
    /// The next output, which holds integers.
    pub fn u32(&mut self) -> &'a mut [u32] {
        match self.0.next() {
            Some((Buffer::U32(v), ty)) => &mut v[..ty.shape.len()],
            _ => unreachable!("the shape rule made this output u32"),
        }
    }
}

fn real<'a, F>(input: &(&'a Buffer<F>, TensorType)) -> &'a [F] {
    match input {
        (Buffer::Real(v), ty) => &v[..ty.shape.len()],
        _ => unreachable!("the shape rule checked that this operand is real"),
    }
}

fn real_mut<F>(output: &mut (Buffer<F>, TensorType)) -> &mut [F] {
    match output {
        (Buffer::Real(v), ty) => &mut v[..ty.shape.len()],
        _ => unreachable!("the shape rule made this output real"),
    }
}
