//! What a user should know of a file before training on it, in sentences.

use super::{LeftOut, MergedLabel, Report, Table};

/// Names that a sentence lists at most.
const NAMES: usize = 8;

impl Table {
    /// What was read over or left out. Empty where everything was read.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.remarks.clone();
        match self.headers_again[..] {
            [] => {}
            [line] => notes.push(format!(
                "The header stands again at line {line} and was read over."
            )),
            [line, ..] => notes.push(format!(
                "The header stands again at line {line} and {} more times, and was read over.",
                self.headers_again.len() - 1
            )),
        }
        if !self.left_out.is_empty() {
            let key =
                |LeftOut { name, line, kind }: &LeftOut| format!("{name} ({kind} at line {line})");
            let keys: Vec<String> = self.left_out.iter().map(key).collect();
            notes.push(format!(
                "Left out, since they do not always hold a text or a number: {}.",
                list(&keys)
            ));
        }
        notes
    }
}

impl Report {
    /// What is odd about labels and texts. Empty where nothing is.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for MergedLabel { kept, spellings } in &self.merged {
            let spelled = |(label, rows): &(String, usize)| format!("“{}” ({rows})", shown(label));
            let spelled: Vec<String> = spellings.iter().map(spelled).collect();
            notes.push(format!(
                "Taken for one label, “{}”: {}.",
                shown(kept),
                list(&spelled)
            ));
        }
        if let Some(line) = self.first_unlabelled {
            notes.push(match self.unlabelled {
                1 => format!("One row has no label, at line {line}, and was left out."),
                n => {
                    format!("{n} rows have no label, the first at line {line}, and were left out.")
                }
            });
        }
        match self.not_accepted {
            0 => {}
            1 => notes.push(
                "In one row `answer` is reject or ignore: its label is not the annotator's. Delete it \
                 unless it is to be learned."
                    .to_owned(),
            ),
            n => notes.push(format!(
                "In {n} rows `answer` is reject or ignore: their labels are not the annotator's. \
                 Delete them unless they are to be learned."
            )),
        }
        if !self.single.is_empty() {
            notes.push(format!(
                "Too few for validation, one example each: {}.",
                list(&self.single)
            ));
        }
        match (self.repeated, self.contradicting) {
            (0, _) => {}
            (1, 0) => notes.push("1 duplicate text.".to_owned()),
            (n, 0) => notes.push(format!("{n} duplicate texts.")),
            (n, c) => notes.push(format!(
                "{n} duplicate texts, {c} of them with another label."
            )),
        }
        notes
    }
}

fn list(names: &[String]) -> String {
    match names.len() {
        n if n > NAMES => format!("{} and {} more", names[..NAMES].join(", "), n - NAMES),
        _ => names.join(", "),
    }
}

/// A label with what nobody sees of it written out, as `\u{200b}`.
fn shown(label: &str) -> String {
    let show = |c: char| match c.is_alphanumeric() || c.is_ascii() {
        true => c.to_string(),
        false => c.escape_debug().to_string(),
    };
    label.chars().map(show).collect()
}
