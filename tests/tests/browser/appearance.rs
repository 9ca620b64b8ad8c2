//! The page as it looks, for a person to look at: pictures in `screenshots` of the target folder,
//! and what of its looks can be checked without eyes.

use crate::teaching::{ask, learn_a_few};
use crate::visit::{Choice, Visit, site};
use serde_json::json;
use unmask_tests::browser::{Bench, Browser, Gpu};

scenario!(pictures_in_both_widths_and_colours: Chromium);
fn pictures_in_both_widths_and_colours(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::None) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.wait_for_text("#self-test", "Self-test passed: all ");
    visit.wait_for_text("#took", "on the CPU");
    visit.type_text("She wrote a long [MASK] to her mother.");
    visit.wait("one answer", || visit.cards().len() == 1);
    visit.click("button", "mother");
    visit.wait("two answers", || visit.cards().len() == 2);
    visit.pictures("page", "body");
    visit.end();
}

scenario!(the_browsers_bars_follow_the_theme_button: Chromium);
fn the_browsers_bars_follow_the_theme_button(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let colour = || {
        let script = "
            const metas = [...document.querySelectorAll('meta[name=theme-color]')];
            const used = metas.filter(({ media }) => matchMedia(media).matches);
            return used.map(({ content }) => content);";
        visit.run(script, &[])
    };
    let (light, dark) = (json!(["#faf8f5"]), json!(["#14121a"]));
    visit.prefer_dark(false);
    assert_eq!(colour(), light);
    for (theme, expected) in [("light", &light), ("dark", &dark), ("system", &light)] {
        visit.click("button", &format!("Switch to {theme}"));
        visit.wait(theme, || colour() == *expected);
    }
    visit.prefer_dark(true);
    visit.wait("the system's dark", || colour() == dark);
    visit.end();
}

/// Stands in for the browser's lock: counts what is asked for and given back.
const LOCKS: &str = "
    window.locks = { asked: 0, released: 0 };
    const wakeLock = {
        async request() {
            window.locks.asked += 1;
            return { async release() { window.locks.released += 1; } };
        },
    };
    Object.defineProperty(Navigator.prototype, 'wakeLock', { get: () => wakeLock });";

scenario!(the_screen_stays_on_while_a_run_goes_on_and_only_another_text_is_heard: Chromium);
fn the_screen_stays_on_while_a_run_goes_on_and_only_another_text_is_heard(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = Visit::before(&bench, site(&bench), Choice::Cpu, Gpu::None);
    visit.before_load(LOCKS);
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    let locks = || visit.run("return [locks.asked, locks.released]", &[]);
    assert_eq!(locks(), json!([0, 0]));
    learn_a_few(&visit);
    visit.wait("the lock to be given back", || locks() == json!([1, 1]));

    // What is heard: each text's answer once.
    assert_eq!(visit.text_of("#try-heard"), "");
    let answer = ask(&visit, "I loved every minute of it.");
    visit.wait("the answer to be heard", || {
        visit.text_of("#try-heard").starts_with(&answer[0].0)
    });
    visit.wait("figures", || !visit.text_of("#figures").is_empty());
    visit.resize(780, 1200);
    for (name, dark) in [("matrix-light", false), ("matrix-dark", true)] {
        visit.prefer_dark(dark);
        visit.run("document.querySelector('#confusion').scrollIntoView()", &[]);
        visit.screenshot(name);
    }
    visit.devtools(
        "Emulation.setEmulatedMedia",
        json!({ "features": [{ "name": "forced-colors", "value": "active" }] }),
    );
    visit.run("document.querySelector('.tabs').scrollIntoView()", &[]);
    let lines = "
        const tabs = [...document.querySelectorAll('.tab')];
        return tabs.map((tab) => getComputedStyle(tab).borderBottomWidth);";
    let lines = visit.run(lines, &[]);
    assert_eq!(
        lines,
        json!(["0px", "0px", "3px", "0px", "0px", "0px"]),
        "the panel's own"
    );
    visit.screenshot("forced-colours");
    visit.end();
}
