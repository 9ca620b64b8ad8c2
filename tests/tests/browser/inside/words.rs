//! Neighbours of a word, and a table of swaps.

use super::{choose, open, seen, sentence, table};
use crate::visit::{Choice, Visit};
use serde_json::json;
use unmask_tests::browser::Browser;

/// What the address holds.
fn address(visit: &Visit) -> String {
    let hash = visit.run("return location.hash", &[]);
    hash.as_str().unwrap_or_default().to_owned()
}

/// The link that Share copies.
fn link(visit: &Visit) -> String {
    visit.run("document.querySelector('#share-button').click()", &[]);
    let link = visit.wait_for("the link", || {
        let link = visit.run(
            "return document.querySelector('#share-link')?.value ?? ''",
            &[],
        );
        link.as_str()
            .filter(|link| link.contains('#'))
            .map(str::to_owned)
    });
    visit.press(&fantoccini::key::Key::Escape);
    link.split_once('#').expect("a fragment").1.to_owned()
}

scenario!(a_word_has_neighbours_and_meanings: Chromium Firefox);
fn a_word_has_neighbours_and_meanings(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Neighbours") else {
        return;
    };
    choose(&visit, "inside-word", "2");
    visit.wait("the cat's neighbours", || {
        sentence(&visit, "#sight-neighbours").contains("that of “cat”")
    });
    seen(&visit);
    let rows = table(&visit, "#sight-neighbours");
    let near = reference.nearest("cat", rows.len());
    assert_eq!(rows.len(), 12);
    for (row, near) in rows.iter().zip(&near) {
        assert_eq!(row[..], [near.token.clone(), format!("{:.3}", near.cosine)]);
    }
    visit.wait_for_text("#sentences-hint", "Write other sentences with “cat”");

    let others = visit.find("textbox", "Other sentences with the word, one a line");
    others.fill("a dog sat.");
    visit.wait_for_text("#sentences-hint", "Line 1 does not have “cat”");
    others.fill("the Cat sat, the cat ran.\na man had a cat.");
    visit.wait("the places", || {
        sentence(&visit, "#sight-contextual").contains("“cat” at 4 places")
    });
    seen(&visit);
    let rows = table(&visit, "#sight-contextual");
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!(rows[0].len(), 7, "all pairs of four");
    // What is known of the word alone is the same; above, its neighbours have mixed in.
    let apart = |row: usize| rows[row][1].parse::<f64>().expect("a cosine");
    assert!(apart(2) > apart(0) && apart(0) < 0.9999, "{rows:?}");
    visit.pictures("inside-neighbours", "#tab-inside");
    visit.pictures("inside-meanings", "#inside-sentences");

    // The address keeps what is typed to itself; a link does not.
    visit.wait("the address", || address(&visit).contains("see=neighbours"));
    assert!(
        !address(&visit).contains("sentences="),
        "{}",
        address(&visit)
    );
    let link = link(&visit);
    assert!(
        link.contains("row=2") && link.contains("sentences=the+Cat"),
        "{link}"
    );
    others.fill(" ");
    visit.wait("no places", || {
        sentence(&visit, "#sight-contextual").is_empty()
    });
    visit.run("location.hash = ''", &[]);
    visit.run("location.hash = arguments[0]", &[json!(link)]);
    visit.wait("the places again", || {
        sentence(&visit, "#sight-contextual").contains("“cat” at 4 places")
    });
    seen(&visit);
    visit.end();
}

scenario!(choices_are_weighed_in_a_table_of_swaps: Chromium WebKit);
fn choices_are_weighed_in_a_table_of_swaps(browser: Browser) {
    let Some((visit, reference)) = open(browser, Choice::Cpu, "Surprise") else {
        return;
    };
    seen(&visit);
    let typed = visit.find("textbox", "A sentence with choices in braces");
    typed.fill("the cat sat.");
    visit.wait_for_text("#swaps-hint", "Write the choices in braces");
    typed.fill("the {cat, dog} sat on a mat.");
    visit.wait("the swaps", || !sentence(&visit, "#sight-swaps").is_empty());
    seen(&visit);
    assert!(visit.text_of("#swaps-hint").is_empty());
    let rows = table(&visit, "#sight-swaps");
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in &rows {
        // Each word hidden in turn, as Probe finds it.
        let text = format!("the {} sat on a mat.", row[0]);
        let bits = |place: usize| {
            let hidden = reference.answer(&text, None, &[place], 1);
            let original = hidden.masks[0].original.as_ref().expect("a hidden word");
            -f64::from(original.probability.log2())
        };
        let all: f64 = (1..=7).map(bits).sum();
        let cell = |column: usize| row[column].parse::<f64>().expect("a number");
        assert!((cell(1) - all).abs() < 0.05, "{row:?}: {all}");
        assert!((cell(3) - bits(2)).abs() < 0.02, "{row:?}");
        assert!((cell(3) + cell(4) - cell(1)).abs() < 0.02, "{row:?}");
        assert_eq!(row[5], "7");
    }
    assert_eq!(rows[0][2], "+0.00");
    assert!(sentence(&visit, "#sight-swaps").contains("costs least"));
    visit.pictures("inside-swaps", "#inside-swaps");

    // The rule for pieces of words is part of the question.
    let together = visit.find("checkbox", "Hide the later pieces of a word");
    together.click();
    visit.wait("the other rule", || {
        visit
            .text_of("#sight-surprise .sight-caveat")
            .contains("in sight")
    });
    seen(&visit);
    let link = link(&visit);
    assert!(
        link.contains("apart=1") && link.contains("swaps="),
        "{link}"
    );
    visit.end();
}
