//! What an address, a hub, a host's own files and this device's store hold.

use crate::damage::{Format, said};
use app::checkpoint::address::Address;
use app::checkpoint::converter::{commit_on, conversions};
use app::checkpoint::hub::describe;
use app::checkpoint::manifest::{Manifest, key};
use app::checkpoint::own::OwnModel;
use app::checkpoint::planes::Planes;
use app::checkpoint::{Hub, gallery};
use app::link::{Link, MAX_FRAGMENT, MAX_MASKS, MAX_TEXT};
use app::recipe::WebTexts;
use app::site::Site;
use app::state::State;

const COMMIT: &str = "86b5e0934494bd15c9632b12f734a8a67f723594";

fn texts(files: &[&str]) -> Vec<Vec<u8>> {
    files.iter().map(|file| file.as_bytes().to_vec()).collect()
}

/// Whether a path has no step that leads up.
fn stays_below(path: &str) -> bool {
    path.split('/').all(|step| step != ".." && step != ".")
}

#[test]
fn links() {
    let format = Format {
        files: texts(&[
            "v=1&model=google-bert/bert-base-uncased&text=She+went+to+the+[MASK].&mask=3,7&panel=teach",
            "#v=1&text=a%20b%F0%9F%98%80&pair=c&top=7&hide=model,hero&try=x&recipe=m:head,l:1e-3",
            "v=1&head=AAECAwQ&panel=bench",
            "v=1&panel=inside&see=surprise&swaps=The+{nurse,doctor}+said+{he|she}.&other=Ada&apart=1&sentences=a+b%0Ac&follow=x",
            "v=1&see=attention&map=3.5&row=2&arrives=1&off=1.2,3.4&at=4&baseline=pad&compare=a,b",
            "v=1&see=spot&round=17&round-words=4&round-heat=5&round-text=It+was+so.&write=3&temperature=0.5&draw=9&order=surest-first",
            "v=1&panel=prove&curve=0123456789abcdef,250,125,200,2:8,16,32:head,190,201,,204,211,209:scratch,,,130,,,&lesson=3",
            "v=1&panel=teach&data=https://example.org/d/x.tsv&goal=masks&method=last&layers=2&pooling=cls&whole-words=1&learning-rate=2e-5&epochs=3&try=a&try-pair=b",
        ]),
        words: &[
            "v=1",
            "&model=",
            "&text=",
            "&mask=",
            "&panel=",
            "&hide=",
            "&head=",
            "%F0%9F",
            "+",
            "https://",
            "&curve=",
            "&swaps=",
            "{a,b}",
            "{a,b}{c,d}",
            "&data=",
            "&off=",
            "&round=",
            "&lesson=",
            "&temperature=",
            "&goal=",
            "&see=",
            "9999999",
            "1e-9",
        ],
    };
    format.attack_text(|text| {
        let (link, notices) = Link::parse(text);
        assert!(link.text.chars().count() <= MAX_TEXT && link.masks.len() <= MAX_MASKS);
        assert!(notices.iter().all(|notice| !notice.0.trim().is_empty()));
        let fragment = link.to_fragment();
        if fragment.len() <= MAX_FRAGMENT {
            let (again, notices) = Link::parse(&fragment);
            assert_eq!((again, notices), (link.clone(), Vec::new()), "{fragment}");
        }
        follow(link);
    });
}

/// A page that follows a link shows what it can, says what it cannot, and its own link can be read.
fn follow(link: Link) {
    let mut state = State::default();
    state.open_link(link);
    let hints = [
        state.swaps_hint(),
        state.sentences_hint(),
        state.own_round_hint(),
        state.curve_problem(),
    ];
    let said = |hint: &String| !hint.trim().is_empty();
    assert!(hints.iter().flatten().all(said));
    if let Some(sight) = state.curve_sight(400.0) {
        let svg = sight.drawing.to_svg("a picture");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
    let fragment = state.link().to_fragment();
    if fragment.len() <= MAX_FRAGMENT {
        let (link, notices) = Link::parse(&fragment);
        assert_eq!((link, notices), (state.link(), Vec::new()), "{fragment}");
    }
}

/// What a browser opens for an address is what stands in it: no other host, and no other path.
fn opens_as_it_reads(address: &str) {
    // Whether a name in punycode is one, only the browser knows.
    if address.contains("xn--") {
        return;
    }
    let opened = url::Url::parse(address).unwrap_or_else(|error| panic!("{error}: {address}"));
    let plain = |text: &str| text.replace('\'', "%27");
    assert_eq!(plain(opened.as_str()), plain(address));
}

#[test]
fn addresses_of_texts() {
    let format = Format {
        files: texts(&[
            "https://example.org:8443/data/a-b_c/reviews.tsv?v=1&x=%20",
            "https://github.com/owner/name/blob/main/data/x.csv",
            "https://192.0.2.1/a/%41/x.jsonl",
            "http://localhost:8000/x.txt",
        ]),
        words: &[
            "https://",
            "http://",
            "@",
            "..",
            "%2e",
            "%2E%2e",
            "/blob/",
            "github.com",
            "?",
            "#",
            "\\",
            ":443",
            ":0",
            "0x7f",
            "127.1",
            "2130706433",
            "xn--",
            "//",
            ";",
            "'",
        ],
    };
    format.attack_text(|text| match WebTexts::parse(text) {
        Ok(address) => {
            assert_eq!(
                WebTexts::parse(address.as_str()).as_ref(),
                Ok(&address),
                "{text}"
            );
            assert!(!address.host().is_empty() && !address.name().is_empty());
            opens_as_it_reads(address.as_str());
        }
        Err(error) => said(&error),
    });
}

#[test]
fn addresses() {
    let format = Format {
        files: texts(&[
            "google-bert/bert-base-uncased@refs/pr/1",
            "https://huggingface.co/google-bert/bert-base-uncased/tree/main",
            "https://example.org:8443/models/a-b_c/model.safetensors",
            "http://localhost:8000/x/",
        ]),
        words: &[
            "https://",
            "http://",
            "://",
            "@",
            "..",
            "//",
            "huggingface.co",
            "javascript:",
            "data:",
            ":0",
            "%2e",
            ":443",
            "0x7f",
            "127.1",
        ],
    };
    format.attack_text(|text| match Address::parse(text) {
        Ok(address) => {
            let again = Address::parse(&address.to_string());
            assert_eq!(again.as_ref(), Ok(&address), "{text}");
            assert!(stays_below(&address.to_string()), "{address}");
            if address.host().is_some() {
                opens_as_it_reads(&address.to_string());
            }
            let hubs = Hub::default().hosts;
            let is_hub = address
                .host()
                .is_some_and(|host| hubs.iter().any(|hub| hub == host));
            assert!(!is_hub, "a hub's address is a model: {address}");
        }
        Err(error) => said(&error),
    });
}

#[test]
fn a_hubs_answers() {
    let answer = format!(
        concat!(
            r#"{{"id": "a/b", "sha": "{c}", "gated": false, "siblings": [{{"rfilename": "config.json", "size": 5}}, "#,
            r#"{{"rfilename": "pytorch_model.bin", "lfs": {{"sha256": "{h}", "size": 9}}}}, {{"rfilename": "vocab.txt"}}], "#,
            r#""safetensors": {{"parameters": {{"F32": 7}}}}}}"#
        ),
        c = COMMIT,
        h = "ab".repeat(32)
    );
    let pulls = r#"{"discussions": [{"num": 3, "title": "Adding `safetensors` variant of this model", "status": "open", "isPullRequest": true, "author": {"name": "SFconvertbot"}}]}"#;
    let commits = format!(
        r#"[{{"id": "{}", "title": "x"}}, {{"id": "{COMMIT}"}}]"#,
        "0f".repeat(20)
    );
    let format = Format {
        files: texts(&[&answer, pulls, &commits]),
        words: &[
            "\"rfilename\"",
            "\"size\"",
            "\"lfs\"",
            "\"sha\"",
            "model.safetensors",
            "../",
            "\"gated\"",
            "99999999999",
        ],
    };
    let asked = Address::parse("a/b").expect("a name");
    format.attack(|bytes| {
        match describe(&asked, bytes) {
            Ok(described) => {
                let listing = described.listing;
                assert!(listing.address.is_pinned());
                assert!(listing.files.iter().all(|file| !file.name.contains('/')));
            }
            Err(failure) => assert!(!failure.title.is_empty() && !failure.cause.is_empty()),
        }
        conversions(bytes);
        if let Some(commit) = commit_on(bytes, COMMIT) {
            assert!(asked.at(&commit).is_pinned());
        }
    });
}

#[test]
fn manifests_and_models_of_ones_own() {
    let address = format!("a/b@{COMMIT}");
    let folder = key(&Address::parse(&address).expect("an address"));
    let manifest = format!(
        r#"{{"version": 1, "listing": {{"address": "{address}", "asked": "a/b", "files": [{{"role": "weights", "name": "model.safetensors", "bytes": 5, "sha256": null}}]}}, "complete": true, "saved": 1.0, "etag": null, "total": 5}}"#
    );
    let format = Format {
        files: texts(&[
            &manifest,
            r#"{"name": "my-bert", "files": [["config.json", 500], ["model.safetensors", 18446744073709551615]], "saved": 1.0}"#,
        ]),
        words: &[
            "\"version\"",
            "\"files\"",
            "\"role\"",
            "\"head\"",
            "\"name\"",
            "../",
            "\\u0000",
            "\"complete\"",
        ],
    };
    format.attack(|bytes| {
        if let Some(manifest) = Manifest::parse(&folder, bytes) {
            let plain = |name: &str| !name.contains(['/', '\\', '\0']) && name != "..";
            assert!(manifest.listing.files.iter().all(|file| plain(&file.name)));
        }
        if let Some(own) = OwnModel::parse(&String::from_utf8_lossy(bytes)) {
            let plain = |name: &str| !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
            assert!(plain(&own.name) && own.files.iter().all(|(name, _)| plain(name)));
            // Whatever is kept there, its bytes can be added up.
            own.bytes();
        }
    });
}

#[test]
fn weights_in_planes() {
    let together = |bytes: &[u8], chunk: usize| {
        let (mut planes, mut file) = (Planes::default(), Vec::new());
        bytes
            .chunks(chunk)
            .for_each(|chunk| planes.push(chunk, &mut file));
        planes.end(&mut file);
        file
    };
    let format = Format {
        files: vec![vec![1, 3, 5, 0, 2, 4], vec![9; (60 << 10) + 7]],
        words: &[],
    };
    format.attack(|bytes| {
        let whole = together(bytes, bytes.len().max(1));
        assert_eq!(whole.len(), bytes.len(), "every byte has its place");
        assert!(whole == together(bytes, 997), "wherever the stream is cut");
    });
}

#[test]
fn a_hosts_own_files() {
    let format = Format {
        files: vec![
            include_bytes!("../../../static/site.json").to_vec(),
            include_bytes!("../../../static/gallery.json").to_vec(),
        ],
        words: &[
            "\"folder\"",
            "\"hosts\"",
            "\"address\"",
            "..",
            "\"megabytes\"",
            "\"try\"",
            "http://",
        ],
    };
    format.attack_text(|text| {
        if let Ok(site) = Site::parse(text) {
            assert!(stays_below(&site.default.folder));
        }
        if let Ok(models) = gallery::parse(text) {
            assert!(models.len() <= 64);
        }
    });
}
