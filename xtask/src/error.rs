use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a task stopped. Each message says what happened, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Usage(String),
    /// A tool this machine lacks and that no package manager here could bring.
    #[error("{what} is missing. {advice}")]
    Missing { what: String, advice: String },
    #[error("could not start `{command}`: {source}")]
    Spawn {
        command: String,
        source: std::io::Error,
    },
    #[error("`{command}` failed ({status})")]
    Failed {
        command: String,
        status: std::process::ExitStatus,
    },
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("wasm-bindgen could not process {}: {reason}", path.display())]
    Bindgen { path: PathBuf, reason: String },
    /// The page's files do not refer to each other as the build expects.
    #[error("the page's files do not fit together: {0}")]
    Site(String),
    #[error("could not listen on {address}: {reason}. Another port may be free: --port N")]
    Listen { address: String, reason: String },
}

/// Names the file in an I/O error: `read(path).at("read", path)?`.
pub trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io {
            action,
            path: path.to_path_buf(),
            source,
        })
    }
}
