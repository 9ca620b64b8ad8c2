//! What a curve is of, what is known of it, and what is still to be computed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::{Lesson, Method, Recipe};
use crate::config::HeadKind;
use crate::data::Truth;
use crate::model::Model;

/// The most points of a curve.
const MOST_POINTS: usize = 2000;
/// The most steps of a run.
const MOST_STEPS: usize = 100_000;
/// Steps of a run, unless told otherwise: as many for 8 examples as for all, since three epochs of 8 examples would be two
/// or three steps, in which nothing is learned (Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning").
const STEPS: usize = 200;
/// Texts of a head's step: its features are small.
const HEAD_BATCH: usize = 256;

/// What a curve is of: every size for every seed by every method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveSetup {
    /// Numbers of examples to learn from, rising.
    pub sizes: Vec<usize>,
    /// Each draws its own subsets and first weights.
    pub seeds: Vec<u64>,
    /// Steps of every run but a head's, which ends when its loss has settled.
    pub steps: usize,
    /// A line each; their epochs, seeds and settling are not used.
    pub lines: Vec<Recipe>,
}

/// A point of a curve: which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The line that it is of.
    pub method: Method,
    /// Examples to learn from.
    pub size: usize,
    /// Drew them.
    pub seed: u64,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Which run.
    #[serde(flatten)]
    pub place: Place,
    /// The share of the test texts whose class it got right.
    #[serde(deserialize_with = "figure")]
    pub accuracy: f64,
    /// The mean of the classes' F1 there.
    #[serde(deserialize_with = "figure")]
    pub macro_f1: f64,
    /// The mean loss of its last steps, at most 64; no number where it diverged.
    #[serde(deserialize_with = "figure")]
    pub train_loss: f64,
    /// Steps that it took.
    pub steps: usize,
    /// Whether the loss ended as no number: such a point tells nothing and is in no line.
    pub diverged: bool,
}

/// A figure that may be no number, for which JSON has `null`.
pub(super) fn figure<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// A curve as far as it is known. It may be kept, and gone on with on another day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What it is of.
    pub setup: CurveSetup,
    /// Names model, texts and labels, so that no two curves are mixed.
    pub source: String,
    /// Test texts.
    pub tested: usize,
    /// The accuracy of always answering with the class that is the most frequent among the texts to learn from.
    pub majority: f64,
    /// The points so far, in the order in which they came.
    pub points: Vec<CurvePoint>,
}

impl CurveSetup {
    /// The usual recipes for these methods on this model.
    pub fn new(model: &Model, methods: &[Method], sizes: Vec<usize>, seeds: usize) -> Self {
        let line = |&method: &Method| {
            let recipe = Recipe::for_model(method, model);
            match method {
                Method::Head => Recipe {
                    batch: HEAD_BATCH,
                    ..recipe
                },
                _ => recipe,
            }
        };
        Self {
            sizes,
            seeds: (1..=seeds as u64).collect(),
            steps: STEPS,
            lines: methods.iter().map(line).collect(),
        }
    }

    /// Everything that is wrong with it for so many texts of so many classes, in words; empty if it can be run.
    pub fn problems(&self, texts: usize, classes: usize) -> Vec<String> {
        let mut problems: Vec<String> = self.lines.iter().flat_map(Recipe::problems).collect();
        let mut check = |fine: bool, message: String| {
            if !fine {
                problems.push(message);
            }
        };
        let rises = self.sizes.windows(2).all(|pair| pair[0] < pair[1]);
        check(
            rises && !self.sizes.is_empty(),
            format!(
                "sizes {:?}: some numbers, each above the one before",
                self.sizes
            ),
        );
        for &size in &self.sizes {
            check(
                (classes..=texts).contains(&size),
                format!(
                    "size {size}: there are {texts} texts to learn from, and {classes} classes, of each of which \
                     a balanced subset has one: take {classes} to {texts}"
                ),
            );
        }
        let distinct = |i: usize| !self.seeds[..i].contains(&self.seeds[i]);
        check(
            !self.seeds.is_empty() && (0..self.seeds.len()).all(distinct),
            format!("seeds {:?}: at least one, no two alike", self.seeds),
        );
        let distinct = |i: usize| {
            let method = |line: &Recipe| line.method == self.lines[i].method;
            !self.lines[..i].iter().any(method)
        };
        check(
            !self.lines.is_empty() && (0..self.lines.len()).all(distinct),
            "lines: at least one method, no two alike".to_owned(),
        );
        let lengths: Vec<usize> = self.lines.iter().map(|line| line.max_tokens).collect();
        check(
            lengths.windows(2).all(|pair| pair[0] == pair[1]),
            format!("longest texts {lengths:?}: the same for all lines"),
        );
        check(
            (1..=MOST_STEPS).contains(&self.steps),
            format!("steps {}: 1 to {MOST_STEPS}", self.steps),
        );
        let points = self.sizes.len() * self.seeds.len() * self.lines.len();
        check(
            points <= MOST_POINTS,
            format!("{points} points: {MOST_POINTS} at most; take fewer sizes or seeds"),
        );
        problems
    }

    /// All its points in the order in which they are computed: the heads first, since they take seconds; of the others all
    /// sizes of one seed before the next, so that every line is whole as soon as can be.
    pub fn places(&self) -> Vec<Place> {
        let of = |seed: u64, line: &Recipe, size: usize| Place {
            method: line.method,
            size,
            seed,
        };
        let (heads, others): (Vec<_>, Vec<_>) =
            (self.lines.iter()).partition(|line| line.method == Method::Head);
        let mut places = Vec::new();
        for lines in [heads, others] {
            for &seed in &self.seeds {
                for &size in &self.sizes {
                    places.extend(lines.iter().map(|line| of(seed, line, size)));
                }
            }
        }
        places
    }

    /// The recipe of a line.
    pub(super) fn line(&self, method: Method) -> Option<&Recipe> {
        self.lines.iter().find(|line| line.method == method)
    }
}

impl Curve {
    /// Nothing known yet.
    pub(super) fn new(
        model: &Model,
        lesson: &Lesson<'_>,
        setup: CurveSetup,
        majority: f64,
    ) -> Self {
        Self {
            setup,
            source: source(model, lesson),
            tested: lesson.validation.len(),
            majority,
            points: Vec::new(),
        }
    }

    /// What of it is still to be computed, in this order.
    pub fn missing(&self) -> Vec<Place> {
        let is_there = |place: &Place| self.points.iter().any(|point| point.place == *place);
        let places = self.setup.places().into_iter();
        places.filter(|place| !is_there(place)).collect()
    }

    /// Takes over the points of an earlier curve of the same model, texts and settings; its sizes, seeds and methods may be
    /// others.
    ///
    /// # Errors
    /// What differs, in words.
    pub(super) fn go_on_from(&mut self, earlier: &Curve) -> Result<(), String> {
        if earlier.source != self.source {
            return Err("the model, the texts or the labels are others".to_owned());
        }
        if earlier.setup.steps != self.setup.steps {
            return Err(format!(
                "its runs have {} steps, these {}",
                earlier.setup.steps, self.setup.steps
            ));
        }
        for line in &earlier.setup.lines {
            if self.setup.line(line.method).is_some_and(|own| own != line) {
                return Err(format!("the settings of {:?} differ", line.method));
            }
        }
        let known = self.setup.places();
        let wanted = earlier.points.iter().filter(|p| known.contains(&p.place));
        self.points = wanted.cloned().collect();
        Ok(())
    }
}

/// A hash of what a curve is computed from.
fn source(model: &Model, lesson: &Lesson<'_>) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(model.sha256().as_bytes());
    lesson.labels.iter().for_each(|label| add(label.as_bytes()));
    for set in [lesson.train, lesson.validation] {
        add(&(set.len() as u64).to_le_bytes());
        for example in set {
            add(example.text.as_bytes());
            add(example.pair.as_deref().unwrap_or_default().as_bytes());
            add(&(example.truth.class().unwrap_or(0) as u64).to_le_bytes());
        }
    }
    let digest = hash.finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What stands in the way of a curve over these texts.
pub(super) fn refused(lesson: &Lesson<'_>) -> Option<String> {
    let is_class = |truth: &Truth| {
        truth
            .class()
            .is_some_and(|class| class < lesson.labels.len())
    };
    let mut all = lesson.train.iter().chain(lesson.validation);
    if lesson.kind != HeadKind::Classes || !all.all(|example| is_class(&example.truth)) {
        return Some("a curve is of accuracy: the texts need one class each".to_owned());
    }
    let (classes, tests) = (lesson.labels.len(), lesson.validation.len());
    (classes < 2 || tests == 0).then(|| {
        format!("there are {classes} classes and {tests} texts to test with: at least 2 and 1 are needed")
    })
}
