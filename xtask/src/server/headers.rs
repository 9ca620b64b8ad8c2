//! What a host should say of the page's files beside their type.

use std::path::Path;

/// The content security policy that the `index.html` of a folder carries, if it does.
pub fn policy(folder: &Path) -> Option<String> {
    let page = std::fs::read_to_string(folder.join("index.html")).ok()?;
    policy_in(&page).map(str::to_string)
}

/// The same, of a page's text.
pub fn policy_in(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"")?;
    let (_, rest) = rest.split_once('>')?.0.split_once("content=\"")?;
    Some(rest.split_once('"')?.0)
}

/// How long a browser may keep a file: for ever where its name changes with what it holds.
pub fn cache_control(file: &Path) -> &'static str {
    let name = file.file_name().and_then(|name| name.to_str());
    if name.is_some_and(has_hash) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

/// Whether a name is one that the build has made, such as `app-1a2b3c4d.js`.
pub fn has_hash(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else {
        return false;
    };
    let Some((_, hash)) = stem.rsplit_once('-') else {
        return false;
    };
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    ["js", "wasm", "css", "svg"].contains(&extension)
        && hash.len() == 8
        && hash.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_read_from_the_page() {
        let page =
            "<head><meta http-equiv=\"Content-Security-Policy\"\n content=\"a 'self'; b\"><p>";
        assert_eq!(policy_in(page), Some("a 'self'; b"));
        let others = "<meta http-equiv=\"Content-Security-Policy\"><meta content=\"x\">";
        assert_eq!(policy_in(others), None);
        assert_eq!(policy_in("<head>"), None);
    }

    #[test]
    fn only_names_with_a_hash_stay() {
        for name in [
            "app-1a2b3c4d.js",
            "app_bg-00000000.wasm",
            "a-b-deadbeef.css",
        ] {
            assert!(has_hash(name), "{name}");
        }
        for name in [
            "app.js",
            "sw.js",
            "app-1a2b3c4.js",
            "app-1A2B3C4D.js",
            "app-1a2b3c4dd.js",
            "model-00000001.safetensors",
            "1a2b3c4d.js",
        ] {
            assert!(!has_hash(name), "{name}");
        }
    }
}
