//! The lesson: steps through the whole page. Each asks before it shows, sets the page up, and checks what was done.

mod setting;
mod steps;
mod words;

pub use steps::{STEPS, Step};
pub use words::{Paper, WORDS, Words};

use super::{Effect, Memory, State};
use serde::{Deserialize, Serialize};

/// The choices that each question has.
const CHOICES: usize = 3;

/// What is known of one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Which choice was made.
    pub answer: Option<usize>,
    /// Whether the check held once.
    pub done: bool,
}

/// The lesson's state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learn {
    /// The step that is open, from 0.
    pub open: Option<usize>,
    progress: [Progress; STEPS.len()],
    /// Whether the open step's button was pressed.
    begun: bool,
}

impl Learn {
    /// What is known of a step.
    pub fn progress(&self, step: usize) -> Progress {
        self.progress.get(step).copied().unwrap_or_default()
    }

    /// How many steps are done.
    pub fn done(&self) -> usize {
        self.progress.iter().filter(|step| step.done).count()
    }

    /// The step that is open, with its number from 0.
    pub fn step(&self) -> Option<(usize, &'static Step)> {
        let number = self.open?;
        Some((number, STEPS.get(number)?))
    }

    /// Opens a step, or none.
    pub fn open(&mut self, step: Option<usize>) {
        let step = step.filter(|step| *step < STEPS.len());
        if step != self.open {
            self.open = step;
            self.begun = false;
        }
    }

    /// The first step that is not done; the first of all where all are.
    pub fn next_to_do(&self) -> usize {
        let left = self.progress.iter().position(|step| !step.done);
        left.unwrap_or(0)
    }
}

impl State {
    /// Takes the answer to the open step's question; the first one counts.
    pub fn answer_step(&mut self, choice: usize) -> Vec<Effect> {
        let Some((number, _)) = self.learn.step() else {
            return Vec::new();
        };
        let progress = &mut self.learn.progress[number];
        if choice < CHOICES && progress.answer.is_none() {
            progress.answer = Some(choice);
        }
        self.keep_lesson()
    }

    /// Brings the page to where the open step begins.
    pub fn set_step(&mut self) -> Vec<Effect> {
        let Some((_, step)) = self.learn.step() else {
            return Vec::new();
        };
        self.learn.begun = true;
        self.set(&step.setting)
    }

    /// Whether the open step is done: notes it once its check holds. Called after every change.
    pub fn check_step(&mut self) -> Vec<Effect> {
        let Some((number, step)) = self.learn.step() else {
            return Vec::new();
        };
        let known = self.learn.progress[number];
        if known.done || known.answer.is_none() || !self.learn.begun {
            return Vec::new();
        }
        if !self.holds(step.check, step.setting.text) {
            return Vec::new();
        }
        self.learn.progress[number].done = true;
        self.keep_lesson()
    }

    /// Forgets all answers.
    pub fn begin_lesson_anew(&mut self) -> Vec<Effect> {
        self.learn = Learn::default();
        self.keep_lesson()
    }

    /// Why a step may not work with the present model, in a sentence.
    pub fn lesson_hint(&self) -> Option<&'static str> {
        match &self.session.model {
            None => Some("No model is loaded. The lesson is made for the bundled one."),
            Some(_) if !self.fills_blanks() => {
                Some("This model fills no blanks. The lesson is made for the bundled one.")
            }
            Some(_) => None,
        }
    }

    fn keep_lesson(&self) -> Vec<Effect> {
        let text = serde_json::to_string(&self.learn.progress.to_vec()).unwrap_or_default();
        vec![Effect::Remember(Memory::Lesson, text)]
    }

    /// What an earlier visit left.
    pub(super) fn on_kept_lesson(&mut self, text: &str) -> Vec<Effect> {
        let kept: Vec<Progress> = serde_json::from_str(text).unwrap_or_default();
        for (progress, kept) in self.learn.progress.iter_mut().zip(kept) {
            let answer = kept.answer.filter(|answer| *answer < CHOICES);
            *progress = Progress {
                answer,
                done: kept.done && answer.is_some(),
            };
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
