//! An option as it is given by name: text, and what it says. Strict, so that a mistake shows where it is made.
//! No message repeats the text: it may be a key, or a user's id.

use crate::error::{Result, invalid};

/// The text of an option.
pub(crate) struct Given<'a> {
    /// What stands behind the dot of the option's name: `Authorization` of `header.Authorization`.
    pub key: &'a str,
    /// Its value.
    pub text: &'a str,
}

impl<'a> Given<'a> {
    /// `true` or `false`.
    pub fn on(&self) -> Result<bool> {
        self.one_of(&[("true", true), ("false", false)])
    }

    /// One of some words.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        let found = words.iter().find(|(word, _)| *word == self.text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            invalid(format!("it is not {}", words.join(" or ")))
        })
    }

    /// A whole number.
    pub fn number<N: TryFrom<u64>>(&self) -> Result<N> {
        number(self.text)
    }

    /// Width and height: `1920x1080`.
    pub fn size(&self) -> Result<(u32, u32)> {
        let (width, height) =
            self.text.split_once('x').ok_or_else(|| invalid("it is no size like 1920x1080"))?;
        Ok((number(width)?, number(height)?))
    }

    /// Texts with commas between them; none if it is empty. A space beside a comma would never be meant.
    pub fn list(&self) -> Result<Vec<&'a str>> {
        let items: Vec<_> = self.text.split(',').filter(|_| !self.text.is_empty()).collect();
        if items.iter().any(|item| item.trim() != *item) {
            return Err(invalid("it has a space beside a comma or at an end"));
        }
        Ok(items)
    }
}

/// A whole number: decimal digits and nothing else.
pub(crate) fn number<N: TryFrom<u64>>(text: &str) -> Result<N> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("it is no decimal number"));
    }
    let number = text.parse::<u64>().ok().and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| invalid("the number is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given<'_> {
        Given { key: "", text }
    }

    #[test]
    fn what_is_meant_is_read() {
        assert!(given("true").on().unwrap() && !given("false").on().unwrap());
        assert_eq!(given("b").one_of(&[("a", 1), ("b", 2)]).unwrap(), 2);
        assert_eq!(given("0").number::<u16>().unwrap(), 0);
        assert_eq!(given("65535").number::<u16>().unwrap(), u16::MAX);
        assert_eq!(given("18446744073709551615").number::<u64>().unwrap(), u64::MAX);
        assert_eq!(given("1920x1080").size().unwrap(), (1920, 1080));
        assert_eq!(given("a,b c,d").list().unwrap(), ["a", "b c", "d"]);
        assert!(given("").list().unwrap().is_empty());
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for bad in ["", "TRUE", "1", "yes", " true", "secret"] {
            assert_eq!(given(bad).on().unwrap_err().to_string(), "it is not true or false");
        }
        for bad in ["", " 1", "1 ", "+1", "-1", "1.0", "0x1", "1_000", "1,000", "²", "secret"] {
            let error = given(bad).number::<u64>().unwrap_err().to_string();
            assert_eq!(error, "it is no decimal number", "{bad}");
        }
        for large in ["65536", "18446744073709551616", &"9".repeat(99)] {
            assert_eq!(given(large).number::<u16>().unwrap_err().to_string(), "the number is too large");
        }
        for bad in ["", "1920", "1920X1080", "x", "1920x", "x1080", "1x2x3", "1 x 2", "4294967296x1"] {
            assert!(given(bad).size().is_err(), "{bad}");
        }
        for bad in [" ", "a, b", "a ,b", " a", "a\n"] {
            assert!(given(bad).list().unwrap_err().to_string().contains("space"), "{bad:?}");
        }
    }
}
