//! Long texts, and a device that goes away.

use super::{TEXT, guesses, painted, seen, sentence, table};
use crate::teaching::visit_that_loses;
use crate::visit::{Choice, Visit};
use unmask_tests::browser::Browser;

scenario!(five_hundred_tokens_do_not_hang: Chromium);
fn five_hundred_tokens_do_not_hang(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    let text = format!(
        "{}she drank a cup of [MASK].",
        "the cat sat on a mat. ".repeat(70)
    );
    visit.type_text(&text);
    visit.click("tab", "Inside");
    seen(&visit);
    let tokens = visit.strip().len();
    assert!((490..=512).contains(&tokens), "{tokens} tokens");
    assert!(sentence(&visit, "#sight-lens").contains("goes from rank"));
    assert_eq!(table(&visit, "#sight-lens").len(), 7);

    visit.click("radio", "Attention");
    // The page answers while the engine computes.
    let began = std::time::Instant::now();
    visit.run("return document.title", &[]);
    assert!(began.elapsed().as_secs() < 5, "the page hangs");
    seen(&visit);
    visit.wait("the heads", || {
        let share = painted(&visit, "#head-grid canvas");
        share.as_f64().is_some_and(|share| share > 5.0)
    });
    assert!(guesses(&visit, "All heads").contains('%'));
    assert!(
        visit
            .text_of("#panel-inside")
            .contains("too long for the whole map")
    );
    assert_eq!(table(&visit, "#sight-attention").len(), tokens);
    visit.pictures("inside-long", "#head-grid");

    // Every word in turn takes long: it tells how far it is, and can be stopped.
    visit.click("radio", "Surprise");
    visit.wait_for_text("#panel-inside", "passes over the text");
    visit.click("button", "Stop");
    visit.wait_for_text("#panel-inside", "Stopped.");
    visit.end();
}

scenario!(a_device_that_is_lost_is_looked_through_again: Chromium);
fn a_device_that_is_lost_is_looked_through_again(browser: Browser) {
    let Some(visit) = visit_that_loses(browser) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    visit.type_text(TEXT);
    visit.click("tab", "Inside");
    seen(&visit);
    let before = table(&visit, "#sight-lens");
    // In the middle of a look.
    visit.click("radio", "What it rests on");
    visit.run("new BroadcastChannel('lose').postMessage('')", &[]);
    visit.alert("The GPU was lost");
    visit.wait_for_model("model.safetensors");
    visit.click("button", "Dismiss");
    seen(&visit);
    visit.wait("the picture that was asked for", || {
        sentence(&visit, "#sight-grounds").contains("the logit")
    });
    visit.click("radio", "Layer by layer");
    seen(&visit);
    assert_eq!(table(&visit, "#sight-lens"), before);
    visit.end_as_it_is();
}
