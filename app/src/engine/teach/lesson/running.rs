//! Running text, and the pieces that it is cut into.

use super::BREATH;
use super::material::Material;
use crate::recipe::Setup;
use bert::data::{Blocks, Prose, Text};
use bert::tokenizer::Tokenizer;
use kernels::LocalBoxFuture;
use std::cell::RefCell;
use std::rc::Rc;

/// The fewest pieces of a running text that can be learned from: one at least is held out.
const FEWEST_PIECES: usize = 2;

/// A running text, which is cut into pieces for a model.
pub(super) struct Running {
    prose: Prose,
    pieces: RefCell<Option<Pieces>>,
}

/// The pieces for the model of a hash, each of so many tokens at most.
struct Pieces {
    hash: String,
    max_tokens: usize,
    texts: Rc<Vec<Text>>,
}

impl Running {
    /// `None` where there is no sentence.
    pub fn new(text: &str) -> Option<Self> {
        let prose = Prose::read(text);
        (!prose.documents().is_empty()).then(|| Self {
            prose,
            pieces: RefCell::default(),
        })
    }

    /// Its documents.
    pub fn prose(&self) -> &Prose {
        &self.prose
    }

    /// Cuts the text into pieces, once for a model and a length.
    pub async fn cut(
        &self,
        hash: &str,
        tokenizer: &Tokenizer,
        max_tokens: usize,
        breathe: fn() -> LocalBoxFuture<'static, ()>,
    ) {
        let is_this = |one: &Pieces| one.hash == hash && one.max_tokens == max_tokens;
        if self.pieces.borrow().as_ref().is_some_and(is_this) {
            return;
        }
        let mut blocks = Blocks::new(tokenizer, max_tokens);
        for (i, sentence) in self.prose.sentences().enumerate() {
            blocks.push(tokenizer, sentence);
            if i % BREATH == BREATH - 1 {
                breathe().await;
            }
        }
        *self.pieces.borrow_mut() = Some(Pieces {
            hash: hash.to_owned(),
            max_tokens,
            texts: Rc::new(blocks.finish()),
        });
    }

    /// The pieces, of which the last are held out.
    pub fn material(&self, setup: &Setup) -> Result<Material, String> {
        let pieces = self.pieces.borrow();
        let texts = pieces.as_ref().map(|pieces| pieces.texts.clone());
        let texts = texts.unwrap_or_default();
        if texts.len() < FEWEST_PIECES {
            return Err(format!(
                "The text fills {} of {} tokens: at least {FEWEST_PIECES} are needed, one of which is held out. Take a longer \
                 text, or a shorter longest text.",
                match texts.len() {
                    1 => "1 piece".to_owned(),
                    count => format!("{count} pieces"),
                },
                setup.recipe.max_tokens
            ));
        }
        let held = (setup.share * texts.len() as f64).round() as usize;
        let train = texts.len() - held.clamp(1, texts.len() - 1);
        Ok(Material::Plain {
            train: texts[..train].to_vec(),
            validation: texts[train..].to_vec(),
            goal: setup.goal,
        })
    }
}
