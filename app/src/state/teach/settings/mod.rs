//! The recipe as it stands in the form: text that someone may be in the middle of typing.

mod carried;

use crate::recipe::{Field, Goal, MethodChoice, Setup, rate_text, typed};
use bert::config::Pooling;
use bert::data::Masking;
use bert::train::{Method, Optimiser, Recipe};

/// What the form holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub goal: Goal,
    pub method: MethodChoice,
    /// How many of the last layers learn, where that is the method.
    pub layers: usize,
    pub pooling: Pooling,
    /// Whether the pieces of a word are hidden together.
    pub whole_words: bool,
    /// Another text, whose hidden words are guessed before and after a run.
    pub other: String,
    texts: [String; Field::ALL.len()],
    /// Whether someone chose what stands in a field, or the pooling; else they follow the method.
    chosen: [bool; Field::ALL.len()],
    chose_pooling: bool,
    /// Whether what is learned is said of every token: such a head has no loss that settles.
    of_tokens: bool,
    /// Whether the model has a pooler, and the longest text that it reads.
    has_pooler: bool,
    limit: usize,
    /// Whether the model reads left to right.
    causal: bool,
}

/// The fields whose defaults depend on the method.
const BY_METHOD: [Field; 7] = [
    Field::LearningRate,
    Field::Epochs,
    Field::Batch,
    Field::Warmup,
    Field::Dropout,
    Field::WeightDecay,
    Field::Clipping,
];

/// A field of a recipe as the form writes it. No number of epochs means until the loss settles.
fn written(field: Field, recipe: &Recipe, share: f64) -> String {
    let percent = |share: f64| format!("{}", (share * 1000.0).round() / 10.0);
    let optimiser = &recipe.optimiser;
    match field {
        Field::LearningRate => rate_text(recipe.learning_rate),
        Field::Epochs if recipe.settles => String::new(),
        Field::Epochs => recipe.epochs.to_string(),
        Field::Batch => recipe.batch.to_string(),
        Field::Accumulation => recipe.accumulation.to_string(),
        Field::MaxTokens => recipe.max_tokens.to_string(),
        Field::Share => percent(share),
        Field::Warmup => percent(recipe.warmup),
        Field::Dropout => recipe.dropout.to_string(),
        Field::WeightDecay => optimiser.weight_decay.to_string(),
        Field::Clipping => optimiser.max_norm.map_or(String::new(), |n| n.to_string()),
        Field::LayerDecay => optimiser.layer_decay.to_string(),
        Field::Balance => recipe.balance.to_string(),
        Field::Seed => recipe.seed.to_string(),
        Field::MaskShare => percent(recipe.masking.share),
        Field::MaskHidden => percent(recipe.masking.hidden),
        Field::MaskSwapped => percent(recipe.masking.swapped),
    }
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Self {
            goal: Goal::default(),
            method: MethodChoice::default(),
            layers: 1,
            pooling: Pooling::Mean,
            whole_words: false,
            other: String::new(),
            texts: Default::default(),
            chosen: [false; Field::ALL.len()],
            chose_pooling: false,
            of_tokens: false,
            has_pooler: false,
            limit: 512,
            causal: false,
        };
        settings.put(&Recipe::new(Method::Head), 0.15);
        settings
    }
}

impl Settings {
    /// Shows a recipe in the form.
    fn put(&mut self, recipe: &Recipe, share: f64) {
        for field in Field::ALL {
            self.texts[field.place()] = written(field, recipe, share);
        }
    }

    /// What stands in a field.
    pub fn text(&self, field: Field) -> &str {
        &self.texts[field.place()]
    }

    /// Types into a field.
    pub fn edit(&mut self, field: Field, text: String) {
        let of_epochs = field == Field::Epochs;
        self.chosen[field.place()] = !of_epochs || !text.trim().is_empty();
        self.texts[field.place()] = text;
        if of_epochs {
            self.follow();
        }
    }

    /// Whether a head is to be trained until its loss settles: nobody gave a number of epochs.
    pub fn settles(&self) -> bool {
        let chose_none = self.text(Field::Epochs).trim().is_empty();
        self.method == MethodChoice::Head && !self.of_tokens && chose_none
    }

    /// The defaults for the chosen method.
    fn defaults(&self) -> Recipe {
        let method = self.the_method();
        let scheduled = self.of_tokens || self.chosen[Field::Epochs.place()];
        match self.method == MethodChoice::Head && scheduled {
            true => Recipe::scheduled(method),
            false => Recipe::new(method),
        }
    }

    /// Chooses a method; what nobody chose takes the field's defaults for it.
    pub fn choose(&mut self, method: MethodChoice) {
        self.method = method;
        self.follow();
    }

    /// Chooses how texts become vectors.
    pub fn choose_pooling(&mut self, pooling: Pooling) {
        self.pooling = pooling;
        self.chose_pooling = true;
    }

    /// Chooses what is learned.
    pub fn choose_goal(&mut self, goal: Goal) {
        self.goal = goal;
        if !self.suits(self.method) {
            self.choose(MethodChoice::All);
        }
    }

    /// Whether what is learned can be learned by a method: a head has no words to guess, and a generator is new.
    pub fn suits(&self, method: MethodChoice) -> bool {
        match method {
            MethodChoice::Head => !self.goal.guesses_words(),
            MethodChoice::Last => self.goal != Goal::Replaced,
            MethodChoice::All | MethodChoice::Scratch => true,
        }
    }

    /// Texts have been opened, of which something is said as a whole, or token by token.
    pub fn suit_texts(&mut self, of_tokens: bool) {
        self.of_tokens = of_tokens;
        let epochs = Field::Epochs.place();
        if !of_tokens && self.method == MethodChoice::Head && !self.chosen[epochs] {
            self.texts[epochs].clear();
        }
        self.follow();
    }

    /// A model has been loaded that reads left to right, or one that sees both sides: each guesses other words.
    pub fn suit_reading(&mut self, causal: bool) {
        self.causal = causal;
        if self.goal != Goal::Labels && causal != (self.goal == Goal::NextWord) {
            self.choose_goal(self.words_goal());
        }
    }

    /// What is learned of plain text.
    pub fn words_goal(&self) -> Goal {
        match self.causal {
            true => Goal::NextWord,
            false => Goal::Masks,
        }
    }

    /// A model has been loaded.
    pub fn suit(&mut self, has_pooler: bool, limit: usize, layers: usize) {
        self.has_pooler = has_pooler;
        self.layers = self.layers.clamp(1, layers.max(1));
        if self.pooling == Pooling::Pooler && !has_pooler {
            self.chose_pooling = false;
        }
        let longest = self.text(Field::MaxTokens).parse::<usize>();
        if limit < self.limit && longest.is_ok_and(|longest| longest > limit) {
            self.texts[Field::MaxTokens.place()] = limit.to_string();
        }
        self.limit = limit;
        self.follow();
    }

    fn follow(&mut self) {
        let defaults = self.defaults();
        for field in BY_METHOD {
            let at = field.place();
            // A field that someone has just emptied stays empty.
            if !(self.chosen[at] || self.settles() && field == Field::Epochs) {
                self.texts[at] = written(field, &defaults, 0.0);
            }
        }
        if !self.chose_pooling {
            self.pooling = match (self.method, self.has_pooler) {
                (MethodChoice::Head, _) => Pooling::Mean,
                (_, true) => Pooling::Pooler,
                (_, false) => Pooling::Cls,
            };
        }
    }

    fn the_method(&self) -> Method {
        match self.method {
            MethodChoice::Head => Method::Head,
            MethodChoice::Last => Method::LastLayers(self.layers),
            MethodChoice::All => Method::All,
            MethodChoice::Scratch => Method::Scratch,
        }
    }

    /// Shows the setup of a run.
    pub fn show(&mut self, setup: &Setup) {
        self.take(&setup.recipe);
        self.goal = setup.goal;
        self.other = setup.other.clone().unwrap_or_default();
        self.put(&setup.recipe, setup.share);
    }

    /// Takes over a recipe that the engine offers.
    pub fn take(&mut self, recipe: &Recipe) {
        let share = self
            .number(Field::Share)
            .map_or(0.15, |share| share / 100.0);
        self.method = match recipe.method {
            Method::Head => MethodChoice::Head,
            Method::LastLayers(count) => {
                self.layers = count;
                MethodChoice::Last
            }
            Method::All => MethodChoice::All,
            Method::Scratch => MethodChoice::Scratch,
        };
        self.pooling = recipe.pooling;
        self.whole_words = recipe.masking.whole_words;
        self.put(recipe, share);
        self.chosen[Field::Epochs.place()] = !self.text(Field::Epochs).is_empty();
        let defaults = self.defaults();
        for field in BY_METHOD {
            self.chosen[field.place()] = self.text(field) != written(field, &defaults, 0.0);
        }
    }

    /// The run that the form describes.
    ///
    /// # Errors
    /// Every field that does not hold a number, in a sentence each.
    pub fn setup(&self) -> Result<Setup, Vec<String>> {
        let mut problems = Vec::new();
        let mut number = |field: Field| {
            self.number(field).unwrap_or_else(|problem| {
                problems.push(problem);
                f64::NAN
            })
        };
        let (rate, share) = (number(Field::LearningRate), number(Field::Share) / 100.0);
        let (warmup, dropout) = (number(Field::Warmup) / 100.0, number(Field::Dropout));
        let weight_decay = number(Field::WeightDecay);
        let masking = Masking {
            share: number(Field::MaskShare) / 100.0,
            hidden: number(Field::MaskHidden) / 100.0,
            swapped: number(Field::MaskSwapped) / 100.0,
            whole_words: self.whole_words,
        };
        let (layer_decay, balance) = (number(Field::LayerDecay), number(Field::Balance));
        let clips = !self.text(Field::Clipping).trim().is_empty();
        let max_norm = clips.then(|| number(Field::Clipping));
        let mut whole = |field: Field| {
            let text = self.text(field).trim();
            text.parse::<u32>().unwrap_or_else(|_| {
                let label = field.label();
                problems.push(format!("{label}: “{text}” is not a whole number."));
                0
            })
        };
        let defaults = self.defaults();
        let epochs = match self.settles() {
            true => defaults.epochs as u32,
            false => whole(Field::Epochs),
        };
        let (batch, accumulation) = (whole(Field::Batch), whole(Field::Accumulation));
        let (max_tokens, seed) = (whole(Field::MaxTokens), whole(Field::Seed));
        if !(0.01..=0.9).contains(&share) && problems.is_empty() {
            let label = Field::Share.label();
            problems.push(format!("{label}: choose 1 to 90."));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let recipe = Recipe {
            method: self.the_method(),
            pooling: self.pooling,
            learning_rate: rate,
            epochs: epochs as usize,
            settles: self.settles(),
            batch: batch as usize,
            accumulation: accumulation as usize,
            warmup,
            dropout,
            max_tokens: max_tokens as usize,
            seed: u64::from(seed),
            balance,
            masking,
            optimiser: Optimiser {
                weight_decay,
                layer_decay,
                max_norm,
                ..defaults.optimiser
            },
        };
        let masks = self.goal.guesses_words();
        Ok(Setup {
            goal: self.goal,
            recipe,
            share,
            other: Some(self.other.trim().to_owned()).filter(|text| masks && !text.is_empty()),
        })
    }

    /// How words are to be hidden, where the form says it in numbers.
    pub fn masking(&self) -> Option<Masking> {
        let share = |field| Some(self.number(field).ok()? / 100.0);
        let masking = Masking {
            share: share(Field::MaskShare)?,
            hidden: share(Field::MaskHidden)?,
            swapped: share(Field::MaskSwapped)?,
            whole_words: self.whole_words,
        };
        masking.problems().is_empty().then_some(masking)
    }

    fn number(&self, field: Field) -> Result<f64, String> {
        let text = self.text(field).trim();
        typed(text).ok_or_else(|| format!("{}: “{text}” is not a number.", field.label()))
    }
}

#[cfg(test)]
mod tests;
