//! What each family calls its tensors in `transformers`.
//!
//! Graphs and parameters know BERT's names only ([`super::names`]); these tables say what stands
//! for them in a file.

use kernels::ops::Function;

use crate::config::{Family, HeadKind};

/// The names of one family's tensors; those of layers follow the layer's own name, and those
/// of encoder tensors the prefix. Of a dense layer or a norm, the name without `.weight`.
pub(super) struct Names {
    /// Before the encoder's tensors, unless the file holds nothing else.
    pub prefix: &'static str,
    /// From the embeddings to the hidden states, where their widths differ.
    pub projection: &'static str,
    /// Before and after a layer's number.
    pub layer: [&'static str; 2],
    /// Query, key and value.
    pub qkv: [&'static str; 3],
    pub attention_output: &'static str,
    pub attention_norm: &'static str,
    pub intermediate: &'static str,
    pub output: &'static str,
    pub output_norm: &'static str,
    /// The encoder's own pooler.
    pub pooler: Option<&'static str>,
    /// The masked-language-model head.
    pub mlm: Mlm,
    /// The head over the pooler that says whether the second text follows the first.
    pub nsp: Option<&'static str>,
    /// The head that says of each token whether it was replaced.
    pub replaced: Option<[&'static str; 2]>,
    /// The classifier, and what it has before it where that is not the encoder's pooler.
    pub classifier: &'static str,
    pub classifier_pooler: Option<&'static str>,
    /// The same before a choice's number.
    pub choice_pooler: Option<&'static str>,
    /// After the pooler's matrix, whichever it is.
    pub pooler_activation: Function,
}

/// The names of a masked-language-model head.
pub(super) struct Mlm {
    /// How the names of all its tensors begin.
    pub start: &'static str,
    pub transform: &'static str,
    pub transform_norm: &'static str,
    /// The decoder's matrix, where it is not the word embedding.
    pub decoder: &'static str,
    /// The decoder's bias: `transformers` reads the first where the decoder is tied to the
    /// embeddings and the second where it is not. A file may hold either.
    pub bias: [&'static str; 2],
}

pub(super) fn names(family: Family) -> &'static Names {
    match family {
        Family::Bert => &BERT,
        Family::Roberta | Family::XlmRoberta | Family::Camembert => &ROBERTA,
        Family::Albert => &ALBERT,
        Family::DistilBert => &DISTILBERT,
        Family::Electra => &ELECTRA,
    }
}

const BERT: Names = Names {
    prefix: "bert.",
    projection: "embeddings_project",
    layer: ["encoder.layer.", ""],
    qkv: [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    intermediate: "intermediate.dense",
    output: "output.dense",
    output_norm: "output.LayerNorm",
    pooler: Some("pooler.dense"),
    mlm: Mlm {
        start: "cls.predictions.",
        transform: "cls.predictions.transform.dense",
        transform_norm: "cls.predictions.transform.LayerNorm",
        decoder: "cls.predictions.decoder.weight",
        bias: ["cls.predictions.bias", "cls.predictions.decoder.bias"],
    },
    nsp: Some("cls.seq_relationship"),
    replaced: None,
    classifier: "classifier",
    classifier_pooler: None,
    choice_pooler: None,
    pooler_activation: Function::Tanh,
};

const ROBERTA: Names = Names {
    prefix: "roberta.",
    mlm: Mlm {
        start: "lm_head.",
        transform: "lm_head.dense",
        transform_norm: "lm_head.layer_norm",
        decoder: "lm_head.decoder.weight",
        bias: ["lm_head.bias", "lm_head.decoder.bias"],
    },
    nsp: None,
    classifier: "classifier.out_proj",
    classifier_pooler: Some("classifier.dense"),
    ..BERT
};

const ALBERT: Names = Names {
    prefix: "albert.",
    projection: "encoder.embedding_hidden_mapping_in",
    layer: ["encoder.albert_layer_groups.", ".albert_layers.0"],
    qkv: ["attention.query", "attention.key", "attention.value"],
    attention_output: "attention.dense",
    attention_norm: "attention.LayerNorm",
    intermediate: "ffn",
    output: "ffn_output",
    output_norm: "full_layer_layer_norm",
    pooler: Some("pooler"),
    mlm: Mlm {
        start: "predictions.",
        transform: "predictions.dense",
        transform_norm: "predictions.LayerNorm",
        decoder: "predictions.decoder.weight",
        bias: ["predictions.bias", "predictions.decoder.bias"],
    },
    // Of the order of two texts: its first logit says that they stand as they were written.
    nsp: Some("sop_classifier.classifier"),
    ..BERT
};

const DISTILBERT: Names = Names {
    prefix: "distilbert.",
    layer: ["transformer.layer.", ""],
    qkv: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    intermediate: "ffn.lin1",
    output: "ffn.lin2",
    output_norm: "output_layer_norm",
    pooler: None,
    mlm: Mlm {
        start: "vocab_",
        transform: "vocab_transform",
        transform_norm: "vocab_layer_norm",
        decoder: "vocab_projector.weight",
        bias: ["vocab_projector.bias", "vocab_projector.bias"],
    },
    nsp: None,
    classifier_pooler: Some("pre_classifier"),
    choice_pooler: Some("pre_classifier"),
    pooler_activation: Function::Relu,
    ..BERT
};

const ELECTRA: Names = Names {
    prefix: "electra.",
    pooler: None,
    mlm: Mlm {
        start: "generator_",
        transform: "generator_predictions.dense",
        transform_norm: "generator_predictions.LayerNorm",
        decoder: "generator_lm_head.weight",
        bias: ["generator_lm_head.bias", "generator_lm_head.bias"],
    },
    nsp: None,
    replaced: Some([
        "discriminator_predictions.dense",
        "discriminator_predictions.dense_prediction",
    ]),
    classifier: "classifier.out_proj",
    classifier_pooler: Some("classifier.dense"),
    choice_pooler: Some("sequence_summary.summary"),
    pooler_activation: Function::Gelu,
    ..BERT
};

impl Names {
    /// The last layer of a task's head.
    pub fn head(&self, kind: HeadKind) -> &'static str {
        match kind {
            HeadKind::Classes | HeadKind::Labels | HeadKind::Score => self.classifier,
            HeadKind::Tokens | HeadKind::Choice => "classifier",
            HeadKind::Span => "qa_outputs",
        }
    }

    /// What it has before that, where it is not the encoder's pooler.
    pub fn head_pooler(&self, kind: HeadKind) -> Option<&'static str> {
        match kind {
            HeadKind::Choice => self.choice_pooler,
            _ => self.classifier_pooler,
        }
    }

    /// The name of a part of layer `i`, as in `encoder.layer.0.output.dense`.
    pub fn of_layer(&self, i: usize, part: &str) -> String {
        let [before, after] = self.layer;
        format!("{before}{i}{after}.{part}")
    }
}
