//! The hub's converted weights of a model that has only a pickle.

use crate::reference::Reference;
use crate::sources::{begin, line, look, offered};
use crate::visit::fixture;
use unmask_tests::browser::Browser;
use unmask_tests::hub::{Hub, pull_commit};

const MODEL: &str = "tiny/pickled";
/// The models differ, so that one sees whose weights were loaded.
const OWN: &str = "tiny-xlm-roberta";
const CONVERTED: &str = "tiny-bert";
const TEXT: &str = "the [MASK] sat on the mat.";

fn hub() -> Hub {
    Hub::start(&[(MODEL, fixture(OWN))])
}

scenario!(the_converters_weights_are_offered_and_the_owners_too: Chromium Firefox);
fn the_converters_weights_are_offered_and_the_owners_too(browser: Browser) {
    let hub = hub();
    // The same title by someone else, and newer: it does not count.
    hub.pull(MODEL, 17, "SFconvertbott", fixture("tiny-classifier"));
    hub.pull(MODEL, 16, "SFconvertbot", fixture(CONVERTED));
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    look(&visit, MODEL);
    let weights = offered(&visit, "Weights");
    for words in [
        "pull request 16",
        "SFconvertbot",
        "not merged",
        "pytorch_model.bin (43",
    ] {
        assert!(weights.contains(words), "{weights}");
    }
    assert_eq!(offered(&visit, "Commit"), pull_commit(16));
    assert!(hub.seen("model.safetensors").is_empty() && hub.seen(".bin").is_empty());
    visit.screenshot("converted");
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&Reference::of(&fixture(CONVERTED)).fill(TEXT));
    assert!(
        line(&visit).contains("kept on this device"),
        "{}",
        line(&visit)
    );

    // What is kept opens at once; nothing is offered again.
    let fetched = hub.seen("model.safetensors").len();
    look(&visit, MODEL);
    visit.wait("the look to end", || visit.text_of("#looking").is_empty());
    assert_eq!(visit.text_of("#offer"), "");
    assert_eq!(hub.seen("model.safetensors").len(), fetched);
    visit.end();
}

scenario!(the_owners_pickle_is_read_where_the_visitor_wants_it_or_nothing_else_is_there: Chromium);
fn the_owners_pickle_is_read_where_the_visitor_wants_it_or_nothing_else_is_there(browser: Browser) {
    let hub = hub();
    hub.pull(MODEL, 17, "someone", fixture(CONVERTED));
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    look(&visit, MODEL);
    assert_eq!(
        offered(&visit, "Weights"),
        "",
        "someone's pull request is none"
    );
    visit.click("button", "Not now");
    hub.pull(MODEL, 18, "SFconvertbot", fixture(CONVERTED));
    look(&visit, MODEL);
    assert!(offered(&visit, "Weights").contains("pull request 18"));
    visit.click("button", "Load the owners' pytorch_model.bin");
    visit.wait_for_model(MODEL);
    let own = Reference::of(&fixture(OWN));
    let text = TEXT.replace("[MASK]", "<mask>");
    visit.type_text(&text);
    visit.wait_for_fill(&own.fill(&text));
    assert!(hub.seen("model.safetensors").is_empty());

    // Its card can lead others here.
    visit.click("button", "Share");
    visit.run("document.querySelector('#share-badge').open = true", &[]);
    let markdown = visit.find("textbox", "Markdown").value();
    assert!(
        markdown.ends_with(&format!("/badge.svg)]({}#v=1&model={MODEL})", visit.url())),
        "{markdown}"
    );
    visit.screenshot("badge");
    visit.end();
}
