//! How several protocols write what a host attached to an event, and how they gather a batch.

use super::BatchLimits;
use super::json::Json;
use super::text::utc;
use crate::event::{Breadcrumb, Context, Value};
use crate::session::{Attribute, Attributes};

/// A field's value.
pub(crate) fn value(json: &mut Json, value: &Value) {
    match value {
        Value::Text(text) => json.text(text),
        Value::Number(number) => json.number(*number),
        Value::Json(text) => json.raw(text),
    }
}

/// Contexts as an array: several of one schema are allowed. Nothing is written if there is none.
pub(crate) fn contexts(json: &mut Json, contexts: &[Context]) {
    if contexts.is_empty() {
        return;
    }
    json.key("contexts").array(|json| {
        for context in contexts {
            json.object(|json| {
                json.key("schema").text(&context.schema);
                json.key("data").raw(&context.data);
            });
        }
    });
}

/// What led to an error, oldest first. Nothing is written if nothing is remembered.
pub(crate) fn trail(json: &mut Json, trail: &[Breadcrumb]) {
    if trail.is_empty() {
        return;
    }
    json.key("trail").array(|json| {
        for crumb in trail {
            json.object(|json| {
                json.key("kind").plain(crumb.kind);
                json.key("name").text(&crumb.name);
                json.key("time").plain(&utc(crumb.time));
            });
        }
    });
}

/// The attributes of a session as an object. Nothing is written if it has none.
pub(crate) fn attributes(json: &mut Json, attributes: Option<&Attributes>) {
    let Some(attributes) = attributes.filter(|attributes| !attributes.is_empty()) else { return };
    json.key("attributes").object(|json| {
        for (key, value) in attributes.iter() {
            match value {
                Attribute::Text(text) => json.key(key).text(text),
                Attribute::Number(number) => json.key(key).number(*number),
            }
        }
    });
}

/// A JSON array of as many of the first elements as fit, but at least one, and how many they are. `around` is the
/// length of what goes into the body besides.
pub(crate) fn array(
    elements: impl Iterator<Item = String>,
    limits: BatchLimits,
    around: usize,
) -> (String, usize) {
    const COMMA_AND_END: usize = 2;
    let (mut text, mut count) = ("[".to_owned(), 0);
    for element in elements.take(limits.items) {
        if count > 0 {
            if around + text.len() + element.len() + COMMA_AND_END > limits.bytes {
                break;
            }
            text.push(',');
        }
        text.push_str(&element);
        count += 1;
    }
    text.push(']');
    (text, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_filled_to_the_byte_and_never_empty() {
        let fit = |items, bytes, around| {
            array(["11", "22", "33"].map(String::from).into_iter(), BatchLimits { items, bytes }, around)
        };
        assert_eq!(fit(9, 10, 0), ("[11,22,33]".into(), 3));
        assert_eq!(fit(9, 9, 0), ("[11,22]".into(), 2));
        assert_eq!(fit(9, 10, 1), ("[11,22]".into(), 2));
        assert_eq!(fit(2, 99, 0), ("[11,22]".into(), 2));
        assert_eq!(fit(9, 1, 0), ("[11]".into(), 1));
    }
}
