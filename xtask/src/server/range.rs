/// Which bytes of a file a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Range {
    /// All, also where the header makes no sense or asks for several parts: a server may.
    Whole,
    /// These, both ends included.
    Part { first: u64, last: u64 },
    /// None of those the file has.
    Unsatisfiable,
}

/// Reads `bytes=FIRST-LAST`, `bytes=FIRST-` and `bytes=-COUNT` for a file of `total` bytes.
pub fn parse_range(header: &str, total: u64) -> Range {
    let Some((first, last)) = header
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Range::Whole;
    };
    let (first, last) = match (first.trim(), last.trim()) {
        ("", count) => match count.parse::<u64>() {
            Ok(0) => return Range::Unsatisfiable,
            Ok(count) => (total.saturating_sub(count), u64::MAX),
            Err(_) => return Range::Whole,
        },
        (first, "") => match first.parse() {
            Ok(first) => (first, u64::MAX),
            Err(_) => return Range::Whole,
        },
        (first, last) => match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => (first, last),
            _ => return Range::Whole,
        },
    };
    if first >= total {
        return Range::Unsatisfiable;
    }
    Range::Part {
        first,
        last: last.min(total - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{Range::*, parse_range};

    #[test]
    fn every_form_of_a_single_range() {
        assert_eq!(parse_range("bytes=0-0", 10), Part { first: 0, last: 0 });
        assert_eq!(parse_range("bytes=2-5", 10), Part { first: 2, last: 5 });
        assert_eq!(parse_range("bytes=2-", 10), Part { first: 2, last: 9 });
        assert_eq!(parse_range("bytes=2-99", 10), Part { first: 2, last: 9 });
        assert_eq!(parse_range("bytes=-3", 10), Part { first: 7, last: 9 });
        assert_eq!(parse_range("bytes=-99", 10), Part { first: 0, last: 9 });
    }

    #[test]
    fn beyond_the_end() {
        for header in [
            "bytes=10-",
            "bytes=10-12",
            "bytes=-0",
            "bytes=18446744073709551615-",
        ] {
            assert_eq!(parse_range(header, 10), Unsatisfiable, "{header}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Unsatisfiable);
        assert_eq!(parse_range("bytes=-1", 0), Unsatisfiable);
    }

    #[test]
    fn nonsense_gets_the_whole_file() {
        let headers = [
            "",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=0-1,4-5",
            "rows=1-2",
        ];
        for header in headers {
            assert_eq!(parse_range(header, 10), Whole, "{header}");
        }
    }
}
