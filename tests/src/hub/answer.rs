use xtask::server::{Reply, Request};

/// Whether the answer may be compressed.
pub fn takes_gzip(request: &Request) -> bool {
    let takes = request.header("accept-encoding");
    takes.is_some_and(|takes| takes.contains("gzip"))
}

/// An answer of a host whose files any page may read.
pub struct Answer(pub Reply);

impl Answer {
    /// Nothing but a status and headers.
    pub fn new(status: u16, headers: &[(&'static str, String)]) -> Self {
        let open = [
            ("Access-Control-Allow-Origin", "*".to_owned()),
            (
                "Access-Control-Expose-Headers",
                "ETag, Content-Range, Retry-After".to_owned(),
            ),
            ("Cache-Control", "no-store".to_owned()),
        ];
        Self(Reply {
            headers: open.into_iter().chain(headers.iter().cloned()).collect(),
            ..Reply::new(status)
        })
    }

    /// All of something.
    pub fn whole(body: Vec<u8>, headers: &[(&'static str, String)]) -> Self {
        let Self(Reply { headers, .. }) = Self::new(200, headers);
        Self(Reply {
            headers,
            ..Reply::bytes("application/octet-stream", body)
        })
    }

    /// A text that was compressed, of which other pages cannot see that it was.
    pub fn compressed(body: Vec<u8>) -> Self {
        let mut answer = Self::whole(body, &[("Content-Encoding", "gzip".to_owned())]);
        answer.show_length_alone();
        answer
    }

    /// Hides all headers from other pages but the length.
    pub fn show_length_alone(&mut self) {
        for (name, value) in &mut self.0.headers {
            if *name == "Access-Control-Expose-Headers" {
                *value = "Content-Length".to_owned();
            }
        }
    }
}
