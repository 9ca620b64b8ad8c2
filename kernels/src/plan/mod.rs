//! A plan: the steps that some outputs need, and which values share memory.

mod fuse;
mod head;

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, Node, Source, Value};
use crate::tensor::{DType, TensorType};

/// Where a value lives while a plan runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Given at every run.
    Input(String),
    /// Rests on the device.
    Param(String),
    /// In shared memory number `.0`.
    Slot(usize),
    /// Not needed.
    Nowhere,
}

/// A piece of memory that several values use one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Element type of all its values.
    pub dtype: DType,
    /// Elements of its longest value.
    pub len: usize,
}

/// The steps that compute some outputs, with the place of every value.
#[derive(Clone, Debug)]
pub struct Plan {
    steps: Vec<Node>,
    types: Vec<TensorType>,
    values: Vec<Value>,
    places: Vec<Place>,
    slots: Vec<Slot>,
    outputs: Vec<Value>,
}

impl Plan {
    /// Plans the computation of `outputs`: drops what they do not need, fuses steps where that
    /// saves some, and lets values whose lifetimes do not overlap share memory.
    ///
    /// # Panics
    /// If an output is of another graph: a mistake of the caller.
    pub fn new(graph: &Graph, outputs: &[Value]) -> Self {
        Self::with_stores(graph, outputs, &[])
    }

    /// The same, with values that are written into parameters instead of shared memory: a
    /// gradient into the place where the optimiser finds it, an updated weight into its own. An
    /// operation that updates in place finds the old elements in its result.
    ///
    /// # Panics
    /// If a value is of another graph, or a stored one is not computed, or has two stores: mistakes of the caller.
    pub fn with_stores(graph: &Graph, outputs: &[Value], stores: &[(Value, String)]) -> Self {
        assert!(
            outputs.iter().all(|&value| graph.has(value)),
            "an output is of another graph"
        );
        let mut ends = outputs.to_vec();
        for (value, name) in stores {
            assert!(
                graph.has(*value)
                    && matches!(graph.source(*value), Source::Node { .. })
                    && !ends.contains(value),
                "`{name}` cannot be stored"
            );
            ends.push(*value);
        }
        let steps = fuse::fuse(graph, needed(graph, &ends), &ends);
        let types: Vec<TensorType> = graph.values().map(|value| graph.ty(value)).collect();
        let (places, slots) = place(graph, &steps, &types, &ends, stores);
        Self {
            steps,
            types,
            values: graph.values().collect(),
            places,
            slots,
            outputs: outputs.to_vec(),
        }
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Node] {
        &self.steps
    }

    /// Element type and shape of a value.
    pub fn ty(&self, value: Value) -> TensorType {
        self.types[value.index()]
    }

    /// The types of several values.
    pub(crate) fn types_of(&self, values: &[Value]) -> Vec<TensorType> {
        values.iter().map(|&v| self.ty(v)).collect()
    }

    /// Where a value lives.
    pub(crate) fn place(&self, value: Value) -> &Place {
        &self.places[value.index()]
    }

    /// The first step whose effect cannot be repeated, if there is one: from it on a run is not
    /// cancelled, and before it a run that was cancelled can be run again with the same result.
    pub(crate) fn commit(&self) -> Option<usize> {
        self.steps.iter().position(|step| step.op.accumulates())
    }

    /// Bytes of its pieces of shared memory on a GPU, falling: the i-th largest lies where the i-th
    /// largest of any other plan does.
    pub fn slot_bytes(&self) -> Vec<u64> {
        let slots = self.slots.iter();
        let mut bytes: Vec<u64> = slots.map(|slot| rounded(slot.len as u64 * 4)).collect();
        bytes.sort_unstable_by(|a, b| b.cmp(a));
        bytes
    }

    /// Bytes of its inputs on a GPU, which no other plan uses.
    pub fn input_bytes(&self) -> u64 {
        self.inputs_bytes().sum()
    }

    /// Bytes of what a run returns, by way of a buffer that no other plan uses.
    pub fn output_bytes(&self) -> u64 {
        let outputs = self.outputs.iter();
        match outputs.map(|&v| self.ty(v).gpu_bytes()).sum() {
            0 => 0,
            bytes => rounded(bytes),
        }
    }

    /// The largest buffer of shared memory or inputs, in bytes on a GPU.
    pub fn largest_buffer(&self) -> u64 {
        let slots = self.slot_bytes().into_iter();
        slots.chain(self.inputs_bytes()).max().unwrap_or(0)
    }

    fn inputs_bytes(&self) -> impl Iterator<Item = u64> {
        self.inputs().map(|(v, _)| rounded(self.ty(v).gpu_bytes()))
    }

    /// The pieces of shared memory.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The parameters that the plan reads or writes.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.places.iter().filter_map(|place| match place {
            Place::Param(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// What a run returns.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// The inputs that a run needs, with their names.
    pub fn inputs(&self) -> impl Iterator<Item = (Value, &str)> {
        let values = self.values.iter().zip(&self.places);
        values.filter_map(|(value, place)| match place {
            Place::Input(name) => Some((*value, name.as_str())),
            _ => None,
        })
    }
}

/// Whole vectors of four words, as on a GPU.
fn rounded(bytes: u64) -> u64 {
    bytes.next_multiple_of(16).max(16)
}

/// The nodes that `outputs` depend on, in order.
fn needed(graph: &Graph, outputs: &[Value]) -> Vec<Node> {
    let mut wanted: HashSet<Value> = outputs.iter().copied().collect();
    let mut steps: Vec<Node> = Vec::new();
    for node in graph.nodes().iter().rev() {
        if node.outputs.iter().any(|v| wanted.contains(v)) {
            wanted.extend(&node.inputs);
            steps.push(node.clone());
        }
    }
    steps.reverse();
    steps
}

fn place(
    graph: &Graph,
    steps: &[Node],
    types: &[TensorType],
    ends: &[Value],
    stores: &[(Value, String)],
) -> (Vec<Place>, Vec<Slot>) {
    let mut last_use: HashMap<Value, usize> = HashMap::new();
    for (i, step) in steps.iter().enumerate() {
        for v in step.inputs.iter().chain(&step.outputs) {
            last_use.insert(*v, i);
        }
    }
    for v in ends {
        last_use.insert(*v, usize::MAX);
    }
    let mut places = vec![Place::Nowhere; types.len()];
    for &v in last_use.keys() {
        match graph.source(v) {
            Source::Input(name) => places[v.index()] = Place::Input(name.clone()),
            Source::Param(name) => places[v.index()] = Place::Param(name.clone()),
            Source::Node { .. } => {}
        }
    }
    for (v, name) in stores {
        places[v.index()] = Place::Param(name.clone());
    }
    let mut slots: Vec<Slot> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        for &v in &step.outputs {
            if matches!(places[v.index()], Place::Param(_)) {
                continue;
            }
            let TensorType { dtype, shape } = types[v.index()];
            let slot = take(&mut free, &slots, dtype, shape.len()).unwrap_or_else(|| {
                slots.push(Slot { dtype, len: 0 });
                slots.len() - 1
            });
            slots[slot].len = slots[slot].len.max(shape.len());
            places[v.index()] = Place::Slot(slot);
        }
        // Freed only now: an output must not share memory with an input of its own step. Sorted
        // and deduplicated, since a step may read one value twice.
        let mut ended: Vec<usize> = (step.inputs.iter().chain(&step.outputs))
            .filter(|v| last_use[v] == i)
            .filter_map(|v| match places[v.index()] {
                Place::Slot(slot) => Some(slot),
                _ => None,
            })
            .collect();
        ended.sort_unstable();
        ended.dedup();
        free.extend(ended);
    }
    (places, slots)
}

/// Takes the free slot that wastes least: the smallest that is large enough, else the largest.
fn take(free: &mut Vec<usize>, slots: &[Slot], dtype: DType, len: usize) -> Option<usize> {
    let fit = |&i: &usize| match slots[i].len {
        have if have >= len => (0, have - len),
        have => (1, len - have),
    };
    let best = free
        .iter()
        .copied()
        .filter(|&i| slots[i].dtype == dtype)
        .min_by_key(fit)?;
    free.retain(|&i| i != best);
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Function;

    fn chain(length: usize) -> (Graph, Value) {
        let mut g = Graph::new();
        let mut x = g.input("x", TensorType::real([4, 4]));
        for _ in 0..length {
            x = g.softmax(x).unwrap();
        }
        (g, x)
    }

    #[test]
    fn a_chain_needs_two_slots() {
        let (g, out) = chain(9);
        let plan = Plan::new(&g, &[out]);
        assert_eq!((plan.steps().len(), plan.slots().len()), (9, 2));
    }

    #[test]
    fn outputs_keep_their_memory_to_the_end() {
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real([4, 4]));
        let a = g.softmax(x).unwrap();
        let b = g.softmax(a).unwrap();
        let c = g.softmax(b).unwrap();
        let plan = Plan::new(&g, &[a, b, c]);
        assert_eq!(plan.slots().len(), 3);
    }

    #[test]
    fn what_no_output_needs_is_dropped() {
        let (mut g, out) = chain(2);
        g.softmax(out).unwrap();
        assert_eq!(Plan::new(&g, &[out]).steps().len(), 2);
    }

    #[test]
    fn an_activation_joins_its_product_unless_the_product_is_read() {
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real([4, 8]));
        let w = g.param("w", [3, 8]).unwrap();
        let y = g.linear(x, w, None).unwrap();
        let z = g.activation(y, Function::Gelu).unwrap();
        assert_eq!(Plan::new(&g, &[z]).steps().len(), 1);
        assert_eq!(Plan::new(&g, &[y, z]).steps().len(), 2);
    }

    #[test]
    fn no_step_writes_where_it_reads() {
        let mut g = Graph::new();
        let x = g.input("x", TensorType::real([4, 4]));
        let a = g.softmax(x).unwrap();
        let b = g.layer_norm_like_sum(a, a);
        let c = g.softmax(b).unwrap();
        let plan = Plan::new(&g, &[c]);
        for step in plan.steps() {
            for out in &step.outputs {
                assert!(
                    step.inputs
                        .iter()
                        .all(|i| plan.place(*i) != plan.place(*out))
                );
            }
        }
    }

    impl Graph {
        /// Something that reads two values, one of them twice.
        fn layer_norm_like_sum(&mut self, a: Value, b: Value) -> Value {
            let gamma = self.param("gamma", [4]).unwrap();
            let beta = self.param("beta", [4]).unwrap();
            self.layer_norm(a, None, Some(b), [gamma, beta], 1e-12)
                .unwrap()
        }
    }
}
