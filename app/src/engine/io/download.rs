//! A file from another host, piece by piece: what this device has of it first, then the rest, asked
//! for again from where it stopped when the connection breaks.

use super::entry::Appender;
use super::http::{Answer, Host, Refused, file_of};
use super::reader::{DISK_PIECE, PIECE, describe, give_up, patient, piece_of};
use super::worker::Timer;
use crate::failure::Failure;
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AddEventListenerOptions, Blob, ReadableStreamDefaultReader};

/// A download is given up after so many breaks in a row that brought nothing.
const SETBACKS: u32 = 3;
/// The wait before the first new attempt; it doubles with each.
const PAUSE_MS: i32 = 400;

/// A download under way.
pub struct Download {
    host: Host,
    url: String,
    /// Bytes in all, where the host has told.
    total: Option<u64>,
    /// Bytes handed on so far.
    at: u64,
    /// The first part, where this device has it.
    part: Option<Blob>,
    stream: Option<ReadableStreamDefaultReader>,
    /// What is still to be thrown away, where the host sends the whole instead of the rest.
    skip: u64,
    /// Whether the rest is asked for as a range, which comes as it is in the file. A small file is
    /// asked for whole, so that its host may compress it.
    by_range: bool,
    /// The state of the file that the first part belongs to.
    etag: Option<String>,
    /// Where the pieces are written as they come.
    appender: Option<Appender>,
    setbacks: u32,
    rest: Option<Uint8Array>,
}

/// What one attempt to read came to.
enum Step {
    Piece(Uint8Array),
    End,
    Broken(Failure),
}

impl Download {
    /// A small file; `total` where it is certain. Nothing is asked of the host before the first piece
    /// is.
    pub fn new(host: Host, url: String, total: Option<u64>) -> Self {
        Self {
            host,
            url,
            total,
            at: 0,
            part: None,
            stream: None,
            skip: 0,
            by_range: false,
            etag: None,
            appender: None,
            setbacks: 0,
            rest: None,
        }
    }

    /// A large file, which goes on where it stopped.
    pub fn by_range(mut self) -> Self {
        self.by_range = true;
        self
    }

    /// Goes on from what this device has, and writes what comes behind it.
    pub fn kept(mut self, part: Option<Blob>, etag: Option<String>, to: Option<Appender>) -> Self {
        self.part = part.filter(|part| part.size() > 0.0);
        self.etag = etag;
        self.appender = to;
        self
    }

    /// Whether the next piece comes over the network.
    pub fn is_remote(&self) -> bool {
        self.part
            .as_ref()
            .is_none_or(|part| self.at >= part.size() as u64)
    }

    /// Bytes in all, once known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next piece, of at most 4 MiB; `None` at the end.
    ///
    /// # Errors
    /// When the host refuses, or the connection breaks time and again.
    pub async fn next(&mut self) -> Result<Option<Uint8Array>, Failure> {
        if let Some(rest) = self.rest.take() {
            return Ok(Some(self.cut(rest)));
        }
        if let Some(part) = self.part.clone().filter(|_| !self.is_remote()) {
            let piece = piece_of(&part, self.at as f64, DISK_PIECE, file_of(&self.url)).await?;
            self.at += u64::from(piece.length());
            return Ok(Some(piece));
        }
        loop {
            if self.total == Some(self.at) {
                self.end();
                return Ok(None);
            }
            let failure = match self.step().await? {
                Step::Piece(piece) if piece.length() == 0 => continue,
                Step::Piece(piece) => {
                    self.setbacks = 0;
                    let piece = self.promised(piece);
                    self.take(&piece);
                    return Ok(Some(self.cut(piece)));
                }
                Step::End if self.total.is_none() => {
                    self.end();
                    return Ok(None);
                }
                Step::End => self.cut_short(),
                Step::Broken(failure) => failure,
            };
            self.stream = None;
            self.setbacks += 1;
            if self.setbacks > SETBACKS || self.host.signal.aborted() {
                return Err(failure);
            }
            self.pause(PAUSE_MS << self.setbacks).await;
            if self.host.signal.aborted() {
                return Err(failure);
            }
        }
    }

    /// Waits, but not for who has given up: until then no other load can write the file.
    async fn pause(&self, milliseconds: i32) {
        let timer = Timer::start(milliseconds);
        let aborted = Promise::new(&mut |resolve, _| {
            let signal = &self.host.signal;
            let once = AddEventListenerOptions::new();
            once.set_once(true);
            let _ = signal.add_event_listener_with_callback_and_add_event_listener_options(
                "abort", &resolve, &once,
            );
        });
        let race = Promise::race(&js_sys::Array::of2(timer.promise(), &aborted));
        let _ = JsFuture::from(race).await;
    }

    /// A piece of at most 4 MiB; what is over waits.
    fn cut(&mut self, piece: Uint8Array) -> Uint8Array {
        let length = piece.length().min(PIECE);
        if length < piece.length() {
            self.rest = Some(piece.subarray(length, piece.length()));
        }
        piece.subarray(0, length)
    }

    async fn step(&mut self) -> Result<Step, Failure> {
        let stream = match self.stream.clone() {
            Some(stream) => stream,
            None => match self.open().await {
                Ok(stream) => self.stream.insert(stream).clone(),
                Err(Refused::Later(failure)) => return Ok(Step::Broken(failure.again())),
                Err(refused) => {
                    if matches!(refused, Refused::Changed) {
                        self.discard();
                    }
                    return Err(refused.failure(&self.url));
                }
            },
        };
        let read = match patient(stream.read(), file_of(&self.url)).await {
            Err(stalled) => {
                give_up(&stream);
                return Ok(Step::Broken(stalled));
            }
            Ok(Err(error)) => {
                let failure = Failure::new(
                    format!("{} arrived only in part", file_of(&self.url)),
                    "The connection broke while it was being read.",
                    "Check the connection, then load it again: it goes on from where it stopped.",
                );
                return Ok(Step::Broken(failure.with_details(describe(&error))));
            }
            Ok(Ok(read)) => read,
        };
        let value = Reflect::get(&read, &"value".into()).ok();
        let Some(mut piece) = value.and_then(|value| value.dyn_into::<Uint8Array>().ok()) else {
            return Ok(Step::End);
        };
        if self.skip > 0 {
            let skipped = self.skip.min(u64::from(piece.length()));
            self.skip -= skipped;
            piece = piece.subarray(skipped as u32, piece.length());
        }
        Ok(Step::Piece(piece))
    }

    /// Asks for what is missing.
    async fn open(&mut self) -> Result<ReadableStreamDefaultReader, Refused> {
        let answer: Answer = match self.by_range {
            true => self.host.get_from(&self.url, self.at).await?,
            false => self.host.get(&self.url).await?,
        };
        let same = match (&self.etag, &answer.etag) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        };
        if self.at > 0 && !same {
            return Err(Refused::Changed);
        }
        self.skip = self.at - answer.extent.begins;
        if let Some(total) = answer.extent.total
            && *self.total.get_or_insert(total) != total
        {
            return Err(Refused::Changed);
        }
        if answer.etag.is_some() {
            self.etag = answer.etag.clone();
        }
        if let Some(appender) = &self.appender {
            appender.note(self.etag.as_deref(), self.total).await;
        }
        let nothing = || {
            Refused::Later(Failure::new(
                format!("{} came without content", file_of(&self.url)),
                "The host's answer was empty.",
                "Load it again in a while.",
            ))
        };
        answer.stream().ok_or_else(nothing)
    }

    /// A piece without what comes after the last promised byte. Some hosts pad; whether this is the
    /// file, its hash says.
    fn promised(&self, piece: Uint8Array) -> Uint8Array {
        let left = self.total.map_or(u64::MAX, |total| total - self.at);
        let length = u64::from(piece.length()).min(left);
        piece.subarray(0, length as u32)
    }

    /// Counts a piece and writes it down.
    fn take(&mut self, piece: &Uint8Array) {
        self.at += u64::from(piece.length());
        if let Some(appender) = &mut self.appender {
            // A full device must not end a load: from here on nothing is kept.
            if !appender.append(piece) {
                self.appender = None;
            }
        }
    }

    fn end(&mut self) {
        self.stream = None;
        self.appender = None;
    }

    /// Throws away what is kept of a file that is another one by now.
    fn discard(&mut self) {
        if let Some(mut appender) = self.appender.take() {
            appender.empty();
        }
    }

    fn cut_short(&self) -> Failure {
        let total = self.total.unwrap_or(self.at);
        Failure::new(
            format!("{} arrived only in part", file_of(&self.url)),
            format!(
                "{} of {total} bytes came; then the host ended its answer.",
                self.at
            ),
            "Load it again: it goes on from where it stopped.",
        )
    }

    /// Stops the transfer.
    pub fn close(&mut self) {
        if let Some(stream) = self.stream.take() {
            give_up(&stream);
        }
        self.appender = None;
    }
}
