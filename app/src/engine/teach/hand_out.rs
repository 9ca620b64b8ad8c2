//! What leaves the page and comes back: folders, heads, predictions.

use super::zip::{BlobWriter, Zip};
use super::{attached, fail, read_texts, tell, tell_with};
use crate::checkpoint::PickedFile;
use crate::checkpoint::address::Address;
use crate::checkpoint::lone::HEAD;
use crate::engine::Engine;
use crate::engine::io::worker::{breathe, page_address, ticks};
use crate::engine::parts::Parts;
use crate::engine::resident::{Resident, kind_of};
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::link::badge;
use crate::protocol::{Export, RequestId, TeachEvent};
use crate::recipe::{Reading, TextSource};
use bert::data::Text;
use bert::export::{
    self, About, ExportError, Files, Head, HeadError, MAX_HEAD_BYTES, Machine, predictions_tsv,
    said_tsv,
};
use bert::model::{Model, TaskHead};
use bert::probe::{ProbeError, Said, classify, predict};
use bert::tokenizer::Tokenizer;
use kernels::{CancelToken, Control, RunError};
use std::io::{self, Write};
use std::rc::Rc;
use wasm_bindgen::{JsValue, UnwrapThrowExt};
use web_sys::Blob;

/// Texts that are classified between two reports.
const TEXTS: usize = 64;
/// How often the page hears of an export.
const TELL_EVERY_MS: f64 = 100.0;

/// Why an errand came to nothing.
enum Ended {
    Cancelled,
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

type Outcome = Result<(String, Blob), Ended>;

impl Engine {
    /// Begins an errand in place of an earlier one.
    fn errand(&self) -> CancelToken {
        let token = CancelToken::default();
        let earlier = self.classroom.errand.borrow_mut().replace(token.clone());
        if let Some(earlier) = earlier {
            earlier.cancel();
        }
        token
    }

    fn hand_over(self: Rc<Self>, id: RequestId, outcome: Outcome) {
        match outcome {
            Ok((name, blob)) => tell_with(id, TeachEvent::File { name }, &blob),
            Err(Ended::Cancelled) => tell(id, TeachEvent::Cancelled),
            Err(Ended::Failed(failure)) => fail(id, failure),
        }
        self.tell_memory();
        // A model may have arrived that waited for this.
        self.drain();
    }

    pub(super) async fn export(self: Rc<Self>, id: RequestId, what: Export) {
        let cancel = self.errand();
        let outcome = match what {
            Export::Folder => self.folder(id, cancel).await,
            Export::Keep => return self.keep_folder(id, cancel).await,
            Export::Head => self.head().await,
        };
        self.hand_over(id, outcome);
    }

    /// Hands the folder to the page, which keeps it on this device.
    async fn keep_folder(self: Rc<Self>, id: RequestId, cancel: CancelToken) {
        let mut parts = Parts::default();
        let written = self
            .write_folder(id, cancel, |_, file, bytes| parts.push(file, bytes))
            .await;
        let finished = written.and_then(|name| {
            let finished = parts.finish(&name);
            finished.map_err(|error| no_room(&error).into())
        });
        match finished {
            Ok((folder, weights)) => tell_with(id, TeachEvent::Folder { folder }, &weights),
            Err(Ended::Cancelled) => tell(id, TeachEvent::Cancelled),
            Err(Ended::Failed(failure)) => fail(id, failure),
        }
        self.tell_memory();
        self.drain();
    }

    async fn folder(&self, id: RequestId, cancel: CancelToken) -> Outcome {
        let mut zip = None;
        let written = self
            .write_folder(id, cancel, |name, file, bytes| {
                zip.get_or_insert_with(|| Zip::new(name)).push(file, bytes)
            })
            .await;
        let name = written?;
        let blob = match zip {
            Some(zip) => zip.finish().map_err(|error| no_room(&error.to_string()))?,
            None => return Err(unwritten("There is nothing to write.").into()),
        };
        Ok((format!("{name}.zip"), blob))
    }

    /// Writes the folder's files into `put`, which gets the folder's name, the file's and its next piece; returns the name.
    async fn write_folder(
        &self,
        id: RequestId,
        cancel: CancelToken,
        mut put: impl FnMut(&str, &str, &[u8]) -> io::Result<()>,
    ) -> Result<String, Ended> {
        let lease = self.place.lease().map_err(unwritten)?;
        let origin = lease.lock().await.origin.clone();
        let (config, tokenizer) = origin.companions().await?;
        let files = Files {
            config: &config,
            tokenizer: &tokenizer,
        };
        let control = Control::new(cancel, breathe);
        let mut resident = lease.lock().await;
        let about = resident.about();
        let model = &mut resident.model;
        let total =
            export::size(model, about.kind).map_err(|error| unwritten(&sentence(&error)))?;
        let (mut done, mut told) = (0, ticks());
        let mut sink = |file: &str, bytes: &[u8]| -> io::Result<()> {
            put(&about.name, file, bytes)?;
            done += bytes.len() as u64;
            if ticks() - told >= TELL_EVERY_MS {
                told = ticks();
                tell(id, TeachEvent::Working { done, total });
            }
            Ok(())
        };
        let written = export::folder(model, &about, &files, &control, &mut sink).await;
        match written {
            Ok(()) => Ok(about.name.clone()),
            Err(ExportError::Run(RunError::Cancelled)) => Err(Ended::Cancelled),
            Err(error) => Err(unwritten(&sentence(&error)).into()),
        }
    }

    async fn head(&self) -> Outcome {
        let resident = self.place.lock().await;
        let mut resident = resident.ok_or_else(|| unwritten("No model is loaded."))?;
        let about = resident.about();
        let bytes = export::head(&mut resident.model, &about).await;
        let bytes = bytes.map_err(|error| unwritten(&sentence(&error)))?;
        Ok((format!("{}{HEAD}", about.name), blob_of(&bytes)?))
    }

    /// Puts a classifier from a file on the present model.
    pub(super) async fn attach(
        self: Rc<Self>,
        id: RequestId,
        picked: PickedFile,
        file: Option<Blob>,
    ) {
        match self.attach_file(&picked, file).await {
            Ok((head, machine)) => {
                tell(id, TeachEvent::Attached { head, machine });
                self.tell_link_head(id).await;
            }
            Err(failure) => fail(id, failure),
        }
        self.tell_memory();
    }

    async fn attach_file(
        &self,
        picked: &PickedFile,
        file: Option<Blob>,
    ) -> Result<(Option<TaskHead>, Option<Machine>), Failure> {
        let refused = |error: HeadError| {
            Failure::new(
                format!("{} cannot be used here", picked.name),
                sentence(&error),
                "Load the base checkpoint that the head was trained on, then drop the head again.",
            )
        };
        let bytes = attached(picked, file)?.all(MAX_HEAD_BYTES).await?;
        let head = Head::parse(&bytes).map_err(refused)?;
        self.put_on(head, refused).await
    }

    /// Classifies every text of a file.
    pub(super) async fn predict(
        self: Rc<Self>,
        id: RequestId,
        source: TextSource,
        reading: Reading,
        file: Option<Blob>,
    ) {
        let cancel = self.errand();
        let outcome = self.predictions(id, &source, reading, file, cancel).await;
        self.hand_over(id, outcome);
    }

    async fn predictions(
        &self,
        id: RequestId,
        source: &TextSource,
        reading: Reading,
        file: Option<Blob>,
        cancel: CancelToken,
    ) -> Outcome {
        let lease = self.place.lease().map_err(unwritten)?;
        let texts = read_texts(source, reading, file).await?.texts();
        let control = Control::new(cancel.clone(), breathe);
        let total = texts.len() as u64;
        let (mut classes, mut said) = (Vec::new(), Vec::new());
        for some in texts.chunks(TEXTS) {
            let done = (classes.len() + said.len()) as u64;
            tell(id, TeachEvent::Working { done, total });
            // Between two chunks the model is free for whoever waits, but stays where it is.
            let mut resident = lease.lock().await;
            let Resident {
                model, language, ..
            } = &mut *resident;
            let tokenizer = &language.tokenizer;
            let outcome = match model.classifier() {
                Some(_) => {
                    let found = classify(model, tokenizer, some, &control).await;
                    found.map(|found| classes.extend(found))
                }
                None => {
                    let found = predict_all(model, tokenizer, some, &control).await;
                    found.map(|found| said.extend(found))
                }
            };
            match outcome {
                Ok(()) => {}
                Err(ProbeError::Cancelled) => return Err(Ended::Cancelled),
                Err(error) => return Err(unwritten(&sentence(&error)).into()),
            }
            drop(resident);
            breathe().await;
            if cancel.is_cancelled() {
                return Err(Ended::Cancelled);
            }
        }
        let classifier = lease.lock().await.model.classifier().cloned();
        let table = match classifier {
            Some(head) => predictions_tsv(&texts, &head.labels, &classes),
            None => said_tsv(&said),
        };
        let name = source.name();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let blob = blob_of(table.as_bytes())?;
        Ok((format!("{}-predictions.tsv", slug(stem)), blob))
    }
}

/// What the head says of some texts.
async fn predict_all(
    model: &mut Model,
    tokenizer: &Tokenizer,
    texts: &[Text],
    control: &Control,
) -> Result<Vec<Said>, ProbeError> {
    let mut found = Vec::with_capacity(texts.len());
    for text in texts {
        found.push(predict(model, tokenizer, text, control).await?);
    }
    Ok(found)
}

impl Resident {
    /// What the card and the head tell.
    pub(super) fn about(&self) -> About {
        let base = self.origin.source.name();
        let record = self.record.clone();
        let as_loaded = || (kind_of(&self.model), "");
        let (kind, set) = record
            .as_ref()
            .map_or_else(as_loaded, |record| (record.kind, record.set.as_str()));
        let date = js_sys::Date::new_0().to_iso_string().as_string();
        About {
            name: slug(&format!("{base} {set}")),
            base: base.to_owned(),
            kind,
            run: record.map(|record| record.run),
            machine: self.machine.clone(),
            date: date.map(|date| date.chars().take(10).collect()),
            badge: Some(badge(&page_address(), &published())),
        }
    }
}

/// Where the model will be, once it is published.
fn published() -> Address {
    Address::parse("OWNER/NAME").expect_throw("a name like any other")
}

/// A name that any file system takes: lower-case letters, digits and dashes.
pub(in crate::engine) fn slug(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            ' '
        }
    };
    let text: String = name.chars().map(plain).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.is_empty() {
        true => "model".to_owned(),
        false => words.join("-"),
    }
}

fn blob_of(bytes: &[u8]) -> Result<Blob, Failure> {
    let mut writer = BlobWriter::default();
    let written = writer.write_all(bytes).map_err(|error| error.to_string());
    written
        .and_then(|()| {
            writer
                .finish()
                .map_err(|error: JsValue| format!("{error:?}"))
        })
        .map_err(|error| no_room(&error))
}

fn unwritten(cause: &str) -> Failure {
    Failure::new(
        "The file could not be written",
        cause,
        "What the model has learned is still there. Fix what is named, and try again.",
    )
}

fn no_room(details: &str) -> Failure {
    unwritten("The browser has no room for it.").with_details(details)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn names_are_plain() {
        assert_eq!(
            slug("Seedling Review sentiment"),
            "seedling-review-sentiment"
        );
        assert_eq!(slug("../évil\\x.tsv"), "vil-x-tsv");
        assert_eq!(slug("日本"), "model");
    }
}
