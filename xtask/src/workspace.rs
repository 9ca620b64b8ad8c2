use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Where things are in this checkout.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The folder that holds the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Workspace {
    /// The checkout this xtask runs in. Cargo says which: one that was moved is not compiled anew, so that the place it
    /// was compiled in may be gone.
    pub fn find() -> Self {
        let running = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let member = running.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let root = member.parent().expect("a member's folder has a parent");
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Self {
            root: root.to_path_buf(),
            target,
        }
    }

    /// The built page, ready to be copied to any folder of any static host.
    pub fn site(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// Where xtask keeps what lets it skip work next time.
    pub fn cache(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The cargo that runs us, started at the root.
    pub fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command.current_dir(&self.root);
        command
    }
}
