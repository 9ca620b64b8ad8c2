//! What is an address, and all that is not.

use super::*;

fn parse(text: &str) -> Address {
    Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn ids_are_read_as_the_hub_reads_them() {
    for (text, id, revision) in [
        (
            "google-bert/bert-base-uncased",
            "google-bert/bert-base-uncased",
            "main",
        ),
        (" bert-base-uncased ", "bert-base-uncased", "main"),
        ("a/b_c.d@v1.0", "a/b_c.d", "v1.0"),
        ("a/b@refs/pr/1", "a/b", "refs/pr/1"),
        ("https://huggingface.co/a/b", "a/b", "main"),
        ("https://hf.co/a/b/tree/dev", "a/b", "dev"),
        (
            "https://huggingface.co/a/b/blob/main/config.json",
            "a/b",
            "main",
        ),
    ] {
        let (id, revision) = (id.to_owned(), revision.to_owned());
        assert_eq!(parse(text), Address::Hub { id, revision }, "{text}");
    }
    assert!(parse(&format!("a/b@{}", "0a".repeat(20))).is_pinned());
    assert!(!parse("a/b").is_pinned());
}

#[test]
fn addresses_of_folders_and_of_files_are_folders() {
    let folder = parse("https://Example.org/models/tiny");
    assert_eq!(folder.to_string(), "https://example.org/models/tiny/");
    assert_eq!(folder.name(), "tiny");
    assert_eq!(folder.host(), Some("example.org"));
    assert_eq!(
        parse("https://example.org/m/pytorch_model.bin").to_string(),
        "https://example.org/m/pytorch_model.bin"
    );
    let file = parse("https://example.org:8443/m/other.safetensors");
    assert_eq!(
        file.to_string(),
        "https://example.org:8443/m/other.safetensors"
    );
    assert_eq!(file.name(), "m");
    assert_eq!(
        parse("https://example.org/m/model.safetensors"),
        parse("https://example.org/m/")
    );
    assert_eq!(
        parse("http://127.0.0.1:8000/m").host(),
        Some("127.0.0.1:8000")
    );
    assert_eq!(
        parse("https://example.org").to_string(),
        "https://example.org/"
    );
}

#[test]
fn what_could_lead_elsewhere_is_refused() {
    for text in [
        "",
        "   ",
        "a/b/c",
        "../secret",
        "a/..",
        "a/.b",
        "a--b/c",
        "-a/b",
        "a/b.git",
        "a b",
        "<img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://example.org/m",
        "http://127.0.0.1.example.org/m",
        "https://user:secret@example.org/m",
        "https://example.org@evil.example/m",
        "https://example.org/a/../b",
        "https://example.org/a/%2e%2e/b",
        "https://example.org\\@evil.example/",
        "https://example.org/m?token=1",
        "https://example.org/m#x",
        "https://example.org:0/m",
        "https://example.org:99999/m",
        "https://exa mple.org/m",
        "https://[::1]/m",
        "https:///m",
        "https://.org/m",
        "https://example.org/optimizer.pt",
        "a/b@",
        "a/b@../c",
        "a/b@c d",
        "a/b@c@d",
        "a/\u{202e}b",
        "https://ex\u{430}mple.org/m",
    ] {
        assert!(Address::parse(text).is_err(), "{text:?} was taken");
    }
    assert!(Address::parse(&"a".repeat(MAX_ADDRESS + 1)).is_err());
}

proptest::proptest! {
    #[test]
    fn whatever_is_typed_gives_a_reason_or_reads_back(text in "\\PC{0,80}") {
        if let Ok(address) = Address::parse(&text) {
            proptest::prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }
    }

    #[test]
    fn likely_addresses_read_back(text in "(https://)?[a-z.:/@-]{1,40}") {
        if let Ok(address) = Address::parse(&text) {
            proptest::prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }
    }
}
