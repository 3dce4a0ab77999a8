//! Loupe: `POST {url}/loupe/log`, as Loupe's own agent for JavaScript does it. `docs/wire.md` says which field goes
//! where.

mod message;

use super::fields;
use super::headers::Headers;
use super::json::Json;
use super::url::endpoint;
use super::{BatchLimits, Device, Item, Method, Protocol, Request, Response, Source, Verdict};
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::event::{StoredEvent, limits};
use message::message;

const AGENT_SESSION: &str = "loupe-agent-sessionId";
const SESSION: &str = "LoupeSessionId";

/// Loupe's agents split at 204,800 bytes, and its servers refuse more. A hundred messages a request keep what a
/// refused request costs small.
const LIMITS: BatchLimits = BatchLimits { items: 100, bytes: 204_800 };

/// Sends events to a Loupe server, or to an application with Loupe's agent for ASP.NET, as log messages.
///
/// Session starts and ends are not sent: Loupe's own agent sends none, a session there is what its messages name.
#[derive(Debug, Clone)]
#[must_use]
pub struct Loupe {
    url: String,
    headers: Headers,
    product: Option<String>,
    application: Option<String>,
    client_name: Option<String>,
    client_version: Option<String>,
    screen: Option<(u32, u32)>,
    gzip: bool,
}

impl Loupe {
    /// Loupe at that URL; `/loupe/log` is added.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: the URL is none that requests can be sent to.
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self {
            url: endpoint("Loupe's URL", url)? + "/loupe/log",
            headers: Headers::default(),
            product: None,
            application: None,
            client_name: None,
            client_version: None,
            screen: None,
            gzip: false,
        })
    }

    /// Adds a header to every request, or replaces one added before: an `Authorization`, for example.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: the name is no HTTP token or one of those that the library sets; the value has
    /// other than visible ASCII letters, spaces and tabs.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let own = [AGENT_SESSION, SESSION].map(str::to_ascii_lowercase);
        self.headers.set(&own.each_ref().map(String::as_str), name, value)?;
        Ok(self)
    }

    /// The product that the app belongs to. Default: the device's model.
    ///
    /// # Errors
    /// It is empty or over [`limits::NAME`].
    pub fn product(self, product: &str) -> Result<Self> {
        let product = option("the product", product)?;
        Ok(Self { product, ..self })
    }

    /// What the app is called in the client's description. Default: the app's id.
    ///
    /// # Errors
    /// It is empty or over [`limits::NAME`].
    pub fn application(self, application: &str) -> Result<Self> {
        let application = option("the application", application)?;
        Ok(Self { application, ..self })
    }

    /// The client's name, for which a browser sends its own. Default: the application.
    ///
    /// # Errors
    /// It is empty or over [`limits::NAME`].
    pub fn client_name(self, name: &str) -> Result<Self> {
        let client_name = option("the client's name", name)?;
        Ok(Self { client_name, ..self })
    }

    /// The client's version. Default: the app's.
    ///
    /// # Errors
    /// It is empty or over [`limits::NAME`].
    pub fn client_version(self, version: &str) -> Result<Self> {
        let client_version = option("the client's version", version)?;
        Ok(Self { client_version, ..self })
    }

    /// The size of the screen or window in pixels. Default: none.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: one of them is 0.
    pub fn screen_size(self, width: u32, height: u32) -> Result<Self> {
        if width == 0 || height == 0 {
            return Err(invalid(format!("the screen's size is {width} × {height}")));
        }
        Ok(Self { screen: Some((width, height)), ..self })
    }

    /// Whether large bodies may go in gzip. Default false: Loupe's own agent sends none, and not every server reads it.
    pub fn gzip(self, on: bool) -> Self {
        Self { gzip: on, ..self }
    }

    /// What goes behind the messages. Its length does not depend on the instance.
    fn end(&self, source: &Source, instance: &str) -> String {
        let mut json = Json::default();
        json.object(|json| {
            json.key("client").object(|json| self.client(json, source));
            json.key("currentAgentSessionId").text(instance);
        });
        format!(r#","session":{}}}"#, json.into_text())
    }

    fn client(&self, json: &mut Json, source: &Source) {
        let device = &source.device;
        let application = self.application.as_deref().or(source.app_id.as_deref());
        let version = self.client_version.as_deref().or(source.app_version.as_deref());
        let known = concat!("sessio/", env!("CARGO_PKG_VERSION"));
        nullable(json, "description", description(application, version, device).as_deref());
        nullable(json, "layout", None);
        nullable(json, "manufacturer", device.manufacturer.as_deref());
        nullable(json, "name", self.client_name.as_deref().or(application));
        nullable(json, "prerelease", None);
        nullable(json, "product", self.product.as_deref().or(device.model.as_deref()));
        nullable(json, "ua", Some(known));
        nullable(json, "version", version);
        json.key("os").object(|json| os(json, device));
        match self.screen {
            None => json.key("size").raw("null"),
            Some((width, height)) => json.key("size").object(|json| {
                json.key("width").raw(width);
                json.key("height").raw(height);
            }),
        }
    }
}

impl Protocol for Loupe {
    fn name(&self) -> &'static str {
        "loupe"
    }

    fn takes(&self, item: &Item) -> bool {
        matches!(item, Item::Event(_))
    }

    fn limits(&self) -> BatchLimits {
        LIMITS
    }

    /// # Errors
    /// [`ErrorKind::TooLarge`]: the first event does not fit into a request, not even without its details.
    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)> {
        const START: &str = r#"{"logMessages":"#;
        let events: Vec<_> = items.iter().map_while(event).collect();
        let around = START.len() + self.end(source, &uuid::Uuid::nil().to_string()).len();
        // The brackets of the array.
        let room = LIMITS.bytes - (around + 2).min(LIMITS.bytes);
        let messages = events.iter().map_while(|event| message(event, room));
        let (messages, count) = fields::array(messages, LIMITS, around);
        let Some(last) = events[..count].last() else { return Err(too_large(&events)) };
        let instance = last.stamp.instance_id.to_string();
        let body = [START, &messages, &self.end(source, &instance)].concat().into_bytes();
        let session = events[..count].iter().rev().find_map(|event| event.stamp.session.as_ref());
        let own = [
            Some(("Content-Type", "application/json".to_owned())),
            Some((AGENT_SESSION, instance)),
            session.map(|session| (SESSION, session.id.to_string())),
        ];
        let headers = self.headers.after(own.into_iter().flatten());
        let url = self.url.clone();
        Ok((Request { method: Method::Post, url, headers, body, takes_gzip: self.gzip }, count))
    }

    fn judge(&self, response: &Response, _items: usize) -> Verdict {
        match response.status {
            // The host's own header may be a token that is renewed.
            401 => Verdict::later(response),
            413 => Verdict::Halve { reason: "status 413".into() },
            _ => Verdict::usual(response),
        }
    }
}

fn event(item: &Item) -> Option<&StoredEvent> {
    match item {
        Item::Event(event) => Some(event),
        _ => None,
    }
}

fn too_large(events: &[&StoredEvent]) -> Error {
    match events.first() {
        None => Error::new(ErrorKind::Internal, "Loupe takes events only"),
        Some(event) => Error::new(
            ErrorKind::TooLarge,
            format!(
                "the event {} is over Loupe's {} bytes, even without its details",
                event.stamp.event_id, LIMITS.bytes
            ),
        ),
    }
}

fn option(what: &str, value: &str) -> Result<Option<String>> {
    limits::name(what, value, limits::NAME)?;
    Ok(Some(value.into()))
}

/// A field that is there in any case, as Loupe's agent sends it.
fn nullable(json: &mut Json, key: &str, value: Option<&str>) {
    match value {
        Some(value) => json.key(key).text(value),
        None => json.key(key).raw("null"),
    }
}

/// `Shop 1.2.0 on Linux 6.8`, as far as it is known.
fn description(application: Option<&str>, version: Option<&str>, device: &Device) -> Option<String> {
    let words = |words: [Option<&str>; 2]| words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let app = words([application, version]);
    let os = words([device.os_name.as_deref(), device.os_version.as_deref()]);
    let parts: Vec<_> = [app, os].into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" on "))
}

fn os(json: &mut Json, device: &Device) {
    json.key("architecture").raw(bits(device.architecture.as_deref()));
    nullable(json, "family", device.os_name.as_deref());
    nullable(json, "version", device.os_version.as_deref());
}

/// The bits of an architecture; 0 if unknown, since the server takes nothing but a number.
fn bits(architecture: Option<&str>) -> u32 {
    match architecture {
        Some("s390x") => 64,
        Some(name) if name.contains("64") => 64,
        Some(name) if ["x86", "arm", "i686", "i586", "i386", "mips", "powerpc"].contains(&name) => 32,
        Some(name) if name.starts_with("armv") || name.contains("32") => 32,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_have_bits() {
        let bits_of =
            [("x86_64", 64), ("aarch64", 64), ("s390x", 64), ("x86", 32), ("armv7", 32), ("arm", 32)];
        for (name, expected) in bits_of {
            assert_eq!(bits(Some(name)), expected, "{name}");
        }
        assert_eq!((bits(None), bits(Some("other"))), (0, 0));
    }
}
