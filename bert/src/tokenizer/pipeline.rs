//! The pipeline of the `tokenizers` crate, without its way back from tokens to text: nothing here
//! goes that way, and all its decoders would be a part of what a browser downloads.

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use tokenizers::{
    Decoder, ModelWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    TokenizerImpl,
};

/// From a text to its tokens.
pub(super) type Pipeline = TokenizerImpl<
    ModelWrapper,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    NoDecoder,
>;

/// Stands where a file has a decoder, and reads over it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoDecoder;

impl<'de> Deserialize<'de> for NoDecoder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Decoder for NoDecoder {
    fn decode_chain(&self, tokens: Vec<String>) -> tokenizers::Result<Vec<String>> {
        Ok(tokens)
    }
}
