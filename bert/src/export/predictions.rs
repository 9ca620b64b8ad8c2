//! Predictions as a table.

use crate::config::HeadKind;
use crate::data::{MAX_COLUMNS, Text};
use crate::probe::{Classification, Entity, Said, answer, entities};

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

/// Tab-separated predictions of any head: `text`, `pair` where some text has one, and what the head says.
///
/// | head | columns |
/// | --- | --- |
/// | labels | `labels`, those over one half with `|` between; the probability of each |
/// | score, choice | `score` |
/// | tags | `entities`: each as `start-end label: words`, in characters, with `; ` between |
/// | answers | `answer`, `start`, `end`, `probability`; empty where there is none |
pub fn said_tsv(found: &[Said]) -> String {
    let pairs = found.iter().any(|said| said.text.pair.is_some());
    let Some(head) = found.first().map(|said| &said.head) else {
        return String::new();
    };
    let named: Vec<String> = match head.kind {
        HeadKind::Classes | HeadKind::Labels => {
            let each = head
                .labels
                .iter()
                .map(|label| cell(&format!("probability of {label}")));
            std::iter::once("labels".to_owned()).chain(each).collect()
        }
        HeadKind::Score | HeadKind::Choice => vec!["score".to_owned()],
        HeadKind::Tokens => vec!["entities".to_owned()],
        HeadKind::Span => ["answer", "start", "end", "probability"]
            .map(str::to_owned)
            .to_vec(),
    };
    let mut header = vec!["text".to_owned()];
    header.extend(pairs.then(|| "pair".to_owned()));
    header.extend(named);
    let mut table = header.join("\t") + "\n";
    for said in found {
        let mut row = vec![cell(&said.text.text)];
        row.extend(pairs.then(|| cell(said.text.pair.as_deref().unwrap_or_default())));
        row.extend(cells(said));
        table += &row.join("\t");
        table.push('\n');
    }
    table
}

/// What a head says, column by column.
fn cells(said: &Said) -> Vec<String> {
    match said.head.kind {
        HeadKind::Classes | HeadKind::Labels => {
            let probabilities = said.probabilities();
            let given = said
                .head
                .labels
                .iter()
                .zip(&probabilities)
                .filter(|(_, p)| **p > 0.5);
            let given: Vec<String> = given.map(|(label, _)| cell(label)).collect();
            let each = probabilities.iter().map(|p| number(*p));
            std::iter::once(given.join("|")).chain(each).collect()
        }
        HeadKind::Score | HeadKind::Choice => said
            .logits
            .iter()
            .take(1)
            .map(|score| number(*score))
            .collect(),
        HeadKind::Tokens => {
            let of = |entity: Entity| {
                let words = entity.words(&said.text);
                cell(&format!(
                    "{}-{} {}: {words}",
                    entity.start, entity.end, entity.label
                ))
            };
            vec![
                entities(said)
                    .into_iter()
                    .map(of)
                    .collect::<Vec<_>>()
                    .join("; "),
            ]
        }
        HeadKind::Span => match answer(said) {
            Some(found) => vec![
                cell(&found.at().of(said.text.passage())),
                found.start.to_string(),
                found.end.to_string(),
                number(found.probability),
            ],
            None => vec![String::new(); 4],
        },
    }
}

fn cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ").trim().to_owned()
}

fn number(probability: f32) -> String {
    format!("{probability:.6}")
}
