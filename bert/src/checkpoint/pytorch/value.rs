//! What a pickle of a state dict may hold.

use super::super::Dtype;

/// A value's place among a machine's values. Containers hold these, so that a pickle may name itself without
/// anything here being endless.
pub type Id = u32;

/// A value.
#[derive(Debug)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float,
    Str(Box<str>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// In the order of insertion; a key may stand twice.
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// An index among the storages.
    Storage(usize),
    Tensor(Box<Tensor>),
}

/// The names of Python that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    OrderedDict,
    Size,
    /// `torch._utils._rebuild_tensor`, `_v2` and `_v3`.
    RebuildTensor(Rebuild),
    RebuildParameter,
    RebuildFromType,
    /// A class of tensors, which changes nothing.
    TensorType,
    /// A class of storages; `None`: bytes without a type.
    Storage(Option<Dtype>),
    Dtype(Dtype),
}

/// How a tensor was taken apart: what stands after storage, offset, size and stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebuild {
    /// Nothing.
    V1,
    /// Whether it learns, and its hooks.
    V2,
    /// The same, and its type.
    V3,
}

/// A run of numbers in the file, of which tensors are views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    pub key: String,
    /// `None`: bytes without a type.
    pub dtype: Option<Dtype>,
    pub bytes: u64,
}

/// A view of a storage, in elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    pub storage: usize,
    pub dtype: Dtype,
    pub offset: u64,
    pub shape: Vec<u64>,
    pub strides: Vec<u64>,
}

impl Global {
    /// The name that a pickle gives it, `module.name`.
    pub fn find(name: &str) -> Option<Self> {
        use safetensors::Dtype as Of;
        let other = Dtype::Other;
        Some(match name {
            "collections.OrderedDict" => Self::OrderedDict,
            "torch.Size" => Self::Size,
            "torch._utils._rebuild_tensor" => Self::RebuildTensor(Rebuild::V1),
            "torch._utils._rebuild_tensor_v2" => Self::RebuildTensor(Rebuild::V2),
            "torch._utils._rebuild_tensor_v3" => Self::RebuildTensor(Rebuild::V3),
            "torch._utils._rebuild_parameter" => Self::RebuildParameter,
            "torch._tensor._rebuild_from_type_v2" => Self::RebuildFromType,
            "torch.Tensor" | "torch.nn.parameter.Parameter" | "torch.nn.parameter.Buffer" => {
                Self::TensorType
            }
            "torch.FloatStorage" => Self::Storage(Some(Dtype::F32)),
            "torch.HalfStorage" => Self::Storage(Some(Dtype::F16)),
            "torch.BFloat16Storage" => Self::Storage(Some(Dtype::BF16)),
            "torch.DoubleStorage" => Self::Storage(Some(Dtype::F64)),
            "torch.LongStorage" => Self::Storage(Some(other(Of::I64))),
            "torch.IntStorage" => Self::Storage(Some(other(Of::I32))),
            "torch.ShortStorage" => Self::Storage(Some(other(Of::I16))),
            "torch.CharStorage" => Self::Storage(Some(other(Of::I8))),
            "torch.ByteStorage" => Self::Storage(Some(other(Of::U8))),
            "torch.BoolStorage" => Self::Storage(Some(other(Of::BOOL))),
            "torch.storage.UntypedStorage" => Self::Storage(None),
            "torch.float32" => Self::Dtype(Dtype::F32),
            "torch.float16" => Self::Dtype(Dtype::F16),
            "torch.bfloat16" => Self::Dtype(Dtype::BF16),
            "torch.float64" => Self::Dtype(Dtype::F64),
            "torch.uint16" => Self::Dtype(other(Of::U16)),
            "torch.uint32" => Self::Dtype(other(Of::U32)),
            "torch.uint64" => Self::Dtype(other(Of::U64)),
            _ => return None,
        })
    }

    /// What an error calls it.
    pub fn words(self) -> &'static str {
        match self {
            Self::OrderedDict => "collections.OrderedDict",
            Self::Size => "torch.Size",
            Self::RebuildTensor(_) => "torch._utils._rebuild_tensor",
            Self::RebuildParameter => "torch._utils._rebuild_parameter",
            Self::RebuildFromType => "torch._tensor._rebuild_from_type_v2",
            Self::TensorType => "a class of tensors",
            Self::Storage(_) => "a class of storages",
            Self::Dtype(_) => "a dtype",
        }
    }
}
