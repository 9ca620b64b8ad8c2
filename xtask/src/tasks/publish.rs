//! From the page's files as they are written to those that a host serves: names with hashes, what
//! `site.json` says of the default checkpoint, and the list that the service worker keeps.

use super::assets::Files;
use super::build::Profile;
use super::hashing::{Step, rename, sha256};
use super::planes;
use crate::error::{Error, Result};
use crate::page;
use serde_json::{Map, Value, json};

/// Where the service worker's list goes.
const VERSION: &str = "const VERSION = \"\";";
const FILES: &str = "const FILES = {};";
/// The weights of a checkpoint.
const WEIGHTS: &str = "model.safetensors";
/// Where the page learns of its service worker.
const OFFLINE: &str = "<meta name=\"unmask-offline\" content=\"sw.js\">";
const NOT_OFFLINE: &str = "<meta name=\"unmask-offline\" content=\"\">";

/// Prepares the files for a host. A page for development has no service worker: whoever rebuilds it
/// wants to see the newest.
pub fn prepare(files: &mut Files, profile: Profile) -> Result<()> {
    if profile == Profile::Dev {
        replace(files, "index.html", OFFLINE, NOT_OFFLINE)?;
    }
    let hashed = hash_names(files)?;
    let site = describe_default(files, profile)?;
    settle(files, &site, profile)?;
    if profile == Profile::Web {
        list_for_offline(files, &hashed)?;
    }
    Ok(())
}

/// Gives hashed names to everything that only other files of the page refer to; returns them.
fn hash_names(files: &mut Files) -> Result<Vec<String>> {
    let is_style = |name: &&String| name.starts_with("styles/") && name.ends_with(".css");
    let styles: Vec<String> = files.keys().filter(is_style).cloned().collect();
    let styles: Vec<&str> = styles.iter().map(String::as_str).collect();
    // The programs, and their parts.
    let wasm = |program: &str| {
        let prefix = format!("{program}_");
        let is_one = |name: &&String| name.starts_with(&prefix) && name.ends_with(".wasm");
        files.keys().filter(is_one).cloned().collect::<Vec<_>>()
    };
    let (page, engine) = (wasm("app"), wasm("engine"));
    let page: Vec<&str> = page.iter().map(String::as_str).collect();
    let engine: Vec<&str> = engine.iter().map(String::as_str).collect();
    let leaves = ["icon.svg", "meter.js", "theme.js"];
    let leaves = leaves.iter().chain(&page).chain(&engine).chain(&styles);
    let mut steps: Vec<Step> = leaves.map(|leaf| Step::renamed(leaf, &[])).collect();
    steps.extend([
        Step::renamed("app.js", &page),
        Step::renamed("engine.js", &engine),
        Step::renamed("boot.js", &["app.js"]),
        Step::renamed("worker.js", &["meter.js", "engine.js", "engine_bg.wasm"]),
    ]);
    let named = [
        "icon.svg",
        "meter.js",
        "theme.js",
        "app.js",
        "app_bg.wasm",
        "boot.js",
        "worker.js",
    ];
    steps.push(Step {
        file: "index.html",
        refers_to: named.into_iter().chain(styles.iter().copied()).collect(),
        rename: false,
    });
    let names = rename(files, &steps).map_err(Error::Site)?;
    Ok(names.into_values().collect())
}

/// Takes `site.json` out and adds the size and the SHA-256 of each file of the default checkpoint, and of its
/// weights. Where it makes them much smaller, they are published in planes.
fn describe_default(files: &mut Files, profile: Profile) -> Result<Value> {
    let wrong = |reason: String| Error::Site(format!("static/site.json: {reason}"));
    let text = files.remove("site.json");
    let text = text.ok_or_else(|| wrong("it is missing".to_string()))?;
    let mut site: Value =
        serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let default = site["default"].as_object_mut();
    let default = default.ok_or_else(|| wrong("there is no `default`".to_string()))?;
    let folder = default.get("folder").and_then(Value::as_str);
    let folder = folder.ok_or_else(|| wrong("`default` has no `folder`".to_string()))?;
    let prefix = format!("{folder}/");
    for needed in ["config.json", WEIGHTS] {
        if !files.contains_key(&format!("{prefix}{needed}")) {
            return Err(wrong(format!("there is no static/{prefix}{needed}")));
        }
    }
    let facts = |bytes: &[u8]| json!({ "bytes": bytes.len(), "sha256": sha256(bytes) });
    let plain = format!("{prefix}{WEIGHTS}");
    default.insert("weights".to_string(), facts(&files[&plain]));
    if profile == Profile::Web {
        let packed = planes::pack(&files[&plain]);
        if packed.len() < files[&plain].len() / 10 * 9 {
            files.remove(&plain);
            files.insert(format!("{prefix}{}", planes::NAME), packed);
        }
    }
    let described: Map<String, Value> = files
        .iter()
        .filter(|(name, _)| !name.ends_with(".md"))
        .filter_map(|(name, bytes)| Some((name.strip_prefix(&prefix)?.to_string(), facts(bytes))))
        .collect();
    default.insert("files".to_string(), Value::Object(described));
    Ok(site)
}

/// Writes the host's choices into the page. A page for development may reach this machine.
fn settle(files: &mut Files, site: &Value, profile: Profile) -> Result<()> {
    let missing = || Error::Site("there is no index.html, or it is not text".to_string());
    let page = files.remove("index.html").ok_or_else(missing)?;
    let page = String::from_utf8(page).map_err(|_| missing())?;
    let page = page::settle(&page, site, profile == Profile::Dev).map_err(Error::Site)?;
    files.insert("index.html".to_string(), page.into_bytes());
    Ok(())
}

/// Writes into `sw.js` the page's files with their SHA-256, and a version that follows from them.
fn list_for_offline(files: &mut Files, hashed: &[String]) -> Result<()> {
    let is_listed = |name: &str| {
        let data = name.starts_with("models/") || name.starts_with("examples/");
        name == "index.html"
            || name == "manifest.webmanifest"
            // What a browser fetches once it has read the manifest.
            || (name.starts_with("icons/") && name.ends_with("-192.png"))
            || hashed.iter().any(|hashed| hashed == name)
            || (data && !name.ends_with(".md"))
    };
    let list: Map<String, Value> = files
        .iter()
        .filter(|(name, _)| is_listed(name))
        .map(|(name, bytes)| (name.clone(), Value::from(sha256(bytes))))
        .collect();
    let list = serde_json::to_string_pretty(&list).expect("text can be written as JSON");
    let version = &sha256(list.as_bytes())[..16];
    replace(
        files,
        "sw.js",
        VERSION,
        &format!("const VERSION = \"{version}\";"),
    )?;
    replace(files, "sw.js", FILES, &format!("const FILES = {list};"))
}

/// Replaces the one place where `file` says `old`.
fn replace(files: &mut Files, file: &str, old: &str, new: &str) -> Result<()> {
    let text = files
        .get(file)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| Error::Site(format!("there is no {file}, or it is not text")))?;
    if text.matches(old).count() != 1 {
        return Err(Error::Site(format!("{file} does not say `{old}` once")));
    }
    let text = text.replace(old, new).into_bytes();
    files.insert(file.to_string(), text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Workspace;
    use crate::tasks::assets::collect;

    /// The page as it is written, with stand-ins for what cargo and git make large.
    fn source() -> Files {
        let root = Workspace::find().root;
        let mut files = collect(&root.join("index.html"), &[root.join("static")]).unwrap();
        for (name, text) in [
            ("app.js", "'app_bg.wasm'"),
            ("engine.js", "'engine_bg.wasm'"),
            ("app_bg.wasm", "app"),
            ("engine_bg.wasm", "engine"),
            ("models/seedling/model.safetensors", "weights"),
        ] {
            files.insert(name.to_string(), text.into());
        }
        files
    }

    fn text(files: &Files, name: &str) -> String {
        String::from_utf8(files[name].clone()).unwrap()
    }

    #[test]
    fn weights_that_shrink_are_published_in_planes() {
        let weights = [1u8, 2].repeat(5000);
        let source = || {
            let mut files = source();
            files.insert("models/seedling/model.safetensors".into(), weights.clone());
            files
        };
        let (mut files, mut raw) = (source(), source());
        prepare(&mut files, Profile::Web).unwrap();
        prepare(&mut raw, Profile::Dev).unwrap();
        let packed = "models/seedling/model.planes";
        assert!(!files.contains_key("models/seedling/model.safetensors"));
        assert!(raw.contains_key("models/seedling/model.safetensors"));
        assert_eq!(files[packed], planes::pack(&weights));
        let page = text(&files, "index.html");
        for part in [sha256(&files[packed]), sha256(&weights)] {
            assert!(page.contains(&part));
        }
        assert!(text(&files, "sw.js").contains(packed));
    }

    #[test]
    fn a_published_page_lists_its_files_and_describes_its_checkpoint() {
        let mut files = source();
        prepare(&mut files, Profile::Web).unwrap();
        assert!(!files.contains_key("site.json"), "it is in the page");
        let page = text(&files, "index.html");
        let (_, site) = page.split_once("id=\"site\">").unwrap();
        let site: Value = serde_json::from_str(site.split_once("</script>").unwrap().0).unwrap();
        let weights = json!({ "bytes": 7, "sha256": sha256(b"weights") });
        assert_eq!(site["default"]["files"]["model.safetensors"], weights);
        assert_eq!(site["default"]["files"]["README.md"], Value::Null);

        let worker = text(&files, "sw.js");
        let list = worker.split_once("const FILES = ").unwrap().1;
        let list = list.split_once(";\n").unwrap().0;
        let list: Map<String, Value> = serde_json::from_str(list).unwrap();
        for (name, sum) in &list {
            assert_eq!(*sum, sha256(&files[name]), "{name}");
        }
        let listed = |start: &str| list.keys().any(|name| name.starts_with(start));
        for start in [
            "index.html",
            "app-",
            "app_bg-",
            "engine-",
            "engine_bg-",
            "boot-",
            "worker-",
            "theme-",
            "icon-",
            "styles/base-",
            "models/seedling/model.safetensors",
            "examples/",
            "manifest.webmanifest",
            "icons/icon-192",
        ] {
            assert!(listed(start), "{start}");
        }
        for start in [
            "sw.js",
            "screenshot",
            "icons/icon-512",
            "models/seedling/README",
            "boot.js",
        ] {
            assert!(!listed(start), "{start}");
        }
        assert!(page.contains(OFFLINE));
        assert!(
            page.contains("connect-src 'self' https:;"),
            "not this machine"
        );
    }

    #[test]
    fn another_file_is_another_version() {
        let worker = |weights: &str| {
            let mut files = source();
            files.insert(
                "models/seedling/model.safetensors".to_string(),
                weights.into(),
            );
            prepare(&mut files, Profile::Web).unwrap();
            text(&files, "sw.js")
        };
        let version = |text: &str| {
            let line = text.lines().find(|line| line.starts_with("const VERSION"));
            line.unwrap().to_string()
        };
        assert_eq!(worker("one"), worker("one"));
        assert_ne!(version(&worker("one")), version(&worker("two")));
    }

    #[test]
    fn a_page_for_development_is_not_kept() {
        let mut files = source();
        prepare(&mut files, Profile::Dev).unwrap();
        let page = text(&files, "index.html");
        assert!(page.contains(NOT_OFFLINE));
        assert!(page.contains("connect-src 'self' https: http://127.0.0.1:*"));
        assert!(text(&files, "sw.js").contains(FILES), "an empty list");
    }

    #[test]
    fn the_policy_lets_in_nothing_that_the_page_does_not_need() {
        let mut files = source();
        prepare(&mut files, Profile::Web).unwrap();
        let page = text(&files, "index.html");
        for wrong in ["localhost", "127.0.0.1", "data:", "blob:", "'unsafe-"] {
            assert!(!page.contains(wrong), "{wrong}");
        }
        assert!(page.contains("<meta name=\"referrer\" content=\"no-referrer\">"));
    }

    #[test]
    fn a_site_without_its_checkpoint_is_refused() {
        let mut files = source();
        let site = r#"{"default": {"name": "Mine", "folder": "models/mine"}}"#;
        files.insert("site.json".to_string(), site.into());
        let error = prepare(&mut files, Profile::Web).unwrap_err().to_string();
        assert!(
            error.contains("no static/models/mine/config.json"),
            "{error}"
        );
        files = source();
        files.insert("site.json".to_string(), b"{\"default\": 3}".to_vec());
        let error = prepare(&mut files, Profile::Web).unwrap_err().to_string();
        assert!(error.contains("no `default`"), "{error}");
    }
}
