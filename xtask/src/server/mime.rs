use std::path::Path;

/// What a browser is told that a file is. It compiles wasm as it arrives only under its own type.
pub fn content_type(file: &Path) -> &'static str {
    let extension = file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" | "tsv" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_is_made_of_has_its_type() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("app-1a2b3c4d.js", "text/javascript; charset=utf-8"),
            ("app_bg-1a2b3c4d.wasm", "application/wasm"),
            ("styles/base-1a2b3c4d.css", "text/css; charset=utf-8"),
            ("icon.svg", "image/svg+xml"),
            ("site.json", "application/json"),
            ("site.webmanifest", "application/manifest+json"),
            ("examples/a.tsv", "text/plain; charset=utf-8"),
            ("models/a/model.safetensors", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
        ] {
            assert_eq!(content_type(Path::new(name)), expected, "{name}");
        }
    }
}
