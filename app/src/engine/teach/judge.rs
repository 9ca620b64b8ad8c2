//! What a model guesses of held-out hidden words before a run and after it, of the run's own texts and of another.

use super::lesson::Material;
use super::run::Ended;
use super::tell;
use crate::engine::io::worker::{breathe, ticks};
use crate::engine::resident::Resident;
use crate::engine::slot::Lease;
use crate::protocol::{Guesses, RequestId, TeachEvent};
use crate::recipe::Setup;
use bert::data::{blocks, unigram_entropy};
use bert::train::{OtherTexts, Training};
use kernels::{CancelToken, Control};

/// How often the page hears of it.
const TELL_EVERY_MS: f64 = 150.0;
/// The most pieces of another text that are judged.
const MOST_OTHER: usize = 400;

/// What is judged.
pub(super) struct Judge {
    id: RequestId,
    other: Option<OtherTexts>,
    entropy: f64,
    control: Control,
}

impl Judge {
    /// `None` where no words are hidden.
    pub async fn new(
        id: RequestId,
        setup: &Setup,
        material: &Material,
        cancel: &CancelToken,
        lease: &Lease<Resident>,
    ) -> Option<Self> {
        let validation = material.held_out()?;
        let resident = lease.lock().await;
        let tokenizer = &resident.language.tokenizer;
        let max_tokens = setup.recipe.max_tokens;
        let entropy = unigram_entropy(&validation, tokenizer, max_tokens);
        let other = setup.other.as_deref().and_then(|text| {
            let mut pieces = blocks(text, tokenizer, max_tokens);
            pieces.truncate(MOST_OTHER);
            OtherTexts::new(&resident.model, tokenizer, &pieces, &setup.recipe).ok()
        });
        Some(Self {
            id,
            other,
            entropy,
            control: Control::new(cancel.clone(), breathe),
        })
    }

    /// Judges the model as it stands, and tells the page.
    pub async fn guess(
        &self,
        before: bool,
        training: &mut Training,
        lease: &Lease<Resident>,
    ) -> Result<(), Ended> {
        let model = &mut lease.lock().await.model;
        let mut told = ticks();
        let mut hear = |done, total| {
            if ticks() - told >= TELL_EVERY_MS {
                told = ticks();
                tell(self.id, TeachEvent::Judging { done, total });
            }
        };
        let held = training.held_out(model, &mut hear, &self.control).await?;
        let other = match &self.other {
            Some(texts) => Some(
                training
                    .held_out_of(model, texts, &mut hear, &self.control)
                    .await?,
            ),
            None => None,
        };
        let guesses = Guesses {
            held,
            other,
            entropy: self.entropy,
        };
        tell(self.id, TeachEvent::Guessed { before, guesses });
        Ok(())
    }
}
