//! What each head does on a text, by where most of its weight lies.

use super::super::State;
use super::super::sight::Table;
use crate::link::inside::written;
use crate::state::format::percent;
use bert::inside::{Head, HeadTraits};

/// A share from which on a head is named by what it does.
const MOSTLY: f32 = 0.4;
/// A head whose entropy is this share of the highest there can be looks everywhere.
const BROAD: f32 = 0.8;

impl State {
    /// What a head does on this text, in a few words.
    pub(super) fn head_does(&self, head: Head) -> Option<String> {
        let survey = self.survey()?;
        let found = survey.layers.get(head.layer)?.get(head.head)?;
        Some(does(&found.traits, survey.seen.tokens.len()))
    }

    /// All heads as a table: what each does.
    pub fn map_table(&self) -> Table {
        let mut table = Table::new(&[
            "Head",
            "On this text it",
            "Word before",
            "Word after",
            "Itself",
            "Same word",
            "Special",
            "Entropy",
        ]);
        let Some(survey) = self.survey() else {
            return table;
        };
        for head in survey.layers.iter().flatten() {
            let traits = &head.traits;
            let mut name = written(head.head);
            if head.off {
                name += " (off)";
            }
            let mut row = vec![name, does(traits, survey.seen.tokens.len())];
            let shares = [
                traits.previous,
                traits.next,
                traits.itself,
                traits.same,
                traits.special,
            ];
            row.extend(shares.map(percent));
            row.push(format!("{:.2} bits", traits.entropy));
            table.rows.push(row);
        }
        table
    }
}

/// What a head does, named by where most of its weight lies.
fn does(traits: &HeadTraits, tokens: usize) -> String {
    let named = [
        (traits.previous, "looks at the token before"),
        (traits.next, "looks at the token after"),
        (traits.itself, "looks at the token itself"),
        (traits.same, "looks at the same word elsewhere"),
        (traits.special, "rests on special tokens"),
    ];
    let most = named.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
    match most {
        Some((share, name)) if share >= MOSTLY => format!("{name} ({})", percent(share)),
        _ if traits.entropy >= BROAD * (tokens.max(2) as f32).log2() => {
            "looks at everything a little".to_owned()
        }
        _ => "does nothing with a name".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_named_by_where_they_look() {
        let named = |traits: HeadTraits| does(&traits, 16);
        let before = HeadTraits {
            previous: 0.7,
            special: 0.2,
            ..HeadTraits::default()
        };
        assert!(named(before).starts_with("looks at the token before (70.0"));
        let broad = HeadTraits {
            special: 0.2,
            entropy: 3.5,
            ..HeadTraits::default()
        };
        assert_eq!(named(broad), "looks at everything a little");
        assert_eq!(named(HeadTraits::default()), "does nothing with a name");
    }
}
