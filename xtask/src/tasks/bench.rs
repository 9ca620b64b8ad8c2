use crate::error::Result;
use crate::setup;
use crate::shell;
use crate::workspace::Workspace;

/// Times forward passes and steps of training: runs `bert`'s example `bench`, optimised, with `arguments` passed on.
pub fn bench(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup::vulkan();
    let mut cargo = workspace.cargo();
    cargo.args([
        "run",
        "--release",
        "--package",
        "bert",
        "--example",
        "bench",
        "--",
    ]);
    cargo.args(arguments);
    setup::use_software_adapter(&mut cargo, workspace);
    shell::run(&mut cargo)
}
