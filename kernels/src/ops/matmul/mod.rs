//! Matrix products whose second factor is not transposed: the gradients of a linear layer.

use super::check::Check;
use super::gemm::{Epilogue, Extra};
use super::{Block, Function, GradientAt, Rule};
use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::shader::{Dispatch, DispatchContext, Kernel, Operand};
use crate::shader::{Kind, Product};
use crate::tensor::{DType, Storage, TensorType};
use crate::twin::{self, Matrix, Real, matmul};

/// What a product is joined with before it is stored: an operand z `[M, N]`. Graphs record steps of
/// their own, plans fuse them into the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// `c = a b + z`: gradients that meet.
    Sum,
    /// `c = (a b) f'(z)`: a gradient on its way through an activation function.
    Slope(Function),
}

/// `c = a b`, or `aᵀ b`: a `[M, K]` (or `[K, M]`), b `[K, N]`, z `[M, N]` (where there is a join);
/// result `[M, N]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatMul {
    /// Whether the first factor is transposed.
    pub transpose_a: bool,
    /// Reads only these columns of the first factor, as it lies in memory: the gradients of a
    /// linear layer whose weight lies in blocks. Such a product has no gradient of its own.
    pub columns: Option<Block>,
    /// What the third operand is, if there is one.
    pub join: Option<Join>,
}

impl MatMul {
    /// M, K, N.
    fn sizes(&self, a: &TensorType, b: &TensorType) -> [usize; 3] {
        let (m, k) = (a.shape.rows(), self.read(a).len);
        let [m, k] = if self.transpose_a { [k, m] } else { [m, k] };
        [m, k, b.shape.columns()]
    }

    /// The columns of `a` that are read.
    fn read(&self, a: &TensorType) -> Block {
        self.columns.unwrap_or(Block::whole(a.shape.columns()))
    }
}

impl Rule for MatMul {
    const NAME: &'static str = "matmul";
    const KERNELS: &'static [&'static Kernel] = &[];

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, GraphError> {
        let check = Check::new(Self::NAME, inputs, 2 + usize::from(self.join.is_some()))?;
        let (_, columns) = check.matrix(0, "a")?;
        let (rows, _) = check.matrix(1, "b")?;
        let Block { first, len, of } = self.read(&inputs[0]);
        if len == 0 || first + len > of || of != columns {
            let last = first + len;
            return Err(check.attribute(format!("a has no columns {first} to {last} of {of}")));
        }
        let [m, k, n] = self.sizes(&inputs[0], &inputs[1]);
        if rows != k {
            return Err(check.shape(1, "b", format!("[{k}, N]")));
        }
        let product = TensorType::real([m, n]);
        if self.join.is_some() {
            check.exactly(2, "z", DType::Real, product.shape)?;
        }
        Ok(vec![product])
    }

    fn gradient(
        &self,
        graph: &mut Graph,
        at: &GradientAt<'_>,
    ) -> Result<Vec<Option<Value>>, GraphError> {
        if self.columns.is_some() || self.join.is_some() {
            let message =
                "has no gradient where it reads a block of columns or is joined".to_owned();
            let op = Self::NAME;
            return Err(GraphError::Attribute { op, message });
        }
        let d = at.d_output(Self::NAME)?;
        let (a, b) = (at.inputs[0], at.inputs[1]);
        let da = at.want(0, || match self.transpose_a {
            true => graph.linear(b, d, None),
            false => graph.linear(d, b, None),
        })?;
        let db = at.want(1, || graph.matmul(a, d, !self.transpose_a))?;
        Ok(vec![da, db])
    }

    fn dispatch(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let (a, b, c) = (Operand::Input(0), Operand::Input(1), Operand::Output(0));
        let (extra, function) = match self.join {
            None => (None, None),
            Some(Join::Sum) => (Some(Extra::Term), None),
            Some(Join::Slope(f)) => (Some(Extra::Argument), Some(f)),
        };
        let extra = extra.map(|extra| (extra, Operand::Input(2)));
        let dispatch = |product: Product| {
            let operands = [a, b, c];
            let epilogue = Epilogue {
                extra,
                function,
                operands,
            };
            product.dispatch(context, epilogue)
        };
        let products = self.products(context).into_iter();
        products.flat_map(dispatch).collect()
    }

    fn products(&self, context: &DispatchContext<'_>) -> Vec<Product> {
        let [m, k, n] = self.sizes(&context.inputs[0], &context.inputs[1]);
        let Block { first, of, .. } = self.read(&context.inputs[0]);
        vec![Product {
            kind: if self.transpose_a { Kind::Tn } else { Kind::Nn },
            m,
            n,
            k,
            a_columns: [first, of],
            c_columns: [0, n],
            half: context.storage[1] == Storage::F16,
        }]
    }

    fn takes_f16(&self, i: usize, _count: usize) -> bool {
        i == 1
    }

    fn cpu<F: Real>(&self, io: &mut twin::Io<'_, F>) {
        let (inputs, mut outputs) = io.split();
        let [m, k, n] = self.sizes(&inputs.ty(0), &inputs.ty(1));
        let Block { first, of, .. } = self.read(&inputs.ty(0));
        let a = &inputs.real(0)[first..];
        let a = match self.transpose_a {
            true => Matrix::strided(a, k, m, of).transposed(),
            false => Matrix::strided(a, m, k, of),
        };
        let b = Matrix::new(inputs.real(1), k, n);
        let c = outputs.real();
        let sum = self.join == Some(Join::Sum);
        if sum {
            c.copy_from_slice(inputs.real(2));
        }
        matmul(a, b, c, n, F::new(1.0), sum);
        if let Some(Join::Slope(function)) = self.join {
            function.slope(inputs.real(2), c);
        }
    }

    fn flops(&self, inputs: &[TensorType]) -> f64 {
        let [m, k, n] = self.sizes(&inputs[0], &inputs[1]);
        2.0 * m as f64 * k as f64 * n as f64
    }
}

impl Graph {
    /// `a b`, or `aᵀ b`: a `[M, K]` (or `[K, M]`), b `[K, N]`; result `[M, N]`.
    pub fn matmul(&mut self, a: Value, b: Value, transpose_a: bool) -> Result<Value, GraphError> {
        self.product(a, None, b, transpose_a)
    }

    /// The same with a block of the columns of a (`[M, P]` or `[K, P]` in memory) in its place.
    pub fn matmul_columns(
        &mut self,
        a: Value,
        columns: Block,
        b: Value,
        transpose_a: bool,
    ) -> Result<Value, GraphError> {
        let part = columns != Block::whole(columns.of);
        self.product(a, part.then_some(columns), b, transpose_a)
    }

    fn product(
        &mut self,
        a: Value,
        columns: Option<Block>,
        b: Value,
        transpose_a: bool,
    ) -> Result<Value, GraphError> {
        self.apply1(
            MatMul {
                transpose_a,
                columns,
                join: None,
            }
            .into(),
            &[a, b],
        )
    }
}
