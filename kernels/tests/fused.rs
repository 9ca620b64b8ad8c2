//! What plans make one step of, or few, as `kernels.rs` tests each operation alone.

mod common;

use common::{SIZES, assert_all, storage};
use kernels::ops::{Function, Join, SumRows};
use kernels::{Graph, Plan, TensorType, Value, cases, gradients};

#[test]
fn embeddings_with_their_norm() {
    assert_all(SIZES.into_iter().enumerate().flat_map(|(i, n)| {
        let sizes = [[n, 17, 3], [3, n.max(2), 3], [5, n.max(2), 2]];
        sizes.map(|sizes| {
            let case = cases::embed_norm(sizes, 1 + i % 3, storage(i));
            assert_eq!(Plan::new(&case.graph, &case.outputs).steps().len(), 1);
            case
        })
    }));
}

#[test]
fn a_head_of_few_outputs_with_its_loss_and_gradients() {
    assert_all(SIZES.into_iter().enumerate().flat_map(|(i, n)| {
        [[n, 17, 3], [3, n, 2], [33, 5, n.min(16)]].map(|sizes| {
            let case = cases::linear_cross_entropy(sizes, storage(i));
            // Both steps, and the product that is the gradient of what comes in.
            let steps = Plan::new(&case.graph, &case.outputs).steps().len();
            assert_eq!(steps, 3, "{}", case.what);
            case
        })
    }));
}

#[test]
fn sums_of_rows() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        [[n, 17], [3, n]]
            .into_iter()
            .flat_map(|[rows, columns]| [1, 4].map(|count| cases::sum_rows(rows, columns, count)))
    }));
}

#[test]
fn products_with_what_gradients_do_next() {
    assert_all(SIZES.into_iter().flat_map(|n| {
        let joins = [
            Join::Sum,
            Join::Slope(Function::Gelu),
            Join::Slope(Function::Tanh),
        ];
        let sizes = [[n, 17, 5], [3, n, 18], [5, 4, n]].into_iter().zip(joins);
        sizes.flat_map(|(sizes, join)| {
            [false, true].map(|transpose_a| {
                let case = cases::joined(sizes, transpose_a, join);
                let steps = Plan::new(&case.graph, &case.outputs).steps().len();
                assert_eq!(steps, 1, "{}", case.what);
                case
            })
        })
    }));
}

/// Two products that meet: the second takes the first in.
#[test]
fn products_that_meet_are_two_steps() {
    let mut case = cases::joined([7, 12, 5], false, Join::Sum);
    let [x, w] = [0, 1].map(|i| case.graph.nodes()[0].inputs[i]);
    let again = case.graph.matmul(x, w, false).expect("it fits");
    let both = case.graph.add(case.outputs[0], again).expect("it fits");
    case.outputs = vec![both];
    assert_eq!(Plan::new(&case.graph, &case.outputs).steps().len(), 2);
    // Nothing is joined with what somebody reads as it was.
    case.outputs.push(again);
    assert_eq!(Plan::new(&case.graph, &case.outputs).steps().len(), 3);
    assert_all([case]);
}

/// The sums of four biases are one step, and what is left over is one each.
#[test]
fn sums_of_rows_wait_for_each_other() {
    let layers = |count: usize| {
        let mut g = Graph::new();
        let mut x = g.input("x", TensorType::real([6, 8]));
        let mut biases = Vec::new();
        for i in 0..count {
            let w = g.param(&format!("w{i}"), [8, 8]).expect("new");
            let bias = g.param(&format!("b{i}"), [8]).expect("new");
            biases.push(bias);
            x = g.linear(x, w, Some(bias)).expect("it fits");
        }
        let d = g.input("d", TensorType::real([6, 8]));
        let found = gradients(&mut g, x, d, &biases).expect("differentiable");
        let found: Vec<Value> = found.into_iter().flatten().collect();
        let plan = Plan::new(&g, &found);
        let sums = plan.steps().iter().filter(|s| s.op == SumRows.into());
        sums.count()
    };
    assert_eq!([1, 3, 4, 5, 8].map(layers), [1, 3, 1, 2, 2]);
}

/// A head is left as it is where something else wants what would no longer be there.
#[test]
fn a_head_whose_logits_are_wanted_stays_apart() {
    let mut case = cases::linear_cross_entropy([5, 7, 3], storage(0));
    let fused = Plan::new(&case.graph, &case.outputs).steps().len();
    let logits = case.graph.nodes()[0].outputs[0];
    let doubled = case.graph.activation(logits, Function::Tanh);
    case.outputs.push(doubled.expect("it fits"));
    let apart = Plan::new(&case.graph, &case.outputs).steps().len();
    // Linear, loss, its gradient, two gradients of parameters, one of the input, and the activation.
    assert_eq!((fused, apart), (3, 7));
    assert_all([case]);
}
