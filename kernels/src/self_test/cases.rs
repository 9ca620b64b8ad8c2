//! Small graphs with known inputs, one operation each.

use crate::grad::gradients;
use crate::graph::{Graph, Value};
use crate::ops::{Function, GradientNorm, Lookup, NO_TARGET, Noise};
use crate::tensor::{ParamSpec, Shape, Storage, Tensor, TensorType};

/// Half the distance from 1 to the next `f32`: the relative error of one rounding.
const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;

/// Roundings that come with every result beside those of its reduction: library functions such as
/// `exp` are good for a few units in the last place on a GPU (WGSL, "Accuracy").
const BASE_ROUNDINGS: f64 = 32.0;

/// One operation, its operands, and how exact its result must be.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operation.
    pub kernel: &'static str,
    /// The sizes, in words.
    pub what: String,
    /// The operation's graph.
    pub graph: Graph,
    /// What to compare.
    pub outputs: Vec<Value>,
    /// Parameters with their elements (already rounded to how they rest).
    pub params: Vec<(ParamSpec, Vec<f32>)>,
    /// Inputs.
    pub inputs: Vec<(Value, Tensor)>,
    /// Longest chain of additions behind one result.
    pub reduction: usize,
    /// Bound of the sum of the absolute values of the terms behind one result.
    pub magnitude: f64,
}

impl Case {
    /// `(n + c) u Σ|terms|`: the bound for a sum of n terms in any order (Higham 2002, §4.2), plus
    /// the roundings that have nothing to do with n.
    pub fn tolerance(&self) -> f64 {
        (self.reduction as f64 + BASE_ROUNDINGS) * UNIT_ROUNDOFF * self.magnitude
    }
}

/// Builds a case; numbers come from a fixed generator, so a case is the same everywhere.
struct Builder {
    case: Case,
    state: u32,
}

impl Builder {
    fn new(kernel: &'static str, what: String, reduction: usize, magnitude: f64) -> Self {
        let case = Case {
            kernel,
            what,
            graph: Graph::new(),
            outputs: Vec::new(),
            params: Vec::new(),
            inputs: Vec::new(),
            reduction,
            magnitude,
        };
        Self {
            case,
            state: 0x9e37_79b9,
        }
    }

    /// Uniform in [-1, 1) (Numerical Recipes' "quick and dirty" generator, upper bits).
    fn number(&mut self) -> f32 {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.state >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    fn numbers(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.number() * scale).collect()
    }

    fn input(&mut self, shape: impl Into<Shape>, scale: f32) -> Value {
        let shape = shape.into();
        let value = self.case.graph.input("x", TensorType::real(shape));
        let data = self.numbers(shape.len(), scale);
        self.case.inputs.push((value, Tensor::F32(data)));
        value
    }

    fn ids(&mut self, ids: Vec<u32>) -> Value {
        let value = self.case.graph.input("ids", TensorType::u32([ids.len()]));
        self.case.inputs.push((value, Tensor::U32(ids)));
        value
    }

    fn below(&mut self, count: usize, bound: usize) -> Value {
        let ids = (0..count)
            .map(|_| (self.number().abs() * bound as f32) as u32)
            .collect();
        self.ids(ids)
    }

    fn param(&mut self, shape: impl Into<Shape>, storage: Storage, scale: f32) -> Value {
        let shape = shape.into();
        let name = format!("p{}", self.case.params.len());
        let mut data = self.numbers(shape.len(), scale);
        if storage == Storage::F16 {
            data.iter_mut()
                .for_each(|x| *x = half::f16::from_f32(*x).to_f32());
        }
        let value = self
            .case
            .graph
            .param(&name, shape)
            .expect("names are unique");
        self.case.params.push((
            ParamSpec {
                name,
                shape,
                storage,
            },
            data,
        ));
        value
    }

    fn done(mut self, outputs: Vec<Value>) -> Case {
        self.case.outputs = outputs;
        self.case
    }
}

const FITS: &str = "the case's shapes fit";

/// A linear layer with every operand in [-1, 1) and weights scaled by 1/√K.
pub fn linear(
    [m, k, n]: [usize; 3],
    storage: Storage,
    bias: bool,
    function: Option<Function>,
) -> Case {
    let scale = 1.0 / (k as f32).sqrt();
    let what = format!("{m}x{k}x{n}, {storage:?}, bias {bias}, {function:?}");
    // Terms are at most 1/√K each, and every activation has a slope below 1.2.
    let mut b = Builder::new("linear", what, k, (k as f64).sqrt() + 1.0);
    let x = b.input([m, k], 1.0);
    let w = b.param([n, k], storage, scale);
    let bias = bias.then(|| b.param([n], Storage::F32, 1.0));
    let mut y = b.case.graph.linear(x, w, bias).expect(FITS);
    if let Some(function) = function {
        y = b.case.graph.activation(y, function).expect(FITS);
    }
    b.done(vec![y])
}

/// An activation on its own, over [-8, 8).
pub fn activation(len: usize, function: Function) -> Case {
    let mut b = Builder::new("activation", format!("{len}, {function:?}"), 0, 8.0);
    let x = b.input([1, len], 8.0);
    let y = b.case.graph.activation(x, function).expect(FITS);
    b.done(vec![y])
}

/// The sum of two or three embeddings, with ids beyond the tables' ends among them.
pub fn embed([rows, columns, tables]: [usize; 3], storage: Storage) -> Case {
    let terms = tables as f64;
    let what = format!("{rows}x{columns}, {tables} tables, {storage:?}");
    let mut b = Builder::new("embed", what, tables, terms);
    let lookups: Vec<Lookup> = [(23, 19), (11, 11), (3, 2)][..tables]
        .iter()
        .map(|&(ids, entries)| Lookup {
            rows: b.below(rows, ids),
            table: b.param([entries, columns], storage, 1.0),
            padding: None,
        })
        .collect();
    let y = b.case.graph.embed(&lookups).expect(FITS);
    b.done(vec![y])
}

/// Rows of a matrix, some of them twice.
pub fn gather(rows: usize, columns: usize) -> Case {
    let mut b = Builder::new("gather rows", format!("{rows}x{columns}"), 0, 1.0);
    let x = b.input([rows, columns], 1.0);
    let ids = b.below(rows + 2, rows);
    let y = b.case.graph.gather_rows(x, ids).expect(FITS);
    b.done(vec![y])
}

/// A layer norm.
pub fn layer_norm(rows: usize, columns: usize, residual: bool) -> Case {
    let what = format!("{rows}x{columns}, residual {residual}");
    // The normalised value reaches √C for a row with one outlier; z itself is rounded once before
    // the mean is taken from it, which the division by the deviation (about 0.6 here) magnifies.
    let mut b = Builder::new("layer norm", what, columns, 4.0);
    let x = b.input([rows, columns], 1.0);
    let residual = residual.then(|| b.input([rows, columns], 1.0));
    let gamma = b.param([columns], Storage::F32, 1.0);
    let beta = b.param([columns], Storage::F32, 1.0);
    let y = b
        .case
        .graph
        .layer_norm(x, residual, gamma, beta, 1e-3)
        .expect(FITS);
    b.done(vec![y])
}

/// A softmax.
pub fn softmax(rows: usize, columns: usize) -> Case {
    // Probabilities are at most 1; scores up to 4 lose as much in the exponential's argument.
    let mut b = Builder::new("softmax", format!("{rows}x{columns}"), columns, 4.0);
    let x = b.input([rows, columns], 4.0);
    let y = b.case.graph.softmax(x).expect(FITS);
    b.done(vec![y])
}

/// Self-attention over sequences of falling lengths.
pub fn attention([batch, tokens, heads, head]: [usize; 4], dropout: bool) -> Case {
    let what = format!("B {batch}, T {tokens}, A {heads}, D {head}, dropout {dropout}");
    // Scores are sums of D terms of at most 1/√D; their error enters every weight.
    let magnitude = 2.0 * (head as f64).sqrt() + 1.0;
    let mut b = Builder::new("attention", what, tokens + head, magnitude);
    let qkv = b.input([batch * tokens, 3 * heads * head], 1.0);
    let lengths = (0..batch)
        .map(|i| (tokens - i * tokens / (batch + 1)) as u32)
        .collect();
    let lengths = b.ids(lengths);
    let noise = Noise {
        probability: 0.25,
        stream: 5,
    };
    let dropout = dropout.then(|| (noise, b.ids(vec![17])));
    let (y, lse) = b
        .case
        .graph
        .attention(qkv, lengths, heads, dropout)
        .expect(FITS);
    b.done(vec![y, lse])
}

/// The k largest of rows that hold equal elements, with and without a target.
pub fn top_k(rows: usize, columns: usize, k: usize) -> Case {
    let what = format!("{rows}x{columns}, k {k}");
    let mut b = Builder::new("top k", what, columns, 8.0);
    let x = b.input([rows, columns], 4.0);
    // Rounded to sixteenths: ties must come in the order of their columns.
    if let Some((_, Tensor::F32(data))) = b.case.inputs.last_mut() {
        data.iter_mut()
            .for_each(|x| *x = (*x * 16.0).round() / 16.0);
    }
    let target = |r: usize| {
        if r % 3 == 2 {
            NO_TARGET
        } else {
            (r * 7 % columns) as u32
        }
    };
    let targets = b.ids((0..rows).map(target).collect());
    let top = b.case.graph.top_k(x, targets, k).expect(FITS);
    b.done(vec![top.values, top.columns, top.figures])
}

/// A product as gradients have it, a [M, K] or [K, M].
pub fn matmul([m, k, n]: [usize; 3], storage: Storage, transpose_a: bool) -> Case {
    let what = format!("{m}x{k}x{n}, {storage:?}, transposed {transpose_a}");
    let mut b = Builder::new("matmul", what, k, (k as f64).sqrt() + 1.0);
    let x = b.input(if transpose_a { [k, m] } else { [m, k] }, 1.0);
    let w = b.param([k, n], storage, 1.0 / (k as f32).sqrt());
    let y = b.case.graph.matmul(x, w, transpose_a).expect(FITS);
    b.done(vec![y])
}

/// Two tensors added.
pub fn add(len: usize) -> Case {
    let mut b = Builder::new("add", format!("{len}"), 1, 2.0);
    let (x, y) = (b.input([1, len], 1.0), b.input([1, len], 1.0));
    let z = b.case.graph.add(x, y).expect(FITS);
    b.done(vec![z])
}

/// Dropout at a quarter.
pub fn dropout(len: usize) -> Case {
    let mut b = Builder::new("dropout", format!("{len}"), 1, 2.0);
    let x = b.input([1, len], 1.0);
    let seed = b.ids(vec![17]);
    let noise = Noise {
        probability: 0.25,
        stream: 3,
    };
    let y = b.case.graph.dropout(x, seed, noise).expect(FITS);
    b.done(vec![y])
}

/// A cross-entropy, every third row without a label.
pub fn cross_entropy(rows: usize, columns: usize) -> Case {
    let mut b = Builder::new(
        "cross-entropy",
        format!("{rows}x{columns}"),
        columns + rows,
        8.0,
    );
    let x = b.input([rows, columns], 4.0);
    let label = |r: usize| {
        if r % 3 == 2 {
            NO_TARGET
        } else {
            (r * 7 % columns) as u32
        }
    };
    let labels = b.ids((0..rows).map(label).collect());
    let values = b.case.graph.cross_entropy(x, labels).expect(FITS);
    b.done(vec![values.mean, values.losses])
}

/// A parameter that becomes f32.
pub fn copy(len: usize, storage: Storage) -> Case {
    let mut b = Builder::new("copy", format!("{len}, {storage:?}"), 0, 1.0);
    let x = b.param([1, len], storage, 1.0);
    let y = b.case.graph.copy(x).expect(FITS);
    b.done(vec![y])
}

/// The mean over sequences of falling lengths.
pub fn mean_tokens(batch: usize, tokens: usize, columns: usize) -> Case {
    let what = format!("B {batch}, T {tokens}, C {columns}");
    let mut b = Builder::new("mean of tokens", what, tokens, 1.0);
    let x = b.input([batch * tokens, columns], 1.0);
    let lengths = (0..batch)
        .map(|i| (tokens - i * tokens / (batch + 1)) as u32)
        .collect();
    let lengths = b.ids(lengths);
    let y = b.case.graph.mean_tokens(x, lengths).expect(FITS);
    b.done(vec![y])
}

/// The gradients of a case's first output, for a random gradient flowing into it, with respect to
/// all that is real: its parameters and inputs. `reduction` and `magnitude` are the sums' behind
/// one element of a gradient.
pub fn backward(case: Case, reduction: usize, magnitude: f64) -> Case {
    let ty = case.graph.ty(case.outputs[0]);
    let mut b = Builder {
        case,
        state: 0x2545_f491,
    };
    let d = b.input(ty.shape, 1.0);
    let reals = b
        .case
        .inputs
        .iter()
        .filter(|(v, t)| *v != d && !matches!(t, Tensor::U32(_)));
    let mut wrt: Vec<Value> = reals.map(|(v, _)| *v).collect();
    for (spec, _) in b.case.params.clone() {
        wrt.push(b.case.graph.param(&spec.name, spec.shape).expect(FITS));
    }
    let output = b.case.outputs[0];
    let found = gradients(&mut b.case.graph, output, d, &wrt).expect("differentiable");
    b.case.what = format!("{}, backward", b.case.what);
    b.case.reduction = reduction;
    b.case.magnitude = magnitude;
    b.done(found.into_iter().flatten().collect())
}

/// What the start-up self-test runs: every operation, and both ways a matrix may rest.
pub fn small() -> Vec<Case> {
    use Function::{Gelu, GeluTanh, Relu, Tanh};
    let mut cases = vec![
        embed([5, 12, 3], Storage::F32),
        embed([5, 12, 2], Storage::F16),
        gather(7, 12),
        linear([5, 20, 33], Storage::F32, true, None),
        linear([5, 24, 33], Storage::F16, true, Some(Gelu)),
        linear([3, 7, 5], Storage::F32, false, None),
        layer_norm(5, 20, true),
        layer_norm(5, 20, false),
        attention([2, 9, 2, 8], false),
        attention([1, 5, 1, 6], false),
        softmax(3, 33),
        top_k(3, 33, 5),
    ];
    cases.extend([Gelu, GeluTanh, Tanh, Relu].map(|f| activation(65, f)));
    cases
}

/// What the self-test of training runs beside: every backward pass, and the optimiser's norm.
pub fn small_training() -> Vec<Case> {
    use Function::Gelu;
    vec![
        backward(embed([5, 12, 3], Storage::F16), 5, 5.0),
        backward(gather(7, 12), 7, 7.0),
        backward(linear([5, 20, 32], Storage::F32, true, None), 32, 32.0),
        backward(linear([3, 7, 5], Storage::F16, true, None), 7, 7.0),
        backward(activation(65, Gelu), 1, 8.0),
        backward(layer_norm(5, 20, true), 20, 44.0),
        backward(attention([2, 9, 2, 8], true), 34, 13.0),
        backward(softmax(3, 33), 33, 4.0),
        backward(mean_tokens(3, 5, 7), 1, 1.0),
        cross_entropy(5, 33),
        backward(cross_entropy(5, 33), 33, 2.0),
        dropout(65),
        copy(17, Storage::F16),
        add(17),
        gradient_norm(33),
        record(),
    ]
}

/// Two figures into a log of one row.
pub fn record() -> Case {
    let mut b = Builder::new("record", "1 row".to_owned(), 1, 0.0);
    let figures = [b.input([1], 1.0), b.input([1], 1.0)];
    let row = b.ids(vec![0]);
    let log = b.case.graph.record(figures, row, 1).expect(FITS);
    b.done(vec![log])
}

/// The norm of two gradients that are not packed.
pub fn gradient_norm(len: usize) -> Case {
    let mut b = Builder::new(
        "gradient norm",
        format!("{len}"),
        2 * len,
        (2.0 * len as f64).sqrt(),
    );
    let gradients = [b.input([1, len], 1.0), b.input([len], 1.0)];
    let outputs = b
        .case
        .graph
        .apply(GradientNorm.into(), &gradients)
        .expect(FITS);
    b.done(vec![outputs[0]])
}
