//! Vocabularies that are trained here, against those of Python's `tokenizers` (`tests/tools/vocabulary_golden.py`).

use std::path::Path;

use bert::tokenizer::{Vocabulary, WordCounts};
use serde_json::Value;

#[test]
fn trained_vocabularies_are_those_of_the_reference_token_by_token() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect(path);
    let cases: Vec<Value> =
        serde_json::from_str(&read("tests/fixtures/vocabulary.json")).expect("JSON");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let name = case["file"].as_str().expect("a name");
        let mut counts = WordCounts::new(case["lower_case"] == true);
        for line in read(&format!("static/examples/{name}")).split('\n') {
            counts.add(line).expect("words");
        }
        let wanted: Vec<&str> = (case["tokens"].as_array().expect("tokens").iter())
            .map(|token| token.as_str().expect("a token"))
            .collect();
        let found = Vocabulary::train(&counts, wanted.len()).expect("a vocabulary");
        let first = (0..wanted.len()).find(|&i| found.tokens[i] != wanted[i]);
        let first = first.map(|i| (i, &found.tokens[i], wanted[i]));
        assert_eq!(first, None, "{name}");
        assert_eq!(found.tokens.len(), wanted.len(), "{name}");
        // Its files make the same tokenizer, whichever of them is read.
        let tokenizer = found.tokenizer().expect("a tokenizer");
        let files = found.files(128);
        let lines = String::from_utf8(files[1].1.clone()).expect("UTF-8");
        let lower = case["lower_case"] == true;
        let other = bert::tokenizer::Tokenizer::from_vocab_txt(&lines, lower).expect("a tokenizer");
        let text = "The cat sat on Mary's mat; \"quite contrary\", said 12 wayfarers.";
        assert_eq!(
            tokenizer.encode(text, Some("And so?"), 64),
            other.encode(text, Some("And so?"), 64)
        );
    }
}
