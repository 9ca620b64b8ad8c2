//! Pull requests on the stand-in's models, as the hub lists them.

use super::answer::Answer;
use super::{COMMIT, Shared};
use serde_json::json;
use xtask::server::Request;

/// A model's pull requests, and the commits of one; `None` where neither was asked for.
pub fn answer_pulls(shared: &Shared, request: &Request) -> Option<Answer> {
    let rest = request.path().strip_prefix("/api/models/")?;
    let models = shared.models();
    let pulls = models.iter().filter_map(|model| {
        let (number, author) = model.pull.as_ref()?;
        Some((model, *number, author))
    });
    let body = if let Some(id) = rest.strip_suffix("/discussions") {
        let entry = |number: u64, author: &str| {
            json!({
                "num": number, "title": "Adding `safetensors` variant of this model",
                "status": "open", "isPullRequest": true, "author": { "name": author },
            })
        };
        let own = pulls.filter(|(model, ..)| model.id == id);
        let entries: Vec<_> = own
            .map(|(_, number, author)| entry(number, author))
            .collect();
        json!({ "discussions": entries, "start": 0 })
    } else {
        let (id, revision) = rest.split_once("/commits/")?;
        let mut pulls = pulls.filter(|(model, ..)| model.id == id);
        let revision = revision.replace("%2F", "/");
        let (pull, ..) = pulls.find(|(_, number, _)| revision == format!("refs/pr/{number}"))?;
        json!([{ "id": pull.commit, "title": "Adding" }, { "id": COMMIT, "title": "Before" }])
    };
    Some(Answer::whole(body.to_string().into_bytes(), &[]))
}
