//! Matrix products, as far as the choice among their shaders needs to know them: all that is
//! known here of operations. Which variants there are, and which suit, is told by `ops/gemm`.

use std::fmt::{self, Display, Formatter};

/// The products that a linear layer and its gradients need, by BLAS's letters: which factor is
/// transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `a bᵀ`, a `[M, K]`, b `[N, K]`: the layer, with its weight as PyTorch stores it.
    Nt,
    /// `a b`, a `[M, K]`, b `[K, N]`: the gradient of the layer's operand.
    Nn,
    /// `aᵀ b`, a `[K, M]`, b `[K, N]`: the gradient of its weight.
    Tn,
}

/// `c = a b`, c `[M, N]`, but for what an epilogue adds; a and c may be blocks of columns of wider matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Product {
    pub kind: Kind,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// The first column of a that is read, and how many a row of it has in memory.
    pub a_columns: [usize; 2],
    /// The first column of c that is made, and how many a row of it has.
    pub c_columns: [usize; 2],
    /// Whether b rests in f16.
    pub half: bool,
}

impl Product {
    /// Floating-point operations.
    pub fn flops(&self) -> f64 {
        2.0 * self.m as f64 * self.n as f64 * self.k as f64
    }

    /// Bytes of a, b and c.
    pub fn bytes(&self) -> [u64; 3] {
        let a_rows = if self.kind == Kind::Tn {
            self.k
        } else {
            self.m
        };
        let a = 4 * a_rows * self.a_columns[1];
        let b = self.n * self.k * if self.half { 2 } else { 4 };
        let c = 4 * self.m * self.c_columns[1];
        [a, b, c].map(|bytes| bytes as u64)
    }
}

/// Products that one variant suits: kind, and sizes to the next power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Class {
    kind: Kind,
    sizes: [u32; 3],
    half: bool,
}

impl Class {
    /// The class of a product.
    pub fn of(product: &Product) -> Self {
        let Product { m, n, k, .. } = *product;
        Self {
            kind: product.kind,
            sizes: [m, n, k].map(|size| size.next_power_of_two().ilog2()),
            half: product.half,
        }
    }
}

impl Display for Class {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Nt => "nt",
            Kind::Nn => "nn",
            Kind::Tn => "tn",
        };
        let [m, n, k] = self.sizes;
        let half = if self.half { "-f16" } else { "" };
        write!(f, "{kind}-{m}-{n}-{k}{half}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_told_by_its_name() {
        let class = |kind, [m, n, k]: [usize; 3]| {
            let product = Product {
                kind,
                m,
                n,
                k,
                a_columns: [0, k],
                c_columns: [0, n],
                half: false,
            };
            Class::of(&product).to_string()
        };
        assert_eq!(class(Kind::Nt, [128, 768, 768]), "nt-7-10-10");
        assert_eq!(class(Kind::Nt, [100, 1000, 513]), "nt-7-10-10");
        assert_eq!(class(Kind::Tn, [1, 2, 3]), "tn-0-1-2");
    }
}
