//! Dropped or picked files: which part of a checkpoint each one is, and what is still missing.
//!
//! Files gather in a [`Basket`]; a second drop adds to the first, so someone who forgot
//! `config.json` need not drag the weights again.

use crate::checkpoint::{PickedFile, Role, Source};
use crate::failure::Failure;

/// A file offered to the page, before anyone has looked inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Path below what was dropped, with `/` between the parts.
    pub path: String,
    pub bytes: u64,
    /// Index of the file on the page's shelf.
    pub slot: usize,
}

impl Offered {
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn folder(&self) -> Option<&str> {
        self.path
            .rsplit('/')
            .nth(1)
            .filter(|folder| !folder.is_empty())
    }

    fn depth(&self) -> usize {
        self.path.matches('/').count()
    }
}

/// The files chosen so far, at most one for each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basket {
    files: Vec<PickedFile>,
    name: String,
}

/// Weight files that can be read, and others that are taken so that the engine can say what they
/// are and what to do about them.
const WEIGHTS: [&str; 11] = [
    "safetensors",
    "bin",
    "pt",
    "pth",
    "ckpt",
    "gguf",
    "ggml",
    "onnx",
    "h5",
    "msgpack",
    "npz",
];

/// What a file's name says about it; the engine looks at the bytes later.
fn role(name: &str) -> Option<Role> {
    Role::of_file(name).or_else(|| {
        let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
        let weights = WEIGHTS.contains(&extension.as_str()) && !is_trainers(name);
        weights.then_some(Role::Weights)
    })
}

/// What a trainer leaves beside the weights: settings, moments, states of random numbers.
fn is_trainers(name: &str) -> bool {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let known = ["training_args", "optimizer", "scheduler", "scaler"].contains(&stem);
    matches!(extension, "bin" | "pt" | "pth") && (known || stem.starts_with("rng_state"))
}

/// How good a candidate for the weights a name is; larger is better.
fn weight_rank(name: &str) -> u8 {
    match name.rsplit_once('.') {
        _ if name == "model.safetensors" => 4,
        Some((_, "safetensors")) => 3,
        _ if name == "pytorch_model.bin" => 2,
        Some((_, "bin" | "pt" | "pth" | "ckpt")) => 1,
        _ => 0,
    }
}

/// `model-00001-of-00003.safetensors` and the like.
fn is_shard(name: &str) -> bool {
    let digits = |part: &str| part.len() >= 5 && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once("-of-").is_some_and(|(before, after)| {
        digits(before.rsplit('-').next().unwrap_or_default())
            && digits(after.split('.').next().unwrap_or_default())
    })
}

impl Basket {
    /// Adds what was dropped. A folder may hold other folders: the shallowest file of each role
    /// wins, so a checkpoint's own `config.json` is never displaced by one further down.
    ///
    /// # Errors
    /// When nothing offered is part of a checkpoint, or its weights come in several shards.
    pub fn add(&mut self, offered: &[Offered]) -> Result<(), Failure> {
        let shards = offered.iter().filter(|file| is_shard(file.name())).count();
        if shards > 1 {
            return Err(Failure::new(
                "This checkpoint is in several pieces",
                format!("Its weights are split over {shards} files."),
                "Save it as one file with transformers, \
                 model.save_pretrained(folder, max_shard_size=\"100GB\"), and drop that folder.",
            ));
        }

        let mut ranked: Vec<(Role, &Offered)> = offered
            .iter()
            .filter_map(|file| Some((role(file.name())?, file)))
            .collect();
        if ranked.is_empty() {
            return Err(nothing_usable(offered));
        }
        // Best first: a better name for weights, then less deep, then in the order given.
        ranked.sort_by_key(|(role, file)| {
            let rank = if *role == Role::Weights {
                weight_rank(file.name())
            } else {
                0
            };
            (u8::MAX - rank, file.depth())
        });
        let mut taken: Vec<Role> = Vec::new();
        for (role, file) in ranked {
            if taken.contains(&role) {
                continue;
            }
            taken.push(role);
            self.files.retain(|held| held.role != role);
            self.files.push(PickedFile {
                role,
                name: file.name().to_owned(),
                bytes: file.bytes,
                slot: file.slot,
            });
            if role == Role::Weights {
                self.name = file.folder().unwrap_or(file.name()).to_owned();
            }
        }
        self.files.sort_by_key(|file| file.role);
        Ok(())
    }

    /// The files chosen so far.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.files.iter().map(|file| file.slot)
    }

    /// What is still missing, by file name; empty when the checkpoint is complete.
    pub fn missing(&self) -> Vec<&'static str> {
        let has = |role| self.files.iter().any(|file| file.role == role);
        [
            (has(Role::Weights), "model.safetensors"),
            (has(Role::Config), "config.json"),
            (Role::make_vocabulary(has), "tokenizer.json or vocab.txt"),
        ]
        .into_iter()
        .filter_map(|(present, name)| (!present).then_some(name))
        .collect()
    }

    /// Takes the checkpoint out, leaving the basket empty, or says what is missing.
    ///
    /// Weights that cannot be read anyway (a GGUF, an ONNX graph) go through without their companions:
    /// the engine's explanation is the more useful answer.
    ///
    /// # Errors
    /// A message naming what was kept and what is missing.
    pub fn take(&mut self) -> Result<Source, Failure> {
        let missing = self.missing();
        let foreign = self
            .files
            .iter()
            .any(|file| file.role == Role::Weights && weight_rank(&file.name) == 0);
        if missing.is_empty() || foreign {
            let basket = std::mem::take(self);
            return Ok(Source::Files {
                name: basket.name,
                files: basket.files,
            });
        }
        let held: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        Err(Failure::new(
            format!("Still missing: {}", missing.join(", ")),
            format!(
                "Of this checkpoint the page has {} so far.",
                held.join(", ")
            ),
            "Drop or pick the missing file too; what you gave is kept.",
        ))
    }
}

fn nothing_usable(offered: &[Offered]) -> Failure {
    let cause = match offered {
        [] => "No file arrived.".to_owned(),
        [one] => format!("What arrived is called {}.", one.name()),
        many => {
            let names: Vec<&str> = many.iter().take(3).map(Offered::name).collect();
            format!(
                "{} files arrived, among them {}.",
                many.len(),
                names.join(", ")
            )
        }
    };
    Failure::new(
        "Nothing here is part of a checkpoint",
        cause,
        "Drop the folder of a BERT checkpoint: model.safetensors, config.json, and \
         tokenizer.json or vocab.txt.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(paths: &[&str]) -> Vec<Offered> {
        paths
            .iter()
            .enumerate()
            .map(|(slot, path)| Offered {
                path: (*path).to_owned(),
                bytes: 1,
                slot,
            })
            .collect()
    }

    fn slots(source: &Source) -> Vec<(Role, usize)> {
        match source {
            Source::Files { files, .. } => files.iter().map(|f| (f.role, f.slot)).collect(),
            other => panic!("not from files: {other:?}"),
        }
    }

    #[test]
    fn a_whole_folder_is_taken_and_named_after_itself() {
        let mut basket = Basket::default();
        let files = offer(&[
            "tiny/README.md",
            "tiny/onnx/config.json",
            "tiny/config.json",
            "tiny/pytorch_model.bin",
            "tiny/model.safetensors",
            "tiny/vocab.txt",
        ]);
        basket.add(&files).unwrap();
        let source = basket.take().unwrap();
        assert_eq!(source.name(), "tiny");
        assert_eq!(
            slots(&source),
            [(Role::Weights, 4), (Role::Config, 2), (Role::VocabTxt, 5)]
        );
        assert_eq!(basket, Basket::default(), "taking empties the basket");
    }

    #[test]
    fn what_is_missing_is_named_and_the_rest_is_kept() {
        let mut basket = Basket::default();
        basket.add(&offer(&["model.safetensors"])).unwrap();
        let failure = basket.take().unwrap_err();
        assert_eq!(
            failure.title,
            "Still missing: config.json, tokenizer.json or vocab.txt"
        );
        basket
            .add(&offer(&["x", "config.json", "tokenizer.json"]))
            .unwrap();
        let source = basket.take().unwrap();
        assert_eq!(
            slots(&source),
            [
                (Role::Weights, 0),
                (Role::Config, 1),
                (Role::TokenizerJson, 2)
            ]
        );
        assert_eq!(source.name(), "model.safetensors");
    }

    #[test]
    fn a_folder_of_a_trainer_is_told_from_its_side_files() {
        let mut basket = Basket::default();
        let side = [
            "run/optimizer.pt",
            "run/training_args.bin",
            "run/scheduler.pt",
            "run/rng_state.pth",
            "run/rng_state_0.pth",
        ];
        assert!(basket.add(&offer(&side)).is_err(), "no weights among them");
        let whole = [
            &side[..],
            &["run/config.json", "run/vocab.json", "run/merges.txt"],
            &["run/special_tokens_map.json", "run/pytorch_model.bin"],
        ];
        basket.add(&offer(&whole.concat())).unwrap();
        let taken = [
            (Role::Weights, 9),
            (Role::Config, 5),
            (Role::VocabJson, 6),
            (Role::MergesTxt, 7),
            (Role::SpecialTokensMap, 8),
        ];
        assert_eq!(slots(&basket.take().unwrap()), taken);
        // Alone, it waits for its companions, as safetensors does.
        basket
            .add(&offer(&["pytorch_model.bin", "vocab.json"]))
            .unwrap();
        let missing = basket.take().unwrap_err().title;
        assert!(
            missing.ends_with("config.json, tokenizer.json or vocab.txt"),
            "{missing}"
        );
    }

    #[test]
    fn foreign_weights_reach_the_engine_alone() {
        for name in ["tf_model.h5", "bert.GGUF", "model.onnx"] {
            let mut basket = Basket::default();
            basket.add(&offer(&[name])).unwrap();
            assert_eq!(
                slots(&basket.take().unwrap()),
                [(Role::Weights, 0)],
                "{name}"
            );
        }
    }

    #[test]
    fn shards_and_strangers_are_explained() {
        let mut basket = Basket::default();
        let shards = offer(&[
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
        ]);
        assert!(basket.add(&shards).unwrap_err().cause.contains("2 files"));
        assert!(
            basket
                .add(&offer(&["cat.jpg"]))
                .unwrap_err()
                .cause
                .contains("cat.jpg")
        );
        assert!(basket.add(&[]).unwrap_err().cause.contains("No file"));
        assert!(!is_shard("model-of-mine.safetensors"));
        assert_eq!(basket, Basket::default());
    }
}
