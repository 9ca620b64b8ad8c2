//! Every gradient rule against central differences, in double precision on the CPU.

use kernels::cases::{self, Case};
use kernels::ops::{Function, Loss, Mask, NO_TARGET};
use kernels::{
    Control, Device, Executable, Graph, ParamSpec, Params, Plan, Precision, Storage, Tensor,
    TensorType, Value, gradients,
};

/// Numbers become multiples of this, so that a step away is exact in `f32`.
const GRID: f32 = 1.0 / 1024.0;
/// The step, a multiple of the grid.
const STEP: f32 = 4.0 * GRID;
/// Largest distance relative to the gradient's norm.
const TOLERANCE: f64 = 1e-6;

fn run(case: &Case, outputs: &[Value]) -> Vec<Vec<f64>> {
    let device = Device::Cpu(Precision::F64);
    let specs: Vec<ParamSpec> = case.params.iter().map(|(s, _)| s.clone()).collect();
    pollster::block_on(async {
        let (mut params, ready) = Params::new(&device, &specs).expect("memory");
        ready.await.expect("memory");
        for (spec, data) in &case.params {
            params.write(&spec.name, 0, data).expect("it fits");
        }
        let plan = Plan::new(&case.graph, outputs);
        let mut executable = Executable::new(&device, plan, &params)
            .await
            .expect("a plan");
        let run = executable
            .run(&mut params, case.inputs.clone(), &Control::default())
            .await;
        run.expect("a run").iter().map(Tensor::to_f64).collect()
    })
}

/// The elements that a case may be moved in: parameters first, then real inputs.
fn elements(case: &mut Case) -> Vec<&mut Vec<f32>> {
    let inputs = case
        .inputs
        .iter_mut()
        .filter_map(|(_, tensor)| match tensor {
            Tensor::F32(data) => Some(data),
            _ => None,
        });
    case.params
        .iter_mut()
        .map(|(_, data)| data)
        .chain(inputs)
        .collect()
}

fn check(case: Case) {
    check_first(case, usize::MAX);
}

/// Of the first so many tensors; targets and weights behind them have no gradient.
fn check_first(mut case: Case, tensors: usize) {
    for data in elements(&mut case) {
        data.iter_mut()
            .for_each(|x| *x = (*x / GRID).round() * GRID);
    }
    let output = case.outputs[0];
    let shape = case.graph.ty(output).shape;
    // Something that is neither constant nor symmetric flows back.
    let flow: Vec<f64> = (0..shape.len()).map(|i| (1.0 + i as f64).sin()).collect();
    let d = case.graph.input("d", TensorType::real(shape));
    let mut wrt: Vec<Value> = Vec::new();
    for (spec, _) in case.params.clone() {
        wrt.push(
            case.graph
                .param(&spec.name, spec.shape)
                .expect("its own shape"),
        );
    }
    let real = case
        .inputs
        .iter()
        .filter(|(_, t)| matches!(t, Tensor::F32(_)));
    wrt.extend(real.map(|(v, _)| *v));
    wrt.truncate(tensors);
    let found = gradients(&mut case.graph, output, d, &wrt).expect("differentiable");
    let found: Vec<Value> = found
        .into_iter()
        .map(|v| v.expect("it has a gradient"))
        .collect();
    let mut with_flow = case.clone();
    with_flow.inputs.push((d, Tensor::F64(flow.clone())));
    let analytic = run(&with_flow, &found);
    let loss = |case: &Case| -> f64 {
        run(case, &[output])[0]
            .iter()
            .zip(&flow)
            .map(|(y, d)| y * d)
            .sum()
    };
    for (t, analytic) in analytic.iter().enumerate() {
        let mut error = 0.0;
        let mut size = 0.0;
        for (i, &a) in analytic.iter().enumerate() {
            let at = |steps: f32| {
                let mut moved = case.clone();
                elements(&mut moved)[t][i] += steps * STEP;
                loss(&moved)
            };
            let near = at(1.0) - at(-1.0);
            let far = at(2.0) - at(-2.0);
            let numeric = (8.0 * near - far) / (12.0 * f64::from(STEP));
            error += (a - numeric).powi(2);
            size += numeric.powi(2);
        }
        let (error, size): (f64, f64) = (f64::sqrt(error), f64::sqrt(size));
        let kind = (case.kernel, &case.what);
        assert!(
            error <= TOLERANCE * (size + 1e-3),
            "{kind:?}, tensor {t}: {error:.2e} of {size:.2e}"
        );
    }
}

#[test]
fn the_gradient_of_the_output_has_its_shape() {
    let mut g = Graph::new();
    let x = g.input("x", TensorType::real([2, 3]));
    let w = g.param("w", [4, 3]).expect("new");
    let y = g.linear(x, w, None).expect("it fits");
    let other = g.input("dy", TensorType::real([4, 2]));
    let error = gradients(&mut g, y, other, &[w]).expect_err("another shape");
    let told = error.to_string();
    assert!(told.contains("[4, 2]") && told.contains("[2, 4]"), "{told}");
}

#[test]
fn linear() {
    check(cases::linear([3, 5, 4], Storage::F32, true, None));
    check(cases::linear(
        [1, 4, 7],
        Storage::F32,
        false,
        Some(Function::Gelu),
    ));
    check(cases::linear_blocks([3, 5, 7], 3, Storage::F32, true, None));
}

#[test]
fn matmul() {
    check(cases::matmul([3, 5, 4], Storage::F32, false));
    check(cases::matmul([3, 5, 4], Storage::F32, true));
}

#[test]
fn activations() {
    for function in Function::ALL.into_iter().filter(|f| *f != Function::Relu) {
        check(cases::activation(33, function));
    }
    // Without the kink at zero, where there is no derivative.
    let mut case = cases::activation(33, Function::Relu);
    for data in elements(&mut case) {
        data.iter_mut().for_each(|x| *x += 0.5 * x.signum());
    }
    check(case);
}

#[test]
fn layer_norm() {
    check(cases::layer_norm(3, 7, [true, false]));
    check(cases::layer_norm(2, 5, [false, false]));
    check(cases::layer_norm(3, 7, [true, true]));
    check(cases::layer_norm(2, 5, [false, true]));
}

#[test]
fn softmax() {
    check(cases::softmax(3, 7));
}

#[test]
fn attention() {
    check(cases::attention([2, 5, 2, 3], false));
    check(cases::attention([1, 4, 1, 4], true));
    let near = Mask {
        before: Some(2),
        after: Some(1),
    };
    for mask in [Mask::LEFT, Mask::RIGHT, near] {
        check(cases::masked_attention([2, 35, 1, 3], mask, true));
    }
}

#[test]
fn scaled_columns() {
    // The scale itself is given.
    check_first(cases::scale_columns(3, 5), 1);
}

#[test]
fn look_ups() {
    check(cases::embed([6, 3, 3], Storage::F32));
    check(cases::embed([6, 3, 2], Storage::F32));
    check(cases::embed_blocks([6, 3, 3], 3, Storage::F32));
    check(cases::gather(5, 3, false));
    check(cases::gather(5, 3, true));
}

#[test]
fn cross_entropy() {
    check(cases::cross_entropy(5, 7, false));
    check_first(cases::cross_entropy(5, 7, true), 1);
}

/// The weight's and the bias's gradients come from the steps that plans make of both.
#[test]
fn a_head_of_few_outputs_with_its_loss() {
    let mut g = cases::linear([5, 7, 3], Storage::F32, true, None);
    let labels = g.graph.input("labels", TensorType::u32([5]));
    g.inputs
        .push((labels, Tensor::U32(vec![2, NO_TARGET, 0, 1, 1])));
    let loss = g.graph.cross_entropy(g.outputs[0], labels, None);
    g.outputs = vec![loss.expect("it fits").mean];
    check(g);
}

#[test]
fn copy_and_mean_of_tokens() {
    check(cases::copy(5, Storage::F32));
    check(cases::mean_tokens(3, 4, 5));
}

#[test]
fn losses_number_by_number_and_transpose() {
    for loss in [Loss::Binary, Loss::Squared] {
        check_first(cases::mean_loss([4, 5], loss), 1);
    }
    check(cases::transpose([2, 3, 4]));
}

#[test]
fn add_and_dropout() {
    check(cases::add(9));
    check(cases::dropout(33));
}

#[test]
fn a_parameter_used_twice_sums_its_gradients() {
    let mut case = cases::linear([3, 4, 4], Storage::F32, false, None);
    let w = case.graph.param("p0", [4, 4]).expect("its own shape");
    let y = case
        .graph
        .linear(case.outputs[0], w, None)
        .expect("it fits");
    case.outputs = vec![y];
    check(case);
}

#[test]
fn what_is_frozen_costs_nothing() {
    let build = |frozen_below: bool| {
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real([2, 4]));
        let ids = g.input("labels", TensorType::u32([2]));
        let below = g.param("below", [4, 4]).expect("new");
        let head = g.param("head", [3, 4]).expect("new");
        let hidden = g.linear(x, below, None).expect("it fits");
        let logits = g.linear(hidden, head, None).expect("it fits");
        let loss = g.cross_entropy(logits, ids, None).expect("it fits").mean;
        let one = g.input("one", TensorType::real([1]));
        let wrt = if frozen_below {
            vec![head]
        } else {
            vec![head, below]
        };
        let found = gradients(&mut g, loss, one, &wrt).expect("differentiable");
        let outputs: Vec<Value> = found.into_iter().flatten().collect();
        Plan::new(&g, &outputs).steps().len()
    };
    // Of the two products' four gradients, only the head's weight's is left.
    assert_eq!(build(false) - build(true), 2);
}

#[test]
fn what_does_not_depend_on_a_parameter_gives_it_no_gradient() {
    let mut g = Graph::new();
    let x = g.input("x", TensorType::real([2, 4]));
    let used = g.param("used", [4, 4]).expect("new");
    let unused = g.param("unused", [4]).expect("new");
    let y = g.linear(x, used, None).expect("it fits");
    let d = g.input("d", TensorType::real([2, 4]));
    let found = gradients(&mut g, y, d, &[used, unused]).expect("differentiable");
    assert!(found[0].is_some() && found[1].is_none());
}

#[test]
fn what_has_no_gradient_says_so() {
    let case = cases::top_k(2, 5, 2);
    let mut g = case.graph;
    let d = g.input("d", TensorType::real([2, 2]));
    let error = gradients(&mut g, case.outputs[0], d, &[case.inputs[0].0]).expect_err("top k");
    assert!(error.to_string().contains("not differentiable"), "{error}");
    assert_eq!(NO_TARGET, u32::MAX);
}
