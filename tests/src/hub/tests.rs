//! The stand-in, asked directly.

use super::*;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

/// An answer's head, in lower case, and its body.
fn ask(hub: &Hub, path: &str, range: &str) -> (String, Vec<u8>) {
    ask_and_tell(hub, path, range, &AtomicBool::new(false))
}

/// The same; `heard` is set once the head is there.
fn ask_and_tell(hub: &Hub, path: &str, range: &str, heard: &AtomicBool) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(hub.cdn.host()).expect("a connection");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{range}\r\n"
    )
    .expect("a request");
    let mut answer = Vec::new();
    // The head is there before anyone hangs up.
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        answer.push(byte[0]);
    }
    heard.store(true, Ordering::Release);
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    (head, answer[end + 4..].to_vec())
}

#[test]
fn ranges_and_faults_are_served() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let bytes: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
    std::fs::write(folder.path().join("a.bin"), &bytes).expect("a file");
    let hub = Hub::start(&[("a/b", folder.path().to_owned())]);
    let path = format!("/a/b/{COMMIT}/a.bin");
    let (head, body) = ask(&hub, &path, "Range: bytes=99990-\r\n");
    assert!(
        head.contains("206") && head.contains("bytes 99990-99999/100000"),
        "{head}"
    );
    assert_eq!(body, bytes[99_990..]);
    hub.fail("a.bin", Fault::Stall(4000));
    let heard = AtomicBool::new(false);
    let (head, body) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_and_tell(&hub, &path, "", &heard));
        while !asking.is_finished() {
            if heard.load(Ordering::Acquire) {
                hub.hang_up();
            }
            std::thread::yield_now();
        }
        asking.join().expect("an answer")
    });
    assert!(head.contains("content-length: 100000"), "{head}");
    // What was written last may be lost with the line.
    assert!(body.len() <= 4000 && body == bytes[..body.len()]);
    assert_eq!(ask(&hub, &path, "").1, bytes);
    assert_eq!(hub.seen("a.bin")[0].range.as_deref(), Some("bytes=99990-"));
}

#[test]
fn texts_come_compressed_to_who_takes_that() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let text = "{\"vocab_size\": 30522}".repeat(50);
    std::fs::write(folder.path().join("config.json"), &text).expect("a file");
    std::fs::write(folder.path().join("model.safetensors"), &text).expect("a file");
    let hub = Hub::start(&[("a/b", folder.path().to_owned())]);
    hub.compress();
    let path = format!("/a/b/{COMMIT}/config.json");
    let takes = "Accept-Encoding: gzip, deflate, br\r\n";
    let (head, body) = ask(&hub, &path, takes);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let length = format!("content-length: {}\r\n", body.len());
    assert!(format!("{head}\r\n").contains(&length), "{head}");
    assert!(head.contains("expose-headers: content-length") && !head.contains("etag"));
    let inflated = miniz_oxide::inflate::decompress_to_vec(&body[10..body.len() - 8]);
    assert_eq!(inflated.expect("deflate"), text.as_bytes());
    assert_eq!(body[body.len() - 4..], (text.len() as u32).to_le_bytes());

    // Not to who asks for bytes as they are, and no weights.
    assert_eq!(ask(&hub, &path, "").1, text.as_bytes());
    let weights = format!("/a/b/{COMMIT}/model.safetensors");
    let (head, body) = ask(&hub, &weights, &format!("{takes}Range: bytes=0-\r\n"));
    assert!(head.contains("206") && head.contains("expose-headers: content-length"));
    assert_eq!(body, text.as_bytes());
}
