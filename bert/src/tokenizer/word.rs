//! A word that a hidden place could hold: one token.

use super::Tokenizer;

/// As many pieces of a word as are told.
const MOST_PIECES: usize = 16;

/// Why a word can stand at no hidden place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// It is not there, not even in pieces.
    #[error("“{0}” is not in this model's vocabulary")]
    Unknown(String),
    /// It is several tokens.
    #[error(
        "“{word}” is {} pieces in this model's vocabulary ({}), and a hidden place holds one",
        pieces.len(),
        pieces.join(", ")
    )]
    Pieces {
        /// As it was typed.
        word: String,
        /// The pieces' spellings.
        pieces: Vec<String>,
    },
}

impl Tokenizer {
    /// The token that a word is inside a text, or that is spelled so, such as `##ing`.
    ///
    /// # Errors
    /// [`WordError`] where it is not exactly one.
    pub fn word(&self, typed: &str) -> Result<u32, WordError> {
        let typed = typed.trim();
        // Byte-level vocabularies tell a word after a space from one that begins a text.
        let encoding = self.encode(&format!(" {typed}"), None, MOST_PIECES);
        let pieces: Vec<usize> = (0..encoding.ids.len())
            .filter(|&at| encoding.sequence[at].is_some())
            .collect();
        match pieces[..] {
            [one] if encoding.ids[one] != self.unk_id() => return Ok(encoding.ids[one]),
            _ => {}
        }
        if let Some(id) = self.token_to_id(typed) {
            return Ok(id);
        }
        match pieces[..] {
            [] | [_] => Err(WordError::Unknown(typed.to_owned())),
            _ => Err(WordError::Pieces {
                word: typed.to_owned(),
                pieces: pieces
                    .iter()
                    .map(|&at| encoding.tokens[at].clone())
                    .collect(),
            }),
        }
    }
}
