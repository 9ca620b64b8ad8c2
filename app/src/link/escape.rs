//! Texts in a fragment: `%` and two digits for what may not stand there, `+` for a space. Brackets
//! stay, so that `[MASK]` can be read.

/// Writes a text so that the browser leaves it as it is.
pub(super) fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.~,:/@[]".contains(&byte) => {
                out.push(char::from(byte));
            }
            byte => push_percent(byte, out),
        }
    }
}

fn push_percent(byte: u8, out: &mut String) {
    let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half & 15)]);
    out.push('%');
    out.push(digit(byte >> 4));
    out.push(digit(byte));
}

/// Programs that find addresses in a text leave a full stop or a bracket at the end aside.
pub(super) fn close(out: &mut String) {
    if let Some(last) = out.pop() {
        match last {
            '.' | ',' | ':' | '/' | '@' | '[' | ']' | '~' => push_percent(last as u8, out),
            last => out.push(last),
        }
    }
}

/// Reads a text; `None` where a `%` has no two digits behind it, or the bytes are no UTF-8.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high << 4 | low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
