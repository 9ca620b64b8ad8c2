//! Past runs as this device keeps them: what each was, what it came to, and its curves of loss, to be compared. Their
//! weights are not kept, but for the last run's.

mod picture;

use super::run::{Phase, Run};
use crate::link::Panel;
use crate::recipe::carried::METHODS;
use crate::recipe::{MethodChoice, Setup, rate_text};
use crate::state::inside::sight::Sight;
use crate::state::{Effect, Memory, State, format};
use bert::train::{Ending, Method};
use picture::{drawing, points};
use serde::{Deserialize, Serialize};

/// The most runs that are kept; the oldest goes first.
const MOST: usize = 20;
/// The most that are drawn over one another: as many as there are colours that can be told apart.
const DRAWN: usize = 4;
/// The most points of a curve, and characters of a name, that are kept.
const POINTS: usize = 120;
const NAME: usize = 60;
const CAVEAT: &str = "How it misleads: losses of different goals, or over other texts, are on different scales, and a lower \
                      training loss is not a better model. Compare the results on the same texts.";

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastRun {
    /// When it began, in milliseconds since 1970: its name.
    pub began: f64,
    /// What it learned from, and the model.
    texts: String,
    model: String,
    setup: Setup,
    /// Examples to learn from, and to check with.
    train: usize,
    validation: usize,
    steps: usize,
    milliseconds: f64,
    /// How it ended, in a word or two.
    ending: String,
    /// The best epoch, its validation loss, and its figure by name.
    best: Option<(usize, f64, String, f64)>,
    /// Loss by step, and validation loss.
    training: Vec<(f64, f64)>,
    validating: Vec<(f64, f64)>,
}

/// What the panel knows of past runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// The newest last.
    runs: Vec<PastRun>,
    /// Those that someone took out of the picture, or put in.
    chosen: Vec<(f64, bool)>,
}

/// A few numbers, since fewer digits are seen.
fn short(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(POINTS).max(1);
    let finite = points.iter().filter(|(_, y)| y.is_finite());
    let points: Vec<(f64, f64)> = finite.copied().collect();
    let means = points.chunks(every).map(|chunk| {
        let n = chunk.len() as f64;
        let sum = chunk.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        ((sum.0 / n).round(), (sum.1 / n * 1e4).round() / 1e4)
    });
    means.collect()
}

fn cut(name: &str) -> String {
    name.chars().take(NAME).collect()
}

impl PastRun {
    fn of(run: &Run, texts: &str, model: &str) -> Self {
        let training: Vec<_> = (run.steps.iter())
            .map(|step| (step.step as f64, step.loss))
            .collect();
        let per_epoch = run.steps_per_epoch();
        let validating: Vec<_> = (run.epochs.iter())
            .map(|epoch| (epoch.epoch as f64 * per_epoch, epoch.validation_loss))
            .collect();
        let best = run.best().map(|epoch| {
            let (name, figure) = epoch.figures.first();
            let name = name.to_owned();
            (epoch.epoch, epoch.validation_loss, name, figure)
        });
        let ending = match run.phase {
            Phase::Done {
                ending: Ending::Epochs,
                ..
            } => "all epochs",
            Phase::Done { .. } => "settled",
            Phase::Diverged { .. } => "diverged",
            _ => "stopped",
        };
        Self {
            began: run.began,
            texts: cut(texts),
            model: cut(model),
            setup: Setup {
                // No texts are kept.
                other: None,
                ..run.setup.clone()
            },
            train: run.train,
            validation: run.validation,
            steps: run.position().0,
            milliseconds: run.milliseconds,
            ending: ending.to_owned(),
            best,
            training: short(&training),
            validating: short(&validating),
        }
    }

    /// What can differ between runs, by name.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let recipe = &self.setup.recipe;
        let goal = self.setup.goal.label().to_lowercase();
        let method = match recipe.method {
            Method::Head => name_of(&METHODS, &MethodChoice::Head),
            Method::LastLayers(n) => format!("last {n}"),
            Method::All => "whole model".to_owned(),
            Method::Scratch => name_of(&METHODS, &MethodChoice::Scratch),
        };
        let epochs = match recipe.settles {
            true => "until it settles".to_owned(),
            false => recipe.epochs.to_string(),
        };
        vec![
            ("Texts", self.texts.clone()),
            ("Model", self.model.clone()),
            ("Goal", goal),
            ("Method", method),
            ("Rate", rate_text(recipe.learning_rate)),
            ("Epochs", epochs),
            ("Batch size", recipe.batch.to_string()),
            ("Dropout", recipe.dropout.to_string()),
            ("Examples", format::grouped(self.train as u64)),
            ("Seed", recipe.seed.to_string()),
        ]
    }

    /// What it came to.
    fn result(&self) -> String {
        match &self.best {
            Some((_, _, name, figure)) if name == "accuracy" => {
                format!("{} right", format::share(*figure))
            }
            Some((_, _, name, figure)) => format!("{name} {figure:.3}"),
            None => "–".to_owned(),
        }
    }

    fn is_sound(&self) -> bool {
        let finite = |points: &Vec<(f64, f64)>| {
            points.len() <= POINTS + 1 && points.iter().all(|(x, y)| x.is_finite() && y.is_finite())
        };
        let recipe = &self.setup.recipe;
        self.began.is_finite()
            && finite(&self.training)
            && finite(&self.validating)
            && recipe.problems().is_empty()
    }
}

fn name_of<T: PartialEq>(names: &[(T, &str)], choice: &T) -> String {
    let found = names.iter().find(|(this, _)| this == choice);
    found.map_or_else(String::new, |(_, name)| (*name).to_owned())
}

/// A row of the panel's table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub began: f64,
    /// What it is called in the picture.
    pub number: String,
    pub drawn: bool,
    /// As many as there are columns.
    pub cells: Vec<String>,
}

impl Past {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// What the device kept: what is no list of runs is none.
    pub fn parse(text: &str) -> Vec<PastRun> {
        let runs: Vec<PastRun> = serde_json::from_str(text).unwrap_or_default();
        let sound = runs.into_iter().filter(PastRun::is_sound);
        let mut runs: Vec<PastRun> = sound.collect();
        let old = runs.len().saturating_sub(MOST);
        runs.drain(..old);
        runs
    }

    fn to_text(&self) -> String {
        serde_json::to_string(&self.runs).unwrap_or_default()
    }

    /// The names of what differs, and what is the same in all, in a sentence.
    fn columns(&self) -> (Vec<&'static str>, String) {
        let facts: Vec<_> = self.runs.iter().map(PastRun::facts).collect();
        let (mut differing, mut same) = (Vec::new(), Vec::new());
        let Some(first) = facts.first() else {
            return (differing, String::new());
        };
        for (place, (name, value)) in first.iter().enumerate() {
            match facts.iter().all(|facts| facts[place].1 == *value) && facts.len() > 1 {
                true => same.push(format!("{} {value}", name.to_lowercase())),
                false => differing.push(*name),
            }
        }
        let same = match same.is_empty() {
            true => String::new(),
            false => format!("The same in all: {}.", same.join(", ")),
        };
        (differing, same)
    }

    /// Which are drawn: those that are chosen, and of the others the newest.
    fn drawn(&self) -> Vec<usize> {
        let choice = |run: &PastRun| {
            let found = self.chosen.iter().find(|(began, _)| *began == run.began);
            found.map(|(_, drawn)| *drawn)
        };
        let all = self.runs.iter().enumerate().rev();
        let chosen = all.clone().filter(|(_, run)| choice(run) == Some(true));
        let others = all.filter(|(_, run)| choice(run).is_none());
        let mut drawn: Vec<usize> = chosen.chain(others).map(|(i, _)| i).take(DRAWN).collect();
        drawn.sort_unstable();
        drawn
    }

    /// The table's columns, its rows with the newest first, and what is the same in all.
    pub fn table(&self) -> (Vec<&'static str>, Vec<Row>, String) {
        let (names, same) = self.columns();
        let drawn = self.drawn();
        let rows = self.runs.iter().enumerate().rev().map(|(i, run)| {
            let facts = run.facts().into_iter();
            let differing = facts.filter(|(name, _)| names.contains(name));
            let mut cells: Vec<String> = differing.map(|(_, value)| value).collect();
            cells.push(run.result());
            cells.push(
                run.best
                    .as_ref()
                    .map_or("–".to_owned(), |best| format!("{:.3}", best.1)),
            );
            cells.push(format!(
                "{}, {} steps",
                run.ending,
                format::grouped(run.steps as u64)
            ));
            cells.push(format::duration(run.milliseconds));
            Row {
                began: run.began,
                number: format!("Run {}", i + 1),
                drawn: drawn.contains(&i),
                cells,
            }
        });
        let rows = rows.collect();
        let mut columns = names;
        columns.extend(["Result", "Validation loss", "Ended", "Time"]);
        (columns, rows, same)
    }

    /// The curves over one another.
    pub fn sight(&self, width: f64) -> Option<Sight> {
        let drawn: Vec<(usize, &PastRun)> = (self.drawn().into_iter())
            .map(|i| (i, &self.runs[i]))
            .filter(|(_, run)| !run.training.is_empty())
            .collect();
        if drawn.is_empty() {
            return None;
        }
        let (names, _) = self.columns();
        let label = |(i, run): &(usize, &PastRun)| {
            let facts = run.facts().into_iter();
            let told: Vec<String> = facts
                .filter(|(name, _)| names.contains(name))
                .take(3)
                .map(|(_, value)| value)
                .collect();
            match told.is_empty() {
                true => format!("Run {}", i + 1),
                false => format!("Run {}: {}", i + 1, told.join(", ")),
            }
        };
        let labels: Vec<String> = drawn.iter().map(label).collect();
        let best = drawn
            .iter()
            .filter_map(|(i, run)| Some((i, run.best.as_ref()?)));
        let best = best.min_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let lowest = best.map_or_else(String::new, |(i, best)| {
            format!(
                " Of these run {} has the lowest validation loss, {:.3} after epoch {}.",
                i + 1,
                best.1,
                best.0
            )
        });
        let count = match drawn.len() {
            1 => "The loss of one run".to_owned(),
            count => format!("The loss of {count} runs"),
        };
        Some(Sight {
            sentence: format!("{count} by step: lines are training, dots validation.{lowest}"),
            drawing: drawing(&drawn, &labels, width),
            table: points(&drawn),
            caveat: CAVEAT,
        })
    }
}

impl State {
    /// What earlier visits left.
    pub fn on_past_runs(&mut self, text: &str) -> Vec<Effect> {
        self.teach.past.runs = Past::parse(text);
        Vec::new()
    }

    /// Takes the run that shows among the past ones, if it has ended and learned.
    pub(super) fn remember_run(&mut self) -> Vec<Effect> {
        let Some(run) = &self.teach.run else {
            return Vec::new();
        };
        if run.is_under_way() || run.steps.is_empty() {
            return Vec::new();
        }
        let texts = self
            .teach
            .source
            .as_ref()
            .map_or("", |source| source.name());
        let model = self.session.model.as_ref().map_or("", |model| &model.name);
        let past = PastRun::of(run, texts, model);
        let runs = &mut self.teach.past.runs;
        runs.retain(|known| known.began != past.began);
        runs.push(past);
        let old = runs.len().saturating_sub(MOST);
        runs.drain(..old);
        self.keep_past()
    }

    fn keep_past(&self) -> Vec<Effect> {
        vec![Effect::Remember(Memory::Runs, self.teach.past.to_text())]
    }

    /// Draws a past run's curves, or leaves them out.
    pub fn draw_past(&mut self, began: f64, drawn: bool) {
        let chosen = &mut self.teach.past.chosen;
        chosen.retain(|(known, _)| *known != began);
        chosen.push((began, drawn));
    }

    /// Puts a past run's recipe into the form.
    pub fn take_past(&mut self, began: f64) -> Vec<Effect> {
        let runs = self.teach.past.runs.iter();
        let found = runs.into_iter().find(|run| run.began == began);
        let Some(setup) = found.map(|run| run.setup.clone()) else {
            return Vec::new();
        };
        self.panel = Panel::Teach;
        self.teach.settings.show(&setup);
        self.plan()
    }

    /// Forgets a past run.
    pub fn forget_past(&mut self, began: f64) -> Vec<Effect> {
        self.teach.past.runs.retain(|run| run.began != began);
        self.keep_past()
    }
}

#[cfg(test)]
mod tests;
