//! Hosts in addresses that strangers write: nothing may lead elsewhere than it reads.

use std::net::Ipv4Addr;

/// Reads `host` or `host:port` of an address: a name of letters, digits, dots and hyphens, in small letters,
/// and the port, unless it is the scheme's own.
///
/// # Errors
/// The first rule that is broken, in words for the visitor.
pub fn authority(scheme: &str, text: &str) -> Result<String, String> {
    let refuse = |reason: &str| Err(reason.to_owned());
    if text.contains('@') {
        return refuse("it has a user name or a password in it; give the address without");
    }
    let text = text.to_ascii_lowercase();
    let usual = if scheme == "http" { 80 } else { 443 };
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (&text[..], None),
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let wrong = |label: &str| label.is_empty() || label.starts_with('-');
    if host.len() > 253 || !host.bytes().all(allowed) || host.split('.').any(wrong) {
        return refuse("its host is not a name of letters, digits, dots and hyphens");
    }
    if is_number(host) && host.parse::<Ipv4Addr>().is_err() {
        return refuse(
            "its host is a number, which browsers read as another address than it seems; give its name",
        );
    }
    let Some(port) = port else { return Ok(text) };
    match port.parse::<u16>() {
        _ if port.starts_with(['+', '0']) => refuse("its port is not a number from 1 to 65535"),
        Ok(port) if port == usual => Ok(host.to_owned()),
        Ok(_) => Ok(text),
        _ => refuse("its port is not a number from 1 to 65535"),
    }
}

/// Whether browsers take a host for a number: its last part is one, decimal or hexadecimal.
fn is_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let hexadecimal = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    last.bytes().all(|byte| byte.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(hexadecimal)
}

/// Whether a host is the visitor's own machine.
pub fn is_this_machine(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

/// Whether browsers take a step of a path for `.` or `..`: written as `%2e` it is one too.
pub fn leads_up(step: &str) -> bool {
    let plain = step.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_addresses_as_they_read() {
        for (written, read) in [
            ("Example.org", "example.org"),
            ("example.org:443", "example.org"),
            ("example.org:8443", "example.org:8443"),
            ("192.0.2.1", "192.0.2.1"),
            ("3com.example", "3com.example"),
            ("a.0xyz", "a.0xyz"),
        ] {
            assert_eq!(authority("https", written).as_deref(), Ok(read));
        }
        for wrong in [
            "2130706433",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "1.2.3.4.5",
            "a.0x",
            "1.2.3.256",
        ] {
            let refused = authority("https", wrong).expect_err(wrong);
            assert!(refused.contains("is a number"), "{wrong}: {refused}");
        }
        for wrong in ["", "a@b", "a:01", "a:+1", "a:0", "a:65536", "a:"] {
            assert!(authority("https", wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            authority("http", "localhost:443").as_deref(),
            Ok("localhost:443")
        );
    }

    #[test]
    fn dots_that_are_written_as_numbers_are_dots() {
        assert!(leads_up("..") && leads_up("%2E.") && leads_up(".%2e") && leads_up("%2e"));
        assert!(!leads_up("...") && !leads_up("a..") && !leads_up("%2f"));
    }
}
