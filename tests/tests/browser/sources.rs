//! Checkpoints from other hosts: a stand-in for the hub on this machine, and what it does wrong.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, fixture, site_with};
use bert::probe::Fill;
use fantoccini::key::Key;
use serde_json::json;
use unmask_tests::browser::{Bench, Browser, Gpu};
use unmask_tests::hub::{COMMIT, Fault, Hub};
use xtask::server::Site;

const TEXT: &str = "the [MASK] sat on the mat.";
pub const MODEL: &str = "tiny/bert";

pub fn hub() -> Hub {
    Hub::start(&[(MODEL, fixture("tiny-bert"))])
}

/// The page, told that the stand-in is the hub.
pub fn with_hub(bench: &Bench, hub: &Hub) -> Site {
    site_with(bench, |settings| settings["hub"] = hub.settings())
}

pub fn begin(browser: Browser, hub: &Hub) -> Option<Visit> {
    let bench = Bench::ready(browser)?;
    let visit = Visit::with(&bench, with_hub(&bench, hub), Choice::Cpu, Gpu::Software);
    visit.wait_for_model("Seedling");
    visit.type_text(TEXT);
    Some(visit)
}

pub fn expected() -> Fill {
    Reference::of(&fixture("tiny-bert")).fill(TEXT)
}

/// Types a name or an address and asks for a look.
pub fn look(visit: &Visit, address: &str) {
    visit.open_model_card();
    visit.run("document.querySelector('#opener').open = true", &[]);
    visit
        .find("textbox", "Name on Hugging Face, or address")
        .fill(address);
    visit.click("button", "Show details");
}

/// The offer's value under a heading, once there is an offer.
pub fn offered(visit: &Visit, heading: &str) -> String {
    visit.wait("an offer", || !visit.text_of("#offer").is_empty());
    let script = "
        const terms = [...document.querySelectorAll('#offer dt')];
        const term = terms.find((term) => term.textContent === arguments[0]);
        return term?.nextElementSibling.textContent ?? '';";
    let text = visit.run(script, &[json!(heading)]);
    text.as_str().unwrap_or_default().to_owned()
}

/// What the page says of the model and how it came.
pub fn line(visit: &Visit) -> String {
    visit.text_of(".model-title p")
}

pub fn dismiss(visit: &Visit) {
    visit.click("button", "Dismiss");
    visit.wait("no alert", || visit.all("alert", "").is_empty());
}

/// Waits until a part of the weights has arrived.
pub fn wait_for_bytes(visit: &Visit) {
    visit.wait_for_text("#loading", "Downloading weights");
    visit.wait_for_text("#loading", " of 105.1 kB");
}

/// Breaks the connection in the middle of the weights.
fn break_off(visit: &Visit, hub: &Hub) {
    wait_for_bytes(visit);
    hub.hang_up();
}

/// Where requests for the rest of the weights began.
fn ranges(hub: &Hub) -> Vec<u64> {
    let seen = hub.seen("/model.safetensors").into_iter();
    let ranges = seen.filter_map(|seen| seen.range);
    let starts = ranges.map(|range| {
        let from = range
            .strip_prefix("bytes=")
            .and_then(|range| range.strip_suffix('-'));
        from.and_then(|from| from.parse().ok())
            .expect("an open range")
    });
    // The whole is asked for as a range too.
    starts.filter(|start| *start > 0).collect()
}

/// Bytes of the weights that this device keeps.
fn kept(visit: &Visit) -> u64 {
    let script = "return (async () => {
        const top = await navigator.storage.getDirectory();
        const all = await top.getDirectoryHandle('checkpoints');
        for await (const folder of all.values())
            return (await (await folder.getFileHandle('model.safetensors')).getFile()).size;
        })()";
    visit.run(script, &[]).as_u64().expect("a size")
}

pub fn open_list(visit: &Visit) {
    visit.open_model_card();
    visit.wait("the list of what is kept", || {
        !visit.text_of("#kept").is_empty()
    });
    visit.run("document.querySelector('#kept').open = true", &[]);
}

scenario!(a_model_of_the_hub_is_offered_loaded_kept_and_opened_without_the_hub: Chromium Firefox);
fn a_model_of_the_hub_is_offered_loaded_kept_and_opened_without_the_hub(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    look(&visit, MODEL);
    assert_eq!(offered(&visit, "Host"), hub.host());
    assert_eq!(offered(&visit, "Commit"), COMMIT);
    assert!(offered(&visit, "Model").starts_with("BertForPreTraining"));
    assert!(offered(&visit, "Download").contains("in 5 files"));
    assert!(
        hub.seen("model.safetensors").is_empty(),
        "nothing big before the click"
    );
    visit.screenshot("offer");
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&expected());
    assert!(
        line(&visit).contains("kept on this device"),
        "{}",
        line(&visit)
    );

    // The next visit needs no hub.
    let asked = hub.count();
    drop(hub);
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    visit.type_text(TEXT);
    open_list(&visit);
    visit.screenshot("kept");
    let year = "return new Date().toLocaleDateString('default', { year: 'numeric' })";
    let year = visit.run(year, &[]);
    let shown = visit.text_of("#kept li");
    assert!(shown.contains(year.as_str().expect("a year")), "{shown}");
    visit.wait_for_text("#kept-how-long", "delete");
    visit.open_model_card();
    visit.click("button", &format!("Open {MODEL} @ {}", &COMMIT[..8]));
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&expected());
    assert!(
        line(&visit).contains("nothing was downloaded"),
        "{}",
        line(&visit)
    );
    assert!(asked > 0);

    // By its name too, although nobody can say whether there is a newer one.
    look(&visit, MODEL);
    visit.wait_for_text("#model-name", MODEL);
    visit.wait("the look to end", || visit.text_of("#looking").is_empty());
    assert_eq!(visit.all("alert", "").len(), 0);

    open_list(&visit);
    visit.open_model_card();
    let delete = format!("Delete {MODEL} @ {} from this device", &COMMIT[..8]);
    visit.click("button", &delete);
    visit.find("button", "Keep");
    // It has the focus: another Enter deletes nothing.
    visit.press(&Key::Enter);
    visit.wait("the question to go", || {
        visit.all("button", "Keep").is_empty()
    });
    visit.click("button", &delete);
    visit.click("button", "Yes, delete");
    visit.wait("an empty list", || visit.text_of("#kept").is_empty());
    visit.wait_for_fill(&expected());
    // The hub is gone, which the browser mentions on the console.
    assert_eq!(visit.all("alert", "").len(), 0);
    visit.end_as_it_is();
}

scenario!(an_interrupted_download_goes_on_where_it_stopped: Chromium Firefox WebKit);
fn an_interrupted_download_goes_on_where_it_stopped(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    // The connection breaks: the page asks for the rest by itself.
    hub.fail("/model.safetensors", Fault::Stall(40_000));
    look(&visit, &hub.folder(MODEL));
    visit.click("button", "Load");
    break_off(&visit, &hub);
    visit.wait_for_fill(&expected());
    let ranges = ranges(&hub);
    assert!(
        matches!(ranges[..], [from] if (1..=40_000).contains(&from)),
        "{ranges:?}"
    );
    visit.end();
}

scenario!(a_download_that_was_given_up_is_resumed_on_request: Chromium Firefox);
fn a_download_that_was_given_up_is_resumed_on_request(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    let address = hub.folder(MODEL);
    // It stalls; the visitor gives up.
    hub.fail("/model.safetensors", Fault::Stall(30_000));
    look(&visit, &address);
    visit.click("button", "Load");
    wait_for_bytes(&visit);
    visit.click("button", "Cancel");
    visit.wait_for_model("Seedling");

    // Later it breaks for good: the page tries a few times, then says so.
    look(&visit, &address);
    assert!(offered(&visit, "Download").contains("kB are on this device already"));
    let kept = kept(&visit);
    assert!((1..=30_000).contains(&kept), "{kept}");
    hub.fail("/model.safetensors", Fault::Stall(20_000));
    for _ in 0..4 {
        hub.fail("/model.safetensors", Fault::Status(503));
    }
    visit.click("button", "Load");
    break_off(&visit, &hub);
    visit.alert("503");
    visit.screenshot("download-failed");
    visit.click("button", "Try again");
    visit.wait_for_fill(&expected());
    let ranges = ranges(&hub);
    assert_eq!(ranges.first(), Some(&kept));
    assert!(
        ranges
            .last()
            .is_some_and(|last| (kept + 1..=kept + 20_000).contains(last)),
        "{ranges:?}"
    );

    // A host that sends the whole instead of the rest is understood too.
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait_for_model("Seedling");
    open_list(&visit);
    visit.open_model_card();
    visit.click("button", &format!("Delete {address} from this device"));
    visit.click("button", "Yes, delete");
    visit.wait("an empty list", || visit.text_of("#kept").is_empty());
    hub.fail("/model.safetensors", Fault::Stall(40_000));
    hub.fail("/model.safetensors", Fault::NoRanges);
    look(&visit, &address);
    visit.click("button", "Load");
    break_off(&visit, &hub);
    visit.wait_for_fill(&expected());
    visit.end_as_it_is();
}

scenario!(every_way_to_fail_has_words_of_its_own_and_the_old_model_stays: Chromium Firefox WebKit);
fn every_way_to_fail_has_words_of_its_own_and_the_old_model_stays(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    let description = "/revision/main";
    for (fault, said) in [
        (Fault::Status(401), "no open model of this name"),
        (Fault::Status(403), "does not give this file out"),
        (Fault::Status(404), "There is no tiny/bert"),
        (Fault::Status(429), "in 17 seconds"),
        (Fault::Status(500), "has an internal error"),
        (Fault::NoCors, "does not let other pages read its files"),
        (Fault::Elsewhere, "unknown host"),
    ] {
        eprintln!("{fault:?}");
        hub.fail(description, fault);
        look(&visit, MODEL);
        visit.alert(said);
        dismiss(&visit);
    }
    // A busy host may answer later.
    hub.fail(description, Fault::Status(429));
    look(&visit, MODEL);
    visit.alert("asks to slow down");
    visit.click("button", "Try again");
    visit.wait("an offer", || !visit.text_of("#offer").is_empty());
    visit.click("button", "Not now");
    // A host by its address is not followed elsewhere.
    let address = format!("http://{}/{MODEL}/resolve/{COMMIT}/", hub.host());
    look(&visit, &address);
    visit.alert("redirects to another host");
    dismiss(&visit);

    // The first is the hub's redirect, the second the file.
    let redirect = "/resolve/0123456789abcdef0123456789abcdef01234567/model.safetensors";
    hub.fail(redirect, Fault::NoRanges);
    hub.fail("/model.safetensors", Fault::Corrupt);
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.alert("arrived damaged");
    dismiss(&visit);
    look(&visit, "https://user:secret@example.org/m");
    visit.alert("a user name or a password");
    look(&visit, "<img src=x onerror=alert(1)>");
    visit.alert("This cannot be opened");
    assert_eq!(visit.text_of("#model-name"), "Seedling");
    visit.wait("the old model's answer", || !visit.cards().is_empty());
    // What comes after the last promised byte is not read: the hash says that this is the file.
    hub.fail(redirect, Fault::NoRanges);
    hub.fail("/model.safetensors", Fault::Longer);
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.end_as_it_is();
}

scenario!(hosts_that_compress_texts_are_understood: Chromium Firefox);
fn hosts_that_compress_texts_are_understood(browser: Browser) {
    let hub = hub();
    hub.compress();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    for address in [hub.folder(MODEL), MODEL.to_owned()] {
        look(&visit, &address);
        assert!(offered(&visit, "Download").contains(" files"));
        visit.click("button", "Load");
        visit.wait_for_text(".model-title p", "kept on this device");
        visit.wait_for_fill(&expected());
        visit.open_model_card();
        visit.click("button", "Load the bundled model");
        visit.wait_for_model("Seedling");
        // What was kept is whole.
        look(&visit, &address);
        visit.wait_for_text(".model-title p", "nothing was downloaded");
        visit.wait_for_fill(&expected());
        visit.open_model_card();
        visit.click("button", "Load the bundled model");
        visit.wait_for_model("Seedling");
    }
    let texts = hub.seen("/tokenizer.json");
    assert!(texts.iter().any(|seen| seen.takes_gzip), "{texts:?}");
    let weights = hub.seen("/model.safetensors").into_iter();
    let mut got = weights.filter(|seen| seen.method == "GET" && seen.range.is_some());
    assert!(got.all(|seen| !seen.takes_gzip), "bytes as they are");
    visit.end();
}
