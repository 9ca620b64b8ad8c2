//! Curves as an SVG draws them: from numbers to a path, and from the pointer back to a number.

/// The drawing's size in its own units, and the margins that its labels need.
pub const WIDTH: f64 = 640.0;
pub const HEIGHT: f64 = 220.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// A curve has at most this many points: more would not be seen.
const POINTS: usize = 300;

/// One axis: the values at its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub low: f64,
    pub high: f64,
}

impl Span {
    /// The least span that holds all finite values, widened where they are all the same.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        match (low.is_finite(), high > low) {
            (false, _) => Self {
                low: 0.0,
                high: 1.0,
            },
            (true, true) => Self { low, high },
            (true, false) => Self {
                low: low - 0.5,
                high: high + 0.5,
            },
        }
    }

    fn share(self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Round values within: at least `count - 1` of them, and fewer than three times as many.
    pub fn ticks(self, count: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / count.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [5.0, 2.0, 1.0].map(|step| step * power);
        let step = steps.into_iter().find(|s| *s <= rough).unwrap_or(rough);
        // Of spans that are nothing, or everything, beside what numbers can tell apart there is none.
        let last = (self.high / step).floor();
        let first = (self.low / step).ceil();
        if !(step > 0.0 && step.is_finite() && last - first < 3.0 * count.max(1) as f64) {
            return Vec::new();
        }
        let count = (last - first).max(-1.0) as i64 + 1;
        (0..count).map(|i| (first + i as f64) * step).collect()
    }
}

/// Two axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub x: Span,
    pub y: Span,
}

impl Frame {
    /// Where a value lies across the drawing.
    pub fn across(&self, x: f64) -> f64 {
        LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT)
    }

    /// Where a value lies down the drawing.
    pub fn down(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM)
    }

    /// A curve through the points, as a path's `d`. What is not finite breaks it.
    pub fn path(&self, points: &[(f64, f64)]) -> String {
        use std::fmt::Write;
        let mut path = String::new();
        let mut pen_up = true;
        for &(x, y) in points {
            if !y.is_finite() {
                pen_up = true;
                continue;
            }
            let (command, x, y) = (if pen_up { 'M' } else { 'L' }, self.across(x), self.down(y));
            let _ = write!(path, "{command}{x:.1} {y:.1}");
            pen_up = false;
        }
        path
    }

    /// The value across that a place in the drawing (0 to 1 of its width) stands for.
    pub fn value_at(&self, share: f64) -> f64 {
        let inner = (share * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT);
        self.x.low + inner.clamp(0.0, 1.0) * (self.x.high - self.x.low)
    }
}

/// Fewer points that say the same: each stands for as many neighbours, by their mean.
pub fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let each = points.len().div_ceil(POINTS).max(1);
    let mean = |chunk: &[(f64, f64)]| {
        let count = chunk.len() as f64;
        let sum = chunk.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        (sum.0 / count, sum.1 / count)
    };
    points.chunks(each).map(mean).collect()
}

/// The point nearest to a value across.
pub fn nearest(points: &[(f64, f64)], x: f64) -> Option<usize> {
    let distance = |i: &usize| (points[*i].0 - x).abs();
    (0..points.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_their_values() {
        let span = Span::of([2.0, f64::NAN, -1.0].into_iter());
        assert_eq!(
            span,
            Span {
                low: -1.0,
                high: 2.0
            }
        );
        assert_eq!(
            Span::of([3.0; 2].into_iter()),
            Span {
                low: 2.5,
                high: 3.5
            }
        );
        assert_eq!(
            Span::of(std::iter::empty()),
            Span {
                low: 0.0,
                high: 1.0
            }
        );
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let span = Span {
            low: 0.13,
            high: 0.97,
        };
        let ticks = span.ticks(4);
        assert!((3..12).contains(&ticks.len()), "{ticks:?}");
        assert!(ticks.iter().all(|t| (span.low..=span.high).contains(t)));
        let ticks = Span {
            low: 0.0,
            high: 100.0,
        }
        .ticks(4);
        assert_eq!(ticks, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }

    #[test]
    fn spans_without_round_values_have_no_ticks() {
        for (low, high) in [
            (0.0, 5e-324),
            (-1e308, 1e308),
            (1.0, 1.0),
            (1e300, 1e300),
            (2.0, 1.0),
        ] {
            assert!(Span { low, high }.ticks(4).len() <= 12, "{low} to {high}");
        }
    }

    #[test]
    fn paths_break_where_there_is_no_number() {
        let frame = Frame {
            x: Span {
                low: 0.0,
                high: 2.0,
            },
            y: Span {
                low: 0.0,
                high: 1.0,
            },
        };
        let path = frame.path(&[(0.0, 0.0), (1.0, f64::NAN), (2.0, 1.0)]);
        assert_eq!(path, "M62.0 192.0M628.0 12.0");
    }

    #[test]
    fn the_pointer_finds_the_nearest_point() {
        let frame = Frame {
            x: Span {
                low: 1.0,
                high: 11.0,
            },
            y: Span {
                low: 0.0,
                high: 1.0,
            },
        };
        for x in [1.0, 4.0, 11.0] {
            assert!((frame.value_at(frame.across(x) / WIDTH) - x).abs() < 1e-9);
        }
        assert_eq!(nearest(&[(1.0, 0.0), (5.0, 0.0), (9.0, 0.0)], 6.9), Some(1));
        assert_eq!(nearest(&[], 1.0), None);
    }

    #[test]
    fn thinning_keeps_the_mean() {
        let points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 2.0)).collect();
        let thinned = thin(&points);
        assert!(thinned.len() <= POINTS);
        assert!(thinned.iter().all(|p| p.1 == 2.0));
        assert_eq!(thin(&points[..3]), points[..3]);
    }
}
