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
    ($name:expr, $bindings:expr, [$($number:literal = $value:literal),*], [$($part:literal),*]) => {
        Kernel {
            name: $name,
            variant: None,
            source: concat!(
                $("#let ", $number, " = ", $value, "\n",)*
                include_str!("../shared/grid.wgsl"),
                include_str!("../dropout/noise.wgsl"),
                include_str!("read.wgsl"),
                $(include_str!($part)),*
            ),
            params: Params::FIELDS,
            bindings: $bindings,
        }
    };
}

/// The three passes by quads, for heads of 4 `$parts` elements; each with the tokens of a quad and
/// a quarter of the others that it takes at a time.
macro_rules! quads {
    ($name:literal, $parts:literal, [$($rows:literal by $others:literal),*]) => {
        quads!(@ $name, $parts, [$($rows, $others),*])
    };
    (@ $name:literal, $parts:literal, [$r1:literal, $o1:literal, $r2:literal, $o2:literal, $r3:literal, $o3:literal]) => {
        Quads {
            rows: [$r1, $r2, $r3],
            kernels: [
                kernel!(
                    concat!("attention, quads ", $name),
                    FORWARD_BINDINGS,
                    ["PARTS" = $parts, "ROWS" = $r1, "OTHERS" = $o1],
                    ["../shared/quads.wgsl", "quads.wgsl", "forward_quads.wgsl"]
                ),
                kernel!(
                    concat!("attention, queries backward, quads ", $name),
                    QUERIES_BINDINGS,
                    ["PARTS" = $parts, "ROWS" = $r2, "OTHERS" = $o2],
                    ["../shared/quads.wgsl", "quads.wgsl", "backward_queries_quads.wgsl"]
                ),
                kernel!(
                    concat!("attention, keys backward, quads ", $name),
                    KEYS_BINDINGS,
                    ["PARTS" = $parts, "ROWS" = $r3, "OTHERS" = $o3],
                    ["../shared/quads.wgsl", "quads.wgsl", "backward_keys_quads.wgsl"]
                ),
            ],
        }
    };
}

/// The passes for one size of heads, and the tokens of a quad in each.
struct Quads {
    rows: [u32; 3],
    kernels: [Kernel; 3],
}

/// Much work a lane, few instructions a flop: for software adapters.
static WIDE_32: Quads = quads!("32 wide", 8, [8 by 4, 8 by 2, 4 by 4]);
static WIDE_64: Quads = quads!("64 wide", 16, [8 by 2, 4 by 2, 4 by 2]);
/// Many quads: for GPUs, which want threads.
static NARROW_32: Quads = quads!("32 narrow", 8, [2 by 4, 2 by 2, 2 by 2]);
static NARROW_64: Quads = quads!("64 narrow", 16, [2 by 4, 2 by 2, 2 by 2]);

/// Heads of any size, a thread for each token.
static ANY: [Kernel; 3] = [
    kernel!(
        "attention",
        FORWARD_BINDINGS,
        [],
        ["../shared/finite.wgsl", "forward.wgsl"]
    ),
    kernel!(
        "attention, queries backward",
        QUERIES_BINDINGS,
        [],
        ["backward_queries.wgsl"]
    ),
    kernel!(
        "attention, keys backward",
        KEYS_BINDINGS,
        [],
        ["backward_keys.wgsl"]
    ),
];

pub(super) const FORWARD: &[&Kernel] = &[
    &ANY[0],
    &WIDE_32.kernels[0],
    &WIDE_64.kernels[0],
    &NARROW_32.kernels[0],
    &NARROW_64.kernels[0],
];

pub(super) const BACKWARD: &[&Kernel] = &[
    &ANY[1],
    &ANY[2],
    &WIDE_32.kernels[1],
    &WIDE_32.kernels[2],
    &WIDE_64.kernels[1],
    &WIDE_64.kernels[2],
    &NARROW_32.kernels[1],
    &NARROW_32.kernels[2],
    &NARROW_64.kernels[1],
    &NARROW_64.kernels[2],
];

impl Choice {
    /// The shader of a pass over heads of `head` elements: a pure function of device and size.
    pub fn of(pass: Pass, head: usize, capabilities: &Capabilities) -> Self {
        let lanes = capabilities.style == Style::Lanes;
        let quads = match (capabilities.subgroups, head, lanes) {
            (true, 32, true) => Some(&WIDE_32),
            (true, 64, true) => Some(&WIDE_64),
            (true, 32, false) => Some(&NARROW_32),
            (true, 64, false) => Some(&NARROW_64),
            _ => None,
        };
        match quads {
            Some(quads) => {
                let threads = if lanes { capabilities.lanes } else { 32 };
                Self {
                    kernel: &quads.kernels[pass as usize],
                    threads,
                    tokens: threads / 4 * quads.rows[pass as usize],
                }
            }
            None => {
                let threads = if lanes { 4 } else { 32 };
                Self {
                    kernel: &ANY[pass as usize],
                    threads,
                    tokens: threads,
                }
            }
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
        assert_eq!(choice(Style::Tiles, true, 48), ("attention", 32));
        assert_eq!(choice(Style::Lanes, false, 32), ("attention", 4));
    }
}
