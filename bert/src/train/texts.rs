//! A run's texts as the model reads them, and the batches that are made of them.

use super::encode::{Encoded, Target};
use super::inputs::{Batch, Inputs, Targets};
use super::memory::Extent;
use crate::config::HeadKind;
use crate::data::{Example, Masked, Masker, Random};
use crate::model::TokenBatch;

/// The stream of the seed that masks are drawn from; an epoch adds its number.
const MASKS: u64 = 0x3a5c_0000;
/// The stream of the seed that the sample of the training set is drawn from.
const SAMPLE: u64 = 0x5a3b;
/// The most training texts whose accuracy is measured.
const MAX_SAMPLE: usize = 256;

/// Which words of texts are to be guessed.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// Those that are hidden.
    Hidden(Masker),
    /// Those that are hidden, by a generator, for another model to find what was replaced.
    Replaced(Masker),
    /// Of every token the next one, as `BertLMHeadModel` learns it: special tokens too.
    Next,
}

impl Asked {
    /// Whether there is something to guess in a text.
    pub fn asks(&self, text: &Encoded) -> bool {
        !self.draw(text, &mut Random::new(0, 0)).positions.is_empty()
    }

    fn draw(&self, text: &Encoded, random: &mut Random) -> Masked {
        match self {
            Self::Hidden(masker) | Self::Replaced(masker) => masker.mask(&text.encoding(), random),
            Self::Next => text.next_words(),
        }
    }
}

/// Words to guess: hidden ones are drawn anew for the training set in every epoch, once for the validation set.
struct Masks {
    asked: Asked,
    /// A text each.
    drawn: Vec<Masked>,
}

/// The texts of a run, or windows of them: those to learn from first, then those to check with.
pub(super) struct Texts {
    kind: Option<HeadKind>,
    /// What they are of, in the same order; empty where words are guessed.
    examples: Vec<Example>,
    /// Of the examples, how many are there to learn from.
    train_examples: usize,
    all: Vec<Encoded>,
    train: usize,
    seed: u64,
    masks: Option<Masks>,
}

impl Texts {
    /// Those of examples: of `all`, `train` are there to learn from, and of the examples `train_examples`.
    pub fn of(
        kind: HeadKind,
        (examples, all): (Vec<Example>, Vec<Encoded>),
        [train_examples, train]: [usize; 2],
        seed: u64,
    ) -> Self {
        Self {
            kind: Some(kind),
            examples,
            train_examples,
            all,
            train,
            seed,
            masks: None,
        }
    }

    /// Texts whose words are to be guessed.
    pub fn asked(all: Vec<Encoded>, train: usize, seed: u64, asked: Asked) -> Self {
        let mut texts = Self {
            kind: None,
            examples: Vec::new(),
            train_examples: 0,
            all,
            train,
            seed,
            masks: Some(Masks {
                asked,
                drawn: Vec::new(),
            }),
        };
        let drawn = texts.draw(0, 0, texts.all.len());
        if let Some(masks) = &mut texts.masks {
            masks.drawn = drawn;
        }
        texts
    }

    /// Whether their words are to be guessed.
    pub fn has_masks(&self) -> bool {
        self.masks.is_some()
    }

    pub fn train(&self) -> usize {
        self.train
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// What stands at a place, and its example.
    pub fn judged(&self, place: usize) -> (&Encoded, &Example) {
        let encoded = &self.all[place];
        let first = match place < self.train {
            true => 0,
            false => self.train_examples,
        };
        (encoded, &self.examples[first + encoded.example])
    }

    /// Tokens of the texts in a range of places.
    pub fn lengths(&self, places: std::ops::Range<usize>) -> Vec<usize> {
        self.all[places].iter().map(Encoded::tokens).collect()
    }

    /// How large they are.
    pub fn extent(&self) -> Extent {
        Extent {
            longest: self.all.iter().map(Encoded::tokens).max().unwrap_or(1),
            examples: self.all.len(),
            group: self.group(),
        }
    }

    /// The most texts of an example.
    fn group(&self) -> usize {
        let each = self.all.iter().map(|t| 1 + t.others.len());
        each.max().unwrap_or(1)
    }

    /// Tokens of the longest text at some places.
    pub fn longest_of(&self, places: &[usize]) -> usize {
        let lengths = places.iter().map(|&place| self.all[place].tokens());
        lengths.max().unwrap_or(1)
    }

    /// All places, the longest text first: what does not fit shows at once.
    pub fn by_length(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.all.len()).collect();
        places.sort_by_key(|&place| std::cmp::Reverse(self.all[place].tokens()));
        places
    }

    /// Begins an epoch (from 1).
    pub fn begin(&mut self, epoch: usize) {
        let drawn = self.draw(epoch, 0, self.train);
        if let Some(masks) = &mut self.masks {
            masks.drawn.splice(..drawn.len(), drawn);
        }
    }

    fn draw(&self, epoch: usize, from: usize, to: usize) -> Vec<Masked> {
        let Some(masks) = &self.masks else {
            return Vec::new();
        };
        let mut random = Random::new(self.seed, MASKS + epoch as u64);
        let texts = self.all[from..to].iter();
        texts
            .map(|text| masks.asked.draw(text, &mut random))
            .collect()
    }

    /// Places of training texts to measure accuracy on: the same in every epoch, in ascending
    /// order, no more than there are validation texts.
    pub fn sample(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.train).collect();
        Random::new(self.seed, SAMPLE).shuffle(&mut places);
        places.truncate((self.all.len() - self.train).min(MAX_SAMPLE));
        places.sort_unstable();
        places
    }

    /// The texts at some places, padded to `tokens`.
    pub fn batch(&self, places: &[usize], tokens: usize) -> Batch {
        let targets = self.targets(places);
        let mut texts = TokenBatch {
            tokens,
            ..TokenBatch::default()
        };
        for &place in places {
            let encoded = &self.all[place];
            for (ids, types) in encoded.sequences() {
                texts.ids.push(ids.clone());
                texts.types.push(types.clone());
            }
            // In the place of those that an example has not, a token that nothing is learned of.
            for _ in 1 + encoded.others.len()..targets.group() {
                texts.ids.push(encoded.ids[..1].to_vec());
                texts.types.push(vec![0]);
            }
        }
        if let Some(masks) = &self.masks {
            for (ids, &place) in texts.ids.iter_mut().zip(places) {
                ids.clone_from(&masks.drawn[place].ids);
            }
        }
        Batch { texts, targets }
    }

    /// The features of the texts at some places.
    pub fn features(&self, places: &[usize]) -> Inputs {
        Inputs::Features {
            rows: places.iter().map(|&i| i as u32).collect(),
            targets: self.targets(places),
        }
    }

    /// The hidden words of the texts at some places, and whether they follow where they are pairs.
    fn hidden(&self, places: &[usize]) -> Targets {
        let mut all = Vec::new();
        for (row, &place) in places.iter().enumerate() {
            let drawn = self.masks.as_ref().and_then(|masks| masks.drawn.get(place));
            let hidden = drawn.map(|masked| masked.positions.iter().zip(&masked.targets));
            all.extend(hidden.into_iter().flatten().map(|(&at, &id)| (row, at, id)));
        }
        let targets = places.iter().map(|&i| &self.all[i].target);
        let next = collect(targets, |t| match t {
            Target::Next(next) => Some(*next),
            _ => None,
        });
        match next.is_empty() {
            true => match self.masks.as_ref().map(|masks| &masks.asked) {
                Some(Asked::Replaced(_)) => Targets::Replaced(all),
                _ => Targets::Masks(all),
            },
            false => Targets::MasksAndNext(all, next),
        }
    }

    /// What is to be said of the texts at some places.
    fn targets(&self, places: &[usize]) -> Targets {
        let targets = || places.iter().map(|&i| &self.all[i].target);
        match self.kind {
            None => self.hidden(places),
            Some(HeadKind::Choice) => Targets::Choices {
                group: self.group(),
                right: (places.iter().map(|&i| &self.all[i]))
                    .filter_map(|encoded| match encoded.target {
                        Target::Choice(right) => Some([right, 1 + encoded.others.len() as u32]),
                        _ => None,
                    })
                    .collect(),
            },
            Some(HeadKind::Classes) => Targets::Classes(collect(targets(), |t| match t {
                Target::Class(class) => Some(*class),
                _ => None,
            })),
            Some(HeadKind::Labels | HeadKind::Score) => {
                Targets::Numbers(collect(targets(), |t| match t {
                    Target::Numbers(numbers) => Some(numbers.clone()),
                    _ => None,
                }))
            }
            Some(HeadKind::Tokens) => Targets::Tags(collect(targets(), |t| match t {
                Target::Tags(tags) => Some(tags.clone()),
                _ => None,
            })),
            Some(HeadKind::Span) => Targets::Spans(collect(targets(), |t| match t {
                Target::Span(span) => Some(*span),
                _ => None,
            })),
        }
    }
}

/// The targets of one kind, which all of a run are.
fn collect<'a, T>(
    targets: impl Iterator<Item = &'a Target>,
    of: impl Fn(&Target) -> Option<T>,
) -> Vec<T> {
    targets.filter_map(of).collect()
}
