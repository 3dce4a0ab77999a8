//! What an app tells: one event, its fields and contexts, checked as they are set, so that `track` has nothing left to
//! refuse.

mod breadcrumb;
mod encoding;
mod kind;
pub mod limits;
mod stamp;
mod user;

pub use breadcrumb::Breadcrumb;
pub(crate) use breadcrumb::Trail;
pub use encoding::StoredEvent;
pub(crate) use encoding::{EncodedContexts, Head, encode_event, encode_stamp};
pub use kind::{EventKind, Severity};
pub use stamp::{SessionStamp, Stamp};
pub use user::User;

use crate::error::{Error, ErrorKind, Result, invalid};

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A JSON document, as the host wrote it.
    Json(String),
}

/// Data in a schema of its own that goes along with an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// The schema's URI.
    pub schema: String,
    /// JSON that follows it.
    pub data: String,
}

impl Context {
    /// Data in a schema of its own.
    ///
    /// # Errors
    /// The schema is empty or too long; `data` is no JSON or over the limits.
    pub fn new(schema: &str, data: &str) -> Result<Self> {
        limits::name("the context's schema", schema, limits::NAME)?;
        limits::json("the context's data", data)?;
        Ok(Self { schema: schema.into(), data: data.into() })
    }
}

/// Fields with a meaning in the protocols, which therefore have one type.
const TEXT_FIELDS: [&str; 4] = ["label", "property", "caption", STACK_TRACE];
const NUMBER_FIELDS: [&str; 1] = ["value"];
const STACK_TRACE: &str = "stack_trace";

/// Something that happened in the app. Made by one of the constructors, completed by the setters, handed to `track`
/// as often as one likes.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    kind: EventKind,
    fields: Vec<(String, Value)>,
    contexts: Vec<Context>,
    true_time: Option<i64>,
}

impl Event {
    fn new(kind: EventKind) -> Self {
        Self { kind, fields: Vec::new(), contexts: Vec::new(), true_time: None }
    }

    /// A screen was shown. `name` or `id` may be missing, not both.
    ///
    /// # Errors
    /// An argument is empty, over [`limits::NAME`], or both are missing.
    pub fn screen_view(name: Option<&str>, id: Option<&str>) -> Result<Self> {
        if name.is_none() && id.is_none() {
            return Err(invalid("a screen view needs a name or an id"));
        }
        for (what, value) in [("the screen's name", name), ("the screen's id", id)] {
            value.map_or(Ok(()), |value| limits::name(what, value, limits::NAME))?;
        }
        Ok(Self::new(EventKind::ScreenView { name: name.map(Into::into), id: id.map(Into::into) }))
    }

    /// Snowplow's structured event. `label`, `property` (text) and `value` (number) are set as fields.
    ///
    /// # Errors
    /// An argument is empty or over [`limits::NAME`].
    pub fn structured(category: &str, action: &str) -> Result<Self> {
        limits::name("the category", category, limits::NAME)?;
        limits::name("the action", action, limits::NAME)?;
        Ok(Self::new(EventKind::Structured { category: category.into(), action: action.into() }))
    }

    /// Data described by a schema.
    ///
    /// # Errors
    /// The schema is empty or too long; `data` is no JSON, or over [`limits::JSON`] or [`limits::JSON_DEPTH`].
    pub fn self_describing(schema: &str, data: &str) -> Result<Self> {
        limits::name("the schema", schema, limits::NAME)?;
        limits::json("the data", data)?;
        Ok(Self::new(EventKind::SelfDescribing { schema: schema.into(), data: data.into() }))
    }

    /// Something took `timing_ms` milliseconds.
    ///
    /// # Errors
    /// A name is empty or over [`limits::NAME`].
    pub fn timing(category: &str, variable: &str, timing_ms: u64) -> Result<Self> {
        limits::name("the category", category, limits::NAME)?;
        limits::name("the variable", variable, limits::NAME)?;
        Ok(Self::new(EventKind::Timing { category: category.into(), variable: variable.into(), timing_ms }))
    }

    /// A log record. A message over [`limits::MESSAGE`] is cut and marked.
    ///
    /// # Errors
    /// The source is empty or over [`limits::NAME`].
    pub fn log(severity: Severity, source: Option<&str>, message: &str) -> Result<Self> {
        source.map_or(Ok(()), |source| limits::name("the source", source, limits::NAME))?;
        let message = limits::cut(message, limits::MESSAGE);
        Ok(Self::new(EventKind::Log { severity, source: source.map(Into::into), message }))
    }

    /// An error or exception; its `stack_trace` is set as a field. A message over [`limits::MESSAGE`] is cut and
    /// marked.
    ///
    /// # Errors
    /// The type is empty or over [`limits::NAME`].
    pub fn error(error_type: &str, message: &str, unhandled: bool) -> Result<Self> {
        limits::name("the error's type", error_type, limits::NAME)?;
        let message = limits::cut(message, limits::MESSAGE);
        Ok(Self::new(EventKind::Error { error_type: error_type.into(), message, unhandled }))
    }

    /// A feature of the app was used.
    ///
    /// # Errors
    /// The name is empty or over [`limits::NAME`].
    pub fn feature(name: &str) -> Result<Self> {
        limits::name("the feature's name", name, limits::NAME)?;
        Ok(Self::new(EventKind::Feature { name: name.into() }))
    }

    /// The app came to foreground or went to background, for the `index`th time.
    pub(crate) fn lifecycle(background: bool, index: u32) -> Self {
        Self::new(if background { EventKind::Background { index } } else { EventKind::Foreground { index } })
    }

    /// The app is new on this device.
    pub(crate) fn install() -> Self {
        Self::new(EventKind::Install)
    }

    /// Sets a field to a text; a `stack_trace` over [`limits::STACK_TRACE`] is cut and marked.
    ///
    /// # Errors
    /// The key is empty, too long or names a number (`value`); the text is over [`limits::TEXT`]; too many fields.
    pub fn set_text(&mut self, key: &str, value: &str) -> Result<()> {
        if key == STACK_TRACE {
            return self.set(key, Value::Text(limits::cut(value, limits::STACK_TRACE)));
        }
        limits::length(&format!("the field {key:?}"), value, limits::TEXT)?;
        self.set(key, Value::Text(value.into()))
    }

    /// Sets a field to a number.
    ///
    /// # Errors
    /// The number is not finite; the key is empty, too long or names a text (`label` …); too many fields.
    pub fn set_number(&mut self, key: &str, value: f64) -> Result<()> {
        if !value.is_finite() {
            return Err(invalid(format!("the field {key:?} is no finite number")));
        }
        self.set(key, Value::Number(value))
    }

    /// Sets a field to free data.
    ///
    /// # Errors
    /// `json` is no JSON or over the limits; the key is empty, too long or names a text or number; too many fields.
    pub fn set_json(&mut self, key: &str, json: &str) -> Result<()> {
        limits::json(&format!("the field {key:?}"), json)?;
        self.set(key, Value::Json(json.into()))
    }

    /// Adds data in a schema of its own.
    ///
    /// # Errors
    /// The schema is empty or too long; `data` is no JSON or over the limits; over [`limits::CONTEXTS`] contexts.
    pub fn add_context(&mut self, schema: &str, data: &str) -> Result<()> {
        let context = Context::new(schema, data)?;
        if self.contexts.len() >= limits::CONTEXTS {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("an event has at most {} contexts", limits::CONTEXTS),
            ));
        }
        self.contexts.push(context);
        Ok(())
    }

    /// When it truly happened (UTC, milliseconds since 1970), if that is not the moment of `track`.
    pub fn set_true_time(&mut self, wall_ms: i64) {
        self.true_time = Some(wall_ms);
    }

    /// What happened.
    pub fn kind(&self) -> &EventKind {
        &self.kind
    }

    /// The fields in the order in which they were first set.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The field of that key.
    pub fn field(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find_map(|(k, value)| (k == key).then_some(value))
    }

    /// The contexts in the order in which they were added.
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// When it truly happened, if the host said so.
    pub fn true_time(&self) -> Option<i64> {
        self.true_time
    }

    fn set(&mut self, key: &str, value: Value) -> Result<()> {
        limits::name("the key", key, limits::NAME)?;
        let wrong = match &value {
            Value::Text(_) => NUMBER_FIELDS.contains(&key),
            Value::Number(_) => TEXT_FIELDS.contains(&key),
            Value::Json(_) => NUMBER_FIELDS.contains(&key) || TEXT_FIELDS.contains(&key),
        };
        if wrong {
            let wanted = if NUMBER_FIELDS.contains(&key) { "number" } else { "text" };
            return Err(invalid(format!("the field {key:?} takes a {wanted}")));
        }
        if let Some((_, old)) = self.fields.iter_mut().find(|(k, _)| k == key) {
            *old = value;
            return Ok(());
        }
        if self.fields.len() >= limits::FIELDS {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("an event has at most {} fields", limits::FIELDS),
            ));
        }
        self.fields.push((key.into(), value));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kind_must_say_is_asked_for() {
        assert!(Event::screen_view(None, None).is_err());
        assert!(Event::screen_view(Some("home"), None).is_ok());
        assert!(Event::screen_view(None, Some("7")).is_ok());
        assert!(Event::screen_view(Some(""), Some("7")).is_err());
        assert!(Event::structured("", "add").is_err());
        assert!(Event::structured("cart", "").is_err());
        assert!(Event::timing("", "v", 1).is_err());
        assert!(Event::self_describing("", "{}").is_err());
        assert!(Event::self_describing("iglu:a/b/jsonschema/1-0-0", "{").is_err());
        assert!(Event::error("", "m", false).is_err());
        assert!(Event::error("E", "", false).is_ok());
        assert!(Event::feature("").is_err());
        assert!(Severity::new(0).is_err() && Severity::new(25).is_err() && Severity::new(24).is_ok());
        assert!(Event::feature(&"x".repeat(limits::NAME)).is_ok());
        assert!(Event::feature(&"x".repeat(limits::NAME + 1)).is_err());
    }

    #[test]
    fn fields_are_checked_replaced_and_counted() {
        let mut event = Event::structured("a", "b").unwrap();
        event.set_text("label", "one").unwrap();
        event.set_text("label", "two").unwrap();
        assert_eq!(event.field("label"), Some(&Value::Text("two".into())));
        assert_eq!(event.fields().count(), 1);
        assert!(event.set_text("value", "1").is_err());
        assert!(event.set_number("label", 1.0).is_err());
        assert!(event.set_json("stack_trace", "{}").is_err());
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(event.set_number("n", bad).is_err());
        }
        for n in 1..limits::FIELDS {
            event.set_number(&format!("n{n}"), n as f64).unwrap();
        }
        assert_eq!(event.set_number("more", 0.0).unwrap_err().kind(), ErrorKind::TooLarge);
        event.set_number("n1", 2.0).unwrap();
    }

    #[test]
    fn long_messages_and_stack_traces_are_cut_other_texts_refused() {
        let mut event = Event::error("E", &"m".repeat(limits::MESSAGE + 1), true).unwrap();
        let EventKind::Error { message, .. } = event.kind() else { panic!() };
        assert!(message.len() <= limits::MESSAGE && message.ends_with("bytes more]"));
        event.set_text("stack_trace", &"s".repeat(limits::STACK_TRACE * 2)).unwrap();
        let Some(Value::Text(trace)) = event.field("stack_trace") else { panic!() };
        assert!(trace.len() <= limits::STACK_TRACE && trace.ends_with("bytes more]"));
        assert_eq!(
            event.set_text("note", &"x".repeat(limits::TEXT + 1)).unwrap_err().kind(),
            ErrorKind::TooLarge
        );
    }

    #[test]
    fn contexts_are_counted() {
        let mut event = Event::feature("f").unwrap();
        for _ in 0..limits::CONTEXTS {
            event.add_context("iglu:a/b/jsonschema/1-0-0", "{}").unwrap();
        }
        assert!(event.add_context("iglu:a/b/jsonschema/1-0-0", "{}").is_err());
    }
}
