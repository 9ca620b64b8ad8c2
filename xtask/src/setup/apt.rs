//! Debian's package manager, and those that descend from it.

use crate::error::Result;
use crate::shell::{self, find_program};
use std::process::Command;

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
    /// the first try fails, which is how a fresh machine or an old list shows.
    pub fn install(&self, packages: &[&str]) -> Result<()> {
        let attempt = || {
            let mut command = self.command("env");
            command.args([
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "install",
                "--yes",
                "-qq",
            ]);
            command
                .args(["--no-install-recommends", "--no-remove"])
                .args(packages);
            shell::run(&mut command)
        };
        attempt().or_else(|_| {
            shell::run(self.command("apt-get").args(["update", "-qq"]))?;
            attempt()
        })
    }
}

/// The version in a dependency such as `Depends: llvm-22`, from what `apt-cache depends` prints.
pub fn depends_on_llvm(printed: &str) -> Option<&str> {
    printed
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: llvm-"))
}

#[cfg(test)]
mod tests {
    use super::depends_on_llvm;

    #[test]
    fn llvm_version_is_read_from_the_dependencies() {
        let printed =
            "rust-web-llvm\n  Depends: libc6\n  Depends: llvm-22\n  Conflicts: <rust-llvm>\n";
        assert_eq!(depends_on_llvm(printed), Some("22"));
        assert_eq!(depends_on_llvm("rust-web-llvm\n  Depends: libc6\n"), None);
    }
}
