//! Checkpoints that this device keeps: what changes, breaks, fills up or is held by another tab.
//! WebKit takes no part: its driver browses privately, where no file is kept.

use crate::sources::{MODEL, begin, dismiss, expected, hub, line, look, open_list, wait_for_bytes};
use crate::visit::Visit;
use serde_json::json;
use unmask_tests::browser::Browser;
use unmask_tests::hub::{COMMIT, Fault};

/// Changes a kept file, as another program might.
const TAMPER: &str = "return (async () => {
    const top = await navigator.storage.getDirectory();
    const all = await top.getDirectoryHandle('checkpoints');
    for await (const folder of all.values()) {
        const handle = await folder.getFileHandle(arguments[0]);
        const length = (await handle.getFile()).size;
        const stream = await handle.createWritable({ keepExistingData: true });
        await stream.write({ type: 'write', position: length - 4, data: new Uint8Array([1, 2, 3, 60]) });
        await stream.close();
    }
    })()";

scenario!(a_kept_copy_that_changed_is_refused_and_deleted: Chromium Firefox);
fn a_kept_copy_that_changed_is_refused_and_deleted(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    for name in ["model.safetensors", "tokenizer.json"] {
        look(&visit, MODEL);
        visit.click("button", "Load");
        visit.wait_for_model(MODEL);
        visit.wait_for_fill(&expected());
        visit.run(TAMPER, &[json!(name)]);
        visit.open_model_card();
        visit.click("button", "Load the bundled model");
        visit.wait_for_model("Seedling");
        look(&visit, MODEL);
        visit.alert("The copy on this device has changed");
        visit.wait("an empty list", || visit.text_of("#kept").is_empty());
        assert_eq!(visit.text_of("#model-name"), "Seedling");
        dismiss(&visit);
    }
    visit.end();
}

/// Holds a kept file as another tab would that is writing it.
const HOLD: &str = "return (async () => {
    const top = await navigator.storage.getDirectory();
    const all = await top.getDirectoryHandle('checkpoints', { create: true });
    for await (const folder of all.values()) {
        const handle = await folder.getFileHandle('model.safetensors', { create: true });
        // The load that was given up may not have let go of it yet.
        for (window.held = undefined; !window.held; await new Promise((on) => setTimeout(on, 20)))
            window.held = await handle.createWritable({ keepExistingData: true }).catch(() => undefined);
    }
    })()";

/// Claims a kept checkpoint as another tab does that is writing it.
const CLAIM: &str = "return (async () => {
    const top = await navigator.storage.getDirectory();
    const all = await top.getDirectoryHandle('checkpoints', { create: true });
    for await (const key of all.keys())
        await new Promise((granted) => {
            navigator.locks.request(`unmask-checkpoint-${key}`, () => {
                granted();
                return new Promise(() => {});
            });
        });
    })()";

scenario!(a_checkpoint_that_another_tab_is_saving_loads_without_being_kept: Chromium Firefox);
fn a_checkpoint_that_another_tab_is_saving_loads_without_being_kept(browser: Browser) {
    for hold in [HOLD, CLAIM] {
        load_what_another_tab_holds(browser, hold);
    }
}

fn load_what_another_tab_holds(browser: Browser, hold: &str) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    // A first attempt leaves a part.
    hub.fail(
        "/bert/0123456789abcdef0123456789abcdef01234567/model.safetensors",
        Fault::Stall(30_000),
    );
    look(&visit, MODEL);
    visit.click("button", "Load");
    wait_for_bytes(&visit);
    visit.click("button", "Cancel");
    visit.wait_for_model("Seedling");
    visit.run(hold, &[]);
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_fill(&expected());
    visit.wait_for_text(".model-title p", "another tab is saving it");
    visit.end();
}

scenario!(a_full_device_loads_without_keeping: Chromium);
fn a_full_device_loads_without_keeping(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    // Room for the page, not for the weights.
    let origin = visit.url();
    let quota = json!({ "origin": origin.trim_end_matches('/'), "quotaSize": 60_000 });
    visit.devtools("Storage.overrideQuotaForOrigin", quota);
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&expected());
    visit.wait_for_text(
        ".model-title p",
        "not kept on this device: there is no room for it",
    );
    visit.wait("nothing in the list", || visit.text_of("#kept").is_empty());

    // A new engine would have to download it again: it asks first.
    let asked = hub.count();
    visit.click("button", "Engine:");
    visit.click("radio", "GPU");
    let close =
        "for (const open of document.querySelectorAll(':popover-open')) open.hidePopover();";
    visit.run(close, &[]);
    visit.wait_for_text("#offer", "It is not on this device");
    assert_eq!(hub.count(), asked, "the hub is not asked for anything");
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&expected());
    visit.end();
}

/// Changes all that is kept in a way of its own.
fn for_all_kept(change: &str) -> String {
    format!(
        "return (async () => {{
            const top = await navigator.storage.getDirectory();
            const all = await top.getDirectoryHandle('checkpoints');
            const keys = [];
            for await (const key of all.keys()) keys.push(key);
            for (const key of keys) {{ {change} }}
            }})()"
    )
}

scenario!(a_copy_that_another_tab_deleted_is_offered_and_not_downloaded: Chromium Firefox);
fn a_copy_that_another_tab_deleted_is_offered_and_not_downloaded(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_text(".model-title p", "kept on this device");
    visit.open_model_card();
    visit.click("button", "Load the bundled model");
    visit.wait_for_model("Seedling");
    open_list(&visit);
    let remove = for_all_kept("await all.removeEntry(key, { recursive: true });");
    visit.run(&remove, &[]);
    let asked = hub.count();
    visit.open_model_card();
    visit.click("button", &format!("Open {MODEL} @ {}", &COMMIT[..8]));
    visit.wait_for_text("#offer", "It is not on this device");
    visit.screenshot("offered-again");
    assert_eq!(visit.text_of("#model-name"), "Seedling");
    assert_eq!(hub.count(), asked, "the hub is not asked for anything");
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_text(".model-title p", "kept on this device");
    visit.wait_for_fill(&expected());
    visit.end();
}

scenario!(a_copy_with_a_broken_manifest_stays_until_it_is_deleted: Chromium Firefox);
fn a_copy_with_a_broken_manifest_stays_until_it_is_deleted(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_text(".model-title p", "kept on this device");
    let folder_holds = "return (async () => {
        const top = await navigator.storage.getDirectory();
        const all = await top.getDirectoryHandle('checkpoints');
        const names = [];
        for await (const folder of all.values())
            for await (const name of folder.keys()) names.push(name);
        return names.sort().join(' ');
        })()";
    let files = visit.run(folder_holds, &[]);
    let files = files.as_str().expect("names").to_owned();
    assert!(files.contains("manifest.json") && !files.contains("manifest.new"));
    assert!(files.contains("tokenizer.json") && files.contains("vocab.txt"));

    // Half written, as a page of old would leave it.
    let cut = for_all_kept(
        "const folder = await all.getDirectoryHandle(key);
        const handle = await folder.getFileHandle('manifest.json');
        const text = await (await handle.getFile()).text();
        const stream = await handle.createWritable();
        await stream.write(text.slice(0, 40));
        await stream.close();",
    );
    visit.run(&cut, &[]);
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    open_list(&visit);
    visit.wait_for_text("#kept", "unreadable");
    assert_eq!(visit.run(folder_holds, &[]), json!(files));
    // Loading it anew begins from the start.
    visit.type_text("the [MASK] sat on the mat.");
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_text(".model-title p", "kept on this device");
    visit.wait_for_fill(&expected());
    open_list(&visit);
    visit.wait("a list that can be read", || {
        !visit.text_of("#kept").contains("unreadable")
    });

    visit.run(&cut, &[]);
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    open_list(&visit);
    let key = for_all_kept("return key;");
    let key = visit.run(&key, &[]);
    let key = &key.as_str().expect("a key")[..8];
    visit.open_model_card();
    visit.click(
        "button",
        &format!("Delete An unreadable copy, {key} from this device"),
    );
    visit.click("button", "Yes, delete");
    visit.wait("an empty list", || visit.text_of("#kept").is_empty());
    visit.end();
}

scenario!(a_load_right_after_a_cancel_keeps_what_it_loads: Chromium Firefox);
fn a_load_right_after_a_cancel_keeps_what_it_loads(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    hub.fail(
        "/bert/0123456789abcdef0123456789abcdef01234567/model.safetensors",
        Fault::Stall(30_000),
    );
    look(&visit, MODEL);
    visit.click("button", "Load");
    wait_for_bytes(&visit);
    // The connection breaks, and the host is in trouble: the page waits before it asks again.
    let before = hub.seen("/model.safetensors").len();
    hub.fail("/model.safetensors", Fault::Status(503));
    hub.hang_up();
    visit.wait("a second attempt", || {
        hub.seen("/model.safetensors").len() > before
    });
    visit.click("button", "Cancel");
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&expected());
    assert!(
        line(&visit).contains("kept on this device for"),
        "{}",
        line(&visit)
    );
    visit.end_as_it_is();
}

/// What a second tab of the same browser shows at a selector.
fn in_other(visit: &Visit, selector: &str) -> String {
    let script = "return window.other.document.querySelector(arguments[0])?.textContent ?? ''";
    let text = visit.run(script, &[json!(selector)]);
    text.as_str().unwrap_or_default().to_owned()
}

scenario!(two_tabs_keep_one_checkpoint: Chromium);
fn two_tabs_keep_one_checkpoint(browser: Browser) {
    let hub = hub();
    let Some(visit) = begin(browser, &hub) else {
        return;
    };
    // The first tab is in the middle of its download.
    hub.fail(
        "/bert/0123456789abcdef0123456789abcdef01234567/model.safetensors",
        Fault::Stall(4_000),
    );
    look(&visit, MODEL);
    visit.click("button", "Load");
    wait_for_bytes(&visit);
    let link = format!("{}#v=1&model={MODEL}", visit.url());
    visit.run("window.other = window.open(arguments[0])", &[json!(link)]);
    visit.wait("the offer in the second tab", || {
        !in_other(&visit, "#offer").is_empty()
    });
    let load = "window.other.document.querySelector('#offer .primary').click()";
    visit.run(load, &[]);
    visit.wait("the model in the second tab", || {
        in_other(&visit, ".model-title p").contains("another tab is saving it")
    });
    visit.wait_for_model(MODEL);
    visit.wait_for_fill(&expected());
    visit.wait_for_text("#kept summary", "(1)");
    // What the first one kept opens in the second without the hub.
    let asked = hub.count();
    visit.run("window.other.location.reload()", &[]);
    visit.wait("the kept model in the second tab", || {
        in_other(&visit, "#model-name") == MODEL
            && !in_other(&visit, ".model-title p").contains("another tab")
    });
    let change = "window.other.document.querySelector('#change-model').click()";
    visit.run(change, &[]);
    visit.wait("the list in the second tab", || {
        in_other(&visit, "#kept summary") == "Saved on this device (1)"
    });
    assert!(hub.count() <= asked + 1, "at most its description");
    visit.run("window.other.close()", &[]);
    visit.end();
}
