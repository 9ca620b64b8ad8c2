//! A checkpoint on another host, kept on this device as it comes.

use super::claim::Claim;
use super::download::Download;
use super::entry::Entry;
use super::folder::Folder;
use super::http::{Host, changed, host_for, host_name, url_of};
use super::kept::{Shelf, is_full};
use super::reader::Reader;
use super::worker::epoch_ms;
use crate::checkpoint::manifest::{key, sha256};
use crate::checkpoint::{Hub, Kept, Listing, Offer, RemoteFile, Role};
use crate::failure::Failure;
use kernels::LocalBoxFuture;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Longest file, besides the weights, that is fetched.
const SMALL_BYTES: usize = 64 << 20;

/// Why nothing is kept on a full device.
const NO_ROOM: &str = "there is no room for it";
/// Why nothing is kept where another tab does that.
const ANOTHER_TAB: &str = "another tab is saving it at the moment";

/// A checkpoint on a host.
pub struct Remote {
    listing: Listing,
    hub: Hub,
    host: Host,
    /// Its folder on this device, where there is one to read or to write.
    entry: Option<Rc<Entry>>,
    /// Whether the folder holds the whole checkpoint.
    whole: Cell<bool>,
    /// Whether its model is loaded.
    settled: Cell<bool>,
    /// The files besides the weights that this load has saved.
    saved: RefCell<Vec<Role>>,
    /// The right to write the folder, until the checkpoint is whole.
    claim: RefCell<Option<Claim>>,
    /// What loading would mean, where the visitor has not been asked and it is not all here.
    offer: Option<Offer>,
    /// Why nothing is kept, where nothing is.
    not_kept: RefCell<Option<String>>,
    /// Set when the device turned out to be full.
    full: RefCell<Option<Rc<Cell<bool>>>>,
}

impl Remote {
    /// Finds the checkpoint's folder on this device, or makes one. Without `download` nothing but a
    /// whole copy counts.
    pub async fn new(
        listing: Listing,
        download: bool,
        hub: Hub,
        signal: web_sys::AbortSignal,
    ) -> Self {
        let host = host_for(&hub, &listing.address, signal);
        let mut remote = Self {
            listing,
            hub,
            host,
            entry: None,
            whole: Cell::new(false),
            settled: Cell::new(false),
            saved: RefCell::default(),
            claim: RefCell::default(),
            offer: None,
            not_kept: RefCell::default(),
            full: RefCell::default(),
        };
        let shelf = Shelf::open().await;
        if let Some(shelf) = &shelf
            && remote.finds_whole(shelf).await
        {
            return remote;
        }
        if !download {
            remote.offer = Some(remote.offered(shelf.as_ref()).await);
            return remote;
        }
        match shelf {
            Some(shelf) => remote.prepare(&shelf).await,
            None => remote.keep_nothing("this browser lets the page keep no files"),
        }
        remote
    }

    /// Whether the whole checkpoint is here.
    async fn finds_whole(&mut self, shelf: &Shelf) -> bool {
        let found = shelf.read(&key(&self.listing.address)).await;
        let Some(entry) = found.filter(|entry| entry.manifest.borrow().complete) else {
            return false;
        };
        // What was checked when it was saved is what is checked now.
        self.listing = entry.manifest.borrow().listing.clone();
        self.entry = Some(Rc::new(entry));
        self.whole.set(true);
        true
    }

    /// Makes ready to keep what comes.
    async fn prepare(&mut self, shelf: &Shelf) {
        let name = key(&self.listing.address);
        let Some(claim) = Claim::take(&name).await else {
            return self.keep_nothing(ANOTHER_TAB);
        };
        // The tab that had it until now may have completed it.
        if self.finds_whole(shelf).await {
            return;
        }
        let known = shelf.read(&name).await;
        let here = match &known {
            Some(entry) => entry.kept().await,
            None => Kept::Nothing,
        };
        let bytes = self.listing.bytes().zip(Shelf::room().await);
        let is_short = bytes.is_some_and(|(bytes, room)| bytes > room);
        if is_short && here == Kept::Nothing {
            if known.is_some() {
                shelf.remove(&name).await;
            }
            return self.keep_nothing(NO_ROOM);
        }
        let entry = match known {
            Some(entry) => Ok(entry),
            None => shelf.begin(&self.listing).await,
        };
        match entry {
            Ok(entry) => {
                self.entry = Some(Rc::new(entry));
                *self.claim.borrow_mut() = Some(claim);
            }
            Err(error) if is_full(&error) => self.keep_nothing(NO_ROOM),
            Err(_) => self.keep_nothing("the browser did not let the page write"),
        }
    }

    /// What loading would mean, as far as this device knows.
    async fn offered(&self, shelf: Option<&Shelf>) -> Offer {
        let found = match shelf {
            Some(shelf) => shelf.read(&key(&self.listing.address)).await,
            None => None,
        };
        let kept = match found {
            Some(entry) => entry.kept().await,
            None => Kept::Nothing,
        };
        let host = host_name(&self.hub, &self.listing.address);
        Offer {
            listing: Some(self.listing.as_on_its_host()),
            kept,
            ..Offer::unseen(self.listing.asked.clone(), host, Shelf::room().await)
        }
    }

    fn keep_nothing(&self, why: &str) {
        self.not_kept.borrow_mut().get_or_insert(why.to_owned());
    }

    fn url(&self, file: &str) -> String {
        url_of(&self.hub, &self.listing.address, file)
    }

    /// The weights: what is here of them, then the rest.
    async fn weights(&self, file: &RemoteFile) -> Result<Reader, Failure> {
        if let (true, Some(entry)) = (self.whole.get(), &self.entry) {
            let blob = entry.file(&file.name).await;
            return match blob.filter(|blob| Some(blob.size() as u64) == file.bytes) {
                Some(blob) => Ok(Reader::disk(&file.name, blob)),
                None => Err(self.tampered(&file.name).await),
            };
        }
        let (host, url) = (self.host.clone(), self.url(&file.name));
        let promised = self.promised(file);
        let Some(entry) = &self.entry else {
            let download = Download::new(host, url, promised).by_range();
            return Ok(Reader::download(&file.name, download));
        };
        let download = match entry.clone().append_to(&file.name).await {
            Ok(mut appender) => {
                let (mut etag, mut total) = (None, promised);
                if appender.bytes() > 0 {
                    let manifest = entry.manifest.borrow();
                    etag = manifest.etag.clone();
                    total = promised.or(manifest.total);
                }
                if total.is_some_and(|total| appender.bytes() > total) {
                    appender.empty();
                    (etag, total) = (None, promised);
                }
                *self.full.borrow_mut() = Some(appender.full.clone());
                let part = entry.file(&file.name).await;
                let download = Download::new(host, url, total).by_range();
                download.kept(part, etag, Some(appender))
            }
            Err(_) => {
                self.keep_nothing(ANOTHER_TAB);
                Download::new(host, url, promised).by_range()
            }
        };
        Ok(Reader::download(&file.name, download))
    }

    /// What is known of the file that plays a part: once all of it is here, what was saved.
    fn file(&self, role: Role) -> Option<RemoteFile> {
        match (self.whole.get(), &self.entry) {
            (true, Some(entry)) => entry.manifest.borrow().listing.file(role).cloned(),
            _ => self.listing.file(role).cloned(),
        }
    }

    /// A file's length, where it is certain before the file is asked for: the hub's is, while that
    /// of another host's answer may count compressed bytes.
    fn promised(&self, file: &RemoteFile) -> Option<u64> {
        file.bytes.filter(|_| self.host.hub.is_some())
    }

    /// The folder, where it may be written.
    fn to_write(&self) -> Option<&Rc<Entry>> {
        let may = self.claim.borrow().is_some() && self.not_kept.borrow().is_none();
        self.entry.as_ref().filter(|_| may)
    }

    /// Any other file, whole: from this device if it is there, else fetched and kept.
    async fn small(&self, file: &RemoteFile) -> Result<Option<Reader>, Failure> {
        if let (true, Some(entry)) = (self.whole.get(), &self.entry) {
            match entry.file(&file.name).await {
                Some(blob) => {
                    let bytes = Reader::disk(&file.name, blob).all(SMALL_BYTES).await?;
                    if file.sha256.as_ref() != Some(&sha256(&bytes)) {
                        return Err(self.tampered(&file.name).await);
                    }
                    return Ok(Some(Reader::memory(&file.name, &bytes)));
                }
                // Never saved, or deleted while the model is in use: its host has it still.
                None if self.settled.get() => {}
                None => return Err(self.tampered(&file.name).await),
            }
        }
        let url = self.url(&file.name);
        let download = Download::new(self.host.clone(), url.clone(), self.promised(file));
        let bytes = Reader::download(&file.name, download)
            .all(SMALL_BYTES)
            .await?;
        let hash = sha256(&bytes);
        let promised = file.sha256.as_ref();
        if promised.is_some_and(|promised| *promised != hash) {
            return Err(changed(&url));
        }
        if let Some(entry) = self.to_write() {
            match entry.write(&file.name, &bytes).await {
                Ok(()) => {
                    self.saved.borrow_mut().push(file.role);
                    if let Some(kept) = entry.manifest.borrow_mut().file_mut(&file.name) {
                        kept.bytes = Some(bytes.len() as u64);
                        kept.sha256 = Some(hash);
                    }
                }
                Err(_) => self.keep_nothing(NO_ROOM),
            }
        }
        Ok(Some(Reader::memory(&file.name, &bytes)))
    }

    /// The kept copy is not what was saved: it goes.
    async fn tampered(&self, name: &str) -> Failure {
        self.forget().await;
        Failure::new(
            "The copy on this device has changed",
            format!(
                "{name} is not the file that was saved: the browser, another program or a fault of \
                 the disk altered it. The copy has been deleted."
            ),
            "Open the checkpoint again: it is offered anew.",
        )
    }

    /// Deletes the kept copy, unless another tab writes it.
    async fn forget(&self) {
        let (Some(entry), Some(shelf)) = (&self.entry, Shelf::open().await) else {
            return;
        };
        if self.claim.borrow().is_some() {
            shelf.remove(&entry.key).await;
        } else {
            shelf.delete(&entry.key).await;
        }
    }

    /// Fetches what the model did without so far, such as vocab.txt beside tokenizer.json: whoever
    /// takes the model out as a folder needs it. What does not come is asked for again then.
    async fn save_others(&self) {
        for file in &self.listing.files {
            let is_saved = self.saved.borrow().contains(&file.role);
            if file.role != Role::Weights && !is_saved {
                let _ = self.small(file).await;
            }
        }
    }

    /// Completes the kept copy, or clears away what is of no use.
    async fn complete(&self, file: &RemoteFile, hash: &str, bytes: u64) {
        let Some(entry) = &self.entry else { return };
        let is_full = self.full.borrow().as_ref().is_some_and(|full| full.get());
        if is_full {
            self.keep_nothing(NO_ROOM);
        }
        if self.to_write().is_some() {
            self.save_others().await;
        }
        if self.not_kept.borrow().is_some() {
            // Another tab's copy is not ours to clear away.
            if is_full {
                self.forget().await;
            }
            return;
        }
        let written = entry.file(&file.name).await.map(|file| file.size() as u64);
        if written != Some(bytes) {
            self.keep_nothing("it could not be written whole");
            return self.forget().await;
        }
        {
            let mut manifest = entry.manifest.borrow_mut();
            if let Some(kept) = manifest.file_mut(&file.name) {
                kept.bytes = Some(bytes);
                kept.sha256 = Some(hash.to_owned());
            }
            manifest.complete = true;
            manifest.saved = epoch_ms();
        }
        match entry.save().await {
            Ok(()) => self.whole.set(true),
            Err(_) => self.keep_nothing("it could not be written whole"),
        }
    }
}

impl Folder for Remote {
    fn open(&self, role: Role) -> LocalBoxFuture<'_, Result<Option<Reader>, Failure>> {
        Box::pin(async move {
            match self.file(role) {
                None => Ok(None),
                Some(file) if role == Role::Weights => Ok(Some(self.weights(&file).await?)),
                Some(file) => self.small(&file).await,
            }
        })
    }

    fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    fn weights_name(&self) -> &str {
        let weights = self.listing.file(Role::Weights);
        weights.map_or("model.safetensors", |file| &file.name)
    }

    fn settle(
        &self,
        hash: &str,
        bytes: u64,
    ) -> LocalBoxFuture<'_, Result<Option<String>, Failure>> {
        let hash = hash.to_owned();
        Box::pin(async move {
            let Some(file) = self.listing.file(Role::Weights) else {
                return Ok(None);
            };
            if file
                .sha256
                .as_ref()
                .is_some_and(|promised| *promised != hash)
            {
                if self.whole.get() {
                    return Err(self.tampered(&file.name).await);
                }
                self.forget().await;
                self.claim.take();
                return Err(Failure::new(
                    format!("{} arrived damaged", file.name),
                    "Its SHA-256 is not the one that the host promised, so it was not used, and \
                     what was kept of it has been deleted.",
                    "Load it again. If that fails too, the host's copy is damaged.",
                ));
            }
            self.settled.set(true);
            if self.whole.get() {
                return Ok(Some("From this device; nothing was downloaded.".to_owned()));
            }
            self.complete(file, &hash, bytes).await;
            self.claim.take();
            let host = host_name(&self.hub, &self.listing.address);
            Ok(Some(match &*self.not_kept.borrow() {
                None => format!("From {host}; kept on this device for the next visit."),
                Some(why) => format!("From {host}; not kept on this device: {why}."),
            }))
        })
    }
}
