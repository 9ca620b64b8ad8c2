//! What the Prove panel says, in words.

use super::{Prove, method};
use crate::link::prove::Line;
use crate::state::activity::Wish;
use crate::state::{State, format};
use bert::train::Method;
use bert::train::curve::{CurveEvent, CurveRates, Place};

/// What the panel's first button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// The frozen line of texts and model that have no curve yet.
    First,
    /// What is missing.
    Rest,
    /// The same lines with what the form says now.
    Anew,
    /// Nothing: all points that the form asks for are there.
    Nothing,
}

impl Draw {
    pub fn label(self) -> &'static str {
        match self {
            Self::First => "Draw the frozen line",
            Self::Rest => "Resume",
            Self::Anew => "Draw with these settings",
            Self::Nothing => "",
        }
    }
}

fn line_of(found: Method) -> Line {
    let line = Line::ALL.into_iter().find(|line| method(*line) == found);
    line.unwrap_or(Line::Frozen)
}

/// A run in a few words.
fn words(place: &Place) -> String {
    format!(
        "{}, {} examples, seed {}",
        line_of(place.method).label(),
        format::grouped(place.size as u64),
        place.seed
    )
}

/// Milliseconds of a run that changes the encoder, judging included.
fn each(steps: usize, tested: usize, rates: &CurveRates) -> f64 {
    steps as f64 * rates.step + tested as f64 * rates.text
}

impl Prove {
    /// How far the drawing is, between 0 and 1.
    pub fn fraction(&self) -> f64 {
        let (Some(run), Some(curve)) = (&self.run, &self.curve) else {
            return 0.0;
        };
        let share = |done: usize, total: usize| done as f64 / total.max(1) as f64;
        let part = match &run.event {
            // The texts are read once for all heads, which take little.
            Some(CurveEvent::Features { done, total }) => return share(*done, *total),
            Some(CurveEvent::Learning {
                step,
                steps: Some(steps),
                ..
            }) => 0.9 * share(*step, *steps),
            Some(CurveEvent::Judging { done, total, place }) if place.method != Method::Head => {
                0.9 + 0.1 * share(*done, *total)
            }
            _ => 0.0,
        };
        let (missing, known) = (curve.missing().len(), curve.points.len());
        let done = known.saturating_sub(run.known);
        (done as f64 + part) / (done + missing).max(1) as f64
    }

    /// The same in words.
    pub fn line(&self) -> String {
        let Some(run) = &self.run else {
            return match (&self.curve, self.missing()) {
                (None, _) => String::new(),
                (Some(_), 0) => "All points are there.".to_owned(),
                (Some(_), 1) => "1 point is missing.".to_owned(),
                (Some(_), missing) => format!("{missing} points are missing."),
            };
        };
        if run.stopping {
            return "Stopping after this step".to_owned();
        }
        match &run.event {
            None => "Preparing".to_owned(),
            Some(CurveEvent::Features { done, total }) => format!(
                "The frozen encoder reads each text once: {} of {}",
                format::grouped(*done as u64),
                format::grouped(*total as u64)
            ),
            Some(CurveEvent::Learning {
                place,
                step,
                steps: Some(steps),
                loss,
            }) => format!("{}: step {step} of {steps}, loss {loss:.3}", words(place)),
            Some(CurveEvent::Learning { place, step, .. }) => {
                format!("{}: step {step}, until the loss settles", words(place))
            }
            Some(CurveEvent::Judging { place, done, total }) => {
                format!("{}: {done} of {total} test texts judged", words(place))
            }
            Some(CurveEvent::Point(point)) => format!(
                "{}: {} right",
                words(&point.place),
                format::share(point.accuracy)
            ),
            Some(CurveEvent::Done) => "Timing a step of the whole model".to_owned(),
        }
    }

    /// Milliseconds for what is missing of whole models, once the pace is known.
    fn left(&self) -> Option<f64> {
        let (rates, curve) = (self.rates.as_ref()?, self.curve.as_ref()?);
        let whole = curve.missing();
        let whole = whole.iter().filter(|place| place.method != Method::Head);
        let count = whole.count() as f64;
        let done = match self.run.as_ref().and_then(|run| run.event.as_ref()) {
            Some(CurveEvent::Learning {
                step,
                steps: Some(_),
                ..
            }) => *step as f64 * rates.step,
            _ => 0.0,
        };
        let left = count * each(curve.setup.steps, curve.tested, rates) - done;
        (count > 0.0).then_some(left.max(0.0))
    }

    /// The same in words; empty while nobody knows.
    pub fn left_line(&self) -> String {
        let left = self.left();
        left.map_or_else(String::new, |left| {
            format!("About {} to go.", format::duration(left))
        })
    }
}

impl State {
    /// What the first button does.
    pub fn curve_draw(&self) -> Draw {
        let prove = &self.prove;
        if !self.is_curve_of_these() {
            return Draw::First;
        }
        let asked = self.curve_ask(None).ok();
        // The lines do not come from the form.
        let same = |now: &crate::protocol::CurveAsk| {
            let then = prove.asked.as_ref();
            then.is_some_and(|then| {
                (&then.sizes, then.all, then.seeds, then.steps)
                    == (&now.sizes, now.all, now.seeds, now.steps)
            })
        };
        match prove.curve {
            None => Draw::First,
            Some(_) if !asked.as_ref().is_some_and(same) => Draw::Anew,
            Some(_) if prove.missing() > 0 => Draw::Rest,
            Some(_) => Draw::Nothing,
        }
    }

    /// Whether a line can be added: the frozen one is there, as the form asks for it.
    pub fn can_add(&self, line: Line) -> bool {
        !self.prove.is_running()
            && self.curve_draw() == Draw::Nothing
            && !self.prove.lines().contains(&line)
    }

    /// What adding a line takes, in words.
    pub fn estimate(&self, line: Line) -> String {
        let (Some(rates), Some(curve)) = (&self.prove.rates, &self.prove.curve) else {
            return String::new();
        };
        if line == Line::Frozen {
            return String::new();
        }
        let setup = &curve.setup;
        let runs = setup.sizes.len() * setup.seeds.len();
        let milliseconds = runs as f64 * each(setup.steps, curve.tested, rates);
        format!(
            "{runs} runs of {} steps, about {}",
            setup.steps,
            format::duration(milliseconds)
        )
    }

    /// What is missing before a curve can be drawn, or is to be known of the one that shows.
    pub fn curve_hint(&self) -> Option<String> {
        if self.prove.is_running() {
            return None;
        }
        let waits = || self.why_not(&Wish::Prove(None)).map(str::to_owned);
        self.curve_problem().or_else(waits)
    }

    /// Where the curve that shows comes from, if not from the texts and the model that are open.
    pub fn curve_origin(&self) -> Option<&'static str> {
        let prove = &self.prove;
        match (&prove.curve, &prove.of) {
            (None, _) => None,
            (Some(_), None) => Some(
                "This curve came with the link: whoever made it drew it from texts that did not come along.",
            ),
            (Some(_), Some(_)) if self.is_curve_of_these() => None,
            _ => Some(
                "This curve is of other texts, or of another model, than those that are open now. Drawing anew takes \
                 its place.",
            ),
        }
    }

    /// What is to be said of the curve's figures.
    pub fn curve_doubt(&self) -> Option<String> {
        self.prove.curve.as_ref()?;
        self.prove.doubt.clone()
    }

    /// What happens, for those who listen.
    pub fn curve_spoken(&self) -> Option<String> {
        let prove = &self.prove;
        match prove.run.as_ref().map(|run| &run.event) {
            // Points, not steps.
            Some(Some(CurveEvent::Point(_))) => Some(prove.line()),
            Some(_) => Some("Drawing the curve.".to_owned()),
            None => self.curve_sentence(),
        }
    }
}
