//! A badge for a model's card, which leads to the page with that model.

use super::Link;
use crate::checkpoint::address::Address;

/// The badge in Markdown; `page` is the page's address without a fragment, beside which the picture lies.
pub fn badge(page: &str, model: &Address) -> String {
    let folder = page.rsplit_once('/').map_or(page, |(folder, _)| folder);
    let link = Link {
        model: Some(model.clone()),
        ..Link::default()
    };
    let fragment = link.to_fragment();
    format!("[![Try it in your browser]({folder}/badge.svg)]({page}#{fragment})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_leads_to_the_page_with_the_model() {
        let model = Address::parse("google-bert/bert-base-uncased").unwrap();
        for page in ["https://example.org/", "https://example.org/a/index.html"] {
            let badge = badge(page, &model);
            let folder = page.trim_end_matches("index.html");
            let picture = format!("[![Try it in your browser]({folder}badge.svg)]({page}#");
            let rest = badge.strip_prefix(&picture).expect("a picture and a link");
            let (link, notices) = Link::parse(rest.strip_suffix(')').expect("an end"));
            assert_eq!((link.model, notices), (Some(model.clone()), Vec::new()));
        }
    }
}
