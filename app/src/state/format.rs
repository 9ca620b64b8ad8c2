//! Numbers as people read them.

/// Bytes in decimal units, as browsers and hubs show them.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 would round to "1000.0".
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A download's speed, in bytes a second, and how long `left` bytes take at it; begins with a
/// separator, or is empty where nothing is known.
pub fn pace(left: u64, speed: Option<u64>) -> String {
    let Some(speed) = speed else {
        return String::new();
    };
    let rate = bytes(speed);
    if speed == 0 {
        return format!(" · {rate}/s");
    }
    let left = match left.div_ceil(speed) {
        seconds @ 0..90 => format!("{seconds} s"),
        seconds @ 90..5400 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3600)),
    };
    format!(" · {rate}/s · {left} left")
}

/// A probability as a percentage, with more digits where it is small.
pub fn percent(probability: f32) -> String {
    let value = f64::from(probability) * 100.0;
    match value {
        v if !v.is_finite() => "not a number".to_owned(),
        v if v >= 99.95 => format!("{v:.1}%"),
        v if v >= 10.0 => format!("{v:.1}%"),
        v if v >= 0.1 => format!("{v:.2}%"),
        v if v >= 0.001 => format!("{v:.3}%"),
        _ => "< 0.001%".to_owned(),
    }
}

/// A share of things that were counted, as a percentage: here nothing is nothing.
pub fn share(value: f64) -> String {
    match value {
        0.0 => "0%".to_owned(),
        value => percent(value as f32),
    }
}

/// A whole number with thin spaces between the thousands.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A count of parameters: `14.2 M`.
pub fn parameters(count: u64) -> String {
    match count {
        0..10_000 => grouped(count),
        10_000..1_000_000 => format!("{:.0} thousand", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} million", count as f64 / 1e6),
        _ => format!("{:.2} billion", count as f64 / 1e9),
    }
}

/// A duration.
pub fn milliseconds(value: f64) -> String {
    match value {
        v if v < 1.0 => "under 1 ms".to_owned(),
        v if v < 1000.0 => format!("{v:.0} ms"),
        v => format!("{:.1} s", v / 1000.0),
    }
}

/// A longer duration, as one would say it.
pub fn duration(milliseconds: f64) -> String {
    let seconds = (milliseconds / 1000.0).round().max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_says_how_long_it_takes() {
        assert_eq!(pace(10, None), "");
        assert_eq!(pace(10_000_000, Some(2_000_000)), " · 2.0 MB/s · 5 s left");
        assert_eq!(
            pace(600_000_000, Some(2_000_000)),
            " · 2.0 MB/s · 5 min left"
        );
        assert_eq!(
            pace(u64::MAX, Some(1)),
            " · 1 B/s · 5124095576030432 h left"
        );
        assert_eq!(pace(10, Some(0)), " · 0 B/s");
    }

    #[test]
    fn bytes_change_unit_before_four_digits_show() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (28_307_056, "28.3 MB"),
            (999_949, "999.9 kB"),
            (999_951, "1.0 MB"),
            (u64::MAX, "18446744.1 TB"),
        ];
        for (count, text) in cases {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn percentages_keep_what_can_be_told_apart() {
        let cases = [
            (1.0, "100.0%"),
            (0.4321, "43.2%"),
            (0.0123, "1.23%"),
            (0.00012, "0.012%"),
            (0.0, "< 0.001%"),
            (f32::NAN, "not a number"),
        ];
        for (probability, text) in cases {
            assert_eq!(percent(probability), text);
        }
    }

    #[test]
    fn counts() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1\u{202f}000");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(parameters(14_153_216), "14.2 million");
        assert_eq!(parameters(335_141_888), "335.1 million");
        assert_eq!(milliseconds(0.4), "under 1 ms");
        assert_eq!(milliseconds(1250.0), "1.2 s");
    }
}
