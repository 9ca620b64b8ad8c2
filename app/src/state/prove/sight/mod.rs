//! The curve as a picture: lines with their bands, what always the same answer gets, a guide to the eye.

use super::method;
use crate::link::prove::Line;
use crate::state::State;
use crate::state::format;
use crate::state::inside::drawing::{Anchor, Drawing, Ink, width_of};
use crate::state::inside::sight::{Sight, Table};
use bert::train::curve::{Curve, LinePoint};

const CAVEAT: &str = "How it misleads: all points are judged on the same test texts, so they share their luck, and the \
                      bands show only what other examples and first weights make of it. Every run of a whole model \
                      has the same number of steps; from scratch, more would give more. 1/√n is a guide to the eye, not a forecast.";
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 18.0;
const BOTTOM: f64 = 46.0;
/// A line of the legend.
const LEGEND: f64 = 20.0;
const SWATCH: f64 = 26.0;
/// Dashes and gaps, in pixels.
const DASH: f64 = 7.0;
const DOT: f64 = 3.0;
/// Steps of the guide.
const STEPS: usize = 48;

fn ink(line: Line) -> Ink {
    match line {
        Line::Frozen => Ink::Accent,
        Line::Whole => Ink::Second,
        Line::Scratch => Ink::Plain,
    }
}

impl State {
    /// The picture of what is known; `None` while no point is.
    pub fn curve_sight(&self, width: f64) -> Option<Sight> {
        let curve = self.prove.curve.as_ref()?;
        let lines = lines_of(curve);
        if lines.is_empty() {
            return None;
        }
        Some(Sight {
            sentence: self.curve_sentence()?,
            drawing: drawing(curve, &lines, width),
            table: table(curve, &lines),
            caveat: CAVEAT,
        })
    }

    /// What the curve says, in a sentence or two.
    pub fn curve_sentence(&self) -> Option<String> {
        let curve = self.prove.curve.as_ref()?;
        let lines = lines_of(curve);
        let (first, points) = lines.first()?;
        let tested = format::grouped(curve.tested as u64);
        let majority = format::share(curve.majority);
        if let Some(found) = curve.finding() {
            let with = match found.method == method(Line::Frozen) {
                true => "the pretrained encoder, frozen,",
                false => "the pretrained model",
            };
            return Some(format!(
                "Here {} examples with {with} do what {} do from scratch: {} against {} of {tested} test texts \
                 right. Always giving the most frequent label gets {majority}.",
                found.few,
                found.many,
                format::share(found.accuracy),
                format::share(found.scratch),
            ));
        }
        let (least, most) = (points.first()?, points.last()?);
        let name = match first {
            Line::Frozen => "the frozen encoder with a head on top",
            Line::Whole => "the whole model",
            Line::Scratch => "the model from scratch",
        };
        let mut words = match least.size == most.size {
            true => format!(
                "With {} examples {name} gets {} of {tested} test texts right",
                least.size,
                format::share(least.mean)
            ),
            false => format!(
                "With {} examples {name} gets {} of {tested} test texts right, with {} it gets {}",
                least.size,
                format::share(least.mean),
                most.size,
                format::share(most.mean)
            ),
        };
        words += &format!("; always giving the most frequent label gets {majority}.");
        let scratch = lines.iter().find(|(line, _)| *line == Line::Scratch);
        let last = scratch.and_then(|(_, points)| points.last());
        if let Some(last) = last.filter(|_| *first != Line::Scratch) {
            words += &match last.mean > curve.majority {
                false => format!(
                    " From scratch nothing was learned, even from {} examples: {}.",
                    last.size,
                    format::share(last.mean)
                ),
                true => format!(
                    " From scratch {} examples give {}.",
                    last.size,
                    format::share(last.mean)
                ),
            };
        }
        Some(words)
    }
}

/// The lines that have points.
fn lines_of(curve: &Curve) -> Vec<(Line, Vec<LinePoint>)> {
    let lines = Line::ALL.map(|line| (line, curve.line(method(line))));
    let known = lines.into_iter().filter(|(_, points)| !points.is_empty());
    known.collect()
}

/// Every point, a row for each number of examples.
fn table(curve: &Curve, lines: &[(Line, Vec<LinePoint>)]) -> Table {
    let mut columns = vec![
        "Line".to_owned(),
        "Examples".to_owned(),
        "Mean accuracy".to_owned(),
    ];
    let seeds = &curve.setup.seeds;
    columns.extend(seeds.iter().map(|seed| format!("Seed {seed}")));
    let mut rows = Vec::new();
    let share = |value: f64| format!("{:.2}%", 100.0 * value);
    for (line, points) in lines {
        for point in points {
            let found = |seed: &u64| {
                let mut all = curve.points.iter();
                let found = all.find(|known| {
                    let place = known.place;
                    (place.method, place.size, place.seed) == (method(*line), point.size, *seed)
                });
                match found {
                    Some(point) if point.diverged => "diverged".to_owned(),
                    Some(point) => share(point.accuracy),
                    None => "–".to_owned(),
                }
            };
            let mut row = vec![
                line.label().to_owned(),
                point.size.to_string(),
                share(point.mean),
            ];
            row.extend(seeds.iter().map(found));
            rows.push(row);
        }
    }
    let mut row = vec![
        "Always the most frequent label".to_owned(),
        "–".to_owned(),
        share(curve.majority),
    ];
    row.resize(columns.len(), "–".to_owned());
    rows.push(row);
    Table { columns, rows }
}

/// Where values lie: numbers of examples by their logarithm, accuracy from a round number up to 1.
struct Frame {
    width: f64,
    top: f64,
    sizes: (f64, f64),
    floor: f64,
}

impl Frame {
    fn x(&self, size: f64) -> f64 {
        let (low, high) = (self.sizes.0.ln(), self.sizes.1.ln());
        let share = match high > low {
            true => (size.ln() - low) / (high - low),
            false => 0.5,
        };
        LEFT + 8.0 + share * (self.width - LEFT - RIGHT - 16.0)
    }

    fn y(&self, accuracy: f64) -> f64 {
        let share = ((accuracy - self.floor) / (1.0 - self.floor)).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - self.top)
    }
}

fn drawing(curve: &Curve, lines: &[(Line, Vec<LinePoint>)], width: f64) -> Drawing {
    let mut drawing = Drawing::new(width, HEIGHT);
    let top = legend(&mut drawing, lines, width) + 12.0;
    let all = || lines.iter().flat_map(|(_, points)| points);
    let low = all()
        .map(|point| point.least)
        .fold(curve.majority, f64::min);
    let sizes = &curve.setup.sizes;
    let frame = Frame {
        width,
        top,
        sizes: (
            sizes.first().copied().unwrap_or(1) as f64,
            sizes.last().copied().unwrap_or(1) as f64,
        ),
        // A tenth below what is drawn, so that nothing lies on the axis.
        floor: ((low * 10.0 - 0.3).floor() / 10.0).clamp(0.0, 0.9),
    };
    axes(&mut drawing, &frame, sizes);
    // What always the same answer gets.
    let level = frame.y(curve.majority);
    let ends = [[LEFT, level], [width - RIGHT, level]];
    drawing.path(dashes(&ends, DASH, DASH - 2.0), Ink::Soft, 1.0, 1.5);
    if let Some(start) = lines.first().and_then(|(_, points)| points.first()) {
        let guide = guide(&frame, start);
        drawing.path(dashes(&guide, DOT, DOT + 1.0), Ink::Soft, 0.9, 1.2);
    }
    for (line, points) in lines {
        let at = |point: &LinePoint, value: f64| [frame.x(point.size as f64), frame.y(value)];
        let upper = points.iter().map(|point| at(point, point.most));
        let lower = points.iter().rev().map(|point| at(point, point.least));
        if points.iter().any(|point| point.seeds > 1) {
            let around: Vec<_> = upper.chain(lower).collect();
            drawing.area(path(&around) + "Z", ink(*line), 0.14);
        }
        for point in points {
            let [x, low] = at(point, point.least);
            let [_, high] = at(point, point.most);
            drawing.line([x, low], [x, high], ink(*line), 1.0);
        }
        let means: Vec<_> = points.iter().map(|point| at(point, point.mean)).collect();
        drawing.path(path(&means), ink(*line), 1.0, 2.2);
        for point in means {
            drawing.dot(point, ink(*line));
        }
    }
    drawing
}

/// How accuracy would rise if errors fell by 1/√n from a point on.
fn guide(frame: &Frame, start: &LinePoint) -> Vec<[f64; 2]> {
    let (from, to) = ((start.size as f64).ln(), frame.sizes.1.ln());
    let point = |i: usize| {
        let size = (from + (to - from) * i as f64 / STEPS as f64).exp();
        let errors = (1.0 - start.mean) * (start.size as f64 / size).sqrt();
        [frame.x(size), frame.y(1.0 - errors)]
    };
    (0..=STEPS).map(point).collect()
}

fn path(points: &[[f64; 2]]) -> String {
    let one = |(i, [x, y]): (usize, &[f64; 2])| {
        let command = if i == 0 { 'M' } else { 'L' };
        format!("{command}{x:.1} {y:.1}")
    };
    points.iter().enumerate().map(one).collect()
}

/// A broken line along points.
fn dashes(points: &[[f64; 2]], dash: f64, gap: f64) -> String {
    let mut broken = String::new();
    // How far along the present dash, or the gap behind it, the line is.
    let mut along = 0.0;
    for pair in points.windows(2) {
        let [[x, y], [to_x, to_y]] = [pair[0], pair[1]];
        let length = (to_x - x).hypot(to_y - y);
        let at = |far: f64| {
            let share = if length > 0.0 { far / length } else { 0.0 };
            (x + share * (to_x - x), y + share * (to_y - y))
        };
        let mut far = 0.0;
        while far < length {
            let draws = along < dash;
            let rest = if draws { dash } else { dash + gap } - along;
            let end = (far + rest).min(length);
            if draws {
                let ((a, b), (c, d)) = (at(far), at(end));
                broken += &format!("M{a:.1} {b:.1}L{c:.1} {d:.1}");
            }
            along += end - far;
            if along >= dash + gap - 1e-9 {
                along = 0.0;
            }
            far = end.max(far + 1e-6);
        }
    }
    broken
}

/// What the lines are, above them; how high that is.
fn legend(drawing: &mut Drawing, lines: &[(Line, Vec<LinePoint>)], width: f64) -> f64 {
    let (mut x, mut y) = (0.0, 14.0);
    let named = lines
        .iter()
        .map(|(line, _)| (line.label(), Some(*line), 0.0));
    let beside = [
        ("Always the most frequent label", None, DASH),
        ("Errors falling as 1/√n", None, DOT),
    ];
    for (label, line, dash) in named.chain(beside) {
        let wide = SWATCH + width_of(label, 12.0) + 18.0;
        if x > 0.0 && x + wide > width {
            (x, y) = (0.0, y + LEGEND);
        }
        let ends = [[x, y - 4.0], [x + SWATCH - 6.0, y - 4.0]];
        match line {
            Some(line) => {
                drawing.line(ends[0], ends[1], ink(line), 2.2);
                drawing.dot([x + (SWATCH - 6.0) / 2.0, y - 4.0], ink(line));
            }
            None => drawing.path(dashes(&ends, dash, dash - 1.0), Ink::Soft, 1.0, 1.4),
        }
        let at = [x + SWATCH, y];
        drawing.text(at, label, Ink::Plain, Anchor::Start, 12.0, false);
        x += wide;
    }
    y + 6.0
}

fn axes(drawing: &mut Drawing, frame: &Frame, sizes: &[usize]) {
    let tenths = ((1.0 - frame.floor) * 10.0).round() as usize;
    let every = if tenths > 6 { 2 } else { 1 };
    for tenth in (0..=tenths).step_by(every) {
        let accuracy = 1.0 - tenth as f64 / 10.0;
        let y = frame.y(accuracy);
        drawing.line([LEFT, y], [frame.width - RIGHT, y], Ink::Grid, 1.0);
        let label = format!("{:.0}%", 100.0 * accuracy);
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
    for &size in sizes {
        let (x, label) = (frame.x(size as f64), size.to_string());
        let half = width_of(&label, 11.0) / 2.0;
        let y = HEIGHT - BOTTOM;
        drawing.line([x, y], [x, y + 4.0], Ink::Soft, 1.0);
        if x - half < free {
            continue;
        }
        free = x + half + 4.0;
        drawing.text(
            [x, y + 17.0],
            &label,
            Ink::Soft,
            Anchor::Middle,
            11.0,
            false,
        );
    }
    let middle = (LEFT + frame.width - RIGHT) / 2.0;
    let words = "examples learned from (logarithmic axis)";
    let words = match width_of(words, 12.0) < frame.width - LEFT {
        true => words,
        false => "examples learned from (log axis)",
    };
    drawing.text(
        [middle, HEIGHT - 8.0],
        words,
        Ink::Soft,
        Anchor::Middle,
        12.0,
        false,
    );
}

#[cfg(test)]
mod tests;
