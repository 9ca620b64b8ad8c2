//! What fetches checkpoints and stores them, and what the worker offers for it.
//!
//! A [`Folder`](folder::Folder) each: beside the page, given by the visitor, or on another host.

mod claim;
mod download;
mod entry;
pub mod extent;
pub mod folder;
pub mod http;
pub mod kept;
pub mod reader;
pub mod remote;
mod saving;
mod unpack;
pub mod worker;
