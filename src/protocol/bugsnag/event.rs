//! An error, as the notify endpoint takes it: payload version 4.

use super::{Bugsnag, EVENTS_VERSION, body};
use crate::error::{Result, invalid};
use crate::event::{Breadcrumb, EventKind, SessionStamp, StoredEvent, Value};
use crate::protocol::json::Json;
use crate::protocol::text::utc;
use crate::protocol::{Source, fields};

/// Fields that have a place of their own in an error.
const STACK_TRACE: &str = "stack_trace";
const CONTEXT: &str = "context";

impl Bugsnag {
    /// The body for the notify endpoint.
    pub(super) fn error_report(&self, stored: &StoredEvent, source: &Source) -> Result<String> {
        let EventKind::Error { error_type, message, unhandled } = stored.event.kind() else {
            return Err(invalid("the notify endpoint takes errors only"));
        };
        let mut json = Json::default();
        json.object(|json| {
            json.key("apiKey").text(&self.api_key);
            body::notifier(json);
            json.key("events").array(|json| {
                json.object(|json| {
                    json.key("payloadVersion").text(EVENTS_VERSION);
                    exceptions(json, error_type, message, text(stored, STACK_TRACE));
                    severity(json, *unhandled);
                    self.circumstances(json, stored, source);
                    breadcrumbs(json, &stored.trail);
                    meta_data(json, stored);
                });
            });
        });
        Ok(json.into_text())
    }

    /// Where and to whom it happened.
    fn circumstances(&self, json: &mut Json, stored: &StoredEvent, source: &Source) {
        let stamp = &stored.stamp;
        json.field(CONTEXT, text(stored, CONTEXT));
        body::user(json, stamp.user.as_deref(), stamp.user_id);
        json.key("app").object(|json| {
            self.write_app(json, stamp.app_version.as_deref(), source);
            json.key("inForeground").raw(!stamp.in_background);
        });
        json.key("device").object(|json| {
            self.write_device(json, stamp.user_id, source);
            json.key("time").text(&utc(stored.event.true_time().unwrap_or(stamp.time)));
        });
        if let Some(session) = &stamp.session {
            json.key("session").object(|json| write_session(json, session));
        }
    }
}

fn exceptions(json: &mut Json, error_type: &str, message: &str, trace: Option<&str>) {
    json.key("exceptions").array(|json| {
        json.object(|json| {
            json.key("errorClass").text(error_type);
            json.key("message").text(message);
            let lines = trace.unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
            json.key("stacktrace").array(|json| lines.for_each(|line| frame(json, line)));
        });
    });
}

/// One line of a stack trace. Its form differs from language to language, so it is told as it is; the receiver asks
/// for the other two.
fn frame(json: &mut Json, line: &str) {
    json.object(|json| {
        json.key("file").text("unknown");
        json.key("lineNumber").raw(0);
        json.key("method").text(line);
    });
}

/// What Bugsnag's own notifiers say of the two kinds of errors.
fn severity(json: &mut Json, unhandled: bool) {
    let (severity, reason) =
        if unhandled { ("error", "unhandledException") } else { ("warning", "handledException") };
    json.key("severity").text(severity);
    json.key("unhandled").raw(unhandled);
    json.key("severityReason").object(|json| json.key("type").text(reason));
}

/// The session with its errors so far, this one included (S14).
fn write_session(json: &mut Json, session: &SessionStamp) {
    json.key("id").text(&session.id.to_string());
    json.key("startedAt").text(&utc(session.started_at));
    json.key("events").object(|json| {
        json.key("handled").raw(session.handled_errors);
        json.key("unhandled").raw(session.unhandled_errors);
    });
}

/// What led to the error, if that is remembered.
fn breadcrumbs(json: &mut Json, trail: &[Breadcrumb]) {
    if trail.is_empty() {
        return;
    }
    json.key("breadcrumbs").array(|json| {
        for crumb in trail {
            json.object(|json| {
                json.key("timestamp").text(&utc(crumb.time));
                // The receiver asks for one.
                json.key("name").text(if crumb.name.is_empty() { crumb.kind } else { &crumb.name });
                json.key("type").text(breadcrumb_type(crumb.kind));
                json.key("metaData").object(|json| json.key("kind").text(crumb.kind));
            });
        }
    });
}

/// The receiver's types, as far as they say what a kind is.
fn breadcrumb_type(kind: &str) -> &'static str {
    match kind {
        "screen_view" => "navigation",
        "log" => "log",
        "error" => "error",
        "structured" | "feature" => "user",
        "foreground" | "background" | "install" => "state",
        _ => "manual",
    }
}

/// What has no place elsewhere: the host's fields under one heading, ours under another, so that they cannot collide.
fn meta_data(json: &mut Json, stored: &StoredEvent) {
    json.key("metaData").object(|json| {
        json.key("sessio").object(|json| {
            json.key("eventId").text(&stored.stamp.event_id.to_string());
            json.key("sequence").raw(stored.stamp.sequence);
            fields::contexts(json, stored.event.contexts());
        });
        let others = || stored.event.fields().filter(|(key, value)| !has_place(key, value));
        if others().next().is_some() {
            json.key("fields").object(|json| {
                others().for_each(|(key, value)| fields::value(json.key(key), value));
            });
        }
    });
}

fn has_place(key: &str, value: &Value) -> bool {
    matches!(value, Value::Text(_)) && [STACK_TRACE, CONTEXT].contains(&key)
}

fn text<'a>(stored: &'a StoredEvent, key: &str) -> Option<&'a str> {
    match stored.event.field(key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
