//! What a classifier or a model was trained on.

use kernels::Device;
use serde::{Deserialize, Serialize};

/// Longest of the texts that are kept, in characters.
const MOST: usize = 300;

/// What a run was computed on. The same seed, texts and settings give the same bits again only on the
/// same adapter by the same record of shaders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The GPU's name; `None` is the CPU.
    pub adapter: Option<String>,
    /// Which record of shader choices the run began with: 8 hexadecimal digits
    /// ([`Gpu::record_id`](kernels::gpu::Gpu::record_id)); `None` where they were chosen by rule.
    pub shaders: Option<String>,
    /// Why the results are in doubt, in a sentence: the self-test found something wrong that may have
    /// had a part in them.
    #[serde(default)]
    pub doubt: Option<String>,
}

impl Machine {
    /// The device as it chooses shaders now.
    pub fn of(device: &Device) -> Self {
        match device {
            Device::Gpu(gpu) => Self {
                adapter: Some(gpu.info().name.clone()),
                shaders: gpu.record_id(),
                doubt: None,
            },
            Device::Cpu(_) => Self::default(),
        }
        .bounded()
    }

    /// In a sentence.
    pub fn words(&self) -> String {
        match (&self.adapter, &self.shaders) {
            (None, _) => "Trained on the CPU.".to_owned(),
            (Some(gpu), None) => format!("Trained on the GPU {gpu}, shaders chosen by rule."),
            (Some(gpu), Some(record)) => {
                format!("Trained on the GPU {gpu}, shader record {record}.")
            }
        }
    }

    /// Each text on one line, and no longer than a link has room for.
    pub(super) fn bounded(self) -> Self {
        let bound = |text: Option<String>| {
            let words = text?.split_whitespace().collect::<Vec<_>>().join(" ");
            let text: String = words.chars().take(MOST).collect();
            Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
        };
        Self {
            adapter: bound(self.adapter),
            shaders: bound(self.shaders),
            doubt: bound(self.doubt),
        }
    }
}
