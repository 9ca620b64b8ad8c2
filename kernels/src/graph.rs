//! A graph: a typed, shape-checked record of operations. Building one does no arithmetic.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::GraphError;
use crate::ops::Op;
use crate::tensor::{Shape, TensorType};

/// A value of a graph: an input, a parameter, or something an operation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value {
    /// Which graph's.
    graph: u32,
    index: u32,
}

impl Value {
    pub(crate) fn index(self) -> usize {
        self.index as usize
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Given by the caller at every run.
    Input(String),
    /// Rests on the device between runs.
    Param(String),
    /// Computed by `nodes()[node]` as its output number `output`.
    Node {
        /// Index of the node.
        node: usize,
        /// Which of its outputs.
        output: usize,
    },
}

/// One operation with its operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From what.
    pub inputs: Vec<Value>,
    /// Into what.
    pub outputs: Vec<Value>,
}

/// A record of operations, in the order in which they were applied.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Told apart from every other by this; a clone has the values of its original.
    id: u32,
    types: Vec<TensorType>,
    sources: Vec<Source>,
    nodes: Vec<Node>,
    params: HashMap<String, Value>,
}

impl Default for Graph {
    fn default() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            types: Vec::new(),
            sources: Vec::new(),
            nodes: Vec::new(),
            params: HashMap::new(),
        }
    }
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    fn value(&mut self, ty: TensorType, source: Source) -> Value {
        self.types.push(ty);
        self.sources.push(source);
        Value {
            graph: self.id,
            index: self.types.len() as u32 - 1,
        }
    }

    /// Whether a value is one of this graph.
    pub fn has(&self, value: Value) -> bool {
        value.graph == self.id && value.index() < self.types.len()
    }

    /// All values, in the order in which they came.
    pub fn values(&self) -> impl Iterator<Item = Value> + use<> {
        let graph = self.id;
        (0..self.types.len() as u32).map(move |index| Value { graph, index })
    }

    /// A value that the caller gives at every run.
    pub fn input(&mut self, name: &str, ty: TensorType) -> Value {
        self.value(ty, Source::Input(name.to_owned()))
    }

    /// A parameter: real numbers that rest on the device. Asking again for a name returns the
    /// same value, so tied weights are one parameter.
    pub fn param(&mut self, name: &str, shape: impl Into<Shape>) -> Result<Value, GraphError> {
        let shape = shape.into();
        if let Some(&value) = self.params.get(name) {
            let first = self.ty(value).shape;
            if first != shape {
                let name = name.to_owned();
                return Err(GraphError::ParamShape {
                    name,
                    first,
                    second: shape,
                });
            }
            return Ok(value);
        }
        let value = self.value(TensorType::real(shape), Source::Param(name.to_owned()));
        self.params.insert(name.to_owned(), value);
        Ok(value)
    }

    /// Applies an operation after checking its operands against its shape rule.
    ///
    /// # Errors
    /// [`GraphError::Foreign`] for a value of another graph; what the shape rule says.
    pub fn apply(&mut self, op: Op, inputs: &[Value]) -> Result<Vec<Value>, GraphError> {
        if !inputs.iter().all(|&value| self.has(value)) {
            return Err(GraphError::Foreign { op: op.name() });
        }
        let types: Vec<TensorType> = inputs.iter().map(|&v| self.ty(v)).collect();
        let node = self.nodes.len();
        let outputs = op
            .infer(&types)?
            .into_iter()
            .enumerate()
            .map(|(output, ty)| self.value(ty, Source::Node { node, output }))
            .collect::<Vec<_>>();
        self.nodes.push(Node {
            op,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
        });
        Ok(outputs)
    }

    /// Applies an operation that has exactly one output.
    pub(crate) fn apply1(&mut self, op: Op, inputs: &[Value]) -> Result<Value, GraphError> {
        Ok(self.apply(op, inputs)?[0])
    }

    /// Element type and shape of a value.
    ///
    /// # Panics
    /// As an index does: if the value is of a longer graph ([`Graph::has`]).
    pub fn ty(&self, value: Value) -> TensorType {
        self.types[value.index()]
    }

    /// Where a value comes from.
    ///
    /// # Panics
    /// As [`Graph::ty`].
    pub fn source(&self, value: Value) -> &Source {
        &self.sources[value.index()]
    }

    /// The operations, in the order in which they were applied.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The names of the parameters.
    pub fn params(&self) -> Vec<&str> {
        self.params.keys().map(String::as_str).collect()
    }

    /// Number of values.
    pub fn value_count(&self) -> usize {
        self.types.len()
    }
}
