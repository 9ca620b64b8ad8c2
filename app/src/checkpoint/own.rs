//! Models that were made or taught here and that this device keeps: plain folders.

use serde::{Deserialize, Serialize};

/// A kept folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnModel {
    /// The folder's name: lower-case letters, digits and dashes.
    pub name: String,
    /// Its files, with their bytes.
    pub files: Vec<(String, u64)>,
    /// Milliseconds since 1970.
    pub saved: f64,
}

/// The longest name.
const MAX_NAME: usize = 80;
/// The most files of a folder.
const MAX_FILES: usize = 16;

impl OwnModel {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        let bytes = self.files.iter().map(|(_, bytes)| *bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// Reads what was written beside a folder; `None` where it cannot be believed.
    pub fn parse(text: &str) -> Option<Self> {
        let own: Self = serde_json::from_str(text).ok()?;
        let plain = |name: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !name.is_empty()
                && name.len() <= MAX_NAME
                && name.chars().all(fits)
                && !name.starts_with('.')
        };
        let fits = is_name(&own.name)
            && own.saved.is_finite()
            && own.files.len() <= MAX_FILES
            && own.files.iter().all(|(name, _)| plain(name));
        fits.then_some(own)
    }
}

/// Whether a folder of this name may be one of these.
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(fits)
}

/// The name itself, or with the first number behind it that none of `taken` has.
pub fn free_name(name: &str, taken: &[OwnModel]) -> String {
    let cut: String = name.chars().take(MAX_NAME - 8).collect();
    let is_free = |name: &String| taken.iter().all(|own| own.name != *name);
    let numbered = (2..).map(|number| format!("{cut}-{number}"));
    let mut names = [cut.clone()].into_iter().chain(numbered);
    names.find(is_free).unwrap_or(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_folders_are_believed() {
        let own = |name: &str, file: &str| {
            let own = OwnModel {
                name: name.into(),
                files: vec![(file.into(), 3)],
                saved: 1.0,
            };
            OwnModel::parse(&serde_json::to_string(&own).expect("JSON"))
        };
        assert_eq!(
            own("my-bert-2", "config.json").map(|own| own.bytes()),
            Some(3)
        );
        for (name, file) in [
            ("", "config.json"),
            ("../x", "config.json"),
            ("Mine", "config.json"),
            ("mine", "../config.json"),
            ("mine", ".hidden"),
            ("mine", ""),
        ] {
            assert_eq!(own(name, file), None, "{name} {file}");
        }
        assert_eq!(OwnModel::parse("{}"), None);
    }

    #[test]
    fn names_that_are_taken_get_a_number() {
        let mut taken = Vec::new();
        for wanted in ["mine", "mine-2", "mine-3"] {
            let name = free_name("mine", &taken);
            assert_eq!(name, wanted);
            taken.push(OwnModel {
                name,
                files: Vec::new(),
                saved: 0.0,
            });
        }
        assert!(is_name(&free_name(&"a".repeat(200), &taken)));
    }
}
