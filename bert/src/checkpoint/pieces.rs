//! One tensor's bytes, cut into pieces as a [`super::Sink`] wants them.

/// The longest piece a [`super::Sink`] gets, in bytes.
pub const MAX_PIECE: usize = 8 << 20;

/// Pieces start and, but for a tensor's last, end at multiples of this many bytes: a whole number of elements
/// of every float type, and what a GPU's buffer writes ask for.
pub(super) const GRAIN: usize = 8;

/// Cuts a tensor of `len` bytes that arrives in chunks of any length.
pub(super) struct Pieces {
    len: u64,
    /// Bytes handed on.
    offset: u64,
    /// Bytes of a grain that was cut by the end of a chunk.
    carry: [u8; GRAIN],
    carried: usize,
}

impl Pieces {
    pub fn new(len: u64) -> Self {
        Self {
            len,
            offset: 0,
            carry: [0; GRAIN],
            carried: 0,
        }
    }

    /// Bytes that are still to come.
    pub fn left(&self) -> u64 {
        self.len - self.offset - self.carried as u64
    }

    /// Takes what of `bytes` is the tensor's, hands it on as pieces with their offsets, and tells how many bytes
    /// that were.
    pub fn push<E>(
        &mut self,
        bytes: &[u8],
        mut give: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut taken = 0;
        while self.left() > 0 && taken < bytes.len() {
            let rest = &bytes[taken..];
            let fits = usize::try_from(self.len - self.offset).unwrap_or(usize::MAX);
            let grain = fits.min(GRAIN);
            if self.carried > 0 || rest.len() < grain {
                let count = rest.len().min(grain - self.carried);
                self.carry[self.carried..self.carried + count].copy_from_slice(&rest[..count]);
                self.carried += count;
                taken += count;
                if self.carried == grain {
                    self.carried = 0;
                    give(self.offset, &self.carry[..grain])?;
                    self.offset += grain as u64;
                }
            } else {
                let mut count = rest.len().min(fits).min(MAX_PIECE);
                if count < fits {
                    count -= count % GRAIN;
                }
                give(self.offset, &rest[..count])?;
                self.offset += count as u64;
                taken += count;
            }
        }
        Ok(taken)
    }
}
