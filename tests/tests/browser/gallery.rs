//! Well-known checkpoints by one click.

use crate::reference::Reference;
use crate::sources::{begin, offered};
use crate::visit::fixture;
use serde_json::json;
use unmask_tests::browser::Browser;
use unmask_tests::hub::Hub;

const MODEL: &str = "google/bert_uncased_L-2_H-128_A-2";
/// As the page's list has it.
const EXAMPLE: &str = "the cat sat on the [MASK].";

scenario!(a_well_known_model_is_offered_loaded_and_tried: Chromium Firefox WebKit);
fn a_well_known_model_is_offered_loaded_and_tried(browser: Browser) {
    let hub = Hub::start(&[(MODEL, fixture("tiny-bert"))]);
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    assert_eq!(hub.count(), 0);
    visit.open_model_card();
    visit.run("document.querySelector('#gallery > summary').click()", &[]);
    let entries = || {
        visit.run(
            "return document.querySelectorAll('#gallery li').length",
            &[],
        )
    };
    visit.wait("the list", || entries() == json!(16));
    assert_eq!(hub.count(), 0, "the list is the page's own");
    visit.pictures("gallery", "#gallery");
    visit.click("button", "Open BERT tiny");
    assert_eq!(offered(&visit, "Host"), hub.host());
    assert!(hub.seen("model.safetensors").is_empty());
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.click("button", EXAMPLE);
    visit.wait_for_fill(&Reference::of(&fixture("tiny-bert")).fill(EXAMPLE));
    visit.end();
}
