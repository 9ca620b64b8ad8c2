//! The shaders, and which one computes what.

use super::Params;
use crate::shader::{Access, Capabilities, Kernel, Style};

const READ: Access = Access::Read;
const WRITE: Access = Access::Write;

/// What a shader of attention computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Forward,
    QueriesBackward,
    KeysBackward,
}

/// A shader, its threads in a workgroup, and the tokens that these see to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub kernel: &'static Kernel,
    pub threads: u32,
    pub tokens: u32,
}

const FORWARD_BINDINGS: &[Access] = &[READ, READ, READ, WRITE, WRITE];
const QUERIES_BINDINGS: &[Access] = &[READ, READ, READ, READ, READ, READ, WRITE, WRITE];
const KEYS_BINDINGS: &[Access] = &[READ, READ, READ, READ, READ, READ, WRITE];

/// A shader from its parts and the numbers that its template leaves open.
macro_rules! kernel {
    ($name:expr, $bindings:expr, [$parts:literal, $rows:literal, $others:literal], [$($part:literal),*]) => {
        Kernel {
            name: $name,
            variant: None,
            source: concat!(
                "#let PARTS = ", $parts, "\n#let ROWS = ", $rows, "\n#let OTHERS = ", $others, "\n",
                include_str!("../shared/grid.wgsl"),
                include_str!("../dropout/noise.wgsl"),
                include_str!("head.wgsl"),
                $(include_str!($part)),*
            ),
            params: Params::FIELDS,
            bindings: $bindings,
        }
    };
}

/// The three passes for heads of at most 4 `$parts` elements: what they have in common, and for each the
/// tokens of a team, the others that it takes at a time, and what it alone is made of.
macro_rules! family {
    ($name:literal, $parts:literal, $team:literal, [$($file:literal),*], $(
        [$rows:literal by $others:literal, $($own:literal),*]
    ),*) => {
        family!(@ $name, $parts, $team, [$($file),*], $([$rows, $others, [$($own),*]]),*)
    };
    (@ $name:literal, $parts:literal, $team:literal, $files:tt, $forward:tt, $queries:tt, $keys:tt) => {
        Family {
            team: $team,
            rows: [family!(rows $forward), family!(rows $queries), family!(rows $keys)],
            kernels: [
                family!(kernel concat!("attention, ", $name), FORWARD_BINDINGS, $parts, $files, $forward),
                family!(
                    kernel concat!("attention, queries backward, ", $name),
                    QUERIES_BINDINGS, $parts, $files, $queries
                ),
                family!(
                    kernel concat!("attention, keys backward, ", $name),
                    KEYS_BINDINGS, $parts, $files, $keys
                ),
            ],
        }
    };
    (rows [$rows:literal, $others:literal, $own:tt]) => { $rows };
    (
        kernel $name:expr, $bindings:expr, $parts:literal, [$($file:literal),*],
        [$rows:literal, $others:literal, [$($own:literal),*]]
    ) => {
        kernel!($name, $bindings, [$parts, $rows, $others], [$($file,)* $($own),*])
    };
}

/// The passes for some sizes of heads.
struct Family {
    /// Threads that see to the same tokens, and how many those are in each pass.
    team: u32,
    rows: [u32; 3],
    kernels: [Kernel; 3],
}

/// By quads, see `quads.wgsl`.
macro_rules! quads {
    ($name:literal, $parts:literal, [$r1:literal by $o1:literal, $r2:literal by $o2:literal, $r3:literal by $o3:literal]) => {
        family!(
            $name, $parts, 4, ["../shared/quads.wgsl", "quads.wgsl"],
            [$r1 by $o1, "forward_quads.wgsl"],
            [$r2 by $o2, "queries_quads.wgsl"],
            [$r3 by $o3, "keys_quads.wgsl"]
        )
    };
}

/// Much work a lane, few instructions a flop: for software adapters.
static WIDE_32: Family = quads!("quads 32 wide", 8, [8 by 4, 8 by 2, 4 by 4]);
static WIDE_64: Family = quads!("quads 64 wide", 16, [8 by 2, 4 by 2, 4 by 2]);
/// Many quads: for GPUs, which want threads.
static NARROW_32: Family = quads!("quads 32 narrow", 8, [2 by 4, 2 by 2, 2 by 2]);
static NARROW_64: Family = quads!("quads 64 narrow", 16, [2 by 4, 2 by 2, 2 by 2]);

/// A thread for each token: for software adapters.
macro_rules! lanes {
    ($name:literal, $parts:literal, [$r1:literal, $r2:literal, $r3:literal]) => {
        family!(
            $name, $parts, 1, ["any.wgsl"],
            [$r1 by 1, "forward_lanes.wgsl"],
            [$r2 by 1, "dout.wgsl", "queries_lanes.wgsl"],
            [$r3 by 1, "dout.wgsl", "keys_lanes.wgsl"]
        )
    };
}

static LANES_32: Family = lanes!("lanes 32", 8, [4, 4, 4]);
static LANES_64: Family = lanes!("lanes 64", 16, [4, 4, 4]);
static LANES_128: Family = lanes!("lanes 128", 32, [4, 2, 2]);

pub(super) const FORWARD: &[&Kernel] = &[
    &WIDE_32.kernels[0],
    &WIDE_64.kernels[0],
    &NARROW_32.kernels[0],
    &NARROW_64.kernels[0],
    &LANES_32.kernels[0],
    &LANES_64.kernels[0],
    &LANES_128.kernels[0],
];

pub(super) const BACKWARD: &[&Kernel] = &[
    &WIDE_32.kernels[1],
    &WIDE_32.kernels[2],
    &WIDE_64.kernels[1],
    &WIDE_64.kernels[2],
    &NARROW_32.kernels[1],
    &NARROW_32.kernels[2],
    &NARROW_64.kernels[1],
    &NARROW_64.kernels[2],
    &LANES_32.kernels[1],
    &LANES_32.kernels[2],
    &LANES_64.kernels[1],
    &LANES_64.kernels[2],
    &LANES_128.kernels[1],
    &LANES_128.kernels[2],
];

impl Choice {
    /// The shader of a pass over heads of `head` elements: a pure function of device and size.
    pub fn of(pass: Pass, head: usize, capabilities: &Capabilities) -> Self {
        let lanes = capabilities.lanes;
        let (family, threads) = match (capabilities.style, capabilities.subgroups, head) {
            (Style::Lanes, true, 32) => (&WIDE_32, lanes),
            (Style::Lanes, true, 64) => (&WIDE_64, lanes),
            (Style::Tiles, true, 32) => (&NARROW_32, 32),
            (Style::Tiles, true, 64) => (&NARROW_64, 32),
            (_, _, ..=32) => (&LANES_32, lanes),
            (_, _, 33..=64) => (&LANES_64, lanes),
            (_, _, _) => (&LANES_128, lanes),
        };
        Self {
            kernel: &family.kernels[pass as usize],
            threads,
            tokens: threads / family.team * family.rows[pass as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_a_pure_function_of_device_and_head() {
        let choice = |style, subgroups, head| {
            let capabilities = Capabilities {
                style,
                subgroups,
                lanes: 8,
                max_binding: 1 << 27,
                max_buffer: 1 << 28,
                left_out: std::collections::BTreeSet::new(),
            };
            let choice = Choice::of(Pass::Forward, head, &capabilities);
            (choice.kernel.name, choice.tokens)
        };
        let wide = ("attention, quads 32 wide", 16);
        assert_eq!(choice(Style::Lanes, true, 32), wide);
        let narrow = ("attention, quads 64 narrow", 16);
        assert_eq!(choice(Style::Tiles, true, 64), narrow);
        assert_eq!(choice(Style::Lanes, false, 32), ("attention, lanes 32", 8));
        assert_eq!(choice(Style::Lanes, true, 48), ("attention, lanes 64", 8));
    }
}
