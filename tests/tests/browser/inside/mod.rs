//! Looking inside: each picture with numbers that are known, what changes them, and how links bring them
//! back.

mod change;
mod limits;
mod spot;
mod words;
mod writing;

use crate::reference::{Reference, TOP_K};
use crate::visit::{Choice, Visit, fixture, same_percent};
use fantoccini::key::Key;
use serde_json::{Value, json};
use unmask_tests::browser::Browser;

const TEXT: &str = "the cat [MASK] on a mat.";

/// The rows of the table under a figure, opened for that.
fn table(visit: &Visit, figure: &str) -> Vec<Vec<String>> {
    let script = "
        const details = document.querySelector(arguments[0] + ' details');
        if (!details) return [];
        details.open = true;
        return [...details.querySelectorAll('tbody tr')].map((row) =>
            [...row.children].map((cell) => cell.textContent));";
    let read = || -> Vec<Vec<String>> {
        serde_json::from_value(visit.run(script, &[json!(figure)])).expect("rows of cells")
    };
    visit.wait_for(&format!("the table of {figure}"), || {
        let rows = read();
        (!rows.is_empty()).then_some(rows)
    })
}

/// What a figure says in a sentence.
fn sentence(visit: &Visit, figure: &str) -> String {
    visit.text_of(&format!("{figure} figcaption"))
}

/// Waits until nothing is under way.
fn seen(visit: &Visit) {
    visit.wait("an end to all looking", || {
        let busy = "return document.querySelector('#panel-inside [aria-busy=true]') !== null";
        let shown = "return document.querySelector('#looked') !== null";
        visit.run(busy, &[]) == json!(false) && visit.run(shown, &[]) == json!(true)
    });
}

/// The panel with the smallest checkpoint and a text with a blank.
fn open(browser: Browser, choice: Choice, picture: &str) -> Option<(Visit, Reference)> {
    let visit = Visit::begin(browser, choice)?;
    visit.wait_for_model("Seedling");
    visit.open_fixture("tiny-bert");
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.type_text(TEXT);
    visit.wait_for_fill(&reference.fill(TEXT));
    visit.click("tab", "Inside");
    visit.click("radio", picture);
    Some((visit, reference))
}

/// Chooses in a list by its value.
fn choose(visit: &Visit, id: &str, value: &str) {
    let script = "
        const list = document.getElementById(arguments[0]);
        list.value = arguments[1];
        list.dispatchEvent(new Event('change', { bubbles: true }));
        return list.value;";
    let chosen = visit.run(script, &[json!(id), json!(value)]);
    assert_eq!(chosen, json!(value), "{id} has no {value}");
}

scenario!(the_lens_ends_with_what_probe_guesses_and_follows_a_word: Chromium Firefox WebKit);
fn the_lens_ends_with_what_probe_guesses_and_follows_a_word(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Layer by layer") else {
        return;
    };
    seen(&visit);
    let fill = reference.fill(TEXT);
    let best = &fill.masks[0].predictions;
    let rows = table(&visit, "#sight-lens");
    let names: Vec<&str> = rows.iter().map(|row| &*row[0]).collect();
    assert_eq!(names, ["2", "1", "Embeddings"]);
    for (place, guess) in best.iter().enumerate() {
        assert_eq!(rows[0][1 + 2 * place], guess.token);
        assert!(
            same_percent(&rows[0][2 + 2 * place], guess.probability),
            "{:?}",
            rows[0]
        );
    }
    // What is followed is the best guess, of rank 1 in the end.
    assert_eq!(rows[0][11], "1", "{rows:?}");
    assert!(
        sentence(&visit, "#sight-lens").contains(&format!("“{}” goes from rank ", best[0].token))
    );

    // Another word, typed.
    let follow = visit.find("textbox", "Follow a word");
    follow.fill("dog");
    visit.wait("the dog's rank", || {
        sentence(&visit, "#sight-lens").contains("“dog” goes from rank")
    });
    let dog = reference.answer(TEXT, None, &[], 20);
    if let Some(at) = dog.masks[0]
        .predictions
        .iter()
        .position(|guess| guess.token == "dog")
    {
        assert_eq!(table(&visit, "#sight-lens")[0][11], (at + 1).to_string());
    }
    follow.fill("xyzzy");
    let alert = visit.alert("This word cannot be followed");
    assert!(alert.contains("xyzzy"), "{alert}");
    follow.fill(" ");
    visit.wait("no alert", || visit.all("alert", "").is_empty());
    seen(&visit);

    // A hidden word is followed by itself, and its card under Probe says the same.
    visit.click("button", "cat");
    choose(&visit, "inside-place", "2");
    visit.wait("the cat's rank", || {
        sentence(&visit, "#sight-lens").contains("“cat” goes from rank")
    });
    let hidden = reference.answer(TEXT, None, &[2], TOP_K);
    let cat = hidden.masks[0].original.as_ref().expect("a hidden word");
    assert_eq!(table(&visit, "#sight-lens")[0][11], cat.rank.to_string());
    visit.pictures("inside-lens", "#tab-inside");
    visit.end();
}

/// What stands beside a name among the guesses.
fn guesses(visit: &Visit, name: &str) -> String {
    let script = "
        const terms = [...document.querySelectorAll('#guess-lines dt')];
        return terms.find((term) => term.textContent === arguments[0])?.nextElementSibling.textContent ?? '';";
    let text = visit.run(script, &[json!(name)]);
    text.as_str().unwrap_or_default().to_owned()
}

/// The part of a canvas that is painted, in per cent.
fn painted(visit: &Visit, canvas: &str) -> Value {
    let script = "
        const canvas = document.querySelector(arguments[0]);
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let painted = 0;
        for (let at = 3; at < data.length; at += 4) painted += data[at] > 60;
        return Math.round(400 * painted / data.length);";
    visit.run(script, &[json!(canvas)])
}

scenario!(a_head_that_is_switched_off_changes_the_guess_and_a_link_brings_it_back: Chromium Firefox);
fn a_head_that_is_switched_off_changes_the_guess_and_a_link_brings_it_back(browser: Browser) {
    let Some((visit, _)) = open(browser, Choice::Cpu, "Attention") else {
        return;
    };
    seen(&visit);
    let all = guesses(&visit, "All heads");
    assert!(all.contains('%'), "{all}");
    // A row of the map is a whole.
    let rows = table(&visit, "#sight-attention");
    let sum: f64 = rows
        .iter()
        .map(|row| {
            row[1]
                .trim_start_matches("< ")
                .trim_end_matches("%")
                .parse::<f64>()
                .unwrap_or(0.0)
        })
        .sum();
    assert!((sum - 100.0).abs() < 0.5, "{sum}: {rows:?}");
    assert_eq!(rows.len(), visit.strip().len());
    assert!(sentence(&visit, "#sight-attention").contains("on special tokens"));
    for canvas in ["#head-grid canvas", "#head-matrix canvas"] {
        visit.wait(canvas, || {
            painted(&visit, canvas)
                .as_f64()
                .is_some_and(|share| share > 10.0)
        });
    }

    visit.click("radio", "what arrives");
    visit.wait("what arrives", || {
        sentence(&visit, "#sight-attention").contains("weight times value")
    });

    // The heads of a layer together: a table, and their place in the link.
    for (part, said) in [("mean", "on average"), ("rollout", "by rollout")] {
        choose(&visit, "inside-head", part);
        visit.wait(said, || sentence(&visit, "#sight-attention").contains(said));
        assert!(table(&visit, "#sight-attention").len() > 2);
        visit.wait("the address", || {
            let hash = visit.run("return location.hash", &[]);
            hash.as_str()
                .is_some_and(|hash| hash.contains(&format!(".{part}")))
        });
    }
    visit.pictures("inside-rollout", "#head-matrix");
    visit.resize(1280, 900);
    choose(&visit, "inside-head", "1");
    choose(&visit, "inside-layer", "1");
    seen(&visit);
    let before = painted(&visit, "#head-grid canvas");
    visit.click("button", "Switch head 1.1 off");
    visit.wait("other guesses", || {
        let without = guesses(&visit, "Without that head");
        without.contains('%') && without != all
    });
    visit.wait_for_text("#heads-off", "Head 1.1 is switched off");
    visit.wait("its map to fade", || {
        painted(&visit, "#head-grid canvas") != before
    });
    let without = guesses(&visit, "Without that head");
    seen(&visit);
    visit.wait("the address", || {
        visit
            .run("return location.hash", &[])
            .as_str()
            .is_some_and(|hash| hash.contains("off=1.1"))
    });
    visit.pictures("inside-attention", "#tab-inside");

    // The lens is of the model without that head, too.
    visit.click("radio", "Layer by layer");
    seen(&visit);
    let best = without.split(' ').next().unwrap_or_default().to_owned();
    visit.wait("the lens without the head", || {
        table(&visit, "#sight-lens")[0][1] == best
    });

    // A link, on a page of its own.
    let link = visit.run(
        "document.querySelector('#share-button').click(); return ''",
        &[],
    );
    assert_eq!(link, json!(""));
    let link = visit.wait_for("the link", || {
        let link = visit.run(
            "return document.querySelector('#share-link')?.value ?? ''",
            &[],
        );
        link.as_str()
            .filter(|link| link.contains("off=1.1"))
            .map(str::to_owned)
    });
    assert!(
        link.contains("panel=inside") && link.contains("arrives=1"),
        "{link}"
    );
    visit.press(&Key::Escape);

    visit.click("radio", "Attention");
    visit.click("button", "Switch all on");
    visit.wait("the guesses as they were", || {
        guesses(&visit, "Without that head").is_empty() && guesses(&visit, "All heads") == all
    });
    let fragment = link
        .split_once('#')
        .map(|(_, fragment)| fragment.to_owned())
        .expect("a fragment");
    visit.run("location.hash = arguments[0]", &[json!(fragment)]);
    visit.wait_for_text("#heads-off", "Head 1.1 is switched off");
    seen(&visit);
    assert_eq!(table(&visit, "#sight-lens")[0][1], best);
    visit.end();
}

scenario!(one_side_is_worse_than_both: Chromium WebKit);
fn one_side_is_worse_than_both(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Left and right") else {
        return;
    };
    seen(&visit);
    let rows = table(&visit, "#sight-sides");
    for (row, guess) in rows.iter().zip(&reference.fill(TEXT).masks[0].predictions) {
        assert_eq!(row[3], guess.token, "both sides as under Probe: {row:?}");
        assert!(same_percent(&row[4], guess.probability), "{row:?}");
    }
    let column = |column: usize| {
        rows.iter()
            .map(|row| row[column].clone())
            .collect::<Vec<_>>()
    };
    assert!(column(2) != column(4) && column(6) != column(4), "{rows:?}");
    visit.pictures("inside-sides", "#tab-inside");
    visit.end();
}

scenario!(two_texts_are_compared_by_the_words_they_share: Chromium Firefox);
fn two_texts_are_compared_by_the_words_they_share(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Surprise") else {
        return;
    };
    visit.find("textbox", "Text").fill("the cat sat on a mat.");
    visit.wait("the bits", || {
        sentence(&visit, "#sight-surprise").contains("pseudo-perplexity")
    });
    seen(&visit);
    let rows = table(&visit, "#sight-surprise");
    assert_eq!(rows.len(), 7, "{rows:?}");
    // Each is what Probe finds where the word is hidden.
    for (place, row) in rows.iter().enumerate() {
        let hidden = reference.answer("the cat sat on a mat.", None, &[place + 1], 1);
        let original = hidden.masks[0].original.as_ref().expect("a hidden word");
        let bits: f32 = row[1].parse().expect("a number");
        assert!(
            (bits + original.probability.log2()).abs() < 0.02,
            "{row:?}, {original:?}"
        );
    }
    visit
        .find("textbox", "Compare with another text")
        .fill("the dog sat on a mat.");
    visit.wait("the comparison", || {
        sentence(&visit, "#sight-surprise").contains("below the other one")
    });
    let rows = table(&visit, "#sight-surprise");
    let words: Vec<[&str; 2]> = rows.iter().map(|row| [&*row[0], &*row[2]]).collect();
    assert_eq!(
        words[..4],
        [["the", "the"], ["cat", "–"], ["–", "dog"], ["sat", "sat"]]
    );
    assert!(
        rows[0][4].starts_with(['+', '-']) && rows[1][4].is_empty(),
        "{rows:?}"
    );
    visit.pictures("inside-surprise", "#tab-inside");
    visit.end();
}

scenario!(a_guess_is_explained_in_three_ways: Chromium);
fn a_guess_is_explained_in_three_ways(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "What it rests on") else {
        return;
    };
    seen(&visit);
    let said = sentence(&visit, "#sight-grounds");
    let best = &reference.fill(TEXT).masks[0].predictions[0];
    assert!(
        said.contains(&format!("the guess “{}”", best.token)),
        "{said}"
    );
    assert!(said.contains("% of what there is to explain"), "{said}");
    assert!(
        said.contains(&format!("the logit {:.2}", best.logit)),
        "{said}"
    );
    let rows = table(&visit, "#sight-grounds");
    assert_eq!(rows.len(), visit.strip().len());
    // One word out: the logit falls by what Probe says where that word is hidden too.
    let without = reference.answer(TEXT, None, &[2], 20);
    let mask = without.masks.iter().find(|mask| mask.position == 3);
    let guesses = &mask.expect("the blank").predictions;
    if let Some(then) = guesses.iter().find(|guess| guess.id == best.id) {
        let fall: f32 = rows[2][3].parse().expect("a number");
        assert!(
            (fall - (best.logit - then.logit)).abs() < 2e-3,
            "{fall}: {best:?}, {then:?}"
        );
    }
    // Integrated gradients are the whole of what there is to explain, nearly.
    let sum = |column: usize| -> f64 {
        rows.iter()
            .map(|row| row[column].parse::<f64>().unwrap_or(0.0))
            .sum()
    };
    assert!(sum(2).abs() > 1e-3, "{rows:?}");
    assert!(
        rows[0][3].is_empty(),
        "special tokens are never hidden: {rows:?}"
    );
    let integrated = sum(2);
    choose(&visit, "inside-baseline", "zero");
    visit.wait("another baseline", || {
        seen(&visit);
        let rows = table(&visit, "#sight-grounds");
        let other: f64 = rows
            .iter()
            .map(|row| row[2].parse::<f64>().unwrap_or(0.0))
            .sum();
        (other - integrated).abs() > 1e-3
    });
    visit.pictures("inside-grounds", "#tab-inside");
    visit.end();
}

scenario!(every_picture_is_reached_by_the_keyboard: Chromium Firefox);
fn every_picture_is_reached_by_the_keyboard(browser: Browser) {
    let Some((visit, _)) = open(browser, Choice::Cpu, "Layer by layer") else {
        return;
    };
    visit.find("radio", "Layer by layer").focus();
    for picture in [
        "Attention",
        "Left and right",
        "Surprise",
        "What it rests on",
        "Neighbours",
    ] {
        visit.press(&Key::Down);
        visit.find("region", picture);
        seen(&visit);
        assert!(visit.focused().contains(picture), "{}", visit.focused());
    }
    visit.press(&Key::Up.repeat(4));
    visit.find("region", "Attention");
    seen(&visit);
    let switch = visit.find("button", "off");
    switch.focus();
    visit.press(" ");
    visit.wait_for_text("#heads-off", "is switched off");
    assert_eq!(switch.attribute("aria-pressed").as_deref(), Some("true"));
    visit.press(" ");
    visit.wait("no head to be off", || {
        visit.text_of("#heads-off").is_empty()
    });
    visit.end();
}

scenario!(what_cannot_be_looked_at_is_said_in_words: Chromium);
fn what_cannot_be_looked_at_is_said_in_words(browser: Browser) {
    let Some((visit, _)) = open(browser, Choice::Cpu, "Layer by layer") else {
        return;
    };
    let text = visit.find("textbox", "Text");
    text.fill("the cat sat.");
    visit.wait_for_text("#inside-hint", "No word is hidden");
    text.fill(" ");
    visit.wait_for_text("#inside-hint", "only special tokens");
    // An encoder alone has attention, and nothing else.
    visit.open_fixture("tiny-encoder");
    text.fill("the cat sat.");
    visit.wait_for_text("#inside-hint", "There is no head to look through.");
    visit.click("radio", "Attention");
    seen(&visit);
    visit.wait("the attention of the text", || {
        sentence(&visit, "#sight-attention").contains("Where head 1.1 looks")
    });
    // Longer than the model reads, 64 tokens: cut, and said.
    text.fill(&"the cat sat on a mat. ".repeat(12));
    visit.wait_for_text("#panel-inside .notice", "The rest is left out.");
    seen(&visit);
    visit.end();
}

scenario!(on_a_software_gpu_the_pictures_are_the_same: Chromium Firefox);
fn on_a_software_gpu_the_pictures_are_the_same(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Gpu, "Layer by layer") else {
        return;
    };
    seen(&visit);
    let best = &reference.fill(TEXT).masks[0].predictions[0];
    let row = table(&visit, "#sight-lens").remove(0);
    assert!(
        row[1] == best.token && same_percent(&row[2], best.probability),
        "{row:?}"
    );
    for picture in [
        "Attention",
        "Left and right",
        "Surprise",
        "What it rests on",
        "Neighbours",
        "Writing",
    ] {
        visit.click("radio", picture);
        seen(&visit);
    }
    visit.wait_for_text("#looked", "on the GPU (software)");
    visit.end();
}
