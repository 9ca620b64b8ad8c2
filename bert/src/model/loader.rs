//! A checkpoint's bytes, streamed into a device's parameters.

use kernels::{Device, DeviceError, LocalBoxFuture, Params, RunError, Storage};
use sha2::{Digest, Sha256};

use super::layout::Layout;
use super::slot::Part;
use super::{LoadError, Model, names};
use crate::checkpoint::{
    Dtype, Sink, TensorInfo, WeightsStream, decode, first_non_finite, float_types,
};
use crate::config::Config;

/// Elements converted at a time where the device cannot take the file's bytes as they are.
const CONVERT: usize = 1 << 16;

/// Takes the chunks of a `model.safetensors` or `pytorch_model.bin` as they arrive, and writes each tensor's bytes to
/// the device at once: nothing ever holds the file. The model exists only once every byte has
/// come and been checked.
pub struct ModelLoader {
    stream: WeightsStream<Writer>,
    hash: Sha256,
}

impl ModelLoader {
    /// Begins to load a file of `file_len` bytes, if that is known, for `config`. A vocabulary's
    /// matrix that is more than the device binds lies there in blocks.
    pub fn new(device: &Device, config: Config, file_len: Option<u64>) -> Result<Self, LoadError> {
        Self::with_limit(device, config, file_len, u64::MAX)
    }

    /// The same, with blocks of at most `limit` bytes also where the device binds more.
    pub fn with_limit(
        device: &Device,
        config: Config,
        file_len: Option<u64>,
        limit: u64,
    ) -> Result<Self, LoadError> {
        let head = config.head_size();
        if head > kernels::ops::MAX_HEAD_SIZE {
            return Err(LoadError::HeadSize(head));
        }
        let writer = Writer {
            device: device.clone(),
            config,
            limit: limit.min(device.max_tensor_bytes()),
            loaded: None,
            dtypes: Vec::new(),
            scratch: Vec::new(),
        };
        Ok(Self {
            stream: WeightsStream::new(file_len, writer),
            hash: Sha256::new(),
        })
    }

    /// Takes the next chunk, of any length.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.stream.push(bytes)?;
        self.hash.update(bytes);
        Ok(())
    }

    /// Bytes taken, and bytes in all once known (else 0).
    pub fn progress(&self) -> (u64, u64) {
        self.stream.progress()
    }

    /// The types in which the file stores its floats, the commonest first; empty until they are known.
    pub fn dtypes(&self) -> &[Dtype] {
        self.stream.sink().map_or(&[], |writer| &writer.dtypes)
    }

    /// Ends the file: checks that nothing is missing and that the device took everything.
    pub async fn finish(self) -> Result<Model, LoadError> {
        let sha256 = format!("{:x}", self.hash.finalize());
        let writer = self.stream.finish()?;
        let Some(Loaded {
            layout,
            params,
            ready,
        }) = writer.loaded
        else {
            unreachable!("a stream that ends well has delivered its header");
        };
        ready.await?;
        // Writes to a device that is gone vanish without an error.
        check_lost(&writer.device)?;
        Ok(Model::new(
            writer.device,
            writer.config,
            layout,
            params,
            sha256,
        ))
    }
}

struct Loaded {
    layout: Layout,
    params: Params,
    ready: LocalBoxFuture<'static, Result<(), DeviceError>>,
}

struct Writer {
    device: Device,
    config: Config,
    /// Bytes of the largest parameter.
    limit: u64,
    loaded: Option<Loaded>,
    /// In use, the commonest first.
    dtypes: Vec<Dtype>,
    scratch: Vec<f32>,
}

impl Sink for Writer {
    type Error = LoadError;

    fn header(&mut self, tensors: &[TensorInfo]) -> Result<(), LoadError> {
        let layout = Layout::new(&self.config, tensors, self.limit)?;
        check_lost(&self.device)?;
        let (params, ready) = Params::new(&self.device, &layout.params)?;
        super::warm_up(&self.device, &self.config, &layout, &params);
        self.dtypes = float_types(tensors);
        self.loaded = Some(Loaded {
            layout,
            params,
            ready,
        });
        Ok(())
    }

    fn data(
        &mut self,
        tensors: &[TensorInfo],
        index: usize,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), LoadError> {
        let Some(Loaded { layout, params, .. }) = &mut self.loaded else {
            unreachable!("the header comes before the data");
        };
        let Some(slot) = layout.sources[index] else {
            return Ok(());
        };
        check_lost(&self.device)?;
        let slot = &layout.slots[slot];
        let tensor = &tensors[index];
        let Some(size) = tensor.dtype.float_bytes() else {
            unreachable!("the layout refused tensors that hold no floats");
        };
        let first = offset as usize / size;
        if let Some(at) = first_non_finite(tensor.dtype, bytes) {
            return Err(LoadError::NonFinite {
                name: tensor.name.clone(),
                index: first + at,
            });
        }
        // A stored classifier may be a multiple of the true one, by a power of two.
        let scale = match slot.param.strip_prefix(names::CLASSIFIER) {
            Some(".weight") => self.config.classifier_scale,
            _ => 1.0,
        };
        let mut rest = bytes;
        for part in slot.parts(first, bytes.len() / size) {
            let (piece, after) = rest.split_at(part.len * size);
            rest = after;
            write(params, &part, tensor.dtype, piece, scale, &mut self.scratch)?;
        }
        Ok(())
    }
}

/// Writes the file's bytes of elements that lie side by side, divided by `scale`.
fn write(
    params: &mut Params,
    part: &Part,
    dtype: Dtype,
    bytes: &[u8],
    scale: f32,
    scratch: &mut Vec<f32>,
) -> Result<(), RunError> {
    let specs = params.specs();
    let storage = specs
        .iter()
        .find(|s| s.name == part.param)
        .map(|s| s.storage);
    let as_is = matches!(
        (dtype, storage),
        (Dtype::F32, Some(Storage::F32)) | (Dtype::F16, Some(Storage::F16))
    );
    let size = bytes.len() / part.len;
    if params.takes_bytes() && as_is && scale == 1.0 {
        let to = (part.offset * size) as u64;
        if bytes.len().is_multiple_of(4) {
            return params.write_bytes(&part.param, to, bytes);
        }
        // The odd last half of a tensor: parameters are rounded up to whole words.
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        return params.write_bytes(&part.param, to, &padded);
    }
    for (i, piece) in bytes.chunks(CONVERT * size).enumerate() {
        scratch.clear();
        decode(dtype, piece, scratch);
        scratch.iter_mut().for_each(|x| *x /= scale);
        params.write(&part.param, part.offset + i * CONVERT, scratch)?;
    }
    Ok(())
}

fn check_lost(device: &Device) -> Result<(), DeviceError> {
    match device {
        Device::Gpu(gpu) => gpu.lost().map_or(Ok(()), |why| Err(DeviceError::Lost(why))),
        Device::Cpu(_) => Ok(()),
    }
}
