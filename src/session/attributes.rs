//! Constant data that stays with a session: a small map, told with its start and its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::encoding::{Put, Take};
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::event::limits;

/// The most attributes of a session. They are written with every event: a handful costs nothing.
pub const MOST: usize = 32;
/// A key.
pub const KEY: usize = 128;
/// All keys and values together, in bytes.
pub const TOTAL: usize = 2 * 1_024;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A finite number.
    Number(f64),
}

/// The attributes of a session: up to 32, keys of 1 to 128 bytes, 2,048 bytes in all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, Attribute>);

impl Attributes {
    /// Sets an attribute to a text, replacing what it was.
    ///
    /// # Errors
    /// The key is empty; key, number or bytes are over the limit. Then nothing changes.
    pub fn set_text(&mut self, key: &str, value: &str) -> Result<()> {
        self.set(key, Attribute::Text(value.into()))
    }

    /// Sets an attribute to a number, replacing what it was.
    ///
    /// # Errors
    /// As [`Attributes::set_text`], and if the number is not finite.
    pub fn set_number(&mut self, key: &str, value: f64) -> Result<()> {
        if !value.is_finite() {
            return Err(invalid(format!("the attribute {key:?} is no finite number")));
        }
        self.set(key, Attribute::Number(value))
    }

    fn set(&mut self, key: &str, value: Attribute) -> Result<()> {
        limits::name("the attribute's key", key, KEY)?;
        let before = self.0.insert(key.to_owned(), value);
        let fits = self.check();
        if fits.is_err() {
            match before {
                Some(before) => self.0.insert(key.to_owned(), before),
                None => self.0.remove(key),
            };
        }
        fits
    }

    fn check(&self) -> Result<()> {
        if self.0.len() > MOST {
            return Err(Error::new(ErrorKind::TooLarge, format!("a session has at most {MOST} attributes")));
        }
        let size = |(key, value): (&String, &Attribute)| {
            key.len() + if let Attribute::Text(text) = value { text.len() } else { size_of::<f64>() }
        };
        let total: usize = self.0.iter().map(size).sum();
        if total > TOTAL {
            return Err(limits::too_large("the attributes of a session", total, TOTAL));
        }
        Ok(())
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The value of that key.
    pub fn get(&self, key: &str) -> Option<&Attribute> {
        self.0.get(key)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn encode(&self, out: &mut impl Put) {
        out.u32(self.0.len() as u32);
        for (key, value) in &self.0 {
            out.text(key);
            match value {
                Attribute::Text(text) => {
                    out.u8(1);
                    out.text(text);
                }
                Attribute::Number(number) => {
                    out.u8(2);
                    out.u64(number.to_bits());
                }
            }
        }
    }

    pub(crate) fn decode(from: &mut Take<'_>) -> Option<Self> {
        let mut attributes = Self::default();
        for _ in 0..from.u32()? {
            let key = from.text()?;
            let set = match from.u8()? {
                1 => attributes.set_text(key, from.text()?),
                2 => attributes.set_number(key, f64::from_bits(from.u64()?)),
                _ => return None,
            };
            set.ok()?;
        }
        Some(attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_limited_and_a_refused_one_changes_nothing() {
        let mut attributes = Attributes::default();
        for number in 0..MOST {
            attributes.set_number(&format!("n{number}"), number as f64).unwrap();
        }
        let full = attributes.clone();
        assert_eq!(attributes.set_text("one more", "").unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(attributes.set_text("n1", &"x".repeat(TOTAL)).unwrap_err().kind(), ErrorKind::TooLarge);
        assert!(attributes.set_text("", "x").is_err());
        assert!(attributes.set_text(&"k".repeat(KEY + 1), "x").is_err());
        assert!(attributes.set_number("n1", f64::NAN).is_err());
        assert_eq!(attributes, full);
        attributes.set_text("n1", "replaced").unwrap();
        assert_eq!(attributes.get("n1"), Some(&Attribute::Text("replaced".into())));
    }

    #[test]
    fn attributes_survive_both_of_their_forms() {
        let mut attributes = Attributes::default();
        attributes.set_text("plan", "größte").unwrap();
        attributes.set_number("seats", 2.5).unwrap();
        let mut bytes = Vec::new();
        attributes.encode(&mut bytes);
        assert_eq!(Attributes::decode(&mut Take(&bytes)), Some(attributes.clone()));
        assert_eq!(Attributes::decode(&mut Take(&bytes[..bytes.len() - 1])), None);
        let json = serde_json::to_string(&attributes).unwrap();
        assert_eq!(json, r#"{"plan":"größte","seats":2.5}"#);
        assert_eq!(serde_json::from_str::<Attributes>(&json).unwrap(), attributes);
    }
}
