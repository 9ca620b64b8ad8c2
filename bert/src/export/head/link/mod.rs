//! A head as a short text, for a link.
//!
//! base64url, without padding, of
//!
//! ```text
//! 3                version; without the longest text: 2, or 1 where it is not known what the head
//!                  was trained on
//! length           u32, of what is inflated
//! deflate stream
//! checksum         CRC-32 of all before
//! ```
//!
//! and inflated, every number little-endian:
//!
//! ```text
//! base's SHA-256   32 bytes
//! hidden size H    u16
//! pooling          0 pooler, 1 [CLS], 2 mean
//! classes L        u16
//! base's name      u16 length, UTF-8
//! L labels         each u16 length, UTF-8
//! longest text     in version 3 only: u16, in tokens; then 1 where the machine follows, else 0
//! machine          in versions 2 and 3: adapter, shader record and doubt, each u16 length, UTF-8;
//!                  length 0 for none
//! L·H + L numbers  f16, weights before biases: first all high bytes, then all low ones
//! ```
//!
//! The high bytes hold sign and exponent, which repeat; the low ones are noise. Apart, the first
//! half compresses.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use half::f16;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::{Head, HeadError, Machine};
use crate::config::{HeadKind, Pooling};
use crate::model::TaskHead;

/// The longest text that is read or written, in characters.
pub const MAX_LINK_HEAD: usize = 64 << 10;

/// The most that is ever inflated: a link of [`MAX_LINK_HEAD`] that is nearly all zeros, and room.
const MAX_INFLATED: usize = 1 << 20;
/// The version without what the head was trained on, and the one without its longest text.
const BARE: u8 = 1;
const UNLIMITED: u8 = 2;
const VERSION: u8 = 3;
/// The most that deflate is asked to try.
const LEVEL: u8 = 9;
/// Longest name of a base that is kept, in characters.
const MAX_BASE: usize = 200;

fn refuse<T>(words: impl Into<String>) -> Result<T, HeadError> {
    Err(HeadError::Link(words.into()))
}

/// In the order of their numbers in a link.
const POOLINGS: [Pooling; 3] = [Pooling::Pooler, Pooling::Cls, Pooling::Mean];
const KINDS: [HeadKind; 6] = [
    HeadKind::Classes,
    HeadKind::Labels,
    HeadKind::Score,
    HeadKind::Tokens,
    HeadKind::Span,
    HeadKind::Choice,
];

impl Head {
    /// The head as a text of letters, digits, `-` and `_`. Its numbers are rounded to half
    /// precision: of H = 768 and two classes, about 4,000 characters.
    ///
    /// # Errors
    /// Numbers that half precision does not reach; more than [`MAX_LINK_HEAD`] characters. Its
    /// file has room for both.
    pub fn to_link_text(&self) -> Result<String, HeadError> {
        let mut bytes = bytes_of_hash(&self.base_sha256)?.to_vec();
        let labels = &self.classifier.labels;
        let base: String = self.base.chars().take(MAX_BASE).collect();
        // The kind lies over the pooling: a reader that knows only classes refuses the others.
        let kind = KINDS.iter().position(|kind| *kind == self.classifier.kind);
        let pooling = POOLINGS.iter().position(|p| *p == self.classifier.pooling);
        let (kind, pooling) = (kind.unwrap_or(0), pooling.unwrap_or(0));
        bytes.extend(short(self.hidden_size));
        bytes.push((kind * POOLINGS.len() + pooling) as u8);
        bytes.extend(short(labels.len()));
        for text in std::iter::once(&base).chain(labels) {
            bytes.extend(short(text.len()));
            bytes.extend(text.as_bytes());
        }
        if let Some(tokens) = self.classifier.max_tokens {
            bytes.extend(short(tokens));
            bytes.push(self.machine.is_some().into());
        }
        if let Some(machine) = &self.machine {
            for text in [&machine.adapter, &machine.shaders, &machine.doubt] {
                let text = text.as_deref().unwrap_or_default();
                bytes.extend(short(text.len()));
                bytes.extend(text.as_bytes());
            }
        }
        let halves: Vec<[u8; 2]> = self
            .weight
            .iter()
            .chain(&self.bias)
            .map(|&number| match f16::from_f32(number) {
                half if half.is_finite() => Ok(half.to_le_bytes()),
                _ => Err(HeadError::Half(number)),
            })
            .collect::<Result<_, _>>()?;
        bytes.extend(halves.iter().map(|half| half[1]));
        bytes.extend(halves.iter().map(|half| half[0]));
        if bytes.len() > MAX_INFLATED {
            return Err(HeadError::LongLink(bytes.len() / 3 * 4));
        }
        let version = match (self.classifier.max_tokens, &self.machine) {
            (Some(_), _) => VERSION,
            (None, Some(_)) => UNLIMITED,
            (None, None) => BARE,
        };
        let mut packed = vec![version];
        packed.extend((bytes.len() as u32).to_le_bytes());
        packed.extend(compress_to_vec(&bytes, LEVEL));
        packed.extend(crc32fast::hash(&packed).to_le_bytes());
        let text = BASE64.encode(packed);
        match text.len() {
            0..=MAX_LINK_HEAD => Ok(text),
            long => Err(HeadError::LongLink(long)),
        }
    }

    /// Reads [`Head::to_link_text`], trusting nothing in it. Memory stays within what the text's
    /// length and a fixed bound allow, whatever it claims.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn from_link_text(text: &str) -> Result<Self, HeadError> {
        if text.len() > MAX_LINK_HEAD {
            let long = text.len();
            return refuse(format!(
                "it has {long} characters; a head has at most {MAX_LINK_HEAD}"
            ));
        }
        let Ok(packed) = BASE64.decode(text) else {
            return refuse("it is no base64url; part of the link may be missing");
        };
        let Some((rest, checksum)) = packed.split_last_chunk::<4>() else {
            return refuse("it is too short");
        };
        if crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
            return refuse("its checksum is wrong; part of the link is missing or changed");
        }
        let Some((&[version, a, b, c, d], deflated)) = rest.split_first_chunk::<5>() else {
            return refuse("it is too short");
        };
        if !(BARE..=VERSION).contains(&version) {
            return refuse(format!(
                "its version is {version}, and this program reads up to {VERSION}"
            ));
        }
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > MAX_INFLATED {
            return refuse(format!(
                "it claims {length} bytes; a head in a link has at most {MAX_INFLATED}"
            ));
        }
        let Ok(bytes) = decompress_to_vec_with_limit(deflated, length) else {
            return refuse("it does not unpack to the length it claims");
        };
        if bytes.len() != length {
            return refuse("it does not unpack to the length it claims");
        }
        Self::unpacked(&bytes, version)
    }

    fn unpacked(bytes: &[u8], version: u8) -> Result<Self, HeadError> {
        let mut reader = Reader(bytes);
        let hash = reader.take(32)?;
        let base_sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let hidden_size = reader.short()?;
        if !(1..=16_384).contains(&hidden_size) {
            return refuse(format!("vectors of {hidden_size} numbers"));
        }
        let both = usize::from(reader.take(1)?[0]);
        let Some(kind) = KINDS.get(both / POOLINGS.len()).copied() else {
            return refuse("a kind of head that there is none of");
        };
        let pooling = POOLINGS[both % POOLINGS.len()];
        let classes = reader.short()?;
        let base = reader.text()?.chars().take(MAX_BASE).collect();
        let labels = (0..classes)
            .map(|_| reader.text().map(str::to_owned))
            .collect::<Result<Vec<_>, _>>()?;
        TaskHead::check_labels(kind, &labels)?;
        let (mut max_tokens, mut has_machine) = (None, version > BARE);
        if version == VERSION {
            max_tokens = Some(reader.short()?);
            has_machine = reader.take(1)? != [0];
        }
        if max_tokens.is_some_and(|tokens| tokens < 3) {
            return refuse("a longest text of less than three tokens");
        }
        let mut note = || -> Result<Option<String>, HeadError> {
            let text = reader.text()?;
            Ok((!text.is_empty()).then(|| text.to_owned()))
        };
        let machine = match has_machine {
            false => None,
            true => Some(Machine {
                adapter: note()?,
                shaders: note()?,
                doubt: note()?,
            }),
        };
        let machine = machine.map(Machine::bounded);
        // 16,384 times 65,535 at the most: no overflow, and nothing is allocated before it fits.
        let (weights, count) = (classes * hidden_size, classes * (hidden_size + 1));
        if reader.0.len() != 2 * count {
            return refuse(format!(
                "{classes} classes of {hidden_size} numbers take {} bytes, and it has {}",
                2 * count,
                reader.0.len()
            ));
        }
        let (high, low) = reader.0.split_at(count);
        let both = high.iter().zip(low);
        let mut weight: Vec<f32> = both
            .map(|(&high, &low)| f16::from_le_bytes([low, high]).to_f32())
            .collect();
        if let Some(at) = weight.iter().position(|number| !number.is_finite()) {
            return refuse(format!("NaN or infinity at element {at}"));
        }
        let bias = weight.split_off(weights);
        Ok(Self {
            classifier: TaskHead {
                kind,
                labels,
                pooling,
                max_tokens,
            },
            base_sha256,
            base,
            hidden_size,
            machine,
            weight,
            bias,
        })
    }
}

/// Lengths that are written are far below 65,536: labels have 1,000 bytes at most, names 200
/// characters, and there are 10,000 labels and 16,384 numbers in a vector at the most.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes()
}

/// [`crate::model::Model::sha256`] as bytes.
fn bytes_of_hash(hash: &str) -> Result<[u8; 32], HeadError> {
    let mut bytes = [0; 32];
    let digits = hash.as_bytes().as_chunks::<2>().0;
    let pairs = digits.iter().map(|pair| std::str::from_utf8(pair).ok());
    let mut values = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok());
    if hash.len() != 64
        || !bytes
            .iter_mut()
            .all(|byte| put(byte, values.next().flatten()))
    {
        return refuse("the base's hash is not 64 hexadecimal digits");
    }
    Ok(bytes)
}

fn put(byte: &mut u8, value: Option<u8>) -> bool {
    value.map(|value| *byte = value).is_some()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], HeadError> {
        match self.0.split_at_checked(count) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => refuse("it ends in the middle"),
        }
    }

    fn short(&mut self) -> Result<usize, HeadError> {
        let bytes = self.take(2)?;
        Ok(usize::from(bytes[0]) | usize::from(bytes[1]) << 8)
    }

    fn text(&mut self) -> Result<&'a str, HeadError> {
        let length = self.short()?;
        let Ok(text) = std::str::from_utf8(self.take(length)?) else {
            return refuse("a name in it is no UTF-8");
        };
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
