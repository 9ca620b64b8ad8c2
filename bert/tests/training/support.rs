//! Small sets of texts in the fixture's vocabulary, and driving a run to its end.

use bert::config::Pooling;
use bert::data::{Example, Text};
use bert::metrics::Confusion;
use bert::model::Model;
use bert::train::{Event, Method, Recipe, TrainError, Training};
use kernels::Control;

use crate::common;

const NOUNS: [&str; 10] = [
    "film", "movie", "cat", "dog", "mat", "man", "sea", "river", "day", "night",
];
const GOOD: [&str; 3] = ["good", "great", "fine"];
const BAD: [&str; 3] = ["bad", "dull", "long"];

/// `count` short texts of two classes that single words tell apart, two of class 1 in three.
pub fn examples(count: usize, from: usize) -> Vec<Example> {
    let example = |i: usize| {
        let label = usize::from(!i.is_multiple_of(3));
        let words = if label == 1 { GOOD } else { BAD };
        let (noun, word) = (NOUNS[i / 3 % 10], words[i / 7 % 3]);
        // Lengths differ, so that batches of several lengths come.
        let text = match i % 4 {
            0 => format!("the {noun} was {word} ."),
            1 => format!("i saw a {word} {noun} and you saw that {noun} too , i like to say so !"),
            _ => format!("{word} {noun}"),
        };
        Example::of_class(text, label)
    };
    (from..from + count).map(example).collect()
}

/// Two sentences in turn, in which each word tells the others.
pub fn two_sentences(count: usize) -> Vec<Text> {
    let sentences = ["the cat sat on the mat", "we love this red film"];
    let text = |i: usize| Text {
        text: sentences[i % 2].into(),
        pair: None,
    };
    (0..count).map(text).collect()
}

/// The same without labels.
pub fn texts(count: usize, from: usize) -> Vec<Text> {
    let text = |e: Example| Text {
        text: e.text,
        pair: None,
    };
    examples(count, from).into_iter().map(text).collect()
}

/// The accuracy of always saying what is most frequent among the training examples.
pub fn majority(train: &[Example], validation: &[Example]) -> f64 {
    let count = |set: &[Example]| {
        let of = |class| {
            set.iter()
                .filter(|e| e.truth.class() == Some(class))
                .count()
        };
        [of(0), of(1)]
    };
    Confusion::of_majority(&count(train), &count(validation))
        .metrics()
        .accuracy
}

/// A recipe that moves a tiny model within few steps.
pub fn recipe(method: Method) -> Recipe {
    Recipe {
        learning_rate: 5e-3,
        pooling: Pooling::Cls,
        epochs: 2,
        batch: 8,
        max_tokens: 64,
        ..Recipe::scheduled(method)
    }
}

/// The tiny fixture with a run of 26 examples to learn from, 10 to check with.
pub fn start(model: &mut Model, recipe: Recipe) -> Result<Training, TrainError> {
    let tokenizer = common::tokenizer(&common::fixture("tiny-bert"));
    let (train, validation) = (examples(26, 0), examples(10, 100));
    let labels = common::classes(2);
    let lesson = common::lesson(&labels, &train, &validation);
    pollster::block_on(Training::start(model, &tokenizer, &lesson, recipe))
}

pub fn advance(training: &mut Training, model: &mut Model) -> Event {
    let control = Control::default();
    pollster::block_on(training.advance(model, &control)).expect("an event")
}

/// Every event to the end.
pub fn drive(training: &mut Training, model: &mut Model) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        events.push(advance(training, model));
        if matches!(
            events.last(),
            Some(Event::Done { .. } | Event::Diverged { .. })
        ) {
            return events;
        }
    }
}

/// A parameter's bits.
pub fn bits(model: &mut Model, name: &str) -> Vec<u64> {
    let read = pollster::block_on(model.read(name)).expect("a parameter");
    read.to_f64().into_iter().map(f64::to_bits).collect()
}

/// The bits of all that learns.
pub fn weights(training: &Training, model: &mut Model) -> Vec<Vec<u64>> {
    let specs = training.trainable();
    specs.iter().map(|s| bits(model, &s.name)).collect()
}
