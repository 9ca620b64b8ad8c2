//! The operations. Each is a folder: shape rule, choice of shader, the WGSL and its CPU twin.

mod accumulate;
mod activation;
mod adamw;
mod add;
mod attention;
mod attention_survey;
mod attention_weights;
mod block;
mod check;
mod columns;
mod copy;
mod cross_entropy;
mod dropout;
mod embed;
mod gather;
pub(crate) mod gemm;
mod layer_norm;
mod linear;
mod linear_cross_entropy;
mod link_rows;
mod mask;
mod matmul;
mod mean_loss;
mod mean_tokens;
mod sample;
mod scale_columns;
mod softmax;
mod substitute;
mod sum_rows;
mod top_k;
mod transpose;
mod value_norms;

pub use accumulate::Accumulate;
pub use activation::{Activation, ActivationGrad, Function};
pub use adamw::{AdamW, AdamWValues};
pub use add::Add;
pub use attention::{Attention, AttentionGrad, MAX_HEAD_SIZE};
pub use attention_survey::AttentionSurvey;
pub use attention_weights::AttentionWeights;
pub use block::Block;
pub use copy::Copy;
pub use cross_entropy::{CrossEntropy, CrossEntropyGrad, CrossEntropyValues};
pub use dropout::{Dropout, Noise};
pub use embed::{Embed, Lookup};
pub use gather::{GatherRows, ScatterRows};
pub use layer_norm::{LayerNorm, LayerNormGrad, LayerNormParamGrad, NormInput};
pub use linear::Linear;
pub(crate) use linear_cross_entropy::MAX_OUTPUTS;
pub use linear_cross_entropy::{LinearCrossEntropy, LinearCrossEntropyGrad};
pub use link_rows::LinkRows;
pub use mask::Mask;
pub use matmul::{Join, MatMul};
pub use mean_loss::{Loss, MeanLoss, MeanLossGrad};
pub use mean_tokens::{MeanTokens, MeanTokensGrad};
pub use sample::Sample;
pub use scale_columns::ScaleColumns;
pub use softmax::{Softmax, SoftmaxGrad};
pub use substitute::{Substitute, Substituted};
pub use sum_rows::SumRows;
pub use top_k::{NO_TARGET, TopK, TopKValues};
pub use transpose::Transpose;
pub use value_norms::ValueNorms;

use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Dispatch, DispatchContext, Kernel, Product};
use crate::tensor::TensorType;
use crate::twin::{self, Real};

/// A node in reverse: its operands, its results, and the gradients of the results that have one.
pub(crate) struct GradientAt<'a> {
    pub inputs: &'a [Value],
    pub outputs: &'a [Value],
    /// One entry a result.
    pub d_outputs: &'a [Option<Value>],
    /// One entry an operand: whether anything needs its gradient.
    pub wanted: &'a [bool],
}

impl GradientAt<'_> {
    /// The gradient of the only differentiable result; reverse mode does not visit a node
    /// without one.
    pub fn d_output(&self, op: &'static str) -> Result<Value, GraphError> {
        let message = "only its first result has a gradient".to_owned();
        self.d_outputs[0].ok_or(GraphError::Attribute { op, message })
    }

    /// Records operand `i`'s gradient if it is wanted.
    pub fn want(
        &self,
        i: usize,
        record: impl FnOnce() -> Result<Value, GraphError>,
    ) -> Result<Option<Value>, GraphError> {
        if self.wanted[i] {
            record().map(Some)
        } else {
            Ok(None)
        }
    }
}

/// What an operation must be able to say of itself.
pub(crate) trait Rule {
    /// The name used in messages and labels.
    const NAME: &'static str;
    /// The shaders it may choose from.
    const KERNELS: &'static [&'static Kernel];
    /// The shape rule: the outputs' types, or why the operands do not fit.
    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError>;
    /// The gradient rule: records into `graph` what the wanted operands' gradients are made of.
    fn gradient(
        &self,
        _graph: &mut Graph,
        _at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        let message = "is not differentiable".to_owned();
        Err(GraphError::Attribute {
            op: Self::NAME,
            message,
        })
    }
    /// The shaders to run, with their bindings and sizes: a pure function of shapes and device.
    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch>;
    /// The matrix products among its dispatches, which may be tuned.
    fn products(&self, _context: &DispatchContext<'_>) -> Vec<Product> {
        Vec::new()
    }
    /// How many numbers the CPU twin works in beside its operands.
    fn scratch(&self, _inputs: &[TensorType]) -> usize {
        0
    }
    /// The CPU twin.
    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>);
    /// Whether it reads operand `i` of `count`, where that is a parameter, also as it rests in f16.
    fn takes_f16(&self, _i: usize, _count: usize) -> bool {
        false
    }
    /// Whether its results hold what was there before, changed: running it twice is not the same
    /// as running it once.
    fn accumulates(&self) -> bool {
        false
    }
    /// Roughly how many floating-point operations it takes, for cutting long command buffers.
    fn flops(&self, inputs: &[TensorType]) -> f64 {
        inputs.first().map_or(0.0, |x| 8.0 * x.shape.len() as f64)
    }
}

macro_rules! ops {
    ($($name:ident),* $(,)?) => {
        /// An operation with its attributes.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Op { $(#[doc = concat!("[`", stringify!($name), "`](struct@", stringify!($name), ").")] $name($name)),* }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self { Op::$name(op) }
        })*

        impl Op {
            /// The operation's name.
            pub fn name(&self) -> &'static str {
                match self { $(Op::$name(_) => $name::NAME),* }
            }
            pub(crate) fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
                match self { $(Op::$name(op) => op.infer(inputs)),* }
            }
            pub(crate) fn gradient(
                &self,
                graph: &mut Graph,
                at: &GradientAt<'_>,
            ) -> Result<Vec<Option<Value>>, GraphError> {
                match self { $(Op::$name(op) => op.gradient(graph, at)),* }
            }
            pub(crate) fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
                match self { $(Op::$name(op) => op.dispatch(context)),* }
            }
            pub(crate) fn products(&self, context: &DispatchContext<'_>) -> Vec<Product> {
                match self { $(Op::$name(op) => op.products(context)),* }
            }
            pub(crate) fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
                match self { $(Op::$name(op) => op.cpu(io)),* }
            }
            pub(crate) fn takes_f16(&self, i: usize, count: usize) -> bool {
                match self { $(Op::$name(op) => op.takes_f16(i, count)),* }
            }
            pub(crate) fn scratch(&self, inputs: &[TensorType]) -> usize {
                match self { $(Op::$name(op) => op.scratch(inputs)),* }
            }
            pub(crate) fn accumulates(&self) -> bool {
                match self { $(Op::$name(op) => op.accumulates()),* }
            }
            pub(crate) fn flops(&self, inputs: &[TensorType]) -> f64 {
                match self { $(Op::$name(op) => op.flops(inputs)),* }
            }
        }

        /// Every shader of every operation.
        pub fn kernels() -> Vec<&'static Kernel> {
            [$($name::KERNELS),*, gemm::KERNELS].concat()
        }
    };
}

ops! {
    Accumulate,
    Activation,
    ActivationGrad,
    AdamW,
    Add,
    Attention,
    AttentionGrad,
    AttentionSurvey,
    AttentionWeights,
    Copy,
    CrossEntropy,
    CrossEntropyGrad,
    Dropout,
    Embed,
    GatherRows,
    LayerNorm,
    LayerNormGrad,
    LayerNormParamGrad,
    Linear,
    LinearCrossEntropy,
    LinearCrossEntropyGrad,
    LinkRows,
    MatMul,
    MeanLoss,
    MeanLossGrad,
    MeanTokens,
    MeanTokensGrad,
    Sample,
    ScaleColumns,
    ScatterRows,
    Softmax,
    SoftmaxGrad,
    Substitute,
    SumRows,
    TopK,
    Transpose,
    ValueNorms,
}
