//! Checkpoints: where they come from, what a host offers, what this device keeps.

use super::address::Address;
use super::converter::Conversion;
use serde::{Deserialize, Serialize};

/// Where a checkpoint comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A folder beside the page, named relative to it.
    Bundled {
        name: String,
        folder: String,
        /// What the weights hash to, where the build has said so.
        sha256: Option<String>,
        /// Whether they lie in [`planes`](super::planes).
        packed: bool,
    },
    /// Files that someone dropped or picked; their bytes are the message's attachments.
    Files {
        name: String,
        files: Vec<PickedFile>,
    },
    /// Files on a host, or kept on this device since they came from there.
    Remote {
        listing: Listing,
        /// Whether what is missing may be downloaded: once the visitor has said so, and for that
        /// load only.
        download: bool,
    },
}

impl Source {
    /// What to call the model on the page.
    pub fn name(&self) -> &str {
        match self {
            Self::Bundled { name, .. } | Self::Files { name, .. } => name,
            Self::Remote { listing, .. } => listing.address.name(),
        }
    }

    /// The same, for a load that nobody has agreed to.
    pub fn kept(self) -> Self {
        match self {
            Self::Remote { listing, .. } => Self::Remote {
                listing,
                download: false,
            },
            other => other,
        }
    }

    /// The files of the visitor's that it names.
    pub fn slots(&self) -> Vec<usize> {
        match self {
            Self::Files { files, .. } => files.iter().map(|file| file.slot).collect(),
            _ => Vec::new(),
        }
    }

    /// Where anyone could load the same, if it is not beside the page.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Remote { listing, .. } => Some(&listing.address),
            _ => None,
        }
    }
}

/// One file of a checkpoint and the part it plays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickedFile {
    pub role: Role,
    pub name: String,
    pub bytes: u64,
    /// Index of the file among the message's attachments.
    pub slot: usize,
}

/// The part a file plays in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Weights,
    Config,
    TokenizerJson,
    VocabTxt,
    TokenizerConfig,
    VocabJson,
    MergesTxt,
    SpecialTokensMap,
    AddedTokens,
    /// A classifier by itself, as `Export::Head` writes it.
    Head,
}

impl Role {
    /// What a whole checkpoint may have.
    pub const CHECKPOINT: [Self; 9] = [
        Self::Weights,
        Self::Config,
        Self::TokenizerJson,
        Self::VocabTxt,
        Self::TokenizerConfig,
        Self::VocabJson,
        Self::MergesTxt,
        Self::SpecialTokensMap,
        Self::AddedTokens,
    ];
    /// What a tokenizer is read from.
    pub const TOKENIZER: [Self; 7] = [
        Self::TokenizerJson,
        Self::VocabTxt,
        Self::TokenizerConfig,
        Self::VocabJson,
        Self::MergesTxt,
        Self::SpecialTokensMap,
        Self::AddedTokens,
    ];

    /// The part of a file of this name, other than weights.
    pub fn of_file(name: &str) -> Option<Self> {
        let named = |role: &Self| role.file_name() == Some(name);
        Self::CHECKPOINT[1..].iter().copied().find(named)
    }

    /// Whether files that play these parts hold a vocabulary.
    pub fn make_vocabulary(has: impl Fn(Self) -> bool) -> bool {
        has(Self::TokenizerJson)
            || has(Self::VocabTxt)
            || has(Self::VocabJson) && has(Self::MergesTxt)
    }

    /// The file's usual name; a classifier has none of its own.
    pub fn file_name(self) -> Option<&'static str> {
        match self {
            Self::Weights => Some("model.safetensors"),
            Self::Config => Some("config.json"),
            Self::TokenizerJson => Some("tokenizer.json"),
            Self::VocabTxt => Some("vocab.txt"),
            Self::TokenizerConfig => Some("tokenizer_config.json"),
            Self::VocabJson => Some("vocab.json"),
            Self::MergesTxt => Some("merges.txt"),
            Self::SpecialTokensMap => Some("special_tokens_map.json"),
            Self::AddedTokens => Some("added_tokens.json"),
            Self::Head => None,
        }
    }
}

/// The hub, where models are found by their names: where it is asked, and which hosts it may send a
/// download to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hub {
    /// Without a slash at the end.
    pub address: String,
    /// Host names; each stands for what is below it too.
    pub hosts: Vec<String>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            address: "https://huggingface.co".into(),
            hosts: vec!["huggingface.co".into(), "hf.co".into()],
        }
    }
}

/// A checkpoint's files on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Pinned to a commit, where the host has commits.
    pub address: Address,
    /// What was asked for: mostly a branch.
    pub asked: Address,
    pub files: Vec<RemoteFile>,
}

impl Listing {
    /// The file that plays a part.
    pub fn file(&self, role: Role) -> Option<&RemoteFile> {
        self.files.iter().find(|file| file.role == role)
    }

    /// The files as their host may have them by now: at a commit they never change, elsewhere what
    /// was found out about a copy says nothing.
    pub fn as_on_its_host(&self) -> Self {
        let mut listing = self.clone();
        if !listing.address.is_pinned() {
            listing.files.iter_mut().for_each(|file| file.sha256 = None);
        }
        listing
    }

    /// Bytes of all files, where the host tells.
    pub fn bytes(&self) -> Option<u64> {
        self.files
            .iter()
            .try_fold(0u64, |sum, file| Some(sum.saturating_add(file.bytes?)))
    }
}

/// A file on a host, as the host describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteFile {
    pub role: Role,
    pub name: String,
    /// From the hub, or once the file is here, this is certain; else it is a guess.
    pub bytes: Option<u64>,
    /// 64 hexadecimal digits, where the host tells.
    pub sha256: Option<String>,
}

/// How much of a checkpoint is on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    #[default]
    Nothing,
    /// A download that was interrupted.
    Part {
        bytes: u64,
    },
    Whole,
}

/// What loading a checkpoint would mean, told before anything big is fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub asked: Address,
    /// The host that would be, or was, asked.
    pub host: String,
    /// `None` where the host may not be asked before the visitor says so.
    pub listing: Option<Listing>,
    pub kept: Kept,
    /// The first of `architectures` in config.json.
    pub architecture: Option<String>,
    /// The hub's count of weights.
    pub parameters: Option<u64>,
    /// Weights of the largest matrix that a device must hold in one piece.
    pub largest: Option<u64>,
    /// Set where the listing is of a pull request, which the owners have not merged.
    pub conversion: Option<Conversion>,
    /// Bytes that this page may still keep on this device, where the browser tells.
    pub room: Option<u64>,
}

impl Offer {
    /// Of which nothing is known yet.
    pub fn unseen(asked: Address, host: String, room: Option<u64>) -> Self {
        Self {
            asked,
            host,
            listing: None,
            kept: Kept::Nothing,
            architecture: None,
            parameters: None,
            largest: None,
            conversion: None,
            room,
        }
    }
}

/// A checkpoint on this device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptEntry {
    /// Its folder's name, by which it is deleted.
    pub key: String,
    /// `None` where what lies there cannot be read.
    pub listing: Option<Listing>,
    /// Bytes on this device.
    pub bytes: u64,
    pub complete: bool,
    /// Milliseconds since 1970.
    pub saved: f64,
}
