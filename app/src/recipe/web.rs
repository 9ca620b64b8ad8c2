//! The address of texts to learn from, as a link carries it.
//!
//! Parsed once, here: what could lead elsewhere than it reads (credentials, other schemes, `..`) is refused with a reason.

use super::host::{authority, is_this_machine, leads_up};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest address that is looked at.
const MAX_ADDRESS: usize = 512;

/// The most bytes that are read of texts on a host.
pub const MAX_WEB_TEXTS: usize = 20 << 20;

/// Where texts lie on some host. It reads back from its own text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebTexts(String);

impl WebTexts {
    /// Reads an `https://` address of a file. GitHub's page of a file is the file itself.
    ///
    /// # Errors
    /// The first rule that is broken, in words for the visitor.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = |reason: &str| Err(reason.to_owned());
        let text = text.trim();
        if text.len() > MAX_ADDRESS {
            return Err(format!("it is longer than {MAX_ADDRESS} characters"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("it is no https:// address");
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let scheme = scheme.to_ascii_lowercase();
        let host = &authority(&scheme, host)?;
        match scheme.as_str() {
            "https" => {}
            "http" if is_this_machine(host) => {}
            _ => return refuse("only https:// addresses are opened"),
        }
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+@,=/%?&:;!$()*'".contains(&byte);
        if !path.bytes().all(allowed) {
            return refuse(
                "it has a space, a # or another character in it that no address of a file has",
            );
        }
        let file = path.split('?').next().unwrap_or(path);
        if file.is_empty() || file.ends_with('/') {
            return refuse("it names no file");
        }
        if file
            .split('/')
            .any(|step| step.is_empty() || leads_up(step))
        {
            return refuse("its path has an empty, `.` or `..` step in it");
        }
        if let ("github.com", Some((repository, place))) = (&host[..], path.split_once("/blob/")) {
            return Ok(Self(format!(
                "https://raw.githubusercontent.com/{repository}/{place}"
            )));
        }
        Ok(Self(format!("{scheme}://{host}/{path}")))
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who is asked for it, with the port.
    pub fn host(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// What to call the texts: the file's name.
    pub fn name(&self) -> &str {
        let path = self.0.split('?').next().unwrap_or(&self.0);
        path.rsplit('/').next().unwrap_or(path)
    }
}

impl fmt::Display for WebTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for WebTexts {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<WebTexts> for String {
    fn from(address: WebTexts) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_names_its_host_and_its_file() {
        let address =
            WebTexts::parse("https://Example.org:8443/a/b.tsv?v=1&x=%20").expect("an address");
        assert_eq!(
            (address.host(), address.name()),
            ("example.org:8443", "b.tsv")
        );
        assert_eq!(
            address.as_str(),
            "https://example.org:8443/a/b.tsv?v=1&x=%20"
        );
        let page = WebTexts::parse("https://github.com/o/r/blob/main/d/x.csv").expect("an address");
        assert_eq!(
            page.as_str(),
            "https://raw.githubusercontent.com/o/r/main/d/x.csv"
        );
        assert!(WebTexts::parse("http://127.0.0.1:8000/x.tsv").is_ok());
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for wrong in [
            "",
            "x.tsv",
            "http://example.org/x.tsv",
            "javascript://example.org/x",
            "https://a@example.org/x.tsv",
            "https:///x.tsv",
            "https://example.org/",
            "https://example.org/a/../x.tsv",
            "https://example.org//x.tsv",
            "https://example.org/x y.tsv",
            "https://example.org/x.tsv#y",
            "https://example.org:0/x.tsv",
            "https://exa\u{202e}mple.org/x.tsv",
            "https://example.org/a/%2e%2E/x.tsv",
            "https://example.org/a/.%2e/x.tsv",
            "https://example.org/a/%2e/x.tsv",
            "https://example.org/a/%2e%2e",
            "https://2130706433/x.tsv",
            "https://-a.org/x",
            "https://example.org:+1/x",
        ] {
            assert!(WebTexts::parse(wrong).is_err(), "{wrong}");
        }
        assert!(
            WebTexts::parse(&format!("https://a.example/{}", "x".repeat(MAX_ADDRESS))).is_err()
        );
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_reads(text in "https://(github\\.com|[a-zA-Z0-9.:@-]{0,9})/.{0,30}") {
            if let Ok(address) = WebTexts::parse(&text) {
                prop_assert_eq!(WebTexts::parse(address.as_str()), Ok(address));
            }
        }
    }
}
