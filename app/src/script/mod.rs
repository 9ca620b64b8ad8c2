//! What the page shows of a text as a Python script that computes the same with `transformers`.
//!
//! Texts of strangers enter a script by [`literal()`] only.

mod bodies;
mod literal;

pub use literal::literal;

use bert::config::{HeadKind, Pooling};
use bert::probe::{Fill, Replaced, Said, Truncated, answers};
use bert::tokenizer::STRIDE;
use literal::list;

/// Where Python finds the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On a hub.
    Hub {
        /// `owner/name`.
        id: String,
        /// A commit, a tag or a branch.
        revision: String,
        /// The hub's address, where it is not the one that `transformers` asks.
        endpoint: Option<String>,
    },
    /// In a folder of whoever runs the script.
    Folder(Folder),
}

/// Which folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The model that comes with the page, saved from it.
    Bundled,
    /// What was taught in the page, saved from it.
    Taught,
    /// The files that the visitor opened, under this name.
    Opened(String),
    /// The files at this address.
    Web(String),
}

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'a> {
    /// Guesses of hidden words, and whether the second text follows.
    Fill {
        /// The answer; its verdict counts where there are two texts.
        fill: &'a Fill,
        /// The text as it was asked of.
        text: &'a str,
        /// The second text.
        pair: Option<&'a str>,
    },
    /// How likely each token was replaced.
    Marks {
        /// The answer.
        marks: &'a Replaced,
        /// The text as it was asked of.
        text: &'a str,
        /// The second text.
        pair: Option<&'a str>,
    },
    /// What the head of a task says.
    Said(&'a Said),
}

/// All that a script is made of.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    /// Where Python finds the model.
    pub origin: Origin,
    /// The first of `architectures` in config.json.
    pub architecture: &'a str,
    /// The most tokens that the model reads.
    pub max_tokens: usize,
    /// What the page shows.
    pub shown: Shown<'a>,
}

/// A body, and what stands around it.
struct Parts {
    /// The class that loads the model, an `AutoModel…`.
    class: &'static str,
    /// `NAME = literal` lines.
    settings: Vec<String>,
    /// The body; its places are filled with words of this module only.
    body: String,
    /// Whether the folder brings code of its own.
    code: bool,
}

impl Script<'_> {
    /// The script, runnable from top to bottom in a cell of a notebook. `None` where there is nothing to print (no guess, no
    /// passage, a single choice), or Python would read the text in other parts than the page: a question that fills half of
    /// what the model reads.
    pub fn python(&self) -> Option<String> {
        let parts = match self.shown {
            Shown::Fill { fill, text, pair } => self.fill(fill, text, pair)?,
            Shown::Marks { marks, text, pair } => self.marks(marks, text, pair),
            Shown::Said(said) => self.said(said)?,
        };
        let (origin, arguments) = self.origin();
        let (trust, trusted) = match (parts.code, &self.origin) {
            (false, _) => ("", ""),
            (true, Origin::Folder(Folder::Taught)) => (
                "# The folder brings a few lines of code for how its head reads a text.\nTRUST = True\n",
                ", trust_remote_code=TRUST",
            ),
            (true, _) => (
                "# This model brings Python code for how its head reads a text. Read that code, then say True.\nTRUST = False\n",
                ", trust_remote_code=TRUST",
            ),
        };
        let endpoint = match &self.origin {
            Origin::Hub {
                endpoint: Some(endpoint),
                ..
            } => {
                format!(
                    "import os\nos.environ[\"HF_ENDPOINT\"] = {}\n",
                    literal(endpoint)
                )
            }
            _ => String::new(),
        };
        let Parts {
            class,
            settings,
            body,
            ..
        } = parts;
        let settings = settings.concat();
        let body = self.with_segments(&body);
        Some(format!(
            "# What Unmask shows of a text, computed by transformers. Needs: pip install torch transformers\n\
             {endpoint}import torch\nfrom transformers import {class}, AutoTokenizer\n\n\
             {origin}{trust}{settings}\n\
             tokenizer = AutoTokenizer.from_pretrained(MODEL{arguments}{trusted})\n\
             model = {class}.from_pretrained(MODEL{arguments}{trusted}).float().eval()\n\n{body}"
        ))
    }

    /// The lines that say where the model is, and what else loading it takes.
    fn origin(&self) -> (String, &'static str) {
        let comment = match &self.origin {
            Origin::Hub { id, revision, .. } => {
                let (id, revision) = (literal(id), literal(revision));
                return (format!("MODEL = {id}\nREVISION = {revision}\n"), ", revision=REVISION");
            }
            Origin::Folder(Folder::Bundled) => {
                "# Unmask's own model: save it from the page (About this model, Save as a folder), unzip it,\n\
                 # and write here where it lies.\n"
                    .to_owned()
            }
            Origin::Folder(Folder::Taught) => {
                "# What was taught in the page: download it there (Teach, Download the folder), unzip it,\n\
                 # and write here where it lies.\n"
                    .to_owned()
            }
            Origin::Folder(Folder::Opened(name)) => {
                format!("# Write here where the folder lies that was opened in the page: {}.\n", literal(name))
            }
            Origin::Folder(Folder::Web(address)) => format!(
                "# Download the files at {} into a folder, and write here where it lies.\n",
                literal(address)
            ),
        };
        (format!("{comment}MODEL = \"path/to/folder\"\n"), "")
    }

    fn fill(&self, fill: &Fill, text: &str, pair: Option<&str>) -> Option<Parts> {
        let albert = self.architecture.starts_with("Albert");
        let verdict = pair.is_some() && fill.nsp.is_some();
        let (class, logits, follows) = match (fill.masks.is_empty(), verdict) {
            (true, false) => return None,
            (false, false) => ("AutoModelForMaskedLM", "output.logits", ""),
            (true, true) if !albert => ("AutoModelForNextSentencePrediction", "", "output.logits"),
            (_, true) if albert => (
                "AutoModelForPreTraining",
                "output.prediction_logits",
                "output.sop_logits",
            ),
            (_, true) => (
                "AutoModelForPreTraining",
                "output.prediction_logits",
                "output.seq_relationship_logits",
            ),
        };
        let hidden: Vec<usize> = fill.masks.iter().map(|mask| mask.position).collect();
        let guesses = fill.masks.first().map_or(0, |mask| mask.predictions.len());
        let mut settings = texts(text, pair);
        let mut body = bodies::TOKENS.replace("{cut}", &cut(fill.truncated.as_ref()));
        if !hidden.is_empty() {
            settings.push(places(&hidden));
            settings.push(format!("GUESSES = {guesses}\n"));
            body.push_str(bodies::HIDE);
        }
        body.push_str(bodies::RUN);
        if !hidden.is_empty() {
            body.push_str(&bodies::GUESSES.replace("{logits}", logits));
        }
        if verdict {
            body.push_str(&bodies::FOLLOWS.replace("{logits}", follows));
        }
        Some(Parts {
            class,
            settings,
            body: for_pair(&body, pair.is_some()),
            code: false,
        })
    }

    fn marks(&self, marks: &Replaced, text: &str, pair: Option<&str>) -> Parts {
        let hidden = (0..marks.tokens.len()).filter(|&i| marks.tokens[i].masked);
        let hidden: Vec<usize> = hidden.collect();
        let mut settings = texts(text, pair);
        let mut body = bodies::TOKENS.replace("{cut}", &cut(marks.truncated.as_ref()));
        if !hidden.is_empty() {
            settings.push(places(&hidden));
            body.push_str(bodies::HIDE);
        }
        body.push_str(bodies::RUN);
        body.push_str(bodies::REPLACED);
        let body = for_pair(&body, pair.is_some());
        Parts {
            class: "AutoModelForPreTraining",
            settings,
            body,
            code: false,
        }
    }

    fn said(&self, said: &Said) -> Option<Parts> {
        let (kind, text) = (said.head.kind, &said.text);
        let pair = text.pair.as_deref();
        let limit = said
            .head
            .max_tokens
            .map_or(self.max_tokens, |own| own.min(self.max_tokens));
        let class = match kind {
            HeadKind::Classes | HeadKind::Labels | HeadKind::Score => {
                "AutoModelForSequenceClassification"
            }
            HeadKind::Tokens => "AutoModelForTokenClassification",
            HeadKind::Span => "AutoModelForQuestionAnswering",
            HeadKind::Choice => "AutoModelForMultipleChoice",
        };
        let plain = |body: &str| format!("{}{}{body}", bodies::TOKENS, bodies::RUN);
        let mut settings = texts(&text.text, pair);
        let body = match kind {
            HeadKind::Classes => plain(&bodies::OUTPUTS.replace("{shares}", "softmax(-1)")),
            HeadKind::Labels => plain(&bodies::OUTPUTS.replace("{shares}", "sigmoid()")),
            HeadKind::Score => plain(bodies::SCORE),
            HeadKind::Tokens => format!("{}{}{}", bodies::OFFSETS, bodies::RUN, bodies::ENTITIES),
            HeadKind::Span => span(said, limit)?,
            HeadKind::Choice => {
                let choices = said.choices();
                if choices.len() < 2 {
                    return None;
                }
                settings = texts(&text.text, None);
                settings.push(format!("CHOICES = {}\n", list(choices)));
                bodies::CHOICES.replace("{limit}", &limit.to_string())
            }
        };
        let body = body.replace("{cut}", &cut(said.truncated.as_ref()));
        let code = kind.reads_one_vector() && self.brings_code(said.head.pooling);
        Some(Parts {
            class,
            settings,
            body: for_pair(&body, pair.is_some()),
            code,
        })
    }

    /// Which of two texts a token is of, for models that tell them apart: not all tokenizers say it unasked, and some say it to
    /// models that have no use for it.
    fn with_segments(&self, body: &str) -> String {
        let is = |families: &[&str]| {
            families
                .iter()
                .any(|family| self.architecture.starts_with(family))
        };
        if is(&["DistilBert"]) {
            let without = "inputs.pop(\"token_type_ids\", None)\nwith torch.no_grad";
            return body
                .replace("{types}", "")
                .replacen("with torch.no_grad", without, 1);
        }
        let alike = is(&["Roberta", "XLMRoberta", "Camembert"]);
        let pair = body.contains("PAIR") || body.contains("CHOICES");
        body.replace(
            "{types}",
            if pair && !alike {
                ", return_token_type_ids=True"
            } else {
                ""
            },
        )
    }

    /// Whether `transformers` has no class that reads a text so: see `bert::export`.
    fn brings_code(&self, pooling: Pooling) -> bool {
        let tanh = !["DistilBert", "Electra"]
            .iter()
            .any(|family| self.architecture.starts_with(family));
        match pooling {
            Pooling::Mean => true,
            Pooling::Cls => !tanh,
            Pooling::Pooler => false,
        }
    }
}

/// The body for an answer. A long passage is read in parts.
fn span(said: &Said, limit: usize) -> Option<String> {
    let first = said
        .tokens
        .iter()
        .filter(|token| token.sequence == Some(0))
        .count();
    let around = said
        .tokens
        .iter()
        .filter(|token| token.sequence.is_none())
        .count();
    let paired = said.text.pair.is_some();
    let room = limit.saturating_sub(around);
    if paired && first >= room / 2 || answers(said, 1).0.is_empty() {
        return None;
    }
    let size = room - first;
    let parts = match (paired, said.windows > 1) {
        (true, true) => format!(
            ", truncation=\"only_second\", max_length={limit}, stride={},\n    return_overflowing_tokens=True, padding=True",
            STRIDE.min(size / 2)
        ),
        (true, false) => String::new(),
        (false, _) => cut(said.truncated.as_ref()),
    };
    let (passage, sequence) = match paired {
        true => ("PAIR", "1"),
        false => ("TEXT", "0"),
    };
    Some(
        bodies::ANSWERS
            .replace("{parts}", &parts)
            .replace("{passage}", passage)
            .replace("{sequence}", sequence),
    )
}

fn texts(text: &str, pair: Option<&str>) -> Vec<String> {
    let first = format!("TEXT = {}\n", literal(text));
    let second = pair.map(|pair| format!("PAIR = {}\n", literal(pair)));
    std::iter::once(first).chain(second).collect()
}

fn places(hidden: &[usize]) -> String {
    format!("HIDDEN = {hidden:?}  # which tokens; the first of all, [CLS] or <s>, is 0\n")
}

fn for_pair(body: &str, paired: bool) -> String {
    body.replace("{texts}", if paired { "TEXT, PAIR" } else { "TEXT" })
}

/// Cuts a text where the page cut it.
fn cut(truncated: Option<&Truncated>) -> String {
    truncated.map_or_else(String::new, |truncated| {
        format!(", truncation=True, max_length={}", truncated.kept)
    })
}

#[cfg(test)]
mod tests;
