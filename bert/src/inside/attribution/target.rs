//! The logit that an attribution explains.

use kernels::ops::Lookup;
use kernels::{GraphError, Tensor, TensorType, Value};

use super::super::InsideError;
use super::super::pass::{Pass, Text, Wired};
use super::super::types::Target;
use crate::model::{Builder, Model, TaskHead, cls_rows, names};
use crate::probe::ProbeError;

/// A target that the model can answer for.
pub(super) struct Checked {
    target: Target,
    /// The head that it is an output of; of a guess, none.
    head: Option<TaskHead>,
    embedding: usize,
}

impl Checked {
    /// Checks a target against the model and the text.
    ///
    /// # Errors
    /// A place beyond the text or that is not hidden, a token or an output that is not there, a head of another kind
    /// or none.
    pub fn new(model: &Model, text: &Text, target: Target) -> Result<Self, InsideError> {
        let head = match target {
            Target::Guess { place, id } => {
                model.has_mlm().map_err(ProbeError::NoHead)?;
                text.check_place(place)?;
                if !text.masked.contains(&place) {
                    let token = text.seen.tokens[place].text.clone();
                    return Err(InsideError::NotHidden { place, token });
                }
                let vocabulary = model.config().vocab_size;
                if id as usize >= vocabulary {
                    return Err(InsideError::NoSuchToken { id, vocabulary });
                }
                None
            }
            Target::Class { output } => Some(task_head(model, output, false)?),
            Target::Token { place, output } => {
                text.check_place(place)?;
                Some(task_head(model, output, true)?)
            }
        };
        Ok(Self {
            target,
            head,
            embedding: model.config().embedding_size,
        })
    }

    /// What tells its plans from those of other targets.
    pub fn key(&self) -> String {
        match self.target {
            Target::Guess { .. } => "guess".to_owned(),
            Target::Class { .. } | Target::Token { .. } => format!("{:?}", self.head),
        }
    }

    /// Records the logits `[B, L]` among which it is, for a pass that is wired so far; L is 1 for a guess.
    pub fn record(
        &self,
        builder: &mut Builder<'_>,
        wired: &mut Wired,
        pass: &Pass,
    ) -> Result<Value, GraphError> {
        let head = match (&self.head, self.target) {
            (Some(head), Target::Class { .. }) => {
                let sizes = [pass.batch, head.outputs()];
                let (logits, at) = builder.head(&wired.encoder, head.kind, head.pooling, sizes)?;
                wired.inputs.extend(at);
                return Ok(logits);
            }
            (head, _) => head,
        };
        let at = TensorType::u32([pass.batch]);
        let at = builder.graph.input("the target's rows", at);
        wired.inputs.push(at);
        let rows = builder.graph.gather_rows(wired.encoder.output(), at)?;
        match head {
            Some(head) => builder.classifier(rows, names::CLASSIFIER, head.outputs()),
            None => {
                // Of the decoder, the one row of this token; the second table adds nothing.
                let x = builder.transform(rows)?;
                let blocks = builder.decoder()?;
                let zero = TensorType::real([1, self.embedding]);
                let zero = builder.graph.input("zero", zero);
                let id = builder.graph.input("target", TensorType::u32([2]));
                wired.inputs.extend([zero, id]);
                let table = |blocks: Vec<Value>| Lookup {
                    blocks,
                    padding: None,
                };
                let row = builder
                    .graph
                    .embed(id, &[table(blocks), table(vec![zero])])?;
                builder.graph.linear(x, row, None)
            }
        }
    }

    /// The values of the inputs that this adds.
    pub fn values(&self, pass: &Pass) -> Vec<Tensor> {
        let firsts = cls_rows(pass.batch, pass.tokens);
        let rows = |place: usize| firsts.iter().map(|first| first + place as u32).collect();
        match self.target {
            Target::Guess { place, id } => vec![
                Tensor::U32(rows(place)),
                Tensor::F32(vec![0.0; self.embedding]),
                Tensor::U32(vec![id, 0]),
            ],
            Target::Token { place, .. } => vec![Tensor::U32(rows(place))],
            // A head that reads the mean of all tokens takes none: what is over is not looked at.
            Target::Class { .. } => match self.head.as_ref().map(|head| head.pooling) {
                Some(crate::config::Pooling::Mean) => Vec::new(),
                _ => vec![Tensor::U32(firsts)],
            },
        }
    }

    /// How many logits there are for each text, and which is the target's.
    pub fn output(&self) -> [usize; 2] {
        let outputs = self.head.as_ref().map_or(1, TaskHead::outputs);
        match self.target {
            Target::Guess { .. } => [outputs, 0],
            Target::Class { output } | Target::Token { output, .. } => [outputs, output],
        }
    }

    /// What the logit has beside the recorded one: the decoder's bias of a guess.
    ///
    /// # Errors
    /// The device failed.
    pub async fn bias(&self, model: &mut Model) -> Result<f32, InsideError> {
        let Target::Guess { id, .. } = self.target else {
            return Ok(0.0);
        };
        let biases = model.read(names::DECODER_BIAS).await?.to_f32();
        Ok(biases.get(id as usize).copied().unwrap_or(0.0))
    }
}

/// The model's head, if it has this output and reads tokens or whole texts as is wanted.
fn task_head(model: &Model, output: usize, tokens: bool) -> Result<TaskHead, InsideError> {
    let head = model.head().cloned().ok_or(ProbeError::NoTaskHead)?;
    if head.kind.reads_tokens() != tokens {
        let other = match tokens {
            true => "this head says something of the whole text, not of each token",
            false => "this head says something of each token: choose one",
        };
        return Err(InsideError::OtherHead(other.to_owned()));
    }
    if output >= head.outputs() {
        let last = head.outputs() - 1;
        let labels = format!("0 to {last} ({})", head.labels.join(", "));
        return Err(InsideError::NoSuchOutput { output, labels });
    }
    Ok(head)
}
