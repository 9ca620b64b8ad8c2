//! Labelled texts as the visitor sees them before a run: what was read, and what a run would take.

use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::{DataReport, PlanReport};
use crate::recipe::{Goal, Reading, Setup};
use bert::config::HeadKind;
use bert::data::{
    Blocks, Columns, DataError, Dataset, Example, Format, HeaderRow, Report, Row, Split, Table,
    Text, Truth, kinds, label_counts, sentences, texts,
};
use bert::metrics::Confusion;
use bert::model::{Model, TaskHead};
use bert::tokenizer::Tokenizer;
use bert::train::{self, Extent, Limits, Method, Recipe, Task, check, needs, offers};
use kernels::LocalBoxFuture;
use std::cell::RefCell;
use std::rc::Rc;

/// Rows and characters of the preview.
const PREVIEW: (usize, usize) = (5, 160);
/// Sentences of a running text that are shown.
const SHOWN: usize = 50;
/// The fewest pieces of a running text that can be learned from: one at least is held out.
const FEWEST_PIECES: usize = 2;
/// Texts that are cut into tokens between two breaths.
const BREATH: usize = 256;

/// Each row's tokens, up to the model's limit, and whether there are more.
type Lengths = Vec<(usize, bool)>;

/// Texts that were read, and how.
pub struct Lesson {
    name: String,
    table: Table,
    columns: Columns,
    /// What heads can learn from them, and the one that is to.
    kinds: Vec<HeadKind>,
    kind: Option<HeadKind>,
    /// For the model of this hash.
    lengths: RefCell<Option<(String, Lengths)>>,
    /// Where it is no table but running text.
    running: Option<Running>,
}

/// A running text, which is cut into pieces for a model.
struct Running {
    sentences: Vec<String>,
    pieces: RefCell<Option<Pieces>>,
}

/// The pieces for the model of a hash, each of so many tokens at most.
struct Pieces {
    hash: String,
    max_tokens: usize,
    texts: Rc<Vec<Text>>,
}

/// The examples of a run of a head.
pub struct Labelled {
    kind: HeadKind,
    pub labels: Vec<String>,
    train: Vec<Example>,
    pub validation: Vec<Example>,
}

impl Labelled {
    /// What a head learns.
    pub fn as_lesson(&self) -> train::Lesson<'_> {
        train::Lesson {
            kind: self.kind,
            labels: &self.labels,
            train: &self.train,
            validation: &self.validation,
        }
    }
}

/// The examples of a run.
pub enum Material {
    Labelled(Labelled),
    Plain {
        train: Vec<Text>,
        validation: Vec<Text>,
    },
}

impl Material {
    /// Examples to learn from, and to check with.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Labelled(labelled) => (labelled.train.len(), labelled.validation.len()),
            Self::Plain { train, validation } => (train.len(), validation.len()),
        }
    }

    /// Examples to learn from and to check with, label by label; one number each where texts have no
    /// labels.
    pub fn counts(&self) -> (Vec<usize>, Vec<usize>) {
        match self {
            Self::Labelled(labelled)
                if matches!(labelled.kind, HeadKind::Classes | HeadKind::Labels) =>
            {
                let count = |examples: &[Example]| label_counts(examples, labelled.labels.len());
                (count(&labelled.train), count(&labelled.validation))
            }
            _ => {
                let (train, validation) = self.sizes();
                (vec![train], vec![validation])
            }
        }
    }

    /// The most texts of an example, where one of several is chosen.
    fn group(&self) -> usize {
        let Self::Labelled(labelled) = self else {
            return 1;
        };
        let texts = |example: &Example| match &example.truth {
            Truth::Choice { options, .. } => options.len(),
            _ => 1,
        };
        let all = labelled.train.iter().chain(&labelled.validation);
        all.map(texts).max().unwrap_or(1)
    }

    /// Whether each example is two texts.
    pub fn has_pairs(&self) -> bool {
        match self {
            Self::Labelled(labelled) if labelled.kind == HeadKind::Choice => true,
            Self::Labelled(labelled) => labelled.train.iter().any(|e| e.pair.is_some()),
            Self::Plain { train, .. } => train.iter().any(|t| t.pair.is_some()),
        }
    }

    /// The share of the validation set that always giving the most frequent class gets right.
    pub fn majority(&self) -> Option<f64> {
        match self {
            Self::Labelled(labelled) if labelled.kind == HeadKind::Classes => {
                let (train, validation) = self.counts();
                let confusion = Confusion::of_majority(&train, &validation);
                Some(confusion.metrics().accuracy)
            }
            _ => None,
        }
    }

    /// The head that a run makes; `None` where hidden words are learned.
    pub fn head(&self, recipe: &Recipe) -> Option<TaskHead> {
        match self {
            Self::Labelled(labelled) => Some(labelled.as_lesson().head(recipe)),
            Self::Plain { .. } => None,
        }
    }

    /// What is learned from it.
    pub fn task(&self, recipe: &Recipe) -> Task {
        match self {
            Self::Labelled(labelled) => labelled.as_lesson().task(recipe.pooling),
            Self::Plain { .. } => Task::MaskedLm,
        }
    }
}

impl Lesson {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// When they are no table; the failure names the row.
    pub fn read(name: &str, bytes: &[u8], reading: Reading) -> Result<Self, Failure> {
        let format = Format::guess(Some(name), bytes);
        let header = match reading.header {
            None => HeaderRow::Detect,
            Some(true) => HeaderRow::Present,
            Some(false) => HeaderRow::Absent,
        };
        let table = Table::parse(bytes, format, header).map_err(|error| unusable(name, &error))?;
        let columns = reading.columns.unwrap_or_else(|| Columns::guess(&table));
        let kinds = kinds(&table, &columns);
        let chosen = reading.kind.filter(|kind| kinds.contains(kind));
        let kind = chosen.or(kinds.first().copied());
        texts(&table, &columns).map_err(|error| unusable(name, &error))?;
        Ok(Self {
            name: name.to_owned(),
            table,
            columns,
            kinds,
            kind,
            lengths: RefCell::default(),
            running: None,
        })
    }

    /// Takes a running text.
    ///
    /// # Errors
    /// When it has no sentence.
    pub fn running(name: &str, text: &str) -> Result<Self, Failure> {
        let sentences = sentences(text);
        if sentences.is_empty() {
            return Err(Failure::new(
                format!("{name} cannot be learned from"),
                "The text is empty.",
                "Take a longer text.",
            ));
        }
        let row = |(i, sentence): (usize, &String)| Row {
            line: i + 1,
            cells: vec![sentence.clone()],
            given: 1,
            marks: None,
        };
        let table = Table {
            format: Format::Lines,
            header: false,
            columns: vec!["text".to_owned()],
            rows: sentences.iter().take(SHOWN).enumerate().map(row).collect(),
            headers_again: Vec::new(),
            left_out: Vec::new(),
            remarks: Vec::new(),
        };
        Ok(Self {
            name: name.to_owned(),
            columns: Columns {
                text: 0,
                pair: None,
                label: None,
            },
            table,
            kinds: Vec::new(),
            kind: None,
            lengths: RefCell::default(),
            running: Some(Running {
                sentences,
                pieces: RefCell::default(),
            }),
        })
    }

    /// Some of its texts, from its beginning.
    pub fn first_texts(&self, count: usize) -> Vec<String> {
        let rows = self.table.rows.iter().take(count);
        rows.filter_map(|row| row.cells.get(self.columns.text).cloned())
            .collect()
    }

    /// What to call the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The texts without their labels.
    pub fn texts(&self) -> Vec<Text> {
        texts(&self.table, &self.columns).expect("checked when the table was read")
    }

    /// The labelled examples, and what should be known of them.
    pub fn dataset(&self) -> Result<(Dataset, Report), DataError> {
        let kind = self.kind.unwrap_or(HeadKind::Classes);
        Dataset::of(kind, &self.table, &self.columns, None)
    }

    /// What was read, in words.
    pub fn report(&self) -> DataReport {
        let mut notes = self.table.notes();
        let (labels, problem) = match self.dataset() {
            _ if self.running.is_some() => (Vec::new(), None),
            Ok((dataset, report)) => {
                notes.extend(report.notes());
                let counts = report.counts.iter().copied();
                let labels = dataset.labels.iter().cloned().zip(counts).collect();
                (labels, None)
            }
            Err(error) => (Vec::new(), Some(sentence(&error))),
        };
        let cut = |cell: &String| match cell.char_indices().nth(PREVIEW.1) {
            Some((end, _)) => format!("{}…", &cell[..end]),
            None => cell.clone(),
        };
        let rows = self.table.rows.iter().take(PREVIEW.0);
        DataReport {
            name: self.name.clone(),
            format: match self.running {
                Some(_) => "running text".to_owned(),
                None => self.table.format.name().to_owned(),
            },
            rows: match &self.running {
                Some(running) => running.sentences.len(),
                None => self.table.rows.len(),
            },
            header: self.table.header,
            columns: self.table.columns.clone(),
            chosen: self.columns.clone(),
            preview: rows
                .map(|row| row.cells.iter().map(cut).collect())
                .collect(),
            kinds: self.kinds.clone(),
            kind: self.kind,
            marked: self.table.rows.iter().any(|row| row.marks.is_some()),
            prose: self.running.is_some(),
            labels,
            notes,
            problem,
        }
    }

    /// The examples of a run, split by its seed.
    ///
    /// # Errors
    /// What is wrong with the labels, in a sentence.
    pub fn material(&self, setup: &Setup) -> Result<Material, String> {
        let (share, seed) = (setup.share, setup.recipe.seed);
        if setup.goal == Goal::Labels {
            if self.running.is_some() {
                return Err(
                    "Running text has no labels: learn its hidden words, or open a table."
                        .to_owned(),
                );
            }
            let (dataset, _) = self.dataset().map_err(|error| sentence(&error))?;
            let split = Split::stratified(&dataset, share, seed);
            let take = |places: &[usize]| {
                let example = |&i: &usize| dataset.examples[i].clone();
                places.iter().map(example).collect::<Vec<_>>()
            };
            return Ok(Material::Labelled(Labelled {
                kind: dataset.kind,
                train: take(&split.train),
                validation: take(&split.validation),
                labels: dataset.labels,
            }));
        }
        if let Some(running) = &self.running {
            return running.material(setup);
        }
        // One class: the split then only keeps equal texts together.
        let texts = self.texts();
        let unlabelled = |text: &Text| Example {
            text: text.text.clone(),
            pair: text.pair.clone(),
            truth: Truth::Class(0),
            line: 0,
        };
        let dataset = Dataset {
            kind: HeadKind::Classes,
            examples: texts.iter().map(unlabelled).collect(),
            labels: vec![String::new()],
        };
        let split = Split::stratified(&dataset, share, seed);
        let take = |places: &[usize]| places.iter().map(|&i| texts[i].clone()).collect();
        Ok(Material::Plain {
            train: take(&split.train),
            validation: take(&split.validation),
        })
    }

    /// Counts every text's tokens, once for each model; running text is cut into pieces of `max_tokens` tokens.
    pub async fn measure(
        &self,
        model_hash: &str,
        tokenizer: &Tokenizer,
        [limit, max_tokens]: [usize; 2],
        breathe: fn() -> LocalBoxFuture<'static, ()>,
    ) {
        if let Some(running) = &self.running {
            let max_tokens = max_tokens.clamp(3, limit.max(3));
            return running
                .cut(model_hash, tokenizer, max_tokens, breathe)
                .await;
        }
        let is_this = |(hash, _): &(String, Lengths)| hash == model_hash;
        if self.lengths.borrow().as_ref().is_some_and(is_this) {
            return;
        }
        let mut lengths = Vec::with_capacity(self.table.rows.len());
        for (i, text) in self.texts().iter().enumerate() {
            let encoding = tokenizer.encode(&text.text, text.pair.as_deref(), limit);
            lengths.push((encoding.ids.len(), encoding.truncated.is_some()));
            if i % BREATH == BREATH - 1 {
                breathe().await;
            }
        }
        *self.lengths.borrow_mut() = Some((model_hash.to_owned(), lengths));
    }

    /// What a run would take; the texts have been measured.
    pub fn plan(&self, setup: &Setup, model: &Model) -> PlanReport {
        let recipe = &setup.recipe;
        let lengths = self.lengths.borrow();
        let lengths = lengths.as_ref().map_or(&[][..], |(_, l)| &l[..]);
        let cut = |&&(tokens, more): &&(usize, bool)| tokens > recipe.max_tokens || more;
        let longest = lengths.iter().map(|&(tokens, _)| tokens).max().unwrap_or(0);
        let longest = match self.running {
            Some(_) => recipe.max_tokens.min(model.config().max_tokens()),
            None => longest.min(recipe.max_tokens),
        };
        let mut report = PlanReport {
            train: 0,
            validation: 0,
            steps: 0,
            longest,
            truncated: lengths.iter().filter(cut).count(),
            majority: None,
            needs: None,
            problems: recipe.problems(),
            warnings: recipe.warnings(),
            offers: Vec::new(),
        };
        let material = match self.material(setup) {
            Ok(material) => material,
            Err(problem) => {
                report.problems.push(problem);
                return report;
            }
        };
        (report.train, report.validation) = material.sizes();
        report.majority = material.majority();
        if report.train == 0 || report.validation == 0 {
            report.problems.push(
                "There is nothing left to check with: add rows, or put a larger share aside."
                    .to_owned(),
            );
        }
        if !report.problems.is_empty() {
            return report;
        }
        let batch = recipe.batch.min(report.train);
        if batch < recipe.batch {
            report.warnings.push(format!(
                "The batch of {} is larger than the {batch} examples to learn from: they all \
                 make one step.",
                recipe.batch
            ));
        }
        if !recipe.settles {
            report.steps = recipe.epochs * report.train.div_ceil(batch);
        }
        self.fit(&material, recipe, model, &mut report);
        report
    }

    /// Whether the run fits the device, and what would.
    fn fit(&self, material: &Material, recipe: &Recipe, model: &Model, report: &mut PlanReport) {
        let task = material.task(recipe);
        let extent = Extent {
            longest: report.longest,
            examples: report.train + report.validation,
            group: material.group(),
        };
        let limits = Limits::of(model.device());
        match needs(model, task, recipe, extent) {
            Err(error) => report.problems.push(sentence(&error)),
            Ok(needs) => {
                if let Err(problem) = check(&needs, &limits) {
                    report.problems.push(problem);
                    let fitting = offers(model, task, recipe, extent, &limits);
                    let named = fitting
                        .into_iter()
                        .map(|offer| (change(recipe, &offer), offer));
                    report.offers = named.collect();
                }
                report.needs = Some(needs);
            }
        }
    }
}

impl Running {
    /// Cuts the text into pieces, once for a model and a length.
    async fn cut(
        &self,
        hash: &str,
        tokenizer: &Tokenizer,
        max_tokens: usize,
        breathe: fn() -> LocalBoxFuture<'static, ()>,
    ) {
        let is_this = |one: &Pieces| one.hash == hash && one.max_tokens == max_tokens;
        if self.pieces.borrow().as_ref().is_some_and(is_this) {
            return;
        }
        let mut blocks = Blocks::new(tokenizer, max_tokens);
        for (i, sentence) in self.sentences.iter().enumerate() {
            blocks.push(tokenizer, sentence);
            if i % BREATH == BREATH - 1 {
                breathe().await;
            }
        }
        *self.pieces.borrow_mut() = Some(Pieces {
            hash: hash.to_owned(),
            max_tokens,
            texts: Rc::new(blocks.finish()),
        });
    }

    /// The pieces, of which the last are held out.
    fn material(&self, setup: &Setup) -> Result<Material, String> {
        let pieces = self.pieces.borrow();
        let texts = pieces.as_ref().map(|pieces| pieces.texts.clone());
        let texts = texts.unwrap_or_default();
        if texts.len() < FEWEST_PIECES {
            return Err(format!(
                "The text fills {} of {} tokens: at least {FEWEST_PIECES} are needed, one of which is held out. Take a longer \
                 text, or a shorter longest text.",
                match texts.len() {
                    1 => "1 piece".to_owned(),
                    count => format!("{count} pieces"),
                },
                setup.recipe.max_tokens
            ));
        }
        let held = (setup.share * texts.len() as f64).round() as usize;
        let train = texts.len() - held.clamp(1, texts.len() - 1);
        Ok(Material::Plain {
            train: texts[..train].to_vec(),
            validation: texts[train..].to_vec(),
        })
    }
}

/// What a recipe changes, in a few words.
fn change(from: &Recipe, to: &Recipe) -> String {
    let mut changes = Vec::new();
    if from.method != to.method {
        changes.push(match to.method {
            Method::Head => "the head only".to_owned(),
            Method::LastLayers(1) => "the last layer".to_owned(),
            Method::LastLayers(count) => format!("the last {count} layers"),
            Method::All => "the whole model".to_owned(),
            Method::Scratch => "from random weights".to_owned(),
        });
    }
    if from.accumulation != to.accumulation && from.batch == to.batch {
        changes.push(format!("each step in {} parts", to.accumulation));
    }
    if from.batch != to.batch {
        changes.push(format!("batches of {}", to.batch));
    }
    if from.max_tokens != to.max_tokens {
        changes.push(format!("texts of at most {} tokens", to.max_tokens));
    }
    let text = changes.join(", ");
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn unusable(name: &str, error: &DataError) -> Failure {
    Failure::new(
        format!("{name} cannot be learned from"),
        sentence(error),
        "Mend the file and open it again. One example a line: a label, a tab, a text.",
    )
}
