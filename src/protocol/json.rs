//! Writes JSON: objects and arrays in the order in which they are given, texts escaped, numbers in full precision.
//! Faster than building a tree, and raw JSON of the host's goes through as it is.

use std::fmt::{Display, Write};

use uuid::Uuid;

/// A JSON text under construction.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
    /// The next value is not the first of its object or array.
    comma: bool,
}

impl Json {
    /// A text for which room is made beforehand.
    pub fn sized(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), comma: false }
    }

    /// How much has been written, in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes back what was written since it was so long, if that was the last element of an array.
    pub fn take_back(&mut self, len: usize) {
        self.text.truncate(len);
    }

    /// What has been written.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An object as the next value; `fill` adds its fields.
    pub fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.nested('{', '}', fill);
    }

    /// An array as the next value; `fill` adds its elements.
    pub fn array(&mut self, fill: impl FnOnce(&mut Self)) {
        self.nested('[', ']', fill);
    }

    fn nested(&mut self, open: char, close: char, fill: impl FnOnce(&mut Self)) {
        self.next();
        self.text.push(open);
        self.comma = false;
        fill(self);
        self.text.push(close);
        self.comma = true;
    }

    /// The name of the next field. A value must follow.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.next();
        self.escaped(key);
        self.text.push(':');
        self.comma = false;
        self
    }

    /// A text as the next value.
    pub fn text(&mut self, value: &str) {
        self.next();
        self.escaped(value);
    }

    /// A text of which is known that nothing in it is to be escaped.
    pub fn plain(&mut self, value: &str) {
        self.next();
        self.text.push('"');
        self.text.push_str(value);
        self.text.push('"');
    }

    /// A UUID as a text.
    pub fn uuid(&mut self, id: &Uuid) {
        self.plain(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }

    /// JSON that is written already: a number, `true`, `null`, a document of the host's.
    pub fn raw(&mut self, value: impl Display) {
        self.next();
        // Writing to a String does not fail.
        let _ = write!(self.text, "{value}");
    }

    /// A finite number, with as many digits as it takes to read the same one again.
    pub fn number(&mut self, value: f64) {
        self.raw(number(value));
    }

    /// A field with a text, if there is one.
    pub fn field(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.key(key).text(value);
        }
    }

    fn next(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    fn escaped(&mut self, value: &str) {
        self.text.push('"');
        if is_plain(value) {
            self.text.push_str(value);
        } else {
            self.escape_each(value);
        }
        self.text.push('"');
    }

    fn escape_each(&mut self, value: &str) {
        let mut plain = 0;
        for (at, byte) in value.bytes().enumerate() {
            let Some(escape) = escape(byte) else { continue };
            self.text.push_str(&value[plain..at]);
            match escape {
                Escape::Short(c) => self.text.extend(['\\', c]),
                Escape::Code => drop(write!(self.text, "\\u{byte:04x}")),
            }
            plain = at + 1;
        }
        self.text.push_str(&value[plain..]);
    }
}

/// Most texts need no escapes, and this looks at eight bytes at once.
fn is_plain(value: &str) -> bool {
    let (words, rest) = value.as_bytes().as_chunks::<8>();
    let found = words.iter().fold(0, |found, word| found | escapes(u64::from_ne_bytes(*word)));
    found == 0 && rest.iter().all(|byte| escape(*byte).is_none())
}

/// Not 0 if one of eight bytes is to be escaped. A byte is less than `n` if taking `n` away borrows its upper bit, which
/// bytes of other scripts have to begin with.
fn escapes(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const UPPER: u64 = 0x80 * EACH;
    let borrowed = |word: u64, n: u8| word.wrapping_sub(EACH * u64::from(n));
    let equal = |byte: u8| borrowed(word ^ (EACH * u64::from(byte)), 1);
    (borrowed(word, 0x20) | equal(b'"') | equal(b'\\')) & !word & UPPER
}

enum Escape {
    Short(char),
    Code,
}

fn escape(byte: u8) -> Option<Escape> {
    Some(match byte {
        b'"' => Escape::Short('"'),
        b'\\' => Escape::Short('\\'),
        b'\n' => Escape::Short('n'),
        b'\r' => Escape::Short('r'),
        b'\t' => Escape::Short('t'),
        0..=0x1f => Escape::Code,
        _ => return None,
    })
}

/// A finite number as JSON writes it: whole numbers without a fraction as far as they are exact.
pub(crate) fn number(value: f64) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT { format!("{value:.0}") } else { format!("{value:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json_and_means_the_same() {
        let mut json = Json::default();
        json.object(|json| {
            json.key("text").text("\"\\ \n\r\t\u{1} ü 名 🎈");
            json.key("list").array(|json| {
                json.number(1e-7);
                json.number(1e300);
                json.number(-0.5);
                json.raw(i64::MAX);
                json.raw(r#"{"raw": true}"#);
                json.object(|_| {});
                json.array(|_| {});
            });
            json.field("none", None);
            json.field("some", Some("x"));
        });
        let text = json.into_text();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["text"], "\"\\ \n\r\t\u{1} ü 名 🎈");
        assert_eq!(value["list"][0], 1e-7);
        assert_eq!(value["list"][3], i64::MAX);
        assert!(text.ends_with(r#","some":"x"}"#) && !text.contains("none"), "{text}");
    }

    #[test]
    fn every_byte_is_escaped_wherever_it_stands() {
        for byte in 0..=0x7f_u8 {
            for at in 0..17 {
                let mut text = ["ü234567890123456", "abcdefghijklmnopq"][usize::from(at % 2 == 0)].to_owned();
                let place = text.char_indices().map(|(place, _)| place).nth(at).unwrap_or(text.len());
                text.insert(place, byte.into());
                let mut json = Json::default();
                json.text(&text);
                assert_eq!(serde_json::from_str::<String>(&json.into_text()).unwrap(), text);
            }
        }
    }

    #[test]
    fn numbers_keep_their_precision() {
        for (value, text) in
            [(19.5, "19.5"), (3.0, "3"), (1e-7, "1e-7"), (1e300, "1e300"), (0.1, "0.1"), (-2.0, "-2")]
        {
            assert_eq!(number(value), text);
            assert_eq!(number(value).parse::<f64>().unwrap(), value);
        }
    }
}
