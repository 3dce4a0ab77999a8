//! The fields of one event.

use uuid::Uuid;

use super::config::Config;
use super::contexts::Contexts;
use super::facts::Facts;
use super::schema;
use crate::event::{Event, EventKind, Severity, Value};
use crate::protocol::json::{Json, number};
use crate::protocol::text::{base64, utc};
use crate::protocol::{Item, Source, fields};
use crate::session::SessionRecord;

/// What a tracker of this version calls itself.
const TRACKER: &str = concat!("sessio-", env!("CARGO_PKG_VERSION"));
/// Room for the data of one event, so that its text seldom has to grow.
const USUAL: usize = 512;

/// Takes a field's name and value.
pub type Put<'a> = dyn FnMut(&str, &str) + 'a;

/// Writes the events of one request.
pub struct Writer<'a> {
    config: &'a Config,
    source: &'a Source,
    contexts: Contexts<'a>,
    sent_at: String,
    subject: Vec<(&'a str, &'a str)>,
}

impl<'a> Writer<'a> {
    pub fn new(config: &'a Config, source: &'a Source) -> Self {
        let contexts = Contexts::new(config, source);
        Self {
            config,
            source,
            contexts,
            sent_at: source.sent_at.to_string(),
            subject: subject(config, source),
        }
    }

    /// The event as an object.
    pub fn write(&self, json: &mut Json, item: &Item) {
        json.object(|json| {
            self.fields(item, &mut |key, value| match key {
                // Half of an event is in base64.
                "cx" | "ue_px" => json.key(key).plain(value),
                _ => json.key(key).text(value),
            });
        });
    }

    /// Puts every field, in the order in which they are sent.
    pub fn fields(&self, item: &Item, put: &mut Put<'_>) {
        let facts = Facts::of(item, self.source);
        self.what(item, &facts, put);
        put("eid", facts.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        put("dtm", &facts.time.to_string());
        put("stm", &self.sent_at);
        if let Some(time) = facts.true_time {
            put("ttm", &time.to_string());
        }
        put("tv", TRACKER);
        put("tna", &self.source.namespace);
        if let Some(app) = &self.source.app_id {
            put("aid", app);
        }
        put("p", self.config.platform.name());
        self.whose(&facts, put);
        if let Some(contexts) = self.contexts.of(item, &facts) {
            self.encoded(["cx", "co"], &contexts, put);
        }
    }

    /// The user and their device. What could tell who an anonymous user is stays away.
    fn whose(&self, facts: &Facts<'_>, put: &mut Put<'_>) {
        const PERSONAL: [&str; 3] = ["duid", "ip", "tnuid"];
        if let Some(user) = facts.user.filter(|_| !facts.is_anonymous()) {
            put("uid", user.id());
        }
        for (key, value) in &self.subject {
            if !(facts.is_anonymous() && PERSONAL.contains(key)) {
                put(key, value);
            }
        }
    }

    /// JSON under the first name as base64, or under the second as it is.
    fn encoded(&self, [in_base64, plain]: [&str; 2], json: &str, put: &mut Put<'_>) {
        if self.config.base64 {
            put(in_base64, &base64(json.as_bytes()));
        } else {
            put(plain, json);
        }
    }

    fn what(&self, item: &Item, facts: &Facts<'_>, put: &mut Put<'_>) {
        match item {
            Item::Event(stored) => self.event(&stored.event, facts, put),
            Item::SessionStart(record) => self.session_start(record, put),
            Item::SessionEnd { record, .. } => self.session_end(record, put),
            // None is taken.
            Item::SessionCount(_) => {}
        }
    }

    fn event(&self, event: &Event, facts: &Facts<'_>, put: &mut Put<'_>) {
        match event.kind() {
            EventKind::Structured { category, action } => {
                let texts = [text(event, "label"), text(event, "property")];
                structured([category, action], texts, value(event), put);
            }
            EventKind::Log { severity, source, message } => log(*severity, source.as_deref(), message, put),
            EventKind::Feature { name } => structured(["feature", name], [None, None], None, put),
            EventKind::SelfDescribing { schema, data } => self.described(schema, put, |json| json.raw(data)),
            EventKind::ScreenView { name, id } => {
                self.screen_view(name.as_deref(), id.as_deref(), facts, put);
            }
            EventKind::Timing { category, variable, timing_ms } => {
                self.timing([category, variable], *timing_ms, text(event, "label"), put);
            }
            EventKind::Error { error_type, message, unhandled } => {
                self.error([error_type, message], *unhandled, text(event, "stack_trace"), put);
            }
            EventKind::Foreground { index } => {
                self.lifecycle(schema::FOREGROUND, "foregroundIndex", *index, put);
            }
            EventKind::Background { index } => {
                self.lifecycle(schema::BACKGROUND, "backgroundIndex", *index, put);
            }
            EventKind::Install => self.object(schema::INSTALL, put, |_| {}),
        }
    }

    fn screen_view(&self, name: Option<&str>, id: Option<&str>, facts: &Facts<'_>, put: &mut Put<'_>) {
        self.object(schema::SCREEN_VIEW, put, |json| {
            json.key("name").text(name.or(id).unwrap_or_default());
            json.key("id").uuid(&screen_id(id, facts));
        });
    }

    fn timing(&self, names: [&str; 2], milliseconds: u64, label: Option<&str>, put: &mut Put<'_>) {
        self.object(schema::TIMING, put, |json| {
            json.key("category").text(names[0]);
            json.key("variable").text(names[1]);
            json.key("timing").raw(milliseconds);
            json.field("label", label);
        });
    }

    fn error(&self, [name, message]: [&str; 2], fatal: bool, trace: Option<&str>, put: &mut Put<'_>) {
        self.object(schema::ERROR, put, |json| {
            json.key("programmingLanguage").text(&self.config.language);
            json.key("message").text(schema::cut(message, schema::ERROR_MESSAGE));
            json.key("exceptionName").text(schema::cut(name, schema::ERROR_NAME));
            json.field("stackTrace", trace.map(|trace| schema::cut(trace, schema::STACK_TRACE)));
            json.key("isFatal").raw(fatal);
        });
    }

    fn lifecycle(&self, schema: &str, key: &str, index: u32, put: &mut Put<'_>) {
        self.object(schema, put, |json| json.key(key).raw(index.min(schema::INDEX)));
    }

    fn session_start(&self, record: &SessionRecord, put: &mut Put<'_>) {
        self.object(schema::SESSION_START, put, |json| {
            json.key("startedAt").text(&utc(record.started_at.wall));
            fields::attributes(json, record.attributes.as_deref());
        });
    }

    fn session_end(&self, record: &SessionRecord, put: &mut Put<'_>) {
        let spent = record.durations();
        self.object(schema::SESSION_END, put, |json| {
            json.key("startedAt").text(&utc(record.started_at.wall));
            json.field("endedAt", record.ended_at.map(utc).as_deref());
            json.field("endReason", record.end_reason.map(|reason| reason.name()));
            json.key("durationMs").raw(spent.total());
            json.key("foregroundMs").raw(spent.foreground_ms);
            json.key("backgroundMs").raw(spent.background_ms);
            json.key("pausedMs").raw(spent.paused_ms);
            json.key("events").raw(record.event_index);
            json.key("handledErrors").raw(record.handled_errors);
            json.key("unhandledErrors").raw(record.unhandled_errors);
            fields::attributes(json, record.attributes.as_deref());
        });
    }

    /// A self-describing event whose data is an object.
    fn object(&self, schema: &str, put: &mut Put<'_>, fill: impl FnOnce(&mut Json)) {
        self.described(schema, put, |json| json.object(fill));
    }

    /// A self-describing event: the schema and the data, in an envelope.
    fn described(&self, schema: &str, put: &mut Put<'_>, data: impl FnOnce(&mut Json)) {
        let mut json = Json::sized(USUAL);
        describe(&mut json, schema::SELF_DESCRIBING, |json| describe(json, schema, data));
        put("e", "ue");
        self.encoded(["ue_px", "ue_pr"], &json.into_text(), put);
    }
}

/// Data with the schema it follows.
pub fn describe(json: &mut Json, schema: &str, data: impl FnOnce(&mut Json)) {
    json.object(|json| {
        json.key("schema").text(schema);
        data(json.key("data"));
    });
}

/// The same with an object.
pub fn describe_object(json: &mut Json, schema: &str, fill: impl FnOnce(&mut Json)) {
    describe(json, schema, |json| json.object(fill));
}

/// The text of a field.
fn text<'a>(event: &'a Event, key: &str) -> Option<&'a str> {
    match event.field(key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn value(event: &Event) -> Option<f64> {
    match event.field("value") {
        Some(Value::Number(value)) => Some(*value),
        _ => None,
    }
}

fn structured(names: [&str; 2], texts: [Option<&str>; 2], value: Option<f64>, put: &mut Put<'_>) {
    put("e", "se");
    put("se_ca", names[0]);
    put("se_ac", names[1]);
    for (key, text) in ["se_la", "se_pr"].into_iter().zip(texts) {
        if let Some(text) = text {
            put(key, text);
        }
    }
    if let Some(value) = value {
        put("se_va", &number(value));
    }
}

/// A log record has no schema at Snowplow: it goes as a structured event.
fn log(severity: Severity, source: Option<&str>, message: &str, put: &mut Put<'_>) {
    const NAMES: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];
    let number = severity.number();
    let name = NAMES[usize::from((number - 1) / 4).min(5)];
    let message = schema::cut(message, schema::LABEL);
    structured(["log", name], [Some(message), source], Some(number.into()), put);
}

/// A screen's UUID. One made from a text belongs to the installation, but in anonymous mode to nobody: it must not
/// link. One made from nothing follows from the event's, so that a second attempt has the same one.
fn screen_id(id: Option<&str>, facts: &Facts<'_>) -> Uuid {
    match id {
        Some(id) => Uuid::try_parse(id).unwrap_or_else(|_| Uuid::new_v5(&facts.user_id, id.as_bytes())),
        None => Uuid::new_v5(&facts.id, b"screen"),
    }
}

/// What is known about the user's device, by the names of its fields.
fn subject<'a>(config: &'a Config, source: &'a Source) -> Vec<(&'a str, &'a str)> {
    let device = [("lang", &source.device.locale), ("tz", &source.device.time_zone)];
    let known = device.into_iter().filter(|(key, _)| !config.subject.contains_key(key));
    let known = known.filter_map(|(key, value)| Some((key, value.as_deref()?)));
    config.subject.iter().map(|(key, value)| (*key, value.as_str())).chain(known).collect()
}
