//! Session tracking for native apps.
pub mod clock;
mod encoding;
pub mod error;
pub mod event;
pub mod ids;
pub mod log;
pub mod session;
pub use error::{Error, ErrorKind, Result};
