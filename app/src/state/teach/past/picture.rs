//! Losses of past runs over one another.

use super::{DRAWN, PastRun};
use crate::state::inside::drawing::{Anchor, Drawing, Ink, fit, width_of};
use crate::state::inside::sight::Table;
use crate::state::teach::chart::{Span, thin};

const HEIGHT: f64 = 260.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 40.0;
const LEGEND: f64 = 20.0;
const INKS: [Ink; DRAWN] = [Ink::Accent, Ink::Second, Ink::Bad, Ink::Plain];

/// Every point that is drawn.
pub(super) fn points(drawn: &[(usize, &PastRun)]) -> Table {
    let mut table = Table::new(&["Run", "Step", "Loss", "Of"]);
    for (i, run) in drawn {
        for (name, points) in [("training", &run.training), ("validation", &run.validating)] {
            table.rows.extend(points.iter().map(|(step, loss)| {
                vec![
                    format!("Run {}", i + 1),
                    format!("{step:.0}"),
                    format!("{loss:.4}"),
                    name.to_owned(),
                ]
            }));
        }
    }
    table
}

/// Lines of training, dots of validation, a colour for each run.
pub(super) fn drawing(drawn: &[(usize, &PastRun)], labels: &[String], width: f64) -> Drawing {
    let mut drawing = Drawing::new(width, HEIGHT + LEGEND * labels.len() as f64);
    for (i, label) in labels.iter().enumerate() {
        let y = 14.0 + LEGEND * i as f64;
        drawing.line([0.0, y - 4.0], [20.0, y - 4.0], INKS[i % DRAWN], 2.2);
        let words = fit(label, width - 30.0, 12.0);
        drawing.text([26.0, y], &words, Ink::Plain, Anchor::Start, 12.0, false);
    }
    let (top, bottom) = (LEGEND * labels.len() as f64 + 12.0, drawing.height - BOTTOM);
    let all = || {
        let runs = drawn.iter();
        runs.flat_map(|(_, run)| run.training.iter().chain(&run.validating))
    };
    let across = Span {
        low: 1.0,
        high: all().map(|point| point.0).fold(2.0, f64::max),
    };
    let most = Span::of(all().map(|point| point.1)).high.max(1e-3);
    let down = Span {
        low: 0.0,
        high: most,
    };
    let share =
        |span: Span, value: f64| ((value - span.low) / (span.high - span.low)).clamp(0.0, 1.0);
    let place = |&(x, y): &(f64, f64)| {
        [
            LEFT + share(across, x) * (width - LEFT - RIGHT),
            bottom - share(down, y) * (bottom - top),
        ]
    };
    for tick in down.ticks(4) {
        let [_, y] = place(&(1.0, tick));
        drawing.line([LEFT, y], [width - RIGHT, y], Ink::Grid, 1.0);
        let label = format!("{tick:.2}");
        drawing.text(
            [LEFT - 6.0, y + 4.0],
            &label,
            Ink::Soft,
            Anchor::End,
            11.0,
            false,
        );
    }
    let mut free = f64::NEG_INFINITY;
    for tick in across.ticks(4) {
        let [x, _] = place(&(tick, 0.0));
        let label = format!("{tick:.0}");
        let half = width_of(&label, 11.0) / 2.0;
        if x - half > free && x + half < width {
            free = x + half + 4.0;
            drawing.text(
                [x, bottom + 16.0],
                &label,
                Ink::Soft,
                Anchor::Middle,
                11.0,
                false,
            );
        }
    }
    let middle = (LEFT + width - RIGHT) / 2.0;
    drawing.text(
        [middle, bottom + 34.0],
        "step",
        Ink::Soft,
        Anchor::Middle,
        12.0,
        false,
    );
    for (i, (_, run)) in drawn.iter().enumerate() {
        let ink = INKS[i % DRAWN];
        let line = thin(&run.training);
        let line = line.iter().map(place).enumerate().map(|(i, [x, y])| {
            let command = if i == 0 { 'M' } else { 'L' };
            format!("{command}{x:.1} {y:.1}")
        });
        drawing.path(line.collect(), ink, 1.0, 1.8);
        for point in thin_dots(&run.validating) {
            drawing.dot(place(&point), ink);
        }
    }
    drawing
}

/// Few enough dots to be told apart.
fn thin_dots(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(24).max(1);
    let last = points.last().copied();
    let some = points.iter().step_by(every).copied();
    let mut some: Vec<_> = some.collect();
    if some.last() != last.as_ref() {
        some.extend(last);
    }
    some
}
