//! How classes of `transformers` prepare a text by their settings, whatever a tokenizer.json says.

use super::TokenizerConfig;
use super::pipeline::Pipeline;
use tokenizers::normalizers::{BertNormalizer, Lowercase, NFKD, Replace, Sequence, StripAccents};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{NormalizerWrapper, Result};

/// BERT's classes; they cut a text into words, too.
pub(super) fn as_bert(inner: &mut Pipeline, config: &TokenizerConfig) -> Result<()> {
    let normalizer = BertNormalizer::new(
        true,
        config.tokenize_chinese_chars,
        config.strip_accents,
        config.do_lower_case,
    );
    inner.with_normalizer(Some(normalizer))?;
    inner.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(())
}

/// ALBERT's class, as transformers' tokenization_albert.py (5.24) has it. The table of characters of a file that
/// was made from a SentencePiece model stays.
pub(super) fn as_albert(inner: &mut Pipeline, config: &TokenizerConfig) -> Result<()> {
    let mut steps: Vec<NormalizerWrapper> = Vec::new();
    for quotes in ["``", "''"] {
        steps.push(Replace::new(quotes, "\"")?.into());
    }
    if !config.keep_accents {
        steps.extend([NFKD.into(), StripAccents.into()]);
    }
    if config.do_lower_case {
        steps.push(Lowercase.into());
    }
    let present: &[NormalizerWrapper] = match inner.get_normalizer() {
        Some(NormalizerWrapper::Sequence(all)) => all.as_ref(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let table = |step: &&NormalizerWrapper| matches!(step, NormalizerWrapper::Precompiled(_));
    steps.extend(present.iter().find(table).cloned());
    inner.with_normalizer(Some(Sequence::new(steps)))?;
    Ok(())
}
