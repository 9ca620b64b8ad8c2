//! What the examples share: arguments, a device, and a checkpoint folder.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bert::config::Config;
use bert::model::{Model, ModelLoader};
use bert::tokenizer::{Tokenizer, TokenizerConfig};
use kernels::gpu::{Gpu, Options, cache};
use kernels::{Device, Precision};

/// Any error, with its message.
pub type AnyError = Box<dyn std::error::Error>;

/// Opens `gpu` or `cpu`.
pub fn device(name: &str) -> Result<Device, AnyError> {
    match name {
        "gpu" => {
            let trials = true;
            let options = Options {
                trials,
                ..Options::default()
            };
            let gpu = pollster::block_on(Gpu::new(options))?;
            cache::follow(&gpu);
            Ok(Device::Gpu(gpu))
        }
        "cpu" => Ok(Device::Cpu(Precision::F32)),
        other => Err(format!("--device {other}: it is `gpu` or `cpu`").into()),
    }
}

/// Reads a text file, naming it if that fails.
fn text(path: &Path) -> Result<String, AnyError> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// Reads config.json and tokenizer.json, or vocab.txt with its tokenizer_config.json.
pub fn tokenizer(folder: &Path) -> Result<(Config, Tokenizer), AnyError> {
    let config = Config::from_json(&text(&folder.join("config.json"))?)?;
    let json = folder.join("tokenizer.json");
    if json.exists() {
        return Ok((
            config,
            Tokenizer::from_tokenizer_json(text(&json)?.as_bytes())?,
        ));
    }
    let settings = match folder.join("tokenizer_config.json") {
        path if path.exists() => TokenizerConfig::from_json(&text(&path)?)?,
        _ => TokenizerConfig::default(),
    };
    let vocabulary = text(&folder.join("vocab.txt"))?;
    Ok((
        config,
        Tokenizer::from_vocab_txt_with(&vocabulary, &settings)?,
    ))
}

/// Streams model.safetensors to the device.
pub fn model(folder: &Path, config: Config, device: &Device) -> Result<Model, AnyError> {
    let path = folder.join("model.safetensors");
    let named = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut file = File::open(&path).map_err(named)?;
    let length = file.metadata().map_err(named)?.len();
    let mut loader = ModelLoader::new(device, config, Some(length))?;
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk).map_err(named)? {
            0 => break,
            count => loader.push(&chunk[..count])?,
        }
    }
    Ok(pollster::block_on(loader.finish())?)
}
