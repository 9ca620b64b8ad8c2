//! The numbers of one storage, on their way to the tensors that are views of it.

use super::state_dict::{StorageInfo, View};
use crate::checkpoint::pieces::Pieces;
use crate::checkpoint::{Sink, StreamError, TensorInfo};

/// Bytes of a transposed matrix that are turned at a time.
const TURN: usize = 1 << 20;

/// A storage that is being read.
pub struct StorageReader {
    bytes: u64,
    at: u64,
    readers: Vec<Reader>,
}

struct Reader {
    view: View,
    pieces: Pieces,
    /// The bytes of a transposed matrix as they lie in the file.
    held: Vec<u8>,
}

impl StorageReader {
    pub fn new(storage: &StorageInfo, tensors: &[TensorInfo]) -> Self {
        let reader = |view: &View| Reader {
            pieces: Pieces::new(tensors[view.tensor].byte_len()),
            held: Vec::new(),
            view: view.clone(),
        };
        Self {
            bytes: storage.bytes,
            at: 0,
            readers: storage.views.iter().map(reader).collect(),
        }
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether all of it is there.
    pub fn done(&self) -> bool {
        self.at == self.bytes
    }

    /// Takes what of `bytes` is the storage's, hands it on, and tells how many bytes that were.
    ///
    /// # Errors
    /// The sink refused.
    pub fn push<S: Sink>(
        &mut self,
        bytes: &[u8],
        tensors: &[TensorInfo],
        sink: &mut S,
    ) -> Result<usize, StreamError<S::Error>> {
        let left = usize::try_from(self.bytes - self.at).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(left)];
        for reader in &mut self.readers {
            let skipped = usize::try_from(reader.view.begin.saturating_sub(self.at));
            if let Some(rest) = skipped.ok().and_then(|skipped| bytes.get(skipped..)) {
                (reader.push(rest, tensors, sink)).map_err(StreamError::Sink)?;
            }
        }
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Reader {
    fn push<S: Sink>(
        &mut self,
        bytes: &[u8],
        tensors: &[TensorInfo],
        sink: &mut S,
    ) -> Result<(), S::Error> {
        let index = self.view.tensor;
        let mut give = |offset, piece: &[u8]| sink.data(tensors, index, offset, piece);
        let Some(shape) = self.view.transposed else {
            return self.pieces.push(bytes, give).map(|_| ());
        };
        // At most `MAX_TRANSPOSED`; none once the matrix was turned.
        let left = self.pieces.left() as usize - self.held.len();
        if left == 0 {
            return Ok(());
        }
        self.held.reserve_exact(left);
        self.held.extend_from_slice(&bytes[..bytes.len().min(left)]);
        if self.held.len() as u64 == self.pieces.left() {
            let held = std::mem::take(&mut self.held);
            turn(&held, shape, |rows| {
                self.pieces.push(rows, &mut give).map(|_| ())
            })?;
        }
        Ok(())
    }
}

/// Gives the rows, a few at a time, of a matrix whose columns lie one after another.
fn turn<E>(
    columns: &[u8],
    [rows, width]: [usize; 2],
    mut give: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let size = columns.len() / (rows * width);
    let each = (TURN / (width * size)).max(1);
    let mut turned = Vec::new();
    for first in (0..rows).step_by(each) {
        let count = each.min(rows - first);
        turned.resize(count * width * size, 0);
        for column in 0..width {
            let from = &columns[(column * rows + first) * size..][..count * size];
            for (row, element) in from.chunks_exact(size).enumerate() {
                turned[(row * width + column) * size..][..size].copy_from_slice(element);
            }
        }
        give(&turned)?;
    }
    Ok(())
}
