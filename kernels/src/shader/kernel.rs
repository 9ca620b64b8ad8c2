//! What a shader is to the executor, and one use of it.

use std::fmt::Debug;

use super::choice::{Choice, Style};
use super::template;
use crate::tensor::{Storage, TensorType};

/// How a shader touches a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    Write,
}

/// Type of a field of a shader's `Params`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `u32`
    U32,
    /// `f32`
    F32,
}

/// A field of a shader's `Params`, four bytes each, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in WGSL.
    pub name: &'static str,
    /// Its type.
    pub scalar: Scalar,
}

/// A WGSL shader with one entry point, `main`: `Params` at binding 0, then `bindings`.
#[derive(Debug)]
pub struct Kernel {
    /// Its name in labels, messages and the self-test.
    pub name: &'static str,
    /// The variant that it belongs to, where several can do the same: see `shader::Product`.
    pub variant: Option<&'static str>,
    /// The whole source, a template that [`Kernel::wgsl`] expands.
    pub source: &'static str,
    /// The fields of `Params`.
    pub params: &'static [Field],
    /// Bindings 1 and up.
    pub bindings: &'static [Access],
}

impl Kernel {
    /// Its WGSL, without the directive that some compilers want where there are subgroups.
    pub fn wgsl(&self) -> String {
        template::expand(self.source)
    }

    /// Whether its threads exchange values within a subgroup.
    pub fn needs_subgroups(&self) -> bool {
        let code = |line: &'static str| line.split("//").next().unwrap_or_default();
        let exchanges = |code: &str| {
            let mut after = code.split("subgroup").skip(1);
            code.contains("quadBroadcast")
                || code.contains("quadSwap")
                || after.any(|rest| rest.starts_with(char::is_uppercase))
        };
        self.source.lines().map(code).any(exchanges)
    }
}

/// One binding of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The step's input number `.0`.
    Input(usize),
    /// The step's output number `.0`.
    Output(usize),
    /// The whole buffer that input number `.0`, a packed parameter, lies in.
    InputPack(usize),
    /// The whole buffer that output number `.0`, a packed parameter, lies in.
    OutputPack(usize),
    /// So many numbers of memory that only this step's dispatches use, one after another; all of a step's
    /// are in the same place.
    Scratch(usize),
    /// A few zero bytes, for a binding that this use of the shader does not read.
    Unused,
}

impl Operand {
    /// The numbers of scratch memory that it asks for.
    pub(crate) fn scratch(&self) -> usize {
        match self {
            Operand::Scratch(len) => *len,
            _ => 0,
        }
    }
}

/// One use of a shader.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The shader.
    pub kernel: &'static Kernel,
    /// Values of its `override` constants.
    pub constants: Vec<(&'static str, f64)>,
    /// The bytes of `Params`.
    pub params: Vec<u8>,
    /// Bindings 1 and up.
    pub operands: Vec<Operand>,
    /// Workgroups in each dimension.
    pub workgroups: [u32; 3],
}

/// What an operation knows when it chooses its shaders.
pub struct DispatchContext<'a> {
    /// What shaders are chosen by.
    pub choice: &'a Choice,
    /// Types of the operands.
    pub inputs: &'a [TensorType],
    /// How each operand rests (parameters may rest in f16).
    pub storage: &'a [Storage],
    /// Types of the results.
    pub outputs: &'a [TensorType],
    /// For each operand, where it lies if it is a packed parameter.
    pub packs: &'a [Option<Pack>],
}

/// Where a packed parameter lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// The buffer's first parameter has this; all in one buffer have the same.
    pub buffer: usize,
    /// The parameter's first element.
    pub first: usize,
    /// Elements of the whole buffer.
    pub len: usize,
}

impl DispatchContext<'_> {
    /// Whether operand `i` rests in f16, as the value of an `override` constant.
    pub fn is_f16(&self, i: usize) -> f64 {
        f64::from(self.storage[i] == Storage::F16)
    }

    /// Lanes that share one row, and rows in a workgroup, for shaders that reduce over rows and
    /// read `reads` elements of each. On a software adapter a barrier costs more than it saves on
    /// short rows: one lane a row and no barrier. (Mesa's llvmpipe also ends every loop after
    /// 65,535 iterations in all, so a lane must not be given a long row there.)
    pub fn row_lanes(&self, reads: usize) -> (u32, u32) {
        let short = match self.choice.capabilities.style {
            Style::Lanes if reads <= 8192 => return (1, self.choice.capabilities.lanes),
            Style::Lanes => 1 << 20,
            Style::Tiles => 2048,
        };
        if reads <= short { (64, 1) } else { (256, 1) }
    }
}

/// Workgroups for `threads` threads in groups of `size`, folded into two dimensions where one
/// would exceed the limit that every adapter grants.
pub fn grid_1d(threads: usize, size: u32) -> [u32; 3] {
    const MAX: u32 = 65_535;
    let groups = threads.div_ceil(size as usize) as u32;
    let y = groups.div_ceil(MAX).max(1);
    [groups.div_ceil(y), y, 1]
}

/// Declares a shader's `Params` with the list of its fields.
macro_rules! params {
    ($(#[$meta:meta])* struct $name:ident { $($field:ident : $ty:ident),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        struct $name { $($field: $ty),* }

        impl $name {
            const FIELDS: &'static [$crate::shader::Field] = &[
                $($crate::shader::Field { name: stringify!($field), scalar: params!(@ $ty) }),*
            ];
            fn bytes(self) -> Vec<u8> {
                bytemuck::bytes_of(&self).to_vec()
            }
        }
    };
    (@ u32) => { $crate::shader::Scalar::U32 };
    (@ f32) => { $crate::shader::Scalar::F32 };
}
pub(crate) use params;

#[cfg(test)]
mod tests {
    use super::grid_1d;

    #[test]
    fn a_grid_covers_every_thread_within_the_limit() {
        for threads in [1, 63, 64, 65, 65_535 * 64, 65_535 * 64 + 1, 200_000_000] {
            let [x, y, z] = grid_1d(threads, 64);
            assert!(x <= 65_535 && y <= 65_535 && z == 1);
            assert!(u64::from(x) * u64::from(y) * 64 >= threads as u64);
        }
    }
}
