//! One request to another host, and what it means when that goes wrong.

use super::extent::{Extent, extent, number};
use super::reader::{describe, patient};
use super::worker::scope;
use crate::checkpoint::Hub;
use crate::checkpoint::address::Address;
use crate::checkpoint::hub::{file_url, host_of, is_of_the_hub};
use crate::failure::Failure;
use wasm_bindgen::prelude::*;
use web_sys::{
    AbortSignal, Headers, ReadableStreamDefaultReader, RequestInit, RequestMode, RequestRedirect,
    Response,
};

/// Who is asked, and where the answer may come from.
#[derive(Clone)]
pub struct Host {
    /// The hub: its downloads come from other hosts of its own. `None`: some host by address,
    /// which may not send anyone elsewhere.
    pub hub: Option<Hub>,
    /// Aborts what is under way.
    pub signal: AbortSignal,
}

/// Where a file of a listing is.
pub fn url_of(hub: &Hub, address: &Address, file: &str) -> String {
    match address {
        Address::Hub { id, revision } => file_url(hub, id, revision, file),
        Address::Web { folder, .. } => format!("{folder}{file}"),
    }
}

/// The host of an address.
pub fn host_name(hub: &Hub, address: &Address) -> String {
    let own = address.host();
    own.unwrap_or_else(|| host_of(&hub.address)).to_owned()
}

/// Who is asked for an address, and how far to trust them.
pub fn host_for(hub: &Hub, address: &Address, signal: web_sys::AbortSignal) -> Host {
    let hub = matches!(address, Address::Hub { .. }).then(|| hub.clone());
    Host { hub, signal }
}

/// An answer that brings something.
pub struct Answer {
    response: Response,
    /// Where it begins in the file, and how long that is.
    pub extent: Extent,
    /// `Content-Length`: about how long it is. The host may have compressed it; see `extent`.
    pub hint: Option<u64>,
    /// What names this state of the file, where the host shows it.
    pub etag: Option<String>,
}

impl Answer {
    /// Its body as a stream.
    pub fn stream(&self) -> Option<ReadableStreamDefaultReader> {
        Some(self.response.body()?.get_reader().unchecked_into())
    }
}

/// Why no answer brings anything.
pub enum Refused {
    /// There is no such file.
    Missing,
    /// The file is no longer as long as what is here of it already.
    Changed,
    /// It may come if asked again.
    Later(Failure),
    /// It may come if asked again, but not at once.
    Busy(Failure),
    /// Asking again will not help.
    Final(Failure),
}

impl Refused {
    /// As a failure, for a file that must be there.
    pub fn failure(self, url: &str) -> Failure {
        match self {
            Self::Missing => missing(url),
            Self::Changed => changed(url),
            Self::Later(failure) | Self::Busy(failure) => failure.again(),
            Self::Final(failure) => failure,
        }
    }
}

/// The last step of an address: the file's name.
pub fn file_of(url: &str) -> &str {
    let path = url.split('?').next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}

pub fn missing(url: &str) -> Failure {
    Failure::new(
        format!("{} is not there", file_of(url)),
        format!("{} answered 404: it has no such file.", host_of(url)),
        "Check the name and the revision. A checkpoint is model.safetensors, config.json, and \
         tokenizer.json or vocab.txt.",
    )
    .with_details(url)
}

pub fn changed(url: &str) -> Failure {
    Failure::new(
        format!("{} has changed on its host", file_of(url)),
        "It is not the file that was described, or whose first part is on this device. What was \
         kept of it is gone.",
        "Load it again from the start.",
    )
    .with_details(url)
}

fn other_part(url: &str, range: Option<String>) -> Failure {
    Failure::new(
        format!("{} did not send the part asked for", host_of(url)),
        format!("Its answer for {} begins elsewhere.", file_of(url)),
        "Download the files and drop them here.",
    )
    .with_details(range.unwrap_or_default())
}

fn empty(url: &str) -> Failure {
    Failure::new(
        format!("{} is empty", file_of(url)),
        format!("{} has the file, but nothing is in it.", host_of(url)),
        "Look whether the file is complete on its host.",
    )
    .with_details(url)
}

impl Host {
    /// Asks for a whole file, which its host may compress.
    ///
    /// # Errors
    /// Every answer but 200 and 206, no answer at all, or one from a host that was not meant.
    pub async fn get(&self, url: &str) -> Result<Answer, Refused> {
        self.ask("GET", url, None).await
    }

    /// Asks for a file as it is, from byte `from` on.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn get_from(&self, url: &str, from: u64) -> Result<Answer, Refused> {
        self.ask("GET", url, Some(from)).await
    }

    /// Asks whether a file is there and about how long it is.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub async fn head(&self, url: &str) -> Result<Answer, Refused> {
        self.ask("HEAD", url, None).await
    }

    async fn ask(&self, method: &str, url: &str, from: Option<u64>) -> Result<Answer, Refused> {
        let request = RequestInit::new();
        request.set_method(method);
        request.set_signal(Some(&self.signal));
        // Cookies of the host are none of our business.
        request.set_credentials(web_sys::RequestCredentials::Omit);
        if self.hub.is_none() {
            request.set_redirect(RequestRedirect::Manual);
        }
        if let Some(from) = from
            && let Ok(headers) = Headers::new()
        {
            // A simple range needs no preflight.
            let _ = headers.set("Range", &format!("bytes={from}-"));
            request.set_headers(&headers);
        }
        let sent = scope().fetch_with_str_and_init(url, &request);
        let response = patient(sent, file_of(url)).await.map_err(Refused::Later)?;
        let response: Response = match response {
            Ok(response) => response.unchecked_into(),
            Err(error) => return Err(self.unreachable(url, &error).await),
        };
        self.check(url, response, from)
    }

    fn check(&self, url: &str, response: Response, from: Option<u64>) -> Result<Answer, Refused> {
        if response.type_() == web_sys::ResponseType::Opaqueredirect {
            return Err(Refused::Final(Failure::new(
                format!("{} redirects to another host", host_of(url)),
                "It answered with a redirect, and the browser does not tell where to. The page \
                 follows none to a host that you have not named.",
                "Open the address in a tab of its own, and give the page the one that it ends at.",
            )));
        }
        if let Some(hub) = &self.hub {
            let final_url = response.url();
            if !is_of_the_hub(hub, host_of(&final_url)) {
                return Err(Refused::Final(Failure::new(
                    "The hub sent the download to an unknown host",
                    format!("{} is none of the hub's own.", host_of(&final_url)),
                    "Do not load this; download it from the hub yourself if you trust it.",
                )));
            }
        }
        let header = |name| response.headers().get(name).ok().flatten();
        match response.status() {
            200 | 206 => {
                let (range, length) = (header("content-range"), header("content-length"));
                let status = response.status();
                let Some(extent) = extent(from, status, range.as_deref(), length.as_deref()) else {
                    return Err(Refused::Final(other_part(url, range)));
                };
                Ok(Answer {
                    extent,
                    hint: length.as_deref().and_then(number),
                    etag: header("etag"),
                    response,
                })
            }
            404 | 410 => Err(Refused::Missing),
            416 if from == Some(0) => Err(Refused::Final(empty(url))),
            416 => Err(Refused::Changed),
            status => {
                let wait = header("retry-after").and_then(|wait| wait.parse().ok());
                Err(refusal(status, host_of(url), self.hub.is_some(), wait))
            }
        }
    }

    /// No answer: browsers do not say why, so find out what can be found out.
    async fn unreachable(&self, url: &str, error: &JsValue) -> Refused {
        let host = host_of(url);
        let details = describe(error);
        if self.signal.aborted() {
            let stopped = Failure::new("The download was stopped", "You stopped it.", "");
            return Refused::Final(stopped);
        }
        if !scope().navigator().on_line() {
            return Refused::Later(offline(host).with_details(details));
        }
        // A request that asks for no answer succeeds wherever the host is there.
        let probe = RequestInit::new();
        probe.set_signal(Some(&self.signal));
        probe.set_method("HEAD");
        probe.set_mode(RequestMode::NoCors);
        probe.set_credentials(web_sys::RequestCredentials::Omit);
        let sent = scope().fetch_with_str_and_init(url, &probe);
        if matches!(patient(sent, host).await, Ok(Ok(_))) {
            return Refused::Later(
                Failure::new(
                    format!("{host} does not let other pages read its files"),
                    "It can be reached, but it does not send the header \
                     Access-Control-Allow-Origin (CORS), so the browser keeps its answer from \
                     this page.",
                    "Download the files and drop them here, or ask whoever runs the host to \
                     allow it.",
                )
                .with_details(details),
            );
        }
        Refused::Later(
            Failure::new(
                format!("{host} cannot be reached"),
                "There is no host of that name, it is down, or something between here and there \
                 blocks it.",
                "Check the address and the connection, then try again.",
            )
            .with_details(details),
        )
    }
}

fn offline(host: &str) -> Failure {
    Failure::new(
        "This device is offline",
        format!("{host} cannot be asked without a connection."),
        "Connect and try again. Checkpoints saved on this device open without a connection.",
    )
}

/// An answer other than success, in words. `wait` is the host's `Retry-After` in seconds.
fn refusal(status: u16, host: &str, is_hub: bool, wait: Option<u32>) -> Refused {
    let (title, cause, advice) = match status {
        401 if is_hub => (
            "There is no open model of this name".to_owned(),
            format!("{host} answered 401: the name is wrong, or the model is private."),
            "Check the name. If it is private, download it with your own account and drop its \
             folder here."
                .to_owned(),
        ),
        401 => (
            format!("{host} asks for a login"),
            "It answered 401; this page has no log-in.".to_owned(),
            "Download the files with your own account and drop them here.".to_owned(),
        ),
        403 => (
            format!("{host} does not give this file out"),
            "It answered 403: access is limited to people its owners know, or from some places."
                .to_owned(),
            "Download the files with your own account and drop them here.".to_owned(),
        ),
        429 => (
            format!("{host} asks to slow down"),
            "It answered 429: too many requests came from your network.".to_owned(),
            match wait {
                Some(seconds) => format!("Try again in {seconds} seconds."),
                None => "Try again in a few minutes.".to_owned(),
            },
        ),
        500.. => (
            format!("{host} has an internal error"),
            format!("It answered {status}: the fault is on its side."),
            "Try again in a while.".to_owned(),
        ),
        _ => (
            format!("{host} did not send the file"),
            format!("It answered {status}."),
            "Check the address.".to_owned(),
        ),
    };
    let failure = Failure::new(title, cause, advice);
    match status {
        500.. => Refused::Later(failure),
        429 => Refused::Busy(failure),
        _ => Refused::Final(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, is_hub: bool, wait: Option<u32>) -> (String, (bool, bool)) {
        let refused = refusal(status, "example.org", is_hub, wait);
        let at_once = matches!(refused, Refused::Later(_));
        let failure = refused.failure("https://example.org/m/config.json");
        (
            format!("{}: {} {}", failure.title, failure.cause, failure.advice),
            (failure.again, at_once),
        )
    }

    #[test]
    fn every_status_has_words_of_its_own() {
        let all = [
            (401, true),
            (401, false),
            (403, false),
            (429, false),
            (503, false),
            (418, false),
        ];
        let mut words: Vec<String> = all.iter().map(|&(s, hub)| said(s, hub, None).0).collect();
        assert!(said(429, false, Some(17)).0.contains("in 17 seconds"));
        assert_eq!(
            said(503, false, None).1,
            (true, true),
            "a server in trouble is asked again"
        );
        assert_eq!(said(429, true, None).1, (true, false), "later, on a click");
        assert_eq!(
            said(403, false, None).1,
            (false, false),
            "a refusal is a refusal"
        );
        words.sort();
        words.dedup();
        assert_eq!(words.len(), all.len());
    }

    #[test]
    fn a_missing_file_is_named() {
        let failure = Refused::Missing.failure("https://example.org/m/config.json?x=/y");
        assert_eq!(failure.title, "config.json is not there");
        assert!(failure.cause.contains("example.org"));
    }
}
