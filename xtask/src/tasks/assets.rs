//! The files of the site that cargo does not make, and how large everything is.

use crate::error::{At, Result};
use crate::server::{BROTLI, brotli_of};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Worth compressing: text, and wasm.
const COMPRESSIBLE: [&str; 7] = ["wasm", "js", "css", "html", "svg", "json", "webmanifest"];

/// A site's files: what each is called, with `/` between folders, and what it holds.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Reads `index`, which becomes `index.html`, and what lies under each of `folders`.
pub fn collect(index: &Path, folders: &[PathBuf]) -> Result<Files> {
    let mut collected = Files::new();
    let mut add = |name: String, file: &Path| -> Result<()> {
        collected.insert(name, fs::read(file).at("read", file)?);
        Ok(())
    };
    add("index.html".to_string(), index)?;
    for folder in folders {
        for file in files(folder)? {
            add(name_in(folder, &file), &file)?;
        }
    }
    Ok(collected)
}

/// Makes `site` hold `wanted`, its compressed forms, and nothing else. Files that are the same
/// already are left alone.
pub fn write(wanted: &Files, site: &Path) -> Result<()> {
    for (name, bytes) in wanted {
        let goal = site.join(name);
        if fs::read(&goal).is_ok_and(|old| old == *bytes) {
            continue;
        }
        let folder = goal.parent().expect("inside the site");
        fs::create_dir_all(folder).at("create", folder)?;
        let _ = fs::remove_file(brotli_of(&goal)); // it would be served in place of the new file
        fs::write(&goal, bytes).at("write", &goal)?;
    }
    for file in files(site)? {
        let name = name_in(site, &file);
        let original = name.strip_suffix(&format!(".{BROTLI}")).unwrap_or(&name);
        if !wanted.contains_key(original) {
            fs::remove_file(&file).at("remove", &file)?;
        }
    }
    Ok(())
}

/// What a file below `folder` is called from there, with `/` on every system.
fn name_in(folder: &Path, file: &Path) -> String {
    let path = file.strip_prefix(folder).expect("listed from there");
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Writes `NAME.br` beside each file that is worth it, for hosts that serve such files as they are.
pub fn compress(site: &Path) -> Result<()> {
    for file in files(site)? {
        let goal = brotli_of(&file);
        if !COMPRESSIBLE.contains(&extension(&file)) || goal.is_file() {
            continue;
        }
        let bytes = fs::read(&file).at("read", &file)?;
        let mut compressed = Vec::new();
        let quality = 11;
        let window = 22; // log2 of 4 MiB, the largest that browsers accept
        brotli::CompressorWriter::new(&mut compressed, 1 << 16, quality, window)
            .write_all(&bytes)
            .at("compress", &file)?;
        fs::write(&goal, compressed).at("write", &goal)?;
    }
    Ok(())
}

/// Prints what a visitor downloads before the model.
pub fn print_sizes(site: &Path) -> Result<()> {
    let size = |file: &Path| fs::metadata(file).map(|data| data.len()).ok();
    for file in files(site)? {
        let name = file.strip_prefix(site).expect("listed from there");
        let shown = ["wasm", "js", "css", "html"].contains(&extension(&file));
        if let (true, Some(raw)) = (shown, size(&file)) {
            let compressed = match size(&brotli_of(&file)) {
                Some(bytes) => format!("{} brotli", kilobytes(bytes)),
                None => String::new(),
            };
            eprintln!(
                "  {:<24} {:>10}  {compressed}",
                name.display(),
                kilobytes(raw)
            );
        }
    }
    Ok(())
}

fn kilobytes(bytes: u64) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

fn extension(file: &Path) -> &str {
    file.extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
}

/// Every file below `folder`, in order of name; none where there is no such folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder).at("list", folder)? {
        let path = entry.at("list", folder)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{write as write_site, *};

    #[test]
    fn a_site_is_updated_added_to_and_cleared() {
        let folder = std::env::temp_dir().join(format!("xtask-assets-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("index.html", "<!doctype html>");
        write("static/models/tiny/config.json", "{}");
        write("made/app.js", "new");
        write("made/same.js", "same");
        for name in [
            "app.js",
            "app.js.br",
            "old.css",
            "old.css.br",
            "models/gone.json",
        ] {
            write(&format!("site/{name}"), "old");
        }
        write("site/same.js", "same");
        write("site/same.js.br", "packed");
        let site = folder.join("site");
        let sources = [folder.join("static"), folder.join("made")];
        write_site(
            &collect(&folder.join("index.html"), &sources).unwrap(),
            &site,
        )
        .unwrap();
        let names: Vec<_> = files(&site)
            .unwrap()
            .iter()
            .map(|file| name_in(&site, file))
            .collect();
        let expected = [
            "app.js",
            "index.html",
            "models/tiny/config.json",
            "same.js",
            "same.js.br",
        ];
        assert_eq!(names, expected);
        assert_eq!(fs::read(site.join("app.js")).unwrap(), b"new");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn compressed_files_unpack_to_the_original() {
        let folder = std::env::temp_dir().join(format!("xtask-brotli-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let text = "the same words again, ".repeat(100);
        fs::write(folder.join("a.js"), &text).unwrap();
        fs::write(folder.join("a.safetensors"), &text).unwrap();
        compress(&folder).unwrap();
        let packed = fs::read(folder.join("a.js.br")).unwrap();
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut packed.as_slice(), &mut unpacked).unwrap();
        assert_eq!(unpacked, text.as_bytes());
        assert!(packed.len() < text.len() / 10);
        assert!(!folder.join("a.safetensors.br").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
