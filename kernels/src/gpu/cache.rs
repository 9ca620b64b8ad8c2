//! The record of what was found about shaders, kept in the user's cache folder from one run of a program to the next.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Gpu, Tuning};

/// The file in the user's cache folder; none where there is no such folder.
fn file() -> Option<PathBuf> {
    Some(dirs::cache_dir()?.join("unmask").join("shaders.txt"))
}

/// Takes the choices that an earlier run kept for this adapter and version, and keeps what is
/// found from now on.
pub fn follow(gpu: &Gpu) {
    if let Some(file) = file() {
        follow_in(gpu, file);
    }
}

fn follow_in(gpu: &Gpu, file: PathBuf) {
    let record = fs::read_to_string(&file).unwrap_or_default();
    if let Some(tuning) = Tuning::recall(&record, gpu.info()) {
        gpu.set_tuning(tuning);
    }
    let adapter = gpu.info().clone();
    gpu.on_record(move |tuning| {
        // Nothing but time is lost by it.
        if let Err(error) = keep(&file, &tuning.record(&adapter)) {
            log::warn!("the choice of shaders is not kept: {error}");
        }
    });
}

fn keep(file: &Path, record: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, record)
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    #[test]
    fn choices_come_back_from_the_file() {
        let open = || pollster::block_on(Gpu::new(Options::default()));
        let (first, second) = match (open(), open()) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(error), _) | (_, Err(error)) => {
                eprintln!("SKIPPED: the cache is a GPU's: {error}");
                return;
            }
        };
        let folder = std::env::temp_dir().join(format!("unmask-cache-{}", std::process::id()));
        let file = folder.join("deeper").join("shaders.txt");
        follow_in(&first, file.clone());
        assert!(first.tuning().is_empty());
        first.add_tuning(Tuning::parse("nt-7-8-8 tiles-64x64"));
        follow_in(&second, file);
        let kept = second.tuning();
        fs::remove_dir_all(&folder).expect("the folder made above");
        assert_eq!(kept, first.tuning());
    }
}
