//! The normalizer that SentencePiece compiles: base64 of the bytes of a trie (its length, then a double array of u32), and of the texts that its
//! values point into, each ended by a 0 byte.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// Bit 8: there is a value.
const HAS_LEAF: u32 = 1 << 8;
/// A label is a byte; with this bit it is none.
const NO_LABEL: u32 = 1 << 31;

/// Looks at a normalizer, and at those within it.
///
/// # Errors
/// In words.
pub(super) fn check(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(values) => values.iter().try_for_each(check),
        Value::Object(fields) => {
            if fields.get("type").and_then(Value::as_str) == Some("Precompiled") {
                let map = fields.get("precompiled_charsmap").and_then(Value::as_str);
                let map = map.and_then(|map| BASE64_STANDARD.decode(map).ok());
                let whole = map.is_some_and(|map| is_whole(&map));
                if !whole {
                    return Err("its `precompiled_charsmap` is damaged".to_owned());
                }
            }
            fields.values().try_for_each(check)
        }
        _ => Ok(()),
    }
}

/// Whether every text leads through the trie to places that are there.
fn is_whole(map: &[u8]) -> bool {
    let Some((length, rest)) = map.split_first_chunk::<4>() else {
        return false;
    };
    let length = u32::from_le_bytes(*length) as usize;
    let Some((trie, texts)) = rest.split_at_checked(length / 4 * 4) else {
        return false;
    };
    let Ok(texts) = std::str::from_utf8(texts) else {
        return false;
    };
    let units = trie.chunks_exact(4).map(|unit| {
        let bytes: [u8; 4] = unit.try_into().expect("four bytes");
        u32::from_le_bytes(bytes)
    });
    let units: Vec<u32> = units.collect();
    let offset = |unit: u32| ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize;
    let Some(&root) = units.first() else {
        return false;
    };
    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(root)];
    while let Some(node) = open.pop() {
        // Whichever byte comes next is looked up before it is known to have a place.
        if node | 255 >= units.len() {
            return false;
        }
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        for byte in 1..=255 {
            let place = node ^ byte;
            let unit = units[place];
            if unit & (NO_LABEL | 255) != byte as u32 {
                continue;
            }
            let next = place ^ offset(unit);
            if unit & HAS_LEAF != 0 {
                let value = units.get(next).map(|value| (value & !NO_LABEL) as usize);
                if !value.is_some_and(|value| texts.is_char_boundary(value)) {
                    return false;
                }
            }
            open.push(next);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A trie whose root leads `a` to a value at `value`, of texts `b` and `c`.
    fn map(units: usize, value: u32) -> Vec<u8> {
        let mut trie = vec![0u32; units];
        // The root's children lie at 0 ^ byte; `a` leads on to 256.
        trie[97] = 97 | HAS_LEAF | (97 ^ 256) << 10;
        trie[256] = value;
        let trie: Vec<u8> = trie.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let length = (trie.len() as u32).to_le_bytes();
        [&length[..], &trie, b"b\0c\0"].concat()
    }

    fn within(kind: &str, map: &str) -> Result<(), String> {
        let one = json!({ "type": kind, "precompiled_charsmap": map });
        check(&json!({ "type": "Sequence", "normalizers": [one] }))
    }

    fn checked(map: &[u8]) -> Result<(), String> {
        within("Precompiled", &BASE64_STANDARD.encode(map))
    }

    #[test]
    fn damage_is_found_wherever_it_leads() {
        assert_eq!(checked(&map(512, 2)), Ok(()));
        for damaged in [
            map(512, 5),
            map(300, 2),
            vec![],
            vec![0; 4],
            u32::MAX.to_le_bytes().to_vec(),
            [&map(512, 2)[..], &[0xff]].concat(),
        ] {
            assert!(checked(&damaged).is_err());
        }
        assert!(within("Precompiled", "no base64").is_err());
        assert!(check(&json!({ "type": "Precompiled" })).is_err());
        assert_eq!(within("Lowercase", "no base64"), Ok(()));
        assert_eq!(check(&json!(null)), Ok(()));
    }
}
