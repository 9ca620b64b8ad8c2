//! The page as others host it: below a path, under its policy, without a network, and in a new version.

use crate::reference::Reference;
use crate::teaching::{moods, run_line, set, start, write};
use crate::visit::{Choice, Visit, site_with};
use fantoccini::key::Key;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use unmask_tests::browser::{Bench, Browser, Gpu};
use xtask::server::Site;

const FOLDER: &str = "some/where";
const TEXT: &str = "The cat sat on the [MASK].";

/// Collects what the page's policy refuses.
const WATCH_POLICY: &str = "
    window.refused = [];
    addEventListener('securitypolicyviolation',
        (event) => window.refused.push(`${event.effectiveDirective} ${event.blockedURI}`));";

/// Every address that is kept for this origin.
const KEPT: &str = "return (async () => {
    const kept = [];
    for (const name of await caches.keys()) {
        for (const { url } of await (await caches.open(name)).keys()) kept.push(url);
    }
    return kept;
})();";

/// The site below a path of a host that has nothing else.
pub(crate) fn elsewhere(folder: &Path) -> Site {
    Site::new("/nonexistent").mount(FOLDER, folder)
}

impl Visit {
    pub(crate) fn go_elsewhere(&self) {
        self.go(&format!("{}{FOLDER}/", self.url()));
    }

    fn kept(&self) -> Vec<String> {
        serde_json::from_value(self.run(KEPT, &[])).expect("a list of addresses")
    }

    /// Waits until the next visit needs no network.
    pub(crate) fn wait_until_kept(&self) {
        self.wait("page and model to be kept", || {
            let kept = self.kept();
            let holds = |part: &str| kept.iter().any(|address| address.contains(part));
            holds("/engine_bg-") && holds("/tokenizer.json?") && holds("/model.planes?")
        });
    }

    fn answers(&self) {
        self.wait_for_model("Seedling");
        self.type_text(TEXT);
        self.wait_for_fill(&Reference::bundled().fill(TEXT));
    }

    /// The edition that [`publish`] wrote into the page.
    fn edition(&self) -> Value {
        let script = "return document.querySelector('meta[name=edition]')?.content ?? null";
        self.run(script, &[])
    }
}

scenario!(below_a_path_under_the_policy_everything_works_and_nothing_foreign_runs: Chromium Firefox);
fn below_a_path_under_the_policy_everything_works_and_nothing_foreign_runs(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = Visit::before(&bench, elsewhere(&bench.site), Choice::Gpu, Gpu::Software);
    visit.before_load(WATCH_POLICY);
    visit.go_elsewhere();
    visit.answers();
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    // Sizes and colours that follow from numbers, in every panel.
    visit.click("tab", "Teach");
    visit.click("button", "Review sentiment");
    visit.wait_for_text("#data-line", "rows");
    visit.click("tab", "Probe");
    assert_eq!(visit.run("return window.refused", &[]), json!([]));
    assert_eq!(visit.console_errors(), Vec::<String>::new());

    let headers = "
        const policy = document.querySelector('meta[http-equiv]').content;
        const worker = document.querySelector('meta[name=unmask-worker]').content;
        return fetch(worker).then(({ headers }) => [
            policy,
            headers.get('content-security-policy'),
            headers.get('cache-control'),
        ]);";
    let headers = visit.run(headers, &[]);
    assert_eq!(headers[0], headers[1], "a worker goes by its header");
    assert!(
        headers[0]
            .as_str()
            .unwrap_or_default()
            .contains("object-src 'none'")
    );
    assert_eq!(headers[2], json!("public, max-age=31536000, immutable"));

    let inject = "
        const script = document.createElement('script');
        script.textContent = 'window.injected = true';
        document.head.append(script);
        document.body.insertAdjacentHTML('beforeend', '<p hidden style=\"color: red\"></p>');
        return window.injected ?? null;";
    assert_eq!(visit.run(inject, &[]), Value::Null);
    visit.wait("both to be refused", || {
        visit.run("return [...new Set(window.refused)]", &[])
            == json!(["script-src-elem inline", "style-src-attr inline"])
    });
    visit.end_as_it_is();
}

scenario!(a_host_chooses_the_default_and_a_broken_choice_does_not_close_the_page: Chromium Firefox);
fn a_host_chooses_the_default_and_a_broken_choice_does_not_close_the_page(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    for (folder, name) in [("models/seedling", "Mine"), ("../elsewhere", "Seedling")] {
        let site = site_with(&bench, |settings| {
            settings["default"]["name"] = json!("Mine");
            settings["default"]["folder"] = json!(folder);
        });
        let visit = Visit::with(&bench, site, Choice::Cpu, Gpu::Software);
        visit.wait_for_model(name);
        let console = visit.console();
        let warned = console
            .iter()
            .any(|line| line.starts_with("WARNING") && line.contains("site.json is not used"));
        assert_eq!(warned, name != "Mine", "{console:?}");
        visit.end_as_it_is();
    }
}

scenario!(a_second_visit_needs_no_network: Chromium Firefox WebKit);
fn a_second_visit_needs_no_network(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let mut visit = Visit::before(&bench, elsewhere(&bench.site), Choice::Cpu, Gpu::Software);
    visit.go_elsewhere();
    visit.wait_for_model("Seedling");
    visit.wait_until_kept();
    let own = format!("{}{FOLDER}/", visit.url());
    let kept = visit.kept();
    let strangers: Vec<&String> = kept.iter().filter(|kept| !kept.starts_with(&own)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert_eq!(visit.console_errors(), Vec::<String>::new());

    visit.stop_server();
    let gone = "return fetch('models/seedling/README.md').then(() => 'there', () => 'gone')";
    assert_eq!(visit.run(gone, &[]), json!("gone"), "nothing answers");
    visit.console();
    visit.go_elsewhere();
    visit.answers();
    visit.end();
}

/// Writes the built page into `folder` as another edition of itself.
fn publish(bench: &Bench, folder: &Path, edition: &str) {
    copy(&bench.site, folder);
    let index = folder.join("index.html");
    let old = fs::read(&index).expect("the page");
    let text = String::from_utf8(old.clone()).expect("text");
    let mark = format!("<meta name=\"edition\" content=\"{edition}\"></head>");
    let new = text.replace("</head>", &mark);
    assert_ne!(text, new);
    fs::write(&index, &new).expect("a writable folder");

    let worker = folder.join("sw.js");
    let script = fs::read_to_string(&worker).expect("the service worker");
    let sum = |bytes: &[u8]| -> String {
        let digest = Sha256::digest(bytes);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let (listed, listing) = (sum(&old), sum(new.as_bytes()));
    assert!(
        script.contains(&listed),
        "a page for development is not kept"
    );
    let script = script.replace(&listed, &listing);
    let version = "const VERSION = \"";
    let script = script.replace(version, &format!("{version}{edition}-"));
    fs::write(&worker, script).expect("a writable folder");
}

/// Copies a folder, less the compressed forms.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a writable folder");
    for entry in fs::read_dir(from).expect("the built page").flatten() {
        let (path, goal) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &goal);
        } else if path.extension().is_none_or(|extension| extension != "br") {
            fs::copy(&path, &goal).expect("a writable folder");
        }
    }
}

/// A visit of a first edition, which is kept, and where a second lies.
fn visit_first_of_two(bench: &Bench, folder: &TempDir) -> (Visit, PathBuf) {
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    publish(bench, &one, "one");
    publish(bench, &two, "two");
    let visit = Visit::before(bench, elsewhere(&one), Choice::Cpu, Gpu::Software);
    visit.go_elsewhere();
    visit.wait_for_model("Seedling");
    visit.wait_until_kept();
    (visit, two)
}

scenario!(a_new_version_is_offered_and_waits_until_it_is_wanted: Chromium Firefox WebKit);
fn a_new_version_is_offered_and_waits_until_it_is_wanted(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-editions-").expect("a folder");
    let (mut visit, two) = visit_first_of_two(&bench, &folder);
    assert_eq!(visit.edition(), json!("one"));

    visit.serve(elsewhere(&two));
    visit.go_elsewhere();
    visit.find("button", "Update");
    assert_eq!(visit.edition(), json!("one"));
    let notice = visit.find("status", "Newer version").text();
    assert!(
        notice.contains("A new version of this page is here."),
        "{notice}"
    );
    visit.pictures("update", "body");
    visit.click("button", "Later");
    visit.wait("the notice to go", || {
        visit.all("button", "Update").is_empty()
    });

    // It is offered again, and until it is accepted the old one stays.
    visit.go_elsewhere();
    visit.wait_for_model("Seedling");
    visit.find("button", "Update").focus();
    assert_eq!(visit.edition(), json!("one"));
    visit.press(&Key::Enter);
    visit.wait("the new version", || visit.edition() == json!("two"));
    visit.answers();
    visit.wait("the old version to be forgotten", || {
        let kept = visit.kept();
        kept.iter()
            .filter(|kept| kept.contains("/engine_bg-"))
            .count()
            == 1
    });
    assert!(visit.all("button", "Update").is_empty());
    visit.end();
}

scenario!(a_version_that_comes_in_the_middle_of_a_run_waits_for_its_end: Chromium Firefox);
fn a_version_that_comes_in_the_middle_of_a_run_waits_for_its_end(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-editions-").expect("a folder");
    let (mut visit, two) = visit_first_of_two(&bench, &folder);
    visit.open_fixture("tiny-bert");
    visit.wait_for_model("model.safetensors");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows");
    visit.click("radio", "Last layers");
    set(&visit, &[("Epochs", "1000"), ("Batch size", "1")]);
    start(&visit);
    visit.wait("an epoch", || {
        visit.text_of("#accuracy-chart").contains("After epoch")
    });

    // At once: a run of the smallest model is soon over.
    visit.run("document.querySelector('#pause-run').click()", &[]);
    visit.wait("the rest", || run_line(&visit).contains("Paused"));

    // As when another tab opens the newer page.
    visit.serve(elsewhere(&two));
    let look = "return navigator.serviceWorker.ready.then((registration) => registration.update()).then(() => true)";
    assert_eq!(visit.run(look, &[]), json!(true));
    visit.find("button", "Update");
    let at = run_line(&visit);
    // Who comes by keyboard finds no button behind the notice.
    let press = |name| {
        visit.find("button", name).focus();
        let covered = "const { left, top } = document.activeElement.getBoundingClientRect();
            return document.activeElement !== document.elementFromPoint(left + 8, top + 8);";
        assert_eq!(visit.run(covered, &[]), json!(false), "{name}");
        visit.press(&Key::Enter);
    };
    press("Resume");
    visit.wait("the run to go on", || run_line(&visit) != at);
    press("Stop training");
    visit.wait("the end", || {
        ["Stopped", "Done"]
            .iter()
            .any(|end| run_line(&visit).starts_with(end))
    });
    visit.find("button", "Update");
    assert_eq!(visit.edition(), json!("one"));
    visit.end();
}
