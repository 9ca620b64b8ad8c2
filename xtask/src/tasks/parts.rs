//! Takes a program apart: what comes later (`app::ui::later`, `app::engine::later`) becomes files of its own, beside the
//! program and fetched by its script.

use crate::error::{At, Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use wasm_split_cli_support::{Options, transform};

/// What the program imports from; its script has it all in itself.
const LINK: &str = "./parts.js";
/// How it is fetched, and the line that becomes the list of files.
const LOADER: &str = include_str!("parts.js");
const LIST: &str = "const PARTS = {};";

/// A program in parts.
#[derive(Debug)]
pub struct Parts {
    /// What is there from the start.
    pub main: Vec<u8>,
    /// The files of the others.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The files of each part, in the order in which they start.
    pub needs: BTreeMap<String, Vec<String>>,
}

/// The file of a part.
fn file_of(binary: &str, stem: &str) -> String {
    format!("{binary}_{}.wasm", stem.trim_start_matches("split_"))
}

/// Takes the program of this name apart, by way of files in `folder`.
///
/// # Errors
/// A program without the linker's relocations, or a file that cannot be written or read.
pub fn take_apart(binary: &str, program: &[u8], folder: &Path) -> Result<Parts> {
    let main = folder.join("main.wasm");
    let program = without_others(program)?;
    let mut options = Options::new(&program);
    options.output_dir = folder;
    options.main_out_path = &main;
    options.link_name = LINK;
    let split = transform(options)
        .map_err(|error| Error::Site(format!("{binary}.wasm cannot be taken apart: {error:#}")))?;
    let mut files = BTreeMap::new();
    for path in &split.split_modules {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let bytes = std::fs::read(path).at("read", path)?;
        files.insert(file_of(binary, &stem), without_notes(&bytes)?);
    }
    let needs = split.prefetch_map.into_iter().map(|(part, stems)| {
        let files = stems.iter().map(|stem| file_of(binary, stem));
        (part, files.collect())
    });
    Ok(Parts {
        main: std::fs::read(&main).at("read", &main)?,
        files,
        needs: needs.collect(),
    })
}

/// Writes into the program's script how its parts are fetched.
///
/// # Errors
/// A script that does not import them as `wasm-bindgen` writes it.
pub fn join(script: &str, needs: &BTreeMap<String, Vec<String>>) -> Result<String> {
    // A line for each part: import * as import1 from "./parts.js"
    let (imports, body): (Vec<&str>, Vec<&str>) = script
        .lines()
        .partition(|line| line.starts_with("import * as ") && line.contains(LINK));
    let names = imports
        .iter()
        .filter_map(|line| line.split_whitespace().nth(3));
    let names: String = names
        .map(|name| format!("const {name} = loaders;\n"))
        .collect();
    if names.is_empty() {
        let reason = format!("a script does not import `{LINK}`");
        return Err(Error::Site(reason));
    }
    let beside =
        |files: &[String]| -> Value { files.iter().map(|file| format!("./{file}")).collect() };
    let list: Map<String, Value> = needs
        .iter()
        .map(|(part, files)| (part.clone(), beside(files)))
        .collect();
    let list = serde_json::to_string_pretty(&list).expect("text can be written as JSON");
    let loaders: Vec<String> = needs
        .keys()
        .map(|part| format!("    __wasm_split_load_{part}: loaderOf(\"{part}\"),\n"))
        .collect();
    let loader = LOADER.replace(LIST, &format!("const PARTS = {list};"));
    Ok(format!(
        "{loader}\nconst loaders = {{\n{}}};\n{names}\n{}\n",
        loaders.concat(),
        body.join("\n")
    ))
}

/// The number of the import section, and of the export section.
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;

fn no_wasm() -> Error {
    Error::Site("a program is no wasm".to_string())
}

/// Takes a number off the front of `bytes`, as wasm writes it.
fn number(bytes: &mut &[u8]) -> Result<usize> {
    let mut value = 0;
    for shift in 0..5 {
        let (&byte, rest) = bytes.split_first().ok_or_else(no_wasm)?;
        *bytes = rest;
        value |= usize::from(byte & 0x7f) << (7 * shift);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(no_wasm())
}

/// Takes so many bytes off the front of `bytes`.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or_else(no_wasm)?;
    *bytes = rest;
    Ok(taken)
}

/// A number as wasm writes it.
fn written(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Each section's number and content.
fn sections(wasm: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    let mut rest = wasm;
    take(&mut rest, 8)?;
    let mut sections = Vec::new();
    while let Some((&kind, after)) = rest.split_first() {
        rest = after;
        let length = number(&mut rest)?;
        sections.push((kind, take(&mut rest, length)?));
    }
    Ok(sections)
}

fn put_together<'a>(wasm: &[u8], sections: impl Iterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut joined = wasm[..8].to_vec();
    for (kind, content) in sections {
        joined.push(kind);
        joined.extend(written(content.len()));
        joined.extend_from_slice(content);
    }
    joined
}

/// A wasm file without its custom sections, which name functions and tell who made it.
///
/// # Errors
/// What is no wasm.
fn without_notes(wasm: &[u8]) -> Result<Vec<u8>> {
    let sections = sections(wasm)?;
    Ok(put_together(
        wasm,
        sections.into_iter().filter(|(kind, _)| *kind != 0),
    ))
}

/// A program without the parts of the other one: both are made of the same library, whose marked functions the linker exports
/// from each. What a program does not load it need not have.
///
/// # Errors
/// What is no wasm.
fn without_others(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut sections = sections(wasm)?;
    let of = |wanted| sections.iter().find(|(kind, _)| *kind == wanted);
    let imports = of(IMPORTS).map_or(&[][..], |section| section.1);
    let mut exports = of(EXPORTS).ok_or_else(no_wasm)?.1;
    let mut kept = (0, Vec::new());
    for _ in 0..number(&mut exports)? {
        let whole = exports;
        let length = number(&mut exports)?;
        let name = take(&mut exports, length)?;
        take(&mut exports, 1)?;
        number(&mut exports)?;
        if !is_others(&String::from_utf8_lossy(name), imports) {
            kept.0 += 1;
            kept.1
                .extend_from_slice(&whole[..whole.len() - exports.len()]);
        }
    }
    let kept = [written(kept.0), kept.1].concat();
    for section in &mut sections {
        if section.0 == EXPORTS {
            section.1 = &kept;
        }
    }
    Ok(put_together(wasm, sections.into_iter()))
}

/// Whether an export is a part that is not among the imports: `__wasm_split_00NAME00_export_HASH…`.
fn is_others(name: &str, imports: &[u8]) -> bool {
    let Some((part, rest)) = name
        .strip_prefix("__wasm_split_00")
        .and_then(|rest| rest.split_once("00_export_"))
    else {
        return false;
    };
    let import = format!("__wasm_split_00{part}00_import_{rest}");
    !imports
        .windows(import.len())
        .any(|window| window == import.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_fetches_its_parts_by_itself() {
        let needs = BTreeMap::from([(
            "inside".to_string(),
            vec![
                "engine_chunk_3.wasm".to_string(),
                "engine_inside.wasm".to_string(),
            ],
        )]);
        let script = "import * as import1 from \"./parts.js\"\nimport * as import2 from \"./parts.js\"\nexport class A {}\nlet b = { \"./parts.js\": import1 };\n";
        let joined = join(script, &needs).unwrap();
        assert!(joined.contains("\"./engine_chunk_3.wasm\",\n    \"./engine_inside.wasm\""));
        assert!(joined.contains(
            "const loaders = {\n    __wasm_split_load_inside: loaderOf(\"inside\"),\n};\nconst import1 = loaders;\nconst import2 = loaders;\n"
        ));
        assert!(joined.ends_with("export class A {}\nlet b = { \"./parts.js\": import1 };\n"));
        assert!(!joined.contains("import * as"));
        assert!(join("export class A {}", &needs).is_err());
    }

    #[test]
    fn only_custom_sections_go() {
        let wasm = b"\0asm\x01\0\0\0\x00\x03\x02ab\x01\x01\x00\x00\x82\x00\x01n";
        assert_eq!(without_notes(wasm).unwrap(), b"\0asm\x01\0\0\0\x01\x01\x00");
        assert!(without_notes(b"\0asm\x01\0\0\0\x01\x05\x00").is_err());
        assert!(without_notes(b"\0asm").is_err());
    }

    #[test]
    fn the_other_programs_parts_are_no_exports() {
        let own = "__wasm_split_00inside00_export_0a_inside";
        let other = "__wasm_split_00bench00_export_0b_bench";
        let entry = |name: &str| [written(name.len()), name.into(), vec![0, 7]].concat();
        let program = |exports: &[&str]| {
            let imported = "__wasm_split_00inside00_import_0a_inside";
            let list: Vec<u8> = exports.iter().flat_map(|name| entry(name)).collect();
            let list = [written(exports.len()), list].concat();
            let sections = [
                (IMPORTS, imported.as_bytes()),
                (EXPORTS, &list[..]),
                (10, b"code"),
            ];
            put_together(b"\0asm\x01\0\0\0", sections.into_iter())
        };
        let whole = program(&["main", own, other, "memory"]);
        assert_eq!(
            without_others(&whole).unwrap(),
            program(&["main", own, "memory"])
        );
        assert!(without_others(&whole[..20]).is_err());
    }

    #[test]
    fn files_are_named_for_program_and_part() {
        assert_eq!(file_of("app", "split_panel_teach"), "app_panel_teach.wasm");
        assert_eq!(file_of("app", "chunk_2"), "app_chunk_2.wasm");
    }
}
