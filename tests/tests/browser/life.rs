//! What happens in life: a page inside another's, input methods, dropped folders, the keyboard alone,
//! fingers, refused storage and large text.

use crate::reference::{Reference, TOP_K};
use crate::sources::{MODEL, hub, look, with_hub};
use crate::teaching::{moods, run_line};
use crate::visit::{Choice, Visit, fixture, site};
use fantoccini::key::Key;
use serde_json::json;
use unmask_tests::browser::{Bench, Browser, Gpu};
use xtask::server::{Reply, Server, Site};

const SENTENCE: &str = "the cat sat on a mat.";

// WebKit's driver says that nothing in the frame takes the focus.
scenario!(a_lesson_works_in_a_page_of_another_origin: Chromium Firefox);
fn a_lesson_works_in_a_page_of_another_origin(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let host = Server::start(site(&bench), 0).expect("a free port");
    let parts = "v=1&hide=header,hero,model,tabs,footer&text=A+cup+of+[MASK].";
    let page = format!(
        "<!doctype html><html lang=en><title>A course</title><link rel=icon href=data:,><main>
        <h1>A course</h1><iframe title=Unmask width=700 height=600 src='{}#{parts}'></iframe></main>",
        host.url()
    );
    let around = move || Reply::bytes("text/html; charset=utf-8", page.clone().into_bytes());
    let around = Site::new("/nonexistent").answer("/", around);
    let visit = Visit::with(&bench, around, Choice::None, Gpu::None);
    visit.enter_frame(0);
    let expected = Reference::bundled().fill("A cup of [MASK].");
    visit.wait_for_fill(&expected);
    let shown = "return ['.top', '.hero p', '.model', '.tabs', '.foot'].filter(
        (part) => document.querySelector(part)?.checkVisibility())";
    assert_eq!(visit.run(shown, &[]), json!([]));
    visit.screenshot("in-a-frame");
    visit.type_text("She read a long [MASK].");
    let fill = Reference::bundled().fill("She read a long [MASK].");
    visit.wait_for_fill(&fill);
    visit.end();
}

scenario!(an_input_method_is_let_to_finish: Chromium);
fn an_input_method_is_let_to_finish(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.type_text("the [MASK] ");
    let text = visit.find("textbox", "Text");
    text.focus();
    for part in ["s", "sa", "sat"] {
        let composition =
            json!({ "text": part, "selectionStart": part.len(), "selectionEnd": part.len() });
        visit.devtools("Input.imeSetComposition", composition);
        // What is not yet decided is answered, and left as it is.
        visit.wait_for_fill(&reference.fill(&format!("the [MASK] {part}")));
        assert_eq!(text.value(), format!("the [MASK] {part}"));
    }
    visit.devtools("Input.insertText", json!({ "text": "saß" }));
    visit.wait_for_fill(&reference.fill("the [MASK] saß"));
    assert_eq!(text.value(), "the [MASK] saß");
    visit.end();
}

scenario!(a_dropped_folder_is_opened: Chromium);
fn a_dropped_folder_is_opened(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    let folder = fixture("tiny-bert");
    let folder = folder.canonicalize().expect("the fixture");
    let files = [folder.to_str().expect("paths in the tests are UTF-8")];
    for kind in ["dragEnter", "dragOver", "drop"] {
        let data = json!({ "items": [], "files": files, "dragOperationsMask": 1 });
        let event = json!({ "type": kind, "x": 300, "y": 300, "data": data });
        visit.devtools("Input.dispatchDragEvent", event);
    }
    visit.wait_for_text(".model-facts, .model-title", "25 thousand parameters");
    visit.type_text("the [MASK] sat.");
    visit.wait_for_fill(&Reference::of(&folder).fill("the [MASK] sat."));
    visit.end();
}

/// Walks with the Tab key to what has this role and name, or name alone: browsers differ in what a
/// `summary` is.
fn walk_to(visit: &Visit, goal: &str) {
    walk(visit, goal, &Key::Tab.to_string());
}

/// The same backwards.
fn walk_back_to(visit: &Visit, goal: &str) {
    walk(
        visit,
        goal,
        &format!("{}{}{}", Key::Shift, Key::Tab, Key::Null),
    );
}

fn walk(visit: &Visit, goal: &str, step: &str) {
    let mut seen = Vec::new();
    for _ in 0..80 {
        let focused = visit.focused();
        if focused.contains(goal) {
            return;
        }
        seen.push(focused);
        visit.press(step);
    }
    panic!("Tab does not lead to {goal}, but to {seen:#?}");
}

scenario!(a_whole_visit_of_teach_needs_no_pointer: Chromium Firefox WebKit);
fn a_whole_visit_of_teach_needs_no_pointer(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    walk_to(&visit, "tab Probe");
    visit.press(&Key::Right.repeat(2));
    assert!(
        visit.focused().starts_with("tab Teach"),
        "{}",
        visit.focused()
    );
    walk_to(&visit, "Paste examples");
    visit.press(&Key::Enter);
    visit.find("textbox", "Examples");
    walk_to(&visit, "textbox Examples");
    let rows = moods();
    let (_, rows) = rows.split_once('\n').expect("a header");
    visit.press(&rows.replace('\t', ",").replace('\n', &Key::Enter));
    walk_to(&visit, "button Use these");
    visit.press(&Key::Enter);
    visit.wait_for_text("#data-line", "36 rows, 2 classes");
    walk_to(&visit, "radio Head only");
    visit.press(&Key::Right);
    assert!(
        visit.focused().starts_with("radio Last layers"),
        "{}",
        visit.focused()
    );
    walk_to(&visit, "textbox Epochs");
    visit.press(&format!("{}a{}3", Key::Control, Key::Null));
    visit.wait_for_text("#outlook", "steps");
    visit.wait("the run can start", || {
        let ready = "return document.querySelector('#start-run')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    walk_to(&visit, "button Start");
    visit.press(&Key::Enter);
    visit.wait("the end", || run_line(&visit).starts_with("Done."));
    walk_to(&visit, "textbox Text to try");
    visit.press("the movie was very great.");
    visit.wait_for_text("#try-answer", "%");
    visit.end();
}

scenario!(two_labels_of_ones_own_are_taught_with_the_keyboard_alone: Chromium Firefox WebKit);
fn two_labels_of_ones_own_are_taught_with_the_keyboard_alone(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    visit.wait_for_model("model.safetensors");
    walk_to(&visit, "tab Probe");
    visit.press(&Key::Right.repeat(2));
    walk_to(&visit, "Type examples");
    visit.press(&Key::Enter);
    visit.wait_for_text("#boxes-why", "under two labels");
    let texts = [
        [
            "the film was very great.",
            "this was very good.",
            "the dog was very fine.",
        ],
        [
            "the film was very bad.",
            "this was very sad.",
            "the cat was very poor.",
        ],
    ];
    for (number, (name, texts)) in ["glad", "sorry"].iter().zip(texts).enumerate() {
        walk_to(&visit, &format!("textbox Name of label {}", number + 1));
        let old = "Label 1".chars().count();
        let delete = Key::Backspace.to_string().repeat(old);
        visit.press(&format!("{}{delete}{name}", Key::End));
        walk_to(&visit, &format!("textbox Texts of {name}"));
        visit.press(&texts.join(&Key::Enter));
    }
    visit.pictures("typed-examples", "#boxes");
    walk_to(&visit, "button Learn these");
    visit.press(&Key::Enter);
    visit.wait("the end", || run_line(&visit).starts_with("Done"));
    visit.wait_for_text("#data-line", "Typed examples: 6 rows, 2 classes");
    visit.wait_for_text("#boxes-run", "Done");
    walk_to(&visit, "button Try it on another text");
    visit.press(&Key::Enter);
    visit.wait("the focus in the text to try", || {
        visit.focused() == "textbox Text to try"
    });
    visit.press("the movie was very great.");
    visit.wait_for_text("#try-answer", "glad");
    visit.end();
}

/// From the top of the page to Teach.
fn walk_to_teach(visit: &Visit) {
    walk_to(visit, "tab Probe");
    visit.press(&Key::Right.repeat(2));
    walk_to(visit, "tab Teach");
}

/// Learns for so many epochs.
fn learn_by_keys(visit: &Visit, epochs: &str) {
    for (name, number) in [
        ("Learning rate", "1e-2"),
        ("Epochs", epochs),
        ("Batch size", "2"),
    ] {
        walk_to(visit, &format!("textbox {name}"));
        visit.press(&format!("{}a{}{number}", Key::Control, Key::Null));
    }
    visit.wait("the run can start", || {
        let ready = "return document.querySelector('#start-run')?.disabled === false";
        visit.run(ready, &[]) == json!(true)
    });
    walk_to(visit, "button Start");
    visit.press(&Key::Enter);
    visit.wait("the end", || run_line(visit).starts_with("Done."));
}

scenario!(tags_and_answers_are_taught_with_the_keyboard_alone: Chromium);
fn tags_and_answers_are_taught_with_the_keyboard_alone(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    visit.wait_for_model("model.safetensors");
    walk_to_teach(&visit);
    walk_to(&visit, "Paint examples");
    visit.press(&Key::Enter);
    walk_to(&visit, "textbox Texts to paint, one a line");
    let texts = [
        "the man sat",
        "the dog sat",
        "the man ran",
        "the man sat",
        "the dog ran",
    ];
    visit.press(&texts.join(&Key::Enter));
    walk_to(&visit, "button Put these below");
    visit.press(&Key::Enter);
    // The second word of each text: one stop of the Tab key a text, arrows within.
    walk_to(&visit, "button the");
    for text in 0..texts.len() {
        visit.press(&format!("{} ", Key::Right));
        let script = "return document.getElementById(`paint-${arguments[0]}-1`)?.getAttribute('aria-pressed')";
        visit.wait("a painted word", || {
            visit.run(script, &[json!(text)]) == json!("true")
        });
        visit.press(&Key::Tab);
    }
    walk_to(&visit, "button Use what is painted");
    visit.press(&Key::Enter);
    visit.wait_for_text("#data-line", "5 rows, JSON");
    walk_to(&visit, "radio Head only");
    visit.press(&Key::Right.repeat(2));
    walk_to(&visit, "radio Whole model");
    learn_by_keys(&visit, "20");
    walk_to(&visit, "textbox Text to try");
    visit.press("the man sat");
    visit.wait_for_text("#try-answer .entity", "man");

    walk_back_to(&visit, "Paste examples");
    visit.press(&Key::Enter);
    visit.find("textbox", "Examples");
    walk_to(&visit, "textbox Examples");
    let row = |(thing, word): (&str, &str)| {
        json!({"question": "what was it?", "context": format!("the {thing} was {word}"), "answer": word}).to_string()
    };
    let pairs = [
        ("man", "good"),
        ("dog", "bad"),
        ("cat", "good"),
        ("film", "bad"),
        ("day", "good"),
    ];
    visit.press(&pairs.map(row).join(&Key::Enter));
    walk_to(&visit, "button Use these");
    visit.press(&Key::Enter);
    visit.wait_for_text("#data-line", "5 rows");
    learn_by_keys(&visit, "30");
    walk_to(&visit, "textbox Text to try");
    visit.press("what was it?");
    walk_to(&visit, "textbox Second text to try");
    visit.press("the man was good");
    // Five rows teach little: an answer, or that there is none.
    visit.wait_for_text("#try-answer", "answer");
    visit.end();
}

/// Touches the middle of what a selector finds.
fn tap(visit: &Visit, selector: &str) {
    let place = "
        const element = document.querySelector(arguments[0]);
        element.scrollIntoView({ block: 'center' });
        const { x, y, width, height } = element.getBoundingClientRect();
        return [x + width / 2, y + height / 2, Math.min(width, height)];";
    let place = visit.run(place, &[json!(selector)]);
    let [x, y, size]: [f64; 3] = serde_json::from_value(place).expect("three numbers");
    assert!(
        size >= 24.0,
        "{selector} is {size} pixels: too small for a finger"
    );
    let points = |points| json!({ "type": points, "touchPoints": [{ "x": x, "y": y }] });
    visit.devtools("Input.dispatchTouchEvent", points("touchStart"));
    let end = json!({ "type": "touchEnd", "touchPoints": [] });
    visit.devtools("Input.dispatchTouchEvent", end);
}

scenario!(fingers_are_enough: Chromium);
fn fingers_are_enough(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let touch = json!({ "enabled": true, "maxTouchPoints": 1 });
    visit.devtools("Emulation.setTouchEmulationEnabled", touch);
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
    visit.devtools("Emulation.setDeviceMetricsOverride", phone);
    visit.open_fixture("tiny-bert");
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.type_text(SENTENCE);
    visit.wait_for_fill(&reference.fill(SENTENCE));
    tap(&visit, "#tokens .token:nth-of-type(3)");
    visit.wait_for_fill(&reference.answer(SENTENCE, None, &[2], TOP_K));
    tap(&visit, "#tokens .token:nth-of-type(3)");
    visit.wait_for_fill(&reference.fill(SENTENCE));
    tap(&visit, "#tab-teach");
    visit.wait_for_text("[role=tab][aria-selected=true]", "Teach");
    visit.screenshot("touched");
    visit.end();
}

scenario!(a_browser_that_keeps_no_files_loads_all_the_same: WebKit);
fn a_browser_that_keeps_no_files_loads_all_the_same(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let hub = hub();
    let visit = Visit::with(&bench, with_hub(&bench, &hub), Choice::Cpu, Gpu::None);
    visit.wait_for_model("Seedling");
    look(&visit, MODEL);
    visit.click("button", "Load");
    visit.wait_for_model(MODEL);
    visit.wait_for_text(".model-title p", "not kept on this device");
    visit.type_text("the [MASK] sat.");
    visit.wait_for_fill(&Reference::of(&fixture("tiny-bert")).fill("the [MASK] sat."));
    assert_eq!(visit.text_of("#kept"), "");
    visit.end();
}

/// As a browser does whose owner forbids sites to keep anything.
const REFUSE: &str = "
    const refuse = () => { throw new DOMException('The owner forbids it.', 'SecurityError'); };
    for (const name of ['localStorage', 'sessionStorage', 'caches'])
        Object.defineProperty(window, name, { get: refuse });
    if (navigator.serviceWorker)
        navigator.serviceWorker.register = async () => refuse();";

scenario!(refused_storage_costs_nothing_but_memory_of_choices: Chromium Firefox);
fn refused_storage_costs_nothing_but_memory_of_choices(browser: Browser) {
    let Some(bench) = Bench::ready(browser) else {
        return;
    };
    let visit = Visit::before(&bench, site(&bench), Choice::None, Gpu::None);
    visit.before_load(REFUSE);
    visit.go(&visit.url());
    visit.wait_for_model("Seedling");
    visit.type_text("A cup of [MASK].");
    let expected = Reference::bundled().fill("A cup of [MASK].");
    visit.wait_for_fill(&expected);
    visit.click("button", "Switch to light");
    visit.find("button", "Switch to dark");
    visit.end();
}

scenario!(text_of_twice_the_size_fits: Chromium Firefox WebKit);
fn text_of_twice_the_size_fits(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-bert");
    visit.resize(1280, 900);
    visit.run("document.documentElement.style.fontSize = '200%'", &[]);
    let cut = "
        const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
        const texts = [...document.querySelectorAll('button, a, label, h1, h2, h3, p, legend')];
        const cut = texts.filter((element) => {
            const { overflowX, display } = getComputedStyle(element);
            return element.checkVisibility() && display !== 'inline' && overflowX !== 'visible'
                && element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1;
        });
        return [...wide, ...cut.map((element) => element.outerHTML.slice(0, 120))];";
    for panel in ["Probe", "Teach", "Bench"] {
        visit.click("tab", panel);
        assert_eq!(visit.run(cut, &[]), json!([]), "{panel}");
        visit.screenshot(&format!("twice-{}", panel.to_lowercase()));
    }
    visit.end();
}
