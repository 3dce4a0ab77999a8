//! A receiver that is configured.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::error::{Result, invalid};
use crate::protocol::{Item, Protocol};

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// A receiver under a name. Under that name its progress is kept: after a restart it goes on where it was, also if
/// its address has changed.
#[derive(Clone)]
pub struct Destination {
    name: Arc<str>,
    protocol: Arc<dyn Protocol>,
}

impl Destination {
    /// A receiver under a name of 1 to 64 of `A-Z a-z 0-9 . _ -`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for another name.
    pub fn new(name: &str, protocol: Arc<dyn Protocol>) -> Result<Self> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(fits) {
            return Err(invalid(format!(
                "the name of a destination is 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ -, not {name:?}"
            )));
        }
        Ok(Self { name: name.into(), protocol })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a use for an item. A protocol of the host's that panics has none.
    pub(crate) fn takes(&self, item: &Item) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.protocol.takes(item))).unwrap_or(false)
    }

    /// How it is spoken to.
    pub fn protocol(&self) -> &Arc<dyn Protocol> {
        &self.protocol
    }
}

impl std::fmt::Debug for Destination {
    /// Without what the protocol knows: keys are among it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Destination({}, {})", self.name, self.protocol.name())
    }
}
