//! Shapes, element types, and tensors as the caller sees them.

use std::fmt;

/// The largest rank a tensor may have.
pub const MAX_RANK: usize = 4;

/// A tensor's dimensions, outermost first; at most 4 of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dims: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// A shape from its dimensions.
    ///
    /// # Panics
    /// If there are more than 4: shapes are written in code, never read from a file.
    pub fn new(dims: &[usize]) -> Self {
        assert!(
            dims.len() <= MAX_RANK,
            "rank {} is over {MAX_RANK}",
            dims.len()
        );
        let mut array = [1; MAX_RANK];
        array[..dims.len()].copy_from_slice(dims);
        Self {
            dims: array,
            rank: dims.len(),
        }
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// Number of elements; the largest `usize` where they are more than that, for which no device has room.
    pub fn len(&self) -> usize {
        let dims = self.dims().iter();
        dims.fold(1, |len: usize, dim| len.saturating_mul(*dim))
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The innermost dimension, 1 for a scalar.
    pub fn columns(&self) -> usize {
        self.dims().last().copied().unwrap_or(1)
    }

    /// The product of all dimensions but the innermost.
    pub fn rows(&self) -> usize {
        self.dims()
            .split_last()
            .map_or(1, |(_, outer)| outer.iter().product())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self::new(&dims)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the elements of a value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// Real numbers: `f32` on the GPU, `f32` or `f64` on the CPU.
    Real,
    /// Token ids, row numbers, lengths.
    U32,
}

impl DType {
    /// The type's name in messages.
    pub fn name(self) -> &'static str {
        match self {
            DType::Real => "real numbers",
            DType::U32 => "u32",
        }
    }
}

/// Element type and shape of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Element type.
    pub dtype: DType,
    /// Dimensions.
    pub shape: Shape,
}

impl TensorType {
    /// Real numbers of this shape.
    pub fn real(shape: impl Into<Shape>) -> Self {
        Self {
            dtype: DType::Real,
            shape: shape.into(),
        }
    }

    /// `u32`s of this shape.
    pub fn u32(shape: impl Into<Shape>) -> Self {
        Self {
            dtype: DType::U32,
            shape: shape.into(),
        }
    }

    /// Bytes on the GPU (four an element).
    pub fn gpu_bytes(&self) -> u64 {
        (self.shape.len() as u64).saturating_mul(4)
    }
}

/// How a parameter's elements rest on the GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Four bytes an element.
    F32,
    /// Two bytes an element, unpacked where they are read. Only matrices rest so.
    F16,
}

impl Storage {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Storage::F32 => 4,
            Storage::F16 => 2,
        }
    }
}

/// A parameter to allocate.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    /// Its name, as graphs refer to it.
    pub name: String,
    /// Its dimensions.
    pub shape: Shape,
    /// How it rests on the GPU; the CPU executors always hold their own precision.
    pub storage: Storage,
}

impl ParamSpec {
    /// Bytes on the GPU: whole vectors of four words, which shaders may read at the end.
    pub fn gpu_bytes(&self) -> u64 {
        let bytes = (self.shape.len() as u64).saturating_mul(self.storage.bytes() as u64);
        bytes
            .checked_next_multiple_of(16)
            .unwrap_or(u64::MAX)
            .max(16)
    }
}

/// Elements that cross between the caller and a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Tensor {
    /// Single-precision numbers.
    F32(Vec<f32>),
    /// Double-precision numbers, from the oracle.
    F64(Vec<f64>),
    /// Unsigned integers.
    U32(Vec<u32>),
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Tensor::F32(v) => v.len(),
            Tensor::F64(v) => v.len(),
            Tensor::U32(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first `len` elements.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Tensor::F32(v) => v.truncate(len),
            Tensor::F64(v) => v.truncate(len),
            Tensor::U32(v) => v.truncate(len),
        }
    }

    /// Puts another tensor's elements after its own, as elements of its own type.
    ///
    /// # Panics
    /// If it holds integers and the other does not.
    pub fn append(&mut self, other: Self) {
        match self {
            Tensor::F32(v) => v.extend(other.to_f32()),
            Tensor::F64(v) => v.extend(other.to_f64()),
            Tensor::U32(v) => v.extend(other.as_u32()),
        }
    }

    /// The elements as `f64`, whatever they are.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Tensor::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Tensor::F64(v) => v.clone(),
            Tensor::U32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        }
    }

    /// The elements as `f32`, whatever they are.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Tensor::F32(v) => v.clone(),
            Tensor::F64(v) => v.iter().map(|&x| x as f32).collect(),
            Tensor::U32(v) => v.iter().map(|&x| x as f32).collect(),
        }
    }

    /// The integers.
    ///
    /// # Panics
    /// If the elements are real numbers.
    pub fn as_u32(&self) -> &[u32] {
        match self {
            Tensor::U32(v) => v,
            _ => panic!("a tensor of real numbers was read as u32"),
        }
    }
}
