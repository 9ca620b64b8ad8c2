//! Where a checkpoint's files are: one small trait, and the two places that need no network.

use super::reader::Reader;
use crate::checkpoint::{Offer, PickedFile, Role, planes};
use crate::failure::Failure;
use kernels::LocalBoxFuture;
use web_sys::Blob;

/// A checkpoint's files, wherever they are.
pub trait Folder {
    /// Opens the file that plays a part; `None` if there is no such file.
    fn open(&self, role: Role) -> LocalBoxFuture<'_, Result<Option<Reader>, Failure>>;

    /// What loading would mean, where that takes a download that nobody has agreed to.
    fn offer(&self) -> Option<&Offer> {
        None
    }

    /// What the weights' file is called.
    fn weights_name(&self) -> &str;

    /// Hears that every byte of the weights has been read and makes a model: what they hash to
    /// (SHA-256 in hexadecimal digits) and how many they were. Returns how the checkpoint came
    /// here, in a sentence, where that is worth one.
    ///
    /// # Errors
    /// When these are not the weights that were promised; the model must not be used.
    fn settle(
        &self,
        sha256: &str,
        bytes: u64,
    ) -> LocalBoxFuture<'_, Result<Option<String>, Failure>> {
        let _ = (sha256, bytes);
        Box::pin(async { Ok(None) })
    }
}

/// A folder beside the page.
pub struct Bundled {
    /// Relative to the page.
    pub folder: String,
    /// What the weights hash to, where the build has said so.
    pub sha256: Option<String>,
    /// Whether they lie in planes.
    pub packed: bool,
}

impl Folder for Bundled {
    fn open(&self, role: Role) -> LocalBoxFuture<'_, Result<Option<Reader>, Failure>> {
        Box::pin(async move {
            let address = |name| format!("{}/{name}", self.folder);
            let Some(name) = role.file_name() else {
                return Ok(None);
            };
            // A build's own checkpoint has the newer files.
            if role > Role::TokenizerConfig {
                return Ok(None);
            }
            let weights = role == Role::Weights;
            if !(weights && self.packed)
                && let Some(file) = Reader::fetch(&address(name)).await?
            {
                return Ok(Some(file));
            }
            // Also where the page does not know how they lie.
            match weights {
                true => Reader::fetch_planes(&address(planes::NAME)).await,
                false => Ok(None),
            }
        })
    }

    fn weights_name(&self) -> &str {
        "model.safetensors"
    }

    fn settle(&self, sha256: &str, _: u64) -> LocalBoxFuture<'_, Result<Option<String>, Failure>> {
        let promised = self.sha256.as_deref();
        let outcome = match promised.filter(|promised| *promised != sha256) {
            None => Ok(None),
            Some(promised) => Err(Failure::new(
                "The page's own checkpoint arrived damaged",
                "Its weights are not those that the page was built with.",
                "Reload the page without its cache (Ctrl or Cmd, Shift and R). If that does not \
                 help, its host has a damaged copy.",
            )
            .with_details(format!("SHA-256 {sha256} instead of {promised}"))),
        };
        Box::pin(async { outcome })
    }
}

/// Files that the visitor gave.
pub struct Picked {
    pub files: Vec<PickedFile>,
    /// One for each of `files`.
    pub blobs: Vec<Option<Blob>>,
}

impl Folder for Picked {
    fn open(&self, role: Role) -> LocalBoxFuture<'_, Result<Option<Reader>, Failure>> {
        Box::pin(async move {
            let mut pairs = self.files.iter().zip(&self.blobs);
            let Some((PickedFile { name, .. }, blob)) = pairs.find(|(file, _)| file.role == role)
            else {
                return Ok(None);
            };
            let blob = blob.clone().ok_or_else(|| {
                Failure::new(
                    format!("{name} is no longer here"),
                    "The browser has let go of the file.",
                    "Pick or drop the checkpoint again.",
                )
            })?;
            Ok(Some(Reader::disk(name, blob)))
        })
    }

    fn weights_name(&self) -> &str {
        let weights = self.files.iter().find(|file| file.role == Role::Weights);
        weights.map_or("model.safetensors", |file| &file.name)
    }
}
