//! To whom events are delivered: destinations and their options.

use std::ffi::c_char;

use super::boundary::guard;
use super::config::sessio_config;
use super::handle::Owned;
use super::status::sessio_status;
use super::text::{optional, text};
use crate::config::ConfigBuilder;
use crate::delivery::Destination;
use crate::error::{Error, Result, invalid};
use crate::protocol::snowplow::Snowplow;
use crate::protocol::{Bugsnag, Exceptionless, Loupe, Otlp, Setup};

/// A destination as it is set up so far.
#[derive(Clone)]
pub(super) struct Planned {
    name: String,
    setup: Setup,
}

/// The option of every destination that is ours.
const NAME: &str = "name";

impl Planned {
    /// Whether it is one that can be delivered to.
    fn check(&self) -> Result<()> {
        Destination::new(&self.name, self.setup.clone().build()?).map(drop)
    }

    /// The builder with it.
    pub fn add_to(&self, builder: ConfigBuilder) -> Result<ConfigBuilder> {
        Ok(builder.shared_destination(&self.name, self.setup.clone().build()?))
    }
}

/// Adds a destination under the name of its protocol; the config stays as it was if it is refused.
///
/// # Safety
/// `config` is NULL or valid and used by this call alone.
unsafe fn add(config: *mut sessio_config, setup: Result<Setup>) -> Result<()> {
    // SAFETY: passed on from the caller.
    let config = unsafe { sessio_config::borrow_mut(config)? };
    let setup = setup?;
    let planned = Planned { name: setup.name().to_owned(), setup };
    planned.check()?;
    check_unused(&config.destinations, &planned.name)?;
    config.destinations.push(planned);
    Ok(())
}

fn check_unused(destinations: &[Planned], name: &str) -> Result<()> {
    if destinations.iter().any(|planned| planned.name == name) {
        return Err(invalid(format!("there is a destination named {name:?} already")));
    }
    Ok(())
}

/// Sets an option of a destination; it stays as it was if the option is refused.
fn set_option(destinations: &mut [Planned], name: &str, option: &str, value: &str) -> Result<()> {
    let at = destinations.iter().position(|planned| planned.name == name);
    let at = at.ok_or_else(|| invalid(format!("there is no destination named {name:?}")))?;
    let mut planned = destinations[at].clone();
    if option != NAME {
        planned.setup = planned.setup.set(option, value)?;
    } else if value != name {
        check_unused(destinations, value)?;
        planned.name = value.to_owned();
    }
    planned.check()?;
    destinations[at] = planned;
    Ok(())
}

/// Delivers to a Snowplow collector, as the destination "snowplow". The URL has no path of the protocol's:
/// `"https://collector.acme.example"`.
///
/// This and its four siblings check at once what they are given: a URL is http or https, with a host, perhaps a port
/// and a path, without user name, query and fragment. SESSIO_ERROR_INVALID_ARGUMENT: it is not, a key is empty or
/// no visible ASCII, or there is a destination of that name already; the last error says which, without the URL or
/// the key, and the config stays as it was. For a second destination of a protocol (the same URL is fine) give the
/// first one another name before: `sessio_config_set_destination_option(config, "snowplow", "name", "marketing")`.
///
/// Under its name a destination has its progress and its counters in the database, and goes on there after a restart
/// of the app, also if its URL has changed. One that is new gets what is stored already; nothing is owed to one that is
/// not configured any more.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_snowplow(
    config: *mut sessio_config,
    collector_url: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let url = unsafe { text("collector_url", collector_url)? };
        // SAFETY: passed on from the caller.
        unsafe { add(config, Ok(Setup::Snowplow(Snowplow::builder(url)))) }
    })
}

/// Delivers to Bugsnag, as the destination "bugsnag": sessions to `sessions_url`, for which NULL means Bugsnag's own
/// (`https://sessions.bugsnag.com/`). Errors are sent only with the option `notify_endpoint`.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_bugsnag(
    config: *mut sessio_config,
    sessions_url: *const c_char,
    api_key: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let url = unsafe { optional("sessions_url", sessions_url)? };
        // SAFETY: passed on from the caller.
        let key = unsafe { text("api_key", api_key)? };
        let bugsnag = Bugsnag::new(key).and_then(|it| match url {
            Some(url) => it.sessions_endpoint(url),
            None => Ok(it),
        });
        // SAFETY: passed on from the caller.
        unsafe { add(config, bugsnag.map(Setup::Bugsnag)) }
    })
}

/// Delivers to an Exceptionless server, as the destination "exceptionless": `"https://collector.exceptionless.io"`, or
/// one's own.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_exceptionless(
    config: *mut sessio_config,
    server_url: *const c_char,
    api_key: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let (url, key) = unsafe { (text("server_url", server_url)?, text("api_key", api_key)?) };
        // SAFETY: passed on from the caller.
        unsafe { add(config, Exceptionless::new(url, key).map(Setup::Exceptionless)) }
    })
}

/// Delivers to a Loupe server, as the destination "loupe". /loupe/log is added to the URL. A key, where one is
/// needed, is a header: the option `header.<name>`.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_loupe(
    config: *mut sessio_config,
    server_url: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let url = unsafe { text("server_url", server_url)? };
        // SAFETY: passed on from the caller.
        unsafe { add(config, Loupe::new(url).map(Setup::Loupe)) }
    })
}

/// Delivers to an OpenTelemetry collector as OTLP logs in JSON, as the destination "otlp". The URL is the whole one,
/// to which nothing is added: `"http://localhost:4318/v1/logs"`. A key, where one is needed, is a header: the option
/// `header.Authorization`.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_add_otlp(
    config: *mut sessio_config,
    logs_url: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let url = unsafe { text("logs_url", logs_url)? };
        // SAFETY: passed on from the caller.
        unsafe { add(config, Otlp::new(url).map(Setup::Otlp)) }
    })
}

/// Sets an option of a destination that was added. An option that was set before is replaced. Everything is checked
/// at once: SESSIO_ERROR_INVALID_ARGUMENT (there is no such destination, no such option, or its value is no good) or
/// SESSIO_ERROR_TOO_LARGE; the last error names the option, does not repeat the value, as it may be a secret, and the
/// destination stays as it was.
///
/// Values are text. A switch is "true" or "false"; a number has decimal digits and nothing else; a size is
/// "1920x1080"; <...> in an option's name stands for any name. The options, and their defaults in brackets:
///
/// All destinations
/// - `name`: 1 to 64 of A-Z a-z 0-9 . _ -, another one for each destination (its protocol: "snowplow" ...). From
///   then on the destination is called that, here, too, in the statistics and for the delivery observer.
///
/// Snowplow
/// - `method`: get or post (post): one event in a URL, or many in a body.
/// - `path`: begins with a slash (/com.snowplowanalytics.snowplow/tp2, /i for get): what follows the URL.
/// - `platform`: mob pc srv app tv cnsl iot web (by the system compiled for).
/// - `base64`: switch (true): contexts and self-describing data go in base64.
/// - `byte_limit`: number from 1 (40000): the largest body; an event over it goes alone.
/// - `batch_size`: number from 1 (100): most events of a body.
/// - `gzip`: switch (false): large bodies may go compressed; older collectors do not read that.
/// - `session_context`, `device_context`, `application_context`: switches (true): the contexts client_session,
///   mobile_context or desktop_context, and application.
/// - `fields_context`: switch (true): the contexts io.sessio/fields and, with an error, io.sessio/trail; without them
///   fields that have no place elsewhere, and what led to an error, are not sent.
/// - `app_build`: up to 255 characters (the app's): the build of the app.
/// - `programming_language`: RUST CPLUSPLUS SWIFT ... (RUST): of errors.
/// - `session_events`: switch (false): starts and ends of sessions are events of their own.
/// - `status.<code>`: done, retry or drop (as docs/wire.md says): what a status from 100 to 599 means.
/// - `resolution`, `viewport`: sizes (none). `color_depth`: number (none).
/// - `time_zone`, `language`: up to 1,000 bytes (the device's). `user_agent`, `domain_user_id`, `network_user_id`:
///   likewise (none). `ip`: an IPv4 or IPv6 address (none).
///
/// Bugsnag
/// - `sessions_endpoint`: URL (as added): where sessions go.
/// - `notify_endpoint`: URL (none): where errors go; without it they are not sent.
/// - `release_stage`: text (production): the stage of this build.
/// - `enabled_release_stages`: texts with commas between them, no spaces (all): stages that report; "" for none.
/// - `app.<field>`, `device.<field>`: text (none): replaces or joins the texts of app and device.
/// - `runtime_version.<name>`: text (none): joins device.runtimeVersions.
/// - `max_age_ms`: number up to 5184000000 (5184000000, 60 days): what is older is dropped.
/// - `max_sessions`: 1 to 100000 (128): most sessions that wait; of more the oldest are dropped.
///
/// Exceptionless
/// - `default_identity`: switch (true): the installation's id stands for the user of a session that has none.
/// - `heartbeats`: switch (true): sessions are kept alive.
/// - `gzip`: switch (true): large bodies may go compressed.
/// - `tag`: up to 255 bytes (none): one more tag on everything; each setting adds one.
/// - `version`: up to 512 bytes (the app's): the version.
/// - `environment.<field>`: text (none): replaces or joins the texts of the environment.
///
/// Loupe
/// - `header.<name>`: visible ASCII, spaces, tabs (none): one more header of every request: a key, for example.
/// - `product`: text (the device's model). `application`: text (the app id). `client_name`: text (the application).
///   `client_version`: text (the app's). `screen_size`: size, neither 0 (none).
/// - `gzip`: switch (false): large bodies may go compressed; Loupe's own agent sends none that are.
///
/// OpenTelemetry
/// - `header.<name>`: visible ASCII, spaces, tabs (none): one more header of every request: a key, for example.
/// - `resource_attribute.<key>`: text (none): replaces or joins the attributes of the resource.
/// - `gzip`: switch (true): large bodies may go compressed.
///
/// # Safety
/// `config` is NULL or a valid config that no other thread uses now; texts are NUL-terminated.
#[allow(rustdoc::invalid_html_tags)] // the header has no markup: <...> is for people
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_config_set_destination_option(
    config: *mut sessio_config,
    destination: *const c_char,
    option: *const c_char,
    value: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let config = unsafe { sessio_config::borrow_mut(config)? };
        // SAFETY: passed on from the caller.
        let (name, option) = unsafe { (text("destination", destination)?, text("option", option)?) };
        // SAFETY: passed on from the caller.
        let value = unsafe { text("value", value)? };
        set_option(&mut config.destinations, name, option, value)
            .map_err(|e| Error::new(e.kind(), format!("the destination {name:?}: {e}")))
    })
}
