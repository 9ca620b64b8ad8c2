//! What PyTorch learns, on every executor: losses over five AdamW steps, and the first step's
//! gradients, parameter by parameter.

use std::collections::HashMap;
use std::path::Path;

use bert::config::Pooling;
use bert::model::Model;
use bert::model::{DropoutRates, TokenBatch};
use bert::train::{Batch, Inputs, Learner, Method, Optimiser, StepReport, Targets, Task};
use kernels::ops::NO_TARGET;
use kernels::{Control, Device};
use serde_json::Value;

use crate::common;

/// Largest relative distance of a loss, and of a logit after training.
const LOSS: f64 = 1e-4;
/// The golden losses are `log(1 + x)` in single precision: known to a rounding of the 1.
const ROUNDING: f64 = f32::EPSILON as f64;
/// Largest relative distance of a gradient's norm.
const GRADIENT: f64 = 1e-3;
/// A gradient that is zero but for rounding is smaller.
const ZERO: f64 = 1e-4;

pub fn golden(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the golden file");
    serde_json::from_str(&text).expect("a golden file")
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|x| x.as_f64().expect("a number"))
        .collect()
}

pub fn rows(value: &Value) -> Vec<Vec<i64>> {
    let row = |r: &Value| numbers(r).into_iter().map(|x| x as i64).collect();
    value.as_array().expect("a list").iter().map(row).collect()
}

/// The golden batch: texts cut to their attended length.
fn batch(golden: &Value) -> Batch {
    let lengths: Vec<usize> = rows(&golden["attention_mask"])
        .iter()
        .map(|m| m.iter().sum::<i64>() as usize)
        .collect();
    let cut = |key: &str| -> Vec<Vec<u32>> {
        let cut = |(row, &n): (&Vec<i64>, &usize)| row[..n].iter().map(|&x| x as u32).collect();
        rows(&golden[key]).iter().zip(&lengths).map(cut).collect()
    };
    let tokens = rows(&golden["input_ids"])[0].len();
    let mut batch = Batch {
        texts: TokenBatch {
            tokens,
            ids: cut("input_ids"),
            // RoBERTa has none.
            types: match golden["token_type_ids"].is_array() {
                true => cut("token_type_ids"),
                false => lengths.iter().map(|&n| vec![0; n]).collect(),
            },
        },
        targets: Targets::default(),
    };
    batch.targets = if golden["labels"][0].is_array() {
        let mut masks = Vec::new();
        for (text, row) in rows(&golden["labels"]).iter().enumerate() {
            let masked = row.iter().enumerate().filter(|(_, label)| **label != -100);
            masks.extend(masked.map(|(place, &label)| (text, place, label as u32)));
        }
        Targets::Masks(masks)
    } else {
        let labels = numbers(&golden["labels"]).into_iter();
        Targets::Classes(labels.map(|x| x as u32).collect())
    };
    batch
}

pub fn optimiser(golden: &Value, decay_all: bool) -> Optimiser {
    let betas = numbers(&golden["betas"]);
    let number = |key: &str| golden[key].as_f64();
    Optimiser {
        layer_decay: 1.0,
        beta1: betas[0],
        beta2: betas[1],
        eps: number("eps").expect("eps"),
        weight_decay: number("weight_decay").expect("weight_decay"),
        decay_all,
        penalty_c: None,
        max_norm: number("max_grad_norm"),
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

pub struct Run {
    pub model: Model,
    pub learner: Learner,
    pub inputs: Inputs,
    pub rate: f64,
}

impl Run {
    pub fn step(&mut self) -> StepReport {
        let control = Control::default();
        let (learner, model) = (&mut self.learner, &mut self.model);
        let step = learner.step(model, &self.inputs, self.rate, &control);
        pollster::block_on(step).expect("a step");
        let reports = pollster::block_on(learner.reports(model)).expect("its report");
        assert_eq!(reports.len(), 1);
        reports[0]
    }

    /// The first step's gradient of every tensor, by its name in `transformers`.
    fn gradients(&mut self) -> HashMap<String, Vec<f64>> {
        let mut found = HashMap::new();
        let trainable: Vec<String> = self.learner.trainable().map(str::to_owned).collect();
        for name in trainable {
            let gradient = self.learner.gradient_name(&name);
            let all = pollster::block_on(self.model.read(&gradient))
                .expect("a gradient")
                .to_f64();
            let slots = self.model.layout().slots.iter().filter(|s| s.param == name);
            let parts: Vec<_> = slots.cloned().collect();
            for slot in &parts {
                let part = all[slot.offset..][..slot.elements()].to_vec();
                found.insert(slot.name.clone(), part);
            }
            if parts.is_empty() {
                found.insert(name, all);
            }
        }
        found
    }
}

fn start(
    folder: &Path,
    device: &Device,
    golden: &Value,
    [task, method]: [&str; 2],
    pooling: Pooling,
) -> Run {
    let mut model = common::model(folder, device);
    let batch = batch(golden);
    let (task, decay_all) = match task {
        "mlm" => (Task::MaskedLm, true),
        _ => (Task::classify(3, pooling), false),
    };
    let method = match method {
        "head" => Method::Head,
        "last:1" => Method::LastLayers(1),
        _ => Method::All,
    };
    let optimiser = optimiser(golden, decay_all);
    let dropout = DropoutRates::default();
    let control = Control::default();
    let count = batch.texts.ids.len();
    let (learner, inputs) = pollster::block_on(async {
        let mut learner =
            Learner::new(&mut model, task, method, optimiser, dropout, count, 1).await?;
        if task == Task::MaskedLm {
            return Ok((learner, Inputs::Texts(batch)));
        }
        let flat = |key: &str| -> Vec<f32> {
            let rows = golden[key].as_array().expect("a list");
            let row = |r: &Value| {
                if r.is_array() {
                    numbers(r)
                } else {
                    vec![r.as_f64().unwrap()]
                }
            };
            rows.iter().flat_map(row).map(|x| x as f32).collect()
        };
        model
            .params_mut()
            .write("classifier.weight", 0, &flat("classifier_weight"))
            .expect("it fits");
        model
            .params_mut()
            .write("classifier.bias", 0, &flat("classifier_bias"))
            .expect("it fits");
        if method != Method::Head {
            return Ok((learner, Inputs::Texts(batch)));
        }
        learner.reserve_features(&mut model, count).await?;
        let places: Vec<usize> = (0..count).collect();
        learner
            .add_features(&mut model, pooling, &places, count, &batch.texts, &control)
            .await?;
        let rows = (0..count as u32).collect();
        let targets = batch.targets;
        Ok::<_, bert::train::TrainError>((learner, Inputs::Features { rows, targets }))
    })
    .expect("a learner");
    Run {
        model,
        learner,
        inputs,
        rate: golden["lr"].as_f64().expect("lr"),
    }
}

/// The gradients of a golden file's first step, by the parameters' names. Files list them in two ways.
pub fn gradients(golden: &Value) -> Vec<(String, &Value)> {
    let Some(list) = golden["parameters"].as_array() else {
        let map = golden["grads"].as_object().expect("gradients");
        return map
            .iter()
            .map(|(name, grad)| (name.clone(), grad))
            .collect();
    };
    let name = |p: &Value| p["name"].as_str().expect("a name").to_owned();
    list.iter().map(|p| (name(p), &p["grad"])).collect()
}

pub fn check_gradients(run: &mut Run, expected: &[(String, &Value)], what: &str) {
    let found = run.gradients();
    let mut names: Vec<&String> = expected.iter().map(|(name, _)| name).collect();
    let mut have: Vec<&String> = found.keys().collect();
    names.sort();
    have.sort();
    assert_eq!(have, names, "{what}: what is trained");
    for (name, gradient) in expected {
        let what = format!("{what}: gradient of {name}");
        let found = &found[name];
        let l2 = gradient["l2"].as_f64().expect("l2");
        let size = norm(found);
        // What does not matter has a gradient of rounding: the bias of keys, and all that moves every logit alike.
        if l2 < 1e-2 * ZERO {
            assert!(size < ZERO, "{what}: {size}");
            continue;
        }
        assert!(
            (size - l2).abs() <= GRADIENT * l2,
            "{what}: {size}, expected {l2}"
        );
        for (found, expected) in found.iter().zip(numbers(&gradient["first4"])) {
            assert!(
                (found - expected).abs() <= GRADIENT * l2,
                "{what}: {found}, not {expected}"
            );
        }
    }
}

/// Takes the steps; returns the loss before each.
pub fn check_losses(run: &mut Run, first: StepReport, losses: &[f64], what: &str) -> Vec<f64> {
    let (mut report, mut found) = (first, Vec::new());
    for (i, &expected) in losses.iter().enumerate() {
        found.push(report.loss);
        let error = (report.loss - expected).abs();
        assert!(
            error <= LOSS * expected + ROUNDING,
            "{what}: loss {i} is {}, not {expected}",
            report.loss
        );
        if i + 1 < losses.len() {
            report = run.step();
        }
    }
    found
}

/// `exact`: the losses as PyTorch finds them in double precision.
fn check_mlm(folder: &Path, exact: Option<[f64; 6]>) {
    let golden = golden(&folder.join("golden_train.json"));
    let gradients = gradients(&golden);
    for (name, device) in common::devices() {
        let mut run = start(folder, &device, &golden, ["mlm", "all"], Pooling::Cls);
        let first = run.step();
        check_gradients(&mut run, &gradients, name);
        let found = check_losses(&mut run, first, &numbers(&golden["losses"]), name);
        for (found, exact) in found.iter().zip(exact.iter().flatten()) {
            let error = (found - exact).abs() / exact;
            assert!(error <= LOSS, "{name}: loss {found}, exactly {exact}");
        }
    }
}

#[test]
fn tiny_bert_learns_to_fill_masks_as_in_pytorch() {
    check_mlm(&common::fixture("tiny-bert"), None);
}

#[test]
fn tiny_relatives_learn_to_fill_masks_as_in_pytorch() {
    for name in [
        "tiny-roberta",
        "tiny-albert",
        "tiny-distilbert",
        "tiny-electra-generator",
    ] {
        check_mlm(&common::fixture(name), None);
    }
}

#[test]
fn rxnfp_learns_to_fill_masks_as_in_pytorch() {
    if let Some(folder) = common::shared("checkpoints/rxnfp-bert-mlm-nsp-f16") {
        check_mlm(&folder, None);
    }
}

#[test]
fn a_real_albert_learns_to_fill_masks_as_in_pytorch() {
    // The golden losses were found in single precision: small as they are, up to 1.2e-4 of them is
    // rounding. These are from the same steps in double precision.
    let exact = [
        0.231013443684389,
        0.022677322774916,
        0.002632282751816,
        0.001003482947346,
        0.000695629256027,
        0.000587679697786,
    ];
    if let Some(folder) = common::shared("checkpoints/rxnmapper-albert-mlm") {
        check_mlm(&folder, Some(exact));
    }
}

#[test]
fn a_real_roberta_learns_to_fill_masks_as_in_pytorch() {
    if let Some(folder) = common::shared("checkpoints/sapiens-vh-roberta-mlm") {
        check_mlm(&folder, None);
    }
}

#[test]
fn tiny_bert_learns_to_classify_as_in_pytorch() {
    let folder = common::fixture("tiny-bert");
    let golden = golden(&folder.join("golden_classify.json"));
    let runs = golden["runs"].as_array().expect("runs");
    assert!(runs.len() >= 7);
    for (name, device) in common::devices() {
        for expected in runs {
            let text = |key: &str| expected[key].as_str().expect("a word");
            let pooling = match text("pooling") {
                "pooler" => Pooling::Pooler,
                "cls" => Pooling::Cls,
                _ => Pooling::Mean,
            };
            let what = format!("{name}, {}, {}", text("method"), text("pooling"));
            let mut run = start(
                &folder,
                &device,
                &golden,
                ["classify", text("method")],
                pooling,
            );
            let first = run.step();
            let gradients: Vec<(String, &Value)> = expected["parameters"]
                .as_array()
                .expect("parameters")
                .iter()
                .map(|p| (p["name"].as_str().expect("a name").to_owned(), &p["grad"]))
                .collect();
            check_gradients(&mut run, &gradients, &what);
            let norms = numbers(&expected["grad_norms"]);
            assert!(
                (first.norm - norms[0]).abs() <= GRADIENT * norms[0],
                "{what}: {first:?}"
            );
            let losses = numbers(&expected["losses"]);
            check_losses(&mut run, first, &losses[..5], &what);
            let control = Control::default();
            let evaluate = run.learner.evaluate(&mut run.model, &run.inputs, &control);
            let (logits, loss) = pollster::block_on(evaluate).expect("an evaluation");
            assert!(
                (loss - losses[5]).abs() <= LOSS * losses[5],
                "{what}: {loss}"
            );
            let after = expected["logits_after"].as_array().expect("logits");
            for (found, expected) in logits.iter().zip(after) {
                for (found, expected) in found.iter().zip(numbers(expected)) {
                    assert!(
                        (f64::from(*found) - expected).abs() < 1e-3,
                        "{what}: {found}"
                    );
                }
            }
        }
    }
}

/// Of a head's golden run: what is learned.
fn targets(run: &Value) -> Targets {
    let all = &run["targets"];
    let many = || all.as_array().expect("a list").iter();
    let whole = |value: &Value| -> Vec<u32> {
        let tag = |x: &f64| if *x < 0.0 { NO_TARGET } else { *x as u32 };
        numbers(value).iter().map(tag).collect()
    };
    match run["kind"].as_str() {
        Some("labels") => Targets::Numbers(
            many()
                .map(|row| numbers(row).iter().map(|x| *x as f32).collect())
                .collect(),
        ),
        Some("score") => Targets::Numbers(numbers(all).iter().map(|x| vec![*x as f32]).collect()),
        Some("tokens") => Targets::Tags(many().map(whole).collect()),
        Some("span") => Targets::Spans(many().map(|row| [whole(row)[0], whole(row)[1]]).collect()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_head_learns_as_in_pytorch() {
    let golden = golden(&common::fixture("heads/golden_train.json"));
    for run in golden["runs"].as_array().expect("runs") {
        let name = run["folder"].as_str().expect("a folder");
        let list = |key: &str| -> Vec<Vec<u32>> {
            rows(&run[key])
                .iter()
                .map(|row| row.iter().map(|x| *x as u32).collect())
                .collect()
        };
        let ids = list("input_ids");
        let batch = Batch {
            texts: TokenBatch {
                tokens: ids[0].len(),
                types: match run["token_type_ids"].is_array() {
                    true => list("token_type_ids"),
                    false => ids.iter().map(|row| vec![0; row.len()]).collect(),
                },
                ids,
            },
            targets: targets(run),
        };
        for (on, device) in common::devices() {
            let what = format!("{name} on {on}");
            let mut model = common::model(&common::fixture("heads").join(name), &device);
            let head = model.head().expect("a head");
            let task = Task::Head {
                kind: head.kind,
                outputs: head.outputs(),
                pooling: head.pooling,
            };
            let (optimiser, dropout) = (optimiser(&golden, false), DropoutRates::default());
            let learner = pollster::block_on(async {
                let parts = ["classifier.weight", "classifier.bias"];
                let mut own = Vec::new();
                for part in parts {
                    own.push(model.read(part).await.expect("the head's weights").to_f32());
                }
                let learner = Learner::new(&mut model, task, Method::All, optimiser, dropout, 3, 1);
                let learner = learner.await.expect("a learner");
                for (part, numbers) in parts.iter().zip(&own) {
                    model.params_mut().write(part, 0, numbers).expect("it fits");
                }
                learner
            });
            let mut taken = Run {
                model,
                learner,
                inputs: Inputs::Texts(batch.clone()),
                rate: golden["lr"].as_f64().expect("lr"),
            };
            let first = taken.step();
            let gradients: Vec<(String, &Value)> =
                (run["parameters"].as_array().expect("gradients").iter())
                    .map(|p| (p["name"].as_str().expect("a name").to_owned(), &p["grad"]))
                    .collect();
            check_gradients(&mut taken, &gradients, &what);
            check_losses(&mut taken, first, &numbers(&run["losses"]), &what);
        }
    }
}
