//! One file as a stream of pieces: from the page's own host, from another, or from this device.

use super::download::Download;
use super::http::{Host, Refused};
use super::unpack::inflate;
use super::worker::Timer;
use crate::checkpoint::planes::Planes;
use crate::failure::Failure;
use crate::recipe::WebTexts;
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, Blob, ReadableStream, ReadableStreamDefaultReader, Response};

/// A file is read from disk in pieces of this many bytes.
pub(super) const DISK_PIECE: f64 = PIECE as f64;
/// A read that brings nothing for this long has stalled.
const STALL_MS: i32 = 30_000;

/// A file being read.
pub struct Reader {
    name: String,
    from: From,
    /// The rest of a piece that was cut.
    rest: Option<Uint8Array>,
    /// Its length, where known beforehand.
    pub len: Option<u64>,
    /// Set where what is read are the planes of the file.
    planes: Option<Planes>,
}

/// Longest piece that is handed on; a network piece may be longer and is cut.
pub(super) const PIECE: u32 = 4 << 20;

enum From {
    Network(ReadableStreamDefaultReader),
    Disk { file: Blob, offset: f64 },
    Download(Box<Download>),
    Memory(Option<Uint8Array>),
}

/// An answer that the worker's script has asked for before this program was there; taken once.
fn begun(url: &str) -> Option<Promise> {
    let map = Reflect::get(&js_sys::global(), &"unmaskBegun".into()).ok()?;
    let (map, url): (js_sys::Map, _) = (map.dyn_into().ok()?, JsValue::from_str(url));
    let answer = map.get(&url).dyn_into().ok()?;
    map.delete(&url);
    Some(answer)
}

impl Reader {
    /// Opens a file of the page's own host. `Ok(None)` if there is none of that name.
    ///
    /// # Errors
    /// When the host cannot be reached or answers with an error.
    pub async fn fetch(url: &str) -> Result<Option<Self>, Failure> {
        let Some((response, body)) = answer(url).await? else {
            return Ok(None);
        };
        let (len, stream) = (length_of(&response), body.get_reader());
        Ok(Some(Self::network(url, stream.unchecked_into(), len)))
    }

    /// Opens a file of the page's own host that was packed as [`Planes`] say. `Ok(None)` if there is none of that name.
    ///
    /// # Errors
    /// As [`Self::fetch`]; also when this browser cannot unpack it.
    pub async fn fetch_planes(url: &str) -> Result<Option<Self>, Failure> {
        let Some((_, body)) = answer(url).await? else {
            return Ok(None);
        };
        let body = inflate(&body).map_err(|error| {
            Failure::new(
                format!("{url} could not be unpacked"),
                "This browser is too old for it.",
                "Open the page in a current Chrome, Edge, Firefox or Safari.",
            )
            .with_details(describe(&error))
        })?;
        let stream = body.get_reader();
        Ok(Some(Self {
            planes: Some(Planes::default()),
            ..Self::network(url, stream.unchecked_into(), None)
        }))
    }

    /// Asks a host for texts, which the visitor has agreed to.
    ///
    /// # Errors
    /// As [`Host::get`], in words about texts.
    pub async fn web(address: &WebTexts) -> Result<Self, Failure> {
        let abort = AbortController::new().map_err(|error| {
            Failure::new(
                "This browser is too old",
                "It cannot stop a download.",
                "Update it.",
            )
            .with_details(describe(&error))
        })?;
        let host = Host {
            hub: None,
            signal: abort.signal(),
        };
        let missing = || {
            Failure::new(
                format!("{} is not there", address.name()),
                format!("{} answered 404: it has no such file.", address.host()),
                "Check the address in the link.",
            )
            .with_details(address.as_str())
        };
        let answer = host
            .get(address.as_str())
            .await
            .map_err(|refused| match refused {
                Refused::Missing => missing(),
                refused => refused.failure(address.as_str()),
            })?;
        let stream = answer.stream().ok_or_else(missing)?;
        Ok(Self::network(address.name(), stream, None))
    }

    /// Reads what is already on its way.
    pub fn network(name: &str, stream: ReadableStreamDefaultReader, len: Option<u64>) -> Self {
        Self {
            name: name.to_owned(),
            from: From::Network(stream),
            rest: None,
            planes: None,
            len,
        }
    }

    /// Opens a file that the visitor gave.
    pub fn disk(name: &str, file: Blob) -> Self {
        let len = Some(file.size() as u64);
        Self {
            name: name.to_owned(),
            from: From::Disk { file, offset: 0.0 },
            rest: None,
            planes: None,
            len,
        }
    }

    /// Reads a file of another host.
    pub fn download(name: &str, download: Download) -> Self {
        let len = download.total();
        Self {
            name: name.to_owned(),
            from: From::Download(Box::new(download)),
            rest: None,
            planes: None,
            len,
        }
    }

    /// Hands on what has been read already.
    pub fn memory(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            from: From::Memory(Some(Uint8Array::from(bytes))),
            rest: None,
            planes: None,
            len: Some(bytes.len() as u64),
        }
    }

    /// Whether the next piece comes over the network from another host.
    pub fn is_remote(&self) -> bool {
        matches!(&self.from, From::Download(download) if download.is_remote())
    }

    /// Puts the next piece, of at most 4 MiB, in place of what `buffer` holds; `false` at the end.
    ///
    /// # Errors
    /// When the connection breaks or stalls, or the file changes or vanishes meanwhile.
    pub async fn next_into(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Failure> {
        let Some(mut planes) = self.planes.take() else {
            return self.next_raw(buffer).await;
        };
        buffer.clear();
        let mut piece = Vec::new();
        let mut more = true;
        while more && buffer.is_empty() {
            more = self.next_raw(&mut piece).await?;
            match more {
                true => planes.push(&piece, buffer),
                false => planes.end(buffer),
            }
        }
        self.planes = Some(planes);
        Ok(!buffer.is_empty())
    }

    /// The same, before anything is put together.
    async fn next_raw(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Failure> {
        let whole = match self.rest.take() {
            Some(rest) => rest,
            None => match self.next().await? {
                Some(piece) => piece,
                None => return Ok(false),
            },
        };
        let length = whole.length().min(PIECE);
        if length < whole.length() {
            self.rest = Some(whole.subarray(length, whole.length()));
        }
        buffer.resize(length as usize, 0);
        whole.subarray(0, length).copy_to(buffer);
        Ok(true)
    }

    async fn next(&mut self) -> Result<Option<Uint8Array>, Failure> {
        match &mut self.from {
            From::Network(reader) => {
                let read = patient(reader.read(), &self.name).await?;
                let read = read.map_err(|error| {
                    Failure::new(
                        format!("{} arrived only in part", self.name),
                        "The connection broke while it was being read.",
                        "Check the connection, then load the model again.",
                    )
                    .with_details(describe(&error))
                })?;
                Ok(Reflect::get(&read, &"value".into())
                    .ok()
                    .and_then(|v| v.dyn_into().ok()))
            }
            From::Disk { file, offset } => {
                if *offset >= file.size() {
                    return Ok(None);
                }
                let piece = piece_of(file, *offset, DISK_PIECE, &self.name).await?;
                *offset += f64::from(piece.length());
                Ok(Some(piece))
            }
            From::Download(download) => {
                let piece = download.next().await;
                self.len = download.total();
                piece
            }
            From::Memory(bytes) => Ok(bytes.take()),
        }
    }

    /// The whole of a small file.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than `limit` bytes.
    pub async fn all(mut self, limit: usize) -> Result<Vec<u8>, Failure> {
        let too_long = |name: &str| {
            Failure::new(
                format!("{name} is too long"),
                format!(
                    "It has more than {} bytes; this cannot be the right file.",
                    limit
                ),
                "Look whether the file is what its name says.",
            )
        };
        let mut bytes = Vec::new();
        let mut piece = Vec::new();
        if self.len.is_some_and(|len| len > limit as u64) {
            return Err(too_long(&self.name));
        }
        while self.next_into(&mut piece).await? {
            if bytes.len() + piece.len() > limit {
                self.close();
                return Err(too_long(&self.name));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Stops the transfer.
    pub fn close(&mut self) {
        match &mut self.from {
            From::Network(reader) => give_up(reader),
            From::Download(download) => download.close(),
            From::Disk { .. } | From::Memory(_) => {}
        }
    }
}

/// Asks the page's own host for a file. `Ok(None)` if there is none of that name.
async fn answer(url: &str) -> Result<Option<(Response, ReadableStream)>, Failure> {
    let unreachable = |error: JsValue| {
        Failure::new(
            format!("{url} could not be fetched"),
            "The page's host cannot be reached.",
            "Check the connection, then load the model again.",
        )
        .with_details(describe(&error))
    };
    let request = begun(url);
    let request = request.unwrap_or_else(|| super::worker::scope().fetch_with_str(url));
    let response: Response = patient(request, url)
        .await?
        .map_err(unreachable)?
        .unchecked_into();
    if response.status() == 404 {
        return Ok(None);
    }
    let body = response.body().filter(|_| response.ok());
    let body = body.ok_or_else(|| {
        Failure::new(
            format!("{url} could not be fetched"),
            format!(
                "The host answered {} {}.",
                response.status(),
                response.status_text()
            ),
            "Load the model again in a while.",
        )
    })?;
    Ok(Some((response, body)))
}

/// Bytes of an answer of the page's own host, where told. `Content-Length` counts bytes as sent:
/// compressed ones, if they were, which says nothing here. (Another host's `Content-Encoding` cannot
/// be read: see [`super::extent`].)
fn length_of(response: &Response) -> Option<u64> {
    let header = |name| response.headers().get(name).ok().flatten();
    match header("content-encoding").as_deref() {
        None | Some("identity") => header("content-length")?.parse().ok(),
        Some(_) => None,
    }
}

/// Ends a transfer. One that broke rejects being cancelled; there is nothing left to do then.
pub(super) fn give_up(stream: &ReadableStreamDefaultReader) {
    let told = JsFuture::from(stream.cancel());
    spawn_local(async move { drop(told.await) });
}

/// At most `length` bytes of a file on this device, from `begin` on.
pub(super) async fn piece_of(
    file: &Blob,
    begin: f64,
    length: f64,
    name: &str,
) -> Result<Uint8Array, Failure> {
    let unreadable = |error: JsValue| {
        Failure::new(
            format!("{name} cannot be read"),
            "The file changed, moved or vanished while it was being read, or the browser may not \
             open it.",
            "Pick or drop it again.",
        )
        .with_details(describe(&error))
    };
    let end = (begin + length).min(file.size());
    let piece = file
        .slice_with_f64_and_f64(begin, end)
        .map_err(unreadable)?;
    let buffer = patient(piece.array_buffer(), name).await?;
    Ok(Uint8Array::new(&buffer.map_err(unreadable)?))
}

/// Waits for a read, but not for ever. No read resolves to `undefined`, as a timer does.
pub(super) async fn patient(
    read: Promise,
    name: &str,
) -> Result<Result<JsValue, JsValue>, Failure> {
    let timer = Timer::start(STALL_MS);
    let race = Promise::race(&js_sys::Array::of2(&read, timer.promise()));
    match JsFuture::from(race).await {
        Ok(value) if value.is_undefined() => Err(Failure::new(
            format!("{name} stalled"),
            format!("Nothing arrived for {} seconds.", STALL_MS / 1000),
            "Check the connection, then load the model again.",
        )),
        other => Ok(other),
    }
}

pub(super) fn describe(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(
        || format!("{error:?}"),
        |error| format!("{}: {}", error.name(), error.message()),
    )
}
