//! The settings of a recipe, as a form and a link name them.

use bert::decimal::parse_decimal;

/// A setting that is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    LearningRate,
    Epochs,
    Batch,
    Accumulation,
    MaxTokens,
    Share,
    Warmup,
    Dropout,
    WeightDecay,
    Clipping,
    LayerDecay,
    Balance,
    Seed,
    MaskShare,
    MaskHidden,
    MaskSwapped,
}

impl Field {
    pub const ALL: [Self; 16] = [
        Self::LearningRate,
        Self::Epochs,
        Self::Batch,
        Self::Accumulation,
        Self::MaxTokens,
        Self::Share,
        Self::Warmup,
        Self::Dropout,
        Self::WeightDecay,
        Self::Clipping,
        Self::LayerDecay,
        Self::Balance,
        Self::Seed,
        Self::MaskShare,
        Self::MaskHidden,
        Self::MaskSwapped,
    ];
    /// Those that everyone looks at, then those for whoever knows them.
    pub const FIRST: [Self; 3] = [Self::LearningRate, Self::Epochs, Self::Batch];
    pub const MORE: [Self; 10] = [
        Self::Accumulation,
        Self::MaxTokens,
        Self::Share,
        Self::Warmup,
        Self::Dropout,
        Self::WeightDecay,
        Self::Clipping,
        Self::LayerDecay,
        Self::Balance,
        Self::Seed,
    ];

    /// Those that say how words are hidden.
    pub const MASKS: [Self; 3] = [Self::MaskShare, Self::MaskHidden, Self::MaskSwapped];

    pub fn label(self) -> &'static str {
        match self {
            Self::LearningRate => "Learning rate",
            Self::Epochs => "Epochs",
            Self::Batch => "Batch size",
            Self::Accumulation => "Parts of a step",
            Self::MaxTokens => "Longest text (tokens)",
            Self::Share => "Held out for validation (%)",
            Self::Warmup => "Warm-up (% of steps)",
            Self::Dropout => "Dropout",
            Self::WeightDecay => "Weight decay",
            Self::Clipping => "Gradient clipping",
            Self::LayerDecay => "Layer-wise decay of the rate (1: none)",
            Self::Balance => "Weight of rare classes (0 to 1)",
            Self::Seed => "Seed",
            Self::MaskShare => "Asked for (% of tokens)",
            Self::MaskHidden => "Of these hidden (%)",
            Self::MaskSwapped => "Of these swapped (%)",
        }
    }

    /// For the element's id.
    pub fn id(self) -> &'static str {
        match self {
            Self::LearningRate => "learning-rate",
            Self::Epochs => "epochs",
            Self::Batch => "batch",
            Self::Accumulation => "accumulation",
            Self::MaxTokens => "max-tokens",
            Self::Share => "share",
            Self::Warmup => "warmup",
            Self::Dropout => "dropout",
            Self::WeightDecay => "weight-decay",
            Self::Clipping => "clipping",
            Self::LayerDecay => "layer-decay",
            Self::Balance => "balance",
            Self::Seed => "seed",
            Self::MaskShare => "mask-share",
            Self::MaskHidden => "mask-hidden",
            Self::MaskSwapped => "mask-swapped",
        }
    }

    /// Its place among [`Field::ALL`].
    pub fn place(self) -> usize {
        match self {
            Self::LearningRate => 0,
            Self::Epochs => 1,
            Self::Batch => 2,
            Self::Accumulation => 3,
            Self::MaxTokens => 4,
            Self::Share => 5,
            Self::Warmup => 6,
            Self::Dropout => 7,
            Self::WeightDecay => 8,
            Self::Clipping => 9,
            Self::LayerDecay => 10,
            Self::Balance => 11,
            Self::Seed => 12,
            Self::MaskShare => 13,
            Self::MaskHidden => 14,
            Self::MaskSwapped => 15,
        }
    }
}

/// The methods by the names of their radio buttons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MethodChoice {
    #[default]
    Head,
    Last,
    All,
    Scratch,
}

impl MethodChoice {
    pub const ALL: [Self; 4] = [Self::Head, Self::Last, Self::All, Self::Scratch];

    pub fn label(self) -> &'static str {
        match self {
            Self::Head => "Head only",
            Self::Last => "Last layers",
            Self::All => "Whole model",
            Self::Scratch => "From scratch",
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Head => {
                "The model reads every text once and stays as it is; only a classifier on top \
                 learns. Takes seconds."
            }
            Self::Last => "The layers nearest to the answer learn too.",
            Self::All => "Every weight learns.",
            Self::Scratch => {
                "Every weight starts at random: what the task teaches without pretraining, for \
                 comparison."
            }
        }
    }
}

/// The number that someone typed, with a point or a comma.
pub fn typed(text: &str) -> Option<f64> {
    parse_decimal(&text.replace(',', "."))
}

/// A learning rate as the field writes it: `2e-5`.
pub fn rate_text(rate: f64) -> String {
    if rate >= 0.01 || rate <= 0.0 {
        return rate.to_string();
    }
    format!("{rate:e}")
}
