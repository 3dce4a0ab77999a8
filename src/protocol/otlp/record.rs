//! One item as a log record.

use std::borrow::Cow;

use uuid::Uuid;

use super::value::{Attributes, array, document, key_values, text};
use crate::event::{Breadcrumb, Event, EventKind, SessionStamp, Severity, StoredEvent, User, Value};
use crate::protocol::json::Json;
use crate::protocol::text::utc;
use crate::protocol::{Item, Source};
use crate::session::{Attribute, SessionRecord};

const STACK_TRACE: &str = "stack_trace";

/// Keys that the library gives a meaning. A host's field of that name gets `field.` before it, so that no key is
/// there twice.
const OURS: [&str; 14] = [
    "android.app.state",
    "app.screen.id",
    "app.screen.name",
    "exception.message",
    "exception.stacktrace",
    "exception.type",
    "ios.app.state",
    "log.record.uid",
    "log.source",
    "session.id",
    "session.previous_id",
    "user.email",
    "user.full_name",
    "user.id",
];
const PREFIX: &str = "sessio.";
const FIELD: &str = "field.";

/// The record of an item.
pub(super) fn record(item: &Item, source: &Source) -> String {
    let mut json = Json::default();
    json.object(|json| match item {
        Item::Event(stored) => event(json, stored, source),
        Item::SessionStart(record) => session_start(json, record, source),
        Item::SessionEnd { record, noticed_at } => session_end(json, record, *noticed_at, source),
        // None is taken.
        Item::SessionCount(_) => {}
    });
    json.into_text()
}

fn event(json: &mut Json, stored: &StoredEvent, source: &Source) {
    let (stamp, event) = (&stored.stamp, &stored.event);
    times(json, event.true_time().unwrap_or(stamp.time), stamp.time);
    let severity = severity(event.kind());
    json.key("severityNumber").raw(severity.number());
    json.key("severityText").text(severity_text(severity));
    json.key("eventName").text(&name(event.kind()));
    body(json.key("body"), event.kind());
    json.key("attributes").array(|json| {
        let mut attributes = Attributes(json);
        attributes.text("log.record.uid", Some(&stamp.event_id.to_string()));
        if let Some(session) = &stamp.session {
            place(&mut attributes, session);
        }
        user(&mut attributes, stamp.user.as_deref());
        // One more than i64::MAX events is out of reach.
        attributes.int("sessio.sequence", i64::try_from(stamp.sequence).unwrap_or(i64::MAX));
        if stamp.in_background {
            attributes.bool("sessio.in_background", true);
        }
        kind(&mut attributes, event, source);
        if let (EventKind::Error { .. }, Some(session)) = (event.kind(), &stamp.session) {
            attributes.int("sessio.session.handled_errors", session.handled_errors);
            attributes.int("sessio.session.unhandled_errors", session.unhandled_errors);
        }
        fields(&mut attributes, event);
        contexts(&mut attributes, event);
        trail(&mut attributes, &stored.trail);
    });
}

/// True time and time of notice. OTLP knows no time before 1970, and 64-bit nanoseconds end in 2262.
fn times(json: &mut Json, truly: i64, observed: i64) {
    let nanoseconds = |ms: i64| ms.max(0).saturating_mul(1_000_000).to_string();
    json.key("timeUnixNano").text(&nanoseconds(truly));
    json.key("observedTimeUnixNano").text(&nanoseconds(observed));
}

fn severity(kind: &EventKind) -> Severity {
    match kind {
        EventKind::Log { severity, .. } => *severity,
        EventKind::Error { unhandled: true, .. } => Severity::FATAL,
        EventKind::Error { unhandled: false, .. } => Severity::ERROR,
        _ => Severity::INFO,
    }
}

fn severity_text(severity: Severity) -> &'static str {
    match severity.number() {
        ..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21.. => "FATAL",
    }
}

/// OpenTelemetry's own name where it has one.
fn name(kind: &EventKind) -> Cow<'static, str> {
    match kind {
        EventKind::Foreground { .. } | EventKind::Background { .. } => "device.app.lifecycle".into(),
        _ => format!("{PREFIX}{}", kind.name()).into(),
    }
}

/// What a reader of logs sees first.
fn body(json: &mut Json, kind: &EventKind) {
    match kind {
        EventKind::ScreenView { name, id } => {
            text(json, name.as_deref().or(id.as_deref()).unwrap_or_default())
        }
        EventKind::Structured { category: a, action: b }
        | EventKind::Timing { category: a, variable: b, .. } => {
            text(json, &format!("{a} {b}"));
        }
        EventKind::SelfDescribing { data, .. } => document(json, data),
        EventKind::Log { message, .. } | EventKind::Error { message, .. } => text(json, message),
        EventKind::Feature { name } => text(json, name),
        EventKind::Foreground { .. } | EventKind::Background { .. } | EventKind::Install => {
            text(json, kind.name());
        }
    }
}

fn place(attributes: &mut Attributes<'_>, session: &SessionStamp) {
    attributes.text("session.id", Some(&session.id.to_string()));
    attributes.int("sessio.session.index", session.index);
    attributes.int("sessio.event.index", session.event_index);
}

fn user(attributes: &mut Attributes<'_>, user: Option<&User>) {
    attributes.text("user.id", user.map(User::id));
    attributes.text("user.full_name", user.and_then(User::name));
    attributes.text("user.email", user.and_then(User::email));
}

fn kind(attributes: &mut Attributes<'_>, event: &Event, source: &Source) {
    match event.kind() {
        EventKind::ScreenView { name, id } => {
            attributes.text("app.screen.name", name.as_deref());
            attributes.text("app.screen.id", id.as_deref());
        }
        EventKind::Structured { category, action } => {
            attributes.text("sessio.category", Some(category));
            attributes.text("sessio.action", Some(action));
        }
        EventKind::SelfDescribing { schema, .. } => attributes.text("sessio.schema", Some(schema)),
        EventKind::Timing { category, variable, timing_ms } => {
            attributes.text("sessio.category", Some(category));
            attributes.text("sessio.variable", Some(variable));
            attributes.int("sessio.timing_ms", i64::try_from(*timing_ms).unwrap_or(i64::MAX));
        }
        EventKind::Log { source, .. } => attributes.text("log.source", source.as_deref()),
        EventKind::Error { error_type, message, unhandled } => {
            attributes.text("exception.type", Some(error_type));
            attributes.text("exception.message", Some(message));
            if let Some(Value::Text(trace)) = event.field(STACK_TRACE) {
                attributes.text("exception.stacktrace", Some(trace));
            }
            attributes.bool("sessio.error.unhandled", *unhandled);
        }
        EventKind::Feature { name } => attributes.text("sessio.feature", Some(name)),
        EventKind::Foreground { index } => lifecycle(attributes, "foreground", *index, source),
        EventKind::Background { index } => lifecycle(attributes, "background", *index, source),
        EventKind::Install => {}
    }
}

/// OpenTelemetry has a state for each of two systems, to go with that `os.name` only.
fn lifecycle(attributes: &mut Attributes<'_>, state: &str, index: u32, source: &Source) {
    let theirs = match source.device.os_name.as_deref() {
        Some(os) if os.eq_ignore_ascii_case("android") => Some("android.app.state"),
        Some(os) if os.eq_ignore_ascii_case("ios") => Some("ios.app.state"),
        _ => None,
    };
    if let Some(key) = theirs {
        attributes.text(key, Some(state));
    }
    attributes.text("sessio.lifecycle.state", Some(state));
    attributes.int("sessio.lifecycle.index", index);
}

fn fields(attributes: &mut Attributes<'_>, event: &Event) {
    let is_error = matches!(event.kind(), EventKind::Error { .. });
    for (key, value) in event.fields().filter(|(key, _)| !(is_error && *key == STACK_TRACE)) {
        attributes.field(&field_key(key), value);
    }
}

fn field_key(key: &str) -> Cow<'_, str> {
    if OURS.contains(&key) || [PREFIX, FIELD].iter().any(|prefix| key.starts_with(prefix)) {
        format!("{FIELD}{key}").into()
    } else {
        key.into()
    }
}

fn contexts(attributes: &mut Attributes<'_>, event: &Event) {
    if event.contexts().is_empty() {
        return;
    }
    attributes.any("sessio.contexts", |json| {
        array(json, |json| {
            for context in event.contexts() {
                key_values(json, |attributes| {
                    attributes.text("schema", Some(&context.schema));
                    attributes.any("data", |json| document(json, &context.data));
                });
            }
        });
    });
}

/// What led to an error, if that is remembered.
fn trail(attributes: &mut Attributes<'_>, trail: &[Breadcrumb]) {
    if trail.is_empty() {
        return;
    }
    attributes.any("sessio.trail", |json| {
        array(json, |json| {
            for crumb in trail {
                key_values(json, |attributes| {
                    attributes.text("kind", Some(crumb.kind));
                    attributes.text("name", Some(&crumb.name));
                    attributes.text("time", Some(&utc(crumb.time)));
                });
            }
        });
    });
}

fn session_start(json: &mut Json, record: &SessionRecord, source: &Source) {
    times(json, record.started_at.wall, record.started_at.wall);
    session(json, record, &uid(record, source, "start"), "session.start", |attributes| {
        let previous = record.previous_id.as_ref().map(ToString::to_string);
        attributes.text("session.previous_id", previous.as_deref());
    });
}

fn session_end(json: &mut Json, record: &SessionRecord, noticed_at: i64, source: &Source) {
    let ended = record.ended_at.unwrap_or(record.last_activity.wall);
    // The wall clock may have been set back meanwhile: nothing is noticed before it happens.
    times(json, ended, noticed_at.max(ended));
    session(json, record, &uid(record, source, "end"), "session.end", |attributes| {
        let spent = record.durations();
        let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        attributes.text("sessio.session.end_reason", record.end_reason.map(|reason| reason.name()));
        attributes.int("sessio.session.duration_ms", ms(spent.total()));
        attributes.int("sessio.session.foreground_ms", ms(spent.foreground_ms));
        attributes.int("sessio.session.background_ms", ms(spent.background_ms));
        attributes.int("sessio.session.paused_ms", ms(spent.paused_ms));
        attributes.int("sessio.session.events", record.event_index);
        attributes.int("sessio.session.handled_errors", record.handled_errors);
        attributes.int("sessio.session.unhandled_errors", record.unhandled_errors);
    });
}

fn session(
    json: &mut Json,
    record: &SessionRecord,
    uid: &str,
    event_name: &str,
    more: impl FnOnce(&mut Attributes<'_>),
) {
    json.key("severityNumber").raw(Severity::INFO.number());
    json.key("severityText").text(severity_text(Severity::INFO));
    json.key("eventName").text(event_name);
    json.key("attributes").array(|json| {
        let mut attributes = Attributes(json);
        attributes.text("log.record.uid", Some(uid));
        attributes.text("session.id", Some(&record.id.to_string()));
        attributes.int("sessio.session.index", record.index);
        user(&mut attributes, record.user.as_deref());
        more(&mut attributes);
        hosts_attributes(&mut attributes, record);
    });
}

fn hosts_attributes(attributes: &mut Attributes<'_>, record: &SessionRecord) {
    for (key, value) in record.attributes.iter().flat_map(|hosts| hosts.iter()) {
        let key = format!("sessio.session.attribute.{key}");
        match value {
            Attribute::Text(text) => attributes.text(&key, Some(text)),
            Attribute::Number(number) => attributes.number(&key, *number),
        }
    }
}

/// Starts and ends have no event id. Theirs is the same at every attempt, and another for sessions to which hosts
/// gave the same id.
fn uid(record: &SessionRecord, source: &Source, what: &str) -> String {
    let name = format!("{}-{}-{what}", record.id, record.index);
    Uuid::new_v5(&source.installation, name.as_bytes()).to_string()
}
