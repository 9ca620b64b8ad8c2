//! Which tokens of a vocabulary play which part.

use serde::Deserialize;
use tokenizers::AddedToken;

use super::load::TokenizerError;
use super::pipeline::Pipeline;
use super::{Special, SpecialTokens};

/// The spellings of each part, BERT's first, then RoBERTa's. ALBERT mixes them.
const CLS: [&str; 2] = ["[CLS]", "<s>"];
const SEP: [&str; 2] = ["[SEP]", "</s>"];
const UNK: [&str; 2] = ["[UNK]", "<unk>"];
const PAD: [&str; 2] = ["[PAD]", "<pad>"];
const MASK: [&str; 2] = ["[MASK]", "<mask>"];

/// The special tokens that a `tokenizer_config.json` or a `special_tokens_map.json` names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SpecialNames {
    /// `[CLS]` by its name here.
    pub cls_token: Option<TokenName>,
    /// `[SEP]` by its name here.
    pub sep_token: Option<TokenName>,
    /// `[UNK]` by its name here.
    pub unk_token: Option<TokenName>,
    /// `[PAD]` by its name here.
    pub pad_token: Option<TokenName>,
    /// `[MASK]` by its name here.
    pub mask_token: Option<TokenName>,
}

/// A token's spelling; files hold it bare, or in an object with settings of the token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TokenName {
    /// `"[MASK]"`
    Bare(String),
    /// `{"content": "[MASK]", ...}`
    Settings(TokenSettings),
}

/// How an added token is found in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenSettings {
    /// The spelling.
    pub content: String,
    /// Whether it takes the spaces before it.
    pub lstrip: bool,
    /// Whether it takes the spaces behind it.
    pub rstrip: bool,
    /// Whether it is looked for in the text as the normalizer left it; unless it is special, it is.
    pub normalized: Option<bool>,
    /// Whether it must stand alone.
    pub single_word: bool,
    /// Whether it has a part to play.
    pub special: bool,
}

impl TokenName {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Bare(text) => text,
            Self::Settings(settings) => &settings.content,
        }
    }

    /// The special token of this name.
    pub(super) fn added(&self) -> AddedToken {
        match self {
            Self::Bare(text) => AddedToken::from(text.as_str(), true),
            Self::Settings(settings) => TokenSettings {
                special: true,
                ..settings.clone()
            }
            .added(),
        }
    }
}

impl TokenSettings {
    pub(super) fn added(&self) -> AddedToken {
        AddedToken::from(self.content.as_str(), self.special)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .single_word(self.single_word)
            .normalized(self.normalized.unwrap_or(!self.special))
    }
}

impl SpecialNames {
    fn all(&self) -> [&Option<TokenName>; 5] {
        [
            &self.unk_token,
            &self.sep_token,
            &self.pad_token,
            &self.cls_token,
            &self.mask_token,
        ]
    }

    /// The tokens that are named, and those of `others` that are not.
    pub(super) fn added(&self, others: [&str; 5]) -> Vec<AddedToken> {
        let token = |(name, other): (&Option<TokenName>, &str)| match name {
            Some(name) => name.added(),
            None => AddedToken::from(other, true),
        };
        self.all().into_iter().zip(others).map(token).collect()
    }

    /// The spellings that are named.
    pub(super) fn texts(&self) -> Vec<&str> {
        let named = self.all().into_iter().flatten();
        named.map(TokenName::text).collect()
    }

    /// These names, and where there is none here those of `other`.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            cls_token: self.cls_token.or(other.cls_token),
            sep_token: self.sep_token.or(other.sep_token),
            unk_token: self.unk_token.or(other.unk_token),
            pad_token: self.pad_token.or(other.pad_token),
            mask_token: self.mask_token.or(other.mask_token),
        }
    }
}

/// Finds the special tokens of a vocabulary: by the names that are given, else by the spellings
/// of the families, of which one that the tokenizer marks as special goes first.
///
/// # Errors
/// A name that the vocabulary lacks, or no `[CLS]`, `[SEP]` or `[UNK]`.
pub(super) fn find(
    inner: &Pipeline,
    names: &SpecialNames,
    file: &'static str,
) -> Result<SpecialTokens, TokenizerError> {
    let added = inner.get_added_tokens_decoder();
    let special = |text: &str| {
        let id = inner.token_to_id(text)?;
        let text = text.to_owned();
        Some(Special { id, text })
    };
    let known = |spellings: [&str; 2]| {
        let found = spellings.into_iter().filter_map(special);
        found.min_by_key(|s| !added.get(&s.id).is_some_and(|token| token.special))
    };
    let part = |name: &Option<TokenName>, spellings| match name {
        None => Ok(known(spellings)),
        Some(name) => match special(name.text()) {
            Some(found) => Ok(Some(found)),
            None => Err(TokenizerError::Inconsistent(format!(
                "its vocabulary lacks {:?}, which tokenizer_config.json names as a special token",
                name.text().chars().take(60).collect::<String>()
            ))),
        },
    };
    let cls = part(&names.cls_token, CLS)?;
    let sep = part(&names.sep_token, SEP)?;
    let unk = part(&names.unk_token, UNK)?;
    // What is missing goes by the spelling of what is there.
    let style = usize::from(
        [&cls, &sep]
            .into_iter()
            .flatten()
            .any(|s| s.text.starts_with('<')),
    );
    let mut missing = Vec::new();
    for (found, spellings) in [(&cls, CLS), (&sep, SEP), (&unk, UNK)] {
        if found.is_none() {
            missing.push(spellings[style]);
        }
    }
    let (Some(cls), Some(sep), Some(unk)) = (cls, sep, unk) else {
        return Err(TokenizerError::MissingSpecialTokens { file, missing });
    };
    Ok(SpecialTokens {
        cls,
        sep,
        unk,
        // Few files need these two, and a name that leads nowhere is no reason to refuse one.
        pad: part(&names.pad_token, PAD).unwrap_or_else(|_| known(PAD)),
        mask: part(&names.mask_token, MASK).unwrap_or_else(|_| known(MASK)),
    })
}
