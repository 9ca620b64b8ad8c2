//! How a run does on the test texts, batch by batch.

use super::super::texts::Texts;
use crate::data::{self, Random, batches};
use crate::metrics::{Confusion, Metrics};

/// What is left to judge, and what was found.
pub(super) struct Judge {
    confusion: Confusion,
    /// Last batch first; their examples are places among all texts.
    queue: Vec<data::Batch>,
    pub done: usize,
}

impl Judge {
    /// Of all test texts, `size` at a time; of features, which have no length, in their order.
    pub fn new(texts: &Texts, outputs: usize, size: usize, limit: Option<usize>) -> Self {
        let (from, total) = (texts.train(), texts.len());
        let lengths = match limit {
            Some(_) => texts.lengths(from..total),
            None => vec![1; total - from],
        };
        let mut queue = batches(&lengths, size, limit.unwrap_or(1), &mut Random::new(0, 0));
        for place in queue.iter_mut().flat_map(|batch| &mut batch.examples) {
            *place += from;
        }
        Self {
            confusion: Confusion::new(outputs),
            queue,
            done: 0,
        }
    }

    /// The batch to judge now; it stays until it was counted.
    pub fn batch(&self) -> Option<&data::Batch> {
        self.queue.last()
    }

    /// Counts the logits of that batch's texts.
    pub fn count(&mut self, texts: &Texts, logits: &[Vec<f32>]) {
        let Some(batch) = self.queue.pop() else {
            return;
        };
        for (&place, logits) in batch.examples.iter().zip(logits) {
            let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
            let (_, example) = texts.judged(place);
            let truth = example.truth.class().unwrap_or(0);
            self.confusion.add(truth, best.unwrap_or(0));
        }
        self.done += batch.examples.len();
    }

    /// The figures so far.
    pub fn metrics(&self) -> Metrics {
        self.confusion.metrics()
    }
}
