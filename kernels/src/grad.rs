//! Reverse-mode differentiation, from graph to graph.

use std::collections::{HashMap, HashSet};

use crate::error::GraphError;
use crate::graph::{Graph, Value};
use crate::ops::GradientAt;

/// Records the gradient of `Σ d_output · output` with respect to `parameters`.
///
/// `d_output` has the shape of `output`: for a loss (`[1]`) it is 1. What no parameter feeds costs nothing: neither
/// frozen parameters nor what lies below them appear. A parameter that `output` does not depend on has no
/// gradient (`None`).
///
/// # Errors
/// [`GraphError::Foreign`] for a value of another graph; [`GraphError::Shape`] where `d_output` has
/// another shape; what an operation between says that has no gradient.
pub fn gradients(
    graph: &mut Graph,
    output: Value,
    d_output: Value,
    parameters: &[Value],
) -> Result<Vec<Option<Value>>, GraphError> {
    gradients_of(graph, &[(output, d_output)], parameters)
}

/// The same of several outputs, each with its `d_output`: the gradient of the sum.
///
/// # Errors
/// As [`gradients`].
pub fn gradients_of(
    graph: &mut Graph,
    outputs: &[(Value, Value)],
    parameters: &[Value],
) -> Result<Vec<Option<Value>>, GraphError> {
    let ends = outputs
        .iter()
        .flat_map(|(output, d_output)| [output, d_output]);
    let mut given = parameters.iter().chain(ends);
    if !given.all(|value| graph.has(*value)) {
        return Err(GraphError::Foreign { op: "gradients" });
    }
    for &(output, d_output) in outputs {
        let (shape, found) = (graph.ty(output).shape, graph.ty(d_output).shape);
        if found != shape {
            return Err(GraphError::Shape {
                op: "gradients",
                operand: "d_output",
                found,
                expected: format!("{shape}, as the output"),
            });
        }
    }
    let mut moving: HashSet<Value> = parameters.iter().copied().collect();
    let forward = graph.nodes().to_vec();
    for node in &forward {
        if node.inputs.iter().any(|v| moving.contains(v)) {
            moving.extend(&node.outputs);
        }
    }
    let mut gradients: HashMap<Value, Value> = HashMap::new();
    for &(output, d_output) in outputs {
        let sum = match gradients.get(&output) {
            Some(&before) => graph.add(before, d_output)?,
            None => d_output,
        };
        gradients.insert(output, sum);
    }
    for node in forward.iter().rev() {
        let d_outputs: Vec<_> = node
            .outputs
            .iter()
            .map(|v| gradients.get(v).copied())
            .collect();
        let wanted: Vec<_> = node.inputs.iter().map(|v| moving.contains(v)).collect();
        if d_outputs.iter().all(Option::is_none) || !wanted.contains(&true) {
            continue;
        }
        let at = GradientAt {
            inputs: &node.inputs,
            outputs: &node.outputs,
            d_outputs: &d_outputs,
            wanted: &wanted,
        };
        let found = node.op.gradient(graph, &at)?;
        for (&value, gradient) in node.inputs.iter().zip(found) {
            let Some(gradient) = gradient else { continue };
            let sum = match gradients.get(&value) {
                Some(&before) => graph.add(before, gradient)?,
                None => gradient,
            };
            gradients.insert(value, sum);
        }
    }
    Ok(parameters
        .iter()
        .map(|v| gradients.get(v).copied())
        .collect())
}
