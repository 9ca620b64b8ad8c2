//! The Prove panel: accuracy over the number of examples, for a head over the frozen encoder, the whole model, and the
//! same model from random weights.
//!
//! The frozen line comes first and takes seconds; the others are added when they are asked for, with an
//! estimate before. What is known stays: a curve that was stopped goes on where it was.

pub mod carried;
pub mod sight;
#[cfg(test)]
mod tests;
pub mod view;

use super::activity::Wish;
use super::{Effect, Memory, State, next};
use crate::failure::Failure;
use crate::link::Panel;
use crate::link::prove::{Drawn, Line, MAX_SEEDS, MAX_SIZES, MAX_STEPS};
use crate::protocol::{Command, CurveAsk, ProveCommand, ProveEvent, RequestId};
use crate::recipe::{Reading, TextSource};
use bert::train::Method;
use bert::train::curve::{Curve, CurveEvent, CurveRates};
use serde::{Deserialize, Serialize};

/// The share of the texts that is put aside to test with, and the most of them: every point reads them all.
const SHARE: f64 = 0.25;
const MOST_TESTED: f64 = 400.0;
/// What the form begins with.
const SEEDS: usize = 3;
const STEPS: usize = 200;

/// What a curve is of, where it was drawn here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Of {
    texts: Option<(TextSource, Reading)>,
    /// The SHA-256 of the model.
    model: String,
}

/// The curve that was drawn last, as this device keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    curve: Curve,
    of: Of,
    asked: CurveAsk,
}

/// A curve that is being drawn.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    id: RequestId,
    stopping: bool,
    /// What goes on.
    event: Option<CurveEvent>,
    /// Points that were known when it began.
    known: usize,
}

/// The Prove panel's state. The texts are Teach's.
#[derive(Clone, Debug, PartialEq)]
pub struct Prove {
    /// The form as it is typed.
    pub sizes: String,
    pub seeds: String,
    pub steps: String,
    /// What is known.
    curve: Option<Curve>,
    /// `None` for a curve that came with a link.
    of: Option<Of>,
    /// What was asked for last, for that curve.
    asked: Option<CurveAsk>,
    run: Option<Run>,
    /// How long pieces of work take here.
    rates: Option<CurveRates>,
    pub failure: Option<Failure>,
    /// Why its figures are in doubt, in a sentence.
    pub(super) doubt: Option<String>,
}

impl Default for Prove {
    fn default() -> Self {
        Self {
            sizes: String::new(),
            seeds: SEEDS.to_string(),
            steps: STEPS.to_string(),
            curve: None,
            of: None,
            asked: None,
            run: None,
            rates: None,
            failure: None,
            doubt: None,
        }
    }
}

/// The method that draws a line.
fn method(line: Line) -> Method {
    match line {
        Line::Frozen => Method::Head,
        Line::Whole => Method::All,
        Line::Scratch => Method::Scratch,
    }
}

/// A whole number that someone typed, within bounds.
fn typed(text: &str, name: &str, most: usize) -> Result<usize, String> {
    let number = text.trim().parse::<usize>().ok();
    number
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{name}: a whole number from 1 to {most}."))
}

impl Prove {
    /// Whether a curve is being drawn.
    pub fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// Whether it was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.stopping)
    }

    /// The lines of the curve that is known.
    pub(super) fn lines(&self) -> Vec<Line> {
        let has = |line: &Line| {
            let lines = self.curve.iter().flat_map(|curve| &curve.setup.lines);
            lines.into_iter().any(|own| own.method == method(*line))
        };
        Line::ALL.into_iter().filter(has).collect()
    }

    /// Whether a point has been drawn.
    pub(super) fn has_points(&self) -> bool {
        self.curve
            .as_ref()
            .is_some_and(|curve| !curve.points.is_empty())
    }

    /// How many points are still to come.
    fn missing(&self) -> usize {
        self.curve.as_ref().map_or(0, |curve| curve.missing().len())
    }

    /// What the form says, of these lines and so many texts.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    fn ask(&self, lines: &[Line], rows: usize) -> Result<CurveAsk, String> {
        let (mut sizes, mut all) = (Vec::new(), false);
        let words = self.sizes.split([',', ' ', ';', '\n']);
        for word in words.map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "all" => all = true,
                word => match word.parse::<usize>() {
                    Ok(size) if size > 0 => sizes.push(size),
                    _ => {
                        return Err(format!(
                            "Numbers of examples: such as 8, 16, 32, all; “{word}” is none."
                        ));
                    }
                },
            }
        }
        sizes.sort_unstable();
        sizes.dedup();
        if sizes.len() + usize::from(all) > MAX_SIZES {
            return Err(format!("Numbers of examples: {MAX_SIZES} at most."));
        }
        Ok(CurveAsk {
            methods: lines.iter().map(|line| method(*line)).collect(),
            sizes,
            all,
            seeds: typed(&self.seeds, "Seeds", MAX_SEEDS)?,
            steps: typed(&self.steps, "Steps", MAX_STEPS)?,
            share: SHARE.min(MOST_TESTED / rows.max(1) as f64),
        })
    }

    /// What a link says.
    pub(super) fn restore(&mut self, drawn: Option<Box<Drawn>>) {
        let Some(drawn) = drawn else { return };
        if self.drawn().as_ref() == Some(&*drawn) {
            // The address of the page as it is.
            return;
        }
        self.sizes = carried::numbers(&drawn.sizes);
        self.seeds = drawn.seeds.to_string();
        self.steps = drawn.steps.to_string();
        self.curve = Some(carried::curve(&drawn));
        self.of = None;
        self.asked = None;
        self.doubt = None;
        self.failure = None;
    }

    /// The curve as a link carries it.
    pub(super) fn drawn(&self) -> Option<Drawn> {
        self.curve.as_ref().and_then(carried::drawn)
    }

    /// The engine is gone, and with it what it was at; what is known stays.
    pub(super) fn abandon(&mut self) {
        self.run = None;
        self.rates = None;
    }

    /// Puts the failure away once it has been read.
    pub fn dismiss(&mut self) {
        self.failure = None;
    }
}

impl State {
    /// The curve for a link: where it is what one looks at, or came with a link itself.
    pub(super) fn curve_for_link(&self) -> Option<Drawn> {
        let shows = self.panel == Panel::Prove || self.prove.of.is_none();
        shows.then(|| self.prove.drawn()).flatten()
    }

    /// Whether the curve was drawn here, of the texts and the model that are open.
    pub fn is_curve_of_these(&self) -> bool {
        let Some(of) = &self.prove.of else {
            return false;
        };
        let same = match (&of.texts, &self.teach.texts()) {
            (Some((then, reading)), Some((now, present))) => {
                then.is_same(now) && reading == present
            }
            _ => false,
        };
        same && self.session.sha256() == Some(&of.model)
    }

    /// What the form asks for, with one line more than there are.
    fn curve_ask(&self, more: Option<Line>) -> Result<CurveAsk, String> {
        let mut lines = vec![Line::Frozen];
        if self.is_curve_of_these() {
            lines = self.prove.lines();
        }
        lines.extend(more.filter(|line| !lines.contains(line)));
        let rows = self.teach.report.as_ref().map_or(0, |report| report.rows);
        self.prove.ask(&lines, rows)
    }

    /// What is wrong with the form, in a sentence.
    pub fn curve_problem(&self) -> Option<String> {
        self.curve_ask(None).err()
    }

    /// Draws what is missing of the frozen line, or of the curve that there is.
    pub fn start_curve(&mut self) -> Vec<Effect> {
        self.wish(Wish::Prove(None))
    }

    /// Draws one line more.
    pub fn add_line(&mut self, line: Line) -> Vec<Effect> {
        self.wish(Wish::Prove(Some(line)))
    }

    pub(super) fn begin_curve(&mut self, line: Option<Line>) -> Vec<Effect> {
        let Ok(ask) = self.curve_ask(line) else {
            return Vec::new();
        };
        let earlier = self.is_curve_of_these();
        let earlier = self.prove.curve.clone().filter(|_| earlier);
        let of = Of {
            texts: self.teach.texts(),
            model: self.session.sha256().cloned().unwrap_or_default(),
        };
        let id = next(&mut self.ids);
        let prove = &mut self.prove;
        prove.failure = None;
        prove.asked = Some(ask.clone());
        prove.of = Some(of);
        if earlier.is_none() {
            (prove.curve, prove.doubt) = (None, None);
        }
        prove.run = Some(Run {
            id,
            stopping: false,
            event: None,
            known: 0,
        });
        let command = ProveCommand::Start {
            ask,
            earlier: earlier.map(Box::new),
            rehearse: prove.rates.is_none(),
        };
        vec![Effect::Send(Command::Prove { id, command })]
    }

    /// Puts the curve away, here and on the device.
    pub fn forget_curve(&mut self) -> Vec<Effect> {
        let prove = &mut self.prove;
        if prove.is_running() {
            return Vec::new();
        }
        (prove.curve, prove.of, prove.asked) = (None, None, None);
        prove.doubt = None;
        vec![Effect::Remember(Memory::Curve, String::new())]
    }

    /// Ends the drawing; what is known stays.
    pub fn stop_curve(&mut self) -> Vec<Effect> {
        let Some(run) = self.prove.run.as_mut().filter(|run| !run.stopping) else {
            return Vec::new();
        };
        run.stopping = true;
        let (id, command) = (run.id, ProveCommand::Stop);
        vec![Effect::Send(Command::Prove { id, command })]
    }

    /// What an earlier visit drew, unless a link has brought another curve: it goes on where it was once its texts and
    /// its model are open.
    pub(super) fn on_kept_curve(&mut self, text: &str) -> Vec<Effect> {
        let prove = &mut self.prove;
        let Ok(Kept { curve, of, asked }) = serde_json::from_str::<Kept>(text) else {
            return Vec::new();
        };
        let drawn = carried::drawn(&curve);
        if prove.is_running()
            || !carried::is_sound(&curve)
            || (prove.curve.is_some() && prove.drawn() != drawn)
        {
            return Vec::new();
        }
        prove.sizes = carried::numbers(&asked.sizes);
        if asked.all {
            let comma = if prove.sizes.is_empty() { "" } else { ", " };
            prove.sizes += &format!("{comma}all");
        }
        prove.seeds = asked.seeds.to_string();
        prove.steps = asked.steps.to_string();
        (prove.curve, prove.of, prove.asked) = (Some(curve), Some(of), Some(asked));
        Vec::new()
    }

    /// Keeps what is known, so that a reload of the page does not lose it.
    fn keep_curve(&self) -> Vec<Effect> {
        let prove = &self.prove;
        let (Some(curve), Some(of), Some(asked)) = (&prove.curve, &prove.of, &prove.asked) else {
            return Vec::new();
        };
        let kept = Kept {
            curve: curve.clone(),
            of: of.clone(),
            asked: asked.clone(),
        };
        let text = serde_json::to_string(&kept);
        let keep = |text| Effect::Remember(Memory::Curve, text);
        text.ok().map(keep).into_iter().collect()
    }

    /// Takes in what the engine says of a curve.
    pub(super) fn on_prove(&mut self, id: RequestId, event: ProveEvent) -> Vec<Effect> {
        let doubt = self.session.standing_doubt();
        let prove = &mut self.prove;
        let Some(run) = prove.run.as_mut().filter(|run| run.id == id) else {
            return Vec::new();
        };
        let is_point = matches!(
            event,
            ProveEvent::Happened {
                event: CurveEvent::Point(_)
            }
        );
        match event {
            ProveEvent::Started { curve } => {
                run.known = curve.points.len();
                prove.curve = Some(*curve);
                if doubt.is_some() {
                    prove.doubt = doubt;
                }
            }
            ProveEvent::Happened { event } => {
                if let (CurveEvent::Point(point), Some(curve)) = (&event, &mut prove.curve) {
                    curve.points.push(point.clone());
                }
                run.event = Some(event);
            }
            ProveEvent::Rates { rates } => prove.rates = Some(rates),
            ProveEvent::Done | ProveEvent::Stopped => prove.run = None,
            ProveEvent::Failed { failure } => {
                prove.failure = Some(failure);
                prove.run = None;
            }
        }
        match is_point {
            true => self.keep_curve(),
            false => Vec::new(),
        }
    }

    /// Another model: what was found out of the last one's pace is nothing to it.
    pub(super) fn on_model_for_prove(&mut self) {
        self.prove.rates = None;
    }
}
