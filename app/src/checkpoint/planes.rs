//! Weights in planes, as a build publishes its own (`xtask/src/tasks/planes.rs`): the file in pieces of
//! 60 KiB, of each first the bytes at odd places, then those at even ones.

/// What such weights are called.
pub const NAME: &str = "model.planes";
/// Bytes that are dealt out at a time.
const PIECE: usize = 60 << 10;

/// Puts the file together again from its planes.
#[derive(Debug, Default)]
pub struct Planes {
    /// The piece that has come in part.
    piece: Vec<u8>,
}

impl Planes {
    /// Takes more of the planes; appends to `file` what is whole.
    pub fn push(&mut self, mut bytes: &[u8], file: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE {
                self.end(file);
            }
        }
    }

    /// Appends the last piece, which may be shorter.
    pub fn end(&mut self, file: &mut Vec<u8>) {
        let (odd, even) = self.piece.split_at(self.piece.len() / 2);
        file.reserve(self.piece.len());
        file.extend(even.iter().zip(odd).flat_map(|(even, odd)| [even, odd]));
        file.extend(even.get(odd.len()));
        self.piece.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn apart(file: &[u8]) -> Vec<u8> {
        let planes = |piece: &[u8]| {
            let plane = |first| piece.iter().skip(first).step_by(2).copied();
            plane(1).chain(plane(0)).collect::<Vec<u8>>()
        };
        file.chunks(PIECE).flat_map(planes).collect()
    }

    proptest! {
        #[test]
        fn whatever_was_taken_apart_is_put_together(
            length in 0..3 * PIECE,
            cuts in prop::collection::vec(1..PIECE, 1..8),
        ) {
            let file: Vec<u8> = (0..length as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let packed = apart(&file);
            let (mut planes, mut got, mut rest) = (Planes::default(), Vec::new(), &packed[..]);
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                planes.push(now, &mut got);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            planes.end(&mut got);
            prop_assert!(got == file);
        }
    }

    #[test]
    fn a_piece_of_odd_length_ends_in_an_even_place() {
        let (mut planes, mut file) = (Planes::default(), Vec::new());
        planes.push(b"135", &mut file);
        planes.push(b"0246", &mut file);
        assert!(file.is_empty());
        planes.end(&mut file);
        assert_eq!(file, b"0123456");
    }
}
