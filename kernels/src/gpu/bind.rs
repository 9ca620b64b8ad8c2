//! What a plan's dispatches bind: parameters, inputs, and slots in the arena.

use std::rc::Rc;

use super::arena::Arena;
use super::buffer::Buffer;
use super::program::GpuProgram;
use super::record::Recorded;
use crate::error::RunError;
use crate::graph::{Node, Value};
use crate::plan::Place;
use crate::shader::Operand;

/// Bind groups over the arena as it is at one version.
pub(super) struct Bound {
    pub version: u64,
    pub groups: Vec<wgpu::BindGroup>,
}

/// Where an operand lies.
pub(super) enum Span {
    /// In the arena's buffer of this rank.
    Slot(usize),
    Input(Value),
    /// A whole buffer of packed parameters.
    Whole(Rc<Buffer>),
    /// First byte, and bytes.
    Part(Rc<Buffer>, u64, u64),
    Unused,
}

impl GpuProgram {
    /// Makes every dispatch's bind group.
    pub(super) async fn bind(&mut self) -> Result<(), RunError> {
        let (groups, check) = self.gpu.guarded("a plan", 0, || self.groups());
        check.await?;
        let version = self.gpu.arena.borrow().version();
        let groups = groups?;
        self.bound = Bound { version, groups };
        Ok(())
    }

    fn groups(&self) -> Result<Vec<wgpu::BindGroup>, RunError> {
        let group = |recorded: &Recorded| {
            let dispatch = &recorded.chosen.dispatch;
            let step = &self.plan.steps()[recorded.chosen.step];
            let spans = dispatch.operands.iter().map(|&o| self.span(step, o));
            let spans = spans.collect::<Result<Vec<Span>, RunError>>()?;
            let arena = self.gpu.arena.borrow();
            let uniform = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.record.uniforms,
                offset: recorded.uniform,
                size: std::num::NonZeroU64::new(dispatch.params.len() as u64),
            });
            let bindings = spans.iter().map(|span| self.binding(span, &arena));
            let entries: Vec<_> = std::iter::once(uniform)
                .chain(bindings)
                .enumerate()
                .map(|(binding, resource)| wgpu::BindGroupEntry {
                    binding: binding as u32,
                    resource,
                })
                .collect();
            let descriptor = wgpu::BindGroupDescriptor {
                label: Some(dispatch.kernel.name),
                layout: &recorded.pipeline.get_bind_group_layout(0),
                entries: &entries,
            };
            Ok(self.gpu.device.create_bind_group(&descriptor))
        };
        self.record.dispatches.iter().map(group).collect()
    }

    fn span(&self, step: &Node, operand: Operand) -> Result<Span, RunError> {
        let whole = |v: Value| match self.plan.place(v) {
            Place::Param(name) => {
                let lying = self.places.get(name)?;
                let missing = || RunError::MissingParam(name.clone());
                Ok(Span::Whole(lying.buffer().ok_or_else(missing)?))
            }
            _ => unreachable!("only parameters are packed"),
        };
        match operand {
            Operand::Input(i) => self.find(step.inputs[i]),
            Operand::Output(i) => self.find(step.outputs[i]),
            Operand::InputPack(i) => whole(step.inputs[i]),
            Operand::OutputPack(i) => whole(step.outputs[i]),
            Operand::Scratch(_) => Ok(Span::Slot(self.need.scratch())),
            Operand::Unused => Ok(Span::Unused),
        }
    }

    pub(super) fn find(&self, v: Value) -> Result<Span, RunError> {
        match self.plan.place(v) {
            Place::Slot(slot) => Ok(Span::Slot(self.need.rank(*slot))),
            Place::Input(_) => Ok(Span::Input(v)),
            Place::Param(name) => {
                let lying = self.places.get(name)?;
                let missing = || RunError::MissingParam(name.clone());
                let buffer = lying.buffer().ok_or_else(missing)?;
                Ok(Span::Part(buffer, lying.offset, lying.size))
            }
            Place::Nowhere => unreachable!("the plan keeps every value that its steps touch"),
        }
    }

    pub(super) fn binding<'a>(
        &'a self,
        span: &'a Span,
        arena: &'a Arena,
    ) -> wgpu::BindingResource<'a> {
        match span {
            Span::Slot(rank) => arena.buffer(*rank).as_entire_binding(),
            Span::Input(v) => self.inputs[v].as_entire_binding(),
            Span::Whole(buffer) => buffer.as_entire_binding(),
            Span::Part(buffer, offset, size) => {
                wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset: *offset,
                    size: std::num::NonZeroU64::new(*size),
                })
            }
            Span::Unused => self.gpu.unused.as_entire_binding(),
        }
    }
}
