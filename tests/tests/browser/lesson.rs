//! The lesson: every step to its check, forwards, backwards, by link, by keyboard, on a phone and offline.

use crate::visit::{Choice, Visit};
use fantoccini::key::Key;
use serde_json::{Value, json};
use unmask_tests::browser::Browser;

/// Answers the open step's question with its second choice, and has the page set up.
fn begin_step(visit: &Visit) {
    visit.wait_for_text("#lesson", "step");
    visit.run(
        "document.querySelectorAll('#lesson .choice')[1].click()",
        &[],
    );
    visit.wait_for_text("#lesson-check", "To do");
    visit.click("button", "Set the page up for this");
}

fn wait_for_done(visit: &Visit) {
    visit.wait_for_text("#lesson-check", "✓ Done");
}

fn next_step(visit: &Visit, claim: &str) {
    visit.click("button", "Next step");
    visit.wait_for_text("#lesson-claim", claim);
}

/// Which panel shows.
fn panel(visit: &Visit) -> Value {
    visit.run(
        "return document.querySelector('[role=tab][aria-selected=true]').textContent",
        &[],
    )
}

scenario!(every_step_of_the_lesson_leads_to_its_check: Chromium);
fn every_step_of_the_lesson_leads_to_its_check(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.click("tab", "Learn");
    visit.pictures("lesson-contents", "#panel-learn");
    visit.click("button", "Begin the lesson");

    // 1. Both sides.
    begin_step(&visit);
    assert_eq!(panel(&visit), json!("Inside"));
    wait_for_done(&visit);
    visit.pictures("lesson-rail", "main");

    // 2. Pieces: of a text of one's own.
    next_step(&visit, "pieces");
    begin_step(&visit);
    visit.wait("the text", || {
        visit
            .strip()
            .iter()
            .any(|(token, _)| token.starts_with("##"))
    });
    assert!(visit.text_of("#lesson-check").starts_with("To do"));
    visit.type_text("Xylophones disappeared.");
    wait_for_done(&visit);

    // 3. How it was trained.
    next_step(&visit, "15%");
    begin_step(&visit);
    assert_eq!(panel(&visit), json!("Teach"));
    wait_for_done(&visit);
    visit.click("button", "Deal again");

    // 4. Layer by layer.
    next_step(&visit, "layer by layer");
    begin_step(&visit);
    visit.find("textbox", "Follow a word").fill("coffee");
    wait_for_done(&visit);

    // 5. A head off.
    next_step(&visit, "Heads");
    begin_step(&visit);
    visit.wait_for_text("#switch-head", "Switch head");
    visit.run("document.querySelector('#switch-head').click()", &[]);
    wait_for_done(&visit);

    // 6. Next sentence: planned, not run.
    next_step(&visit, "next sentence");
    begin_step(&visit);
    wait_for_done(&visit);

    // 7. A run of the head.
    next_step(&visit, "Fine-tuning");
    begin_step(&visit);
    visit.wait("the run can start", || {
        let ready = "return document.querySelector('#start-run')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    visit.wait_for_text("#data-line", "6 classes");
    visit.click("button", "Start");
    wait_for_done(&visit);

    // 8. The curve.
    next_step(&visit, "few examples");
    begin_step(&visit);
    assert_eq!(panel(&visit), json!("Prove"));
    visit.wait("the curve can begin", || {
        !visit.all("button", "Draw the frozen line").is_empty()
    });
    visit.click("button", "Draw the frozen line");
    wait_for_done(&visit);
    visit.wait("an end to the curve", || {
        visit
            .text_of("#panel-prove")
            .contains("examples the frozen encoder")
            || visit.all("button", "Stop").is_empty()
    });

    // 9. Another language.
    next_step(&visit, "Outside its world");
    begin_step(&visit);
    wait_for_done(&visit);

    // 10. It does not write.
    next_step(&visit, "does not write");
    begin_step(&visit);
    visit.wait("four blanks", || visit.cards().len() == 4);
    visit.type_text("Last night I wrote a [MASK] and [MASK] the [MASK].");
    wait_for_done(&visit);

    // 11. Every word.
    next_step(&visit, "Every word");
    begin_step(&visit);
    visit.wait_for_text("#spot-task", "Which are swapped?");
    visit.click("button", "Show");
    wait_for_done(&visit);

    visit.click("button", "Close the lesson");
    visit.click("tab", "Learn");
    visit.wait_for_text("#panel-learn", "11 of 11 steps done");
    visit.end();
}

scenario!(a_step_is_opened_by_link_and_turned_by_keys: Chromium Firefox WebKit);
fn a_step_is_opened_by_link_and_turned_by_keys(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.go(&format!("{}#v=1&lesson=2", visit.url()));
    visit.wait_for_text("#lesson-claim", "pieces");
    // The rail has the focus: its first control is next.
    visit.wait("the rail", || visit.focused().contains("pieces"));
    let walk_to = |goal: &str| {
        for _ in 0..20 {
            if visit.focused().starts_with(goal) {
                return;
            }
            visit.press(&Key::Tab);
        }
        panic!("Tab does not lead to {goal} but to {}", visit.focused());
    };
    walk_to("button It cuts the word");
    visit.press(&Key::Enter);
    visit.wait_for_text("#lesson-why", "Right.");
    walk_to("button Set the page up");
    visit.press(&Key::Enter);
    visit.wait("pieces", || {
        visit
            .strip()
            .iter()
            .any(|(token, _)| token.starts_with("##"))
    });
    walk_to("button Back");
    visit.press(&Key::Enter);
    visit.wait_for_text("#lesson-claim", "both sides");
    visit.wait("the step in the address", || {
        let hash = visit.run("return location.hash", &[]);
        hash.as_str().is_some_and(|hash| hash.contains("lesson=1"))
    });
    // On a phone it stands above the panel, and nothing scrolls sideways.
    if visit.resize(390, 844) {
        let wide = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(visit.run(wide, &[]), json!(true));
        visit.screenshot(&format!("lesson-phone-{browser:?}"));
    }
    // A later visit knows the answer.
    let address = visit.run("return location.href", &[]);
    visit.go("about:blank");
    visit.go(address.as_str().expect("an address"));
    visit.wait_for_text("#lesson-claim", "both sides");
    visit.click("button", "Next step");
    visit.wait_for_text("#lesson-why", "Right.");
    visit.end();
}
