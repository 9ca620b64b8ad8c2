//! What leaves the page for elsewhere: scripts, codes, frames, and what other programs show of it.

use crate::teaching::moods;
use crate::visit::{Choice, Visit, site_with};
use serde_json::{Value, json};
use unmask_tests::browser::{Bench, Browser, Gpu};
use xtask::server::{Reply, Request, Server};

scenario!(what_probe_shows_leaves_as_a_script: Chromium);
fn what_probe_shows_leaves_as_a_script(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.type_text("He said \"put the kettle on\".");
    visit.click("button", "kettle");
    visit.wait("guesses", || visit.cards().len() == 1);
    let position = visit.cards()[0].position;
    visit.allow_clipboard();
    visit.click("button", "Copy as a transformers script");
    visit.wait_for_text("#main ~ .unseen[role=status]", "Copied");
    let copied = visit.run("return navigator.clipboard.readText()", &[]);
    visit.run("document.querySelector('.script details').open = true", &[]);
    let shown = visit.find("textbox", "Python script").value();
    assert_eq!(copied, json!(shown));
    for line in [
        "TEXT = \"He said \\\"put the kettle on\\\".\"".to_owned(),
        format!("HIDDEN = [{position}]"),
        "MODEL = \"path/to/folder\"".to_owned(),
        "from transformers import AutoModelForMaskedLM, AutoTokenizer".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line} in {shown}");
    }
    visit.pictures("script", ".script");
    visit.end();
}

/// An element's attribute.
fn attribute(visit: &Visit, selector: &str, name: &str) -> String {
    let script = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? ''";
    let found = visit.run(script, &[json!(selector), json!(name)]);
    found.as_str().unwrap_or_default().to_owned()
}

scenario!(a_link_is_shared_as_a_code_and_as_a_frame: Chromium);
fn a_link_is_shared_as_a_code_and_as_a_frame(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.click("tab", "Inside");
    visit.wait("the panel in the title", || {
        visit.run("return document.title", &[]) == json!("Inside · Unmask")
    });
    visit.click("tab", "Probe");
    visit.type_text("The cat sat on the mat.");
    visit.click("button", "Share");
    visit.wait("the code's box", || {
        let open = "
            const box = document.querySelector('#share-qr');
            if (box) box.open = true;
            return box !== null;";
        visit.run(open, &[]) == json!(true)
    });
    visit.wait("a code", || {
        visit.all("image", "QR code of the link").len() == 1
    });
    let side = attribute(&visit, "#share-qr svg", "viewBox");
    assert!(side.starts_with("0 0 "), "{side}");
    visit.run("document.querySelector('#share-embed').open = true", &[]);
    visit.click("checkbox", "Tabs");
    visit.run(
        "document.querySelector('#share-embed .copy-box').open = true",
        &[],
    );
    let html = visit.find("textbox", "Frame as HTML").value();
    assert!(
        html.contains("hide=hero,tabs,footer") && html.contains("allow=\"clipboard-write"),
        "{html}"
    );
    let preview = attribute(&visit, "#embed-preview", "href");
    assert!(
        html.contains(&preview.replace('&', "&amp;")),
        "{preview} in {html}"
    );
    visit.pictures("share-more", "#share-card");
    visit.run("document.querySelector('#share-card').hidePopover()", &[]);

    // Too long for a code.
    visit.type_text(&"the cat sat on the mat ".repeat(20));
    visit.click("button", "Share");
    visit.wait_for_text("#share-card", "Only links of up to");
    assert_eq!(visit.all("image", "QR code of the link").len(), 0);
    visit.end();
}

scenario!(other_programs_find_a_picture_and_a_manifest: Chromium);
fn other_programs_find_a_picture_and_a_manifest(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    let script = "return (async () => {
        const size = async (address) => {
            const image = await createImageBitmap(await (await fetch(address)).blob());
            return `${image.width}x${image.height}`;
        };
        const manifest = await (await fetch(document.querySelector('link[rel=manifest]').href)).json();
        const icons = await Promise.all(manifest.icons.map(async (icon) => [icon.sizes, await size(icon.src)]));
        const picture = document.querySelector('meta[property=\"og:image\"]').content;
        return [icons, await size(picture), manifest.start_url];
    })();";
    let found: (Vec<(String, String)>, String, String) =
        serde_json::from_value(visit.run(script, &[])).expect("sizes");
    assert_eq!(found.0.len(), 4);
    for (said, is) in &found.0 {
        assert_eq!(said, is);
    }
    assert_eq!((&found.1[..], &found.2[..]), ("1200x630", "./"));
    // What the browser itself has against installing it, but for what a test's server cannot have.
    let errors = visit.devtools("Page.getAppManifest", json!({}));
    assert_eq!(errors["errors"], Value::Array(Vec::new()), "{errors}");
    visit.end();
}

/// A host of texts.
fn texts_host() -> Server {
    let answer = |request: &Request| {
        let open = |reply: Reply| {
            let mut reply = reply;
            reply
                .headers
                .push(("Access-Control-Allow-Origin", "*".to_owned()));
            reply
        };
        match request.path() {
            "/a/moods.tsv" => open(Reply::bytes("text/plain", moods().into_bytes())),
            "/closed.tsv" => Reply::bytes("text/plain", moods().into_bytes()),
            _ => open(Reply::new(404)),
        }
    };
    Server::answering(answer).expect("a free port")
}

scenario!(texts_of_a_link_are_offered_and_fetched_on_a_click: Chromium);
fn texts_of_a_link_are_offered_and_fetched_on_a_click(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let host = texts_host();
    let visit = Visit::before(&bench, site_with(&bench, |_| {}), Choice::Cpu, Gpu::None);
    let open = |file: &str| {
        visit.go(&format!(
            "{}#v=1&panel=teach&data={}{file}",
            visit.url(),
            host.url()
        ));
        visit.run("location.reload()", &[]);
        visit.wait_for_model("Seedling");
        visit.wait_for_text("#offered-texts", &host.host());
    };
    open("a/moods.tsv");
    visit.wait_for_text("#offered-texts", "moods.tsv");
    assert_eq!(visit.text_of("#data-line"), "", "nothing is read unasked");
    visit.pictures("offered-texts", ".teach-data");
    visit.click("button", "Fetch from");
    visit.wait_for_text("#data-line", "36");
    assert_eq!(visit.text_of("#offered-texts"), "");

    for (file, words) in [
        ("none.tsv", "is not there"),
        ("closed.tsv", "does not let other pages read"),
    ] {
        open(file);
        visit.click("button", "Fetch from");
        visit.alert(words);
    }
    visit.end_as_it_is();
}
