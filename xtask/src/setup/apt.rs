//! Debian's package manager, and those that descend from it.

use crate::error::{Error, Result};
use crate::shell::{self, find_program};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long another package manager may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// The same in seconds, for apt.
const WAIT: &str = "DPkg::Lock::Timeout=600";

/// A way to act as root, where apt is there and it works without asking anything.
pub struct Apt {
    sudo: bool,
}

impl Apt {
    /// `None` where there is no apt, or no right to use it.
    pub fn find() -> Option<Self> {
        find_program(&["apt-get"])?;
        let user = shell::capture(Command::new("id").arg("-u"))?;
        if user.trim() == "0" {
            return Some(Self { sudo: false });
        }
        find_program(&["sudo"])?;
        // On a desktop sudo may ask its question; under CI nobody would answer.
        let usable =
            !shell::is_ci() || shell::capture(Command::new("sudo").args(["-n", "true"])).is_some();
        usable.then_some(Self { sudo: true })
    }

    /// A command that runs as root.
    pub fn command(&self, program: &str) -> Command {
        if self.sudo {
            let mut command = Command::new("sudo");
            command.arg(program);
            command
        } else {
            Command::new(program)
        }
    }

    /// Installs packages; never removes one to make room. The package lists are refreshed only if
    /// the first try fails, which is how a fresh machine or an old list shows. Another package manager
    /// at work is waited for.
    ///
    /// # Errors
    /// If apt fails.
    pub fn install(&self, packages: &[&str]) -> Result<()> {
        let attempt = || {
            let mut command = self.command("env");
            command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            command.args(["--option", WAIT, "install", "--yes", "-qq"]);
            command.args(["--no-install-recommends", "--no-remove"]);
            shell::run(command.args(packages))
        };
        attempt().or_else(|_| {
            self.update()?;
            attempt()
        })
    }

    /// Refreshes the lists. Apt itself does not wait for their lock.
    fn update(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let mut command = self.command("env");
            command.args(["LC_ALL=C", "apt-get", "update", "-qq"]);
            let line = shell::line(&command);
            eprintln!("  $ {line}");
            let output = match command.stdin(Stdio::null()).output() {
                Ok(output) if output.status.success() => return Ok(()),
                Ok(output) => output,
                Err(source) => {
                    return Err(Error::Spawn {
                        command: line,
                        source,
                    });
                }
            };
            let said = String::from_utf8_lossy(&output.stderr);
            if !is_locked(&said) || start.elapsed() > PATIENCE {
                eprint!("{said}");
                return Err(Error::Failed {
                    command: line,
                    status: output.status,
                });
            }
            eprintln!("Another package manager is at work: waiting for it.");
            std::thread::sleep(Duration::from_secs(5));
        }
    }
}

/// Whether apt failed because another is at work.
fn is_locked(said: &str) -> bool {
    said.contains("Could not get lock")
}

/// The version in a dependency such as `Depends: llvm-22`, from what `apt-cache depends` prints.
pub fn depends_on_llvm(printed: &str) -> Option<&str> {
    printed
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: llvm-"))
}

#[cfg(test)]
mod tests {
    use super::{depends_on_llvm, is_locked};

    #[test]
    fn a_lock_is_told_from_other_failures() {
        assert!(is_locked(
            "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 12 (apt-get)"
        ));
        assert!(!is_locked(
            "E: Failed to fetch http://example.org/InRelease"
        ));
    }

    #[test]
    fn llvm_version_is_read_from_the_dependencies() {
        let printed =
            "rust-web-llvm\n  Depends: libc6\n  Depends: llvm-22\n  Conflicts: <rust-llvm>\n";
        assert_eq!(depends_on_llvm(printed), Some("22"));
        assert_eq!(depends_on_llvm("rust-web-llvm\n  Depends: libc6\n"), None);
    }
}
