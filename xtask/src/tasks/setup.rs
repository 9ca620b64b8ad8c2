use crate::error::Result;
use crate::setup::{self, Installing};
use crate::workspace::Workspace;

/// Installs what the other tasks need and this machine lacks, as root where that takes root.
pub fn setup(workspace: &Workspace) -> Result<()> {
    setup::wasm_toolchain(workspace, Installing::Allowed)?;
    setup::vulkan();
    setup::axe(workspace)?;
    setup::browsers(workspace)?;
    eprintln!("All is there.");
    Ok(())
}
