//! Events, session starts and session ends as Exceptionless takes them.

use super::{Exceptionless, end_reference, session_reference};
use crate::event::{Event, EventKind, Severity, Stamp, StoredEvent, User, Value};
use crate::ids::UserId;
use crate::protocol::json::{self, Json};
use crate::protocol::text::utc;
use crate::protocol::{Device, Source, fields};
use crate::session::SessionRecord;

/// What an event's `value` holds at most: a decimal there.
const LARGEST_VALUE: f64 = 7.9e28;
const SESSION: &str = "@ref:session";
/// Our own part of `data`, and how the receiver marks its own.
const OURS: &str = "sessio";
const THEIRS: char = '@';
const LIFECYCLE: &str = "lifecycle";

/// What each kind of event says in the receiver's columns.
struct Columns<'a> {
    kind: &'static str,
    source: Option<&'a str>,
    message: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn new(kind: &'a EventKind) -> Self {
        let columns = |kind, source, message| Self { kind, source, message };
        match kind {
            EventKind::ScreenView { name, id } => {
                columns("screen_view", name.as_deref().or(id.as_deref()), None)
            }
            EventKind::Structured { category, action } => columns("structured", Some(category), Some(action)),
            EventKind::SelfDescribing { schema, .. } => columns("self_describing", Some(schema), None),
            EventKind::Timing { category, variable, .. } => columns("timing", Some(category), Some(variable)),
            EventKind::Log { source, message, .. } => {
                columns("log", source.as_deref(), Some(message.as_str()).filter(|text| !text.is_empty()))
            }
            EventKind::Error { .. } => columns("error", None, None),
            EventKind::Feature { name } => columns("usage", Some(name), None),
            // Not `usage`, which is of the app's features.
            EventKind::Foreground { .. } => columns(LIFECYCLE, Some("application_foreground"), None),
            EventKind::Background { .. } => columns(LIFECYCLE, Some("application_background"), None),
            EventKind::Install => columns(LIFECYCLE, Some("application_install"), None),
        }
    }
}

/// Whose an event or session is.
#[derive(Clone, Copy)]
struct Who<'a> {
    user: Option<&'a User>,
    installation: UserId,
    version: Option<&'a str>,
    /// The receiver opens a session of its own for whatever has an identity but no session: a default must not cause
    /// that.
    in_session: bool,
}

impl<'a> Who<'a> {
    fn of_stamp(stamp: &'a Stamp) -> Self {
        let (user, version) = (stamp.user.as_deref(), stamp.app_version.as_deref());
        Self { user, installation: stamp.user_id, version, in_session: stamp.session.is_some() }
    }

    fn of_session(record: &'a SessionRecord) -> Self {
        let (user, version) = (record.user.as_deref(), record.app_version.as_deref());
        Self { user, installation: record.user_id(), version, in_session: true }
    }
}

impl Exceptionless {
    /// An event of the host's.
    pub(super) fn event(&self, stored: &StoredEvent, source: &Source) -> String {
        let (stamp, event) = (&stored.stamp, &stored.event);
        let columns = Columns::new(event.kind());
        let time = event.true_time().unwrap_or(stamp.time);
        self.element_of(columns.kind, time, &stamp.event_id.to_string(), |json| {
            json.field("source", columns.source);
            json.field("message", columns.message);
            json.field("geo", geo(event));
            if let Some(value) = value(event) {
                json.key("value").raw(value);
            }
            json.key("data").object(|json| self.event_data(json, stored, source));
        })
    }

    fn event_data(&self, json: &mut Json, stored: &StoredEvent, source: &Source) {
        self.write_who(json, Who::of_stamp(&stored.stamp), source);
        if let Some(session) = &stored.stamp.session {
            json.key(SESSION).text(&session_reference(&session.id, source));
        }
        kind_data(json, &stored.event);
        host_data(json, &stored.event);
        json.key(OURS).object(|json| our_data(json, stored));
    }

    /// A session began: the receiver groups under its reference what names it as its session.
    pub(super) fn session_start(&self, record: &SessionRecord, source: &Source) -> String {
        let reference = session_reference(&record.id, source);
        self.element_of("session", record.started_at.wall, &reference, |json| {
            json.key("data").object(|json| {
                self.write_who(json, Who::of_session(record), source);
                if let Some(attributes) = record.attributes.as_deref().filter(|it| !it.is_empty()) {
                    json.key(OURS).object(|json| fields::attributes(json, Some(attributes)));
                }
            });
        })
    }

    /// A session ended, at the time at which it truly did.
    pub(super) fn session_end(&self, record: &SessionRecord, source: &Source) -> String {
        let ended_at = record.ended_at.unwrap_or(record.last_seen.wall);
        self.element_of("sessionend", ended_at, &end_reference(&record.id, source), |json| {
            json.key("data").object(|json| {
                self.write_who(json, Who::of_session(record), source);
                json.key(SESSION).text(&session_reference(&record.id, source));
                json.key(OURS).object(|json| outcome(json, record));
            });
        })
    }

    fn element_of(&self, kind: &str, time: i64, reference: &str, fill: impl FnOnce(&mut Json)) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.key("type").text(kind);
            json.key("date").text(&utc(time));
            fill(json);
            if !self.tags.is_empty() {
                json.key("tags").array(|json| self.tags.iter().for_each(|tag| json.text(tag)));
            }
            json.key("reference_id").text(reference);
        });
        json.into_text()
    }

    /// Who, where, and with which version.
    fn write_who(&self, json: &mut Json, who: Who<'_>, source: &Source) {
        self.write_user(json, who);
        json.key("@environment").object(|json| self.write_environment(json, who, source));
        json.field("@version", self.version.as_deref().or(who.version));
    }

    /// The user; with none set, the installation stands for them in a session, unless that is switched off.
    fn write_user(&self, json: &mut Json, who: Who<'_>) {
        let Some(user) = who.user else {
            if self.default_identity && who.in_session {
                let identity = who.installation.to_string();
                json.key("@user").object(|json| json.key("identity").text(&identity));
            }
            return;
        };
        json.key("@user").object(|json| {
            json.key("identity").text(user.id());
            json.field("name", user.name());
            if let Some(email) = user.email() {
                json.key("data").object(|json| json.key("email").text(email));
            }
        });
    }

    fn write_environment(&self, json: &mut Json, who: Who<'_>, source: &Source) {
        let device = &source.device;
        let own = [
            ("o_s_name", device.os_name.as_deref()),
            ("o_s_version", device.os_version.as_deref()),
            ("architecture", device.architecture.as_deref()),
        ];
        self.environment.write(json, &own);
        if let Some(count) = device.processor_count {
            json.key("processor_count").raw(count);
        }
        if let Some(bytes) = device.total_memory {
            json.key("total_physical_memory").raw(bytes);
        }
        json.key("install_id").text(&who.installation.to_string());
        write_more(json, device, source.build_of(who.version));
    }
}

/// What the receiver has no columns for.
fn write_more(json: &mut Json, device: &Device, build: Option<&str>) {
    let more = [
        ("manufacturer", device.manufacturer.as_deref()),
        ("model", device.model.as_deref()),
        ("locale", device.locale.as_deref()),
        ("time_zone", device.time_zone.as_deref()),
        ("app_build", build),
    ];
    if more.iter().any(|(_, value)| value.is_some()) {
        json.key("data").object(|json| {
            more.iter().for_each(|(name, value)| json.field(name, *value));
        });
    }
}

/// The number of an event: how long it took, or the host's, if a decimal holds it.
fn value(event: &Event) -> Option<String> {
    match (event.kind(), event.field("value")) {
        (EventKind::Timing { timing_ms, .. }, _) => Some(timing_ms.to_string()),
        (_, Some(Value::Number(number))) if number.abs() <= LARGEST_VALUE => Some(json::number(*number)),
        _ => None,
    }
}

/// Where it happened, as `latitude,longitude`.
fn geo(event: &Event) -> Option<&str> {
    match event.field("geo") {
        Some(Value::Text(geo)) => Some(geo),
        _ => None,
    }
}

/// The receiver's own names for what a kind says.
fn kind_data(json: &mut Json, event: &Event) {
    match event.kind() {
        EventKind::Log { severity, .. } => json.key("@level").text(level(*severity)),
        EventKind::Error { error_type, message, .. } => json.key("@simple_error").object(|json| {
            json.key("type").text(error_type);
            json.key("message").text(message);
            if let Some(Value::Text(trace)) = event.field("stack_trace") {
                json.key("stack_trace").text(trace);
            }
        }),
        _ => {}
    }
}

fn level(severity: Severity) -> &'static str {
    match severity.number() {
        ..=4 => "Trace",
        5..=8 => "Debug",
        9..=12 => "Info",
        13..=16 => "Warn",
        17..=20 => "Error",
        _ => "Fatal",
    }
}

/// The host's fields that have no place elsewhere and no name that is taken.
fn host_data(json: &mut Json, event: &Event) {
    for (key, value) in event.fields().filter(|(key, _)| !has_place(event, key) && !is_taken(key)) {
        match value {
            Value::Number(number) if key == "value" && number.abs() > LARGEST_VALUE => {
                json.key(key).text(&json::number(*number));
            }
            _ => fields::value(json.key(key), value),
        }
    }
}

/// Whether a field went into a column or the error.
fn has_place(event: &Event, key: &str) -> bool {
    match key {
        "geo" => geo(event).is_some(),
        "value" => value(event).is_some() && !matches!(event.kind(), EventKind::Timing { .. }),
        "stack_trace" => matches!(event.kind(), EventKind::Error { .. }),
        _ => false,
    }
}

/// Whether a host's field would be taken for one of the receiver's or ours. Names do not tell capitals there.
fn is_taken(key: &str) -> bool {
    key.starts_with(THEIRS) || key.eq_ignore_ascii_case(OURS)
}

/// What the receiver has no name for.
fn our_data(json: &mut Json, stored: &StoredEvent) {
    let (stamp, event) = (&stored.stamp, &stored.event);
    json.key("sequence").raw(stamp.sequence);
    if let Some(session) = &stamp.session {
        json.key("session_index").raw(session.index);
        json.key("event_index").raw(session.event_index);
    }
    match event.kind() {
        EventKind::ScreenView { id, .. } => json.field("screen_id", id.as_deref()),
        EventKind::SelfDescribing { data, .. } => json.key("data").raw(data),
        EventKind::Error { unhandled, .. } => json.key("unhandled").raw(unhandled),
        EventKind::Foreground { index } => json.key("foreground_index").raw(index),
        EventKind::Background { index } => json.key("background_index").raw(index),
        _ => {}
    }
    fields::contexts(json, event.contexts());
    fields::trail(json, &stored.trail);
    let taken = || event.fields().filter(|(key, _)| is_taken(key));
    if taken().next().is_some() {
        json.key("fields")
            .object(|json| taken().for_each(|(key, value)| fields::value(json.key(key), value)));
    }
}

/// What became of a session.
fn outcome(json: &mut Json, record: &SessionRecord) {
    let spent = record.durations();
    json.key("session_index").raw(record.index);
    json.field("end_reason", record.end_reason.map(|reason| reason.name()));
    let numbers = [
        ("duration_ms", spent.total()),
        ("foreground_ms", spent.foreground_ms),
        ("background_ms", spent.background_ms),
        ("paused_ms", spent.paused_ms),
        ("events", record.event_index.into()),
        ("handled_errors", record.handled_errors.into()),
        ("unhandled_errors", record.unhandled_errors.into()),
    ];
    numbers.iter().for_each(|(name, number)| json.key(name).raw(number));
    fields::attributes(json, record.attributes.as_deref());
}
