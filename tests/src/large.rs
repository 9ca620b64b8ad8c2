//! A checkpoint of real size with random weights, for tests of memory and streaming. Written, never committed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[path = "../../bert/tests/checkpoint/pytorch/make.rs"]
#[allow(dead_code)] // a part of it is needed here
mod pickle;

/// The dimensions of a `BertForMaskedLM` with a tied decoder.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub intermediate: usize,
    pub vocab: usize,
    pub positions: usize,
}

impl Shape {
    /// BERT-base, uncased: 438 MB in F32.
    pub const BERT_BASE: Self = Self {
        layers: 12,
        hidden: 768,
        heads: 12,
        intermediate: 3072,
        vocab: 30_522,
        positions: 512,
    };

    /// Names and dimensions, in file order.
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (c, f, v) = (self.hidden, self.intermediate, self.vocab);
        let mut tensors = Vec::new();
        let mut add = |name: String, shape: &[usize]| tensors.push((name, shape.to_vec()));
        let embeddings = "bert.embeddings";
        add(format!("{embeddings}.word_embeddings.weight"), &[v, c]);
        add(
            format!("{embeddings}.position_embeddings.weight"),
            &[self.positions, c],
        );
        add(
            format!("{embeddings}.token_type_embeddings.weight"),
            &[2, c],
        );
        for part in ["weight", "bias"] {
            add(format!("{embeddings}.LayerNorm.{part}"), &[c]);
        }
        for layer in 0..self.layers {
            let layer = format!("bert.encoder.layer.{layer}");
            for (name, rows, columns) in [
                ("attention.self.query", c, c),
                ("attention.self.key", c, c),
                ("attention.self.value", c, c),
                ("attention.output.dense", c, c),
                ("intermediate.dense", f, c),
                ("output.dense", c, f),
            ] {
                add(format!("{layer}.{name}.weight"), &[rows, columns]);
                add(format!("{layer}.{name}.bias"), &[rows]);
            }
            for name in ["attention.output", "output"] {
                for part in ["weight", "bias"] {
                    add(format!("{layer}.{name}.LayerNorm.{part}"), &[c]);
                }
            }
        }
        let head = "cls.predictions";
        add(format!("{head}.bias"), &[v]);
        add(format!("{head}.transform.dense.weight"), &[c, c]);
        for name in ["dense.bias", "LayerNorm.weight", "LayerNorm.bias"] {
            add(format!("{head}.transform.{name}"), &[c]);
        }
        tensors
    }
}

/// The file that the weights lie in.
#[derive(Clone, Copy, Debug)]
pub enum Weights {
    /// `model.safetensors`
    Safetensors,
    /// `pytorch_model.bin`, as PyTorch writes it; the layers' matrices lie column by column, as converters
    /// from TensorFlow leave them.
    Pytorch,
}

/// Writes `config.json`, `vocab.txt` and the weights in F32 into `folder`; returns the length of the weights' file.
///
/// Weights are uniform with BERT's standard deviation of 0.02, around 1 for the gains of layer norms; the same
/// `seed` writes the same bytes.
///
/// # Errors
/// What the file system says.
pub fn write_checkpoint(
    folder: &Path,
    shape: &Shape,
    weights: Weights,
    seed: u64,
) -> io::Result<u64> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("config.json"), config(shape))?;
    fs::write(folder.join("vocab.txt"), vocabulary(shape.vocab))?;
    let (name, write): (_, fn(_, _, _) -> _) = match weights {
        Weights::Safetensors => ("model.safetensors", write_safetensors),
        Weights::Pytorch => ("pytorch_model.bin", write_pytorch),
    };
    let path = folder.join(name);
    let file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    write(file, &shape.tensors(), &mut Random(seed))?;
    Ok(fs::metadata(path)?.len())
}

/// Names and dimensions.
type Tensors = [(String, Vec<usize>)];

fn write_safetensors(
    mut file: BufWriter<File>,
    tensors: &Tensors,
    random: &mut Random,
) -> io::Result<()> {
    let mut end = 0;
    let mut entries = Vec::new();
    for (name, dims) in tensors {
        let begin = end;
        end += 4 * dims.iter().product::<usize>() as u64;
        entries.push(format!(
            r#""{name}":{{"dtype":"F32","shape":{dims:?},"data_offsets":[{begin},{end}]}}"#
        ));
    }
    let header = format!("{{{}}}", entries.join(","));
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    for (name, dims) in tensors {
        write_numbers(&mut file, name, dims, random)?;
    }
    file.flush()
}

fn write_pytorch(file: BufWriter<File>, tensors: &Tensors, random: &mut Random) -> io::Result<()> {
    let view = |(i, tensor): (usize, &(String, Vec<usize>))| {
        let (name, dims) = tensor;
        let dims: Vec<i64> = dims.iter().map(|n| *n as i64).collect();
        let storage = pickle::storage("FloatStorage", &i.to_string(), dims.iter().product::<i64>());
        let strides = match dims[..] {
            [rows, _] if name.contains(".layer.") => vec![1, rows],
            [_, columns] => vec![columns, 1],
            _ => vec![1],
        };
        pickle::view(storage, 0, &dims, &strides)
    };
    let views = tensors.iter().enumerate().map(view);
    let names = tensors.iter().map(|(name, _)| &name[..]);
    let views: Vec<_> = names.zip(views).collect();
    let mut archive = ZipWriter::new_stream(file);
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    archive.start_file("archive/data.pkl", stored)?;
    archive.write_all(&pickle::pickle(&pickle::dict(&views)))?;
    for (i, (name, dims)) in tensors.iter().enumerate() {
        archive.start_file(format!("archive/data/{i}"), stored)?;
        write_numbers(&mut archive, name, dims, random)?;
    }
    archive.start_file("archive/version", stored)?;
    archive.write_all(b"3\n")?;
    archive.finish()?;
    Ok(())
}

fn write_numbers(
    file: &mut impl Write,
    name: &str,
    dims: &[usize],
    random: &mut Random,
) -> io::Result<()> {
    let gain = name.ends_with("LayerNorm.weight");
    let centre = if gain { 1.0 } else { 0.0 };
    let columns = dims[dims.len() - 1];
    let mut row = Vec::new();
    for _ in 0..dims.iter().product::<usize>() / columns {
        row.clear();
        row.extend((0..columns).flat_map(|_| (centre + 0.02 * random.next()).to_le_bytes()));
        file.write_all(&row)?;
    }
    Ok(())
}

fn config(shape: &Shape) -> String {
    let Shape {
        layers,
        hidden,
        heads,
        intermediate,
        vocab,
        positions,
    } = shape;
    format!(
        r#"{{
  "architectures": ["BertForMaskedLM"],
  "model_type": "bert",
  "vocab_size": {vocab},
  "hidden_size": {hidden},
  "num_hidden_layers": {layers},
  "num_attention_heads": {heads},
  "intermediate_size": {intermediate},
  "max_position_embeddings": {positions}
}}
"#
    )
}

/// The special tokens, the ASCII characters alone and as continuations, and numbered fillers.
fn vocabulary(size: usize) -> String {
    let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from);
    let alone = ('!'..='~')
        .filter(|c| !c.is_ascii_uppercase())
        .map(String::from);
    let continued = ('a'..='z').map(|c| format!("##{c}"));
    let fillers = (0..).map(|i| format!("filler{i}"));
    let tokens = specials
        .into_iter()
        .chain(alone)
        .chain(continued)
        .chain(fillers);
    tokens.take(size).map(|token| token + "\n").collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    /// Uniform with mean 0 and standard deviation 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let unit = ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32;
        (unit - 0.5) * 12f32.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bert_base_has_its_size() {
        let parameters: usize = Shape::BERT_BASE
            .tensors()
            .iter()
            .map(|(_, dims)| dims.iter().product::<usize>())
            .sum();
        // bert-base-uncased: 109,514,298 with the MLM head, without pooler and NSP head.
        assert_eq!(parameters, 109_514_298);
    }

    #[test]
    fn the_file_has_the_length_it_claims() {
        let folder = std::env::temp_dir().join(format!("unmask-large-{}", std::process::id()));
        let shape = Shape {
            layers: 1,
            hidden: 8,
            heads: 2,
            intermediate: 16,
            vocab: 130,
            positions: 4,
        };
        let numbers: usize = shape
            .tensors()
            .iter()
            .map(|(_, d)| d.iter().product::<usize>())
            .sum();
        let kinds = [
            (Weights::Safetensors, "model.safetensors"),
            (Weights::Pytorch, "pytorch_model.bin"),
        ];
        for (weights, name) in kinds {
            let len = write_checkpoint(&folder, &shape, weights, 1).unwrap();
            let written = fs::metadata(folder.join(name)).unwrap().len();
            assert!(written == len && len > 4 * numbers as u64);
        }
        let vocabulary = fs::read_to_string(folder.join("vocab.txt")).unwrap();
        assert_eq!(vocabulary.lines().count(), 130);
        fs::remove_dir_all(&folder).unwrap();
    }
}
