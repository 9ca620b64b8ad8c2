//! Links: what one does goes into the address, what one types only into a link that one copies, and
//! whoever opens that sees the same.

use crate::reference::Reference;
use crate::sources::{MODEL, hub, with_hub};
use crate::teaching::{answer, ask, learn_a_few, moods, same, start, write};
use crate::visit::{Choice, Visit, fixture, site};
use serde_json::json;
use tempfile::TempDir;
use unmask_tests::browser::{Bench, Browser, Gpu};
use unmask_tests::hub::COMMIT;

/// Opens the page in a fresh profile, at a link.
fn open(bench: &Bench, fragment: &str) -> Visit {
    let visit = Visit::before(bench, site(bench), Choice::Cpu, Gpu::None);
    visit.go(&format!("{}#{fragment}", visit.url()));
    visit
}

fn fragment(visit: &Visit) -> String {
    let hash = visit.run("return location.hash", &[]);
    let hash = hash.as_str().unwrap_or_default();
    hash.trim_start_matches('#').to_owned()
}

fn wait_for_fragment(visit: &Visit, wanted: &str) {
    visit.wait(&format!("{wanted} in the address"), || {
        fragment(visit).split('&').any(|part| part == wanted)
    });
}

fn notices(visit: &Visit) -> String {
    visit.text_of("#link-notices")
}

/// Puts away what the page says of a link.
fn dismiss(visit: &Visit) {
    visit.run(
        "document.querySelector('#link-notices button').click()",
        &[],
    );
    visit.wait("no notices", || notices(visit).is_empty());
}

/// Follows a link in the same tab.
fn follow(visit: &Visit, fragment: &str) {
    visit.run("location.hash = arguments[0]", &[json!(fragment)]);
}

fn shows(visit: &Visit, selector: &str) -> bool {
    let script = "return document.querySelector(arguments[0])?.checkVisibility() ?? false";
    visit.run(script, &[json!(selector)]) == json!(true)
}

scenario!(a_link_brings_texts_masks_and_panel_and_follows_what_one_does: Chromium Firefox WebKit);
fn a_link_brings_texts_masks_and_panel_and_follows_what_one_does(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let reference = Reference::bundled();
    let (text, pair) = ("She read a long [MASK].", "It was very dull.");
    let visit = open(
        &bench,
        "v=1&text=She+read+a+long+[MASK].&pair=It+was+very+dull.&mask=2,10&top=7&panel=probe",
    );
    visit.wait_for_model("Seedling");
    let fill = reference.answer(text, Some(pair), &[2, 10], 7);
    visit.wait_for_fill(&fill);
    assert_eq!(notices(&visit), "");

    // What one does goes into the address, without a word in the history; what one types does not.
    let history = visit.run("return history.length", &[]);
    visit.click("tab", "Teach");
    wait_for_fragment(&visit, "panel=teach");
    visit.click("tab", "Probe");
    visit.click("checkbox", "Second text");
    visit.type_text("The cat sat on the mat.");
    visit.click("button", "cat");
    visit.wait_for_fill(&reference.answer("The cat sat on the mat.", None, &[2], 7));
    visit.wait("an address without the text", || {
        fragment(&visit) == "v=1&top=7"
    });
    assert_eq!(visit.run("return history.length", &[]), history);

    // The box has the whole link, counts it, and copies it; then the address has it too.
    let may_read = visit.allow_clipboard();
    visit.click("button", "Share");
    let link = visit.find("textbox", "Link").value();
    let whole = "#v=1&text=The+cat+sat+on+the+mat.&mask=2&top=7";
    assert!(link.ends_with(whole), "{link}");
    assert_eq!(fragment(&visit), "v=1&top=7");
    assert_eq!(
        visit.text_of("#share-length"),
        format!("{} characters", link.len())
    );
    visit.screenshot("share");
    visit.click("button", "Copy link");
    visit.wait_for_text("#main ~ .unseen[role=status]", "Copied");
    if may_read {
        let copied = visit.run("return navigator.clipboard.readText()", &[]);
        assert_eq!(copied, json!(link));
    }
    assert_eq!(json!(link), visit.run("return location.href", &[]));
    visit.prefer_dark(true);
    visit.resize(390, 800);
    visit.screenshot("share-phone-dark");
    visit.click("button", "Close");

    // The link that skips to the panel is no link to open, and leaves the address as it was.
    let skip = "
        document.querySelector('.skip').click();
        const panel = document.activeElement.closest('[role=tabpanel]')?.id ?? null;
        return [panel, location.href];";
    assert_eq!(visit.run(skip, &[]), json!(["panel-probe", link]));
    visit.click("tab", "Teach");
    assert_eq!(visit.run(skip, &[])[0], json!("panel-teach"));
    visit.click("tab", "Probe");
    wait_for_fragment(&visit, "mask=2");
    visit.wait("Probe in the address", || {
        !fragment(&visit).contains("panel=")
    });
    assert_eq!(notices(&visit), "");

    // In another profile it is the same page.
    let there = fragment(&visit);
    visit.end();
    let visit = open(&bench, &there);
    visit.wait_for_model("Seedling");
    visit.wait_for_fill(&reference.answer("The cat sat on the mat.", None, &[2], 7));
    visit.end();
}

scenario!(a_trained_head_travels_in_a_link: Chromium Firefox WebKit);
fn a_trained_head_travels_in_a_link(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = open(&bench, "");
    visit.wait_for_model("Seedling");
    learn_a_few(&visit);
    let expected = ask(&visit, "I loved every minute of it.");
    visit.wait("the head in the address", || {
        fragment(&visit).contains("&head=")
    });
    assert!(!fragment(&visit).contains("loved"), "typed");
    visit.click("button", "Share");
    let link = visit.find("textbox", "Link").value();
    let (_, link) = link.split_once('#').expect("a fragment");
    let link = link.to_owned();
    assert!(link.contains("&try=I+loved+every+minute+of+it.&"));
    assert!((1_000..6_000).contains(&link.len()), "{}", link.len());
    // Nobody saved the head: the browser may ask before it closes the tab.
    visit.wait_for_text("#share-card", "travels inside the link");
    visit.screenshot("share-head");
    visit.end();

    let visit = open(&bench, &link);
    visit.wait_for_model("Seedling");
    visit.wait("an answer", || answer(&visit).len() == expected.len());
    same(&answer(&visit), &expected);
    assert_eq!(
        visit.find("textbox", "Text to try").value(),
        "I loved every minute of it."
    );
    visit.click("button", "Review sentiment");
    assert_eq!(visit.find("textbox", "Epochs").value(), "12");
    assert_eq!(notices(&visit), "");
    visit.wait("the head in the address", || {
        fragment(&visit).contains("&head=")
    });
    visit.end();
}

scenario!(a_head_for_another_base_and_a_damaged_one_are_refused: Chromium Firefox WebKit);
fn a_head_for_another_base_and_a_damaged_one_are_refused(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = open(&bench, "");
    let folder = TempDir::with_prefix("unmask-moods-").expect("a folder");
    visit.open_fixture("tiny-bert");
    visit.click("tab", "Teach");
    visit.upload("#pick-examples", &[write(&folder, "moods.tsv", &moods())]);
    visit.wait_for_text("#data-line", "36 rows, 2 classes, TSV");
    start(&visit);
    visit.wait("the head in the address", || {
        fragment(&visit).contains("&head=")
    });
    let link = fragment(&visit);
    visit.click("button", "Share");
    visit.wait_for_text("#share-card", "came from files on this device");
    visit.end();

    // The link cannot name those files, so the bundled model is there instead.
    let visit = open(&bench, &link);
    visit.wait_for_text("#link-notices", "This head belongs to `model.safetensors`");
    visit.alert("The trained head in this link cannot be used here");
    assert!(notices(&visit).contains("SHA-256"), "{}", notices(&visit));
    visit.run("document.querySelector('.failure button').click()", &[]);
    dismiss(&visit);

    let (start, head) = link.split_once("&head=").expect("a head");
    let other = if head.as_bytes()[30] == b'A' {
        'B'
    } else {
        'A'
    };
    let damaged = format!("{start}&head={}{other}{}", &head[..30], &head[31..]);
    follow(&visit, &damaged);
    visit.wait_for_text("#link-notices", "checksum is wrong");
    dismiss(&visit);
    follow(&visit, &format!("{start}&head={}", &head[..head.len() / 2]));
    visit.wait_for_text("#link-notices", "part of the link");
    visit.alert("The trained head in this link cannot be used here");
    visit.run("document.querySelector('.failure button').click()", &[]);
    visit.end();
}

scenario!(what_is_no_link_is_told_and_never_run: Chromium Firefox WebKit);
fn what_is_no_link_is_told_and_never_run(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = open(&bench, "garbage");
    visit.wait_for_text("#link-notices", "“garbage”, is not an Unmask link");
    visit.wait_for_model("Seedling");
    let usual = visit.find("textbox", "Text").value();
    assert_eq!(fragment(&visit), "garbage", "left as it was");
    dismiss(&visit);

    let markup = "<img src=x onerror=window.ran=1>";
    let escaped = "%3Cimg%20src=x%20onerror=window.ran=1%3E";
    follow(
        &visit,
        &format!("v=1&text={escaped}&model={escaped}&{escaped}"),
    );
    visit.wait_for_text(
        "#link-notices",
        &format!("The model “{markup}” was not taken"),
    );
    assert_eq!(visit.find("textbox", "Text").value(), markup);
    visit.wait("its tokens", || {
        let strip = visit.strip();
        !strip.is_empty() && strip.iter().all(|token| token.0 != "cup")
    });
    let ran = "return [window.ran ?? null, document.querySelector('img[src=x]')]";
    assert_eq!(visit.run(ran, &[]), json!([null, null]));

    for (model, reason) in [
        ("javascript:alert(1)", "owner/name"),
        ("https://user:secret@example.org/m", "was not taken"),
        ("../../secret", "was not taken"),
    ] {
        follow(&visit, &format!("v=1&model={model}"));
        visit.wait_for_text("#link-notices", reason);
        assert_eq!(visit.find("textbox", "Text").value(), usual);
    }
    follow(&visit, "v=2&text=a");
    visit.wait_for_text("#link-notices", "newer version of this page");
    follow(&visit, &format!("v=1&text={}", "a".repeat(70_000)));
    visit.wait_for_text("#link-notices", "was not read");
    assert_eq!(visit.find("textbox", "Text").value(), usual);

    follow(
        &visit,
        "v=1&epochs=1e99&learning-rate=NaN&top=99&panel=teach",
    );
    visit.wait_for_text("#link-notices", "(Epochs) is 1000 instead of 1e99");
    visit.wait_for_text("#link-notices", "“NaN” is not a number");
    visit.wait_for_text("#link-notices", "“top” is 20 instead of 99");
    visit.resize(780, 1000);
    visit.screenshot("link-notices");
    visit.click("button", "Review sentiment");
    assert_eq!(visit.find("textbox", "Epochs").value(), "1000");
    assert_eq!(visit.find("textbox", "Learning rate").value(), "1e-3");
    visit.end();
}

scenario!(a_lesson_hides_what_it_does_not_need_but_no_question: Chromium Firefox WebKit);
fn a_lesson_hides_what_it_does_not_need_but_no_question(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let parts = [".top", ".hero p", ".model", ".tabs", ".foot"];
    let visit = open(
        &bench,
        "v=1&hide=header,hero,model,tabs,footer&text=A+[MASK].",
    );
    visit.wait("the model's card to go", || !shows(&visit, ".model"));
    visit.wait("an answer", || visit.cards().len() == 1);
    for part in parts {
        assert!(!shows(&visit, part), "{part} shows");
    }
    assert!(shows(&visit, "#text"));
    visit.screenshot("lesson");

    // A link that names a host: nothing is asked of it before the visitor says so.
    follow(&visit, "v=1&hide=model,share&model=https://example.org/m/");
    visit.wait_for_text("#offer", "has not been asked for anything yet");
    assert!(shows(&visit, ".model") && shows(&visit, ".hero p") && shows(&visit, ".top"));
    assert!(!shows(&visit, "#share-button"));
    visit.find("button", "Ask example.org");
    visit.end();
}

scenario!(a_model_of_the_hub_waits_for_a_click_and_what_is_hidden_waits_for_the_model: Chromium Firefox WebKit);
fn a_model_of_the_hub_waits_for_a_click_and_what_is_hidden_waits_for_the_model(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let hub = hub();
    let visit = Visit::before(&bench, with_hub(&bench, &hub), Choice::Cpu, Gpu::None);
    let link = format!("v=1&model={MODEL}&text=the+cat+sat+on+the+mat.&mask=2,6");
    visit.go(&format!("{}#{link}", visit.url()));
    visit.wait_for_text("#offer", "Nothing has been downloaded yet");
    assert!(hub.seen("/model.safetensors").is_empty());
    assert_eq!(visit.text_of("#model-name"), "No model");
    assert_eq!(fragment(&visit), link);
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.wait_for_fill(&reference.answer("the cat sat on the mat.", None, &[2, 6], 5));
    // From here on the link means this very state of the model.
    wait_for_fragment(&visit, &format!("model={MODEL}@{COMMIT}"));
    wait_for_fragment(&visit, "mask=2,6");
    assert_eq!(notices(&visit), "");
    visit.end();
}
