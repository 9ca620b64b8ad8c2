//! Texts as the visitor sees them before a run: what was read, and what a run would take.

mod material;
mod pairs;
mod running;

use crate::engine::load::Language;
use crate::engine::words::sentence;
use crate::failure::Failure;
use crate::protocol::{DataReport, PlanReport};
use crate::recipe::{Goal, Reading, Setup};
use bert::config::HeadKind;
use bert::data::{
    Columns, DataError, Dataset, Example, Format, HeaderRow, Prose, Report, Row, Split, Table,
    Text, Truth, kinds, texts,
};
use bert::model::Model;
use bert::train::{Extent, Limits, Method, Recipe, Task, check, needs, offers};
use kernels::LocalBoxFuture;
use pairs::{Key, Pairs};
use running::Running;
use std::cell::RefCell;

pub use material::{Labelled, Material};

/// Rows and characters of the preview.
const PREVIEW: (usize, usize) = (5, 160);
/// Sentences of a running text that are shown.
const SHOWN: usize = 50;
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
    /// Where whether a text follows is to be learned.
    pairs: RefCell<Option<Pairs>>,
    /// Where it is no table but running text.
    running: Option<Running>,
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
            pairs: RefCell::default(),
            running: None,
        })
    }

    /// Takes a running text.
    ///
    /// # Errors
    /// When it has no sentence.
    pub fn running(name: &str, text: &str) -> Result<Self, Failure> {
        let running = Running::new(text).ok_or_else(|| {
            Failure::new(
                format!("{name} cannot be learned from"),
                "The text is empty.",
                "Take a longer text.",
            )
        })?;
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
            rows: running
                .prose()
                .sentences()
                .take(SHOWN)
                .enumerate()
                .map(row)
                .collect(),
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
            pairs: RefCell::default(),
            running: Some(running),
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
                Some(running) => running.prose().sentences().count(),
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
        if setup.goal == Goal::Next {
            let pairs = self.pairs.borrow();
            return pairs.as_ref().map_or_else(
                || Err("The pairs of texts are not made yet.".to_owned()),
                Pairs::material,
            );
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
            goal: setup.goal,
        })
    }

    /// Counts every text's tokens, once for each model; running text is cut into pieces, and pairs are made, of as many tokens as
    /// the setup says.
    pub async fn measure(
        &self,
        model_hash: &str,
        Language {
            config, tokenizer, ..
        }: &Language,
        setup: &Setup,
        breathe: fn() -> LocalBoxFuture<'static, ()>,
    ) {
        let (limit, max_tokens) = (config.max_tokens(), setup.recipe.max_tokens);
        if setup.goal == Goal::Next {
            let key = Key::new(model_hash, config, setup);
            let is_there = |pairs: &Pairs| pairs.is_of(&key);
            if self.pairs.borrow().as_ref().is_some_and(is_there) {
                return;
            }
            let prose = match &self.running {
                Some(running) => running.prose().clone(),
                None => Prose::of(self.texts().iter().map(|text| text.text.as_str())),
            };
            let pairs = Pairs::make(key, prose, tokenizer, breathe).await;
            *self.pairs.borrow_mut() = Some(pairs);
            return;
        }
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
            _ if setup.goal == Goal::Next => recipe.max_tokens.min(model.config().max_tokens()),
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
                "Nothing is left for validation: add rows, or hold out a larger share.".to_owned(),
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
        let unsuited = match task {
            Task::NextWord => model.has_next_word().err(),
            Task::Head { .. } => None,
            _ if model.config().causal => model.has_mlm().err(),
            _ => None,
        };
        if let Some(problem) = unsuited {
            return report.problems.push(problem);
        }
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
        "Fix the file and open it again. One example a line: a label, a tab, a text.",
    )
}
