#![cfg_attr(docsrs, feature(doc_cfg))]
//! Session tracking for native apps.
//!
//! A [`Tracker`] knows which session the user is in, stamps every event with it, and keeps both safe on the device.
//! Apps say when they go to background and what happens; the rest is done here.
//!
//! ```
//! use sessio::{Config, Event, Tracker};
//!
//! # fn main() -> sessio::Result<()> {
//! let tracker = Tracker::open(Config::builder().app("com.acme.shop", "1.2.0").build()?)?;
//! tracker.track(&Event::screen_view(Some("home"), None)?)?;
//! tracker.set_is_background(true)?;
//! assert_eq!(tracker.session()?.event_index, 1);
//! # Ok(())
//! # }
//! ```

pub mod callback;
#[cfg(feature = "capi")]
pub mod capi;
pub mod clock;
pub mod config;
mod database;
pub mod delivery;
mod device;
mod encoding;
pub mod error;
pub mod event;
pub mod ids;
mod journal;
pub mod log;
pub mod protocol;
pub mod session;
pub mod store;
pub mod tracker;

pub use callback::{Callback, CallbackId, Cause, ChangeKind, SessionChange, SessionStart};
pub use config::{BackgroundDelivery, Config, ConfigBuilder, Preset};
pub use database::{DeliveryCounts, Drops};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, Severity, User};
pub use session::{EndReason, RestartPolicy, Sampling, Session, SessionState, Spent};
pub use tracker::{DeliveryStats, Link, NextRequest, PendingRequest, Resumed, Scope, Stats, Tracker};

/// The examples of the README are compiled, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
