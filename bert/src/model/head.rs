//! The heads that tasks put on an encoder: what each says, and the pass that computes its logits.

use kernels::{Control, Executable, Graph, GraphError, Plan, RunError, Tensor, Value};

use super::features::{cls_rows, pool};
use super::forward::{Builder, Encoder};
use super::tokens::{TokenBatch, encoder_values};
use super::{Config, Layout, Model, TaskHead, names};
use crate::config::{HeadKind, Pooling};

/// Prepared passes kept at a time; each holds the activations of its batch.
const PREPARED: usize = 4;

impl Builder<'_> {
    /// A head over an encoder's output: logits `[B, L]`, or `[B·T, L]` where it reads tokens; and the input that names
    /// the rows of `[CLS]`, where they are read.
    pub(crate) fn head(
        &mut self,
        encoder: &Encoder,
        kind: HeadKind,
        pooling: Pooling,
        [batch, outputs]: [usize; 2],
    ) -> Result<(Value, Option<Value>), GraphError> {
        let (rows, at) = match kind.reads_tokens() {
            true => (encoder.output(), None),
            false => pool(self, encoder, pooling, batch)?,
        };
        Ok((self.classifier(rows, names::CLASSIFIER, outputs)?, at))
    }
}

/// Texts in, logits out.
struct Pass {
    graph: Graph,
    encoder: Encoder,
    rows: Option<Value>,
    logits: Value,
    batch: usize,
    tokens: usize,
}

impl Pass {
    fn new(
        config: &Config,
        layout: &Layout,
        head: &TaskHead,
        [batch, tokens]: [usize; 2],
    ) -> Result<Self, GraphError> {
        let mut graph = Graph::new();
        let mut builder = Builder {
            graph: &mut graph,
            config,
            layout,
            noise: None,
            prefix: "",
        };
        let encoder = builder.encoder(batch, tokens)?;
        let sizes = [batch, head.outputs()];
        let (logits, rows) = builder.head(&encoder, head.kind, head.pooling, sizes)?;
        Ok(Self {
            graph,
            encoder,
            rows,
            logits,
            batch,
            tokens,
        })
    }

    fn values(&self, config: &Config, texts: &TokenBatch) -> Vec<(Value, Tensor)> {
        let mut values = encoder_values(config, &self.encoder, texts, self.batch, self.tokens);
        if let Some(at) = self.rows {
            values.push((at, Tensor::U32(cls_rows(self.batch, self.tokens))));
        }
        values
    }
}

/// A pass on the device, for so many texts of so many tokens.
pub(super) struct Prepared {
    sizes: [usize; 2],
    pass: Pass,
    executable: Executable,
}

impl Model {
    /// The logits of texts, in a pass with room for `room` of them: of each text `[L]`, or its tokens' `[T, L]` one
    /// after another.
    pub(crate) async fn head_batch(
        &mut self,
        texts: &TokenBatch,
        room: usize,
        control: &Control,
    ) -> Result<Vec<Vec<f32>>, RunError> {
        let Some(head) = self.head().cloned() else {
            return Err(RunError::MissingParam(names::CLASSIFIER.to_owned()));
        };
        let sizes = [room, texts.tokens];
        if let Some(i) = self.passes.iter().position(|p| p.sizes == sizes) {
            // The most recently used one last, the one to forget first.
            let prepared = self.passes.remove(i);
            self.passes.push(prepared);
        } else {
            let pass = Pass::new(&self.config, &self.layout, &head, sizes)
                .expect("the layout checked every shape against the configuration");
            let plan = Plan::new(&pass.graph, &[pass.logits]);
            let executable = Executable::new(&self.device, plan, &self.params).await?;
            if self.passes.len() == PREPARED {
                self.passes.remove(0);
            }
            self.passes.push(Prepared {
                sizes,
                pass,
                executable,
            });
        }
        let last = self.passes.len() - 1;
        let Prepared {
            pass, executable, ..
        } = &mut self.passes[last];
        let values = pass.values(&self.config, texts);
        let found = executable.run(&mut self.params, values, control).await?;
        let logits = found[0].to_f32();
        let each = match head.kind.reads_tokens() {
            true => texts.tokens * head.outputs(),
            false => head.outputs(),
        };
        let length = |ids: &Vec<u32>| match head.kind.reads_tokens() {
            true => ids.len() * head.outputs(),
            false => head.outputs(),
        };
        let rows = logits.chunks_exact(each).zip(&texts.ids);
        Ok(rows.map(|(row, ids)| row[..length(ids)].to_vec()).collect())
    }
}
