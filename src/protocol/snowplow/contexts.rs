//! What goes along with an event: its session, the device, the app, fields without a place of their own, the host's
//! contexts.

use uuid::Uuid;

use super::config::{Config, Platform};
use super::event::{describe, describe_object};
use super::facts::{Facts, Place};
use super::schema;
use crate::event::{Breadcrumb, Event, EventKind, Value};
use crate::protocol::json::Json;
use crate::protocol::text::utc;
use crate::protocol::{Device, Item, Source, fields};
use crate::store::StorageMechanism;

/// Room for the contexts of one event, so that their text seldom has to grow.
const USUAL: usize = 1_024;

/// Writes the contexts of the events of one request.
pub struct Contexts<'a> {
    config: &'a Config,
    source: &'a Source,
    /// The same for all of them.
    device: Option<String>,
}

impl<'a> Contexts<'a> {
    pub fn new(config: &'a Config, source: &'a Source) -> Self {
        let device = config.device_context.then(|| device(&source.device, config.platform)).flatten();
        Self { config, source, device }
    }

    /// The contexts of an item in their envelope, if it has any.
    pub fn of(&self, item: &Item, facts: &Facts<'_>) -> Option<String> {
        let mut json = Json::sized(USUAL);
        describe(&mut json, schema::CONTEXTS, |json| json.array(|json| self.all(json, item, facts)));
        let text = json.into_text();
        // An array that is not empty ends with an object.
        (!text.ends_with("[]}")).then_some(text)
    }

    fn all(&self, json: &mut Json, item: &Item, facts: &Facts<'_>) {
        if let Some(place) = facts.session.as_ref().filter(|_| self.config.session_context) {
            self.session(json, place, facts);
        }
        if let Some(device) = &self.device {
            json.raw(device);
        }
        if let Some(version) = facts.app_version.filter(|_| self.config.application_context) {
            self.application(json, version);
        }
        if let Item::Event(stored) = item {
            self.hosts(json, &stored.event);
            self.trail(json, &stored.trail);
        }
    }

    fn session(&self, json: &mut Json, place: &Place<'_>, facts: &Facts<'_>) {
        describe_object(json, schema::CLIENT_SESSION, |json| {
            uuid(json.key("userId"), facts.user_id);
            uuid(json.key("sessionId"), self.source.session_uuid(place.id));
            json.key("sessionIndex").raw(place.index.min(schema::INDEX));
            or_null(json.key("eventIndex"), place.event_index, |json, index| {
                json.raw(index.min(schema::INDEX));
            });
            or_null(json.key("previousSessionId"), place.previous, |json, id| {
                uuid(json, self.source.session_uuid(id));
            });
            json.key("storageMechanism").text(mechanism(self.source.storage));
            or_null(json.key("firstEventId"), place.first, |json, (id, _)| uuid(json, id));
            or_null(json.key("firstEventTimestamp"), place.first, |json, (_, time)| json.text(&utc(time)));
        });
        if let Some(id) = place.id.as_text() {
            describe_object(json, schema::SESSION_ID, |json| json.key("id").text(id));
        }
    }

    fn application(&self, json: &mut Json, version: &str) {
        describe_object(json, schema::APPLICATION, |json| {
            json.key("version").text(schema::cut(version, schema::VERSION));
            json.key("build").text(schema::cut(self.build(version), schema::VERSION));
        });
    }

    /// The option, else the app's own.
    fn build(&self, version: &str) -> &str {
        match self.config.app_build.as_str() {
            "" => self.source.build_of(Some(version)).unwrap_or_default(),
            build => build,
        }
    }

    /// What the host added to the event.
    fn hosts(&self, json: &mut Json, event: &Event) {
        let mut fields = event.fields().filter(|(key, _)| !has_a_place(event.kind(), key)).peekable();
        if self.config.fields_context && fields.peek().is_some() {
            describe_object(json, schema::FIELDS, |json| {
                fields.for_each(|(key, field)| value(json.key(key), field));
            });
        }
        for context in event.contexts() {
            describe(json, &context.schema, |json| json.raw(&context.data));
        }
    }

    /// What led to an error.
    fn trail(&self, json: &mut Json, trail: &[Breadcrumb]) {
        if self.config.fields_context && !trail.is_empty() {
            describe_object(json, schema::TRAIL, |json| fields::trail(json, trail));
        }
    }
}

fn uuid(json: &mut Json, id: Uuid) {
    json.uuid(&id);
}

fn or_null<T>(json: &mut Json, value: Option<T>, write: impl FnOnce(&mut Json, T)) {
    match value {
        Some(value) => write(json, value),
        None => json.raw("null"),
    }
}

fn value(json: &mut Json, value: &Value) {
    match value {
        Value::Text(text) => json.text(text),
        Value::Number(number) => json.number(*number),
        Value::Json(text) => json.raw(text),
    }
}

/// Whether the event itself says what that field says.
fn has_a_place(kind: &EventKind, key: &str) -> bool {
    match kind {
        EventKind::Structured { .. } => matches!(key, "label" | "property" | "value"),
        EventKind::Timing { .. } => key == "label",
        EventKind::Error { .. } => key == "stack_trace",
        _ => false,
    }
}

/// The schema knows no memory; for the receiver it is as good as a store of the host's.
fn mechanism(storage: StorageMechanism) -> &'static str {
    match storage {
        StorageMechanism::Sqlite => "SQLITE",
        StorageMechanism::LocalStorage | StorageMechanism::Memory => "LOCAL_STORAGE",
    }
}

/// The device, unless not even its system is known.
fn device(device: &Device, platform: Platform) -> Option<String> {
    let os = device.os_name.as_deref()?;
    let mut json = Json::default();
    match platform {
        Platform::Mobile => {
            describe_object(&mut json, schema::MOBILE, |json| mobile(json, os, device));
        }
        _ => describe_object(&mut json, schema::DESKTOP, |json| desktop(json, os, device)),
    }
    Some(json.into_text())
}

fn desktop(json: &mut Json, os: &str, device: &Device) {
    json.key("osType").text(os);
    json.key("osVersion").text(device.os_version.as_deref().unwrap_or_default());
    if let Some(architecture) = &device.architecture {
        json.key("osIs64Bit").raw(architecture.contains("64"));
    }
    json.field("deviceManufacturer", device.manufacturer.as_deref());
    json.field("deviceModel", device.model.as_deref());
    if let Some(count) = device.processor_count {
        json.key("deviceProcessorCount").raw(count);
    }
}

/// Its four texts are asked for, known or not; a language there is one without its region.
fn mobile(json: &mut Json, os: &str, device: &Device) {
    json.key("osType").text(&os.to_lowercase());
    let texts = [
        ("osVersion", &device.os_version),
        ("deviceManufacturer", &device.manufacturer),
        ("deviceModel", &device.model),
    ];
    for (key, text) in texts {
        json.key(key).text(text.as_deref().unwrap_or_default());
    }
    if let Some(bytes) = device.total_memory {
        json.key("physicalMemory").raw(bytes.min(i64::MAX as u64));
    }
    let language = device.locale.as_deref().and_then(|locale| locale.split(['-', '_']).next());
    json.field("language", language.map(|language| schema::cut(language, schema::LANGUAGE)));
}
