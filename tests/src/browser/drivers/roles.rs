//! Finding elements by role and name: those that could have the role are found by selector, since
//! browsers take long to tell an element's role, then the browser is asked about each.

use super::Command;
use crate::browser::session::Session;
use fantoccini::elements::Element as Handle;
use serde_json::json;

const VISIBLE: &str = "
    return [...document.querySelectorAll(arguments[0])].filter((element) => element.checkVisibility());";

/// What could have a role, as the page is written.
///
/// # Panics
/// For a role that no test has asked for yet.
pub fn candidates(role: &str) -> &'static str {
    match role {
        "alert" => "[role=alert]",
        "button" => "button, summary, [role=button]",
        "checkbox" => "input[type=checkbox]",
        "dialog" => "dialog, [role=dialog]",
        "heading" => "h1, h2, h3, h4",
        "image" => "img, [role=img]",
        "link" => "a[href]",
        "progressbar" => "progress, [role=progressbar]",
        "radio" => "input[type=radio], [role=radio]",
        "region" => "section, [role=region]",
        "slider" => "input[type=range]",
        "status" => "output, [role=status]",
        "tab" => "[role=tab]",
        "textbox" => "textarea, input",
        other => panic!("which elements could be a {other}? Add that to roles.rs"),
    }
}

/// For browsers in which a script cannot ask for roles and names.
pub fn all(session: &Session, role: &str, name: &str) -> Vec<Handle> {
    let (mut exact, mut partial) = (Vec::new(), Vec::new());
    for element in session.elements(VISIBLE, &[json!(candidates(role))]) {
        // The page may have taken the element away in the meantime.
        let Some(label) = ask(session, Command::label(&element.element_id())) else {
            continue;
        };
        let is_of_role = || ask(session, Command::role(&element.element_id()));
        if label.contains(name) && is_of_role().is_some_and(|found| found == role) {
            let list = if label == name {
                &mut exact
            } else {
                &mut partial
            };
            list.push(element);
        }
    }
    if exact.is_empty() { partial } else { exact }
}

fn ask(session: &Session, command: Command) -> Option<String> {
    let answer = session.block_on(session.client.issue_cmd(command)).ok()?;
    Some(answer.as_str().unwrap_or_default().to_owned())
}
