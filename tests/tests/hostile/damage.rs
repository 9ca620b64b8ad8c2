//! Damaged files: true ones that were cut, spliced, and written over, with the words that a format
//! lives by put where they do not belong; and noise.

use crate::memory::{TABLES, bounded};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What every text format has words for: numbers at the edges, nesting, quotes, odd characters.
const COMMON: &[&str] = &[
    "0",
    "-1",
    "1e999",
    "18446744073709551615",
    "9223372036854775808",
    "4294967296",
    "null",
    "true",
    "NaN",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    "[[[[[[[[[[[[[[[[",
    ":",
    ",",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "..",
    "/",
    "%",
    "%2F",
    "#",
    "&",
    "=",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "é",
    "e\u{301}",
    "\u{0}",
];

/// One change to a file; places count as shares of its length.
#[derive(Clone, Debug)]
enum Blow {
    Overwrite(Index, u8),
    Insert(Index, Vec<u8>),
    Word(Index, Index),
    Remove(Index, Index),
    Repeat(Index, Index),
    Cut(Index),
    /// The end of another file in place of this one's.
    Splice(Index, Index, Index),
}

fn blow() -> impl Strategy<Value = Blow> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Blow::Overwrite(at, byte)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, b)| Blow::Insert(at, b)),
        4 => (at(), at()).prop_map(|(at, word)| Blow::Word(at, word)),
        2 => (at(), at()).prop_map(|(at, to)| Blow::Remove(at, to)),
        1 => (at(), at()).prop_map(|(at, to)| Blow::Repeat(at, to)),
        1 => at().prop_map(Blow::Cut),
        1 => (at(), at(), at()).prop_map(|(at, other, from)| Blow::Splice(at, other, from)),
    ]
}

/// True files of a format, and its words.
pub struct Format {
    pub files: Vec<Vec<u8>>,
    pub words: &'static [&'static str],
}

impl Format {
    fn strike(&self, file: &mut Vec<u8>, blow: &Blow) {
        let end = file.len() + 1;
        let span = |a: &Index, b: &Index| {
            let (a, b) = (a.index(end), b.index(end));
            // Mostly a short one, or the first would leave nothing to strike.
            (a.min(b), a.max(b).min(a.min(b) + 64))
        };
        match blow {
            Blow::Overwrite(at, byte) if !file.is_empty() => {
                let at = at.index(file.len());
                file[at] = *byte;
            }
            Blow::Overwrite(..) => {}
            Blow::Insert(at, bytes) => {
                let at = at.index(end);
                file.splice(at..at, bytes.iter().copied());
            }
            Blow::Word(at, word) => {
                let words = word.index(self.words.len() + COMMON.len());
                let word = self.words.iter().chain(COMMON).nth(words).unwrap_or(&"");
                let at = at.index(end);
                file.splice(at..at, word.bytes());
            }
            Blow::Remove(from, to) => {
                let (from, to) = span(from, to);
                file.drain(from..to);
            }
            Blow::Repeat(from, to) => {
                let (from, to) = span(from, to);
                let again = file[from..to].to_vec();
                file.splice(to..to, again);
            }
            Blow::Cut(at) => file.truncate(at.index(end)),
            Blow::Splice(at, other, from) => {
                let other = &self.files[other.index(self.files.len())];
                file.truncate(at.index(end));
                file.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }

    /// Gives a parser damaged files; `check` panics where it does not behave. The first input that it does
    /// not bear is made as small as it can be.
    ///
    /// # Panics
    /// When `check` does.
    pub fn attack(&self, check: impl Fn(&[u8])) {
        self.attack_within(TABLES, check);
    }

    /// The same for a parser that may hold so many bytes whatever it is given.
    ///
    /// # Panics
    /// When `check` does, or holds much more.
    pub fn attack_within(&self, tables: usize, check: impl Fn(&[u8])) {
        let number = |name: &str, without: u32| -> u32 {
            let set = std::env::var(name).ok();
            set.map_or(without, |text| text.parse().expect("a number"))
        };
        let config = Config {
            cases: number("UNMASK_INPUTS", 2000),
            failure_persistence: None,
            ..Config::default()
        };
        let mut seed = [0; 32];
        seed[..4].copy_from_slice(&number("UNMASK_SEED", 1).to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let damaged = (any::<Index>(), prop::collection::vec(blow(), 1..9));
        let noise = prop::collection::vec(any::<u8>(), 0..200);
        let inputs = prop_oneof![
            19 => damaged.prop_map(|(which, blows)| (Some(which), blows, Vec::new())),
            1 => noise.prop_map(|noise| (None, Vec::new(), noise)),
        ];
        let mut runner = TestRunner::new_with_rng(config, rng);
        let outcome = runner.run(&inputs, |(which, blows, noise)| {
            let mut file = match which {
                Some(which) => self.files[which.index(self.files.len())].clone(),
                None => noise,
            };
            for blow in &blows {
                self.strike(&mut file, blow);
            }
            bounded(tables, file.len(), || check(&file));
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }

    /// The same for a parser of texts.
    ///
    /// # Panics
    /// When `check` does.
    pub fn attack_text(&self, check: impl Fn(&str)) {
        self.attack(|bytes| check(&String::from_utf8_lossy(bytes)));
    }
}

/// A file of the fixtures.
pub fn fixture(path: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    std::fs::read(root.join(path)).expect("a fixture")
}

/// What refuses an input says why.
pub fn said<E: std::fmt::Display>(error: &E) {
    assert!(
        !error.to_string().trim().is_empty(),
        "a refusal without a word"
    );
}
