use axum::body::{Body, Bytes};
use axum::extract;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::Response;
use futures_lite::stream;
use std::io::{self, Read};
use tokio::sync::mpsc;

/// A request without its body: no page sends one here.
pub struct Request(Parts);

impl From<extract::Request> for Request {
    fn from(request: extract::Request) -> Self {
        Self(request.into_parts().0)
    }
}

impl Request {
    pub fn method(&self) -> &str {
        self.0.method.as_str()
    }

    /// The address without what follows a `?`.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// A header, where it is there and plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok()
    }
}

/// An answer that a test makes up.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// `Content-Length`; without it the body is sent in chunks of unannounced number.
    pub length: Option<u64>,
    /// May end early or block: that is how tests make a truncated or a stalled download.
    pub body: Box<dyn Read + Send>,
}

impl Reply {
    /// A status and no body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            length: Some(0),
            body: Box::new(io::empty()),
        }
    }

    /// 200 with these bytes.
    pub fn bytes(content_type: &str, bytes: Vec<u8>) -> Self {
        Self {
            headers: vec![(CONTENT_TYPE.as_str(), content_type.to_string())],
            length: Some(bytes.len() as u64),
            body: Box::new(io::Cursor::new(bytes)),
            ..Self::new(200)
        }
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        if let Some(length) = self.length {
            response = response.header(CONTENT_LENGTH, length);
        }
        let body = match self.length {
            Some(0) => Body::empty(),
            _ => stream(self.body),
        };
        response.body(body).expect("our headers are ASCII")
    }
}

/// A body that is read on a thread of its own: it may block as long as it likes.
fn stream(mut body: Box<dyn Read + Send>) -> Body {
    let (sender, mut receiver) = mpsc::channel::<io::Result<Bytes>>(1);
    std::thread::spawn(move || {
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = match body.read(&mut piece) {
                Ok(0) => return,
                Ok(count) => Ok(Bytes::copy_from_slice(&piece[..count])),
                Err(error) => Err(error),
            };
            // The browser going away in the middle of an answer is its right.
            if sender.blocking_send(read).is_err() {
                return;
            }
        }
    });
    Body::from_stream(stream::poll_fn(move |context| receiver.poll_recv(context)))
}
