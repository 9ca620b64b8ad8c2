//! The parsers of weights: every rule of their headers, chunks of every length, arbitrary and damaged bytes.

mod property;
mod pytorch;
mod rules;
mod support;
