//! Ids with others in the place of some.

use super::Rule;
use super::check::Check;
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::TensorType;
use crate::twin::{self, Real};

/// Puts others in the place of some ids: `out[i] = others[sources[i]]`, or `ids[i]` where `sources[i]` is not below R
/// ([`NO_TARGET`](super::NO_TARGET)) or there is no such i; `changed[i]` is 1 where that is another id, else 0.
///
/// Operands: ids `[N]`, others `[R]`, sources `[M]`, M ≤ N, all u32. Results: out `[N]` (u32), changed `[M, 1]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Substitute;

params! {
    struct Params { ids: u32, others: u32, places: u32 }
}

static FORWARD: Kernel = Kernel {
    name: "substitute",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[
        Access::Read,
        Access::Read,
        Access::Read,
        Access::Write,
        Access::Write,
    ],
};

impl Rule for Substitute {
    const NAME: &'static str = "substitute";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 3)?;
        let ids = check.indices(0, "ids")?;
        check.indices(1, "others")?;
        let places = check.indices(2, "sources")?;
        if places > ids {
            return Err(check.attribute(format!("{places} places of {ids} ids")));
        }
        Ok(vec![inputs[0], TensorType::real([places, 1])])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let [ids, others, places] = [0, 1, 2].map(|i| context.inputs[i].shape.len());
        let params = Params {
            ids: ids as u32,
            others: others as u32,
            places: places as u32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![
                Operand::Input(0),
                Operand::Input(1),
                Operand::Input(2),
                Operand::Output(0),
                Operand::Output(1),
            ],
            workgroups: grid_1d(ids, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (ids, others, sources) = (inputs.u32(0), inputs.u32(1), inputs.u32(2));
        let (out, changed) = (outputs.u32(), outputs.real());
        out.copy_from_slice(ids);
        for ((&source, out), changed) in sources.iter().zip(out).zip(changed) {
            let before = *out;
            *out = others.get(source as usize).copied().unwrap_or(before);
            *changed = F::new(f64::from(u8::from(*out != before)));
        }
    }
}

/// The results of [`Graph::substitute`].
#[derive(Clone, Copy, Debug)]
pub struct Substituted {
    /// `[N]`, u32.
    pub ids: Value,
    /// `[M, 1]`: 1 where another id stands now, else 0.
    pub changed: Value,
}

impl Graph {
    /// `ids` (`[N]`) with `others` (`[R]`) in the places that `sources` (`[M]`) names, all u32; see [`Substitute`].
    pub fn substitute(
        &mut self,
        ids: Value,
        others: Value,
        sources: Value,
    ) -> Result<Substituted, GraphError> {
        let outputs = self.apply(Substitute.into(), &[ids, others, sources])?;
        Ok(Substituted {
            ids: outputs[0],
            changed: outputs[1],
        })
    }
}
