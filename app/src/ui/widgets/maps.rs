//! Maps of attention on canvases: all heads small, and one large. A click chooses; the same can be chosen
//! in lists, so a canvas is a picture to those who do not see it.

use crate::browser::save_canvas;
use crate::link::inside::Enlarged;
use crate::state::inside::maps::{Grid, Matrix};
use bert::inside::Head;
use leptos::wasm_bindgen::JsCast;
use leptos::{html, prelude::*};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, MouseEvent};

/// Seen on the page's light ground and on its dark one.
const TINT: [u8; 3] = [122, 92, 240];
/// Room for names at the left and above.
const NAMES: f64 = 24.0;
/// Pixels of a canvas for one of the page.
const SHARP: f64 = 2.0;

/// Where a canvas' parts lie; lengths in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cells {
    /// Of one cell's side.
    size: f64,
    across: usize,
    down: usize,
}

impl Cells {
    fn width(self) -> f64 {
        self.size * self.across as f64
    }

    fn height(self) -> f64 {
        self.size * self.down as f64
    }

    /// The cell under a pointer: its column and row.
    fn under(self, event: &MouseEvent) -> Option<[usize; 2]> {
        let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
        let [column, row] = [x / self.size, y / self.size].map(|at| at.max(0.0) as usize);
        (column < self.across && row < self.down).then_some([column, row])
    }
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

fn tint(alpha: f64) -> String {
    let [red, green, blue] = TINT;
    format!("rgb({red} {green} {blue} / {alpha:.3})")
}

/// Makes a canvas the size of its cells, empty, and measured in CSS pixels.
fn prepare(canvas: &HtmlCanvasElement, cells: Cells) -> Option<CanvasRenderingContext2d> {
    canvas.set_width((cells.width() * SHARP).round() as u32);
    canvas.set_height((cells.height() * SHARP).round() as u32);
    let context = context(canvas)?;
    context.scale(SHARP, SHARP).ok()?;
    Some(context)
}

fn grid_cells(grid: &Grid, width: f64) -> Cells {
    let across = grid.heads + grid.together.len();
    let size = (width - NAMES) / across.max(1) as f64;
    Cells {
        size: size.clamp(8.0, 56.0),
        across,
        down: grid.layers,
    }
}

fn draw_grid(canvas: &HtmlCanvasElement, grid: &Grid, cells: Cells) {
    let Some(context) = prepare(canvas, cells) else {
        return;
    };
    let (size, inner) = (cells.size, cells.size - 4.0);
    for layer in 0..grid.layers {
        for head in 0..grid.heads {
            // The last layer stands at the top, as in the lens.
            let (x, y) = (
                head as f64 * size + 2.0,
                (grid.layers - 1 - layer) as f64 * size + 2.0,
            );
            let off = grid.off.contains(&Head { layer, head });
            context.set_fill_style_str(&tint(0.08));
            context.fill_rect(x, y, inner, inner);
            let first = (layer * grid.heads + head) * grid.side * grid.side;
            let strength = if off { 0.3 } else { 1.0 };
            draw_small(
                &context,
                (&grid.numbers, first),
                grid.side,
                [x, y, inner],
                strength,
            );
            context.set_stroke_style_str(&tint(1.0));
            if off {
                context.set_line_width(1.5);
                context.begin_path();
                context.move_to(x, y);
                context.line_to(x + inner, y + inner);
                context.move_to(x + inner, y);
                context.line_to(x, y + inner);
                context.stroke();
            }
            if grid.chosen == Some(Enlarged::Head(Head { layer, head })) {
                context.set_line_width(2.5);
                context.stroke_rect(x - 0.5, y - 0.5, inner + 1.0, inner + 1.0);
            }
        }
        for (column, (_, numbers)) in grid.together.iter().enumerate() {
            let x = (grid.heads + column) as f64 * size + 2.0;
            let y = (grid.layers - 1 - layer) as f64 * size + 2.0;
            let first = layer * grid.side * grid.side;
            draw_small(&context, (numbers, first), grid.side, [x, y, inner], 1.0);
            // Framed apart from the heads: it cannot be switched off.
            let this = [Enlarged::Mean(layer), Enlarged::Rollout(layer)]
                .get(column)
                .copied();
            let (alpha, line) = match grid.chosen.is_some() && grid.chosen == this {
                true => (1.0, 2.5),
                false => (0.35, 1.0),
            };
            context.set_stroke_style_str(&tint(alpha));
            context.set_line_width(line);
            context.stroke_rect(x - 0.5, y - 0.5, inner + 1.0, inner + 1.0);
        }
    }
}

/// One small map: the numbers from `first` on, at `[x, y]`, so wide.
fn draw_small(
    context: &CanvasRenderingContext2d,
    (numbers, first): (&[f32], usize),
    side: usize,
    [x, y, wide]: [f64; 3],
    strength: f64,
) {
    let dot = wide / side.max(1) as f64;
    let numbers = numbers.get(first..first + side * side).unwrap_or_default();
    for (place, &number) in numbers.iter().enumerate() {
        let alpha = f64::from(number.clamp(0.0, 1.0)).sqrt();
        if alpha > 0.05 {
            let (column, row) = ((place % side) as f64, (place / side) as f64);
            context.set_fill_style_str(&tint(alpha * strength));
            context.fill_rect(x + column * dot, y + row * dot, dot, dot);
        }
    }
}

/// The grid of all heads. `label` says in words what it shows; `children` are buttons beside its own.
#[component]
pub fn HeadGrid(
    grid: Memo<Option<Grid>>,
    width: Memo<Option<f64>>,
    chosen: Callback<Enlarged>,
    #[prop(into)] label: Signal<String>,
    children: Children,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    // One value to draw, since what draws would miss a change that comes to it on two ways.
    let laid = Memo::new(move |_| {
        let (width, grid) = (width.get()?, grid.get()?);
        let cells = grid_cells(&grid, width);
        Some((grid, cells))
    });
    let cells = move || laid.with(|laid| laid.as_ref().map(|(_, cells)| *cells));
    Effect::new(move |_| {
        if let (Some(canvas), Some((grid, cells))) = (canvas.get(), laid.get()) {
            draw_grid(&canvas, &grid, cells);
        }
    });
    let click = move |event: MouseEvent| {
        let cells = untrack(cells);
        let Some([column, row]) = cells.and_then(|cells| cells.under(&event)) else {
            return;
        };
        let shape = grid.with_untracked(|grid| grid.as_ref().map(|grid| (grid.layers, grid.heads)));
        let (layers, heads) = shape.unwrap_or_default();
        let layer = layers.saturating_sub(1 + row);
        chosen.run(match column.checked_sub(heads) {
            None => Enlarged::Head(Head {
                layer,
                head: column,
            }),
            Some(0) => Enlarged::Mean(layer),
            Some(_) => Enlarged::Rollout(layer),
        });
    };
    let save = move |_| {
        if let Some(canvas) = canvas.get_untracked() {
            save_canvas(&canvas, "heads.png");
        }
    };
    let names = move || {
        let cells = cells()?;
        let every = (14.0 / cells.size).ceil().max(1.0) as usize;
        let middle = move |place: usize| (place as f64 + 0.5) * cells.size;
        let layers = (0..cells.down).filter(move |layer| layer % every == 0).map(move |layer| {
            view! {
                <text x=NAMES - 5.0 y=NAMES + middle(cells.down - 1 - layer) + 4.0 text-anchor="end">
                    {layer + 1}
                </text>
            }
        });
        let heads = (0..cells.across).filter(move |head| head % every == 0).map(move |head| {
            let name = laid.with(|laid| {
                let (grid, _) = laid.as_ref()?;
                let together = grid.together.get(head.checked_sub(grid.heads)?)?;
                Some(together.0.to_owned())
            });
            let name = name.unwrap_or_else(|| (head + 1).to_string());
            view! { <text x=NAMES + middle(head) y=NAMES - 7.0 text-anchor="middle">{name}</text> }
        });
        Some(view! {
            <svg
                class="map-names"
                aria-hidden="true"
                width=NAMES + cells.width()
                height=NAMES + cells.height()
            >
                {layers.collect_view()}
                {heads.collect_view()}
            </svg>
        })
    };
    view! {
        <div class="map" id="head-grid">
            {names}
            <canvas
                node_ref=canvas
                role="img"
                aria-label=move || label.get()
                style:width=move || cells().map(|cells| format!("{:.1}px", cells.width()))
                style:height=move || cells().map(|cells| format!("{:.1}px", cells.height()))
                on:click=click
            ></canvas>
        </div>
        <div class="share-row">
            <button type="button" class="quiet" on:click=save>"Save the heads as PNG"</button>
            {children()}
        </div>
    }
}

fn matrix_cells(matrix: &Matrix, width: f64) -> Cells {
    let words = matrix.words.len();
    let size = (width - 2.0) / words.max(1) as f64;
    Cells {
        size: size.clamp(2.0, 24.0),
        across: words,
        down: words,
    }
}

fn draw_matrix(canvas: &HtmlCanvasElement, matrix: &Matrix, cells: Cells) {
    let Some(context) = prepare(canvas, cells) else {
        return;
    };
    let (size, words) = (cells.size, cells.across);
    context.set_fill_style_str(&tint(0.08));
    context.fill_rect(0.0, 0.0, cells.width(), cells.height());
    for (place, &number) in matrix.numbers.iter().enumerate() {
        let alpha = f64::from(number.clamp(0.0, 1.0)).sqrt();
        if alpha > 0.05 {
            let (column, row) = ((place % words) as f64, (place / words) as f64);
            context.set_fill_style_str(&tint(alpha));
            context.fill_rect(column * size, row * size, size, size);
        }
    }
    context.set_stroke_style_str(&tint(1.0));
    context.set_line_width(1.5);
    context.stroke_rect(
        0.75,
        matrix.row as f64 * size + 0.75,
        cells.width() - 1.5,
        size - 1.5,
    );
}

/// One head, a row for each token. `room`: the width that the picture has.
#[component]
pub fn HeadMatrix(
    matrix: Memo<Option<Matrix>>,
    room: Memo<Option<f64>>,
    chosen: Callback<usize>,
    #[prop(into)] label: Signal<String>,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    let laid = Memo::new(move |_| {
        let (room, matrix) = (room.get()?.min(480.0) - 96.0, matrix.get()?);
        let cells = matrix_cells(&matrix, room);
        Some((matrix, cells))
    });
    let cells = move || laid.with(|laid| laid.as_ref().map(|(_, cells)| *cells));
    Effect::new(move |_| {
        if let (Some(canvas), Some((matrix, cells))) = (canvas.get(), laid.get()) {
            draw_matrix(&canvas, &matrix, cells);
        }
    });
    let click = move |event: MouseEvent| {
        let cells = untrack(cells);
        if let Some([_, row]) = cells.and_then(|cells| cells.under(&event)) {
            chosen.run(row);
        }
    };
    let save = move |_| {
        if let Some(canvas) = canvas.get_untracked() {
            save_canvas(&canvas, "head.png");
        }
    };
    // A name beside each row, as long as they can be told apart.
    let names = move || {
        let cells = cells().filter(|cells| cells.size >= 9.0);
        cells.map(|cells| {
            let words = matrix.with(|matrix| matrix.as_ref().map(|matrix| matrix.words.clone()));
            let words = words.unwrap_or_default().into_iter().enumerate();
            let name = move |(row, word): (usize, String)| {
                let word: String = word.chars().take(11).collect();
                let y = (row as f64 + 0.5) * cells.size + 4.0;
                view! { <text x="84" y=y text-anchor="end">{word}</text> }
            };
            let names = words.map(name).collect_view();
            view! {
                <svg class="row-names" aria-hidden="true" width="88" height=cells.height()>{names}</svg>
            }
        })
    };
    view! {
        <div class="matrix-map" id="head-matrix">
            {names}
            <canvas
                node_ref=canvas
                role="img"
                aria-label=move || label.get()
                style:width=move || cells().map(|cells| format!("{:.1}px", cells.width()))
                style:height=move || cells().map(|cells| format!("{:.1}px", cells.height()))
                on:click=click
            ></canvas>
        </div>
        <div class="share-row">
            <button type="button" class="quiet" on:click=save>"Save this head as PNG"</button>
        </div>
    }
}
