//! What an answer's headers say of a file's length, and how far that can be believed.
//!
//! Hosts compress texts, and across origins the browser hides `Content-Encoding`: a `Content-Length`
//! may then count compressed bytes. For a range browsers ask for bytes as they are (Firefox takes
//! compressed ones too, but nobody compresses weights), so there `Content-Range`, or the length of
//! the part, is the truth.

/// Where an answer begins in its file, and how long the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub begins: u64,
    /// Bytes of the whole file, where the answer is a part of it and says so.
    pub total: Option<u64>,
}

/// `bytes 5-9/10`: a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    first: u64,
    total: Option<u64>,
}

impl Part {
    fn parse(header: &str) -> Option<Self> {
        let (span, total) = header.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = span.trim().split_once('-')?;
        let (first, last): (u64, u64) = (number(first)?, number(last)?);
        let total = match total.trim() {
            "*" => None,
            total => Some(number(total)?),
        };
        let fits = first <= last && total.is_none_or(|total| last < total);
        fits.then_some(Self { first, total })
    }
}

/// Digits and nothing else: `parse` would take a sign.
pub fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Reads the headers of an answer of `status` to a request from byte `asked` on, or for the whole.
/// `None` where the answer is a part that does not begin where it was asked to, or before.
pub fn extent(
    asked: Option<u64>,
    status: u16,
    content_range: Option<&str>,
    content_length: Option<&str>,
) -> Option<Extent> {
    const WHOLE: Extent = Extent {
        begins: 0,
        total: None,
    };
    if status != 206 {
        return Some(WHOLE);
    }
    let asked = asked?;
    match content_range {
        Some(header) => {
            let part = Part::parse(header)?;
            (part.first <= asked).then_some(Extent {
                begins: part.first,
                total: part.total,
            })
        }
        // Most hosts do not let other pages read `Content-Range`; an open range ends with the file.
        None => Some(Extent {
            begins: asked,
            total: content_length
                .and_then(number)
                .and_then(|length| asked.checked_add(length)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_part_says_where_it_begins_and_how_long_the_whole_is() {
        let read = |header| extent(Some(5), 206, Some(header), Some("3"));
        let at = |begins, total| Some(Extent { begins, total });
        assert_eq!(read("bytes 5-9/10"), at(5, Some(10)));
        assert_eq!(read("bytes 0-9/10"), at(0, Some(10)), "more than asked for");
        assert_eq!(read("bytes 5-9/*"), at(5, None));
        for wrong in [
            "bytes 6-9/10",
            "bytes 5-10/10",
            "bytes 9-5/10",
            "bytes +5-9/10",
            "bytes */10",
            "bytes 5-9",
            "items 5-9/10",
            "bytes 5-9/99999999999999999999999",
            "",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_length_counts_for_a_part_only() {
        let whole = Some(Extent {
            begins: 0,
            total: None,
        });
        // What a host sends compressed is longer than that once it is read.
        assert_eq!(extent(None, 200, None, Some("300")), whole);
        assert_eq!(extent(Some(0), 200, None, Some("300")), whole);
        assert_eq!(extent(Some(7), 200, Some("bytes 7-9/10"), None), whole);
        let part = |total| Some(Extent { begins: 100, total });
        assert_eq!(extent(Some(100), 206, None, Some("300")), part(Some(400)));
        assert_eq!(extent(Some(100), 206, None, None), part(None));
        assert_eq!(extent(Some(100), 206, None, Some("-3")), part(None));
        assert_eq!(
            extent(Some(100), 206, None, Some(&u64::MAX.to_string())),
            part(None)
        );
        assert_eq!(
            extent(None, 206, None, Some("3")),
            None,
            "none was asked for"
        );
    }

    proptest! {
        #[test]
        fn what_is_no_header_is_no_trouble(header in ".{0,40}", asked in any::<u64>()) {
            let _ = extent(Some(asked), 206, Some(&header), Some(&header));
        }

        #[test]
        fn every_part_that_a_host_may_send_is_read(first in 0..u64::MAX / 4, more in 0..u64::MAX / 4, rest in 1..u64::MAX / 4) {
            let total = first + more + rest;
            let header = format!("bytes {first}-{}/{total}", first + more);
            prop_assert_eq!(
                extent(Some(first), 206, Some(&header), None),
                Some(Extent { begins: first, total: Some(total) })
            );
        }
    }
}
