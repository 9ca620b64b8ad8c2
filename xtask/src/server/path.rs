use std::path::PathBuf;

/// The relative file path that the rest of an address means, percent signs decoded; `None` if it
/// could lead out of the folder, or is not a path at all.
pub fn safe_relative(address: &str) -> Option<PathBuf> {
    let decoded = percent_decode(address)?;
    let mut path = PathBuf::new();
    for part in decoded
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
    {
        // A colon or a backslash means something to Windows, NUL to every system.
        if part == ".." || part.contains(['\\', ':', '\0']) {
            return None;
        }
        path.push(part);
    }
    Some(path)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || (*rest.next()? as char).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_pass() {
        let cases = [
            ("", ""),
            ("app.js", "app.js"),
            (
                "models//seedling/./config.json",
                "models/seedling/config.json",
            ),
            ("a%20folder/%C3%A9.txt", "a folder/é.txt"),
            ("..hidden/a..b", "..hidden/a..b"),
        ];
        for (address, path) in cases {
            assert_eq!(
                safe_relative(address),
                Some(PathBuf::from(path)),
                "{address}"
            );
        }
    }

    #[test]
    fn ways_out_are_refused() {
        let ways_out = [
            "..",
            "../secret",
            "a/../../secret",
            "%2e%2e/secret",
            "a/%2e%2E/b",
            "..%2fsecret",
            "a\\..\\b",
            "%5c%5chost",
            "C:/secret",
            "a%00b",
            "%",
            "%f",
            "%zz",
            "%ff",
        ];
        for address in ways_out {
            assert_eq!(safe_relative(address), None, "{address}");
        }
    }

    #[test]
    fn an_absolute_path_stays_inside() {
        assert_eq!(
            safe_relative("/etc/passwd"),
            Some(PathBuf::from("etc/passwd"))
        );
        assert_eq!(
            safe_relative("%2Fetc/passwd"),
            Some(PathBuf::from("etc/passwd"))
        );
    }
}
