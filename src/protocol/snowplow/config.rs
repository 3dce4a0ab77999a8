//! What can be set about a Snowplow collector.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Snowplow, schema};
use crate::error::{Result, invalid};
use crate::protocol::{Method, url};

/// What kind of device the app runs on: Snowplow's `p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Snowplow's own names
pub enum Platform {
    Mobile,
    Desktop,
    Server,
    App,
    Tv,
    Console,
    Iot,
    Web,
}

impl Platform {
    /// As it is sent: `mob`, `pc` …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mob",
            Self::Desktop => "pc",
            Self::Server => "srv",
            Self::App => "app",
            Self::Tv => "tv",
            Self::Console => "cnsl",
            Self::Iot => "iot",
            Self::Web => "web",
        }
    }

    /// The platform of that name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for any other text.
    pub fn from_name(name: &str) -> Result<Self> {
        use Platform::*;
        [Mobile, Desktop, Server, App, Tv, Console, Iot, Web]
            .into_iter()
            .find(|platform| platform.name() == name)
            .ok_or_else(|| invalid("the platform is none of mob pc srv app tv cnsl iot web"))
    }
}

impl Default for Platform {
    /// That of the system the library is compiled for.
    fn default() -> Self {
        if cfg!(any(target_os = "android", target_os = "ios")) {
            Self::Mobile
        } else if cfg!(target_os = "tvos") {
            Self::Tv
        } else if cfg!(target_family = "wasm") {
            Self::Web
        } else {
            Self::Desktop
        }
    }
}

/// What to do after an answer with a certain status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusRule {
    /// The events are there.
    Done,
    /// Later again.
    Retry,
    /// Never again: they are dropped and counted.
    Drop,
}

#[derive(Debug, Clone)]
pub(super) struct Config {
    pub url: String,
    pub method: Method,
    pub path: Option<String>,
    pub platform: Platform,
    pub base64: bool,
    pub byte_limit: usize,
    pub batch_size: usize,
    pub gzip: bool,
    pub session_context: bool,
    pub device_context: bool,
    pub application_context: bool,
    pub fields_context: bool,
    pub app_build: String,
    pub language: String,
    pub session_events: bool,
    pub statuses: BTreeMap<u16, StatusRule>,
    pub subject: BTreeMap<&'static str, String>,
}

/// Builds a [`Snowplow`].
#[derive(Debug, Clone)]
#[must_use]
pub struct SnowplowBuilder(Config);

impl SnowplowBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self(Config {
            url: url.into(),
            method: Method::Post,
            path: None,
            platform: Platform::default(),
            base64: true,
            byte_limit: 40_000,
            batch_size: 100,
            gzip: false,
            session_context: true,
            device_context: true,
            application_context: true,
            fields_context: true,
            app_build: String::new(),
            language: "RUST".into(),
            session_events: false,
            statuses: BTreeMap::new(),
            subject: BTreeMap::new(),
        })
    }

    /// POST with many events in a request, or GET with one. Default POST.
    pub fn method(mut self, method: Method) -> Self {
        self.0.method = method;
        self
    }

    /// The path behind the URL. Default `/com.snowplowanalytics.snowplow/tp2`, for GET `/i`.
    pub fn path(mut self, path: &str) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// What the app runs on. Default: by the system the library is compiled for.
    pub fn platform(mut self, platform: Platform) -> Self {
        self.0.platform = platform;
        self
    }

    /// Whether contexts and self-describing bodies go as base64 (`cx`, `ue_px`) or as they are (`co`, `ue_pr`).
    /// Default base64.
    pub fn base64(mut self, on: bool) -> Self {
        self.0.base64 = on;
        self
    }

    /// The largest body of a POST, in bytes. An event that is over it goes alone. Default 40,000.
    pub fn byte_limit(mut self, bytes: usize) -> Self {
        self.0.byte_limit = bytes;
        self
    }

    /// The most events of a POST. Default 100.
    pub fn batch_size(mut self, events: usize) -> Self {
        self.0.batch_size = events;
        self
    }

    /// Whether large bodies of POSTs may go in gzip. Default off: older collectors do not read it.
    pub fn gzip(mut self, on: bool) -> Self {
        self.0.gzip = on;
        self
    }

    /// Whether events of a session say which (`client_session`). Default on.
    pub fn session_context(mut self, on: bool) -> Self {
        self.0.session_context = on;
        self
    }

    /// Whether events tell about the device: `mobile_context` on [`Platform::Mobile`], else `desktop_context`.
    /// Default on.
    pub fn device_context(mut self, on: bool) -> Self {
        self.0.device_context = on;
        self
    }

    /// Whether events tell the version of the app (`application`). Default on.
    pub fn application_context(mut self, on: bool) -> Self {
        self.0.application_context = on;
        self
    }

    /// Whether fields that Snowplow has no place for, and what led to an error, go along in contexts of our own,
    /// `iglu:io.sessio/fields/jsonschema/1-0-0` and `iglu:io.sessio/trail/jsonschema/1-0-0`, which the pipeline must
    /// know. Default on: off means that they are not sent.
    pub fn fields_context(mut self, on: bool) -> Self {
        self.0.fields_context = on;
        self
    }

    /// The build of the app, beside its version: up to 255 characters. Default that of the tracker's configuration.
    pub fn app_build(mut self, build: &str) -> Self {
        self.0.app_build = build.into();
        self
    }

    /// The language that errors come from, as `application_error` names it: `CPLUSPLUS`, `SWIFT` … Default `RUST`.
    pub fn programming_language(mut self, language: &str) -> Self {
        self.0.language = language.into();
        self
    }

    /// Whether the starts and ends of sessions go out, as self-describing events of our own
    /// (`iglu:io.sessio/session_start/…`), which the pipeline must know. Default off.
    pub fn session_events(mut self, on: bool) -> Self {
        self.0.session_events = on;
        self
    }

    /// What to do after an answer with this status (100 to 599). Default: 2xx done; 400, 401, 403, 410, 422 drop; the
    /// rest retry.
    pub fn status_rule(mut self, status: u16, rule: StatusRule) -> Self {
        self.0.statuses.insert(status, rule);
        self
    }

    /// The size of the screen in pixels (`res`). Default none.
    pub fn resolution(self, width: u32, height: u32) -> Self {
        self.subject("res", format!("{width}x{height}"))
    }

    /// The size of the window in pixels (`vp`). Default none.
    pub fn viewport(self, width: u32, height: u32) -> Self {
        self.subject("vp", format!("{width}x{height}"))
    }

    /// Bits per pixel (`cd`). Default none.
    pub fn color_depth(self, bits: u32) -> Self {
        self.subject("cd", bits.to_string())
    }

    /// The time zone (`tz`), e.g. `Europe/Vienna`. Default that of the device.
    pub fn time_zone(self, zone: &str) -> Self {
        self.subject("tz", zone.into())
    }

    /// The language of the user interface (`lang`), e.g. `de-AT`. Default that of the device.
    pub fn language(self, language: &str) -> Self {
        self.subject("lang", language.into())
    }

    /// The user agent (`ua`), in place of the one the collector sees. Default none.
    pub fn user_agent(self, agent: &str) -> Self {
        self.subject("ua", agent.into())
    }

    /// The user's IP address (`ip`), in place of the one the collector sees. Anonymous events go without. Default none.
    pub fn ip(self, address: &str) -> Self {
        self.subject("ip", address.into())
    }

    /// The id of a first-party cookie (`duid`). Anonymous events go without. Default none.
    pub fn domain_user_id(self, id: &str) -> Self {
        self.subject("duid", id.into())
    }

    /// The id of a third-party cookie (`tnuid`). Anonymous events go without. Default none.
    pub fn network_user_id(self, id: &str) -> Self {
        self.subject("tnuid", id.into())
    }

    fn subject(mut self, key: &'static str, value: String) -> Self {
        self.0.subject.insert(key, value);
        self
    }

    /// The collector.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for the first option that is no good, by its name.
    pub fn build(self) -> Result<Snowplow> {
        let config = self.0;
        let base = url::endpoint("the collector's URL", &config.url)?;
        let path = config.path.as_deref().unwrap_or(match config.method {
            Method::Post => "/com.snowplowanalytics.snowplow/tp2",
            Method::Get => "/i",
        });
        config.check()?;
        let endpoint = format!("{base}{path}");
        Ok(Snowplow { endpoint, config })
    }

    /// The builder as it is, unless an option is no good.
    pub(in crate::protocol) fn checked(self) -> Result<Self> {
        self.0.check()?;
        Ok(self)
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        if let Some(path) = &self.path {
            url::path("the collector's path", path)?;
        }
        if self.byte_limit == 0 {
            return Err(invalid("the byte limit is 0"));
        }
        if self.batch_size == 0 {
            return Err(invalid("the batch size is 0"));
        }
        if self.app_build.chars().count() > schema::VERSION {
            return Err(invalid(format!("the app's build is over {} characters", schema::VERSION)));
        }
        if !schema::LANGUAGES.contains(&self.language.as_str()) {
            return Err(invalid("the programming language is none that Snowplow knows"));
        }
        if let Some(status) = self.statuses.keys().find(|status| !(100..=599).contains(*status)) {
            return Err(invalid(format!("the status rule is for {status}, which is no status")));
        }
        self.check_subject()
    }

    fn check_subject(&self) -> Result<()> {
        const LONGEST: usize = 1_000;
        if let Some((key, _)) = self.subject.iter().find(|(_, value)| !(1..=LONGEST).contains(&value.len())) {
            return Err(invalid(format!("the subject's {key} has 1 to {LONGEST} bytes")));
        }
        if self.subject.get("ip").is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
            return Err(invalid("the subject's ip is no IP address"));
        }
        Ok(())
    }
}
