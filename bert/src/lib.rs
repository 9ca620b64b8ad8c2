//! BERT from a checkpoint's bytes to predictions: configuration, weights, tokenizer, model and probes.

pub mod bench;
pub mod checkpoint;
pub mod config;
pub mod data;
pub mod decimal;
pub mod export;
pub mod metrics;
pub mod model;
pub mod probe;
pub mod tokenizer;
pub mod train;
