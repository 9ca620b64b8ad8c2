//! What the page should show: the same checkpoint, natively, on the CPU executor.

use crate::visit::weights_of;
use bert::config::Config;
use bert::data::Text;
use bert::inside::{Neighbour, ReplaceRequest, Round, neighbours, replace};
use bert::model::{Model, ModelLoader};
use bert::probe::{Fill, Replaced, Request, Said, fill_mask, predict, replaced};
use bert::tokenizer::Tokenizer;
use kernels::{Control, Device, Precision};
use std::cell::RefCell;
use std::path::Path;

/// How many predictions the page shows unless asked for more.
pub const TOP_K: usize = 5;

/// A checkpoint, loaded natively.
pub struct Reference {
    model: RefCell<Model>,
    tokenizer: Tokenizer,
}

impl Reference {
    /// The bundled model, which is published in another form.
    pub fn bundled() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::of(&root.join("../static/models/seedling"))
    }

    pub fn of(folder: &Path) -> Self {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let config = String::from_utf8(read("config.json")).expect("UTF-8");
        let config = Config::from_json(&config).expect("a valid config.json");
        let weights = read(weights_of(folder));
        let device = Device::Cpu(Precision::F32);
        let mut loader =
            ModelLoader::new(&device, config, Some(weights.len() as u64)).expect("a loader");
        loader.push(&weights).expect("valid weights");
        Self {
            model: RefCell::new(pollster::block_on(loader.finish()).expect("a whole model")),
            tokenizer: Tokenizer::from_tokenizer_json(&read("tokenizer.json"))
                .expect("a tokenizer"),
        }
    }

    /// The answer to a text as a visitor types it.
    pub fn fill(&self, text: &str) -> Fill {
        self.answer(text, None, &[], TOP_K)
    }

    /// What the head of a task says of a text.
    pub fn said(&self, text: &str, pair: Option<&str>) -> Said {
        let asked = Text {
            text: text.to_owned(),
            pair: pair.map(str::to_owned),
        };
        let (control, mut model) = (Control::default(), self.model.borrow_mut());
        let said = predict(&mut model, &self.tokenizer, &asked, &control);
        pollster::block_on(said).expect("an answer")
    }

    /// The nearest tokens to one, as it is spelled in the vocabulary.
    pub fn nearest(&self, token: &str, count: usize) -> Vec<Neighbour> {
        let id = self.tokenizer.token_to_id(token).expect("a token");
        let (control, mut model) = (Control::default(), self.model.borrow_mut());
        let found = neighbours(&mut model, &self.tokenizer, id, count, &control);
        pollster::block_on(found).expect("neighbours")
    }

    /// A text with words replaced.
    pub fn round(&self, request: &ReplaceRequest) -> Round {
        let (control, mut model) = (Control::default(), self.model.borrow_mut());
        let round = replace(&mut model, &self.tokenizer, request, &control);
        pollster::block_on(round).expect("a round")
    }

    /// Of each token, how likely someone replaced it.
    pub fn replaced(&self, text: &str) -> Replaced {
        let request = Request {
            text: text.to_string(),
            pair: None,
            hidden: Vec::new(),
            top_k: 1,
            compare: Vec::new(),
        };
        let (control, mut model) = (Control::default(), self.model.borrow_mut());
        let answer = replaced(&mut model, &self.tokenizer, &request, &control);
        pollster::block_on(answer).expect("an answer")
    }

    pub fn answer(&self, text: &str, pair: Option<&str>, hidden: &[usize], top_k: usize) -> Fill {
        let request = Request {
            text: text.to_string(),
            pair: pair.map(str::to_string),
            hidden: hidden.to_vec(),
            top_k,
            compare: Vec::new(),
        };
        let (control, mut model) = (Control::default(), self.model.borrow_mut());
        let answer = fill_mask(&mut model, &self.tokenizer, &request, &control);
        let mut fill = pollster::block_on(answer).expect("an answer");
        // Of one text alone the head says nothing, though it computes something.
        fill.nsp = fill.nsp.filter(|_| pair.is_some());
        fill
    }
}
