//! What left this device, by the page's own count.

use super::format;
use crate::protocol::Requested;
use std::collections::BTreeMap;

/// More hosts than anyone asks in a visit; the rest is counted as one.
const MAX_HOSTS: usize = 32;
const OTHERS: &str = "others";

/// Requests by host, and the bytes of their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    hosts: BTreeMap<String, u64>,
    bytes: u64,
}

impl Sent {
    pub(super) fn count(&mut self, request: Requested) {
        let known = self.hosts.contains_key(&request.host) || self.hosts.len() < MAX_HOSTS;
        let host = if known {
            request.host
        } else {
            OTHERS.to_owned()
        };
        let requests = self.hosts.entry(host).or_default();
        *requests = requests.saturating_add(1);
        self.bytes = self.bytes.saturating_add(request.bytes);
    }

    /// Such as `0 bytes sent`.
    pub fn line(&self) -> String {
        match self.bytes {
            bytes @ 0..1000 => format!("{bytes} bytes sent"),
            bytes => format!("{} sent", format::bytes(bytes)),
        }
    }

    /// Each host with how often it was asked for something.
    pub fn hosts(&self) -> Vec<(String, String)> {
        let asked = |(host, &requests): (&String, &u64)| {
            let host = match host.is_empty() {
                true => "This page's host",
                false => host,
            };
            let requests = match requests {
                1 => "1 request".to_owned(),
                n => format!("{} requests", format::grouped(n)),
            };
            (host.to_owned(), requests)
        };
        self.hosts.iter().map(asked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_host_and_content_in_all() {
        let mut sent = Sent::default();
        assert_eq!(sent.line(), "0 bytes sent");
        let request = |host: &str, bytes| Requested {
            host: host.to_owned(),
            bytes,
        };
        sent.count(request("", 0));
        sent.count(request("", 0));
        sent.count(request("hub.example", 0));
        assert_eq!(sent.line(), "0 bytes sent");
        let shown = |host: &str, requests: &str| (host.to_owned(), requests.to_owned());
        assert_eq!(
            sent.hosts(),
            [
                shown("This page's host", "2 requests"),
                shown("hub.example", "1 request")
            ]
        );
        sent.count(request("hub.example", 1500));
        assert_eq!(sent.line(), "1.5 kB sent");
        sent.count(request("hub.example", u64::MAX));
        for i in 0..100 {
            sent.count(request(&i.to_string(), 0));
        }
        assert_eq!(sent.hosts().len(), MAX_HOSTS + 1);
    }
}
