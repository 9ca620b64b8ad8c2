//! BERT's relatives on the page, each against the same checkpoint natively.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, fixture, same_percent};
use serde_json::json;
use unmask_tests::browser::Browser;

scenario!(every_family_fills_its_masks: Chromium);
fn every_family_fills_its_masks(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    for (name, text) in [
        (
            "tiny-roberta",
            "The <mask> sat on the <mask>, and the dog ran!",
        ),
        (
            "tiny-albert",
            "The [MASK] sat on the [MASK], and the dog ran!",
        ),
        ("tiny-distilbert", "I [MASK] this movie"),
        ("tiny-electra-generator", "the film was [MASK]."),
        // Their weights are PyTorch files, one of each layout.
        ("tiny-xlm-roberta", "The <mask> sat on the mat"),
        ("tiny-camembert", "le fromage <mask> très bon"),
    ] {
        eprintln!("{name}");
        visit.open_fixture(name);
        visit.type_text(text);
        visit.wait_for_fill(&Reference::of(&fixture(name)).fill(text));
    }
    visit.end();
}

/// What stands under each token of the text.
const NOTES: &str = "
    return [...document.querySelectorAll('#tokens .token')].map((token) =>
        [token.classList.contains('suspect'), token.querySelector('.guess').textContent]);";

scenario!(a_discriminator_marks_what_looks_replaced: Chromium);
fn a_discriminator_marks_what_looks_replaced(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let name = "tiny-electra-discriminator";
    visit.open_fixture(name);
    let reference = Reference::of(&fixture(name));
    for text in ["the dog sat on the cat", "I loved this movie"] {
        visit.type_text(text);
        let marks = reference.replaced(text);
        visit.wait("the marks", || {
            let notes: Vec<(bool, String)> =
                serde_json::from_value(visit.run(NOTES, &[])).expect("pairs");
            notes.len() == marks.tokens.len()
                && marks
                    .tokens
                    .iter()
                    .zip(&marks.probabilities)
                    .zip(&notes)
                    .all(
                        |((token, &probability), (suspect, note))| match token.special {
                            true => note.is_empty(),
                            false => {
                                *suspect == (probability > 0.5) && same_percent(note, probability)
                            }
                        },
                    )
        });
    }
    visit.wait_for_text("#hint", "which words someone replaced");
    visit.screenshot("discriminator");
    assert_eq!(
        visit.run("return document.querySelectorAll('.mask').length", &[]),
        json!(0)
    );
    visit.end();
}

scenario!(a_classifier_that_came_with_its_checkpoint_classifies: Chromium);
fn a_classifier_that_came_with_its_checkpoint_classifies(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-classifier");
    visit.type_text("a good film");
    visit.wait_for_text("#hint", "one for a task");
    visit.wait_for_text("#head", "%");
    visit.click("tab", "Teach");
    visit.find("textbox", "Text to try").fill("a good film");
    visit.wait_for_text("#try-answer", "%");
    visit.end();
}
