//! Dropout from a counter-based generator that the GPU and the CPU agree on bit for bit.

use super::check::Check;
use super::{GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, grid_1d, params};
use crate::tensor::{DType, Shape, TensorType};
use crate::twin::{self, Real};

/// Which elements are dropped: a pure function of a run's seed, this stream, and the element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Share of elements that are dropped, in [0, 1).
    pub probability: f64,
    /// Different for every place in a model that drops elements.
    pub stream: u32,
}

impl Noise {
    /// Elements whose noise lies below this are dropped.
    pub(crate) fn threshold(&self) -> u32 {
        (self.probability * (1u64 << 32) as f64) as u32
    }

    /// What kept elements are multiplied by, so that the expectation stays.
    pub(crate) fn scale(&self) -> f64 {
        1.0 / (1.0 - self.probability)
    }

    /// The factor of element `index` in a run with this seed: 0 or [`Noise::scale`].
    pub(crate) fn keep<F: Real>(&self, seed: u32, index: u32) -> F {
        if random_bits(seed, self.stream, index) >= self.threshold() {
            F::new(self.scale())
        } else {
            F::default()
        }
    }

    /// Drops from elements that are numbered from `first` on, modulo 2^32 as in the shaders: over more
    /// elements the noise comes again.
    pub(crate) fn apply<F: Real>(&self, seed: u32, first: u32, elements: &mut [F]) {
        for (i, x) in elements.iter_mut().enumerate() {
            *x *= self.keep(seed, first.wrapping_add(i as u32));
        }
    }

    pub(crate) fn check(&self, op: &'static str) -> Result<(), GraphError> {
        if (0.0..1.0).contains(&self.probability) {
            return Ok(());
        }
        let message = format!("dropout probability {} is not in [0, 1)", self.probability);
        Err(GraphError::Attribute { op, message })
    }
}

/// PCG-RXS-M-XS (Jarzynski & Olano 2020, "Hash Functions for GPU Rendering").
fn pcg(input: u32) -> u32 {
    let state = input.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (word >> 22) ^ word
}

/// 32 random bits of an element, a pure function of a run's seed, a stream and the element.
pub(crate) fn random_bits(seed: u32, stream: u32, index: u32) -> u32 {
    let key = pcg(seed.wrapping_add(stream.wrapping_mul(2_654_435_769)));
    pcg(index ^ key)
}

/// `y = x · keep / (1 - p)`: operands x and the run's seed `[1]` (u32); y has the shape of x.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// What is dropped.
    pub noise: Noise,
}

params! {
    struct Params { len: u32, stream: u32, threshold: u32, scale: f32 }
}

static FORWARD: Kernel = Kernel {
    name: "dropout",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("noise.wgsl"),
        include_str!("forward.wgsl")
    ),
    params: Params::FIELDS,
    bindings: &[Access::Read, Access::Read, Access::Write],
};

impl Rule for Dropout {
    const NAME: &'static str = "dropout";
    const KERNELS: &'static [&'static Kernel] = &[&FORWARD];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2)?;
        check.exactly(0, "x", DType::Real, inputs[0].shape)?;
        check.exactly(1, "seed", DType::U32, Shape::new(&[1]))?;
        self.noise.check(Self::NAME)?;
        Ok(vec![inputs[0]])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let d = at.d_output(Self::NAME)?;
        Ok(vec![
            at.want(0, || graph.dropout(d, at.inputs[1], self.noise))?,
            None,
        ])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let len = context.inputs[0].shape.len();
        let params = Params {
            len: len as u32,
            stream: self.noise.stream,
            threshold: self.noise.threshold(),
            scale: self.noise.scale() as f32,
        };
        vec![Dispatch {
            kernel: &FORWARD,
            constants: vec![],
            params: params.bytes(),
            operands: vec![Operand::Input(0), Operand::Input(1), Operand::Output(0)],
            workgroups: grid_1d(len, 64),
        }]
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let seed = inputs.u32(1)[0];
        for (i, (y, &x)) in outputs.real().iter_mut().zip(inputs.real(0)).enumerate() {
            *y = x * self.noise.keep(seed, i as u32);
        }
    }
}

impl Graph {
    /// Drops elements of `x` at random; `seed` (`[1]`, u32) changes from run to run.
    pub fn dropout(&mut self, x: Value, seed: Value, noise: Noise) -> Result<Value, GraphError> {
        self.apply1(Dropout { noise }.into(), &[x, seed])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_dropped_elements_is_the_probability() {
        for probability in [0.0, 0.1, 0.5, 0.9] {
            let noise = Noise {
                probability,
                stream: 3,
            };
            let count = 100_000;
            let dropped = (0..count)
                .filter(|&i| noise.keep::<f64>(7, i) == 0.0)
                .count();
            let expected = probability * f64::from(count);
            // Five standard deviations of a binomial.
            let allowed = 5.0 * (expected * (1.0 - probability)).sqrt() + 1e-9;
            assert!(
                (dropped as f64 - expected).abs() <= allowed,
                "{probability}: {dropped}"
            );
        }
    }

    #[test]
    fn elements_beyond_the_counter_begin_again() {
        let noise = Noise {
            probability: 0.5,
            stream: 3,
        };
        let draw = |first: u32, count: usize| {
            let mut elements = vec![1.0f32; count];
            noise.apply(7, first, &mut elements);
            elements
        };
        let around = draw(u32::MAX - 31, 64);
        assert_eq!(around[..32], draw(u32::MAX - 31, 32));
        assert_eq!(around[32..], draw(0, 32));
    }

    #[test]
    fn streams_and_seeds_draw_differently() {
        let draw = |seed, stream| {
            let noise = Noise {
                probability: 0.5,
                stream,
            };
            (0..64)
                .map(|i| noise.keep::<f64>(seed, i) == 0.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 1), draw(1, 1));
        assert_ne!(draw(1, 1), draw(2, 1));
        assert_ne!(draw(1, 1), draw(1, 2));
    }
}
