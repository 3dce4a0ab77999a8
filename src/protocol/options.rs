//! What the options of several protocols have in common: keys that go into headers, and texts of the host's in place
//! of ours.

use super::json::Json;
use crate::error::{Result, invalid};
use crate::event::limits;

/// A key that goes into a header: visible ASCII, not empty. `what` says which option it is; the key itself stays out
/// of the error.
pub(crate) fn key(what: &str, value: &str) -> Result<String> {
    limits::name(what, value, limits::NAME)?;
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(format!("{what} is not made of visible ASCII letters")));
    }
    Ok(value.into())
}

/// Texts of the host's for one JSON object: each replaces what the library would write under that name, or joins it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts(Vec<(String, String)>);

impl Texts {
    /// Sets a text. Names in `reserved` are the library's own, or no texts.
    pub fn set(&mut self, what: &str, reserved: &[&str], name: &str, value: &str) -> Result<()> {
        limits::name(&format!("a name in {what}"), name, limits::NAME)?;
        limits::length(&format!("{name} in {what}"), value, limits::TEXT)?;
        if reserved.contains(&name) {
            return Err(invalid(format!("{name} in {what} cannot be set")));
        }
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name.into(), value.into())),
        }
        Ok(())
    }

    /// Writes the library's own texts, as far as the host did not replace them, then the host's others.
    pub fn write(&self, json: &mut Json, own: &[(&str, Option<&str>)]) {
        for (name, value) in own {
            json.field(name, self.get(name).or(*value));
        }
        for (name, value) in self.0.iter().filter(|(name, _)| own.iter().all(|(is, _)| is != name)) {
            json.key(name).text(value);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_replace_and_join() {
        let mut texts = Texts::default();
        texts.set("device", &["time"], "model", "old").unwrap();
        texts.set("device", &["time"], "model", "new").unwrap();
        texts.set("device", &["time"], "jailbroken", "no").unwrap();
        let error = texts.set("device", &["time"], "time", "now").unwrap_err().to_string();
        assert!(error.contains("time") && error.contains("device"), "{error}");
        assert!(texts.set("device", &[], "", "x").is_err());
        let mut json = Json::default();
        json.object(|json| texts.write(json, &[("id", Some("1")), ("model", Some("ours")), ("none", None)]));
        assert_eq!(json.into_text(), r#"{"id":"1","model":"new","jailbroken":"no"}"#);
    }

    #[test]
    fn a_key_is_fit_for_a_header_and_kept_out_of_errors() {
        assert_eq!(key("the key", "aB3-_.~").unwrap(), "aB3-_.~");
        for bad in ["", "se cret", "secret\r\nX: y", "sécret", "secret\0"] {
            let error = key("the key", bad).unwrap_err().to_string();
            assert!(error.contains("the key") && !error.contains("cret"), "{error}");
        }
    }
}
