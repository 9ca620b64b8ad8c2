//! Words hidden in a few texts, to be looked at.

use super::tell;
use crate::engine::Engine;
use crate::protocol::{Deal, DealtToken, RequestId, TeachEvent};
use bert::data::{Masker, Masking, Random, sentences};
use bert::tokenizer::Tokenizer;

/// Texts that are shown.
const SHOWN: usize = 5;
/// Tokens of each.
const TOKENS: usize = 64;

impl Engine {
    /// Hides words of the visitor's texts, or of the first ones of those that are open.
    pub(super) fn deal(&self, id: RequestId, texts: &str, masking: Masking, seed: u64) {
        let Some(language) = self.place.language() else {
            return tell(id, TeachEvent::Cancelled);
        };
        let mut found = sentences(texts);
        if found.is_empty() {
            let lesson = self.classroom.lesson.borrow();
            found = (lesson.as_ref()).map_or_else(Vec::new, |lesson| lesson.first_texts(SHOWN));
        }
        found.truncate(SHOWN);
        let deal = deal(&language.tokenizer, &found, masking, seed);
        tell(id, TeachEvent::Dealt { deal });
    }
}

fn deal(tokenizer: &Tokenizer, texts: &[String], masking: Masking, seed: u64) -> Deal {
    let masker = Some(masking).filter(|masking| masking.problems().is_empty());
    let Some(masker) = masker.and_then(|masking| Masker::with(tokenizer, masking)) else {
        return Deal::default();
    };
    let mut random = Random::new(seed, 0);
    let dealt = |text: &String| {
        let encoding = tokenizer.encode(text, None, TOKENS);
        let masked = masker.mask(&encoding, &mut random);
        let name = |id: u32| tokenizer.id_to_token(id).unwrap_or_default();
        let token = |place: usize| DealtToken {
            text: encoding.tokens[place].clone(),
            dealt: (masked.positions.iter().position(|at| *at == place))
                .map(|i| (name(masked.ids[place]), masked.treatments[i])),
        };
        let places = (0..encoding.ids.len()).filter(|place| !encoding.special[*place]);
        places.map(token).collect()
    };
    Deal {
        texts: texts.iter().map(dealt).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dealt_is_the_chosen_share_and_no_special_token() {
        let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n.";
        let tokenizer = Tokenizer::from_vocab_txt(vocabulary, true).expect("a vocabulary");
        let text = vec!["a b c d . ".repeat(8)];
        let masking = Masking::default();
        let first = deal(&tokenizer, &text, masking, 1);
        assert_eq!(first.texts[0].len(), 40);
        let asked = |deal: &Deal| {
            let tokens = deal.texts[0].iter().enumerate();
            let asked = tokens.filter(|(_, token)| token.dealt.is_some());
            asked.map(|(i, _)| i).collect::<Vec<_>>()
        };
        assert_eq!(asked(&first).len(), 6);
        assert_ne!(asked(&first), asked(&deal(&tokenizer, &text, masking, 2)));
        assert_eq!(first, deal(&tokenizer, &text, masking, 1));
        let none = Masking {
            share: 2.0,
            ..masking
        };
        assert_eq!(deal(&tokenizer, &text, none, 1), Deal::default());
    }
}
