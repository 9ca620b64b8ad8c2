//! Small graphs with known inputs, one operation each.

mod forward;
mod inside;
mod training;

pub use forward::*;
pub use inside::*;
pub use training::*;

use crate::grad::gradients;
use crate::graph::{Graph, Value};
use crate::ops::{Function, Join, Loss, Mask};
use crate::shader::Kind;
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

    /// Numbers that are not random.
    fn given(&mut self, shape: impl Into<Shape>, numbers: Tensor) -> Value {
        let value = self.case.graph.input("y", TensorType::real(shape));
        self.case.inputs.push((value, numbers));
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

/// Products that fill a shader's tile of so many rows and columns, and begin the next: of odd sizes, and
/// of sizes that are read four at a time.
pub(crate) fn product(kernel: &'static str, kind: Kind, rows: usize, columns: usize) -> Vec<Case> {
    let case = |[m, k, n]: [usize; 3]| {
        let mut case = match kind {
            Kind::Nt => linear([m, k, n], Storage::F16, true, Some(Function::Gelu)),
            Kind::Nn => matmul([m, k, n], Storage::F32, false),
            Kind::Tn => matmul([m, k, n], Storage::F32, true),
        };
        case.kernel = kernel;
        case
    };
    let odd = [rows + 5, 37, columns + 3];
    let whole = [rows + 4, 72, columns + 4];
    vec![case(odd), case(whole)]
}

/// What the start-up self-test runs: every operation, and both ways a matrix may rest.
pub fn small() -> Vec<Case> {
    use Function::Gelu;
    let mut cases = vec![
        embed([5, 12, 3], Storage::F32),
        embed([5, 12, 2], Storage::F16),
        embed_blocks([9, 12, 3], 3, Storage::F16),
        embed_norm([5, 12, 3], 1, Storage::F32),
        gather(7, 12, false),
        linear([5, 20, 33], Storage::F32, true, None),
        linear([5, 24, 33], Storage::F16, true, Some(Gelu)),
        linear([3, 7, 5], Storage::F32, false, None),
        linear([3, 20, 33], Storage::F32, true, None),
        linear([13, 68, 70], Storage::F32, true, None),
        linear([37, 68, 70], Storage::F32, true, None),
        linear_blocks([5, 20, 33], 3, Storage::F32, true, None),
        layer_norm(5, 20, [true, false]),
        layer_norm(5, 20, [false, false]),
        attention([2, 9, 2, 32], false),
        attention([1, 5, 1, 64], false),
        attention([1, 5, 1, 6], false),
        masked_attention([2, 9, 2, 32], Mask::LEFT, false),
        masked_attention([2, 9, 1, 6], Mask::RIGHT, false),
        attention_weights([2, 9, 2, 32], Mask::ALL),
        attention_weights([2, 5, 1, 6], Mask::LEFT),
        attention_survey([2, 9, 2], 4),
        scale_columns(3, 33),
        value_norms([2, 5, 2, 6], 20),
        softmax(3, 33),
        top_k(3, 33, 5),
        sample(3, 33),
        substitute(20),
    ];
    cases.extend(Function::ALL.map(|f| activation(65, f)));
    cases
}

/// What the self-test of training runs beside: every backward pass, and the optimiser's norm.
pub fn small_training() -> Vec<Case> {
    use Function::Gelu;
    vec![
        backward(embed([5, 12, 3], Storage::F16), 5, 5.0),
        backward(embed_blocks([9, 12, 3], 3, Storage::F32), 9, 9.0),
        gather(7, 12, true),
        backward(gather(7, 12, true), 7, 7.0),
        backward(gather(2, 12, false), 4, 4.0),
        backward(linear([5, 20, 32], Storage::F32, true, None), 32, 32.0),
        backward(linear([3, 7, 5], Storage::F16, true, None), 7, 7.0),
        backward(
            linear_blocks([5, 20, 32], 3, Storage::F16, true, None),
            32,
            32.0,
        ),
        backward(activation(65, Gelu), 1, 8.0),
        joined([5, 20, 32], false, Join::Sum),
        joined([5, 20, 32], false, Join::Slope(Gelu)),
        layer_norm(5, 20, [true, true]),
        backward(layer_norm(5, 20, [true, false]), 20, 44.0),
        backward(layer_norm(5, 20, [true, true]), 20, 44.0),
        backward(attention([2, 9, 2, 8], true), 34, 13.0),
        backward(attention([1, 9, 1, 32], true), 82, 24.0),
        backward(attention([1, 5, 1, 64], true), 138, 33.0),
        backward(attention([1, 5, 1, 72], true), 154, 35.0),
        backward(masked_attention([2, 9, 1, 32], Mask::LEFT, true), 82, 24.0),
        backward(masked_attention([2, 9, 1, 8], Mask::LEFT, true), 34, 13.0),
        backward(scale_columns(3, 33), 1, 1.0),
        backward(softmax(3, 33), 33, 4.0),
        backward(mean_tokens(3, 5, 7), 1, 1.0),
        cross_entropy(5, 33, false),
        backward(cross_entropy(5, 33, false), 33, 2.0),
        cross_entropy(5, 33, true),
        backward(cross_entropy(5, 33, true), 33, 2.0),
        accumulate(300),
        mean_loss([5, 3], Loss::Binary),
        backward(mean_loss([5, 3], Loss::Binary), 15, 4.0),
        mean_loss([5, 1], Loss::Squared),
        backward(mean_loss([5, 1], Loss::Squared), 5, 10.0),
        transpose([2, 5, 3]),
        dropout(65),
        copy(17, Storage::F16),
        add(17),
        linear_cross_entropy([5, 20, 3], Storage::F32),
        linear_cross_entropy([5, 20, 3], Storage::F16),
        sum_rows(5, 20, 1),
        sum_rows(5, 20, 4),
        adamw_log(33),
    ]
}
