//! The safetensors parser: every rule of the header, chunks of every length, arbitrary and damaged bytes.

mod property;
mod rules;
mod support;
