//! As much of WebDriver BiDi as the classic protocol lacks: the console, scripts that run before a
//! page's own, and the size of the page.

use serde_json::{Value, json};
use std::net::TcpStream;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket, connect};

/// The second connection to a browser, beside the WebDriver session's.
pub struct Bidi {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    last: u64,
    /// What the pages wrote to the console, not yet asked for.
    console: Vec<String>,
}

impl Bidi {
    /// Connects to the address that a session names as its `webSocketUrl`, and begins to listen to
    /// the console.
    ///
    /// # Panics
    /// If the browser does not answer.
    pub fn connect(url: &str) -> Self {
        let (socket, _) = connect(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        let mut bidi = Self {
            socket,
            last: 0,
            console: Vec::new(),
        };
        bidi.send(
            "session.subscribe",
            &json!({ "events": ["log.entryAdded"] }),
        );
        bidi
    }

    /// Sends a command and waits for its result.
    ///
    /// # Panics
    /// If the browser refuses it.
    pub fn send(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let command = json!({ "id": self.last, "method": method, "params": parameters });
        let sent = self.socket.send(Message::text(command.to_string()));
        sent.unwrap_or_else(|error| panic!("{method}: {error}"));
        loop {
            let message = self.socket.read();
            let message = message.unwrap_or_else(|error| panic!("{method}: {error}"));
            let Message::Text(text) = message else {
                continue;
            };
            let mut message: Value = serde_json::from_str(&text).expect("JSON");
            if message["method"] == json!("log.entryAdded") {
                self.console.push(entry(&message["params"]));
            } else if message["id"] == json!(self.last) {
                let failed = message["type"] == json!("error");
                assert!(!failed, "the browser could not {method}: {message}");
                return message["result"].take();
            }
        }
    }

    /// What was written to the console since the last call, in the words of [`entry`].
    pub fn console(&mut self) -> Vec<String> {
        // What was written before this is answered has come before its answer.
        self.send("session.status", &json!({}));
        std::mem::take(&mut self.console)
    }

    /// The tab.
    pub fn context(&mut self) -> Value {
        let mut tree = self.send("browsingContext.getTree", &json!({}));
        tree["contexts"][0]["context"].take()
    }
}

/// `LEVEL: where: message`, with the levels that Chromium has.
fn entry(entry: &Value) -> String {
    let level = match entry["level"].as_str() {
        Some("error") => "SEVERE",
        Some("warn") => "WARNING",
        _ => "INFO",
    };
    let frame = &entry["stackTrace"]["callFrames"][0];
    let place = frame["url"].as_str().unwrap_or("?");
    format!(
        "{level}: {place}: {}",
        entry["text"].as_str().unwrap_or("?")
    )
}

#[test]
fn an_entry_is_told_as_chromium_tells_it() {
    let logged = json!({
        "type": "javascript", "level": "error", "text": "Error: on purpose",
        "stackTrace": { "callFrames": [{ "url": "http://127.0.0.1/app.js", "lineNumber": 3 }] },
    });
    assert_eq!(
        entry(&logged),
        "SEVERE: http://127.0.0.1/app.js: Error: on purpose"
    );
    assert_eq!(
        entry(&json!({ "level": "warn", "text": "w" })),
        "WARNING: ?: w"
    );
}
