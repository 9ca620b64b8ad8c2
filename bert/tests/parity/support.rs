//! A golden file's cases, through a graph of the test's own and through the probe.

use std::path::Path;

use bert::model::{Builder, Model};
use bert::probe::{Fill, ProbeError, Request, fill_mask};
use kernels::{Control, Executable, Graph, Plan, Tensor, TensorType, Value};
use serde::Deserialize;

use crate::common;

/// Largest distance of a logit from the reference.
pub const LOGIT: f64 = 1e-3;
/// Guesses whose reference logits lie closer than this may change places.
const TIE: f64 = 1e-4;
/// Largest relative distance of a norm of hidden states.
const NORM: f64 = 1e-4;

#[derive(Deserialize)]
pub struct Golden {
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub text: String,
    pub text_pair: Option<String>,
    tokens: Vec<String>,
    input_ids: Vec<u32>,
    attention_mask: Vec<u32>,
    /// RoBERTa and DistilBERT have none.
    #[serde(default)]
    token_type_ids: Vec<u32>,
    masked: Vec<Masked>,
    cls_last_hidden_first8: Vec<f64>,
    cls_last_hidden_l2: f64,
    hidden_l2_per_layer_unpadded: Vec<f64>,
    pooler_first8: Option<Vec<f64>>,
    pooler_l2: Option<f64>,
    #[serde(alias = "sop_logits")]
    nsp_logits: Option<[f64; 2]>,
    /// One a token, padding too.
    pub replaced_logits: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Masked {
    position: usize,
    top10: Vec<Top>,
    logits_l2: f64,
    logsumexp: f64,
}

#[derive(Deserialize)]
struct Top {
    id: u32,
    logit: f64,
    prob: f64,
}

impl Case {
    fn length(&self) -> usize {
        self.attention_mask.iter().sum::<u32>() as usize
    }

    fn types(&self) -> Vec<u32> {
        match self.token_type_ids.is_empty() {
            true => vec![0; self.input_ids.len()],
            false => self.token_type_ids.clone(),
        }
    }

    pub fn is_padded(&self) -> bool {
        self.length() < self.input_ids.len()
    }
}

/// Runs the probe to its end.
pub fn fill(model: &mut Model, folder: &Path, request: &Request) -> Result<Fill, ProbeError> {
    let tokenizer = common::tokenizer(folder);
    pollster::block_on(fill_mask(model, &tokenizer, request, &Control::default()))
}

pub fn assert_near(found: f64, expected: f64, allowed: f64, what: &str) {
    let error = (found - expected).abs();
    assert!(
        error <= allowed,
        "{what}: {found}, expected {expected} (error {error:.2e})"
    );
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Everything the golden file knows of a case, from a plan of this test's own.
struct Whole {
    /// Every layer's hidden states, `[T, H]`.
    hidden: Vec<Vec<f64>>,
    /// `[R, V]`
    logits: Option<Vec<f64>>,
    pooled: Option<Vec<f64>>,
    nsp: Option<Vec<f64>>,
    /// `[T, 1]`
    replaced: Option<Vec<f64>>,
}

fn whole(model: &mut Model, case: &Case) -> Whole {
    let (config, layout) = (&model.config().clone(), &model.layout().clone());
    let heads = &layout.heads;
    let tokens = case.input_ids.len();
    let mut graph = Graph::new();
    let mut builder = Builder {
        graph: &mut graph,
        config,
        layout,
        noise: None,
        prefix: "",
    };
    let encoder = builder.encoder(1, tokens).expect("an encoder");
    let mut outputs = encoder.hidden.clone();
    let (ids, lengths) = (case.input_ids.clone(), vec![case.length() as u32]);
    let mut inputs = encoder.values(config, tokens, ids, case.types(), lengths);
    let mut rows = |builder: &mut Builder<'_>, rows: Vec<u32>| -> Value {
        let at = builder.graph.input("rows", TensorType::u32([rows.len()]));
        inputs.push((at, Tensor::U32(rows)));
        builder
            .graph
            .gather_rows(encoder.output(), at)
            .expect("rows")
    };
    let has_mlm = heads.mlm && !case.masked.is_empty();
    if has_mlm {
        let at = case.masked.iter().map(|m| m.position as u32).collect();
        let masked = rows(&mut builder, at);
        outputs.push(builder.mlm(masked).expect("the head"));
    }
    if heads.pooler {
        let first = rows(&mut builder, vec![0]);
        let pooled = builder.pooler(first).expect("the pooler");
        outputs.push(pooled);
        if heads.nsp {
            outputs.push(builder.nsp(pooled).expect("the head"));
        }
    }
    if heads.replaced {
        outputs.push(builder.replaced(encoder.output()).expect("the head"));
    }
    let plan = Plan::new(&graph, &outputs);
    let run = async {
        let mut executable = Executable::new(model.device(), plan, model.params()).await?;
        executable
            .run(model.params_mut(), inputs, &Control::default())
            .await
    };
    let mut found = pollster::block_on(run)
        .expect("a run")
        .into_iter()
        .map(|t| t.to_f64());
    let hidden = found.by_ref().take(encoder.hidden.len()).collect();
    let mut next = |there: bool| if there { found.next() } else { None };
    Whole {
        hidden,
        logits: next(has_mlm),
        pooled: next(heads.pooler),
        nsp: next(heads.nsp),
        replaced: next(heads.replaced),
    }
}

fn check_whole(model: &mut Model, case: &Case, what: &str) {
    let h = model.config().hidden_size;
    let found = whole(model, case);
    assert_eq!(
        found.hidden.len(),
        case.hidden_l2_per_layer_unpadded.len(),
        "{what}"
    );
    for (i, &expected) in case.hidden_l2_per_layer_unpadded.iter().enumerate() {
        let found = norm(&found.hidden[i][..case.length() * h]);
        assert_near(
            found,
            expected,
            NORM * expected,
            &format!("{what}: layer {i}'s norm"),
        );
    }
    let first = &found.hidden[found.hidden.len() - 1][..h];
    let expected = case.cls_last_hidden_l2;
    assert_near(
        norm(first),
        expected,
        NORM * expected,
        &format!("{what}: [CLS]"),
    );
    for (i, &x) in case.cls_last_hidden_first8.iter().enumerate() {
        assert_near(first[i], x, LOGIT, &format!("{what}: [CLS], element {i}"));
    }
    if let Some(logits) = found.logits {
        let v = model.config().vocab_size;
        for (row, mask) in logits.chunks_exact(v).zip(&case.masked) {
            let what = format!("{what}: mask at {}", mask.position);
            assert_near(norm(row), mask.logits_l2, NORM * mask.logits_l2, &what);
            for top in &mask.top10 {
                assert_near(row[top.id as usize], top.logit, LOGIT, &what);
            }
        }
    }
    if let (Some(pooled), Some(first8), Some(l2)) =
        (found.pooled, &case.pooler_first8, case.pooler_l2)
    {
        assert_near(norm(&pooled), l2, NORM * l2, &format!("{what}: pooler"));
        for (i, &x) in first8.iter().enumerate() {
            assert_near(pooled[i], x, LOGIT, &format!("{what}: pooler, element {i}"));
        }
    }
    if let (Some(nsp), Some(expected)) = (found.nsp, case.nsp_logits) {
        for (found, expected) in nsp.iter().zip(expected) {
            assert_near(*found, expected, LOGIT, &format!("{what}: nsp"));
        }
    }
    assert_eq!(
        found.replaced.is_some(),
        case.replaced_logits.is_some(),
        "{what}"
    );
    if let (Some(found), Some(expected)) = (found.replaced, &case.replaced_logits) {
        for (found, &expected) in found.iter().zip(expected).take(case.length()) {
            assert_near(*found, expected, LOGIT, &format!("{what}: replaced"));
        }
    }
}

/// The same through the public probe, which pads, batches masks and reads back the top k only.
fn check_probe(model: &mut Model, folder: &Path, case: &Case, what: &str) {
    let request = Request {
        text: case.text.clone(),
        pair: case.text_pair.clone(),
        hidden: Vec::new(),
        top_k: 10,
        compare: Vec::new(),
    };
    let fill = fill(model, folder, &request).unwrap_or_else(|e| panic!("{what}: {e}"));
    let ids: Vec<u32> = fill.tokens.iter().map(|t| t.id).collect();
    let tokens: Vec<&String> = fill.tokens.iter().map(|t| &t.text).collect();
    assert_eq!(ids, case.input_ids, "{what}");
    assert_eq!(tokens, case.tokens.iter().collect::<Vec<_>>(), "{what}");
    assert_eq!(fill.masks.len(), case.masked.len(), "{what}");
    for (mask, expected) in fill.masks.iter().zip(&case.masked) {
        let what = format!("{what}: mask at {}", expected.position);
        assert_eq!(mask.position, expected.position, "{what}");
        assert_eq!(mask.original, None, "{what}: the mask was typed");
        let order = |i: usize| expected.top10[i].logit;
        for (i, (found, top)) in mask.predictions.iter().zip(&expected.top10).enumerate() {
            let tied = |j: usize| j < 10 && (order(i) - order(j)).abs() <= TIE;
            assert!(
                found.id == top.id || tied(i.wrapping_sub(1)) || tied(i + 1),
                "{what}: {i}"
            );
            if found.id == top.id {
                assert_near(f64::from(found.logit), top.logit, LOGIT, &what);
                assert_near(
                    f64::from(found.probability),
                    top.prob,
                    LOGIT * top.prob,
                    &what,
                );
            }
        }
        let first = &mask.predictions[0];
        let logsumexp = f64::from(first.logit) - f64::from(first.probability).ln();
        assert_near(logsumexp, expected.logsumexp, LOGIT, &what);
    }
    let is_asked = case.text_pair.is_some() && model.has_nsp();
    assert_eq!(fill.nsp.is_some(), is_asked, "{what}");
    if let (Some(nsp), Some(expected)) = (fill.nsp, case.nsp_logits) {
        for (found, expected) in nsp.logits.iter().zip(expected) {
            assert_near(f64::from(*found), expected, LOGIT, &format!("{what}: nsp"));
        }
    }
}

pub fn check(folder: &Path, golden: &Path) {
    let text = std::fs::read_to_string(golden).expect("the golden file");
    let golden: Golden = serde_json::from_str(&text).expect("a golden file");
    assert!(!golden.cases.is_empty());
    for (name, device) in common::devices() {
        let mut model = common::model(folder, &device);
        for (i, case) in golden.cases.iter().enumerate() {
            let what = format!("{name}, case {i} ({:.40})", case.text);
            check_whole(&mut model, case, &what);
            if !case.is_padded() && model.has_mlm().is_ok() {
                check_probe(&mut model, folder, case, &what);
            }
        }
    }
}
