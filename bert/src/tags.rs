//! Tags of words and what they say: `B-LOC` begins a LOC, `I-LOC` (and a bare `LOC`) goes on with one, `O` is none.

/// Whether a tag begins anew, and its type; `None` for `O`.
pub(crate) fn parts(tag: &str) -> Option<(bool, &str)> {
    match tag.split_once('-') {
        _ if tag == "O" => None,
        Some(("B", label)) => Some((true, label)),
        Some(("I", label)) => Some((false, label)),
        _ => Some((false, tag)),
    }
}

/// Words in a row that have one type: its name, the first of them and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chunk<'a> {
    /// The type.
    pub label: &'a str,
    /// Its first word.
    pub first: usize,
    /// Its last word.
    pub last: usize,
}

/// The entities in tags. One that goes on where none of its type is begins, as in seqeval's default mode and in the `simple`
/// strategy of `transformers`.
pub fn chunks<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<Chunk<'a>> {
    let mut found: Vec<Chunk<'a>> = Vec::new();
    let mut before: Option<&str> = None;
    for (word, tag) in tags.into_iter().enumerate() {
        let now = parts(tag);
        if let Some((begins, label)) = now {
            match found.last_mut() {
                Some(chunk) if !begins && before == Some(label) => chunk.last = word,
                _ => found.push(Chunk {
                    label,
                    first: word,
                    last: word,
                }),
            }
        }
        before = now.map(|(_, label)| label);
    }
    found
}
