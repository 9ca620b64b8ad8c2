//! Where checkpoints come from.
//!
//! A [`Folder`](folder::Folder) each: beside the page, given by the visitor, or on another host.

pub mod address;
mod claim;
mod download;
mod entry;
mod extent;
pub mod files;
pub mod folder;
mod http;
pub mod hub;
pub mod kept;
pub mod look;
pub mod manifest;
pub mod reader;
pub mod remote;
mod saving;
