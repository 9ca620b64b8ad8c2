//! Making a new model: a text, a size, what it would take, and the way to its first run.

mod form;
#[cfg(test)]
mod tests;

pub use form::{GOALS, MakeField, PRESETS, Preset};

use super::session::Engine;
use super::{Effect, State, format, next};
use crate::checkpoint::basket::Offered;
use crate::checkpoint::lone::Taken;
use crate::failure::Failure;
use crate::link::Panel;
use crate::protocol::{
    Command, MakeCommand, MakeEvent, MakeStage, Outlook, RequestId, Size, TextFacts,
};
use crate::recipe::{Field, Goal, MethodChoice, TextSource};
use crate::state::activity::Wish;
use crate::state::teach::prose_reading;

/// Texts of a step of the first run.
const BATCH: usize = 32;
/// The share of a new model's text that is held out, in per cent.
const HELD: usize = 10;
/// What ends the name of a twin that reads left to right.
const TWIN: &str = "-left-to-right";
/// Documents that a text has at least for pairs to be made of it.
const DOCUMENTS: usize = 4;
/// Epochs of a run at most.
const MOST_EPOCHS: usize = 1000;

/// What goes on in the engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    id: RequestId,
    /// Whether a model is made; else a text is read.
    makes: bool,
    stage: MakeStage,
    done: u64,
    total: u64,
}

/// The form for a new model, and what the engine said of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Make {
    /// What stands in the box for pasting.
    pub pasted: String,
    pub source: Option<TextSource>,
    pub form: form::Form,
    pub facts: Option<TextFacts>,
    pub outlook: Option<Outlook>,
    pub failure: Option<Failure>,
    /// The largest vocabulary that the text bears, where more was asked for.
    pub bears: Option<usize>,
    /// What the model that was made last is taught by; `None` before the first.
    pub made: Option<Goal>,
    work: Option<Work>,
    planning: Option<RequestId>,
}

impl Make {
    /// Whether the engine is at work for it.
    pub fn is_busy(&self) -> bool {
        self.work.is_some()
    }

    /// What goes on, in words, and how far it is.
    pub fn work_line(&self) -> Option<(String, Option<f64>)> {
        let work = self.work.as_ref()?;
        let share = (work.total > 0).then(|| work.done as f64 / work.total as f64);
        let of = |what: &str| {
            let [done, total] = [work.done, work.total].map(format::grouped);
            match work.total {
                0 => what.to_owned(),
                _ => format!("{what}: {done} of {total}"),
            }
        };
        let line = match work.stage {
            MakeStage::Read => "Reading the text".to_owned(),
            MakeStage::Count => of("Counting the words: sentences"),
            MakeStage::Vocabulary => of("Learning the vocabulary: tokens"),
            MakeStage::Cut => of("Cutting the text into pieces: sentences"),
            MakeStage::Weights => format!(
                "Drawing random weights: {} of {}",
                format::bytes(work.done),
                format::bytes(work.total)
            ),
        };
        Some((line, share))
    }

    /// The text that was read, in a sentence.
    pub fn text_line(&self) -> Option<String> {
        let facts = self.facts.as_ref()?;
        let count = |count: u64| format::grouped(count);
        Some(format!(
            "{}: {} words, {} of them different, in {}.",
            facts.name,
            count(facts.words),
            count(facts.different as u64),
            match facts.sentences {
                1 => "1 sentence".to_owned(),
                many => format!("{} sentences", count(many as u64)),
            }
        ))
    }

    /// What the model would take, in sentences.
    pub fn outlook_lines(&self) -> Vec<String> {
        let Some(outlook) = self
            .outlook
            .as_ref()
            .filter(|outlook| outlook.parameters > 0)
        else {
            return Vec::new();
        };
        let mut lines = vec![format!(
            "{} parameters, {} of weights; about {} on the device while it learns.",
            format::parameters(outlook.parameters),
            format::bytes(outlook.weights),
            format::bytes(outlook.training)
        )];
        if let (Some(seconds), Ok((_, steps))) = (outlook.seconds, self.form.size()) {
            lines.push(format!(
                "{} steps of {BATCH} texts would take about {} here.",
                format::grouped(steps as u64),
                format::duration(seconds * 1000.0)
            ));
        }
        lines
    }

    /// What keeps it from being made, in sentences.
    pub fn problems(&self) -> Vec<String> {
        match self.form.size() {
            Err(problems) => problems,
            Ok(_) => {
                let of_size = self.outlook.iter().flat_map(|outlook| &outlook.problems);
                of_size.cloned().chain(self.too_few_documents()).collect()
            }
        }
    }

    /// Why no pairs can be made of the text, where the next sentence is to teach.
    fn too_few_documents(&self) -> Option<String> {
        let documents = self.facts.as_ref()?.documents;
        (self.form.goal == Goal::Next && documents < DOCUMENTS).then(|| {
            let found = match documents {
                1 => "one document".to_owned(),
                count => format!("{count} documents"),
            };
            format!(
                "The next sentence is told from one of another document. This text is {found}, {DOCUMENTS} are needed, two of \
                 them held out: put an empty line after each, or take hidden words alone."
            )
        })
    }

    /// What should be known of the text.
    pub fn notes(&self) -> Vec<String> {
        let of_text = self.facts.iter().flat_map(|facts| &facts.notes);
        let of_size = self.outlook.iter().flat_map(|outlook| &outlook.notes);
        of_text.chain(of_size).cloned().collect()
    }

    /// The engine is gone, and with it the text that it had read.
    pub(super) fn abandon(&mut self) {
        self.work = None;
        self.planning = None;
        self.facts = None;
    }
}

impl State {
    fn make_command(&mut self, command: MakeCommand) -> (RequestId, Effect) {
        let id = next(&mut self.ids);
        (id, Effect::Send(Command::Make { id, command }))
    }

    fn begin_work(&mut self, makes: bool, command: MakeCommand) -> Vec<Effect> {
        self.make.failure = None;
        self.make.bears = None;
        let stage = match makes {
            true => MakeStage::Vocabulary,
            false => MakeStage::Read,
        };
        let (id, effect) = self.make_command(command);
        self.make.work = Some(Work {
            id,
            makes,
            stage,
            done: 0,
            total: 0,
        });
        vec![effect]
    }

    /// Takes a text for a new model, and has its words counted.
    pub fn choose_make_text(&mut self, source: TextSource) -> Vec<Effect> {
        self.make.source = Some(source);
        self.read_make_text()
    }

    fn read_make_text(&mut self) -> Vec<Effect> {
        self.make.facts = None;
        let Some(source) = self.make.source.clone() else {
            return Vec::new();
        };
        if self.session.engine != Engine::Alive {
            return Vec::new();
        }
        let lower_case = !self.make.form.cased;
        self.begin_work(false, MakeCommand::Read { source, lower_case })
    }

    /// A new engine has read nothing yet.
    pub(super) fn on_alive_for_make(&mut self) -> Vec<Effect> {
        self.read_make_text()
    }

    /// Tells capitals apart, or not: the words are counted anew.
    pub fn choose_cased(&mut self, cased: bool) -> Vec<Effect> {
        self.make.form.cased = cased;
        self.read_make_text()
    }

    /// Takes one of the named sizes.
    pub fn choose_preset(&mut self, preset: Preset) -> Vec<Effect> {
        self.make.form.take(preset);
        self.plan_make()
    }

    /// Takes the largest vocabulary that the text bears.
    pub fn take_borne_vocabulary(&mut self) -> Vec<Effect> {
        let Some(bears) = self.make.bears.take() else {
            return Vec::new();
        };
        self.make.failure = None;
        self.make
            .form
            .edit(MakeField::Vocabulary, bears.to_string());
        self.plan_make()
    }

    /// The form changed: ask what the model would take.
    pub fn plan_make(&mut self) -> Vec<Effect> {
        self.make.planning = None;
        let Ok((size, steps)) = self.make.form.size() else {
            self.make.outlook = None;
            return Vec::new();
        };
        if self.make.facts.is_none() || self.session.device.is_none() {
            return Vec::new();
        }
        let batch = BATCH;
        let (id, effect) = self.make_command(MakeCommand::Plan { size, steps, batch });
        self.make.planning = Some(id);
        vec![effect]
    }

    /// Why no model can be made now.
    pub fn why_not_make(&self) -> Option<&'static str> {
        let make = &self.make;
        if self.session.engine != Engine::Alive || self.session.device.is_none() {
            Some("The engine is still starting.")
        } else if make.is_busy() {
            Some("The text is being worked on.")
        } else if make.facts.is_none() {
            Some("Choose a text first.")
        } else if !make.problems().is_empty() {
            Some("Change what is named in red.")
        } else if self.session.loading.is_some() {
            Some("A model is being loaded.")
        } else {
            self.why_not(&Wish::Load(self.session.bundled()))
        }
    }

    /// Makes it.
    pub fn make_model(&mut self) -> Vec<Effect> {
        let Ok((size, _)) = self.make.form.size() else {
            return Vec::new();
        };
        if self.why_not_make().is_some() {
            return Vec::new();
        }
        let name = self.free_name(&self.make.form.name());
        let seed = 42;
        self.begin_work(true, MakeCommand::Make { name, size, seed })
    }

    /// Chooses what is to teach it: what it would take changes.
    pub fn choose_make_goal(&mut self, goal: Goal) -> Vec<Effect> {
        self.make.form.goal = goal;
        self.plan_make()
    }

    /// Makes the twin of the model that was made last: the same text, size, vocabulary and first weights, read the other way.
    pub fn make_twin(&mut self) -> Vec<Effect> {
        let Some(made) = self.make.made else {
            return Vec::new();
        };
        let form = &mut self.make.form;
        let named = form.named.trim().trim_end_matches(TWIN).to_owned();
        form.goal = twin_of(made);
        form.named = match (named.is_empty(), form.goal) {
            (true, _) => String::new(),
            (false, Goal::NextWord) => format!("{named}{TWIN}"),
            (false, _) => named,
        };
        self.make_model()
    }

    /// Gives up what the engine does for it.
    pub fn cancel_make(&mut self) -> Vec<Effect> {
        match self.make.work {
            Some(_) => vec![self.make_command(MakeCommand::Cancel).1],
            None => Vec::new(),
        }
    }

    /// Takes in what the engine says of a new model. A model that was made comes by [`State::on_made`].
    pub(super) fn on_make(&mut self, id: RequestId, event: MakeEvent) -> Vec<Effect> {
        let make = &mut self.make;
        match event {
            MakeEvent::Planned { outlook } => {
                if make.planning.take_if(|planning| *planning == id).is_some() {
                    make.outlook = Some(outlook);
                }
                return Vec::new();
            }
            MakeEvent::Working { stage, done, total } => {
                if let Some(work) = make.work.as_mut().filter(|work| work.id == id) {
                    (work.stage, work.done, work.total) = (stage, done, total);
                }
                return Vec::new();
            }
            _ => {}
        }
        let Some(work) = make.work.take_if(|work| work.id == id) else {
            return Vec::new();
        };
        match event {
            MakeEvent::Read { facts } => {
                make.facts = Some(facts);
                self.plan_make()
            }
            MakeEvent::Failed { failure, bears } => {
                make.failure = Some(failure);
                make.bears = bears;
                if !work.makes {
                    make.source = None;
                }
                Vec::new()
            }
            MakeEvent::Cancelled if !work.makes => {
                make.source = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// A model was made, whose files are with the page: it is loaded, and all is laid out for its first run, on the text that it
    /// was made for. `pieces`: how many texts that is cut into.
    pub fn on_made(&mut self, id: RequestId, pieces: usize, files: &[Offered]) -> Vec<Effect> {
        if self.make.work.take_if(|work| work.id == id).is_none() {
            return Vec::new();
        }
        self.session.basket = Default::default();
        let Some(Taken::Checkpoint(source)) = self.session.offer(files) else {
            return Vec::new();
        };
        let (Ok((size, steps)), Some(text)) = (self.make.form.size(), self.make.source.clone())
        else {
            return Vec::new();
        };
        self.make.made = Some(size.goal);
        self.lay_out_run(size, epochs(pieces, steps));
        self.teach.source = Some(text);
        self.teach.reading = prose_reading();
        self.teach.report = None;
        self.teach.plan = None;
        self.teach.read_when_loaded();
        self.panel = Panel::Teach;
        self.load(source)
    }

    fn lay_out_run(&mut self, size: Size, epochs: usize) {
        let settings = &mut self.teach.settings;
        settings.choose_goal(size.goal);
        settings.choose(MethodChoice::All);
        // Wider models want smaller steps.
        let rate = match size.hidden {
            ..=128 => "2e-3",
            129..=256 => "1e-3",
            _ => "5e-4",
        };
        for (field, text) in [
            (Field::LearningRate, rate.to_owned()),
            (Field::Epochs, epochs.to_string()),
            (Field::Batch, BATCH.to_string()),
            (Field::MaxTokens, size.max_tokens.to_string()),
            (Field::Share, HELD.to_string()),
        ] {
            settings.edit(field, text);
        }
    }
}

/// What teaches a twin that reads the other way.
fn twin_of(goal: Goal) -> Goal {
    match goal {
        Goal::NextWord => Goal::Masks,
        _ => Goal::NextWord,
    }
}

/// Epochs that are so many steps, at least.
fn epochs(pieces: usize, steps: usize) -> usize {
    let held = (pieces * HELD).div_ceil(100).max(1);
    let train = pieces.saturating_sub(held).max(1);
    let each = train.div_ceil(BATCH.min(train));
    steps.div_ceil(each).clamp(1, MOST_EPOCHS)
}
