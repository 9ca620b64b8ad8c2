//! Fewer steps: what an operation can do on the way, and what several can do at once.

use std::collections::HashMap;

use super::head;
use crate::graph::{Graph, Node, Value};
use crate::ops::{Embed, GatherRows, Join, Linear, MatMul, NormInput, Op, SumRows};

/// Fuses steps, of which `ends` must remain: values that are read or stored.
pub(super) fn fuse(graph: &Graph, steps: Vec<Node>, ends: &[Value]) -> Vec<Node> {
    let steps = head::fuse(graph, steps, ends);
    let steps = epilogues(steps, ends);
    sums(steps)
}

/// How often each value is read, by steps or from outside.
pub(super) fn uses(steps: &[Node], ends: &[Value]) -> HashMap<Value, usize> {
    let mut uses = HashMap::new();
    for value in steps.iter().flat_map(|s| &s.inputs).chain(ends) {
        *uses.entry(*value).or_default() += 1;
    }
    uses
}

/// Moves what changes a result into the step that makes it, where nothing else reads it as it was
/// (a gradient would).
fn epilogues(steps: Vec<Node>, ends: &[Value]) -> Vec<Node> {
    let uses = uses(&steps, ends);
    let mut fused: Vec<Node> = Vec::with_capacity(steps.len());
    for step in steps {
        let absorbed = (0..step.inputs.len()).any(|i| {
            let made = step.inputs[i];
            let by = || fused.iter().position(|s| s.outputs == [made]);
            uses[&made] == 1 && by().is_some_and(|by| absorb(&mut fused[by..], &step, i))
        });
        if !absorbed {
            fused.push(step);
        }
    }
    fused
}

/// Whether the first of these steps can do what `step` does with its only result, operand `i`; if so,
/// it does.
fn absorb(steps: &mut [Node], step: &Node, i: usize) -> bool {
    // What it would read beside must be there when it runs.
    let mut others = step.inputs.clone();
    others.remove(i);
    let made_later = |v: &Value| steps.iter().any(|s| s.outputs.contains(v));
    if others.iter().any(made_later) {
        return false;
    }
    let by = &mut steps[0];
    match (&mut by.op, &step.op, i) {
        (Op::Linear(Linear { activation, .. }), Op::Activation(after), 0)
            if activation.is_none() =>
        {
            *activation = Some(after.function);
        }
        (Op::MatMul(MatMul { join, .. }), Op::Add(_), _) if join.is_none() => {
            *join = Some(Join::Sum);
        }
        (Op::MatMul(MatMul { join, .. }), Op::ActivationGrad(after), 1) if join.is_none() => {
            *join = Some(Join::Slope(after.function));
        }
        (Op::GatherRows(GatherRows { dropout }), Op::Dropout(after), 0) if dropout.is_none() => {
            *dropout = Some(after.noise);
        }
        (Op::Embed(Embed { norm, .. }), Op::LayerNorm(after), 0)
            if norm.is_none() && after.input == NormInput::default() =>
        {
            *norm = Some(after.eps);
        }
        _ => return false,
    }
    by.inputs.extend(others);
    by.outputs.clone_from(&step.outputs);
    true
}

/// Takes sums of rows together, as many as one step can make: what a step of training does with the
/// biases' gradients has time until the end. A sum is put off until its group is full, but not
/// beyond the first step that reads it.
fn sums(steps: Vec<Node>) -> Vec<Node> {
    let mut merged: Vec<Node> = Vec::with_capacity(steps.len());
    let mut waiting: Vec<Node> = Vec::new();
    for step in steps {
        let reads = |v: &Value| waiting.iter().any(|s| s.outputs.contains(v));
        if step.inputs.iter().any(reads) {
            merged.append(&mut waiting);
        }
        if !matches!(step.op, Op::SumRows(_)) {
            merged.push(step);
            continue;
        }
        waiting.push(step);
        if waiting.len() == SumRows::AT_ONCE {
            let group = std::mem::take(&mut waiting);
            merged.push(Node {
                op: SumRows.into(),
                inputs: group.iter().flat_map(|s| s.inputs.clone()).collect(),
                outputs: group.into_iter().flat_map(|s| s.outputs).collect(),
            });
        }
    }
    merged.append(&mut waiting);
    merged
}
