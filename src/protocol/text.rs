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
    for (group, place) in bytes.chunks(3).zip(text.chunks_exact_mut(4)) {
        match *group {
            [a, b, c] => place.copy_from_slice(&digits(a, b, c)),
            [a, b] => place[..3].copy_from_slice(&digits(a, b, 0)[..3]),
            [a] => place[..2].copy_from_slice(&digits(a, 0, 0)[..2]),
            _ => {}
        }
    }
    // Nothing but ASCII is in it.
    String::from_utf8(text).unwrap_or_default()
}

/// Three bytes as four digits.
fn digits(a: u8, b: u8, c: u8) -> [u8; 4] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u8| ALPHABET[usize::from(bits & 63)];
    [digit(a >> 2), digit(a << 4 | b >> 4), digit(b << 2 | c >> 6), digit(c)]
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
            ("ÿ?>", "w78/Pg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(percent("a b/ü~"), "a%20b%2F%C3%BC~");
    }
}
