//! Texts that several protocols need: times, base64, percent-encoding.

use chrono::{DateTime, SecondsFormat, Utc};

/// A time as `2026-01-31T09:05:00.123Z`. Times that no calendar has become its ends.
pub(crate) fn utc(ms: i64) -> String {
    let ends = if ms < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_millis(ms).unwrap_or(ends).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    // Room first, then digits: half the time of pushing them.
    let mut text = vec![b'='; bytes.len().div_ceil(3) * 4];
    let (groups, rest) = bytes.as_chunks::<6>();
    let (places, last) = text.split_at_mut(groups.len() * 8);
    for (group, place) in groups.iter().zip(places.as_chunks_mut().0) {
        *place = digits(*group);
    }
    let mut group = [0; 6];
    group[..rest.len()].copy_from_slice(rest);
    let used = (rest.len() * 4).div_ceil(3);
    last[..used].copy_from_slice(&digits(group)[..used]);
    // Nothing but ASCII is in it.
    String::from_utf8(text).unwrap_or_default()
}

/// Six bytes as eight digits: in one word, so that there is nothing but shifts between them.
#[inline(always)]
fn digits([a, b, c, d, e, f]: [u8; 6]) -> [u8; 8] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let digit = |shift: u32| ALPHABET[(bits >> shift & 63) as usize];
    [digit(42), digit(36), digit(30), digit(24), digit(18), digit(12), digit(6), digit(0)]
}

/// Percent-encoding of everything but `A-Z a-z 0-9 - . _ ~`.
pub(crate) fn percent(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(byte as char);
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_base64_and_percent() {
        assert_eq!(utc(1_769_850_300_123), "2026-01-31T09:05:00.123Z");
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert!(!utc(i64::MAX).is_empty() && !utc(i64::MIN).is_empty());
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("foobarf", "Zm9vYmFyZg=="),
            ("foobarfoobarfoobar", "Zm9vYmFyZm9vYmFyZm9vYmFy"),
            ("ÿ?>", "w78/Pg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(percent("a b/ü~"), "a%20b%2F%C3%BC~");
    }
}
