//! What a link carries of the Prove panel: a curve, as far as it is known.
//!
//! ```text
//! 0123456789abcdef,250,125,200,2:8,16,32:head,190,201,,204,211,209:scratch,,,130,,,
//! ```
//!
//! Its source, how many texts it was tested on, how many of them always giving one label gets right, steps, seeds; the
//! numbers of examples; then for each line how many texts each point got right, size by size, of a size
//! seed by seed. What is not known is empty.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The most numbers of examples, and seeds.
pub const MAX_SIZES: usize = 24;
pub const MAX_SEEDS: usize = 20;
/// The most steps of a run.
pub const MAX_STEPS: usize = 100_000;
/// The most examples, and texts to test with.
const MAX_TEXTS: usize = 10_000_000;
/// Hexadecimal digits of a source.
const SOURCE: usize = 16;

/// The lines of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// A head over the frozen encoder.
    Frozen,
    /// The whole model, from its own weights.
    Whole,
    /// The whole model, from random weights.
    Scratch,
}

impl Line {
    pub const ALL: [Self; 3] = [Self::Frozen, Self::Whole, Self::Scratch];

    pub fn label(self) -> &'static str {
        match self {
            Self::Frozen => "Frozen encoder, a head on top",
            Self::Whole => "Whole model",
            Self::Scratch => "From scratch",
        }
    }

    /// As links call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "head",
            Self::Whole => "all",
            Self::Scratch => "scratch",
        }
    }
}

/// A curve. What can be drawn of it, and by which a later one is known to be of the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Names model, texts and labels.
    pub source: String,
    /// Test texts.
    pub tested: usize,
    /// How many of them always giving the most frequent label gets right.
    pub majority: usize,
    /// Steps of every run but a head's.
    pub steps: usize,
    pub seeds: usize,
    /// Numbers of examples, rising.
    pub sizes: Vec<usize>,
    /// For each line how many test texts each point got right, size by size and of a size seed by seed.
    pub lines: BTreeMap<Line, Vec<Option<usize>>>,
}

impl Drawn {
    /// As a link writes it.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{},{},{},{},{}:{}",
            self.source,
            self.tested,
            self.majority,
            self.steps,
            self.seeds,
            joined(self.sizes.iter().copied())
        );
        for (line, points) in &self.lines {
            // Writing to a String cannot fail.
            let _ = write!(text, ":{}", line.name());
            for point in points {
                text.push(',');
                if let Some(right) = point {
                    let _ = write!(text, "{right}");
                }
            }
        }
        text
    }

    /// Whether a link would carry it: its numbers are those of a curve, and no more than the page draws.
    pub fn is_sound(&self) -> bool {
        Self::read(&self.to_text()).as_ref() == Some(self)
    }

    /// Reads what a link carries; `None` where it is no curve, or a larger one than the page draws.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let about: Vec<&str> = parts.next()?.split(',').collect();
        let [source, tested, majority, steps, seeds] = about[..] else {
            return None;
        };
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if source.len() != SOURCE || !source.bytes().all(is_digit) {
            return None;
        }
        let tested = number(tested).filter(|&n| n > 0)?;
        let within = |text: &str, most: usize| number(text).filter(|n| (1..=most).contains(n));
        let mut drawn = Self {
            source: source.to_owned(),
            tested,
            majority: number(majority).filter(|&n| n <= tested)?,
            steps: within(steps, MAX_STEPS)?,
            seeds: within(seeds, MAX_SEEDS)?,
            sizes: Vec::new(),
            lines: BTreeMap::new(),
        };
        for size in parts.next()?.split(',') {
            drawn.sizes.push(number(size).filter(|&n| n > 0)?);
        }
        let rises = drawn.sizes.windows(2).all(|pair| pair[0] < pair[1]);
        if !rises || drawn.sizes.len() > MAX_SIZES {
            return None;
        }
        for part in parts {
            let (name, points) = part.split_once(',')?;
            let line = Line::ALL.into_iter().find(|line| line.name() == name)?;
            let read = |point: &str| match point {
                "" => Some(None),
                right => number(right).filter(|&n| n <= tested).map(Some),
            };
            let points: Option<Vec<_>> = points.split(',').map(read).collect();
            let points = points.filter(|points| points.len() == drawn.sizes.len() * drawn.seeds)?;
            if drawn.lines.insert(line, points).is_some() {
                return None;
            }
        }
        (!drawn.lines.is_empty()).then_some(drawn)
    }
}

fn joined(numbers: impl Iterator<Item = usize>) -> String {
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    numbers.join(",")
}

/// A whole number as it is written, and nothing else.
fn number(text: &str) -> Option<usize> {
    let digits = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.filter(|&number: &usize| number <= MAX_TEXTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVE: &str =
        "0123456789abcdef,250,125,200,2:8,16,32:head,190,201,,204,211,209:scratch,,,130,,,";

    #[test]
    fn a_curve_is_read_as_it_was_written() {
        let drawn = Drawn::read(CURVE).expect("a curve");
        assert_eq!(drawn.to_text(), CURVE);
        assert_eq!((drawn.tested, drawn.majority), (250, 125));
        assert_eq!((drawn.steps, drawn.seeds), (200, 2));
        assert_eq!(drawn.sizes, [8, 16, 32]);
        let frozen = &drawn.lines[&Line::Frozen];
        assert_eq!(frozen[..3], [Some(190), Some(201), None]);
        assert_eq!(drawn.lines[&Line::Scratch][2], Some(130));
        assert!(!drawn.lines.contains_key(&Line::Whole));
    }

    #[test]
    fn what_is_no_curve_is_refused() {
        for (from, to) in [
            ("0123456789abcdef", "0123"),
            ("0123456789abcdef", "0123456789ABCDEF"),
            (",250,", ",0,"),
            (",250,", ",99999999,"),
            (",125,", ",251,"),
            (",200,", ",0,"),
            (",200,", ",100001,"),
            (",2:", ",21:"),
            (":8,16,32:", ":8,32,16:"),
            (":8,16,32:", "::"),
            ("head,190", "head,251"),
            ("head,190", "head,-1"),
            ("head,190", "head,1e2"),
            ("head,190,", "head,"),
            ("scratch", "head"),
            ("scratch", "nothing"),
            (":head", ":head:head"),
        ] {
            let damaged = CURVE.replacen(from, to, 1);
            assert_ne!(damaged, CURVE);
            assert_eq!(Drawn::read(&damaged), None, "{damaged}");
        }
        assert_eq!(Drawn::read(""), None);
        assert_eq!(Drawn::read(&CURVE[..40]), None, "no line");
        let sizes: Vec<String> = (1..=25).map(|n| n.to_string()).collect();
        let many = format!(
            "0123456789abcdef,9,5,9,1:{}:head{}",
            sizes.join(","),
            ",".repeat(25)
        );
        assert_eq!(Drawn::read(&many), None);
    }
}
