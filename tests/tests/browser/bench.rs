//! Measuring in the page: how it begins, ends and is told. How fast it is, no test says.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, fixture, site};
use serde_json::json;
use unmask_tests::browser::{Bench, Browser, Gpu};

/// The page at its Bench panel, with the smallest checkpoint.
fn open(bench: &Bench, choice: Choice) -> Visit {
    let visit = Visit::before(bench, site(bench), choice, Gpu::Software);
    visit.go(&format!("{}#v=1&panel=bench", visit.url()));
    visit.wait_for_model("Seedling");
    visit.open_fixture("tiny-bert");
    visit
}

/// Every row of figures: what was measured, then its cells.
fn rows(visit: &Visit) -> Vec<Vec<String>> {
    let script =
        "return [...document.querySelectorAll('.measured:not(.kernels) tbody tr')].map((row) =>
        [...row.children].map((cell) => cell.textContent));";
    serde_json::from_value(visit.run(script, &[])).expect("rows of cells")
}

fn row(visit: &Visit, name: &str) -> Vec<String> {
    let mut rows = rows(visit).into_iter();
    rows.find(|row| row[0] == name)
        .unwrap_or_else(|| panic!("no row {name}"))
}

/// Measures, once the page can.
fn measure(visit: &Visit) {
    visit.wait("measuring to be possible", || {
        let ready = "return document.querySelector('#start-bench')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    visit.click("button", "Measure");
}

/// A number above 0 with its unit.
fn is_figure(cell: &str, unit: &str) -> bool {
    let Some(number) = cell.strip_suffix(unit) else {
        return false;
    };
    let digits = number.replace('\u{202f}', "");
    digits
        .trim()
        .parse::<f64>()
        .is_ok_and(|number| number > 0.0)
}

scenario!(passes_and_steps_are_measured_on_a_software_gpu_and_reported_as_such: Chromium);
fn passes_and_steps_are_measured_on_a_software_gpu_and_reported_as_such(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = open(&bench, Choice::Gpu);
    let tab = visit.find("tab", "Bench");
    assert_eq!(tab.attribute("aria-selected").as_deref(), Some("true"));
    visit.wait_for_text("#bench-device", "GPU: ");
    visit.wait_for_text("#panel-bench .note", "This is a software adapter");

    // Nothing wanted, nothing measured.
    for group in [
        "Matrix products",
        "The model's answer",
        "A step of training",
        "Where the time goes",
    ] {
        visit.click("checkbox", group);
    }
    visit.wait_for_text("#bench-line", "Choose something to measure.");
    let blocked = "return document.querySelector('#start-bench').disabled";
    assert_eq!(visit.run(blocked, &[]), json!(true));

    visit.click("checkbox", "The model's answer");
    visit.click("checkbox", "A step of training");
    visit.click("checkbox", "Where the time goes");
    measure(&visit);
    visit.wait_for_text("#bench-line", "Done: 6 of 6");
    let names: Vec<String> = rows(&visit).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(
        names,
        [
            "16 tokens",
            "128 tokens",
            "The classifier alone, 32 texts",
            "One layer, 4 texts of 32 tokens"
        ]
    );
    let pass = row(&visit, "16 tokens");
    assert!(is_figure(&pass[1], "\u{a0}ms"), "{pass:?}");
    assert!(is_figure(&pass[3], "\u{a0}tokens/s"), "{pass:?}");
    let long = row(&visit, "128 tokens");
    assert_eq!(long[1], "skipped: This model reads 64 tokens at most.");
    for name in &names[2..] {
        let step = row(&visit, name);
        assert!(is_figure(&step[1], "\u{a0}ms"), "{step:?}");
    }

    // Kernel by kernel, where there are timestamps; and said where there are none.
    let panel = visit.text_of("#panel-bench");
    let step = "A step of one layer, 4 texts of 32 tokens: ";
    let (_, step) = panel.split_once(step).expect("the step's profile");
    assert!(step.contains(" handed to the GPU, the longest "), "{step}");
    let kernels = "return [...document.querySelectorAll('.kernels tbody tr')].map((row) =>
        [...row.children].map((cell) => cell.textContent));";
    let kernels = visit.run(kernels, &[]);
    let kernels: Vec<Vec<String>> = serde_json::from_value(kernels).expect("rows of cells");
    if kernels.is_empty() {
        assert!(step.contains("grants no timestamps"), "{step}");
    }
    for row in &kernels {
        assert!(
            row.len() == 4 && row[1].ends_with("µs") && row[2].ends_with('%'),
            "{row:?}"
        );
    }

    // The model is as it was.
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.click("tab", "Probe");
    visit.type_text("the dog was [MASK].");
    visit.wait_for_fill(&reference.fill("the dog was [MASK]."));
    visit.click("tab", "Bench");

    visit.allow_clipboard();
    visit.click("button", "Copy report");
    visit.wait_for_text("#main ~ .unseen[role=status]", "Copied");
    let copied = visit.run("return navigator.clipboard.readText()", &[]);
    let copied = copied.as_str().unwrap_or_default();
    for part in [
        "# Unmask ",
        "This is a software adapter",
        "* Model: model.safetensors: 2 layers × 32",
        "| 16 tokens | ",
        "Chrome/",
    ] {
        assert!(copied.contains(part), "{part} in\n{copied}");
    }
    let shown = "return document.querySelector('#report').value";
    assert_eq!(visit.run(shown, &[]), json!(copied));

    visit.pictures("bench", "#tab-bench");
    visit.end();
}

scenario!(a_cancel_keeps_the_figures_that_are_there: Chromium);
fn a_cancel_keeps_the_figures_that_are_there(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = open(&bench, Choice::Cpu);
    visit.wait_for_text("#bench-device", "CPU, one thread");
    measure(&visit);
    let first = "128 × 768 × 768";
    visit.wait("the first product", || {
        rows(&visit)
            .iter()
            .any(|row| row[0] == first && row.len() > 2 && is_figure(&row[3], "\u{a0}GFLOP/s"))
    });
    visit.click("button", "Cancel measuring");
    visit.wait_for_text("#bench-line", "Cancelled: ");
    assert!(is_figure(&row(&visit, first)[1], "\u{a0}ms"));
    let last = row(&visit, "One layer, 4 texts of 32 tokens");
    assert_eq!(last[1], "not measured");
    let report = visit.run("return document.querySelector('#report').value", &[]);
    let report = report.as_str().unwrap_or_default();
    assert!(report.contains("* Cancelled before the end"), "{report}");
    // It can begin anew.
    measure(&visit);
    visit.wait_for_text("#bench-line", " of 11: ");
    visit.end();
}
