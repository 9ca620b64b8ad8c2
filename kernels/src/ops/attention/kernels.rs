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

/// The three passes for heads of at most 4 `$parts` elements: how many threads make a team, the files, what the
/// template's third number is called; then for each pass the tokens of a team and that number.
macro_rules! family {
    ($name:literal, $parts:literal, $team:literal, $files:tt, $third:literal, [
        $r1:literal by $n1:literal, $r2:literal by $n2:literal, $r3:literal by $n3:literal
    ]) => {
        Family {
            team: $team,
            rows: [$r1, $r2, $r3],
            kernels: [
                Kernel {
                    name: concat!("attention, ", $name),
                    source: family!(
                        $files,
                        ["FORWARD" 1, "QUERIES" 0, "KEYS" 0, "OVER_KEYS" 1, "BACKWARD" 0],
                        ["PARTS" $parts, "TEAM" $team, "ROWS" $r1, $third $n1]
                    ),
                    bindings: &[READ, READ, READ, WRITE, WRITE],
                    ..BLANK
                },
                Kernel {
                    name: concat!("attention, queries backward, ", $name),
                    source: family!(
                        $files,
                        ["FORWARD" 0, "QUERIES" 1, "KEYS" 0, "OVER_KEYS" 1, "BACKWARD" 1],
                        ["PARTS" $parts, "TEAM" $team, "ROWS" $r2, $third $n2]
                    ),
                    bindings: &[READ, READ, READ, READ, READ, READ, WRITE, WRITE],
                    ..BLANK
                },
                Kernel {
                    name: concat!("attention, keys backward, ", $name),
                    source: family!(
                        $files,
                        ["FORWARD" 0, "QUERIES" 0, "KEYS" 1, "OVER_KEYS" 0, "BACKWARD" 1],
                        ["PARTS" $parts, "TEAM" $team, "ROWS" $r3, $third $n3]
                    ),
                    bindings: &[READ, READ, READ, READ, READ, READ, WRITE],
                    ..BLANK
                },
            ],
        }
    };
    ([$($file:literal),*], [$($pass:literal $is:literal),*], [$($number:literal $value:literal),*]) => {
        concat!(
            $("#let ", $pass, " = ", $is, "\n",)*
            $("#let ", $number, " = ", $value, "\n",)*
            include_str!("../shared/grid.wgsl"),
            include_str!("../dropout/noise.wgsl"),
            include_str!("head.wgsl"),
            $(include_str!($file)),*
        )
    };
}

/// What all kernels here have alike.
const BLANK: Kernel = Kernel {
    name: "",
    variant: None,
    source: "",
    params: Params::FIELDS,
    bindings: &[],
};

/// The passes for some sizes of heads.
struct Family {
    /// Threads that see to the same tokens, and how many those are in each pass.
    team: u32,
    rows: [u32; 3],
    kernels: [Kernel; 3],
}

/// By quads, see `quads.wgsl`; in units of four elements.
macro_rules! quads {
    ($name:literal, $parts:literal, $numbers:tt) => {
        family!(
            $name,
            $parts,
            4,
            ["../shared/quads.wgsl", "quads.wgsl"],
            "OTHERS",
            $numbers
        )
    };
}

/// Much work a lane, few instructions a flop: for software adapters.
static WIDE_32: Family = quads!("quads 32 wide", 8, [8 by 4, 8 by 2, 4 by 4]);
static WIDE_64: Family = quads!("quads 64 wide", 16, [8 by 2, 4 by 2, 4 by 2]);
/// Many quads: for GPUs, which want threads.
static NARROW_32: Family = quads!("quads 32 narrow", 8, [2 by 4, 2 by 2, 2 by 2]);
static NARROW_64: Family = quads!("quads 64 narrow", 16, [2 by 4, 2 by 2, 2 by 2]);

/// A thread takes some tokens with whole heads: for software adapters.
macro_rules! lanes {
    ($name:literal, $parts:literal, $numbers:tt) => {
        family!(
            $name,
            $parts,
            1,
            ["any.wgsl", "lanes.wgsl"],
            "OTHERS",
            $numbers
        )
    };
}

static LANES_32: Family = lanes!("lanes 32", 8, [4 by 1, 4 by 1, 4 by 1]);
static LANES_64: Family = lanes!("lanes 64", 16, [4 by 1, 4 by 1, 4 by 1]);
static LANES_128: Family = lanes!("lanes 128", 32, [4 by 1, 2 by 1, 2 by 1]);

/// By tiles of 32 tokens in shared memory: for GPUs.
macro_rules! tiles {
    ($name:literal, $parts:literal, $numbers:tt) => {
        family!(
            $name,
            $parts,
            64,
            ["any.wgsl", "tiles.wgsl"],
            "COLUMNS",
            $numbers
        )
    };
}

static TILES_32: Family = tiles!("tiles 32", 8, [32 by 1, 32 by 1, 32 by 1]);
static TILES_64: Family = tiles!("tiles 64", 16, [32 by 2, 32 by 2, 32 by 2]);
static TILES_128: Family = tiles!("tiles 128", 32, [32 by 4, 32 by 4, 32 by 4]);

/// Passes of all families.
macro_rules! all {
    ($($pass:literal)*) => {
        &[$(
            &WIDE_32.kernels[$pass],
            &WIDE_64.kernels[$pass],
            &NARROW_32.kernels[$pass],
            &NARROW_64.kernels[$pass],
            &LANES_32.kernels[$pass],
            &LANES_64.kernels[$pass],
            &LANES_128.kernels[$pass],
            &TILES_32.kernels[$pass],
            &TILES_64.kernels[$pass],
            &TILES_128.kernels[$pass],
        )*]
    };
}

pub(super) const FORWARD: &[&Kernel] = all!(0);
pub(super) const BACKWARD: &[&Kernel] = all!(1 2);

impl Choice {
    /// The shader of a pass over heads of so many elements, `masked` or not: a pure function of device and size.
    pub fn of(pass: Pass, (head, masked): (usize, bool), capabilities: &Capabilities) -> Self {
        let lanes = capabilities.lanes;
        let (family, threads) = match (capabilities.style, capabilities.subgroups, head) {
            // With a mask in the widest shader, SwiftShader's compiler takes all memory that there is.
            (Style::Lanes, true, 32) if masked => (&NARROW_32, lanes),
            (Style::Lanes, true, 32) => (&WIDE_32, lanes),
            (Style::Lanes, true, 64) => (&WIDE_64, lanes),
            (Style::Tiles, true, 32) => (&NARROW_32, 32),
            (Style::Tiles, true, 64) => (&NARROW_64, 32),
            (Style::Lanes, _, ..=32) => (&LANES_32, lanes),
            (Style::Lanes, _, 33..=64) => (&LANES_64, lanes),
            (Style::Lanes, _, _) => (&LANES_128, lanes),
            (Style::Tiles, _, ..=32) => (&TILES_32, 64),
            (Style::Tiles, _, 33..=64) => (&TILES_64, 64),
            (Style::Tiles, _, _) => (&TILES_128, 64),
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
            let choice = Choice::of(Pass::Forward, (head, false), &capabilities);
            (choice.kernel.name, choice.tokens)
        };
        let wide = ("attention, quads 32 wide", 16);
        assert_eq!(choice(Style::Lanes, true, 32), wide);
        let narrow = ("attention, quads 64 narrow", 16);
        assert_eq!(choice(Style::Tiles, true, 64), narrow);
        assert_eq!(choice(Style::Lanes, false, 32), ("attention, lanes 32", 32));
        assert_eq!(choice(Style::Tiles, false, 64), ("attention, tiles 64", 32));
        assert_eq!(choice(Style::Lanes, true, 48), ("attention, lanes 64", 32));
    }
}
