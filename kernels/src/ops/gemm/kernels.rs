//! The shaders, put together from their parts.

use super::Params;
use crate::shader::{Access, Kernel};

/// A shader from its name, its variant's, the numbers that its template leaves open, and its parts.
macro_rules! kernel {
    ($name:expr, $variant:expr, [$($number:literal = $value:literal),*], [$($part:literal),*]) => {
        Kernel {
            name: concat!("matrix product, ", $name),
            variant: Some($variant),
            source: concat!(
                $("#let ", $number, " = ", $value, "\n",)*
                include_str!("../shared/finite.wgsl"),
                include_str!("../activation/functions.wgsl"),
                include_str!("epilogue.wgsl"),
                $(include_str!($part)),*
            ),
            params: Params::FIELDS,
            bindings: &[
                Access::Read,
                Access::Read,
                Access::Read,
                Access::Read,
                Access::Write,
            ],
        }
    };
}

/// One size of lanes for the three kinds of product, in the order of [`super::Kind`]: groups of four
/// rows, columns, and steps of four k between two stores of the sums.
macro_rules! lanes {
    ($name:expr, $variant:expr, [$groups:literal, $columns:literal, $steps:literal], $a_rows:literal,
        $a_columns:literal, $a_both:literal) => {
        [
            kernel!(
                concat!("nt, ", $name),
                $variant,
                ["GROUPS" = $groups, "COLUMNS" = $columns, "STEPS" = $steps],
                ["store.wgsl", $a_both, $a_rows, "b_rows.wgsl", "lanes.wgsl"]
            ),
            kernel!(
                concat!("nn, ", $name),
                $variant,
                ["GROUPS" = $groups, "COLUMNS" = $columns, "STEPS" = $steps],
                [
                    "store.wgsl",
                    $a_both,
                    $a_rows,
                    "b_columns.wgsl",
                    "lanes.wgsl"
                ]
            ),
            kernel!(
                concat!("tn, ", $name),
                $variant,
                ["GROUPS" = $groups, "COLUMNS" = $columns, "STEPS" = $steps],
                [
                    "store.wgsl",
                    $a_both,
                    $a_columns,
                    "b_columns.wgsl",
                    "lanes.wgsl"
                ]
            ),
        ]
    };
}

/// One shader for every kind of product, twice, in the order of [`super::variant::Store`]: it stores columns one by
/// one, or four at a time.
macro_rules! twice {
    ($name:expr, $variant:expr, $numbers:tt, [$($part:literal),*]) => {
        [
            kernel!($name, $variant, $numbers, ["store.wgsl", "store_each.wgsl", $($part),*]),
            kernel!(
                concat!($name, ", fours"),
                $variant,
                $numbers,
                ["store_fours.wgsl", $($part),*]
            ),
        ]
    };
}

/// A size of tiles.
macro_rules! tiles {
    ($name:literal, $variant:literal, $high:literal, $wide:literal, $down:literal, $across:literal, $slab:literal,
        $slices:literal) => {
        twice!(
            concat!("tiles ", $name),
            $variant,
            [
                "THREADS_M" = $high,
                "THREADS_N" = $wide,
                "PARTS_M" = $down,
                "PARTS_N" = $across,
                "SLAB" = $slab,
                "SLICES" = $slices
            ],
            ["fours.wgsl", "blocks.wgsl", "tiles.wgsl", "slices.wgsl"]
        )
    };
}

/// A size of tiles whose factors are loaded along rows: threads down and across, fours of each that way,
/// steps of four k in a slab, vectors that a thread loads of a and of b, slices, and whether the next
/// slab is loaded ahead, and whether not.
macro_rules! strips {
    ($name:literal, $variant:literal, [$high:literal, $wide:literal], [$down:literal, $across:literal],
        [$steps:literal, $loads_m:literal, $loads_n:literal], $slices:literal,
        [$ahead:literal, $late:literal]) => {
        twice!(
            concat!("strips ", $name),
            $variant,
            [
                "THREADS_M" = $high,
                "THREADS_N" = $wide,
                "PARTS_M" = $down,
                "PARTS_N" = $across,
                "STEPS" = $steps,
                "LOADS_M" = $loads_m,
                "LOADS_N" = $loads_n,
                "SLICES" = $slices,
                "AHEAD" = $ahead,
                "LATE" = $late
            ],
            ["fours.wgsl", "strips.wgsl", "slices.wgsl"]
        )
    };
}

/// Sums a thread without shared memory: fours of rows, and of columns.
macro_rules! bare {
    ($name:literal, $variant:literal, $down:literal, $across:literal) => {
        twice!(
            concat!("bare ", $name),
            $variant,
            [
                "THREADS_M" = 8,
                "THREADS_N" = 8,
                "PARTS_M" = $down,
                "PARTS_N" = $across
            ],
            ["fours.wgsl", "blocks.wgsl", "bare.wgsl"]
        )
    };
}

/// A number of rows, for every kind of product.
macro_rules! rows {
    ($rows:literal) => {
        kernel!(
            concat!("rows ", $rows),
            concat!("rows-", $rows),
            ["ROWS" = $rows],
            ["store.wgsl", "fours.wgsl", "rows.wgsl"]
        )
    };
}

/// The same for quads that hand their loads around.
macro_rules! quads {
    ($name:literal, $sizes:tt) => {
        lanes!(
            concat!("quads ", $name),
            concat!("quads-", $name),
            $sizes,
            "a_rows_quads.wgsl",
            "a_columns_quads.wgsl",
            "../shared/quads.wgsl"
        )
    };
}

pub(super) static QUADS_4X8: [Kernel; 3] = quads!("4x8", [1, 8, 1]);
pub(super) static QUADS_8X8: [Kernel; 3] = quads!("8x8", [2, 8, 1]);
pub(super) static QUADS_16X16: [Kernel; 3] = quads!("16x16", [4, 16, 1]);
pub(super) static QUADS_32X16: [Kernel; 3] = quads!("32x16", [8, 16, 2]);
pub(super) static QUADS_64X16: [Kernel; 3] = quads!("64x16", [16, 16, 2]);
/// For adapters without subgroups.
pub(super) static LANES_8X8: [Kernel; 3] = lanes!(
    "lanes 8x8",
    "lanes-8x8",
    [2, 8, 1],
    "a_rows.wgsl",
    "a_columns.wgsl",
    "a_lanes.wgsl"
);

pub(super) static TILES_64: [Kernel; 2] = tiles!("64x64", "tiles-64x64", 16, 16, 1, 1, 16, 1);
pub(super) static TILES_64_OF_8: [Kernel; 2] =
    tiles!("64x64, 8x8", "tiles-64x64-8x8", 8, 8, 2, 2, 16, 1);
pub(super) static TILES_128X64: [Kernel; 2] = tiles!("128x64", "tiles-128x64", 16, 8, 2, 2, 16, 1);
pub(super) static TILES_32: [Kernel; 2] =
    tiles!("32x32, 4 slices", "tiles-32x32-4", 8, 8, 1, 1, 8, 4);
pub(super) static TILES_16: [Kernel; 2] =
    tiles!("16x64, 4 slices", "tiles-16x64-4", 4, 16, 1, 1, 8, 4);

pub(super) static STRIPS_32: [Kernel; 2] = strips!(
    "32x32, 4 slices",
    "strips-32x32-4",
    [8, 8],
    [1, 1],
    [2, 1, 1],
    4,
    [0, 1]
);
pub(super) static STRIPS_64X32: [Kernel; 2] = strips!(
    "64x32",
    "strips-64x32",
    [8, 8],
    [2, 1],
    [4, 4, 2],
    1,
    [0, 1]
);
pub(super) static STRIPS_64: [Kernel; 2] = strips!(
    "64x64",
    "strips-64x64",
    [8, 8],
    [2, 2],
    [4, 4, 4],
    1,
    [0, 1]
);
pub(super) static STRIPS_64_AHEAD: [Kernel; 2] = strips!(
    "64x64, ahead",
    "strips-64x64-ahead",
    [8, 8],
    [2, 2],
    [4, 4, 4],
    1,
    [1, 0]
);
pub(super) static STRIPS_128X64: [Kernel; 2] = strips!(
    "128x64",
    "strips-128x64",
    [16, 8],
    [2, 2],
    [4, 4, 2],
    1,
    [0, 1]
);

/// Two dispatches: the sums over parts of k, of 64x32 each, and the sum of those.
pub(super) static SPLIT: Kernel = kernel!(
    "split 64x32",
    "split-64x32",
    [
        "THREADS_M" = 8,
        "THREADS_N" = 8,
        "PARTS_M" = 2,
        "PARTS_N" = 1,
        "STEPS" = 4,
        "LOADS_M" = 4,
        "LOADS_N" = 2,
        "SLICES" = 1,
        "AHEAD" = 0,
        "LATE" = 1
    ],
    [
        "store_parts.wgsl",
        "fours.wgsl",
        "strips.wgsl",
        "slices.wgsl"
    ]
);
pub(super) static SUMS: [Kernel; 2] = twice!(
    "sums of parts",
    "split-64x32",
    [],
    ["fours.wgsl", "sums.wgsl"]
);

pub(super) static BARE_4X4: [Kernel; 2] = bare!("4x4", "bare-4x4", 1, 1);
pub(super) static BARE_8X4: [Kernel; 2] = bare!("8x4", "bare-8x4", 2, 1);

pub(super) static ROWS_1: Kernel = rows!(1);
pub(super) static ROWS_4: Kernel = rows!(4);
pub(super) static ROWS_8: Kernel = rows!(8);

/// All of them.
pub(crate) const KERNELS: &[&Kernel] = &[
    &QUADS_4X8[0],
    &QUADS_4X8[1],
    &QUADS_4X8[2],
    &QUADS_8X8[0],
    &QUADS_8X8[1],
    &QUADS_8X8[2],
    &QUADS_16X16[0],
    &QUADS_16X16[1],
    &QUADS_16X16[2],
    &QUADS_32X16[0],
    &QUADS_32X16[1],
    &QUADS_32X16[2],
    &QUADS_64X16[0],
    &QUADS_64X16[1],
    &QUADS_64X16[2],
    &LANES_8X8[0],
    &LANES_8X8[1],
    &LANES_8X8[2],
    &TILES_64[0],
    &TILES_64[1],
    &TILES_64_OF_8[0],
    &TILES_64_OF_8[1],
    &TILES_128X64[0],
    &TILES_128X64[1],
    &TILES_32[0],
    &TILES_32[1],
    &TILES_16[0],
    &TILES_16[1],
    &STRIPS_32[0],
    &STRIPS_32[1],
    &STRIPS_64X32[0],
    &STRIPS_64X32[1],
    &STRIPS_64[0],
    &STRIPS_64[1],
    &STRIPS_64_AHEAD[0],
    &STRIPS_64_AHEAD[1],
    &STRIPS_128X64[0],
    &STRIPS_128X64[1],
    &SPLIT,
    &SUMS[0],
    &SUMS[1],
    &BARE_4X4[0],
    &BARE_4X4[1],
    &BARE_8X4[0],
    &BARE_8X4[1],
    &ROWS_1,
    &ROWS_4,
    &ROWS_8,
];
