//! The hub's own converter, which opens a pull request with a safetensors file where a model has only
//! a pickle. It is found as `transformers` finds it (`safetensors_conversion.py`): by author, title,
//! status, and that it stands on the branch's newest commit.

use super::address::is_commit;
use super::hub::escaped;
use super::{Hub, Listing};
use serde::{Deserialize, Serialize};

/// Who opens these pull requests. Anyone can take the title, nobody the name.
pub const AUTHOR: &str = "SFconvertbot";
const TITLE: &str = "Adding `safetensors` variant of this model";
/// Pages of a model's pull requests that are read.
pub const PAGES: usize = 2;

/// A pull request whose weights are offered in the owners' place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// The pull request's number.
    pub number: u64,
    /// The owners' own files, with the pickle that it was made from.
    pub own: Listing,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    discussions: Vec<Discussion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discussion {
    num: u64,
    title: String,
    status: String,
    #[serde(default)]
    is_pull_request: bool,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: String,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

/// Where the hub lists a model's open pull requests of the converter; pages count from 0.
pub fn discussions_url(hub: &Hub, id: &str, page: usize) -> String {
    let address = &hub.address;
    format!(
        "{address}/api/models/{id}/discussions?p={page}&type=pull_request&status=open&author={AUTHOR}"
    )
}

/// Where the hub lists the commits of a revision, the newest first.
pub fn commits_url(hub: &Hub, id: &str, revision: &str) -> String {
    let revision = escaped(revision);
    format!("{}/api/models/{id}/commits/{revision}", hub.address)
}

/// The revision of a pull request.
pub fn revision(number: u64) -> String {
    format!("refs/pr/{number}")
}

/// The converter's open pull requests on a page of the hub's answer, the newest first; none where it
/// is not such an answer.
pub fn conversions(answer: &[u8]) -> Vec<u64> {
    let Ok(page) = serde_json::from_slice::<Page>(answer) else {
        return Vec::new();
    };
    let is_one = |one: &Discussion| {
        let author = one.author.as_ref().map(|author| author.name.as_str());
        one.is_pull_request && one.status == "open" && one.title == TITLE && author == Some(AUTHOR)
    };
    let found = page.discussions.iter().filter(|one| is_one(one));
    let mut numbers: Vec<u64> = found.map(|one| one.num).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers
}

/// The newest of a pull request's commits, where the next one is the branch's newest: what it
/// converts is then what the branch has.
pub fn commit_on(answer: &[u8], head: &str) -> Option<String> {
    let commits: Vec<Commit> = serde_json::from_slice(answer).ok()?;
    let [newest, before, ..] = &commits[..] else {
        return None;
    };
    (before.id == head && is_commit(&newest.id)).then(|| newest.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const HEAD: &str = "86b5e0934494bd15c9632b12f734a8a67f723594";
    const NEWER: &str = "0123456789abcdef0123456789abcdef01234567";

    fn listed(change: impl Fn(&mut serde_json::Value)) -> Vec<u64> {
        let mut one = json!({
            "num": 16, "title": TITLE, "status": "open", "isPullRequest": true,
            "author": { "name": AUTHOR, "type": "user" }, "repo": { "name": "a/b" },
        });
        change(&mut one);
        conversions(
            json!({ "discussions": [one], "count": 1 })
                .to_string()
                .as_bytes(),
        )
    }

    #[test]
    fn only_the_converters_own_open_pull_requests_count() {
        assert_eq!(listed(|_| {}), [16]);
        assert_eq!(
            listed(|one| one["author"]["name"] = json!("SFconvertbot2")),
            [0; 0]
        );
        assert_eq!(listed(|one| one["author"] = json!(null)), [0; 0]);
        assert_eq!(listed(|one| one["status"] = json!("closed")), [0; 0]);
        assert_eq!(listed(|one| one["isPullRequest"] = json!(false)), [0; 0]);
        assert_eq!(listed(|one| one["title"] = json!("Better weights")), [0; 0]);
        assert_eq!(listed(|one| one["num"] = json!("16")), [0; 0]);
        assert_eq!(conversions(b"<!doctype html>"), [0; 0]);
        let two = |num| {
            json!({ "num": num, "title": TITLE, "status": "open", "isPullRequest": true,
                    "author": { "name": AUTHOR } })
        };
        let page = json!({ "discussions": [two(3), two(3017)] });
        assert_eq!(conversions(page.to_string().as_bytes()), [3017, 3]);
    }

    #[test]
    fn it_has_to_stand_on_the_newest_commit() {
        let commits = |ids: &[&str]| {
            let ids = ids.iter().map(|id| json!({ "id": id, "title": "x" }));
            json!(ids.collect::<Vec<_>>()).to_string().into_bytes()
        };
        assert_eq!(
            commit_on(&commits(&[NEWER, HEAD]), HEAD).as_deref(),
            Some(NEWER)
        );
        for ids in [
            &[NEWER][..],
            &[HEAD, NEWER],
            &[NEWER, NEWER, HEAD],
            &["../x", HEAD],
        ] {
            assert_eq!(commit_on(&commits(ids), HEAD), None, "{ids:?}");
        }
        assert_eq!(commit_on(b"{}", HEAD), None);
    }

    #[test]
    fn its_addresses_stay_within_the_models_own() {
        let hub = Hub::default();
        assert_eq!(
            commits_url(&hub, "a/b", &revision(16)),
            "https://huggingface.co/api/models/a/b/commits/refs%2Fpr%2F16"
        );
        assert!(discussions_url(&hub, "a/b", 1).starts_with(
            "https://huggingface.co/api/models/a/b/discussions?p=1&type=pull_request&"
        ));
    }
}
