//! Labelled texts: from a file's bytes to examples, a split, batches and masks.
//!
//! A file is one text a line, TSV, CSV (RFC 4180) with commas, semicolons or bars, or JSON, in UTF-8,
//! with or without a header. The way is [`Format::guess`] → [`Table::parse`] → [`Columns::guess`] →
//! [`Dataset::new`], and the caller may overrule every guess; [`Table::notes`] and
//! [`Report::notes`] are what a user should know of it. Nothing here reads a file or asks for entropy: the same bytes and the same
//! seed give the same result everywhere.

mod batch;
mod blocks;
mod columns;
mod dataset;
mod delimited;
mod encoding;
mod error;
mod foreign;
mod format;
mod header;
mod json;
mod labels;
mod marked;
mod mask;
mod notes;
mod prose;
mod random;
mod split;
mod table;
mod truth;
mod values;

pub(crate) use batch::padded_lengths;
pub use batch::{Batch, batches};
pub use blocks::{Blocks, blocks, sentences, unigram_entropy};
pub use columns::{Columns, Named};
pub use dataset::{Dataset, Example, Report, Text, label_counts, texts};
pub use encoding::plain_text;
pub use error::DataError;
pub use format::Format;
pub use labels::MergedLabel;
pub use marked::{Marks, tags_of};
pub use mask::{MASKED_SHARE, Masked, Masker, Masking, Treatment};
pub use prose::{Prose, Second, SentencePair};
pub use random::Random;
pub use split::Split;
pub use table::{HeaderRow, LeftOut, Row, Table};
pub use truth::{Stretch, Tagged, Truth, entities};
pub use values::kinds;

/// The most rows a file may have. More are refused, not cut off: which part to keep is the user's
/// choice, and an order by class is common.
pub const MAX_ROWS: usize = 100_000;

/// The most bytes one row may have. A model reads a few hundred words at most, so a longer row is
/// a mistake, most often a quote that is never closed.
pub const MAX_ROW_BYTES: usize = 1 << 20;

/// The most bytes a file may have; callers can check it before they read.
pub const MAX_FILE_BYTES: usize = 256 << 20;

/// The most columns a file may have.
pub const MAX_COLUMNS: usize = 256;

/// The most classes: beyond it the column holds something other than labels.
pub const MAX_CLASSES: usize = 1000;
