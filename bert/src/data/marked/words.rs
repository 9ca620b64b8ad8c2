//! Stretches of a text as tags of its words, and back.

use super::super::labels::folded;
use super::Stretch;
use crate::tags::{Chunk, chunks};

/// The words of a text, in characters: runs of letters and digits, and every other character that is no space by itself, as
/// BERT's tokenizer cuts it first.
fn words(text: &str) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    let mut goes_on = false;
    for (at, c) in text.chars().enumerate() {
        let joins = c.is_alphanumeric() && !stands_alone(c);
        match found.last_mut() {
            _ if c.is_whitespace() => {}
            Some(last) if goes_on && joins => last.end = at + 1,
            _ => found.push(Stretch {
                start: at,
                end: at + 1,
            }),
        }
        goes_on = joins;
    }
    found
}

/// Whether a character is a word by itself: those of Chinese and Japanese, which writes no spaces.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// The words of a text with their tags, where these stretches have labels: `B-` on the first word of each, `I-` on those that
/// follow, `O` outside. A word in which a stretch begins or ends is two. Stretches neither overlap nor end beyond the text.
pub fn tags_of(text: &str, stretches: &[(Stretch, String)]) -> Vec<(Stretch, String)> {
    // Both are gone through once, side by side: a text may have as many stretches as words.
    let mut stretches: Vec<&(Stretch, String)> = stretches.iter().collect();
    stretches.sort_by_key(|(stretch, _)| *stretch);
    let mut cuts: Vec<usize> = stretches
        .iter()
        .flat_map(|(s, _)| [s.start, s.end])
        .collect();
    cuts.sort_unstable();
    let mut tagged = Vec::new();
    let mut cuts = cuts.into_iter().peekable();
    for word in words(text) {
        let mut start = word.start;
        while cuts.next_if(|cut| *cut <= word.start).is_some() {}
        let within = std::iter::from_fn(|| cuts.next_if(|cut| *cut < word.end));
        for end in within.chain([word.end]) {
            if start < end {
                tagged.push(Stretch { start, end });
            }
            start = end;
        }
    }
    let mut around = stretches.into_iter().peekable();
    let mut begun = false;
    let mut tag = |word: Stretch| {
        while around.next_if(|(s, _)| s.end <= word.start).is_some() {
            begun = false;
        }
        let inside = around.peek().filter(|(s, _)| s.start <= word.start);
        let tag = inside.map_or("O".to_owned(), |(_, label)| {
            match std::mem::replace(&mut begun, true) {
                false => format!("B-{label}"),
                true => format!("I-{label}"),
            }
        });
        (word, tag)
    };
    tagged.iter().map(|&word| tag(word)).collect()
}

/// Words with a space between them, and where each stands then.
pub(super) fn joined(words: &[impl AsRef<str>]) -> (String, Vec<Stretch>) {
    let mut text = String::new();
    let mut start = 0;
    let mut places = Vec::with_capacity(words.len());
    for word in words.iter().map(AsRef::as_ref) {
        if start > 0 {
            text.push(' ');
        }
        text.push_str(word);
        let end = start + word.chars().count();
        places.push(Stretch { start, end });
        start = end + 1;
    }
    (text, places)
}

/// All tags of some texts in their order: `O`, then type by type, `B-` before `I-`.
pub fn tag_names<'a>(tags: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<&str> = tags
        .collect::<std::collections::HashSet<_>>()
        .into_iter()
        .collect();
    let place = |tag: &&str| match tag.split_once('-') {
        _ if *tag == "O" => (0, String::new(), String::new(), 0),
        Some(("B", label)) => (1, folded(label), label.to_owned(), 0),
        Some(("I", label)) => (1, folded(label), label.to_owned(), 1),
        _ => (1, folded(tag), (*tag).to_owned(), 0),
    };
    names.sort_by_key(place);
    // What begins goes on in a longer one, and what goes on began.
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if let Some(label) = name
            .strip_prefix("I-")
            .filter(|label| all.last() != Some(&format!("B-{label}")))
        {
            all.push(format!("B-{label}"));
        }
        all.push(name.to_owned());
    }
    all
}

/// Entities as a glance takes them in: `Redondo Beach = location · ESB = location`.
pub(super) fn shown(text: &str, tags: &[(Stretch, String)]) -> String {
    // Entities rise, so the text is gone through once.
    let (mut chars, mut at) = (text.chars(), 0);
    let part = |chunk: Chunk<'_>| {
        let (start, end) = (tags[chunk.first].0.start, tags[chunk.last].0.end);
        let skipped = start.saturating_sub(std::mem::replace(&mut at, end));
        let words: String = (chars.by_ref().skip(skipped))
            .take(end.saturating_sub(start))
            .collect();
        format!("{words} = {}", chunk.label)
    };
    let found = chunks(tags.iter().map(|(_, tag)| tag.as_str()));
    found.into_iter().map(part).collect::<Vec<_>>().join(" · ")
}
