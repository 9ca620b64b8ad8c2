//! What a visitor downloads: at the first visit, before the model, and when something is opened that comes later.

use super::parts;
use crate::error::{At, Error, Result};
use crate::server::brotli_of;
use std::fs;
use std::path::Path;

/// The most bytes of programs and scripts that a first visit may take, compressed.
const MOST: u64 = 1_400_000;
/// What nobody waits for: the service worker is fetched once the page is there.
const UNAWAITED: &str = "sw.js";

/// A site's sizes in bytes, compressed.
#[derive(Debug, PartialEq, Eq)]
struct Sizes {
    /// The page's program and the engine's, each with its script.
    programs: [u64; 2],
    /// The scripts that start them.
    starting: u64,
    /// What each part of a program takes, with what it shares with others.
    parts: Vec<(String, u64)>,
}

impl Sizes {
    /// Reads them off a site that was built and compressed.
    fn of(site: &Path) -> Result<Self> {
        let mut sizes = Self {
            programs: [0; 2],
            starting: 0,
            parts: Vec::new(),
        };
        for entry in fs::read_dir(site).at("list", site)? {
            let path = entry.at("list", site)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let script = name.ends_with(".js") && name != UNAWAITED;
            let of = |program: &str| {
                let rest = name.strip_prefix(program).unwrap_or_default();
                rest.starts_with("_bg-") || (script && rest.starts_with('-'))
            };
            let is_wasm = name.ends_with(".wasm");
            if !(script || is_wasm) {
                continue;
            }
            match ["app", "engine"].iter().position(|program| of(program)) {
                Some(program) => {
                    sizes.programs[program] += size(&path)?;
                    if script {
                        let text = fs::read_to_string(&path).at("read", &path)?;
                        sizes.add_parts(&text, site)?;
                    }
                }
                None if script => sizes.starting += size(&path)?,
                None => {}
            }
        }
        sizes.parts.sort();
        Ok(sizes)
    }

    /// Adds what a program's script fetches later.
    fn add_parts(&mut self, script: &str, site: &Path) -> Result<()> {
        for (part, files) in parts::list(script)? {
            let sizes = files.iter().map(|file| size(&site.join(file)));
            self.parts.push((part, sizes.sum::<Result<u64>>()?));
        }
        Ok(())
    }

    fn first_visit(&self) -> u64 {
        self.programs.iter().sum::<u64>() + self.starting
    }

    /// # Errors
    /// A first visit that takes more than `most`.
    fn check(&self, most: u64) -> Result<()> {
        if self.first_visit() <= most {
            return Ok(());
        }
        Err(Error::Site(format!(
            "a first visit takes {} of programs and scripts, more than {}: move what Probe does not need into a later \
             part (ARCHITECTURE.md, \"In parts\")",
            kilobytes(self.first_visit()),
            kilobytes(most)
        )))
    }
}

/// Prints what a visitor downloads, compressed.
///
/// # Errors
/// A first visit that takes too much, or a site that is not whole.
pub fn report(site: &Path) -> Result<()> {
    let sizes = Sizes::of(site)?;
    let [page, engine] = sizes.programs.map(kilobytes);
    eprintln!(
        "First visit: page {page}, engine {engine}, starting them {}; {} of at most {}.",
        kilobytes(sizes.starting),
        kilobytes(sizes.first_visit()),
        kilobytes(MOST)
    );
    eprintln!("Later, each with what it shares with others:");
    for (part, bytes) in &sizes.parts {
        eprintln!("  {part:<24} {:>10}", kilobytes(*bytes));
    }
    sizes.check(MOST)
}

/// A file's size as a host sends it.
fn size(file: &Path) -> Result<u64> {
    let packed = brotli_of(file);
    let file = if packed.is_file() { &packed } else { file };
    Ok(fs::metadata(file).at("read", file)?.len())
}

fn kilobytes(bytes: u64) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_visit_is_measured_and_must_not_grow_beyond_its_bound() {
        let site = std::env::temp_dir().join(format!("xtask-sizes-{}", std::process::id()));
        fs::create_dir_all(&site).unwrap();
        let write =
            |name: &str, bytes: usize| fs::write(site.join(name), vec![b' '; bytes]).unwrap();
        let parts = "const PARTS = {\n  \"inside\": [\n    \"./engine_chunk_1-0a.wasm\",\n    \"./engine_inside-0b.wasm\"\n  ]\n};\n";
        fs::write(site.join("engine-01.js"), parts).unwrap();
        fs::write(site.join("app-02.js"), "const PARTS = {};\n").unwrap();
        for (name, bytes) in [
            ("engine-01.js.br", 1),
            ("app-02.js.br", 2),
            ("app_bg-03.wasm", 9999),
            ("app_bg-03.wasm.br", 10),
            ("engine_bg-04.wasm", 20),
            ("engine_chunk_1-0a.wasm", 100),
            ("engine_inside-0b.wasm", 9999),
            ("engine_inside-0b.wasm.br", 200),
            ("boot-05.js", 4),
            ("sw.js", 1000),
            ("index.html", 1000),
        ] {
            write(name, bytes);
        }
        let sizes = Sizes::of(&site).unwrap();
        let expected = Sizes {
            programs: [12, 21],
            starting: 4,
            parts: vec![("inside".to_string(), 300)],
        };
        assert_eq!(sizes, expected);
        assert!(sizes.check(37).is_ok());
        let error = sizes.check(36).unwrap_err().to_string();
        assert!(error.contains("more than 0.0 kB"), "{error}");
        fs::remove_file(site.join("engine_chunk_1-0a.wasm")).unwrap();
        assert!(Sizes::of(&site).is_err(), "a part is missing");
        fs::remove_dir_all(site).unwrap();
    }
}
