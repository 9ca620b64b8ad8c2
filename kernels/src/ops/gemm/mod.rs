//! Matrix products: the shaders that [`Linear`](super::Linear) and [`MatMul`](super::MatMul) share.

mod choice;
mod kernels;
mod split;
mod variant;

pub(super) use kernels::KERNELS;
use kernels::SUMS;
use split::Split;
pub(crate) use variant::Variant;

use super::activation::Function;
use crate::shader::{Capabilities, Dispatch, DispatchContext, Operand, Product, params};

params! {
    struct Params {
        m: u32,
        n: u32,
        k: u32,
        a_first: u32,
        a_pitch: u32,
        c_first: u32,
        c_pitch: u32,
        extra_pitch: u32,
        k_part: u32,
    }
}

/// What an operand z beside a product's factors is, and thus what happens before the product is stored;
/// without one, `c = f(a b)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extra {
    /// z `[N]`: `c = f(a b + z)`.
    Bias,
    /// z as large as c: `c = f(a b + z)`.
    Term,
    /// z as large as c: `c = (a b) f'(z)`.
    Argument,
}

/// How a product ends, and where its operands are.
#[derive(Clone, Debug)]
pub(crate) struct Epilogue {
    /// z, if there is one.
    pub extra: Option<(Extra, Operand)>,
    /// f; the identity where there is none.
    pub function: Option<Function>,
    /// a, b, c.
    pub operands: [Operand; 3],
}

impl Product {
    /// The dispatches by the variant that is chosen for such products here.
    pub(super) fn dispatch(
        &self,
        context: &DispatchContext<'_>,
        epilogue: Epilogue,
    ) -> Vec<Dispatch> {
        let variant = Variant::chosen(context.choice, self);
        self.dispatch_by(variant, &context.choice.capabilities, epilogue)
    }

    /// The dispatches by a variant for such a device.
    pub(crate) fn dispatch_by(
        &self,
        variant: Variant,
        capabilities: &Capabilities,
        epilogue: Epilogue,
    ) -> Vec<Dispatch> {
        let [a, b, c] = epilogue.operands;
        let (kind, extra_pitch, extra) = match epilogue.extra {
            None => (0, 0, Operand::Unused),
            Some((Extra::Bias, z)) => (1, 0, z),
            Some((Extra::Term, z)) => (1, self.c_columns[1], z),
            Some((Extra::Argument, z)) => (2, self.c_columns[1], z),
        };
        let mut constants = vec![
            ("ACTIVATION", Function::constant(epilogue.function)),
            ("HALF", f64::from(self.half)),
            ("EXTRA", f64::from(kind)),
        ];
        constants.extend(variant.constants(self, capabilities));
        let [columns, rows] = variant.tile(capabilities);
        let is_split = variant == Variant::Split;
        let split = Split::of(self);
        let params = Params {
            m: self.m as u32,
            n: self.n as u32,
            k: self.k as u32,
            a_first: self.a_columns[0] as u32,
            a_pitch: self.a_columns[1] as u32,
            c_first: self.c_columns[0] as u32,
            c_pitch: self.c_columns[1] as u32,
            extra_pitch: extra_pitch as u32,
            k_part: if is_split { split.k_part } else { self.k } as u32,
        };
        let mut product = Dispatch {
            kernel: variant.kernel_for(self),
            constants,
            params: params.bytes(),
            operands: vec![a, b, b, extra, c],
            workgroups: [
                (self.n as u32).div_ceil(columns),
                (self.m as u32).div_ceil(rows),
                1,
            ],
        };
        if !is_split {
            return vec![product];
        }
        let parts = Operand::Scratch(split.scratch);
        let unused = Operand::Unused;
        let sums = Dispatch {
            kernel: &SUMS[self.store() as usize],
            operands: vec![parts, unused, unused, extra, c],
            workgroups: split.workgroups,
            ..product.clone()
        };
        product.operands[3..].copy_from_slice(&[unused, parts]);
        product.workgroups[2] = split.parts as u32;
        vec![product, sums]
    }
}
