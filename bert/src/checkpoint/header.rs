//! The JSON header of a safetensors file: parsed without trust, checked as a whole.

use super::Dtype;
use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The longest JSON header that is read. A BERT's is about 50 KB.
pub const MAX_HEADER_BYTES: u64 = 4 << 20;
/// The longest tensor name.
pub const MAX_NAME_BYTES: usize = 512;
/// The most dimensions a tensor may have.
pub const MAX_RANK: usize = 4;

/// One tensor of a file, of either format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// As the file names it.
    pub name: String,
    /// The type of its elements.
    pub dtype: Dtype,
    /// Dimensions, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
}

impl TensorInfo {
    /// Bytes of its elements, row by row.
    pub fn byte_len(&self) -> u64 {
        (self.elements() as u64 * self.dtype.bits()).div_ceil(8)
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        // Cannot overflow: `checked_shape` multiplied the same numbers with checks.
        self.shape.iter().product()
    }
}

/// The shape in the target's own numbers, with the bytes of its elements; `None` where either cannot be counted.
pub(super) fn checked_shape(dims: &[u64], dtype: Dtype) -> Option<(Vec<usize>, u64)> {
    // In bits, since there are types narrower than a byte. Zero-sized dimensions must not hide an overflow of
    // the others, so every prefix product is checked with zeros taken as ones.
    let bits = (dims.iter()).try_fold(dtype.bits(), |bits, &dim| bits.checked_mul(dim.max(1)))?;
    let shape: Vec<usize> = (dims.iter())
        .map(|&dim| usize::try_from(dim).ok())
        .collect::<Option<_>>()?;
    // On a 32-bit target an element count may fit u64 and not usize.
    (shape.iter()).try_fold(1usize, |n, &dim| n.checked_mul(dim.max(1)))?;
    let bytes = match dims.contains(&0) {
        true => 0,
        false => bits.div_ceil(8),
    };
    Some((shape, bytes))
}

/// A validated header: the tensors cover the data section exactly, in order, without overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// In the order of their data.
    pub tensors: Vec<TensorInfo>,
    /// Where the data section starts in the file.
    pub data_start: u64,
    /// Length of the whole file, in bytes.
    pub file_len: u64,
}

/// Why a header was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The length field is out of range.
    #[error(
        "its first 8 bytes give a header of {length} bytes, but a header has 1 to {MAX_HEADER_BYTES} bytes"
    )]
    Length {
        /// Bytes of the JSON, as the file has it.
        length: u64,
    },
    /// The header would end after the file.
    #[error(
        "its header claims {length} bytes, which with the 8 before it is more than the whole file, {file_len} bytes"
    )]
    BeyondFile {
        /// Bytes of the JSON, as the file has it.
        length: u64,
        /// Bytes of the file.
        file_len: u64,
    },
    /// No JSON of the right shape; what its parser says.
    #[error("its header is not the JSON object that the format prescribes: {0}")]
    Json(String),
    /// An empty header.
    #[error("its header names no tensor")]
    NoTensors,
    /// A tensor breaks a rule.
    #[error("tensor {}: {rule}", shown(.name))]
    Tensor {
        /// The tensor's name.
        name: String,
        /// The rule.
        rule: Rule,
    },
    /// Bytes of the data section are no tensor's.
    #[error(
        "bytes {begin} to {end} of the data section belong to no tensor (just before {})", shown(.next)
    )]
    Hole {
        /// The first such byte.
        begin: u64,
        /// The byte after the last.
        end: u64,
        /// The tensor that follows.
        next: String,
    },
    /// The file is shorter or longer than its tensors.
    #[error("the file is {file_len} bytes long, but its header accounts for {expected} bytes: {}",
        if .file_len < .expected { "the end is missing" } else { "there are stray bytes at the end" })]
    FileLength {
        /// Bytes of the file.
        file_len: u64,
        /// Bytes that it should have.
        expected: u64,
    },
}

/// The rule that a tensor's entry breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Another tensor has the name.
    #[error("the name stands twice in the header")]
    Duplicate,
    /// Bytes of the name.
    #[error("the name is {0} bytes long; at most {MAX_NAME_BYTES} are allowed")]
    NameTooLong(usize),
    /// A type that the format does not know.
    #[error("unknown dtype {}", shown(.0))]
    UnknownDtype(String),
    /// The number of dimensions.
    #[error("the shape has {0} dimensions; at most {MAX_RANK} are allowed")]
    Rank(usize),
    /// Dimensions whose product is too large.
    #[error("the shape {0:?} has more elements than can be counted")]
    ShapeOverflow(Vec<u64>),
    /// The offsets run backwards.
    #[error("data_offsets end, at {end}, before they begin, at {begin}")]
    Backwards {
        /// The first byte in the data section.
        begin: u64,
        /// The byte after the last.
        end: u64,
    },
    /// Shape and offsets do not agree.
    #[error(
        "shape {shape:?} of {dtype} needs {needed} bytes, but data_offsets span {found} ({begin} to {end})"
    )]
    Size {
        /// Dimensions, outermost first.
        shape: Vec<u64>,
        /// The type of the elements.
        dtype: Dtype,
        /// Bytes by the shape.
        needed: u64,
        /// Bytes by the offsets.
        found: u64,
        /// The first byte in the data section.
        begin: u64,
        /// The byte after the last.
        end: u64,
    },
    /// Two tensors share bytes.
    #[error("starts at byte {begin} of the data section, inside {}, which ends at {previous_end}", shown(.previous))]
    Overlap {
        /// The first byte in the data section.
        begin: u64,
        /// The tensor that holds it too.
        previous: String,
        /// Where that one ends.
        previous_end: u64,
    },
}

/// Text from the file as an error shows it: quoted, escaped, cut.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((cut, _)) => format!("{:?}...", &text[..cut]),
        None => format!("{text:?}"),
    }
}

impl Header {
    /// Checks the length field, the first 8 bytes of the file.
    ///
    /// # Errors
    /// Zero, over [`MAX_HEADER_BYTES`], or beyond the file.
    pub fn check_length(length: u64, file_len: Option<u64>) -> Result<(), HeaderError> {
        if length == 0 || length > MAX_HEADER_BYTES {
            return Err(HeaderError::Length { length });
        }
        match file_len {
            Some(file_len) if file_len < 8 + length => {
                Err(HeaderError::BeyondFile { length, file_len })
            }
            _ => Ok(()),
        }
    }

    /// Parses and validates the JSON that follows the length field.
    /// `file_len` is the length of the whole file where it is known.
    ///
    /// # Errors
    /// The first rule that is broken, with the tensor that breaks it.
    pub fn parse(json: &[u8], file_len: Option<u64>) -> Result<Self, HeaderError> {
        let length = json.len() as u64;
        Self::check_length(length, file_len)?;
        let entries: Entries =
            serde_json::from_slice(json).map_err(|e| HeaderError::Json(e.to_string()))?;
        let mut names = HashSet::with_capacity(entries.0.len());
        for (name, _) in &entries.0 {
            if !names.insert(name.as_str()) {
                return Err(HeaderError::Tensor {
                    name: name.clone(),
                    rule: Rule::Duplicate,
                });
            }
        }
        let mut tensors = Vec::with_capacity(entries.0.len());
        for (name, entry) in entries.0 {
            match entry.check(&name) {
                Ok((dtype, shape)) => {
                    let info = TensorInfo { name, dtype, shape };
                    tensors.push((entry.data_offsets, info));
                }
                Err(rule) => return Err(HeaderError::Tensor { name, rule }),
            }
        }
        if tensors.is_empty() {
            return Err(HeaderError::NoTensors);
        }
        tensors.sort_by_key(|(offsets, _)| *offsets);
        check_coverage(&tensors)?;

        let data_start = 8 + length;
        let data_len = tensors.last().map_or(0, |([_, end], _)| *end);
        let tensors = tensors.into_iter().map(|(_, tensor)| tensor).collect();
        let expected = data_start.saturating_add(data_len);
        match file_len {
            Some(file_len) if file_len != expected => {
                Err(HeaderError::FileLength { file_len, expected })
            }
            _ => Ok(Self {
                tensors,
                data_start,
                file_len: expected,
            }),
        }
    }
}

/// Each tensor, in order of offsets, must start where the one before it ends.
fn check_coverage(tensors: &[([u64; 2], TensorInfo)]) -> Result<(), HeaderError> {
    let mut covered = 0;
    let mut previous: Option<&TensorInfo> = None;
    for ([begin, end], tensor) in tensors {
        if *begin > covered {
            return Err(HeaderError::Hole {
                begin: covered,
                end: *begin,
                next: tensor.name.clone(),
            });
        }
        if let Some(previous) = previous
            && *begin < covered
        {
            return Err(HeaderError::Tensor {
                name: tensor.name.clone(),
                rule: Rule::Overlap {
                    begin: *begin,
                    previous: previous.name.clone(),
                    previous_end: covered,
                },
            });
        }
        (covered, previous) = (*end, Some(tensor));
    }
    Ok(())
}

/// The header's tensors in the order of the JSON, duplicates kept (a map would drop them silently).
struct Entries(Vec<(String, Entry)>);

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Shape,
    data_offsets: [u64; 2],
}

/// Dimensions; those past the limit are counted, not kept.
struct Shape {
    dims: Vec<u64>,
    rank: usize,
}

impl Entry {
    fn check(&self, name: &str) -> Result<(Dtype, Vec<usize>), Rule> {
        if name.len() > MAX_NAME_BYTES {
            return Err(Rule::NameTooLong(name.len()));
        }
        let known: StrDeserializer<'_, de::value::Error> =
            de::IntoDeserializer::into_deserializer(self.dtype.as_str());
        let dtype: Dtype = safetensors::Dtype::deserialize(known)
            .map_err(|_| Rule::UnknownDtype(self.dtype.clone()))?
            .into();
        if self.shape.rank > MAX_RANK {
            return Err(Rule::Rank(self.shape.rank));
        }
        let dims = &self.shape.dims;
        let overflow = || Rule::ShapeOverflow(dims.clone());
        let (shape, needed) = checked_shape(dims, dtype).ok_or_else(overflow)?;
        let [begin, end] = self.data_offsets;
        let found = end
            .checked_sub(begin)
            .ok_or(Rule::Backwards { begin, end })?;
        if needed != found {
            return Err(Rule::Size {
                shape: dims.clone(),
                dtype,
                needed,
                found,
                begin,
                end,
            });
        }
        Ok((dtype, shape))
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                let mut metadata = false;
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        if std::mem::replace(&mut metadata, true) {
                            return Err(de::Error::custom("`__metadata__` stands twice"));
                        }
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let entry = map.next_value().map_err(|error| {
                        de::Error::custom(format!("tensor {}: {error}", shown(&name)))
                    })?;
                    entries.push((name, entry));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dims;
        impl<'de> Visitor<'de> for Dims {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of dimensions")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut shape = Shape {
                    dims: Vec::new(),
                    rank: 0,
                };
                while let Some(dim) = seq.next_element::<u64>()? {
                    shape.rank += 1;
                    if shape.rank <= MAX_RANK {
                        shape.dims.push(dim);
                    }
                }
                Ok(shape)
            }
        }
        deserializer.deserialize_seq(Dims)
    }
}
