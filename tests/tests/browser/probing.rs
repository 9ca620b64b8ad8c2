//! Hiding words and reading what the model expects: the same answers as natively, by pointer and by
//! keyboard, on both executors.

use crate::reference::{Reference, TOP_K};
use crate::visit::{Choice, Visit, fixture, read};
use fantoccini::key::Key;
use serde_json::json;
use unmask_tests::browser::{Bench, Browser};

scenario!(the_bundled_model_answers_as_natively: Chromium Firefox WebKit);
fn the_bundled_model_answers_as_natively(browser: Browser) {
    let Some(_) = Bench::ready(browser) else {
        return;
    };
    let reference = Reference::bundled();
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.wait_for_fill(&reference.fill(&visit.find("textbox", "Text").value()));
    for text in [
        "The capital of France is [MASK].",
        "Über 42 [MASK] naïve cafés 😀 opened; [MASK]!",
    ] {
        visit.type_text(text);
        visit.wait_for_fill(&reference.fill(text));
    }
    visit.wait_for_text("#took", "on the CPU");
    visit.end();
}

/// A visit with the smallest checkpoint, which has all heads, on the GPU.
fn tiny_on_gpu(browser: Browser) -> Option<(Visit, Reference)> {
    let visit = Visit::begin(browser, Choice::Gpu)?;
    visit.open_fixture("tiny-bert");
    Some((visit, Reference::of(&fixture("tiny-bert"))))
}

scenario!(on_the_gpu_a_picked_model_answers_as_natively: Chromium Firefox);
fn on_the_gpu_a_picked_model_answers_as_natively(browser: Browser) {
    let Some((visit, reference)) = tiny_on_gpu(browser) else {
        return;
    };
    let (text, pair) = ("I [MASK] this movie", "it was [MASK] long.");
    visit.type_text(text);
    visit.wait_for_fill(&reference.fill(text));
    visit.wait_for_text("#took", "on the GPU (software)");

    // The pair brings a second mask and the head's verdict; without it, both go.
    visit.click("checkbox", "Second text");
    visit.find("textbox", "Second text").fill(pair);
    visit.wait_for_fill(&reference.answer(text, Some(pair), &[], TOP_K));
    visit.find("region", "Next sentence");
    visit.click("checkbox", "Second text");
    visit.wait_for_fill(&reference.fill(text));
    assert_eq!(visit.all("region", "Next sentence").len(), 0);

    // As many predictions as asked for, by the slider's own keys.
    let slider = visit.find("slider", "Predictions");
    slider.focus();
    visit.press(&Key::Right.repeat(2));
    visit.wait_for_fill(&reference.answer(text, None, &[], TOP_K + 2));
    visit.press(&Key::Home);
    visit.wait_for_fill(&reference.answer(text, None, &[], 1));
    visit.press(&Key::End);
    visit.wait_for_fill(&reference.answer(text, None, &[], 20));
    visit.end();
}

/// Tokens 0 to 8, the special ones at both ends included.
const SENTENCE: &str = "the cat sat on a mat.";

scenario!(a_click_hides_a_word_and_another_shows_it_again: Chromium Firefox WebKit);
fn a_click_hides_a_word_and_another_shows_it_again(browser: Browser) {
    let Some((visit, reference)) = tiny_on_gpu(browser) else {
        return;
    };
    let answer = |hidden: &[usize]| reference.answer(SENTENCE, None, hidden, TOP_K);
    visit.type_text(SENTENCE);
    visit.wait_for_fill(&answer(&[]));
    visit.click("button", "cat");
    // With the hidden word's own probability and rank.
    visit.wait_for_fill(&answer(&[2]));
    visit.click("button", "mat");
    visit.wait_for_fill(&answer(&[2, 6]));
    visit.click("button", "[SEP]");
    visit.click("button", "cat");
    visit.wait_for_fill(&answer(&[6]));
    visit.click("button", "cat");
    visit.wait_for_fill(&answer(&[2, 6]));
    visit.click("button", "Show every word");
    visit.wait_for_fill(&answer(&[]));
    visit.end();
}

scenario!(the_keyboard_alone_is_enough: Chromium Firefox WebKit);
fn the_keyboard_alone_is_enough(browser: Browser) {
    let Some((visit, reference)) = tiny_on_gpu(browser) else {
        return;
    };
    let answer = |hidden: &[usize]| reference.answer(SENTENCE, None, hidden, TOP_K);
    let press = |key: Key, focus: &str| {
        visit.press(&key);
        // WebKit counts what a label shows of its control as a part of the name.
        let focused = visit.focused();
        assert!(focused.starts_with(focus), "{focused} after {key:?}");
    };
    press(Key::Tab, "link Skip to the panel");
    press(Key::Enter, "button Everyday");
    for example in [
        "Grammar",
        "Facts",
        "Two meanings",
        "Negation",
        "Bias",
        "Another language",
        "Two texts",
        "Insert a blank",
    ] {
        press(Key::Tab, &format!("button {example}"));
    }
    press(Key::Tab, "textbox Text");
    // Selecting all and typing over it, as one does.
    visit.press(&format!("{}a{}", Key::Control, Key::Null));
    visit.press(SENTENCE);
    visit.wait_for_fill(&answer(&[]));

    press(Key::Tab, "button the");
    press(Key::Right, "button cat");
    press(Key::Enter, "button cat");
    visit.wait_for_fill(&answer(&[2]));
    press(Key::Down, "button sat");
    press(Key::Right, "button on");
    visit.press(" ");
    visit.wait_for_fill(&answer(&[2, 4]));
    press(Key::Up, "button sat");
    press(Key::Left, "button cat");
    visit.press(" ");
    visit.wait_for_fill(&answer(&[4]));
    // The ends of the strip hold no words to hide.
    press(Key::End, "button [SEP]");
    press(Key::Enter, "button [SEP]");
    press(Key::Home, "button [CLS]");
    press(Key::Enter, "button [CLS]");
    visit.wait_for_fill(&answer(&[4]));
    // Past the answer's script.
    for _ in 0..4 {
        visit.press(&Key::Tab);
        if visit.focused().starts_with("checkbox Second text") {
            break;
        }
    }
    assert!(visit.focused().starts_with("checkbox Second text"));
    press(Key::Tab, "slider Predictions");
    press(Key::Tab, "button Show every word");
    press(Key::Tab, "textbox Words to compare");
    visit.end();
}

scenario!(the_newest_edit_wins: Chromium Firefox WebKit);
fn the_newest_edit_wins(browser: Browser) {
    let Some((visit, reference)) = tiny_on_gpu(browser) else {
        return;
    };
    // Each is still at work, or has not even begun, when the next comes.
    for text in [
        "I [MASK] this movie and it was a very [MASK] film",
        "you [MASK]",
        "the [MASK] sat on the mat, and the dog ran!",
        "is it [MASK]?",
    ] {
        visit.type_text(text);
    }
    let last = reference.fill("is it [MASK]?");
    visit.wait_for_fill(&last);
    // Hiding and showing in quick succession, too, ends where it ended.
    for word in ["is", "it", "is"] {
        visit.click("button", word);
    }
    visit.wait_for_fill(&reference.answer("is it [MASK]?", None, &[2], TOP_K));
    visit.wait("an end to all work", || {
        visit.all("button", "Stop").is_empty()
    });
    visit.wait_for_fill(&reference.answer("is it [MASK]?", None, &[2], TOP_K));
    visit.end();
}

/// Whether a sentence's guesses lie within the window, and the page does not scroll sideways.
const ON_SCREEN: &str = "
    const bars = [...document.querySelectorAll('.masks .bar')].slice(0, 5);
    const low = Math.max(...bars.map((bar) => bar.getBoundingClientRect().bottom));
    const chips = document.querySelector('.chips').getBoundingClientRect();
    const wide = document.documentElement.scrollWidth;
    return [bars.length, low, innerHeight, chips.top, wide, innerWidth];";

scenario!(the_first_screen_holds_the_sentence_and_its_guesses: Chromium Firefox WebKit);
fn the_first_screen_holds_the_sentence_and_its_guesses(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    for (width, height) in [(390, 844), (1280, 900)] {
        if !visit.resize(width, height) {
            println!("skipped: {browser:?} cannot be made {width} wide");
            continue;
        }
        visit.wait("five guesses", || {
            visit.cards().iter().any(|card| card.bars.len() == 5)
        });
        let seen: Vec<f64> = read(visit.run(ON_SCREEN, &[]));
        let [bars, low, inner, chips, wide, window] = seen[..] else {
            panic!("{seen:?}")
        };
        assert_eq!(bars, 5.0);
        assert!(
            low <= inner && chips > 0.0,
            "at {width} x {height}: {seen:?}"
        );
        assert!(wide <= window, "at {width} x {height}: {seen:?}");
        visit.screenshot(&format!("first-{browser:?}-{width}"));
    }
    // Nothing was sent, by the page's own count, which has seen that files were fetched.
    assert_eq!(visit.text_of("#sent"), "0 bytes sent");
    visit.wait_for_text("#sent-card", "requests");
    // What else there is.
    visit.run("document.querySelectorAll('.place')[1].click()", &[]);
    visit.wait("Teach's tab", || visit.focused().starts_with("tab Teach"));
    visit.end();
}

scenario!(examples_blanks_and_words_to_compare: Chromium Firefox WebKit);
fn examples_blanks_and_words_to_compare(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.wait_for_model("Seedling");
    visit.click("button", "Grammar");
    visit.wait_for_text("#example-shows", "boxes");
    // The field's rule: the plural goes with the subject.
    let compared = || -> Vec<String> {
        read(visit.run(
            "return [...document.querySelectorAll('.compared .bar')].map((bar) => bar.textContent)",
            &[],
        ))
    };
    visit.wait("two words compared", || compared().len() == 2);
    let [were, was] = &compared()[..] else {
        panic!()
    };
    assert!(
        were.starts_with("were") && were.contains("rank 1"),
        "{were}"
    );
    assert!(was.starts_with("was"), "{was}");
    visit
        .find("textbox", "Words to compare")
        .fill("unbelievably");
    visit.wait_for_text(".compared .hint", "pieces");
    // A blank where the caret is, for those who cannot type [MASK].
    visit.type_text("I drank a cup of ");
    visit.click("button", "Insert a blank");
    visit.wait("a guess", || {
        visit.cards().iter().any(|card| card.bars.len() == 5)
    });
    let text = visit.run("return document.querySelector('#text').value", &[]);
    assert_eq!(text, json!("I drank a cup of [MASK]"));
    visit.wait("the caret in the text", || {
        visit.focused().starts_with("textbox Text")
    });
    visit.end();
}
