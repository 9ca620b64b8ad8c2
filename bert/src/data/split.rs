//! Examples to learn from, and examples to judge by.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Dataset, Random};

/// The stream of the seed that splits draw from.
const STREAM: u64 = 0x5911;

/// Places of a data set's examples: each in one of the two, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// To learn from.
    pub train: Vec<usize>,
    /// To judge by.
    pub validation: Vec<usize>,
}

impl Split {
    /// Puts about `share` (0 to 1) of every class aside for validation, at random. Examples with
    /// the same text stay together, and questions on the same passage, so nothing is judged that was learned; a class that has two
    /// different texts is in both halves, and one that has one is in `train`.
    pub fn stratified(dataset: &Dataset, share: f64, seed: u64) -> Split {
        let share = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        // Each class's groups of equal texts, in the order of the data. A text that stands under
        // several labels goes with the first.
        let mut classes: Vec<Vec<Vec<usize>>> = vec![Vec::new(); dataset.labels.len().max(1)];
        let mut places = HashMap::new();
        for (i, example) in dataset.examples.iter().enumerate() {
            let (class, group) = *places.entry(example.group()).or_insert_with(|| {
                let class = example.truth.class().unwrap_or(0);
                classes[class].push(Vec::new());
                (class, classes[class].len() - 1)
            });
            classes[class][group].push(i);
        }
        let mut random = Random::new(seed, STREAM);
        let (mut train, mut validation) = (Vec::new(), Vec::new());
        for mut groups in classes {
            let rows: usize = groups.iter().map(Vec::len).sum();
            let wanted = match groups.len() {
                0 | 1 => 0,
                _ if share == 0.0 => 0,
                _ => ((rows as f64 * share).round() as usize).max(1),
            };
            random.shuffle(&mut groups);
            let (mut kept, mut aside) = (groups.len(), 0);
            for group in groups {
                if aside < wanted && kept > 1 {
                    (kept, aside) = (kept - 1, aside + group.len());
                    validation.extend(group);
                } else {
                    train.extend(group);
                }
            }
        }
        train.sort_unstable();
        validation.sort_unstable();
        Split { train, validation }
    }
}
