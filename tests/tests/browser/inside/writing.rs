//! Writing: blanks in three orders, whose products differ, and how a link brings that back.

use super::{open, seen, sentence, table};
use crate::visit::{Choice, Visit, same_percent};
use serde_json::json;
use unmask_tests::browser::Browser;

/// Moves a slider or sets a number, as a hand would.
pub fn slide(visit: &Visit, id: &str, value: &str) {
    let script = "
        const slider = document.getElementById(arguments[0]);
        slider.value = arguments[1];
        slider.dispatchEvent(new Event('change', { bubbles: true }));";
    visit.run(script, &[json!(id), json!(value)]);
}

/// The totals of the three orders, in bits.
fn totals(visit: &Visit) -> Vec<f64> {
    let rows = table(visit, "#sight-products");
    let last = rows.last().expect("a last row");
    assert_eq!(last[0], "All");
    [2, 4, 6]
        .map(|column| last[column].parse().expect("bits"))
        .to_vec()
}

scenario!(blanks_are_filled_in_three_orders_whose_products_differ: Chromium);
fn blanks_are_filled_in_three_orders_whose_products_differ(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Writing") else {
        return;
    };
    seen(&visit);
    assert!(sentence(&visit, "#sight-products").contains("one word has no order"));
    visit.click("button", "mat");
    visit.wait_for_text("#writing-line", "2 blanks");
    slide(&visit, "write-temperature", "0");
    visit.wait("what is written at temperature 0", || {
        seen(&visit);
        let rows = table(&visit, "#sight-writing");
        // What is filled first is what Probe expects there.
        let fill = reference.answer(super::TEXT, None, &[6], 20);
        let best = &fill.masks[0].predictions[0];
        let first = &rows[0];
        rows.len() == 6
            && first[..2] == ["Left to right", "3"]
            && first[2] == best.token
            && same_percent(&first[4], best.probability)
    });
    let at_zero = totals(&visit);
    assert!((at_zero[0] - at_zero[1]).abs() > 1e-3, "{at_zero:?}");
    assert!(sentence(&visit, "#sight-products").contains("BERT gives no p(x)"));
    // Chance goes by its seed.
    slide(&visit, "write-temperature", "15");
    seen(&visit);
    let said = sentence(&visit, "#sight-writing");
    visit.click("button", "Write anew");
    visit.wait("another text", || {
        seen(&visit);
        sentence(&visit, "#sight-writing") != said
    });
    slide(&visit, "write-draw", "1");
    visit.wait("the text of the first seed", || {
        sentence(&visit, "#sight-writing") == said
    });
    visit.pictures("inside-writing", "#tab-inside");
    visit.end();
}

scenario!(a_link_brings_what_was_written_back: Chromium);
fn a_link_brings_what_was_written_back(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let link = "#v=1&panel=inside&text=The+garden+was&see=writing&write=3&temperature=0.4&draw=5&order=right-to-left";
    let go = |visit: &Visit| {
        visit.go("about:blank");
        visit.go(&format!("{}{link}", visit.url()));
        visit.wait_for_model("Seedling");
        visit.wait_for_text("#writing-line", "put behind the text");
        seen(visit);
        (totals(visit), sentence(visit, "#sight-writing"))
    };
    let first = go(&visit);
    let tokens = table(&visit, "#sight-products").len();
    assert_eq!(tokens, 4, "three and their sum");
    let held = "return ['write-tokens', 'write-temperature', 'write-draw', 'write-order']
        .map((id) => document.getElementById(id).value)";
    assert_eq!(
        visit.run(held, &[]),
        json!(["3", "4", "5", "right-to-left"])
    );
    assert_eq!(go(&visit), first);
    let hash = visit.run("return location.hash", &[]);
    let hash = hash.as_str().unwrap_or_default();
    for setting in [
        "see=writing",
        "write=3",
        "temperature=0.4",
        "draw=5",
        "order=right-to-left",
    ] {
        assert!(hash.contains(setting), "{hash}");
    }
    visit.end();
}
