//! One event as a log message: what Loupe shows in its columns, and everything else as details.

use std::borrow::Cow;

use super::nullable;
use crate::event::{Event, EventKind, Severity, StoredEvent, Value, limits};
use crate::protocol::fields;
use crate::protocol::json::Json;
use crate::protocol::text::utc;

// Loupe's severities.
const CRITICAL: u8 = 1;
const ERROR: u8 = 2;
const WARNING: u8 = 4;
const INFORMATION: u8 = 8;
const VERBOSE: u8 = 16;

const CAPTION: &str = "caption";
const PARAMETERS: &str = "parameters";
const STACK_TRACE: &str = "stack_trace";
const LIFECYCLE: &str = "Lifecycle";
/// A caption is one line of a table.
const CAPTION_BYTES: usize = 256;

/// Fields that say where in the source an event comes from (OpenTelemetry's names), and Loupe's names for them.
const SOURCE_TEXTS: [(&str, &str); 2] = [("code.file.path", "file"), ("code.function.name", "method")];
const SOURCE_NUMBERS: [(&str, &str); 2] = [("code.line.number", "line"), ("code.column.number", "column")];

/// What stands in place of details that do not fit.
const NOTE: &str =
    r#"{"message":"The details are left out: with them the message would be too large for Loupe."}"#;

/// The message in at most `room` bytes, without its details if need be. `None` if it is larger even so.
pub(super) fn message(stored: &StoredEvent, room: usize) -> Option<String> {
    let whole = with_details(stored, &details(stored));
    if whole.len() <= room {
        return Some(whole);
    }
    Some(with_details(stored, NOTE)).filter(|short| short.len() <= room)
}

fn with_details(stored: &StoredEvent, details: &str) -> String {
    let (stamp, event) = (&stored.stamp, &stored.event);
    let words = words(event);
    let caption = match event.field(CAPTION) {
        Some(Value::Text(caption)) => caption,
        _ => words.caption.as_ref(),
    };
    let mut json = Json::default();
    json.object(|json| {
        json.key("severity").raw(words.severity);
        json.key("category").text(words.category);
        json.key("caption").text(caption);
        json.key("description").text(&words.description);
        json.key("parameters").raw(parameters(event).unwrap_or("null"));
        exception(json.key("exception"), event);
        json.key("details").text(details);
        method_source(json.key("methodSourceInfo"), event);
        json.key("timestamp").text(&timestamp(stamp.time));
        json.key("sequence").raw(stamp.sequence);
        json.key("agentSessionId").text(&stamp.instance_id.to_string());
        nullable(json, "sessionId", stamp.session.as_ref().map(|session| session.id.to_string()).as_deref());
    });
    json.into_text()
}

struct Words<'a> {
    severity: u8,
    category: &'a str,
    caption: Cow<'a, str>,
    description: Cow<'a, str>,
}

fn words(event: &Event) -> Words<'_> {
    match event.kind() {
        EventKind::ScreenView { name, id } => {
            let both = name.as_deref().zip(id.as_deref());
            let caption = name.as_deref().or(id.as_deref()).unwrap_or_default();
            information("Screen", caption, both.map_or("", |(_, id)| id))
        }
        EventKind::Structured { category, action } => information(category, action, label(event)),
        EventKind::SelfDescribing { schema, .. } => information("Event", name_of(schema), schema),
        EventKind::Timing { category, variable, timing_ms } => {
            Words { description: format!("{timing_ms} ms").into(), ..information(category, variable, "") }
        }
        EventKind::Log { severity, source, message } => Words {
            severity: severity_of(*severity),
            caption: limits::cut(message.lines().next().unwrap_or_default(), CAPTION_BYTES).into(),
            ..information(source.as_deref().unwrap_or("Log"), "", message)
        },
        EventKind::Error { error_type, message, unhandled } => Words {
            severity: if *unhandled { CRITICAL } else { ERROR },
            ..information("Error", error_type, message)
        },
        EventKind::Feature { name } => information("Feature", name, ""),
        EventKind::Foreground { .. } => {
            Words { severity: VERBOSE, ..information(LIFECYCLE, "Foreground", "") }
        }
        EventKind::Background { .. } => {
            Words { severity: VERBOSE, ..information(LIFECYCLE, "Background", "") }
        }
        EventKind::Install => information(LIFECYCLE, "Install", ""),
    }
}

fn information<'a>(category: &'a str, caption: &'a str, description: &'a str) -> Words<'a> {
    Words { severity: INFORMATION, category, caption: caption.into(), description: description.into() }
}

fn severity_of(severity: Severity) -> u8 {
    match severity.number() {
        ..=8 => VERBOSE,
        9..=12 => INFORMATION,
        13..=16 => WARNING,
        17..=20 => ERROR,
        21.. => CRITICAL,
    }
}

fn label(event: &Event) -> &str {
    match event.field("label") {
        Some(Value::Text(label)) => label,
        _ => "",
    }
}

/// `thing` of `iglu:com.acme/thing/jsonschema/1-0-0`; any other URI as it is.
fn name_of(schema: &str) -> &str {
    schema.strip_prefix("iglu:").and_then(|path| path.split('/').nth(1)).unwrap_or(schema)
}

/// A log record's field `parameters`, if it is an array: what `{0}` and so on in its message stand for.
fn parameters(event: &Event) -> Option<&str> {
    match (event.kind(), event.field(PARAMETERS)) {
        (EventKind::Log { .. }, Some(Value::Json(json))) if json.trim_start().starts_with('[') => Some(json),
        _ => None,
    }
}

/// The fields that are written elsewhere than in the details.
fn has_place(event: &Event, key: &str) -> bool {
    let code = || SOURCE_TEXTS.iter().chain(&SOURCE_NUMBERS).any(|(is, _)| *is == key);
    match key {
        CAPTION => true,
        PARAMETERS => parameters(event).is_some(),
        STACK_TRACE => matches!(event.kind(), EventKind::Error { .. }),
        _ => code() && source_value(event, key).is_some(),
    }
}

fn exception(json: &mut Json, event: &Event) {
    let EventKind::Error { error_type, message, .. } = event.kind() else { return json.raw("null") };
    json.object(|json| {
        json.key("cause").text(error_type);
        json.key("column").raw("null");
        json.key("line").raw("null");
        json.key("message").text(message);
        json.key("stackTrace").array(|json| {
            if let Some(Value::Text(trace)) = event.field(STACK_TRACE) {
                trace.lines().for_each(|line| json.text(line));
            }
        });
        json.key("url").raw("null");
    });
}

fn method_source(json: &mut Json, event: &Event) {
    let keys = SOURCE_TEXTS.iter().chain(&SOURCE_NUMBERS);
    if keys.clone().all(|(key, _)| source_value(event, key).is_none()) {
        return json.raw("null");
    }
    json.object(|json| {
        for (key, name) in keys {
            match source_value(event, key) {
                Some(value) => fields::value(json.key(name), value),
                None => json.key(name).raw("null"),
            }
        }
    });
}

/// A field with a place in the source, if it is of the type that the server reads: it refuses the whole request
/// otherwise.
fn source_value<'a>(event: &'a Event, key: &str) -> Option<&'a Value> {
    let is_text = SOURCE_TEXTS.iter().any(|(is, _)| *is == key);
    event.field(key).filter(|value| match value {
        Value::Text(_) => is_text,
        Value::Number(number) => {
            !is_text && number.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(number)
        }
        Value::Json(_) => false,
    })
}

/// What has no field of its own in Loupe.
fn details(stored: &StoredEvent) -> String {
    let (stamp, event) = (&stored.stamp, &stored.event);
    let mut json = Json::default();
    json.object(|json| {
        json.key("eventId").text(&stamp.event_id.to_string());
        json.key("kind").text(event.kind().name());
        if let Some(session) = &stamp.session {
            json.key("sessionIndex").raw(session.index);
            json.key("eventIndex").raw(session.event_index);
        }
        if !stamp.user_id.0.is_nil() {
            json.key("installation").text(&stamp.user_id.to_string());
        }
        if let Some(user) = &stamp.user {
            json.key("user").object(|json| {
                json.key("id").text(user.id());
                json.field("name", user.name());
                json.field("email", user.email());
            });
        }
        json.field("appVersion", stamp.app_version.as_deref());
        json.key("inBackground").raw(stamp.in_background);
        json.field("trueTime", event.true_time().map(timestamp).as_deref());
        said(json, event);
        fields::trail(json, &stored.trail);
    });
    json.into_text()
}

fn said(json: &mut Json, event: &Event) {
    match event.kind() {
        EventKind::SelfDescribing { data, .. } => json.key("data").raw(data),
        EventKind::Foreground { index } => json.key("foregroundIndex").raw(index),
        EventKind::Background { index } => json.key("backgroundIndex").raw(index),
        _ => {}
    }
    let mut rest = event.fields().filter(|(key, _)| !has_place(event, key)).peekable();
    if rest.peek().is_some() {
        json.key("fields").object(|json| rest.for_each(|(key, value)| fields::value(json.key(key), value)));
    }
    fields::contexts(json, event.contexts());
}

/// ISO 8601 with milliseconds and offset. The server reads the years 1 to 9999, and refuses the whole request
/// otherwise.
fn timestamp(ms: i64) -> String {
    const YEAR_1: i64 = -62_135_596_800_000;
    const YEAR_9999: i64 = 253_402_300_799_999;
    utc(ms.clamp(YEAR_1, YEAR_9999)).replace('Z', "+00:00")
}
