//! What can happen: the kinds of events, and how much a log record matters.

use crate::encoding::{Put, Take};
use crate::error::{Error, invalid};

/// OpenTelemetry's severity numbers, 1 (trace) to 24 (fatal 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Severity(u8);

impl Severity {
    /// Fine-grained debugging.
    pub const TRACE: Self = Self(1);
    /// Debugging.
    pub const DEBUG: Self = Self(5);
    /// Something happened, as it should.
    pub const INFO: Self = Self(9);
    /// Not an error, but worth a look.
    pub const WARN: Self = Self(13);
    /// Something went wrong.
    pub const ERROR: Self = Self(17);
    /// The app cannot go on.
    pub const FATAL: Self = Self(21);

    /// The severity of that number.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] outside 1 to 24.
    pub fn new(number: u32) -> Result<Self, Error> {
        match u8::try_from(number) {
            Ok(number @ 1..=24) => Ok(Self(number)),
            _ => Err(invalid(format!("a severity is 1 to 24, not {number}"))),
        }
    }

    /// Its number, 1 to 24.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What happened, with what each kind must say.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// A screen was shown. At least one of the two is there.
    ScreenView {
        /// What the app calls the screen.
        name: Option<String>,
        /// Which one it was.
        id: Option<String>,
    },
    /// Snowplow's structured event; `label`, `property` and `value` are fields.
    Structured {
        /// The group of events.
        category: String,
        /// What was done.
        action: String,
    },
    /// Data described by a schema of the host's.
    SelfDescribing {
        /// The schema's URI, e.g. `iglu:com.acme/thing/jsonschema/1-0-0`.
        schema: String,
        /// JSON that follows it.
        data: String,
    },
    /// Something took time.
    Timing {
        /// The group of timings.
        category: String,
        /// What was timed.
        variable: String,
        /// How long it took.
        timing_ms: u64,
    },
    /// A log record.
    Log {
        /// How much it matters.
        severity: Severity,
        /// Where it comes from: a logger's name, a class.
        source: Option<String>,
        /// What it says.
        message: String,
    },
    /// An error or exception (S14).
    Error {
        /// Its type or class.
        error_type: String,
        /// What it says.
        message: String,
        /// Nothing caught it.
        unhandled: bool,
    },
    /// A feature of the app was used.
    Feature {
        /// The feature.
        name: String,
    },
    /// The app came to foreground. The library's own, if lifecycle events are asked for.
    Foreground {
        /// How often that has happened since the tracker was opened, 1 for the first time.
        index: u32,
    },
    /// The app went to background. The library's own, if lifecycle events are asked for.
    Background {
        /// How often that has happened since the tracker was opened, 1 for the first time.
        index: u32,
    },
    /// The app is new on this device. The library's own, if lifecycle events are asked for.
    Install,
}

/// The names of the kinds in the order of their numbers, from 1.
const NAMES: [&str; 10] = [
    "screen_view",
    "structured",
    "self_describing",
    "timing",
    "log",
    "error",
    "feature",
    "foreground",
    "background",
    "install",
];

impl EventKind {
    /// Its name in every format: `screen_view`, `structured` …
    pub fn name(&self) -> &'static str {
        Self::name_of(self.number()).unwrap_or_default()
    }

    /// The name of the kind with that number.
    pub(crate) fn name_of(number: u8) -> Option<&'static str> {
        NAMES.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The kind's number in stored events. Never reused.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::ScreenView { .. } => 1,
            Self::Structured { .. } => 2,
            Self::SelfDescribing { .. } => 3,
            Self::Timing { .. } => 4,
            Self::Log { .. } => 5,
            Self::Error { .. } => 6,
            Self::Feature { .. } => 7,
            Self::Foreground { .. } => 8,
            Self::Background { .. } => 9,
            Self::Install => 10,
        }
    }

    /// For an error: whether nothing caught it.
    pub(crate) fn error(&self) -> Option<bool> {
        match self {
            Self::Error { unhandled, .. } => Some(*unhandled),
            _ => None,
        }
    }
}

// What a kind says, in stored events.
impl EventKind {
    pub(crate) fn encode(&self, out: &mut impl Put) {
        match self {
            Self::ScreenView { name, id } => {
                out.option(name.as_deref(), Put::text);
                out.option(id.as_deref(), Put::text);
            }
            Self::Structured { category: a, action: b } | Self::SelfDescribing { schema: a, data: b } => {
                out.text(a);
                out.text(b);
            }
            Self::Timing { category, variable, timing_ms } => {
                out.text(category);
                out.text(variable);
                out.u64(*timing_ms);
            }
            Self::Log { severity, source, message } => {
                out.u8(severity.number());
                out.option(source.as_deref(), Put::text);
                out.text(message);
            }
            Self::Error { error_type, message, unhandled } => {
                out.text(error_type);
                out.text(message);
                out.u8(u8::from(*unhandled));
            }
            Self::Feature { name } => out.text(name),
            Self::Foreground { index } | Self::Background { index } => out.u32(*index),
            Self::Install => {}
        }
    }

    pub(crate) fn decode(number: u8, from: &mut Take<'_>) -> Option<Self> {
        let text = |from: &mut Take<'_>| from.text().map(str::to_owned);
        Some(match number {
            1 => Self::ScreenView { name: from.option(text)?, id: from.option(text)? },
            2 => Self::Structured { category: text(from)?, action: text(from)? },
            3 => Self::SelfDescribing { schema: text(from)?, data: text(from)? },
            4 => Self::Timing { category: text(from)?, variable: text(from)?, timing_ms: from.u64()? },
            5 => Self::Log {
                severity: Severity::new(from.u8()?.into()).ok()?,
                source: from.option(text)?,
                message: text(from)?,
            },
            6 => Self::Error { error_type: text(from)?, message: text(from)?, unhandled: from.bool()? },
            7 => Self::Feature { name: text(from)? },
            8 => Self::Foreground { index: from.u32()? },
            9 => Self::Background { index: from.u32()? },
            10 => Self::Install,
            _ => return None,
        })
    }
}
