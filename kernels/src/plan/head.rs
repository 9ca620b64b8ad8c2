//! A classifier's last layer with its loss and its gradients, as a step of training has them.

use super::fuse::uses;
use crate::graph::{Graph, Node, Source, Value};
use crate::ops::{
    CrossEntropyGrad, Linear, LinearCrossEntropy, LinearCrossEntropyGrad, MAX_OUTPUTS, MatMul, Op,
};

/// Rows of logits that are fused at most: each of the shader's rows counts the labels of all.
const MAX_ROWS: usize = 4096;

/// Makes two steps of each linear layer with few outputs, its cross-entropy, and the gradients of
/// both: `[linear, cross-entropy, its gradient]` and `[weight's gradient, bias's, mean loss]`.
pub(super) fn fuse(graph: &Graph, mut steps: Vec<Node>, ends: &[Value]) -> Vec<Node> {
    for i in 0..steps.len() {
        if let Some(head) = Head::find(graph, &steps, ends, i) {
            let replaced = head.replaced;
            let mut head = Some([head.forward, head.backward]);
            let kept = std::mem::take(&mut steps).into_iter().enumerate();
            for (j, step) in kept {
                if !replaced.contains(&j) {
                    steps.push(step);
                } else if let Some(head) = head.take() {
                    steps.extend(head);
                }
            }
            // There is one loss; what else reads its logits is no part of this.
            return steps;
        }
    }
    steps
}

/// Two steps that do what five did.
struct Head {
    forward: Node,
    backward: Node,
    /// The five, by their places; the linear layer comes first of them.
    replaced: [usize; 5],
}

impl Head {
    /// The head that begins with step `linear`, if that is one.
    fn find(graph: &Graph, steps: &[Node], ends: &[Value], linear: usize) -> Option<Self> {
        let plain = Linear {
            bias: true,
            activation: None,
        };
        let Node {
            op: Op::Linear(op),
            inputs,
            outputs,
        } = &steps[linear]
        else {
            return None;
        };
        let (&[h, weight, bias], &[logits]) = (&inputs[..], &outputs[..]) else {
            return None;
        };
        let shape = graph.ty(logits).shape;
        if *op != plain || shape.columns() > MAX_OUTPUTS || shape.rows() > MAX_ROWS {
            return None;
        }
        let find = |what: &dyn Fn(&Node) -> bool| steps.iter().position(what);
        let loss =
            find(&|s| matches!(s.op, Op::CrossEntropy(_)) && s.inputs.first() == Some(&logits))?;
        let gradient = find(&|s| {
            matches!(s.op, Op::CrossEntropyGrad(_)) && s.inputs[CrossEntropyGrad::LOGITS] == logits
        })?;
        let (&[_, labels], &[mean, losses, lse, count]) =
            (&steps[loss].inputs[..], &steps[loss].outputs[..])
        else {
            return None;
        };
        let d = steps[gradient].inputs[CrossEntropyGrad::D];
        let dx = steps[gradient].outputs[0];
        let product = MatMul {
            transpose_a: true,
            columns: None,
            join: None,
        };
        let dw = find(&|s| s.op == product.clone().into() && s.inputs == [dx, h])?;
        let db = find(&|s| matches!(s.op, Op::SumRows(_)) && s.inputs == [dx])?;
        // Nothing else reads what is no longer there, and labels and d are there from the start.
        let uses = uses(steps, ends);
        let read = |v: Value| uses.get(&v).copied().unwrap_or(0);
        let given = |v: Value| !matches!(graph.source(v), Source::Node { .. });
        if read(logits) != 2 || read(lse) != 1 || read(count) != 1 || !given(labels) || !given(d) {
            return None;
        }
        let forward = Node {
            op: LinearCrossEntropy.into(),
            inputs: LinearCrossEntropy::operands([h, weight, bias], labels, d),
            outputs: vec![losses, dx],
        };
        let backward = Node {
            op: LinearCrossEntropyGrad.into(),
            inputs: LinearCrossEntropyGrad::operands(h, dx, losses, labels),
            outputs: vec![steps[dw].outputs[0], steps[db].outputs[0], mean],
        };
        Some(Self {
            forward,
            backward,
            replaced: [linear, loss, gradient, dw, db],
        })
    }
}
