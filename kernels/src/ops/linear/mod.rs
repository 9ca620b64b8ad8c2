//! The linear layer: a matrix product with its bias and activation in the epilogue.

use super::activation::Function;
use super::check::Check;
use super::gemm::{Epilogue, Extra};
use super::{Block, GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Dispatch, DispatchContext, Kernel, Operand};
use crate::shader::{Kind, Product};
use crate::tensor::{Storage, TensorType};
use crate::twin::{self, Matrix, Real, matmul};

/// `y = f(x wᵀ + bias)`: x `[M, K]`, w `[N, K]` (as PyTorch stores `nn.Linear`), bias `[N]` (if
/// `bias`); result `[M, N]`. A weight over what an adapter binds comes as several blocks of its
/// rows, one below the other; each fills its columns of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Whether there is a bias operand.
    pub bias: bool,
    /// The activation in the epilogue; graphs record it as a node of its own, plans fuse it here.
    pub activation: Option<Function>,
}

impl Linear {
    /// The weight's blocks, operands 1 and up.
    fn blocks(&self, inputs: &[TensorType]) -> Vec<Block> {
        let weights = &inputs[1..inputs.len() - usize::from(self.bias)];
        Block::all(weights.iter().map(|ty| ty.shape.rows()))
    }
}

impl Rule for Linear {
    const NAME: &'static str = "linear";
    const KERNELS: &'static [&'static Kernel] = &[];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let least = 2 + usize::from(self.bias);
        let check = Check::new(Self::NAME, inputs, inputs.len().max(least))?;
        let (m, k) = check.matrix(0, "x")?;
        let weights = 1..inputs.len() - usize::from(self.bias);
        let bias = weights.end;
        let mut n = 0;
        for i in weights {
            n += check.rows_of(i, "weight", k)?;
        }
        if self.bias {
            check.vector(bias, "bias", n)?;
        }
        Ok(vec![TensorType::real([m, n])])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        if self.activation.is_some() {
            let message = "gradients are taken before plans fuse activations".to_owned();
            return Err(GraphError::Attribute {
                op: Self::NAME,
                message,
            });
        }
        let d = at.d_output(Self::NAME)?;
        let types: Vec<TensorType> = at.inputs.iter().map(|&v| graph.ty(v)).collect();
        let blocks = self.blocks(&types);
        let (x, weights) = (at.inputs[0], &at.inputs[1..]);
        let dx = at.want(0, || {
            let mut sum = graph.matmul_columns(d, blocks[0], weights[0], false)?;
            for (&block, &w) in blocks.iter().zip(weights).skip(1) {
                let term = graph.matmul_columns(d, block, w, false)?;
                sum = graph.add(sum, term)?;
            }
            Ok(sum)
        })?;
        let mut gradients = vec![dx];
        for (i, &block) in (1..).zip(&blocks) {
            gradients.push(at.want(i, || graph.matmul_columns(d, block, x, true))?);
        }
        if self.bias {
            gradients.push(at.want(gradients.len(), || graph.sum_rows(d))?);
        }
        Ok(gradients)
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let last = context.inputs.len() - 1;
        let extra = self.bias.then_some((Extra::Bias, Operand::Input(last)));
        let dispatch = |(i, product): (usize, Product)| {
            let (x, w, y) = (Operand::Input(0), Operand::Input(i), Operand::Output(0));
            let epilogue = Epilogue {
                extra,
                function: self.activation,
                operands: [x, w, y],
            };
            product.dispatch(context, epilogue)
        };
        let products = self.products(context);
        (1..).zip(products).flat_map(dispatch).collect()
    }

    fn products(&self, context: &DispatchContext<'_>) -> Vec<Product> {
        let (m, k) = (
            context.inputs[0].shape.rows(),
            context.inputs[0].shape.columns(),
        );
        let product = |(i, block): (usize, Block)| Product {
            kind: Kind::Nt,
            m,
            n: block.len,
            k,
            a_columns: [0, k],
            c_columns: [block.first, block.of],
            half: context.storage[i] == Storage::F16,
        };
        let blocks = self.blocks(context.inputs);
        (1..).zip(blocks).map(product).collect()
    }

    fn takes_f16(&self, i: usize, count: usize) -> bool {
        (1..count - usize::from(self.bias)).contains(&i)
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let (m, k) = (inputs.ty(0).shape.rows(), inputs.ty(0).shape.columns());
        let types: Vec<TensorType> = (0..inputs.count()).map(|i| inputs.ty(i)).collect();
        let blocks = self.blocks(&types);
        let n = blocks[0].of;
        let y = outputs.real();
        if self.bias {
            for row in y.chunks_exact_mut(n) {
                row.copy_from_slice(inputs.real(types.len() - 1));
            }
        }
        let x = Matrix::new(inputs.real(0), m, k);
        for (i, block) in (1..).zip(blocks) {
            let w = Matrix::new(inputs.real(i), block.len, k).transposed();
            matmul(x, w, &mut y[block.first..], n, F::new(1.0), self.bias);
        }
        if let Some(function) = self.activation {
            function.apply(y);
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let n: usize = self.blocks(inputs).iter().map(|block| block.len).sum();
        2.0 * inputs[0].shape.len() as f64 * n as f64
    }
}

impl Graph {
    /// `x wᵀ + bias`: x `[M, K]`, weight `[N, K]`, bias `[N]`; result `[M, N]`.
    pub fn linear(
        &mut self,
        x: Value,
        weight: Value,
        bias: Option<Value>,
    ) -> Result<Value, GraphError> {
        self.linear_blocks(x, &[weight], bias)
    }

    /// The same with a weight in blocks of its rows, `[Nᵢ, K]` each, ΣNᵢ = N.
    pub fn linear_blocks(
        &mut self,
        x: Value,
        weight: &[Value],
        bias: Option<Value>,
    ) -> Result<Value, GraphError> {
        let mut inputs = vec![x];
        inputs.extend(weight);
        inputs.extend(bias);
        self.apply1(
            Linear {
                bias: bias.is_some(),
                activation: None,
            }
            .into(),
            &inputs,
        )
    }
}
