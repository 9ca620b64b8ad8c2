//! The page in a frame of another page.

use super::Link;

/// A frame, for a lesson's own page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Embed {
    /// What the frame shows.
    pub address: String,
    /// The frame, as HTML.
    pub html: String,
}

/// The frame of a link; `page` is the address of this page without a fragment.
pub fn embed(page: &str, link: &Link) -> Embed {
    let fragment = link.to_fragment();
    let address = match fragment.is_empty() {
        true => page.to_owned(),
        false => format!("{page}#{fragment}"),
    };
    // Within an attribute.
    let escaped = address
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    let html = format!(
        "<iframe src=\"{escaped}\"\n  title=\"Unmask: BERT in this page\" width=\"100%\" height=\"720\" loading=\"lazy\"\n  \
         allow=\"clipboard-write; fullscreen\" style=\"border: 0\"></iframe>"
    );
    Embed { address, html }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Part;

    #[test]
    fn a_frame_s_address_stays_within_its_quotes() {
        let link = Link {
            text: "a \"b\" <c> & d".to_owned(),
            hide: [Part::Header, Part::Footer].into(),
            ..Link::default()
        };
        let Embed { address, html } = embed("https://example.org/\"x", &link);
        assert!(address.contains("hide=header,footer"), "{address}");
        let (_, rest) = html.split_once("src=\"").expect("a source");
        let (source, after) = rest.split_once('"').expect("an end");
        let read = source
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&amp;", "&");
        assert_eq!(read, address);
        assert!(after.contains("allow=\"clipboard-write"), "{html}");
        assert_eq!(
            embed("https://a.example/", &Link::default()).address,
            "https://a.example/"
        );
    }
}
