//! Every limit of what a host may hand over, each with its reason. Lengths are in bytes of UTF-8. What is over a limit
//! is refused, but texts that people paste whole (messages, stack traces) are cut and marked.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::Context;
use crate::error::{Error, ErrorKind, Result, invalid};

/// Names: categories, actions, screens, features, schemas, keys of fields. Snowplow's columns hold 1,000 characters.
pub const NAME: usize = 1_024;
/// A field's text. Enough for a label or a caption; a document belongs elsewhere.
pub const TEXT: usize = 32 * 1_024;
/// The message of a log or an error: cut beyond. Loupe refuses requests over 200 KiB.
pub const MESSAGE: usize = 32 * 1_024;
/// A stack trace: cut beyond. A deep recursion repeats itself long before.
pub const STACK_TRACE: usize = 64 * 1_024;
/// One JSON document. Half of what fits into the smallest request a receiver takes.
pub const JSON: usize = 96 * 1_024;
/// How deep JSON may be nested. Receivers index no deeper, and parsers of theirs recurse.
pub const JSON_DEPTH: usize = 32;
/// Fields of one event.
pub const FIELDS: usize = 128;
/// Contexts of one event.
pub const CONTEXTS: usize = 32;
/// Global contexts of a tracker.
pub const GLOBAL_CONTEXTS: usize = 16;
/// All of them together: they are stored with every event.
pub const GLOBAL_CONTEXTS_BYTES: usize = 16 * 1_024;
/// A whole event as it is stored. A quarter of the smallest journal, so that one event never fills it.
pub const EVENT: usize = 256 * 1_024;
/// A text about the device. Snowplow's columns hold 255 characters.
pub const DEVICE: usize = 255;
/// Each part of a user's identity, and the app's version and build. They go into every event and the session record.
pub const IDENTITY: usize = 512;
/// A namespace.
pub const NAMESPACE: usize = 1_024;

/// A name: not empty, and within `limit`. `what` says which argument it was.
pub(crate) fn name(what: &str, value: &str, limit: usize) -> Result<()> {
    if value.is_empty() {
        return Err(invalid(format!("{what} is empty")));
    }
    length(what, value, limit)
}

/// A text that may be empty, within `limit`.
pub(crate) fn length(what: &str, value: &str, limit: usize) -> Result<()> {
    if value.len() > limit {
        return Err(too_large(what, value.len(), limit));
    }
    Ok(())
}

pub(crate) fn too_large(what: &str, is: usize, limit: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("{what} has {is} bytes, and {limit} are allowed"))
}

/// The global contexts of a tracker: not too many, and not too much.
pub(crate) fn global_contexts(contexts: &[Context]) -> Result<()> {
    if contexts.len() > GLOBAL_CONTEXTS {
        let message = format!("there are at most {GLOBAL_CONTEXTS} global contexts");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let bytes = contexts.iter().map(|context| context.schema.len() + context.data.len()).sum();
    if bytes > GLOBAL_CONTEXTS_BYTES {
        return Err(too_large("the global contexts", bytes, GLOBAL_CONTEXTS_BYTES));
    }
    Ok(())
}

/// The text, or its beginning with a note of how much is missing. Never longer than `limit`.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    const ROOM_FOR_NOTE: usize = 48;
    let end = text.floor_char_boundary(limit - ROOM_FOR_NOTE);
    format!("{}… [cut, {} bytes more]", &text[..end], text.len() - end)
}

/// A JSON document: well-formed, its numbers finite, within the limits.
pub(crate) fn json(what: &str, text: &str) -> Result<()> {
    length(what, text, JSON)?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let checked = Checked { levels: JSON_DEPTH }.deserialize(&mut parser).and_then(|()| parser.end());
    checked.map_err(|e| Error::with_source(ErrorKind::InvalidJson, format!("{what} is no valid JSON"), e))
}

/// Looks through a document without keeping any of it.
#[derive(Clone, Copy)]
struct Checked {
    /// How many levels more it may be nested.
    levels: usize,
}

impl Checked {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1);
        levels
            .map(|levels| Self { levels })
            .ok_or_else(|| E::custom(format!("nested deeper than {JSON_DEPTH}")))
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        // Unlike the parser's own way of skipping a value, this reads numbers and texts: too large ones and half
        // letters are found.
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_key_seed(self)?.is_some() {
            items.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_each_limit() {
        assert!(name("n", "", 3).is_err());
        assert!(name("n", "abc", 3).is_ok());
        assert_eq!(name("n", "abcd", 3).unwrap_err().kind(), ErrorKind::TooLarge);
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(json("j", &nested(JSON_DEPTH)).is_ok());
        assert!(json("j", &nested(JSON_DEPTH + 1)).is_err());
        let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(json("j", &long(JSON)).is_ok());
        assert!(json("j", &long(JSON + 1)).is_err());
    }

    #[test]
    fn json_with_numbers_that_are_not_finite_or_half_letters_is_refused() {
        for bad in [
            "1e999",
            "-1e999",
            "NaN",
            "{\"a\":Infinity}",
            "\"\\ud800\"",
            "{",
            "",
            "{}x",
            &"[".repeat(100_000),
        ] {
            assert_eq!(
                json("j", bad).unwrap_err().kind(),
                if bad.len() > JSON { ErrorKind::TooLarge } else { ErrorKind::InvalidJson }
            );
        }
        for good in ["1e300", "9223372036854775807", "\"\\u0000\"", "null", " {\"a\": [1]} "] {
            json("j", good).unwrap();
        }
    }

    #[test]
    fn a_cut_keeps_whole_letters_says_what_is_missing_and_is_within_the_limit() {
        let text = "ü".repeat(1_000);
        let cut_text = cut(&text, 101);
        assert!(cut_text.len() <= 101, "{}", cut_text.len());
        assert!(cut_text.ends_with("bytes more]"), "{cut_text}");
        assert_eq!(cut("short", 101), "short");
    }
}
