//! Decimal numbers as people type them.

/// The finite number that `text` spells: digits with or without a point, a sign and an exponent where
/// they are wanted, spaces around it read over. At most one unit in the last place off; exact up to
/// 15 digits and powers of ten up to 22.
///
/// By way of JSON's reader: the standard library's brings 15 kB of tables and code of its own into a
/// program that reads JSON anyway, and browsers download this one.
pub fn parse_decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (text, None),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || !only_digits(whole) || !only_digits(part) {
        return None;
    }
    // JSON wants a digit on either side of a point, and no zeros before the first one.
    let mut json = format!("{sign}0");
    let whole = whole.trim_start_matches('0');
    if !whole.is_empty() {
        json.pop();
        json += whole;
    }
    if !part.is_empty() {
        json.push('.');
        json += part;
    }
    if let Some(exponent) = exponent {
        json.push('e');
        json += exponent;
    }
    serde_json::from_str(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_decimal;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        for (text, number) in [
            ("0", 0.0),
            (" 12 ", 12.0),
            ("+3", 3.0),
            ("-0.5", -0.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("007", 7.0),
            ("2e-5", 2e-5),
            ("1.5E+3", 1500.0),
        ] {
            assert_eq!(parse_decimal(text), Some(number), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        for text in [
            "", ".", "-", "--1", "+-1", "1e", "e5", "1.2.3", "1,5", "1 2", "inf", "NaN", "1e999",
            "٣", "0x1",
        ] {
            assert_eq!(parse_decimal(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn short_numbers_are_exact(digits in 0..10_i64.pow(15), places in 0..=15_usize, exponent in -7..=7_i32) {
            let text = format!("{:.places$}e{exponent}", digits as f64 / 10_f64.powi(places as i32));
            let found = parse_decimal(&text).unwrap();
            let exact: f64 = text.parse().unwrap();
            let digits = text.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
            prop_assert!(found == exact || digits > 15 && (found - exact).abs() <= exact * f64::EPSILON);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,24}") {
            prop_assert!(parse_decimal(&text).is_none_or(f64::is_finite));
        }
    }
}
