//! What differs between browsers: how each is started, and how it does what the WebDriver standard
//! leaves out.

mod chromium;
mod firefox;
mod roles;
mod webkit;

use super::command::Command;
use super::session::Session;
use super::{Bench, Browser, Gpu};
use chromium::Chromium;
use fantoccini::elements::Element as Handle;
use firefox::Firefox;
use serde_json::{Value, json};
use std::fmt;
use std::path::PathBuf;
use webkit::WebKit;

/// What a browser lacks, or its driver: words after "it cannot".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cannot(pub &'static str);

/// What only some browsers can do.
pub type Can<T = ()> = Result<T, Cannot>;

impl fmt::Display for Cannot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it cannot {}", self.0)
    }
}

/// One browser, started. Every function that returns [`Can`] may be left to the default.
pub trait Driver {
    fn session(&self) -> &Session;

    /// The visible elements of a role; an exact match of the name counts before a partial one, `""`
    /// is any name.
    fn all(&self, role: &str, name: &str) -> Vec<Handle> {
        roles::all(self.session(), role, name)
    }

    /// The role and the accessible name that assistive technology is told of an element.
    fn role_and_name(&self, element: &Handle) -> (String, String) {
        let id = element.element_id();
        let ask = |command| {
            let answer = self
                .session()
                .issue(command, "tell an element's role and name");
            answer.as_str().unwrap_or_default().to_owned()
        };
        (ask(Command::role(&id)), ask(Command::label(&id)))
    }

    /// Puts a text where the cursor is, at once, as an input method or an emoji picker does.
    fn insert_text(&self, text: &str) {
        let script = "document.execCommand('insertText', false, arguments[0])";
        self.session().run(script, &[json!(text)]);
    }

    /// Comes after each address that is opened.
    fn opened(&self) {}

    /// Runs a script in every document from now on, before the document's own.
    fn before_load(&self, _script: &str) -> Can {
        Err(Cannot("run a script before a page's own"))
    }

    /// What the page wrote to its console since the last call: `LEVEL: message`.
    fn console(&self) -> Can<Vec<String>> {
        Err(Cannot("hand out its console"))
    }

    /// Gives the page this size in CSS pixels.
    fn resize(&self, width: u32, height: u32) -> Can;

    /// Tells the page that its visitor prefers dark colours, or light ones.
    fn prefer_dark(&self, _dark: bool) -> Can {
        Err(Cannot("change the colours that its visitor prefers"))
    }

    /// Lets the page read and write the clipboard without a question.
    fn allow_clipboard(&self) -> Can {
        Err(Cannot("let a script read the clipboard"))
    }

    /// The folder that saved files go to, without a question.
    fn downloads(&self) -> Can<PathBuf> {
        Err(Cannot("say where it saves files"))
    }

    /// Sends a command of the Chrome DevTools Protocol and returns its result.
    fn devtools(&self, _method: &str, _parameters: Value) -> Can<Value> {
        Err(Cannot("be told that: it does not speak Chrome's protocol"))
    }
}

/// Starts the bench's browser.
///
/// # Panics
/// If it does not start.
pub fn start(bench: &Bench, gpu: Gpu) -> Box<dyn Driver> {
    match bench.browser {
        Browser::Chromium => Box::new(Chromium::start(&bench.programs, gpu)),
        Browser::Firefox => Box::new(Firefox::start(&bench.programs, gpu)),
        Browser::WebKit => Box::new(WebKit::start(&bench.programs)),
    }
}
