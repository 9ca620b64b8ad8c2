//! Checkpoints, before anyone fetches them: where they come from, what a host offers, what a basket
//! of files holds, what this device keeps. Plain data and rules for it.

pub mod address;
pub mod basket;
pub mod converter;
pub mod gallery;
pub mod hub;
pub mod lone;
pub mod manifest;
pub mod own;
pub mod planes;
mod source;

pub use source::{Hub, Kept, KeptEntry, Listing, Offer, PickedFile, RemoteFile, Role, Source};
