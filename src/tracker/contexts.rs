//! Global contexts: data of the host's that goes along with every event. They are encoded when they are set, so that an event
//! only copies them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

#[cfg(doc)]
use crate::error::ErrorKind;
use crate::error::Result;
use crate::event::{Context, EncodedContexts, limits};

use super::Tracker;
use super::commit::lock;

/// The global contexts of a tracker.
#[derive(Default)]
pub(super) struct Contexts {
    list: Mutex<Vec<Context>>,
    encoded: RwLock<Arc<EncodedContexts>>,
    /// So that who has none pays for one look.
    any: AtomicBool,
}

impl Contexts {
    pub fn new(given: &[Context]) -> Self {
        let contexts = Self::default();
        contexts.change(|list| list.extend_from_slice(given));
        contexts
    }

    /// In the form of stored events.
    #[inline]
    pub fn encoded(&self) -> Option<Arc<EncodedContexts>> {
        self.any.load(Ordering::Relaxed).then(|| {
            let encoded = self.encoded.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&encoded)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Context>) -> T) -> T {
        let mut list = lock(&self.list);
        let answer = change(&mut list);
        *self.encoded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(EncodedContexts::new(&list));
        self.any.store(!list.is_empty(), Ordering::Relaxed);
        answer
    }

    fn set(&self, context: Context) -> Result<()> {
        self.change(|list| {
            let mut changed = list.clone();
            changed.retain(|other| other.schema != context.schema);
            changed.push(context);
            limits::global_contexts(&changed)?;
            *list = changed;
            Ok(())
        })
    }
}

impl Tracker {
    /// Adds data in a schema of its own to every event from now on, in place of that of the same schema. It is not kept: set
    /// it after each start.
    ///
    /// # Errors
    /// As [`crate::Event::add_context`], and [`ErrorKind::TooLarge`] over [`limits::GLOBAL_CONTEXTS`] or
    /// [`limits::GLOBAL_CONTEXTS_BYTES`]; [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn set_global_context(&self, schema: &str, data: &str) -> Result<()> {
        self.check_open()?;
        self.shared.contexts.set(Context::new(schema, data)?)
    }

    /// Removes the global context of that schema. Gives whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], [`ErrorKind::Forked`].
    pub fn remove_global_context(&self, schema: &str) -> Result<bool> {
        self.check_open()?;
        Ok(self.shared.contexts.change(|list| {
            let before = list.len();
            list.retain(|context| context.schema != schema);
            list.len() < before
        }))
    }
}
