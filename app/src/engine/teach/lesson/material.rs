//! The examples of a run: labelled texts, texts to hide words in, pairs of them.

use crate::recipe::Goal;
use bert::config::HeadKind;
use bert::data::{Example, SentencePair, Text, Truth, label_counts};
use bert::export::Kind;
use bert::metrics::Confusion;
use bert::model::TaskHead;
use bert::train::{self, Recipe, Task};

/// The examples of a run of a head.
pub struct Labelled {
    pub(super) kind: HeadKind,
    pub labels: Vec<String>,
    pub(super) train: Vec<Example>,
    pub validation: Vec<Example>,
}

impl Labelled {
    /// What a head learns.
    pub fn as_lesson(&self) -> train::Lesson<'_> {
        train::Lesson {
            kind: self.kind,
            labels: &self.labels,
            train: &self.train,
            validation: &self.validation,
        }
    }
}

/// The examples of a run.
pub enum Material {
    Labelled(Labelled),
    /// Texts whose words are guessed: hidden ones, those that a generator replaced, or each next one.
    Plain {
        train: Vec<Text>,
        validation: Vec<Text>,
        goal: Goal,
    },
    /// Pairs to hide words in, and to say of whether the second text follows.
    Pairs {
        train: Vec<SentencePair>,
        validation: Vec<SentencePair>,
    },
}

impl Material {
    /// Examples to learn from, and to check with.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Labelled(labelled) => (labelled.train.len(), labelled.validation.len()),
            Self::Plain {
                train, validation, ..
            } => (train.len(), validation.len()),
            Self::Pairs { train, validation } => (train.len(), validation.len()),
        }
    }

    /// Examples to learn from and to check with, label by label; one number each where texts have no
    /// labels.
    pub fn counts(&self) -> (Vec<usize>, Vec<usize>) {
        match self {
            Self::Labelled(labelled)
                if matches!(labelled.kind, HeadKind::Classes | HeadKind::Labels) =>
            {
                let count = |examples: &[Example]| label_counts(examples, labelled.labels.len());
                (count(&labelled.train), count(&labelled.validation))
            }
            _ => {
                let (train, validation) = self.sizes();
                (vec![train], vec![validation])
            }
        }
    }

    /// The most texts of an example, where one of several is chosen.
    pub fn group(&self) -> usize {
        let Self::Labelled(labelled) = self else {
            return 1;
        };
        let texts = |example: &Example| match &example.truth {
            Truth::Choice { options, .. } => options.len(),
            _ => 1,
        };
        let all = labelled.train.iter().chain(&labelled.validation);
        all.map(texts).max().unwrap_or(1)
    }

    /// Whether each example is two texts.
    pub fn has_pairs(&self) -> bool {
        match self {
            Self::Labelled(labelled) if labelled.kind == HeadKind::Choice => true,
            Self::Labelled(labelled) => labelled.train.iter().any(|e| e.pair.is_some()),
            Self::Plain { train, .. } => train.iter().any(|t| t.pair.is_some()),
            Self::Pairs { .. } => true,
        }
    }

    /// The share of the validation set that always giving the most frequent class gets right.
    pub fn majority(&self) -> Option<f64> {
        match self {
            Self::Labelled(labelled) if labelled.kind == HeadKind::Classes => {
                let (train, validation) = self.counts();
                let confusion = Confusion::of_majority(&train, &validation);
                Some(confusion.metrics().accuracy)
            }
            _ => None,
        }
    }

    /// The head that a run makes; `None` where hidden words are learned.
    pub fn head(&self, recipe: &Recipe) -> Option<TaskHead> {
        match self {
            Self::Labelled(labelled) => Some(labelled.as_lesson().head(recipe)),
            Self::Plain { .. } | Self::Pairs { .. } => None,
        }
    }

    /// What is learned from it.
    pub fn task(&self, recipe: &Recipe) -> Task {
        match self {
            Self::Labelled(labelled) => labelled.as_lesson().task(recipe.pooling),
            Self::Plain { goal, .. } => match goal {
                Goal::Replaced => Task::Replaced,
                Goal::NextWord => Task::NextWord,
                _ => Task::MaskedLm,
            },
            Self::Pairs { .. } => Task::MaskedLmAndNext,
        }
    }

    /// What a model that has learned it is saved as.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Labelled(_) => Kind::Head,
            Self::Plain {
                goal: Goal::Replaced,
                ..
            } => Kind::Replaced,
            Self::Plain { .. } => Kind::MaskedLm,
            Self::Pairs { .. } => Kind::Pretraining,
        }
    }

    /// The texts to check with, where words are hidden in them.
    pub fn held_out(&self) -> Option<Vec<Text>> {
        match self {
            Self::Labelled(_) => None,
            Self::Plain { validation, .. } => Some(validation.clone()),
            Self::Pairs { validation, .. } => {
                Some(validation.iter().map(|pair| pair.text.clone()).collect())
            }
        }
    }
}
