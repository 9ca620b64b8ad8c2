//! BERT from a checkpoint's bytes to predictions: configuration, weights, tokenizer, model and probes; and back,
//! by training, to a folder that `transformers` loads.
//!
//! Texts become ids as the reference makes them:
//!
//! ```
//! use bert::tokenizer::Tokenizer;
//!
//! let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n##s";
//! let tokenizer = Tokenizer::from_vocab_txt(vocabulary, true)?;
//! let encoding = tokenizer.encode("The cats [MASK]", None, 16);
//! assert_eq!(encoding.tokens, ["[CLS]", "the", "cat", "##s", "[MASK]", "[SEP]"]);
//! assert_eq!(encoding.ids, [2, 5, 6, 7, 4, 3]);
//! # Ok::<(), bert::tokenizer::TokenizerError>(())
//! ```
//!
//! A file of weights is read as it comes, in pieces of any size, and never held:
//!
//! ```
//! use bert::checkpoint::{Sink, TensorInfo, WeightsStream};
//!
//! /// Adds up what it is given.
//! #[derive(Default)]
//! struct Bytes(usize);
//!
//! impl Sink for Bytes {
//!     type Error = std::convert::Infallible;
//!
//!     fn header(&mut self, _: &[TensorInfo]) -> Result<(), Self::Error> {
//!         Ok(())
//!     }
//!
//!     fn data(&mut self, _: &[TensorInfo], _: usize, _: u64, bytes: &[u8]) -> Result<(), Self::Error> {
//!         self.0 += bytes.len();
//!         Ok(())
//!     }
//! }
//!
//! let header = r#"{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}"#;
//! let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 8]].concat();
//! let mut stream = WeightsStream::new(None, Bytes::default());
//! for piece in file.chunks(7) {
//!     stream.push(piece)?;
//! }
//! assert_eq!(stream.finish()?.0, 8);
//! # Ok::<(), bert::checkpoint::StreamError<std::convert::Infallible>>(())
//! ```
//!
//! [`model::ModelLoader`] is such a sink; [`probe::fill_mask`] asks a model for hidden words, and
//! [`train::Training`] teaches it.

#![warn(missing_docs)]

pub mod bench;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod decimal;
pub mod export;
pub mod inside;
pub mod metrics;
pub mod model;
pub mod probe;
pub mod tags;
pub mod tokenizer;
pub mod train;
