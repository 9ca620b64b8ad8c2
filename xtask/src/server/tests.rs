//! The server over a real socket.

use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

struct Fixture {
    folder: PathBuf,
    server: Server,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let site = folder.join("site");
        std::fs::create_dir_all(&site).unwrap();
        std::fs::write(folder.join("secret"), "secret").unwrap();
        std::fs::write(site.join("index.html"), "<p>hello").unwrap();
        std::fs::write(site.join("app.wasm"), b"\0asm6789").unwrap();
        std::fs::write(site.join("app.wasm.br"), b"packed").unwrap();
        let made_up = || Reply::bytes("text/plain", b"made up".to_vec());
        let cut = || Reply {
            length: Some(100),
            ..Reply::bytes("text/plain", b"cut".to_vec())
        };
        let site = Site::new(&site)
            .mount("other", &folder)
            .answer("/made/up", made_up)
            .answer("/cut", cut);
        Self {
            server: Server::start(site, 0).unwrap(),
            folder,
        }
    }

    /// The status line, headers and body of an answer, as text.
    fn ask(&self, method: &str, target: &str, headers: &str) -> String {
        let mut socket = TcpStream::connect(self.server.address).unwrap();
        let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        socket
            .write_all(format!("{request}{headers}\r\n").as_bytes())
            .unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        // The names of headers in lower case, as this server writes them.
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, target: &str) -> String {
        self.ask("GET", target, "")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn files_and_types() {
    let fixture = Fixture::new("files");
    let page = fixture.get("/?x=1#y");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        page.contains("content-type: text/html; charset=utf-8"),
        "{page}"
    );
    assert!(page.contains("cache-control: no-cache"), "{page}");
    assert!(page.ends_with("\r\n\r\n<p>hello"), "{page}");
    let wasm = fixture.get("/app.wasm");
    assert!(wasm.contains("content-type: application/wasm"), "{wasm}");
    assert!(wasm.contains("content-length: 8"), "{wasm}");
    assert!(fixture.get("/nothing").starts_with("HTTP/1.1 404"));
    assert!(
        fixture
            .ask("POST", "/", "Content-Length: 0\r\n")
            .starts_with("HTTP/1.1 405")
    );
    let head = fixture.ask("HEAD", "/", "");
    assert!(
        head.contains("content-length: 8") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[test]
fn a_page_brings_its_policy_and_hashed_files_stay() {
    let fixture = Fixture::new("policy");
    let site = fixture.folder.join("site");
    let page = "<head><meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'self'\">";
    std::fs::write(site.join("index.html"), page).unwrap();
    std::fs::write(site.join("worker-0123abcd.js"), "1").unwrap();
    for target in ["/", "/worker-0123abcd.js", "/app.wasm"] {
        let answer = fixture.get(target);
        for line in [
            "content-security-policy: script-src 'self'\r\n",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
        ] {
            assert!(answer.contains(line), "{target}: {answer}");
        }
        let stays = answer.contains("cache-control: public, max-age=31536000, immutable\r\n");
        assert_eq!(stays, target.contains("0123abcd"), "{target}: {answer}");
    }
    let other = fixture.get("/other/secret");
    assert!(
        !other.contains("content-security-policy"),
        "another folder: {other}"
    );
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let fixture = Fixture::new("outside");
    assert!(
        fixture.get("/other/secret").ends_with("secret"),
        "the mounted folder"
    );
    for target in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/other/../../etc/passwd",
    ] {
        assert!(fixture.get(target).starts_with("HTTP/1.1 404"), "{target}");
    }
}

#[test]
fn ranges() {
    let fixture = Fixture::new("ranges");
    let part = fixture.ask(
        "GET",
        "/app.wasm",
        "Range: bytes=4-6\r\nAccept-Encoding: br\r\n",
    );
    assert!(part.starts_with("HTTP/1.1 206"), "{part}");
    assert!(
        part.contains("content-range: bytes 4-6/8") && part.ends_with("\r\n\r\n678"),
        "{part}"
    );
    let beyond = fixture.ask("GET", "/app.wasm", "Range: bytes=8-\r\n");
    assert!(
        beyond.starts_with("HTTP/1.1 416") && beyond.contains("bytes */8"),
        "{beyond}"
    );
}

#[test]
fn brotli_only_where_it_is_understood() {
    let fixture = Fixture::new("brotli");
    let packed = fixture.ask("GET", "/app.wasm", "Accept-Encoding: gzip, br;q=0.9\r\n");
    assert!(packed.contains("content-encoding: br"), "{packed}");
    assert!(
        packed.contains("content-type: application/wasm"),
        "{packed}"
    );
    assert!(packed.ends_with("\r\n\r\npacked"), "{packed}");
    let plain = fixture.ask("GET", "/app.wasm", "Accept-Encoding: gzip, brx\r\n");
    assert!(
        !plain.contains("content-encoding") && plain.ends_with("6789"),
        "{plain}"
    );
}

#[test]
fn made_up_answers() {
    let fixture = Fixture::new("answers");
    assert!(fixture.get("/made/up").ends_with("\r\n\r\nmade up"));
    // What had been written when the connection broke may be lost with it, on a busy machine all of it.
    let cut = fixture.get("/cut");
    match cut.split_once("\r\n\r\n") {
        Some((head, body)) => {
            assert!(head.contains("content-length: 100"), "{cut}");
            assert!("cut".starts_with(body), "{cut}");
        }
        None => assert_eq!(cut, ""),
    }
}
