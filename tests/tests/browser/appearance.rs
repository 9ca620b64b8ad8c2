//! The page as it looks, for a person to look at: pictures in `screenshots` of the target folder,
//! and what of its looks can be checked without eyes.

use crate::visit::{Choice, Visit};
use serde_json::json;

#[test]
fn pictures_in_both_widths_and_colours() {
    let Some(visit) = Visit::begin(Choice::None) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.wait_for_text("#self-test", "Self-test: all ");
    visit.wait_for_text("#took", "on the CPU");
    visit.type_text("She wrote a long [MASK] to her mother.");
    visit.wait("one answer", || visit.cards().len() == 1);
    visit.click("button", "mother");
    visit.wait("two answers", || visit.cards().len() == 2);
    for (name, width, height) in [("desktop", 1280, 900), ("phone", 390, 844)] {
        visit.resize(width, height);
        for dark in [false, true] {
            visit.prefer_dark(dark);
            let colours = if dark { "dark" } else { "light" };
            visit.screenshot(&format!("{name}-{colours}"));
            let overflow = "return document.documentElement.scrollWidth > innerWidth";
            assert_eq!(
                visit.run(overflow, &[]),
                json!(false),
                "{name}: wider than the window"
            );
        }
    }
    visit.end();
}
