//! The part of the wire that makes a new model: a text, a size, a vocabulary, random weights.

use crate::failure::Failure;
use crate::recipe::{Goal, TextSource};
use bert::config::{BertShape, Config};
use serde::{Deserialize, Serialize};

/// What a new model is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
    /// The longest text, in tokens.
    pub max_tokens: usize,
    /// What is to teach it.
    pub goal: Goal,
}

impl Size {
    /// Its config.json, and what that says.
    ///
    /// # Errors
    /// What is wrong with the size, in words.
    pub fn config(self) -> Result<(String, Config), Vec<String>> {
        match self.goal {
            Goal::NextWord => self.shape().causal(),
            Goal::Replaced => self.shape().electra(),
            Goal::Labels | Goal::Masks | Goal::Next => self.shape().config(),
        }
    }

    /// As the model's own code names it.
    pub fn shape(self) -> BertShape {
        BertShape {
            layers: self.layers,
            hidden: self.hidden,
            heads: self.heads,
            vocabulary: self.vocabulary,
            max_tokens: self.max_tokens,
        }
    }
}

/// From the page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakeCommand {
    /// Read a text and count its words, in place of the text that was read before; a file is the attachment.
    /// With `lower_case` capitals and accents are not told apart.
    Read {
        source: TextSource,
        lower_case: bool,
    },
    /// Say what a model of this size would take to learn the text in so many steps of so many texts.
    Plan {
        size: Size,
        steps: usize,
        batch: usize,
    },
    /// Train a vocabulary on the text that was read, and make a model of random weights.
    Make { name: String, size: Size, seed: u64 },
    /// Give up what is under way.
    Cancel,
}

/// A text that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextFacts {
    pub name: String,
    pub sentences: usize,
    /// Parts of it that an empty line ends.
    pub documents: usize,
    pub words: u64,
    pub different: usize,
    /// What should be known of it, in sentences.
    pub notes: Vec<String>,
}

/// What a new model would take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    pub parameters: u64,
    /// Bytes of the weights as they rest.
    pub weights: u64,
    /// Bytes on the device while all of it learns, about.
    pub training: u64,
    /// Seconds of learning, about; `None` where the device could not be timed.
    pub seconds: Option<f64>,
    /// Why there can be no such model here, in sentences.
    pub problems: Vec<String>,
    /// What should be known of it.
    pub notes: Vec<String>,
}

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakeStage {
    /// Bytes of the text.
    Read,
    /// Sentences.
    Count,
    /// Tokens of the vocabulary.
    Vocabulary,
    /// Sentences, cut into pieces by the new vocabulary.
    Cut,
    /// Bytes of the weights.
    Weights,
}

/// The files of a folder but for the weights, which are the message's attachment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FolderFiles {
    /// The folder's name.
    pub name: String,
    /// Names and texts.
    pub texts: Vec<(String, String)>,
}

/// From the engine to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakeEvent {
    /// How far it is.
    Working {
        stage: MakeStage,
        done: u64,
        total: u64,
    },
    Read {
        facts: TextFacts,
    },
    Planned {
        outlook: Outlook,
    },
    /// The model is there, as a folder; the weights are the attachment.
    Made {
        folder: FolderFiles,
        /// Pieces of the text, of the longest text's length.
        pieces: usize,
    },
    Cancelled,
    Failed {
        failure: Failure,
        /// The largest vocabulary that the text bears, where that is what was wrong.
        bears: Option<usize>,
    },
}
