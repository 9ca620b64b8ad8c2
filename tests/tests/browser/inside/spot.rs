//! Spot the swaps: a round played by hand, judged by a discriminator, counted, and brought back by its link.

use crate::reference::Reference;
use crate::visit::{Choice, Visit, fixture, read};
use bert::inside::{ReplaceRequest, Round};
use serde_json::json;
use unmask_tests::browser::Browser;

/// The words as they show: each with whether it is marked, what it was, and the signs under it.
type Word = (String, bool, String, Vec<String>);

const WORDS: &str = "
    return [...document.querySelectorAll('#spot-sentence .spot-word')].map((word) => [
        word.querySelector('button').textContent,
        word.querySelector('button').getAttribute('aria-pressed') === 'true',
        word.querySelector('.spot-was')?.textContent ?? '',
        [...word.querySelectorAll('.spot-mark [aria-hidden]')].map((sign) => sign.textContent)]);";

fn words(visit: &Visit) -> Vec<Word> {
    read(visit.run(WORDS, &[]))
}

/// Waits until this round is on the page.
fn wait_for(visit: &Visit, round: &Round) {
    let shown: Vec<&str> = round.words.iter().map(|word| &*word.shown).collect();
    visit.wait("the round", || {
        let words = words(visit);
        words.len() == shown.len()
            && words
                .iter()
                .zip(&shown)
                .all(|(word, shown)| word.0 == *shown)
    });
}

fn pick(visit: &Visit, word: usize) {
    let id = format!("spot-word-{word}");
    visit.run(
        "document.getElementById(arguments[0]).click()",
        &[json!(id)],
    );
}

fn slide(visit: &Visit, id: &str, value: usize) {
    let script = "
        const slider = document.getElementById(arguments[0]);
        slider.value = arguments[1];
        slider.dispatchEvent(new Event('input', { bubbles: true }));";
    visit.run(script, &[json!(id), json!(value)]);
}

scenario!(a_round_of_swaps_is_played_and_judged: Chromium Firefox);
fn a_round_of_swaps_is_played_and_judged(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.click("tab", "Inside");
    visit.click("radio", "Spot the swaps");
    let bundled = Reference::bundled();
    let mut asked = ReplaceRequest {
        text: "The old farmer opened the gate before sunrise and let his cows into the wet field."
            .into(),
        count: 3,
        temperature: 1.0,
        seed: 0,
    };
    wait_for(&visit, &bundled.round(&asked));

    // More words, drawn hotter, so that some are swapped for certain.
    slide(&visit, "round-words", 5);
    slide(&visit, "round-heat", 15);
    (asked.count, asked.temperature) = (5, 1.5);
    let round = bundled.round(&asked);
    wait_for(&visit, &round);
    let swapped: Vec<usize> = (0..round.words.len())
        .filter(|word| round.words[*word].is_replaced())
        .collect();
    assert!(swapped.len() > 1, "{round:?}");
    let clear = (0..round.words.len()).find(|word| !swapped.contains(word));
    let clear = clear.expect("a word of the author's");
    visit.pictures("spot-round", "#tab-inside");

    // One found, one wrong, the others missed; with the keyboard.
    let first = visit.find("button", &words(&visit)[0].0);
    first.focus();
    for _ in 0..swapped[0] {
        visit.press(&fantoccini::key::Key::Right);
    }
    visit.press(" ");
    pick(&visit, clear);
    let marked = words(&visit);
    for (at, word) in marked.iter().enumerate() {
        assert_eq!(word.1, at == swapped[0] || at == clear, "{marked:?}");
        assert!(word.2.is_empty() && word.3.is_empty(), "the answer shows");
    }
    visit.click("button", "Show");
    let line = format!(
        "You found 1 of {}. You marked 1 word of the author's.",
        swapped.len()
    );
    visit.wait_for_text("#spot-answer", &line);
    for (at, word) in words(&visit).iter().enumerate() {
        let sign = match (swapped.contains(&at), at == swapped[0], at == clear) {
            (true, true, _) => "✓",
            (true, false, _) => "○",
            (false, _, true) => "✗",
            _ => "·",
        };
        assert_eq!(word.3, [sign], "{word:?}");
        let original = &round.words[at].original;
        match swapped.contains(&at) {
            true => assert_eq!(word.2, format!("was {original}")),
            false => assert!(word.2.is_empty()),
        }
    }
    visit.wait_for_text("#spot-scores", "You: found 1 of");
    visit.wait_for_text("#spot-judge-hint", "holds one model at a time");

    // A discriminator comes; the round stays, and it judges.
    let name = "tiny-electra-discriminator";
    visit.open_fixture(name);
    wait_for(&visit, &round);
    visit.click("button", "Let this model judge");
    let marks = Reference::of(&fixture(name)).replaced(&round.text);
    visit.wait("the verdict", || {
        words(&visit).iter().all(|word| word.3.len() == 2)
    });
    for (word, shown) in round.words.iter().zip(words(&visit)) {
        let tokens = marks.tokens.iter().zip(&marks.probabilities);
        let suspect = tokens.into_iter().any(|(token, probability)| {
            let within = token.start < word.end && token.end > word.start;
            within && !token.special && *probability > 0.5
        });
        let sign = match (word.is_replaced(), suspect) {
            (true, true) => "✓",
            (true, false) => "○",
            (false, true) => "✗",
            (false, false) => "·",
        };
        assert_eq!(shown.3[1], sign, "{shown:?}");
    }
    visit.wait("no second verdict", || {
        visit.all("button", "Let this model judge").is_empty()
    });
    visit.pictures("spot-judged", "#tab-inside");

    // The score outlives the page; the link brings the round back without its answer.
    let hash = visit.run("return location.hash", &[]);
    let hash = hash.as_str().unwrap_or_default();
    assert!(
        hash.contains("see=spot") && hash.contains("round-words=5"),
        "{hash}"
    );
    visit.go(&format!(
        "{}#v=1&panel=inside&see=spot&round-words=5&round-heat=15&round=0",
        visit.url()
    ));
    visit.run("location.reload()", &[]);
    visit.wait_for_model("Seedling");
    wait_for(&visit, &round);
    assert!(
        words(&visit)
            .iter()
            .all(|word| !word.1 && word.3.is_empty())
    );
    visit.wait_for_text("#spot-scores", "You: found 1 of");
    visit.click("button", "New round");
    asked.text =
        "She read the letter twice, folded it with care, and put it back in the drawer.".into();
    asked.seed = 1;
    wait_for(&visit, &bundled.round(&asked));
    visit.click("button", "Reset the score");
    visit.wait("no score", || visit.text_of("#spot-scores").is_empty());

    // A text of one's own that no word can be replaced in.
    visit.run(
        "document.querySelector('#round-text').closest('details').open = true",
        &[],
    );
    visit.find("textbox", "Text of the rounds").fill("1990 !");
    let alert = visit.alert("The model could not be looked into");
    assert!(alert.contains("one token"), "{alert}");
    visit.find("textbox", "Text of the rounds").fill("the cat");
    visit.wait("two words", || words(&visit).len() == 2);
    visit.end();
}
