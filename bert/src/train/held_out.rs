//! What a model guesses of hidden words as it stands: before a run, after it, and of other texts than the run's own.

use kernels::Control;
use serde::{Deserialize, Serialize};

use super::encode::Encoded;
use super::event::TrainError;
use super::run::{Training, limit};
use super::score::Words;
use super::texts::{Asked, Texts};
use super::{Inputs, Recipe};
use crate::data::{self, Masker, Random, Text, batches};
use crate::metrics::Figures;
use crate::model::Model;
use crate::tokenizer::Tokenizer;

/// What a model made of the hidden words of some texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The mean loss, in nats.
    pub loss: f64,
    /// The share that was guessed.
    pub accuracy: f64,
    /// The share that was among the five likeliest guesses.
    pub top5: f64,
    /// Hidden words.
    pub words: usize,
}

/// Texts that are no run's own, with words to guess in them: hidden once, or each next one by a model that reads left to right.
pub struct OtherTexts(Texts);

impl OtherTexts {
    /// Cuts texts as a run of this recipe would, and hides words in them as it would.
    ///
    /// # Errors
    /// A tokenizer without `[MASK]`, or no text with a word to hide.
    pub fn new(
        model: &Model,
        tokenizer: &Tokenizer,
        texts: &[Text],
        recipe: &Recipe,
    ) -> Result<Self, TrainError> {
        let asked = match model.config().causal {
            true => Asked::Next,
            false => {
                Asked::Hidden(Masker::with(tokenizer, recipe.masking).ok_or(TrainError::NoMask)?)
            }
        };
        let limit = limit(model, recipe);
        let texts = texts.iter().enumerate();
        let texts = texts.map(|(i, text)| Encoded::text(tokenizer, limit, text, i));
        let texts: Vec<Encoded> = texts.filter(|text| asked.asks(text)).collect();
        if texts.is_empty() {
            let message = "no text has a word to guess".to_owned();
            return Err(TrainError::Data(message));
        }
        Ok(Self(Texts::asked(texts, 0, recipe.seed, asked)))
    }
}

impl Training {
    /// What the model guesses, as it stands, of the words hidden in the run's validation texts: the same ones as in
    /// every epoch's evaluation. Between two calls of [`Training::advance`]; changes nothing. `progress` hears how many of how many
    /// texts are done.
    ///
    /// # Errors
    /// A run that hides no words, one that is cancelled, or the device failed.
    pub async fn held_out(
        &mut self,
        model: &mut Model,
        progress: &mut dyn FnMut(usize, usize),
        control: &Control,
    ) -> Result<HeldOut, TrainError> {
        let from = self.texts.train();
        let lengths = self.texts.lengths(from..self.texts.len());
        let mut counted = Counted::default();
        for mut batch in self.judged_batches(model, &lengths) {
            batch.examples.iter_mut().for_each(|place| *place += from);
            let inputs = self.inputs(&batch);
            self.count(model, &inputs, &mut counted, control).await?;
            progress(counted.texts, lengths.len());
        }
        Ok(counted.held_out())
    }

    /// The same of other texts.
    ///
    /// # Errors
    /// As [`Training::held_out`].
    pub async fn held_out_of(
        &mut self,
        model: &mut Model,
        OtherTexts(texts): &OtherTexts,
        progress: &mut dyn FnMut(usize, usize),
        control: &Control,
    ) -> Result<HeldOut, TrainError> {
        let lengths = texts.lengths(0..texts.len());
        let mut counted = Counted::default();
        for batch in self.judged_batches(model, &lengths) {
            let inputs = Inputs::Texts(texts.batch(&batch.examples, batch.tokens));
            self.count(model, &inputs, &mut counted, control).await?;
            progress(counted.texts, lengths.len());
        }
        Ok(counted.held_out())
    }

    fn judged_batches(&self, model: &Model, lengths: &[usize]) -> Vec<data::Batch> {
        let limit = model.config().max_tokens();
        batches(lengths, self.recipe.part(), limit, &mut Random::new(0, 0))
    }

    async fn count(
        &mut self,
        model: &mut Model,
        inputs: &Inputs,
        counted: &mut Counted,
        control: &Control,
    ) -> Result<(), TrainError> {
        if !self.task.guesses_words() {
            let message = "this run guesses no words".to_owned();
            return Err(TrainError::Data(message));
        }
        let found = self.learner.guess(model, inputs, control).await?;
        let masks = inputs.targets().masks().len();
        counted.words.add(inputs.targets(), &found);
        counted.loss += found.losses[0] * masks as f64;
        counted.masks += masks;
        counted.texts += inputs.texts();
        Ok(())
    }
}

/// Hidden words that were judged so far.
#[derive(Default)]
struct Counted {
    words: Words,
    /// The sum of their losses.
    loss: f64,
    masks: usize,
    texts: usize,
}

impl Counted {
    fn held_out(self) -> HeldOut {
        let (accuracy, top5) = match self.words.figures() {
            Figures::Words { accuracy, top5, .. } => (accuracy, top5),
            _ => (0.0, 0.0),
        };
        HeldOut {
            loss: self.loss / self.masks.max(1) as f64,
            accuracy,
            top5,
            words: self.masks,
        }
    }
}
