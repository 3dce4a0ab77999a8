//! Attributes and values as OTLP's JSON writes them: each with its type, 64-bit numbers as text.

use crate::event::Value;
use crate::protocol::json::Json;

/// The elements of an array of attributes. Keys must differ.
pub(super) struct Attributes<'a>(pub &'a mut Json);

impl Attributes<'_> {
    /// A text, if there is one.
    pub fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.any(key, |json| text(json, value));
        }
    }

    /// A whole number.
    pub fn int(&mut self, key: &str, value: impl Into<i64>) {
        let value = value.into();
        self.any(key, |json| int(json, value));
    }

    /// A number, whole if it is.
    pub fn number(&mut self, key: &str, value: f64) {
        self.any(key, |json| number(json, value));
    }

    /// True or false.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.any(key, |json| typed(json, "boolValue", |json| json.raw(value)));
    }

    /// A field's value.
    pub fn field(&mut self, key: &str, value: &Value) {
        self.any(key, |json| match value {
            Value::Text(value) => text(json, value),
            Value::Number(value) => number(json, *value),
            Value::Json(value) => document(json, value),
        });
    }

    /// A value that `write` writes.
    pub fn any(&mut self, key: &str, write: impl FnOnce(&mut Json)) {
        self.0.object(|json| {
            json.key("key").text(key);
            write(json.key("value"));
        });
    }
}

/// A text.
pub(super) fn text(json: &mut Json, value: &str) {
    typed(json, "stringValue", |json| json.text(value));
}

/// A JSON document of the host's, with its types.
pub(super) fn document(json: &mut Json, document: &str) {
    match serde_json::from_str(document) {
        Ok(value) => tree(json, &value),
        // It was checked when it was set; should it be damaged, its text still tells something.
        Err(_) => text(json, document),
    }
}

/// Objects keep their keys, in alphabetical order. The depth is limited where documents are set.
fn tree(json: &mut Json, value: &serde_json::Value) {
    use serde_json::Value as Tree;
    match value {
        // A value without a type is how OTLP says null.
        Tree::Null => json.object(|_| {}),
        Tree::Bool(value) => typed(json, "boolValue", |json| json.raw(value)),
        Tree::Number(value) => match (value.as_i64(), value.as_f64()) {
            (Some(value), _) => int(json, value),
            (None, Some(value)) => double(json, value),
            (None, None) => text(json, &value.to_string()),
        },
        Tree::String(value) => text(json, value),
        Tree::Array(items) => {
            typed(json, "arrayValue", |json| {
                values(json, |json| items.iter().for_each(|item| tree(json, item)))
            });
        }
        Tree::Object(items) => key_values(json, |attributes| {
            items.iter().for_each(|(key, value)| attributes.any(key, |json| tree(json, value)));
        }),
    }
}

/// A value with a list of keys and values.
pub(super) fn key_values(json: &mut Json, fill: impl FnOnce(&mut Attributes<'_>)) {
    typed(json, "kvlistValue", |json| values(json, |json| fill(&mut Attributes(json))));
}

/// A value with a list of values.
pub(super) fn array(json: &mut Json, fill: impl FnOnce(&mut Json)) {
    typed(json, "arrayValue", |json| values(json, fill));
}

fn values(json: &mut Json, fill: impl FnOnce(&mut Json)) {
    json.object(|json| json.key("values").array(fill));
}

/// A number is whole if it has no fraction and is exact as such.
fn number(json: &mut Json, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT { int(json, value as i64) } else { double(json, value) }
}

fn int(json: &mut Json, value: i64) {
    typed(json, "intValue", |json| json.text(&value.to_string()));
}

fn double(json: &mut Json, value: f64) {
    typed(json, "doubleValue", |json| json.number(value));
}

fn typed(json: &mut Json, name: &str, write: impl FnOnce(&mut Json)) {
    json.object(|json| write(json.key(name)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::default();
        write(&mut json);
        json.into_text()
    }

    #[test]
    fn numbers_are_whole_or_not() {
        for (value, expected) in [
            (3.0, r#"{"intValue":"3"}"#),
            (-0.0, r#"{"intValue":"0"}"#),
            (9_007_199_254_740_991.0, r#"{"intValue":"9007199254740991"}"#),
            (9_007_199_254_740_992.0, r#"{"doubleValue":9007199254740992.0}"#),
            (0.1, r#"{"doubleValue":0.1}"#),
            (1e-7, r#"{"doubleValue":1e-7}"#),
            (1e300, r#"{"doubleValue":1e300}"#),
        ] {
            assert_eq!(written(|json| number(json, value)), expected);
        }
    }

    #[test]
    fn documents_keep_their_types() {
        for (value, expected) in [
            ("null", "{}"),
            ("true", r#"{"boolValue":true}"#),
            ("9223372036854775807", r#"{"intValue":"9223372036854775807"}"#),
            ("9223372036854775808", r#"{"doubleValue":9.223372036854776e18}"#),
            ("[]", r#"{"arrayValue":{"values":[]}}"#),
            (
                r#"{"a":["b",1.5]}"#,
                r#"{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"stringValue":"b"},{"doubleValue":1.5}]}}}]}}"#,
            ),
            ("{damaged", r#"{"stringValue":"{damaged"}"#),
        ] {
            assert_eq!(written(|json| document(json, value)), expected);
        }
    }
}
