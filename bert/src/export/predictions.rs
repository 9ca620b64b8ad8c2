//! Predictions as a table.

use crate::data::{MAX_COLUMNS, Text};
use crate::probe::Classification;

/// Tab-separated predictions: `text`, `pair` where some text has one, `label`, `probability`, and
/// the probability of every class, unless there are more classes than a table has columns. Tabs
/// and line breaks inside texts and labels become spaces, so that
/// [`crate::data::Table::parse`] reads the rows back.
pub fn predictions_tsv(texts: &[Text], labels: &[String], found: &[Classification]) -> String {
    let pairs = texts.iter().any(|text| text.pair.is_some());
    let each = labels.len() + 4 <= MAX_COLUMNS;
    let mut header: Vec<String> = vec!["text".to_owned()];
    header.extend(pairs.then(|| "pair".to_owned()));
    header.extend(["label".to_owned(), "probability".to_owned()]);
    for (i, label) in labels.iter().enumerate().filter(|_| each) {
        let name = cell(&format!("probability of {label}"));
        // Names that differ in spaces only would be one.
        match header.contains(&name) {
            true => header.push(format!("{name} (class {i})")),
            false => header.push(name),
        }
    }
    let mut table = header.join("\t") + "\n";
    for (text, classification) in texts.iter().zip(found) {
        let best = classification.best;
        let mut row = vec![cell(&text.text)];
        row.extend(pairs.then(|| cell(text.pair.as_deref().unwrap_or_default())));
        row.push(labels.get(best).map_or(String::new(), |label| cell(label)));
        let probabilities = &classification.probabilities;
        row.push(number(probabilities.get(best).copied().unwrap_or(f32::NAN)));
        if each {
            row.extend(probabilities.iter().map(|&p| number(p)));
        }
        table += &row.join("\t");
        table.push('\n');
    }
    table
}

fn cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ").trim().to_owned()
}

fn number(probability: f32) -> String {
    format!("{probability:.6}")
}
