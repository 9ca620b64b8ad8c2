//! The schemes in which tags say where an entity begins, as one: `B-` where it begins, `I-` where it goes on, `O` outside.

use super::super::DataError;

/// A word's tag and its line.
pub(super) type Placed = (usize, String);

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Nothing: `B-` wherever an entity begins (IOB2).
    Bio,
    /// `S-` and `U-`, `E-` and `L-` mark entities of one word, and ends.
    Ends,
    /// `B-` only where an entity follows one of the same type (IOB1), or nowhere.
    Sparse,
    /// No tag says where something begins, as with parts of speech.
    Plain,
}

impl Scheme {
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::Bio | Self::Plain => None,
            Self::Ends => Some("Tags with ends (BIOES, BILOU) were read as BIO."),
            Self::Sparse => Some("Tags that begin an entity with I- (IOB1) were read as BIO."),
        }
    }
}

fn parts(tag: &str) -> Option<(&str, &str)> {
    let (mark, label) = tag.split_once('-').or_else(|| tag.split_once('_'))?;
    let known = ["B", "I", "E", "S", "L", "U"].contains(&mark) && !label.is_empty();
    known.then_some((mark, label))
}

/// Whether this looks like a tag of an entity.
pub(super) fn is_tag(tag: &str) -> bool {
    tag == "O" || parts(tag).is_some()
}

/// Rewrites the tags of all texts.
///
/// # Errors
/// [`DataError::Tag`] where an entity goes on that did not begin, or a tag is none beside others that are.
pub(super) fn normalise(texts: &mut [Vec<Placed>]) -> Result<Scheme, DataError> {
    let all = || texts.iter().flatten();
    let marked = all().filter(|(_, tag)| parts(tag).is_some()).count();
    if marked == 0 {
        return Ok(Scheme::Plain);
    }
    if let Some((line, tag)) = all().find(|(_, tag)| !is_tag(tag)) {
        return Err(DataError::Tag {
            line: *line,
            tag: tag.clone(),
            reason: "is none of O, B-… and I-…, as the others are".to_owned(),
        });
    }
    let has = |marks: &[&str]| {
        all().any(|(_, tag)| parts(tag).is_some_and(|(mark, _)| marks.contains(&mark)))
    };
    let scheme = match (has(&["E", "S", "L", "U"]), sparse(texts)) {
        (true, _) => Scheme::Ends,
        (_, true) => Scheme::Sparse,
        _ => Scheme::Bio,
    };
    for text in texts {
        let mut before: Option<String> = None;
        for (line, tag) in text {
            let Some((mark, label)) = parts(tag) else {
                before = None;
                continue;
            };
            let goes_on = before.as_deref() == Some(label);
            let begins = match mark {
                "B" | "S" | "U" => true,
                _ if goes_on => false,
                _ if scheme == Scheme::Sparse => true,
                _ => {
                    return Err(DataError::Tag {
                        line: *line,
                        tag: tag.clone(),
                        reason: format!(
                            "goes on with a {label} that did not begin: write B-{label}, or mend the tag before it"
                        ),
                    });
                }
            };
            let ends = ["E", "S", "L", "U"].contains(&mark);
            before = (!ends).then(|| label.to_owned());
            *tag = format!("{}-{label}", if begins { "B" } else { "I" });
        }
    }
    Ok(scheme)
}

/// Whether every `B-` follows an entity of its own type, and some entity begins with `I-`.
fn sparse(texts: &[Vec<Placed>]) -> bool {
    let mut begun_by_i = false;
    for text in texts {
        let mut before = None;
        for (_, tag) in text {
            let now = parts(tag);
            match now {
                Some(("B", label)) if before != Some(label) => return false,
                Some(("I", label)) if before != Some(label) => begun_by_i = true,
                _ => {}
            }
            before = now.map(|(_, label)| label);
        }
    }
    begun_by_i
}
