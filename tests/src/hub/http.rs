//! As much of HTTP/1.0 as a stand-in needs: the end of the connection is the end of the answer, so
//! that an answer can break off.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Answers until it is dropped.
pub struct Listener {
    /// Host and port.
    pub address: String,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(&self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A request without a body: all that a page sends here.
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let first = lines.next()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let path = target.split(['?', '#']).next()?;
        let headers = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_ascii_lowercase(), value.trim().to_owned()))
            });
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.collect(),
        })
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the answer may be compressed.
    pub fn takes_gzip(&self) -> bool {
        let takes = self.header("accept-encoding");
        takes.is_some_and(|takes| takes.contains("gzip"))
    }
}

/// An answer; the connection ends with it.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Box<dyn Read>,
}

impl Answer {
    /// Nothing but a status and headers, which any page may read.
    pub fn new(status: u16, headers: &[(&'static str, String)]) -> Self {
        let open = [
            ("Access-Control-Allow-Origin", "*".to_owned()),
            (
                "Access-Control-Expose-Headers",
                "ETag, Content-Range, Retry-After".to_owned(),
            ),
            ("Cache-Control", "no-store".to_owned()),
        ];
        Self {
            status,
            headers: open.into_iter().chain(headers.iter().cloned()).collect(),
            body: Box::new(io::empty()),
        }
    }

    /// All of something.
    pub fn whole(body: Vec<u8>, headers: &[(&'static str, String)]) -> Self {
        let mut answer = Self::new(200, headers);
        let length = ("Content-Length", body.len().to_string());
        answer.headers.push(length);
        answer.body = Box::new(io::Cursor::new(body));
        answer
    }

    /// A text that was compressed, of which other pages cannot see that it was.
    pub fn compressed(body: Vec<u8>) -> Self {
        let mut answer = Self::whole(body, &[("Content-Encoding", "gzip".to_owned())]);
        answer.show_length_alone();
        answer
    }

    /// Hides all headers from other pages but the length.
    pub fn show_length_alone(&mut self) {
        for (name, value) in &mut self.headers {
            if *name == "Access-Control-Expose-Headers" {
                *value = "Content-Length".to_owned();
            }
        }
    }

    fn send(mut self, request: &Request, stream: &mut TcpStream) -> io::Result<()> {
        write!(stream, "HTTP/1.0 {} x\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        if request.method != "HEAD" {
            io::copy(&mut self.body, stream)?;
        }
        Ok(())
    }
}

/// Starts answering on a free port, a thread for each request: a stalled answer must not hold up
/// the others.
pub fn listen(
    respond: impl Fn(&Request) -> io::Result<Answer> + Send + Sync + 'static,
) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let stopped = Arc::new(AtomicBool::new(false));
    let (stop, respond) = (Arc::clone(&stopped), Arc::new(respond));
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming() {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let (Ok(mut stream), respond) = (stream, Arc::clone(&respond)) else {
                continue;
            };
            std::thread::spawn(move || {
                let Some(request) = Request::read(&stream) else {
                    return;
                };
                // The browser going away in the middle of an answer is what some tests are about.
                let answer = respond(&request);
                let _ = answer.and_then(|answer| answer.send(&request, &mut stream));
                let _ = stream.shutdown(Shutdown::Both);
            });
        }
    });
    Listener {
        address,
        stopped,
        thread: Some(thread),
    }
}
