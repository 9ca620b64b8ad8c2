//! Scenarios: what a visitor does and sees, in each browser that can.

use std::io::Write;
use std::panic::catch_unwind;
use unmask_tests::browser::Browser;

/// Plays a scenario. On a machine that tests for others (`CI` is set), one that fails is played once
/// more, and that is said: browsers on a busy machine stall, and one stall in 150 scenarios must not hide
/// what the others found.
pub fn play(scenario: fn(Browser), browser: Browser) {
    if !xtask::is_ci() {
        return scenario(browser);
    }
    if catch_unwind(|| scenario(browser)).is_err() {
        let test = std::thread::current();
        let name = test.name().unwrap_or_default();
        // Not `eprintln!`, which nobody would see of a test that passes then.
        let _ = writeln!(std::io::stderr(), "{name} failed once and is played again");
        scenario(browser);
    }
}

/// Declares the browsers that a scenario runs in: `scenario!(name: Chromium Firefox)` stands before
/// `fn name(browser: Browser)` and makes the tests `name::chromium` and `name::firefox`.
macro_rules! scenario {
    ($name:ident: $($browser:ident)+) => {
        mod $name {
            $(scenario!(@ $name $browser);)+
        }
    };
    (@ $name:ident Chromium) => {
        #[test]
        fn chromium() {
            $crate::scenario::play(super::$name, unmask_tests::browser::Browser::Chromium);
        }
    };
    (@ $name:ident Firefox) => {
        #[test]
        fn firefox() {
            $crate::scenario::play(super::$name, unmask_tests::browser::Browser::Firefox);
        }
    };
    (@ $name:ident WebKit) => {
        #[test]
        fn webkit() {
            $crate::scenario::play(super::$name, unmask_tests::browser::Browser::WebKit);
        }
    };
}
