//! What `site.json` decides of `index.html`: the host's choices, which the page reads there, the hosts that its
//! policy lets it reach, and the whole address of the picture that other sites show of it.

use serde_json::Value;

const SETTINGS: &str = "<script type=\"application/json\" id=\"site\">";
const REACHES: &str = "; connect-src ";
/// The page itself, and every https address: a visitor may open a model's folder anywhere.
const ALWAYS: &str = "'self' https:";
/// Any server on this machine, for whoever works on the page.
const LOCAL: &str = "http://127.0.0.1:* http://localhost:*";

/// The picture of the page, and where it is named.
const PICTURE: &str = "social.png";
const PICTURE_PLACE: &str = "<meta property=\"og:image\" content=\"";

/// Writes the settings into the page, in place of what is there. `local` lets it reach this machine.
///
/// # Errors
/// In words, where the page has no such places or the hub's address cannot stand in a policy.
pub fn settle(page: &str, site: &Value, local: bool) -> Result<String, String> {
    // In JSON, `<` can only stand in a string; as it is, one could end the script.
    let settings = site.to_string().replace('<', "\\u003c");
    let page = replace(page, SETTINGS, "</script>", &settings)?;
    let page = replace(&page, REACHES, ";", &reaches(site, local)?)?;
    match &site["address"] {
        Value::Null => Ok(page),
        address => {
            let address = address.as_str().and_then(published).ok_or_else(|| {
                format!("`address` is {address}; it is where the page is published: `https://host/path/`, with a slash at the end")
            })?;
            replace(&page, PICTURE_PLACE, "\"", &format!("{address}{PICTURE}"))
        }
    }
}

/// An address that can stand in an attribute and that a file's name can follow.
fn published(address: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
    let host = address.strip_prefix("https://")?;
    (host.ends_with('/') && !host.starts_with('/') && host.bytes().all(allowed)).then_some(address)
}

/// The hosts after `connect-src`.
fn reaches(site: &Value, local: bool) -> Result<String, String> {
    let mut hosts = vec![ALWAYS.to_string()];
    let hub = &site["hub"];
    if let Some(address) = hub["address"].as_str()
        && address.starts_with("http://")
    {
        hosts.push(address.to_string());
        let others = hub["hosts"].as_array().into_iter().flatten();
        hosts.extend(others.filter_map(|host| Some(format!("http://{}", host.as_str()?))));
    }
    if local {
        hosts.push(LOCAL.to_string());
    }
    let hosts = hosts.join(" ");
    match hosts.contains([';', ',', '"', '<', '\n']) {
        true => Err(format!("`{hosts}` cannot stand in a policy")),
        false => Ok(hosts),
    }
}

/// Puts `new` between the one `start` and the `end` after it.
fn replace(page: &str, start: &str, end: &str, new: &str) -> Result<String, String> {
    let missing = || format!("index.html does not say `{start}` once");
    let (before, rest) = page.split_once(start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    if after.contains(start) {
        return Err(missing());
    }
    Ok(format!("{before}{start}{new}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PAGE: &str = "<meta content=\"a 'b'; connect-src 'self'; c\">\
        <script type=\"application/json\" id=\"site\"></script><p>";

    #[test]
    fn the_settings_are_written_and_written_over() {
        let first = settle(PAGE, &json!({ "default": "</script><b>" }), false).unwrap();
        assert!(
            first.contains("id=\"site\">{\"default\":\"\\u003c/script>\\u003cb>\"}</script><p>")
        );
        assert!(first.contains("connect-src 'self' https:; c"));
        let second = settle(&first, &json!({ "default": 1 }), false).unwrap();
        assert!(second.contains("id=\"site\">{\"default\":1}</script><p>"));
    }

    #[test]
    fn only_a_hub_without_https_and_development_open_more() {
        let policy = |hub: Value, local| {
            let page = settle(PAGE, &json!({ "hub": hub }), local).unwrap();
            let (_, rest) = page.split_once("connect-src 'self' https:").unwrap();
            rest.split_once(';').unwrap().0.trim().to_string()
        };
        let hub = json!({ "address": "https://hub.example.org", "hosts": ["example.org"] });
        assert_eq!(policy(hub.clone(), false), "");
        assert_eq!(policy(hub, true), LOCAL);
        let own = json!({ "address": "http://localhost:8000", "hosts": ["localhost:8001"] });
        assert_eq!(
            policy(own, false),
            "http://localhost:8000 http://localhost:8001"
        );
    }

    #[test]
    fn other_sites_find_the_picture_where_the_page_is_published() {
        let page = format!("{PAGE}<meta property=\"og:image\" content=\"social.png\">");
        let settled = |address: Value| settle(&page, &json!({ "address": address }), false);
        assert!(
            settled(Value::Null)
                .unwrap()
                .contains("content=\"social.png\"")
        );
        let whole = settled(json!("https://example.org/unmask/")).unwrap();
        assert!(
            whole.contains("content=\"https://example.org/unmask/social.png\""),
            "{whole}"
        );
        for wrong in [
            "https://example.org",
            "http://a.example/",
            "https:///",
            "https://a.example/\"><b>/",
        ] {
            assert!(settled(json!(wrong)).is_err(), "{wrong}");
        }
        assert!(settled(json!(3)).is_err());
    }

    #[test]
    fn what_would_change_the_policy_is_refused() {
        let site = json!({ "hub": { "address": "http://localhost; script-src *" } });
        assert!(settle(PAGE, &site, false).is_err());
        assert!(settle("<p>", &json!({}), false).is_err());
        assert!(settle(&PAGE.repeat(2), &json!({}), false).is_err());
    }
}
