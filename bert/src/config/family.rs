//! The model families: how each names its settings, and where its arithmetic differs.

use serde::Serialize;

/// Model families that this project computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Family {
    /// Devlin et al. 2019, and whatever has its shape: MiniLM, sentence encoders.
    Bert,
    /// Liu et al. 2019: BERT with positions from `pad_token_id + 1` and a tokenizer over bytes.
    Roberta,
    /// Lan et al. 2020: layers share their weights, and the embeddings are narrower than they.
    Albert,
    /// Sanh et al. 2019: no token types and no pooler.
    DistilBert,
    /// Clark et al. 2020: a generator, which fills masks, or a discriminator, which finds what was
    /// filled.
    Electra,
    /// Conneau et al. 2020: RoBERTa for a hundred languages, with a SentencePiece vocabulary.
    XlmRoberta,
    /// Martin et al. 2020: the same for French.
    Camembert,
}

impl Family {
    const ALL: [Self; 7] = [
        Self::Bert,
        Self::Roberta,
        Self::Albert,
        Self::DistilBert,
        Self::Electra,
        Self::XlmRoberta,
        Self::Camembert,
    ];

    /// `model_type` values that are understood.
    pub const SUPPORTED: &[&str] = &[
        "bert",
        "roberta",
        "albert",
        "distilbert",
        "electra",
        "xlm-roberta",
        "camembert",
    ];

    /// Its `model_type` in a `config.json`.
    pub fn model_type(self) -> &'static str {
        Self::SUPPORTED[self as usize]
    }

    /// How the names of its classes in `transformers` begin, as in `BertForMaskedLM`.
    pub fn class_prefix(self) -> &'static str {
        match self {
            Self::Bert => "Bert",
            Self::Roberta => "Roberta",
            Self::Albert => "Albert",
            Self::DistilBert => "DistilBert",
            Self::Electra => "Electra",
            Self::XlmRoberta => "XLMRoberta",
            Self::Camembert => "Camembert",
        }
    }

    pub(super) fn of_model_type(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.model_type() == name)
    }

    pub(super) fn of_class(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|f| name.starts_with(f.class_prefix()))
    }

    /// Whether its arithmetic and its tensors' names are RoBERTa's.
    pub fn is_roberta(self) -> bool {
        matches!(self, Self::Roberta | Self::XlmRoberta | Self::Camembert)
    }

    /// Whether dropout comes between the attention's output and its residual sum.
    pub fn drops_attention_output(self) -> bool {
        self != Self::DistilBert
    }

    /// Whether dropout comes between the feed-forward's output and its residual sum.
    pub fn drops_feed_forward(self) -> bool {
        self != Self::Albert
    }

    /// Whether the classifier's dropout comes before the pooler too.
    pub fn drops_before_pooler(self) -> bool {
        self.is_roberta() || self == Self::Electra
    }

    /// Whether the activation in the masked-language-model head is exact GELU whatever
    /// `hidden_act` says.
    pub fn fills_with_gelu(self) -> bool {
        self.is_roberta() || self == Self::Electra
    }

    pub(super) fn settings(self) -> &'static Settings {
        match self {
            Self::Bert => &BERT,
            Self::Roberta => &ROBERTA,
            Self::Albert => &ALBERT,
            Self::DistilBert => &DISTILBERT,
            Self::Electra => &ELECTRA,
            Self::XlmRoberta | Self::Camembert => &XLM_ROBERTA,
        }
    }
}

/// The activation between the two feed-forward matrices and in the MLM head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Activation {
    /// `0.5 x (1 + erf(x / sqrt 2))`: `gelu`.
    Gelu,
    /// `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`: `gelu_new`, `gelu_pytorch_tanh`, `gelu_fast`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// `x / (1 + exp(-x))`: `silu`, `swish`.
    Silu,
    /// `x / (1 + exp(-1.702 x))`: `quick_gelu`.
    QuickGelu,
}

impl Activation {
    /// `hidden_act` values that are understood.
    pub const SUPPORTED: &[&str] = &[
        "gelu",
        "gelu_python",
        "gelu_new",
        "gelu_pytorch_tanh",
        "gelu_fast",
        "relu",
        "tanh",
        "silu",
        "swish",
        "quick_gelu",
    ];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Self::GeluTanh,
            "relu" => Self::Relu,
            "tanh" => Self::Tanh,
            "silu" | "swish" => Self::Silu,
            "quick_gelu" => Self::QuickGelu,
            _ => return None,
        })
    }
}

/// A setting's key, and its value where the key is absent.
pub(super) type Setting<T> = (&'static str, T);

/// How a family's `config.json` names its settings, with the defaults of its configuration class
/// in `transformers` (5.23).
pub(super) struct Settings {
    pub vocab_size: Setting<usize>,
    pub hidden_size: Setting<usize>,
    /// `None`: as wide as the hidden states.
    pub embedding_size: Option<Setting<usize>>,
    pub layers: Setting<usize>,
    pub heads: Setting<usize>,
    pub intermediate_size: Setting<usize>,
    /// `None`: there are no token types.
    pub types: Option<Setting<usize>>,
    pub activation: Setting<&'static str>,
    /// `None`: fixed at 1e-12.
    pub eps: Option<Setting<f64>>,
    pub pad: Setting<usize>,
    pub hidden_dropout: Setting<f64>,
    pub attention_dropout: Setting<f64>,
    /// Its default is the hidden dropout where there is none here.
    pub classifier_dropout: Setting<Option<f64>>,
}

const BERT: Settings = Settings {
    vocab_size: ("vocab_size", 30_522),
    hidden_size: ("hidden_size", 768),
    embedding_size: None,
    layers: ("num_hidden_layers", 12),
    heads: ("num_attention_heads", 12),
    intermediate_size: ("intermediate_size", 3_072),
    types: Some(("type_vocab_size", 2)),
    activation: ("hidden_act", "gelu"),
    eps: Some(("layer_norm_eps", 1e-12)),
    pad: ("pad_token_id", 0),
    hidden_dropout: ("hidden_dropout_prob", 0.1),
    attention_dropout: ("attention_probs_dropout_prob", 0.1),
    classifier_dropout: ("classifier_dropout", None),
};

const ROBERTA: Settings = Settings {
    vocab_size: ("vocab_size", 50_265),
    pad: ("pad_token_id", 1),
    ..BERT
};

const XLM_ROBERTA: Settings = Settings {
    vocab_size: ("vocab_size", 30_522),
    ..ROBERTA
};

const ALBERT: Settings = Settings {
    vocab_size: ("vocab_size", 30_000),
    hidden_size: ("hidden_size", 4_096),
    embedding_size: Some(("embedding_size", 128)),
    heads: ("num_attention_heads", 64),
    intermediate_size: ("intermediate_size", 16_384),
    activation: ("hidden_act", "gelu_new"),
    hidden_dropout: ("hidden_dropout_prob", 0.0),
    attention_dropout: ("attention_probs_dropout_prob", 0.0),
    classifier_dropout: ("classifier_dropout_prob", Some(0.1)),
    ..BERT
};

const DISTILBERT: Settings = Settings {
    hidden_size: ("dim", 768),
    layers: ("n_layers", 6),
    heads: ("n_heads", 12),
    intermediate_size: ("hidden_dim", 3_072),
    types: None,
    activation: ("activation", "gelu"),
    eps: None,
    hidden_dropout: ("dropout", 0.1),
    attention_dropout: ("attention_dropout", 0.1),
    classifier_dropout: ("seq_classif_dropout", Some(0.2)),
    ..BERT
};

const ELECTRA: Settings = Settings {
    hidden_size: ("hidden_size", 256),
    embedding_size: Some(("embedding_size", 128)),
    heads: ("num_attention_heads", 4),
    intermediate_size: ("intermediate_size", 1_024),
    ..BERT
};
