//! The shaders of a step: one workgroup for few weights; else norms, their sum, and the updates.

use super::AdamW;
use crate::shader::{Access, Dispatch, DispatchContext, Kernel, Operand, Pack, Style};
use crate::shader::{grid_1d, params};

/// Partial sums of each buffer of gradients, where buffers are few: enough workgroups for a large GPU.
const GROUPS: usize = 512;
/// The same on a software adapter, which has few threads.
const SOFTWARE_GROUPS: usize = 64;
/// Partial sums of the norm, unless there are more buffers; the norm itself takes the first one's place.
const SUMS: usize = 2048;
/// Elements of a buffer that one workgroup updates alone: so few that it is done with them before
/// the two more dispatches of the other way would have begun.
const SMALL_LEN: usize = 8192;

/// Room for the partial sums of the norm of `count` gradients, each of which may lie in a buffer of
/// its own.
pub(super) fn sums(count: usize) -> usize {
    SUMS.max(count)
}

params! {
    struct NormParams { len: u32, first: u32, groups: u32, count: u32, rows: u32 }
}

params! {
    struct StepParams {
        first: u32,
        end: u32,
        decay_end: u32,
        beta1: f32,
        beta2: f32,
        eps: f32,
        decay: f32,
        l2: f32,
        max_norm: f32,
        scale: f32,
    }
}

params! {
    struct SmallParams {
        len: u32,
        decay_end: u32,
        rows: u32,
        beta1: f32,
        beta2: f32,
        eps: f32,
        decay: f32,
        l2: f32,
        max_norm: f32,
        scale: f32,
    }
}

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

pub(super) static NORM: Kernel = Kernel {
    name: "gradient norm",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("report.wgsl"),
        include_str!("squares.wgsl"),
        include_str!("norm.wgsl")
    ),
    params: NormParams::FIELDS,
    bindings: &[READ, READ, READ, WRITE, WRITE],
};

pub(super) static STEP: Kernel = Kernel {
    name: "AdamW",
    variant: None,
    source: concat!(
        include_str!("../shared/grid.wgsl"),
        include_str!("update.wgsl"),
        include_str!("step.wgsl")
    ),
    params: StepParams::FIELDS,
    bindings: &[READ, READ, READ, WRITE, WRITE, WRITE],
};

pub(super) static SMALL: Kernel = Kernel {
    name: "AdamW, small",
    variant: None,
    source: concat!(
        include_str!("../shared/reduce.wgsl"),
        include_str!("update.wgsl"),
        include_str!("report.wgsl"),
        include_str!("squares.wgsl"),
        include_str!("small.wgsl")
    ),
    params: SmallParams::FIELDS,
    bindings: &[READ, READ, READ, READ, WRITE, WRITE, WRITE, WRITE],
};

/// A step's operands and results, by their names; a gradient's number is also its weight's.
#[derive(Clone, Copy)]
struct Named {
    /// Gradients.
    count: usize,
    /// Whether there is a log.
    log: bool,
}

impl Named {
    fn schedule(self) -> Operand {
        Operand::Input(self.count)
    }

    fn loss(self) -> Operand {
        self.told(1)
    }

    fn row(self) -> Operand {
        self.told(2)
    }

    fn told(self, after: usize) -> Operand {
        match self.log {
            true => Operand::Input(self.count + after),
            false => Operand::Unused,
        }
    }

    fn weights(self, group: &Group) -> Operand {
        group.output(0)
    }

    fn first_moments(self, group: &Group) -> Operand {
        group.output(self.count)
    }

    fn second_moments(self, group: &Group) -> Operand {
        group.output(2 * self.count)
    }

    fn report(self) -> Operand {
        Operand::Output(3 * self.count)
    }

    fn sums(self) -> Operand {
        Operand::Output(3 * self.count + 1)
    }
}

/// A buffer that gradients lie in, and what is updated from it.
pub struct Group {
    /// The first of its operands.
    operand: usize,
    /// Elements.
    pub len: usize,
    /// Where that operand lies in it, if it is shared; one that is not packed stands for itself.
    pack: Option<Pack>,
}

impl Group {
    /// The groups of the first `count` operands.
    pub fn all(context: &DispatchContext<'_>, count: usize) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for operand in 0..count {
            let pack = context.packs[operand];
            let known = |g: &Self| g.pack.zip(pack).is_some_and(|(a, b)| a.buffer == b.buffer);
            if !found.iter().any(known) {
                let len = pack.map_or(context.inputs[operand].shape.len(), |p| p.len);
                found.push(Self { operand, len, pack });
            }
        }
        found
    }

    pub fn input(&self) -> Operand {
        match self.pack {
            Some(_) => Operand::InputPack(self.operand),
            None => Operand::Input(self.operand),
        }
    }

    /// What belongs to it of as many results, from `first` on.
    pub fn output(&self, first: usize) -> Operand {
        match self.pack {
            Some(_) => Operand::OutputPack(first + self.operand),
            None => Operand::Output(first + self.operand),
        }
    }

    /// Its elements that are decayed. The decayed parameters come first, so each buffer has one
    /// border.
    fn decay_end(&self, context: &DispatchContext<'_>, decayed: usize, count: usize) -> usize {
        let spared = (decayed..count).find_map(|j| match (self.pack, context.packs[j]) {
            (Some(here), Some(there)) => (here.buffer == there.buffer).then_some(there.first),
            _ => (self.operand == j).then_some(0),
        });
        spared.unwrap_or(self.len)
    }

    /// Its stretches of parameters whose learning rate has the same scale: first element, end and scale.
    fn stretches(
        &self,
        context: &DispatchContext<'_>,
        adamw: &AdamW,
        count: usize,
    ) -> Vec<(usize, usize, f64)> {
        let mut found: Vec<(usize, usize, f64)> = Vec::new();
        for j in 0..count {
            let first = match (self.pack, context.packs[j]) {
                (Some(here), Some(there)) if here.buffer == there.buffer => there.first,
                (None, _) if self.operand == j => 0,
                _ => continue,
            };
            let scale = adamw.scale(j);
            match found.last_mut() {
                Some((.., last)) if *last == scale => {}
                last => {
                    if let Some((_, end, _)) = last {
                        *end = first;
                    }
                    found.push((first, self.len, scale));
                }
            }
        }
        found
    }
}

impl AdamW {
    /// The dispatches of one step.
    pub(super) fn dispatches(&self, context: &DispatchContext<'_>) -> Vec<Dispatch> {
        let count = self.parameters(context.inputs.len());
        let named = Named {
            count,
            log: self.log.is_some(),
        };
        let groups = Group::all(context, count);
        match &groups[..] {
            [group] if group.len <= SMALL_LEN && self.scales.is_empty() => {
                vec![self.small(context, group, named)]
            }
            _ => {
                let mut dispatches = self.norms(context, &groups, named);
                let updates = groups.iter().flat_map(|g| self.updates(context, g, named));
                dispatches.extend(updates);
                dispatches
            }
        }
    }

    fn rows(&self) -> u32 {
        self.log.unwrap_or(0) as u32
    }

    fn small(&self, context: &DispatchContext<'_>, group: &Group, named: Named) -> Dispatch {
        let capabilities = &context.choice.capabilities;
        let (lanes, rows) = match capabilities.style {
            Style::Lanes => (1, capabilities.lanes),
            Style::Tiles => (256, 1),
        };
        let params = SmallParams {
            len: group.len as u32,
            decay_end: group.decay_end(context, self.decayed, named.count) as u32,
            rows: self.rows(),
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            eps: self.eps as f32,
            decay: self.weight_decay as f32,
            l2: self.l2 as f32,
            max_norm: self.max_norm.unwrap_or(0.0) as f32,
            scale: 1.0,
        };
        Dispatch {
            kernel: &SMALL,
            constants: vec![
                ("LANES", f64::from(lanes)),
                ("ROWS", f64::from(rows)),
                ("CLIP", f64::from(self.max_norm.is_some())),
                ("LOG", f64::from(self.log.is_some())),
            ],
            params: params.bytes(),
            operands: vec![
                group.input(),
                named.schedule(),
                named.loss(),
                named.row(),
                named.weights(group),
                named.first_moments(group),
                named.second_moments(group),
                named.report(),
            ],
            workgroups: [1, 1, 1],
        }
    }

    /// The norm's partial sums, then the norm.
    fn norms(
        &self,
        context: &DispatchContext<'_>,
        groups: &[Group],
        named: Named,
    ) -> Vec<Dispatch> {
        // Many buffers have fewer partial sums each, so that all have room.
        let most = match context.choice.capabilities.style {
            Style::Tiles => GROUPS,
            Style::Lanes => SOFTWARE_GROUPS,
        };
        let parts = (SUMS / groups.len().max(1)).clamp(1, most);
        let longest = groups.iter().map(|g| g.len).max().unwrap_or(0);
        let (lanes, rows) = context.row_lanes(longest.div_ceil(parts));
        let dispatch = |finish: bool, g: Operand, first: usize, len: usize| Dispatch {
            kernel: &NORM,
            constants: vec![
                ("LANES", f64::from(lanes)),
                ("ROWS", f64::from(rows)),
                ("FINISH", f64::from(finish)),
                ("LOG", f64::from(self.log.is_some())),
            ],
            params: NormParams {
                len: len as u32,
                first: first as u32,
                groups: parts as u32,
                count: (groups.len() * parts) as u32,
                rows: self.rows(),
            }
            .bytes(),
            operands: vec![g, named.loss(), named.row(), named.sums(), named.report()],
            workgroups: [
                if finish {
                    1
                } else {
                    (parts as u32).div_ceil(rows)
                },
                1,
                1,
            ],
        };
        let buffers = groups.iter().enumerate();
        buffers
            .map(|(i, g)| dispatch(false, g.input(), i * parts, g.len))
            .chain([dispatch(true, Operand::Unused, 0, 0)])
            .collect()
    }

    /// One for each stretch of a buffer with a learning rate of its own.
    fn updates(&self, context: &DispatchContext<'_>, group: &Group, named: Named) -> Vec<Dispatch> {
        let decay_end = group.decay_end(context, self.decayed, named.count);
        // Parameters lie where bindings may begin, and whole fours before that.
        let update = |(first, end, scale): (usize, usize, f64)| Dispatch {
            kernel: &STEP,
            constants: vec![("CLIP", f64::from(self.max_norm.is_some()))],
            params: StepParams {
                first: first as u32,
                end: end as u32,
                decay_end: decay_end as u32,
                beta1: self.beta1 as f32,
                beta2: self.beta2 as f32,
                eps: self.eps as f32,
                decay: self.weight_decay as f32,
                l2: self.l2 as f32,
                max_norm: self.max_norm.unwrap_or(0.0) as f32,
                scale: scale as f32,
            }
            .bytes(),
            operands: vec![
                group.input(),
                named.sums(),
                named.schedule(),
                named.weights(group),
                named.first_moments(group),
                named.second_moments(group),
            ],
            workgroups: grid_1d((end - first).div_ceil(4), 64),
        };
        let stretches = group.stretches(context, self, named.count);
        stretches.into_iter().map(update).collect()
    }
}
