//! What is known of a plan's steps when their shaders are chosen.

use std::collections::HashMap;
use std::rc::{Rc, Weak};

use super::buffer::Buffer;
use super::params::{GpuParams, View};
use crate::error::RunError;
use crate::graph::{Node, Value};
use crate::plan::{Place, Plan};
use crate::shader::Choice;
use crate::shader::Product;
use crate::shader::{Dispatch, DispatchContext, Pack};
use crate::tensor::{Storage, TensorType};

/// Where a plan's parameters lay when it was prepared. A plan goes on reading these, also when others
/// have taken their names since; it does not keep them alive.
#[derive(Debug)]
pub(super) struct Places(HashMap<String, Lying>);

/// Where one parameter lies.
#[derive(Debug)]
pub(super) struct Lying {
    buffer: Weak<Buffer>,
    /// Bytes of the whole buffer.
    len: u64,
    /// First byte, and bytes.
    pub offset: u64,
    pub size: u64,
    storage: Storage,
}

impl Lying {
    fn of(view: &View) -> Self {
        Self {
            buffer: Rc::downgrade(&view.buffer),
            len: view.buffer.size(),
            offset: view.offset,
            size: view.size,
            storage: view.storage,
        }
    }

    /// Bytes of the buffer that it lies in, with others or alone.
    pub fn pack_bytes(&self) -> u64 {
        self.len
    }

    /// Its buffer; `None` if it was freed.
    pub fn buffer(&self) -> Option<Rc<Buffer>> {
        self.buffer.upgrade()
    }
}

impl Places {
    /// The places of the parameters that a plan names and that are there.
    pub fn of(plan: &Plan, params: &GpuParams) -> Self {
        let place = |name: &str| Some((name.to_owned(), Lying::of(params.get(name)?)));
        Self(plan.params().filter_map(place).collect())
    }

    /// Where a parameter lies.
    pub fn get(&self, name: &str) -> Result<&Lying, RunError> {
        let missing = || RunError::MissingParam(name.to_owned());
        self.0.get(name).ok_or_else(missing)
    }

    /// How a value rests: only parameters may rest in f16.
    fn storage(&self, plan: &Plan, value: Value) -> Storage {
        match plan.place(value) {
            Place::Param(name) => self.0.get(name).map_or(Storage::F32, |lying| lying.storage),
            _ => Storage::F32,
        }
    }

    /// Where each of a step's inputs lies among the packed parameters.
    fn packs(&self, plan: &Plan, step: &Node) -> Vec<Option<Pack>> {
        let mut buffers: Vec<*const Buffer> = Vec::new();
        let mut pack = |v: &Value| {
            let Place::Param(name) = plan.place(*v) else {
                return None;
            };
            let lying = self.0.get(name)?;
            let pointer = lying.buffer.as_ptr();
            let known = buffers.iter().position(|p| *p == pointer);
            let buffer = known.unwrap_or_else(|| {
                buffers.push(pointer);
                buffers.len() - 1
            });
            Some(Pack {
                buffer,
                first: lying.offset as usize / 4,
                len: lying.len as usize / 4,
            })
        };
        step.inputs.iter().map(&mut pack).collect()
    }
}

/// What a step's operation is told.
struct Known {
    inputs: Vec<TensorType>,
    storage: Vec<Storage>,
    outputs: Vec<TensorType>,
    packs: Vec<Option<Pack>>,
}

impl Known {
    fn of(plan: &Plan, step: &Node, places: &Places) -> Self {
        let storage = |&v: &Value| places.storage(plan, v);
        Self {
            inputs: plan.types_of(&step.inputs),
            storage: step.inputs.iter().map(storage).collect(),
            outputs: plan.types_of(&step.outputs),
            packs: places.packs(plan, step),
        }
    }

    fn context<'a>(&'a self, choice: &'a Choice) -> DispatchContext<'a> {
        DispatchContext {
            choice,
            inputs: &self.inputs,
            storage: &self.storage,
            outputs: &self.outputs,
            packs: &self.packs,
        }
    }
}

/// A dispatch of a plan: its step, and its share of the step's floating-point operations.
pub(super) struct Chosen {
    pub step: usize,
    pub dispatch: Dispatch,
    pub flops: f64,
}

/// The dispatches of a plan, in order, as they are chosen now.
pub(super) fn dispatches(plan: &Plan, places: &Places, choice: &Choice) -> Vec<Chosen> {
    let of_step = |(step, node): (usize, &Node)| {
        let known = Known::of(plan, node, places);
        let made = node.op.dispatch(&known.context(choice));
        let flops = node.op.flops(&known.inputs) / made.len() as f64;
        made.into_iter().map(move |dispatch| Chosen {
            step,
            dispatch,
            flops,
        })
    };
    plan.steps().iter().enumerate().flat_map(of_step).collect()
}

/// The matrix products of a plan.
pub(super) fn products(plan: &Plan, places: &Places, choice: &Choice) -> Vec<Product> {
    let of_step = |node: &Node| {
        let known = Known::of(plan, node, places);
        node.op.products(&known.context(choice))
    };
    plan.steps().iter().flat_map(of_step).collect()
}
