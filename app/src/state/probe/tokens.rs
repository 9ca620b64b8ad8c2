//! Tokens in words, and how what was hidden follows an edit.

use bert::probe::Token;
use std::collections::BTreeSet;

/// A token's place and id, and what it is if not a plain word.
pub fn describe(position: usize, token: &Token) -> String {
    let kind = match (token.special, token.masked) {
        (true, _) => ", a special token",
        (_, true) => ", a mask typed in the text",
        _ => "",
    };
    format!("token {position}, id {}{kind}", token.id)
}

/// Which positions to hide after an edit: tokens before the edited stretch keep their place, those
/// after it move with the text, those inside are no longer the ones that were hidden.
pub(super) fn carry_over(
    old: &[Token],
    new: &[Token],
    hidden: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    if hidden.is_empty() {
        return BTreeSet::new();
    }
    let same = |a: &Token, b: &Token| a.id == b.id && a.sequence == b.sequence;
    let shorter = old.len().min(new.len());
    let head = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shorter - head)
        .take_while(|(a, b)| same(a, b))
        .count();
    hidden
        .iter()
        .filter_map(|&position| {
            if position < head {
                Some(position)
            } else if position + tail >= old.len() {
                Some(position + new.len() - old.len())
            } else {
                None
            }
        })
        .filter(|&position| new.get(position).is_some_and(|t| !t.special && !t.masked))
        .collect()
}
