//! Examples as the model reads them, and what it is to say of each.

use kernels::ops::NO_TARGET;

use crate::data::{Example, Masked, SentencePair, Stretch, Tagged, Text, Treatment, Truth};
use crate::tokenizer::{Encoding, Tokenizer};

/// What one text's head is to say.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// Nothing: words of it are guessed.
    None,
    /// A class.
    Class(u32),
    /// 1 for each label that it has and 0 for the others, or its score.
    Numbers(Vec<f32>),
    /// A tag for each token, [`NO_TARGET`] where none is learned.
    Tags(Vec<u32>),
    /// The answer's first token and its last; 0 and 0 where there is none.
    Span([u32; 2]),
    /// The right one of its texts, from 0.
    Choice(u32),
    /// Of a pair with hidden words, whether the second text follows the first (0) or not (1).
    Next(u32),
}

/// One of an example's texts.
pub(super) struct Sequence {
    pub ids: Vec<u32>,
    pub types: Vec<u32>,
}

/// A text as the model reads it.
pub(super) struct Encoded {
    pub ids: Vec<u32>,
    pub types: Vec<u32>,
    special: Vec<bool>,
    /// The further texts of an example of which one is chosen.
    pub others: Vec<Sequence>,
    pub target: Target,
    /// The place of its example in its set; several windows may be of one.
    pub example: usize,
    /// Of tagged words, the first token of each; `None` where it was cut off.
    pub words: Vec<Option<usize>>,
    /// Of the tokens of a passage, where each stands in it.
    pub passage: Vec<Option<Stretch>>,
}

impl Encoded {
    fn new(encoding: Encoding, target: Target, example: usize) -> Self {
        Self {
            ids: encoding.ids,
            types: encoding.type_ids,
            special: encoding.special,
            others: Vec::new(),
            target,
            example,
            words: Vec::new(),
            passage: Vec::new(),
        }
    }

    /// A text to hide words in.
    pub fn text(tokenizer: &Tokenizer, limit: usize, text: &Text, place: usize) -> Self {
        let encoding = tokenizer.encode(&text.text, text.pair.as_deref(), limit);
        Self::new(encoding, Target::None, place)
    }

    /// A pair to hide words in, and to say of whether the second text follows.
    pub fn pair(tokenizer: &Tokenizer, limit: usize, pair: &SentencePair, place: usize) -> Self {
        let target = Target::Next(u32::from(!pair.follows));
        Self {
            target,
            ..Self::text(tokenizer, limit, &pair.text, place)
        }
    }

    /// Its texts, one but where several are to be chosen from.
    pub fn sequences(&self) -> impl Iterator<Item = (&Vec<u32>, &Vec<u32>)> {
        let others = self.others.iter().map(|other| (&other.ids, &other.types));
        std::iter::once((&self.ids, &self.types)).chain(others)
    }

    /// Tokens of the longest of its texts.
    pub fn tokens(&self) -> usize {
        let lengths = self.sequences().map(|(ids, _)| ids.len());
        lengths.max().unwrap_or(0)
    }

    /// What the model reads of an example: one text, or the windows of a passage.
    ///
    /// # Errors
    /// Why it cannot be learned, in words: a marked stretch that begins or ends within a token.
    pub fn example(
        tokenizer: &Tokenizer,
        limit: usize,
        outputs: usize,
        (place, example): (usize, &Example),
    ) -> Result<Vec<Self>, String> {
        let encode = || tokenizer.encode(&example.text, example.pair.as_deref(), limit);
        let one = |target| Ok(vec![Self::new(encode(), target, place)]);
        match &example.truth {
            Truth::Class(class) => one(Target::Class(*class as u32)),
            Truth::Score(score) => one(Target::Numbers(vec![*score as f32])),
            Truth::Labels(labels) => {
                let mut numbers = vec![0.0; outputs];
                labels.iter().for_each(|&label| numbers[label] = 1.0);
                one(Target::Numbers(numbers))
            }
            Truth::Tags(tagged) => {
                let encoding = encode();
                let words = first_tokens(&encoding, tagged).map_err(|(word, token)| {
                    let at = tagged[word].word;
                    let spelling = &encoding.tokens[token];
                    format!(
                        "row at line {}: what is marked at characters {} to {} begins or ends within the token \
                         `{spelling}`: mark whole words",
                        example.line, at.start, at.end
                    )
                })?;
                let mut tags = vec![NO_TARGET; encoding.ids.len()];
                for (first, one) in words.iter().zip(tagged) {
                    if let Some(first) = first {
                        tags[*first] = one.tag as u32;
                    }
                }
                let mut encoded = Self::new(encoding, Target::Tags(tags), place);
                encoded.words = words;
                Ok(vec![encoded])
            }
            Truth::Choice { options, right } => {
                let encode = |option: &String| tokenizer.encode(&example.text, Some(option), limit);
                let mut encodings = options.iter().map(encode);
                let first = encodings.next().ok_or("there is nothing to choose from")?;
                let mut encoded = Self::new(first, Target::Choice(*right as u32), place);
                let others = encodings.map(|encoding| Sequence {
                    ids: encoding.ids,
                    types: encoding.type_ids,
                });
                encoded.others = others.collect();
                Ok(vec![encoded])
            }
            Truth::Answers(answers) => {
                let passage = example.pair.as_deref().unwrap_or_default();
                let windows = tokenizer.windows(&example.text, passage, limit);
                let window = |encoding: Encoding| {
                    let stands = |i: usize| {
                        let (start, end) = encoding.offsets[i];
                        let passage = encoding.sequence[i] == Some(1) && !encoding.special[i];
                        passage.then_some(Stretch { start, end })
                    };
                    let passage: Vec<_> = (0..encoding.ids.len()).map(stands).collect();
                    let span = answers.iter().find_map(|answer| span_of(&passage, *answer));
                    let target = Target::Span(span.unwrap_or([0, 0]));
                    let mut encoded = Self::new(encoding, target, place);
                    encoded.passage = passage;
                    encoded
                };
                Ok(windows.into_iter().map(window).collect())
            }
        }
    }

    /// Of every token the next one, as what is to be guessed; nothing of a text of special tokens only.
    pub fn next_words(&self) -> Masked {
        let last = match self.special.iter().all(|special| *special) {
            true => 0,
            false => self.ids.len() - 1,
        };
        Masked {
            ids: self.ids.clone(),
            positions: (0..last).collect(),
            targets: self.ids[self.ids.len() - last..].to_vec(),
            treatments: vec![Treatment::Kept; last],
        }
    }

    /// What masking reads.
    pub fn encoding(&self) -> Encoding {
        Encoding {
            ids: self.ids.clone(),
            special: self.special.clone(),
            ..Encoding::default()
        }
    }
}

/// The first token of each word.
///
/// # Errors
/// A word and a token that holds a part of it and of one with a tag of something else.
fn first_tokens(
    encoding: &Encoding,
    tagged: &[Tagged],
) -> Result<Vec<Option<usize>>, (usize, usize)> {
    let mut first = vec![None; tagged.len()];
    let mut word = 0;
    for (token, &(start, end)) in encoding.offsets.iter().enumerate() {
        if encoding.special[token] || start == end {
            continue;
        }
        while word < tagged.len() && tagged[word].word.end <= start {
            word += 1;
        }
        let Some(one) = tagged.get(word) else { break };
        if one.word.end > start && one.word.start < end {
            first[word].get_or_insert(token);
        }
        // A token over several words: the first has it, and the others the same tag.
        let others = tagged[word + 1..]
            .iter()
            .take_while(|other| other.word.start < end);
        for (i, other) in others.enumerate() {
            if other.tag != one.tag {
                return Err((word + 1 + i, token));
            }
        }
    }
    Ok(first)
}

/// The tokens of an answer that lies within a window.
fn span_of(passage: &[Option<Stretch>], answer: Stretch) -> Option<[u32; 2]> {
    let places = || {
        passage
            .iter()
            .enumerate()
            .filter_map(|(i, s)| Some((i, (*s)?)))
    };
    let (_, begin) = places().next()?;
    let (_, end) = places().next_back()?;
    if answer.start < begin.start || answer.end > end.end {
        return None;
    }
    let first = places()
        .take_while(|(_, s)| s.start <= answer.start)
        .last()?
        .0;
    let last = places().find(|(_, s)| s.end >= answer.end)?.0;
    (first <= last).then_some([first as u32, last as u32])
}
