//! Every option of every protocol by its name, as text: for the C interface, for configuration files, for languages
//! that have no builder of their own. `docs/wire.md` has the tables for people.

use std::sync::Arc;
use std::time::Duration;

use super::given::{Given, number};
use super::snowplow::{Platform, Snowplow, SnowplowBuilder, StatusRule};
use super::{Bugsnag, Exceptionless, Loupe, Method, Otlp, Protocol};
use crate::error::{Error, Result, invalid};

/// A receiver that is being set up: options by name, as text.
///
/// ```
/// # fn main() -> sessio::Result<()> {
/// use sessio::protocol::{Otlp, Setup};
///
/// let protocol = Setup::Otlp(Otlp::new("http://localhost:4318/v1/logs")?)
///     .set("header.Authorization", "Bearer KEY")?
///     .set("gzip", "false")?
///     .build()?;
/// assert_eq!(protocol.name(), "otlp");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
#[allow(missing_docs)] // each holds what its name says
pub enum Setup {
    Snowplow(SnowplowBuilder),
    Bugsnag(Bugsnag),
    Exceptionless(Exceptionless),
    Loupe(Loupe),
    Otlp(Otlp),
}

impl Setup {
    /// Sets an option; one that was set before is replaced, but for `tag`, which adds. Names are those of the methods
    /// in Rust, `status.404` and `header.X-Key` among them. Numbers have digits only, switches are `true` or `false`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`]: there is no such option, or its value is no good;
    /// [`crate::ErrorKind::TooLarge`]: it is over a limit. The message names the option and does not repeat the value,
    /// as it may be a secret.
    pub fn set(self, option: &str, value: &str) -> Result<Self> {
        match self {
            Self::Snowplow(it) => set(it, option, value).map(Self::Snowplow),
            Self::Bugsnag(it) => set(it, option, value).map(Self::Bugsnag),
            Self::Exceptionless(it) => set(it, option, value).map(Self::Exceptionless),
            Self::Loupe(it) => set(it, option, value).map(Self::Loupe),
            Self::Otlp(it) => set(it, option, value).map(Self::Otlp),
        }
    }

    /// The receiver.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`]: the URL of a Snowplow collector is no good; those of the others were
    /// checked when they were given.
    pub fn build(self) -> Result<Arc<dyn Protocol>> {
        Ok(match self {
            Self::Snowplow(it) => Arc::new(it.build()?),
            Self::Bugsnag(it) => Arc::new(it),
            Self::Exceptionless(it) => Arc::new(it),
            Self::Loupe(it) => Arc::new(it),
            Self::Otlp(it) => Arc::new(it),
        })
    }

    /// What a destination is called unless it is given another name: that of its protocol.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Snowplow(_) => Snowplow::NAME,
            Self::Bugsnag(it) => it.name(),
            Self::Exceptionless(it) => it.name(),
            Self::Loupe(it) => it.name(),
            Self::Otlp(it) => it.name(),
        }
    }

    /// The names of all its options. One that ends with a dot is the beginning of a name: `header.`
    pub fn options(&self) -> Vec<&'static str> {
        match self {
            Self::Snowplow(_) => names::<SnowplowBuilder>(),
            Self::Bugsnag(_) => names::<Bugsnag>(),
            Self::Exceptionless(_) => names::<Exceptionless>(),
            Self::Loupe(_) => names::<Loupe>(),
            Self::Otlp(_) => names::<Otlp>(),
        }
    }
}

/// An option's name, and what it does. A name with a dot at its end stands for all that begin with it.
type Choice<T> = (&'static str, fn(T, &Given<'_>) -> Result<T>);

/// What has options.
trait HasOptions: Sized + 'static {
    const OPTIONS: &'static [Choice<Self>];

    /// Refuses an option that its setter took unseen.
    fn check(self) -> Result<Self> {
        Ok(self)
    }
}

fn names<T: HasOptions>() -> Vec<&'static str> {
    T::OPTIONS.iter().map(|(name, _)| *name).collect()
}

fn set<T: HasOptions>(to: T, option: &str, text: &str) -> Result<T> {
    let found = T::OPTIONS.iter().find_map(|(name, set)| Some((set, key(name, option)?)));
    let Some((set, key)) = found else {
        return Err(invalid(format!("there is no option {option:?}; there are {}", names::<T>().join(" "))));
    };
    let done = set(to, &Given { key, text }).and_then(T::check);
    done.map_err(|error| Error::new(error.kind(), format!("the option {option:?}: {error}")))
}

/// What stands behind the name, if it is the option's.
fn key<'a>(name: &str, option: &'a str) -> Option<&'a str> {
    option.strip_prefix(name).filter(|key| key.is_empty() || name.ends_with('.'))
}

impl HasOptions for SnowplowBuilder {
    const OPTIONS: &'static [Choice<Self>] = &[
        ("method", |it, given| Ok(it.method(given.one_of(&[("get", Method::Get), ("post", Method::Post)])?))),
        ("path", |it, given| Ok(it.path(given.text))),
        ("platform", |it, given| Ok(it.platform(Platform::from_name(given.text)?))),
        ("base64", |it, given| Ok(it.base64(given.on()?))),
        ("byte_limit", |it, given| Ok(it.byte_limit(given.number()?))),
        ("batch_size", |it, given| Ok(it.batch_size(given.number()?))),
        ("gzip", |it, given| Ok(it.gzip(given.on()?))),
        ("session_context", |it, given| Ok(it.session_context(given.on()?))),
        ("device_context", |it, given| Ok(it.device_context(given.on()?))),
        ("application_context", |it, given| Ok(it.application_context(given.on()?))),
        ("fields_context", |it, given| Ok(it.fields_context(given.on()?))),
        ("app_build", |it, given| Ok(it.app_build(given.text))),
        ("programming_language", |it, given| Ok(it.programming_language(given.text))),
        ("session_events", |it, given| Ok(it.session_events(given.on()?))),
        ("status.", |it, given| Ok(it.status_rule(number(given.key)?, given.one_of(RULES)?))),
        ("resolution", |it, given| given.size().map(|(width, height)| it.resolution(width, height))),
        ("viewport", |it, given| given.size().map(|(width, height)| it.viewport(width, height))),
        ("color_depth", |it, given| Ok(it.color_depth(given.number()?))),
        ("time_zone", |it, given| Ok(it.time_zone(given.text))),
        ("language", |it, given| Ok(it.language(given.text))),
        ("user_agent", |it, given| Ok(it.user_agent(given.text))),
        ("ip", |it, given| Ok(it.ip(given.text))),
        ("domain_user_id", |it, given| Ok(it.domain_user_id(given.text))),
        ("network_user_id", |it, given| Ok(it.network_user_id(given.text))),
    ];

    fn check(self) -> Result<Self> {
        self.checked()
    }
}

const RULES: &[(&str, StatusRule)] =
    &[("done", StatusRule::Done), ("retry", StatusRule::Retry), ("drop", StatusRule::Drop)];

impl HasOptions for Bugsnag {
    const OPTIONS: &'static [Choice<Self>] = &[
        ("sessions_endpoint", |it, given| it.sessions_endpoint(given.text)),
        ("notify_endpoint", |it, given| it.notify_endpoint(given.text)),
        ("release_stage", |it, given| it.release_stage(given.text)),
        ("enabled_release_stages", |it, given| it.enabled_release_stages(&given.list()?)),
        ("app.", |it, given| it.app(given.key, given.text)),
        ("device.", |it, given| it.device(given.key, given.text)),
        ("runtime_version.", |it, given| it.runtime_version(given.key, given.text)),
        ("max_age_ms", |it, given| it.max_age(Duration::from_millis(given.number()?))),
        ("max_sessions", |it, given| it.max_sessions(given.number()?)),
    ];
}

impl HasOptions for Exceptionless {
    const OPTIONS: &'static [Choice<Self>] = &[
        ("default_identity", |it, given| Ok(it.default_identity(given.on()?))),
        ("heartbeats", |it, given| Ok(it.heartbeats(given.on()?))),
        ("gzip", |it, given| Ok(it.gzip(given.on()?))),
        ("tag", |it, given| it.tag(given.text)),
        ("version", |it, given| it.version(given.text)),
        ("environment.", |it, given| it.environment(given.key, given.text)),
    ];
}

impl HasOptions for Loupe {
    const OPTIONS: &'static [Choice<Self>] = &[
        ("header.", |it, given| it.header(given.key, given.text)),
        ("product", |it, given| it.product(given.text)),
        ("application", |it, given| it.application(given.text)),
        ("client_name", |it, given| it.client_name(given.text)),
        ("client_version", |it, given| it.client_version(given.text)),
        ("screen_size", |it, given| given.size().and_then(|(width, height)| it.screen_size(width, height))),
        ("gzip", |it, given| Ok(it.gzip(given.on()?))),
    ];
}

impl HasOptions for Otlp {
    const OPTIONS: &'static [Choice<Self>] = &[
        ("header.", |it, given| it.header(given.key, given.text)),
        ("resource_attribute.", |it, given| it.resource_attribute(given.key, given.text)),
        ("gzip", |it, given| Ok(it.gzip(given.on()?))),
    ];
}
