//! What the library has to say to the host's developers. It prints nothing by itself: without a logger the
//! messages go nowhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How much a message matters. The numbers are OpenTelemetry's severities and those of the C interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Level {
    /// What the library did, in detail.
    Debug = 5,
    /// Something worth knowing that needs no action.
    Info = 9,
    /// Something was wrong, and the library coped: a record was corrupt, a file was moved aside.
    Warn = 13,
    /// Something is wrong and goes on: events cannot be stored.
    Error = 17,
}

impl Level {
    /// The least level of at least that severity, 1 to 24; over all of them the highest.
    #[cfg_attr(not(feature = "capi"), allow(dead_code))] // C has severities
    pub(crate) fn from_severity(number: u32) -> Self {
        let levels = [Self::Debug, Self::Info, Self::Warn];
        levels.into_iter().find(|level| *level as u32 >= number).unwrap_or(Self::Error)
    }
}

type Write = dyn Fn(Level, &str) + Send + Sync;

/// Where messages go. Cloning it is cheap. A logger that panics is ignored.
#[derive(Clone, Default)]
pub struct Logger {
    write: Option<Arc<Write>>,
    least: Option<Level>,
}

impl Logger {
    /// A logger that hands each message to `write`, on the thread where it arises.
    pub fn new(write: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self { write: Some(Arc::new(write)), least: None }
    }

    /// The same, for messages of that level and over it.
    #[must_use]
    pub fn at_least(self, level: Level) -> Self {
        Self { least: Some(level), ..self }
    }

    pub(crate) fn log(&self, level: Level, message: impl FnOnce() -> String) {
        if let Some(write) = self.write.as_ref().filter(|_| self.least.is_none_or(|least| level >= least)) {
            let message = message();
            // A host's callback must not take the library's thread down with it.
            let _ = catch_unwind(AssertUnwindSafe(|| write(level, &message)));
        }
    }

    pub(crate) fn info(&self, message: impl FnOnce() -> String) {
        self.log(Level::Info, message);
    }

    pub(crate) fn warn(&self, message: impl FnOnce() -> String) {
        self.log(Level::Warn, message);
    }

    pub(crate) fn error(&self, message: impl FnOnce() -> String) {
        self.log(Level::Error, message);
    }
}

impl std::fmt::Debug for Logger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.write.is_some() { "Logger(set)" } else { "Logger(none)" })
    }
}
