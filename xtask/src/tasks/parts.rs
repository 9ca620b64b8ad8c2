//! Takes a program apart: what comes later (`app::ui::later`, `app::engine::later`) becomes files of its own, beside the
//! program and fetched by its script.

use super::sections::{
    EMPTY, EXPORTS, IMPORTS, no_wasm, number, put_together, sections, take, without_notes, written,
};
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
/// The line that says which file holds the small ones.
const SHARED: &str = "const SHARED = \"\";";
/// What several parts share lies in a file of its own from so many bytes on. What is smaller lies together in one: a request
/// for each would take longer.
const SMALL: usize = 8000;

/// A program in parts.
#[derive(Debug)]
pub struct Parts {
    /// What is there from the start.
    pub main: Vec<u8>,
    /// The files of the others.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The files of each part, in the order in which they start; `#NAME` is a section of [`Self::shared`].
    pub needs: BTreeMap<String, Vec<String>>,
    /// The file among the others that holds the small ones, where there are any.
    pub shared: Option<String>,
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
    let mut parts = Parts {
        main: std::fs::read(&main).at("read", &main)?,
        files,
        needs: needs.collect(),
        shared: None,
    };
    parts.gather(binary);
    Ok(parts)
}

impl Parts {
    /// Puts the small files that several parts share into one: an empty wasm with a custom section for each.
    fn gather(&mut self, binary: &str) {
        let chunk = format!("{binary}_chunk_");
        let files = std::mem::take(&mut self.files).into_iter();
        let (small, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            files.partition(|(name, bytes)| name.starts_with(&chunk) && bytes.len() < SMALL);
        self.files = others;
        if small.is_empty() {
            return;
        }
        let name_of = |file: &str| file.trim_end_matches(".wasm").to_string();
        let sections: Vec<Vec<u8>> = small
            .iter()
            .map(|(file, bytes)| {
                let name = name_of(file);
                [&written(name.len())[..], name.as_bytes(), bytes].concat()
            })
            .collect();
        let sections = sections.iter().map(|section| (0, &section[..]));
        let shared = format!("{binary}_shared.wasm");
        self.files
            .insert(shared.clone(), put_together(EMPTY, sections));
        self.shared = Some(shared);
        for file in self.needs.values_mut().flatten() {
            if small.contains_key(file) {
                *file = format!("#{}", name_of(file));
            }
        }
    }
}

/// Writes into the program's script how its parts are fetched.
///
/// # Errors
/// A script that does not import them as `wasm-bindgen` writes it.
pub fn join(script: &str, parts: &Parts) -> Result<String> {
    let needs = &parts.needs;
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
    let address = |file: &String| match file.starts_with('#') {
        true => file.clone(),
        false => format!("./{file}"),
    };
    let beside = |files: &[String]| -> Value { files.iter().map(address).collect() };
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
    let loader = match &parts.shared {
        Some(shared) => loader.replace(SHARED, &format!("const SHARED = \"./{shared}\";")),
        None => loader,
    };
    Ok(format!(
        "{loader}\nconst loaders = {{\n{}}};\n{names}\n{}\n",
        loaders.concat(),
        body.join("\n")
    ))
}

/// The files that each part fetches, as [`join`] wrote them into a script, whatever they are called by now.
///
/// # Errors
/// A script without that list.
pub fn list(script: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let (start, end) = LIST.split_once("{}").expect("it is there");
    let list = script
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once(end));
    let list = list.and_then(|(list, _)| serde_json::from_str(list).ok());
    let list: BTreeMap<String, Vec<String>> =
        list.ok_or_else(|| Error::Site("a script does not list its parts".to_string()))?;
    let start = SHARED.trim_end_matches("\";");
    let shared = script
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once('"'));
    let shared = shared.map_or("", |(shared, _)| shared);
    let beside = |file: &String| match file.starts_with('#') {
        true => shared.trim_start_matches("./").to_string(),
        false => file.trim_start_matches("./").to_string(),
    };
    let parts = list.into_iter();
    Ok(parts
        .map(|(part, files)| {
            let mut files: Vec<String> = files.iter().map(beside).collect();
            files.sort();
            files.dedup();
            (part, files)
        })
        .collect())
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
        let mut parts = Parts {
            main: Vec::new(),
            files: BTreeMap::new(),
            needs,
            shared: None,
        };
        let script = "import * as import1 from \"./parts.js\"\nimport * as import2 from \"./parts.js\"\nexport class A {}\nlet b = { \"./parts.js\": import1 };\n";
        let joined = join(script, &parts).unwrap();
        assert!(joined.contains("\"./engine_chunk_3.wasm\",\n    \"./engine_inside.wasm\""));
        assert!(joined.contains(
            "const loaders = {\n    __wasm_split_load_inside: loaderOf(\"inside\"),\n};\nconst import1 = loaders;\nconst import2 = loaders;\n"
        ));
        assert!(joined.ends_with("export class A {}\nlet b = { \"./parts.js\": import1 };\n"));
        assert!(!joined.contains("import * as"));
        assert_eq!(list(&joined).unwrap(), parts.needs);
        assert!(list("export class A {}").is_err());
        assert!(join("export class A {}", &parts).is_err());

        parts.shared = Some("engine_shared.wasm".to_string());
        let files = parts.needs.get_mut("inside").unwrap();
        files.insert(0, "#engine_chunk_1".to_string());
        let joined = join(script, &parts).unwrap();
        assert!(joined.contains("const SHARED = \"./engine_shared.wasm\";"));
        assert!(joined.contains("    \"#engine_chunk_1\",\n"));
        let files = [
            "engine_chunk_3.wasm",
            "engine_inside.wasm",
            "engine_shared.wasm",
        ];
        assert_eq!(list(&joined).unwrap()["inside"], files);
    }

    #[test]
    fn small_files_that_parts_share_lie_together() {
        let file = |name: &str, length| (name.to_string(), vec![7; length]);
        let needs = ["app_chunk_1.wasm", "app_chunk_2.wasm", "app_a.wasm"];
        let mut parts = Parts {
            main: Vec::new(),
            files: BTreeMap::from([
                file("app_chunk_1.wasm", 300),
                file("app_chunk_2.wasm", SMALL),
                file("app_chunk_3.wasm", 2),
                file("app_a.wasm", 3),
            ]),
            needs: BTreeMap::from([("a".to_string(), needs.map(str::to_string).to_vec())]),
            shared: None,
        };
        parts.gather("app");
        let names: Vec<&String> = parts.files.keys().collect();
        assert_eq!(names, ["app_a.wasm", "app_chunk_2.wasm", "app_shared.wasm"]);
        let shared = &parts.files["app_shared.wasm"];
        let first = [&b"\x0bapp_chunk_1"[..], &[7; 300]].concat();
        assert_eq!(
            sections(shared).unwrap(),
            [(0, &first[..]), (0, &b"\x0bapp_chunk_3\x07\x07"[..])]
        );
        assert_eq!(
            parts.needs["a"],
            ["#app_chunk_1", "app_chunk_2.wasm", "app_a.wasm"]
        );
        assert_eq!(parts.shared.as_deref(), Some("app_shared.wasm"));
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
