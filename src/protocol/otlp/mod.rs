//! OpenTelemetry: logs over OTLP/HTTP in JSON. `docs/wire.md` says which field goes where.

mod record;
mod value;

use serde::Deserialize;
use uuid::Uuid;

use super::headers::Headers;
use super::json::Json;
use super::url::endpoint;
use super::{BatchLimits, Item, Method, Protocol, Request, Response, Source, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::event::limits;
use value::Attributes;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// 512 is what OpenTelemetry's own processors send at once; collectors take some MiB.
const LIMITS: BatchLimits = BatchLimits { items: 512, bytes: 1_000_000 };

const START: &str = r#"{"resourceLogs":["#;
const RUN_END: &str = "]}]}";
const END: &str = "]}";

/// Sends events, session starts and session ends to an OpenTelemetry collector, as log records.
#[derive(Debug, Clone)]
#[must_use]
pub struct Otlp {
    url: String,
    headers: Headers,
    resource: Vec<(String, String)>,
    gzip: bool,
}

impl Otlp {
    /// The collector whose logs go to that URL. Nothing is added: mostly it ends with `/v1/logs`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: the URL is none that requests can be sent to.
    pub fn new(logs_url: &str) -> Result<Self> {
        let url = endpoint("the collector's URL", logs_url)?;
        Ok(Self { url, headers: Headers::default(), resource: Vec::new(), gzip: true })
    }

    /// Adds a header to every request, or replaces one added before: an `Authorization`, for example.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: the name is no HTTP token or one of those that the library sets; the value has
    /// other than visible ASCII letters, spaces and tabs.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        self.headers.set(&[], name, value)?;
        Ok(self)
    }

    /// Adds an attribute to the resource, e.g. `deployment.environment.name`. It replaces the library's own of that
    /// name.
    ///
    /// # Errors
    /// The key is empty or over [`limits::NAME`], or the value is over [`limits::TEXT`].
    pub fn resource_attribute(mut self, key: &str, value: &str) -> Result<Self> {
        limits::name("the resource attribute's key", key, limits::NAME)?;
        limits::length(&format!("the resource attribute {key:?}"), value, limits::TEXT)?;
        self.resource.retain(|(is, _)| is != key);
        self.resource.push((key.into(), value.into()));
        Ok(self)
    }

    /// Whether large bodies may go in gzip. Default true: every collector takes it.
    pub fn gzip(self, on: bool) -> Self {
        Self { gzip: on, ..self }
    }

    /// What stands before the records of one resource.
    fn run_start(&self, of: &Origin<'_>, source: &Source) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.key("attributes").array(|json| self.resource(json, of, source));
        });
        let resource = json.into_text();
        format!(
            r#"{{"resource":{resource},"scopeLogs":[{{"scope":{{"name":"sessio","version":"{VERSION}"}},"logRecords":["#
        )
    }

    fn resource(&self, json: &mut Json, of: &Origin<'_>, source: &Source) {
        let device = &source.device;
        let installation = (!of.installation.is_nil()).then(|| of.installation.to_string());
        let own = [
            // Required of every resource, and what OpenTelemetry says of services that have no name.
            ("service.name", Some(source.app_id.as_deref().unwrap_or("unknown_service"))),
            ("service.version", of.app_version),
            ("app.build_id", source.build_of(of.app_version)),
            ("os.type", device.os_name.as_deref().and_then(os_type)),
            ("os.name", device.os_name.as_deref()),
            ("os.version", device.os_version.as_deref()),
            ("device.id", installation.as_deref()),
            ("device.manufacturer", device.manufacturer.as_deref()),
            ("device.model.name", device.model.as_deref()),
            ("host.arch", device.architecture.as_deref().map(host_arch)),
            ("telemetry.sdk.name", Some("sessio")),
            ("telemetry.sdk.language", Some("rust")),
            ("telemetry.sdk.version", Some(VERSION)),
        ];
        let mut attributes = Attributes(json);
        for (key, value) in own {
            let replaced = self.resource.iter().any(|(is, _)| is == key);
            attributes.text(key, value.filter(|_| !replaced));
        }
        for (key, value) in &self.resource {
            attributes.text(key, Some(value));
        }
    }
}

impl Protocol for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn takes(&self, item: &Item) -> bool {
        !matches!(item, Item::SessionCount(_))
    }

    fn limits(&self) -> BatchLimits {
        LIMITS
    }

    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)> {
        let mut body = START.to_owned();
        let mut before: Option<Origin<'_>> = None;
        let mut count = 0;
        for item in items.iter().take(LIMITS.items) {
            let origin = Origin::of(item);
            let opening = match &before {
                Some(before) if *before == origin => ",".to_owned(),
                Some(_) => format!("{RUN_END},{}", self.run_start(&origin, source)),
                None => self.run_start(&origin, source),
            };
            let record = record::record(item, source);
            let length = body.len() + opening.len() + record.len() + RUN_END.len() + END.len();
            if count > 0 && length > LIMITS.bytes {
                break;
            }
            body.extend([opening, record]);
            before = Some(origin);
            count += 1;
        }
        if count == 0 {
            return Err(Error::new(ErrorKind::Internal, "there is nothing to send"));
        }
        body.extend([RUN_END, END]);
        let headers = self.headers.after([("Content-Type", "application/json".to_owned())]);
        Ok((
            Request {
                method: Method::Post,
                url: self.url.clone(),
                headers,
                body: body.into_bytes(),
                takes_gzip: self.gzip,
            },
            count,
        ))
    }

    fn judge(&self, response: &Response, items: usize) -> Verdict {
        match response.status {
            200..=299 => Verdict::Done { rejected: rejected(&response.body).min(items) },
            // A redirect that is not followed is nobody's refusal: a captive network answers so.
            300..=399 | 429 | 502 | 503 | 504 => Verdict::later(response),
            status => Verdict::Drop { reason: format!("status {status}"), pause: None },
        }
    }
}

/// Where an item comes from, as far as items of one request may differ: records that share it go under one resource.
/// In anonymous mode the installation is nil, and neither the resource nor a record names it.
#[derive(PartialEq)]
struct Origin<'a> {
    installation: Uuid,
    app_version: Option<&'a str>,
}

impl<'a> Origin<'a> {
    fn of(item: &'a Item) -> Self {
        match item {
            Item::Event(event) => {
                Self { installation: event.stamp.user_id.0, app_version: event.stamp.app_version.as_deref() }
            }
            Item::SessionStart(record) | Item::SessionEnd { record, .. } => {
                Self { installation: record.user_id, app_version: record.app_version.as_deref() }
            }
            Item::SessionCount(count) => {
                Self { installation: count.user_id.0, app_version: count.app_version.as_deref() }
            }
        }
    }
}

/// How many records a partial success left out. An answer that says nothing of the kind left out none.
fn rejected(body: &[u8]) -> usize {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        partial_success: Partial,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Partial {
        rejected_log_records: Count,
    }
    /// 64-bit numbers are texts in this JSON; some collectors write plain ones.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Number(usize),
        Text(String),
    }
    match serde_json::from_slice::<Answer>(body).map(|answer| answer.partial_success.rejected_log_records) {
        Ok(Count::Number(count)) => count,
        Ok(Count::Text(count)) => count.parse().unwrap_or(0),
        Err(_) => 0,
    }
}

/// The kind of system, in OpenTelemetry's words.
fn os_type(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "linux" | "android" | "chromeos" | "tizen" => "linux",
        "macos" | "ios" | "ipados" | "tvos" | "watchos" | "visionos" => "darwin",
        "windows" => "windows",
        "freebsd" => "freebsd",
        "netbsd" => "netbsd",
        "openbsd" => "openbsd",
        "dragonfly" => "dragonflybsd",
        _ => return None,
    })
}

/// The architecture in OpenTelemetry's words, or as it is.
fn host_arch(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "i386" | "i586" | "i686" => "x86",
        "aarch64" => "arm64",
        "powerpc64" | "powerpc64le" => "ppc64",
        "powerpc" => "ppc32",
        _ if name.starts_with("armv") || name == "arm" => "arm32",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_and_architectures_have_opentelemetrys_names() {
        for (name, expected) in
            [("Linux", "linux"), ("Android", "linux"), ("macOS", "darwin"), ("Windows", "windows")]
        {
            assert_eq!(os_type(name), Some(expected));
        }
        assert_eq!(os_type("Plan 9"), None);
        for (name, expected) in
            [("x86_64", "amd64"), ("aarch64", "arm64"), ("armv7l", "arm32"), ("riscv64", "riscv64")]
        {
            assert_eq!(host_arch(name), expected);
        }
    }
}
