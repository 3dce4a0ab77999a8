//! Exceptionless' options.

use crate::error::Result;
use crate::event::limits;
use crate::protocol::options::{Texts, key};
use crate::protocol::url;

/// A tag may be this long; longer ones are cast away by the receiver.
const TAG: usize = 255;
/// Numbers, and what is ours to say.
const ENVIRONMENT_RESERVED: &[&str] = &["processor_count", "total_physical_memory", "install_id", "data"];

/// Exceptionless as a destination: which server, which project, and what goes along with each event.
///
/// ```
/// # fn main() -> sessio::Result<()> {
/// use sessio::protocol::Exceptionless;
///
/// let exceptionless = Exceptionless::new("https://collector.exceptionless.io", "API_KEY")?
///     .tag("desktop")?
///     .environment("machine_name", "till-3")?
///     .heartbeats(false);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Exceptionless {
    /// Without a slash at its end.
    pub(super) url: String,
    pub(super) api_key: String,
    pub(super) default_identity: bool,
    pub(super) heartbeats: bool,
    pub(super) gzip: bool,
    pub(super) tags: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) environment: Texts,
}

impl Exceptionless {
    /// The project of that API key on that server, with every default.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is no HTTP URL, or the key is empty or no visible ASCII.
    pub fn new(server_url: &str, api_key: &str) -> Result<Self> {
        Ok(Self {
            url: url::endpoint("the server URL", server_url)?,
            api_key: key("the API key", api_key)?,
            default_identity: true,
            heartbeats: true,
            gzip: true,
            tags: Vec::new(),
            version: None,
            environment: Texts::default(),
        })
    }

    /// Whether the installation's id stands for the user of a session where none is set. Without it, no session
    /// starts and ends go out unless a user is set. Default true: sessions need an identity there.
    pub fn default_identity(mut self, on: bool) -> Self {
        self.default_identity = on;
        self
    }

    /// Whether sessions are kept alive by heartbeats (S13). Default true.
    pub fn heartbeats(mut self, on: bool) -> Self {
        self.heartbeats = on;
        self
    }

    /// Whether large bodies may go in gzip. Default true: the server takes it, but one behind a proxy may not.
    pub fn gzip(mut self, on: bool) -> Self {
        self.gzip = on;
        self
    }

    /// A tag on everything that is sent; may be called for several. Default: none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is empty, [`crate::ErrorKind::TooLarge`] over 255 bytes.
    pub fn tag(mut self, tag: &str) -> Result<Self> {
        limits::name("a tag", tag, TAG)?;
        self.tags.push(tag.into());
        Ok(self)
    }

    /// The version to report in place of the app's. Default: that of the app.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] if it is empty.
    pub fn version(mut self, version: &str) -> Result<Self> {
        limits::name("the version", version, limits::IDENTITY)?;
        self.version = Some(version.into());
        Ok(self)
    }

    /// A text of `@environment`: replaces `o_s_name`, `architecture` …, or adds `machine_name`, `runtime_version` …
    /// Default: none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for an empty name, numbers and the installation's id.
    pub fn environment(mut self, name: &str, value: &str) -> Result<Self> {
        self.environment.set("@environment", ENVIRONMENT_RESERVED, name, value)?;
        Ok(self)
    }
}

impl std::fmt::Debug for Exceptionless {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exceptionless").field("url", &self.url).finish_non_exhaustive()
    }
}
