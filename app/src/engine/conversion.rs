//! Finding the hub's converted weights of a model that has only a pickle.

use super::io::http::Host;
use super::look::{ask_hub, body};
use crate::checkpoint::address::Address;
use crate::checkpoint::converter::{
    Conversion, PAGES, commit_on, commits_url, conversions, discussions_url, revision,
};
use crate::checkpoint::hub::{ANSWER_BYTES, WEIGHTS};
use crate::checkpoint::{Hub, Listing, Role};

/// The converter's weights for a listing whose own are a pickle; `None` where there are none, or the
/// hub does not tell: the owners' file then serves.
pub async fn converted(host: &Host, hub: &Hub, own: &Listing) -> Option<(Listing, Conversion)> {
    let weights = own.file(Role::Weights)?;
    let Address::Hub { id, revision: head } = &own.address else {
        return None;
    };
    if weights.name == WEIGHTS[0] || own.asked.is_pinned() {
        return None;
    }
    for page in 0..PAGES {
        let found = conversions(&fetch(host, &discussions_url(hub, id, page)).await?);
        for number in found {
            let revision = revision(number);
            let commits = fetch(host, &commits_url(hub, id, &revision)).await?;
            let Some(commit) = commit_on(&commits, head) else {
                continue;
            };
            let (mut listing, _) = ask_hub(host, hub, &own.address.at(&commit)).await.ok()?;
            let is_converted = listing
                .file(Role::Weights)
                .is_some_and(|w| w.name == WEIGHTS[0]);
            if !is_converted {
                continue;
            }
            // It answers for what was asked: another visit finds it by that.
            listing.asked = own.asked.clone();
            let own = own.clone();
            let conversion = Conversion { number, own };
            return Some((listing, conversion));
        }
    }
    None
}

async fn fetch(host: &Host, url: &str) -> Option<Vec<u8>> {
    let answer = host.get(url).await.ok()?;
    body(url, &answer, ANSWER_BYTES).await.ok()
}
