//! What of the programs comes later: when it is opened, without a network, and where it cannot be fetched.

use crate::publish::{copy, elsewhere};
use crate::visit::{Choice, Visit};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use unmask_tests::browser::{Bench, Browser, Gpu};

const TEXT: &str = "The cat sat on the [MASK].";

/// The panels that come later, and something of each.
const PANELS: [(&str, &str, &str); 5] = [
    ("Inside", "#panel-inside", "Layer by layer"),
    ("Teach", "#panel-teach", "Review sentiment"),
    ("Prove", "#prove-data", "No labelled texts"),
    ("Learn", "#panel-learn", "Begin the lesson"),
    ("Bench", "#panel-bench", "Measure"),
];

/// The files of a site whose names begin so.
fn files(site: &Path, begin: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(site).expect("the built page").flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let found: Vec<PathBuf> = names
        .filter(|name| name.starts_with(begin) && name.ends_with(".wasm"))
        .map(PathBuf::from)
        .collect();
    assert!(!found.is_empty(), "{begin}");
    found
}

scenario!(panels_open_without_a_network_once_the_page_is_kept: Chromium Firefox);
fn panels_open_without_a_network_once_the_page_is_kept(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let mut visit = Visit::before(&bench, elsewhere(&bench.site), Choice::Cpu, Gpu::Software);
    visit.go_elsewhere();
    visit.wait_for_model("Seedling");
    visit.wait_until_kept();
    visit.stop_server();
    // Still the first visit, which the service worker does not serve.
    for (tab, panel, words) in PANELS {
        visit.click("tab", tab);
        visit.wait_for_text(panel, words);
    }
    // The engine's part.
    visit.click("tab", "Probe");
    visit.type_text(TEXT);
    visit.click("tab", "Inside");
    visit.wait_for_text("#sight-lens figcaption", "goes from rank");
    assert_eq!(visit.all("alert", "").len(), 0);
    visit.click("button", "Share");
    visit.find("textbox", "Link");
    // The browser itself tells of requests that fail.
    visit.console();
    visit.end_as_it_is();
}

scenario!(a_part_that_cannot_be_fetched_says_so_and_is_fetched_again: Chromium Firefox);
fn a_part_that_cannot_be_fetched_says_so_and_is_fetched_again(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let folder = TempDir::with_prefix("unmask-parts-").expect("a folder");
    copy(&bench.site, folder.path());
    let panel = files(folder.path(), "app_panel_inside-");
    let engine = files(folder.path(), "engine_inside-");
    for file in panel.iter().chain(&engine) {
        fs::remove_file(folder.path().join(file)).expect("a file that was copied");
    }
    let back = |files: &[PathBuf]| {
        for file in files {
            fs::copy(bench.site.join(file), folder.path().join(file)).expect("a writable folder");
        }
    };
    let site = elsewhere(folder.path());
    let visit = Visit::before(&bench, site, Choice::Cpu, Gpu::Software);
    visit.go_elsewhere();
    visit.wait_for_model("Seedling");
    visit.type_text(TEXT);
    visit.wait("guesses", || !visit.cards().is_empty());

    visit.click("tab", "Inside");
    let said = visit.alert("This part of the page could not be loaded");
    assert!(said.contains("Try again"), "{said}");
    visit.pictures("part-away", "#panel-inside");
    // Everything else goes on.
    visit.click("tab", "Probe");
    visit.wait("guesses", || !visit.cards().is_empty());
    visit.click("tab", "Inside");

    back(&panel);
    visit.click("button", "Try again");
    let said = visit.alert("A part of the engine could not be loaded");
    assert!(said.contains("Try again"), "{said}");
    back(&engine);
    visit.click("button", "Try again");
    visit.wait_for_text("#sight-lens figcaption", "goes from rank");
    assert!(visit.all("alert", "").is_empty());
    visit.end_as_it_is();
}
