//! Checkpoints of the visitor's own: dropped or picked, whole or broken.

use crate::reference::Reference;
use crate::teaching::{saved, unpack};
use crate::visit::{Choice, Visit, files_of, fixture};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use unmask_tests::browser::Browser;

const TEXT: &str = "the [MASK] sat on the mat.";

/// A folder with a copy of the smallest checkpoint, to be broken.
fn copy() -> TempDir {
    let folder = TempDir::with_prefix("unmask-broken-").expect("a folder");
    for file in files_of(&fixture("tiny-bert")) {
        let name = file.file_name().expect("a name");
        std::fs::copy(&file, folder.path().join(name)).expect("a copy");
    }
    folder
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, bytes).expect("a writable folder");
    file
}

scenario!(broken_files_are_explained_and_the_old_model_keeps_answering: Chromium);
fn broken_files_are_explained_and_the_old_model_keeps_answering(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let reference = Reference::of(&fixture("tiny-bert"));
    visit.open_fixture("tiny-bert");
    visit.type_text(TEXT);
    visit.wait_for_fill(&reference.fill(TEXT));

    let weights = std::fs::read(fixture("tiny-bert").join("model.safetensors")).expect("weights");
    let pointer: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:\
        4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 440473133\n";
    let mut zipped = b"PK\x03\x04".to_vec();
    zipped.resize(4096, 0);
    let mut not_a_number = weights.clone();
    let last = not_a_number.len() - 4;
    not_a_number[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    // PyTorch's first pickle, and a second one that calls.
    let calls =
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02cposix\nsystem\n(X\x02\0\0\0idtR.";
    let broken: [(&str, &str, &[u8], &str); 7] = [
        (
            "half of the weights",
            "model.safetensors",
            &weights[..weights.len() / 2],
            "bytes",
        ),
        (
            "a pointer instead of weights",
            "model.safetensors",
            pointer,
            "LFS",
        ),
        (
            "a web page instead of weights",
            "model.safetensors",
            b"<!DOCTYPE html><p>404",
            "page",
        ),
        ("an archive", "model.safetensors", &zipped, "zip archive"),
        (
            "a pickle that calls",
            "model.safetensors",
            calls,
            "posix.system",
        ),
        (
            "a weight that is no number",
            "model.safetensors",
            &not_a_number,
            "NaN",
        ),
        (
            "a configuration of another kind",
            "config.json",
            b"{\"model_type\": \"t5\"}",
            "t5",
        ),
    ];
    // A text for each, so that it is a new answer that comes after the failure.
    let words = ["cat", "dog", "man", "sea", "river", "film", "movie"];
    for ((what, name, bytes, said), word) in broken.into_iter().zip(words) {
        eprintln!("{what}");
        let folder = copy();
        write(folder.path(), name, bytes);
        visit.pick(&files_of(folder.path()));
        visit.alert(said);
        let text = format!("the {word} was [MASK].");
        visit.type_text(&text);
        visit.wait_for_fill(&reference.fill(&text));
        visit.click("button", "Dismiss");
        visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    }

    // What is missing is named and can be brought later.
    let folder = copy();
    let files = files_of(folder.path());
    visit.pick(&files[1..]);
    visit.alert("Still missing: config.json");
    visit.pick(&files[..1]);
    visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    visit.wait_for_model("model.safetensors");
    visit.wait_for_fill(&reference.fill("the movie was [MASK]."));
    visit.end();
}

scenario!(files_can_be_dropped_anywhere: Chromium);
fn files_can_be_dropped_anywhere(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    for name in ["tiny-bert-legacy", "tiny-bert-f16"] {
        visit.drop_files("footer", &files_of(&fixture(name)));
        visit.wait_for_model("model.safetensors");
        visit.type_text(TEXT);
        visit.wait_for_fill(&Reference::of(&fixture(name)).fill(TEXT));
    }
    let folder = TempDir::with_prefix("unmask-dropped-").expect("a folder");
    let picture = write(folder.path(), "picture.png", b"\x89PNG\r\n\x1a\n");
    visit.drop_files("h1", &[picture]);
    visit.alert("Nothing here is part of a checkpoint");
    visit.click("button", "Dismiss");
    visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    // Others are taken for examples, and said to be none under Teach.
    let workbook = write(folder.path(), "moods.xlsx", b"PK\x03\x04 xl/workbook.xml");
    visit.drop_files("h1", &[workbook]);
    visit.alert("moods.xlsx");
    visit.click("button", "Dismiss");
    visit.wait("the failure to go", || visit.all("alert", "").is_empty());
    visit.end();
}

scenario!(an_encoder_says_why_it_cannot_fill_masks: Chromium);
fn an_encoder_says_why_it_cannot_fill_masks(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    visit.open_fixture("tiny-encoder");
    visit.wait_for_text("#hint", "an encoder without a masked-language-model head");
    visit.type_text(TEXT);
    visit.wait("the tokens", || {
        visit.strip().iter().any(|(token, _)| token == "mat")
    });
    assert_eq!(visit.cards().len(), 0);
    visit.open_fixture("tiny-bert");
    visit.wait_for_fill(&Reference::of(&fixture("tiny-bert")).fill(TEXT));
    visit.end();
}

scenario!(what_was_opened_is_saved_as_a_folder_and_opens_again: Chromium Firefox);
fn what_was_opened_is_saved_as_a_folder_and_opens_again(browser: Browser) {
    let Some(visit) = Visit::begin(browser, Choice::Cpu) else {
        return;
    };
    let Some(saved_in) = visit.downloads() else {
        return visit.end();
    };
    visit.open_fixture("tiny-bert");
    visit.wait_for_model("model.safetensors");
    visit.open_model_card();
    visit.run("document.querySelector('.model-facts').open = true", &[]);
    visit.click("button", "Save as a folder with safetensors");
    let zip = saved(&visit, &saved_in, ".zip");
    let folder = TempDir::with_prefix("unmask-saved-").expect("a folder");
    let root = unpack(&zip, &folder);
    let card = std::fs::read_to_string(root.join("README.md")).expect("a card");
    assert!(
        card.contains(&format!("({}#v=1&model=OWNER/NAME)", visit.url())),
        "{card}"
    );
    visit.pick(&["config.json", "model.safetensors", "tokenizer.json"].map(|file| root.join(file)));
    visit.click("tab", "Probe");
    visit.type_text(TEXT);
    visit.wait_for_fill(&Reference::of(&fixture("tiny-bert")).fill(TEXT));
    visit.end();
}
