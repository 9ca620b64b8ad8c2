//! Texts of strangers as Python literals.

use std::fmt::Write;

/// A text as a Python string literal on one line. What does not show, or turns the direction of writing, is escaped: nobody is to
/// read another program than Python does.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if shows(c) => out.push(c),
            _ => {
                let code = u32::from(c);
                // Writing to a string does not fail.
                let _ = match code {
                    ..0x100 => write!(out, "\\x{code:02x}"),
                    0x100..0x1_0000 => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Whether a reader sees a character, and sees it where it stands.
fn shows(c: char) -> bool {
    let unseen = matches!(u32::from(c),
        0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
        | 0xe000..=0xf8ff | 0xfff0..=0xffff | 0xe_0000..);
    !c.is_control() && !unseen
}

/// A list of texts, one a line.
pub fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let lines = texts
        .into_iter()
        .map(|text| format!("    {},\n", literal(text)));
    format!("[\n{}]", lines.collect::<String>())
}
