//! Pieces of words that are merged into longer ones, the most frequent pair first: how the `tokenizers` crate trains a WordPiece
//! vocabulary, but in an order that is always the same.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

/// Two pieces side by side, by their places in the vocabulary.
type Pair = (u32, u32);

/// A pair that may be merged, and the words where it was seen.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    count: i64,
    pair: Pair,
    /// Of equal ones the older goes first.
    age: u64,
    words: BTreeSet<usize>,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |one: &Self| (one.count, Reverse(one.pair), Reverse(one.age));
        rank(self).cmp(&rank(other))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A vocabulary that grows.
pub(super) struct Merges {
    pub tokens: Vec<String>,
    ids: HashMap<String, u32>,
    /// Each word's pieces, and how often it stands in the text.
    words: Vec<(Vec<u32>, i64)>,
    counts: HashMap<Pair, i64>,
    queue: BinaryHeap<Candidate>,
    age: u64,
}

/// What goes on with a word.
const PREFIX: &str = "##";

impl Merges {
    /// The special tokens, then `letters`, those that go on with a word after those that begin one. Letters of the words that are
    /// not among them are passed over.
    pub fn new(special: &[&str], letters: &[char], counted: &BTreeMap<String, u64>) -> Self {
        let mut merges = Self {
            tokens: Vec::new(),
            ids: HashMap::new(),
            words: Vec::new(),
            counts: HashMap::new(),
            queue: BinaryHeap::new(),
            age: 0,
        };
        for token in special {
            merges.id(token);
        }
        for c in letters {
            merges.id(&c.to_string());
        }
        let known: BTreeSet<char> = letters.iter().copied().collect();
        let inside = counted.keys().flat_map(|word| word.chars().skip(1));
        let inside: BTreeSet<char> = inside.filter(|c| known.contains(c)).collect();
        for c in inside {
            merges.id(&format!("{PREFIX}{c}"));
        }
        for (word, &count) in counted {
            let pieces = word.chars().enumerate().filter(|(_, c)| known.contains(c));
            let pieces: Vec<u32> = pieces
                .map(|(i, c)| match i {
                    0 => merges.id(&c.to_string()),
                    _ => merges.id(&format!("{PREFIX}{c}")),
                })
                .collect();
            merges.words.push((pieces, count as i64));
        }
        let mut places: BTreeMap<Pair, BTreeSet<usize>> = BTreeMap::new();
        for (i, (pieces, count)) in merges.words.iter().enumerate() {
            for pair in pieces.windows(2).map(|two| (two[0], two[1])) {
                *merges.counts.entry(pair).or_default() += count;
                places.entry(pair).or_default().insert(i);
            }
        }
        merges.push(places);
        merges
    }

    /// The place of a token, which is added where it is not there yet.
    fn id(&mut self, token: &str) -> u32 {
        if let Some(&id) = self.ids.get(token) {
            return id;
        }
        let id = self.tokens.len() as u32;
        self.tokens.push(token.to_owned());
        self.ids.insert(token.to_owned(), id);
        id
    }

    fn push(&mut self, places: BTreeMap<Pair, BTreeSet<usize>>) {
        for (pair, words) in places {
            let count = self.counts.get(&pair).copied().unwrap_or(0);
            if count > 0 {
                let age = self.age;
                self.age += 1;
                self.queue.push(Candidate {
                    count,
                    pair,
                    age,
                    words,
                });
            }
        }
    }

    /// Merges the most frequent pair; `false` where none is left that stands in the text `least` times.
    pub fn merge(&mut self, least: u64) -> bool {
        let top = loop {
            let Some(mut top) = self.queue.pop() else {
                return false;
            };
            let now = self.counts.get(&top.pair).copied().unwrap_or(0);
            if top.count == now {
                break top;
            }
            top.count = now;
            if now > 0 {
                self.queue.push(top);
            }
        };
        if top.count < (least.max(1)) as i64 {
            return false;
        }
        let (first, second) = top.pair;
        let behind = &self.tokens[second as usize];
        let behind = behind.strip_prefix(PREFIX).unwrap_or(behind);
        let token = format!("{}{behind}", self.tokens[first as usize]);
        let id = self.id(&token);
        let mut places: BTreeMap<Pair, BTreeSet<usize>> = BTreeMap::new();
        for &word in &top.words {
            let (pieces, count) = &mut self.words[word];
            for (pair, change) in replace(pieces, top.pair, id) {
                *self.counts.entry(pair).or_default() += change * *count;
                if change > 0 {
                    places.entry(pair).or_default().insert(word);
                }
            }
        }
        self.push(places);
        true
    }
}

/// Puts one piece in the place of each such pair; which pairs there are fewer of by that, and which more.
fn replace(pieces: &mut Vec<u32>, pair: Pair, id: u32) -> Vec<(Pair, i64)> {
    let mut changes = Vec::new();
    let mut i = 0;
    while i + 1 < pieces.len() {
        if (pieces[i], pieces[i + 1]) == pair {
            if i > 0 {
                changes.push(((pieces[i - 1], pair.0), -1));
                changes.push(((pieces[i - 1], id), 1));
            }
            pieces[i] = id;
            pieces.remove(i + 1);
            if let Some(&next) = pieces.get(i + 1) {
                changes.push(((pair.1, next), -1));
                changes.push(((id, next), 1));
            }
        }
        i += 1;
    }
    changes
}
