//! The host's callbacks: a list that may change at any time, also while they are called. No lock is held then, so that they
//! may call the tracker.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::callback::{Callback, CallbackId, Kind, SessionChange, SessionStart};
use crate::event::Event;
use crate::log::Logger;

use super::commit::lock;

// Which kinds there are.
pub(super) const SESSION_START: u8 = 1;
pub(super) const SESSION_CHANGE: u8 = 2;
pub(super) const EVENT: u8 = 4;

type List = Arc<Vec<(CallbackId, Callback)>>;

/// The callbacks of a tracker.
pub(super) struct Callbacks {
    list: Mutex<List>,
    /// So that who has none pays for one look.
    kinds: AtomicU8,
    last_id: AtomicU64,
    /// Events that were dropped.
    filtered: AtomicU64,
    logger: Logger,
}

thread_local! {
    /// This thread is inside an event callback: what is tracked there is not shown again.
    static SHOWING: Cell<bool> = const { Cell::new(false) };
    /// The trackers whose start callbacks this thread is inside of.
    static ASKING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl Callbacks {
    pub fn new(given: &[Callback], logger: Logger) -> Self {
        let callbacks = Self {
            list: Mutex::default(),
            kinds: AtomicU8::new(0),
            last_id: AtomicU64::new(0),
            filtered: AtomicU64::new(0),
            logger,
        };
        for callback in given {
            callbacks.add(callback.clone());
        }
        callbacks
    }

    #[inline]
    pub fn has(&self, kind: u8) -> bool {
        self.kinds.load(Ordering::Relaxed) & kind != 0
    }

    pub fn filtered(&self) -> u64 {
        self.filtered.load(Ordering::Relaxed)
    }

    pub fn add(&self, callback: Callback) -> CallbackId {
        let id = CallbackId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        self.change(|list| list.push((id, callback)));
        id
    }

    /// Gives whether it was there.
    pub fn remove(&self, id: CallbackId) -> bool {
        let mut found = false;
        self.change(|list| {
            let before = list.len();
            list.retain(|(is, _)| *is != id);
            found = list.len() < before;
        });
        found
    }

    /// Lets go of all of them.
    pub fn clear(&self) {
        self.change(Vec::clear);
    }

    fn change(&self, change: impl FnOnce(&mut Vec<(CallbackId, Callback)>)) {
        let mut list = lock(&self.list);
        let mut changed = list.to_vec();
        change(&mut changed);
        let kinds = changed.iter().fold(0, |kinds, (_, callback)| kinds | kind(callback));
        self.kinds.store(kinds, Ordering::Relaxed);
        let before = std::mem::replace(&mut *list, Arc::new(changed));
        drop(list);
        // What it let go of may be the host's, and do what it likes: outside of the lock.
        drop(before);
    }

    fn all(&self) -> List {
        Arc::clone(&lock(&self.list))
    }

    /// Whether the calling thread is inside a start callback of this tracker.
    pub fn is_asking(&self) -> bool {
        ASKING.try_with(|asking| asking.borrow().contains(&self.place())).unwrap_or(false)
    }

    fn place(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Asks whether the session may begin. A callback that panics has no say.
    pub fn ask(&self, start: &mut SessionStart) -> bool {
        let _ = ASKING.try_with(|asking| asking.borrow_mut().push(self.place()));
        let refused = self.all().iter().any(|(_, callback)| match &callback.0 {
            Kind::SessionStart(ask) => self.guarded("session start", || ask(start)) == Some(false),
            _ => false,
        });
        let _ = ASKING.try_with(|asking| asking.borrow_mut().pop());
        !refused
    }

    /// Shows an event. Gives whether it is to be tracked.
    pub fn show(&self, event: &mut Event) -> bool {
        if SHOWING.try_with(|showing| showing.replace(true)).unwrap_or(true) {
            return true;
        }
        let dropped = self.all().iter().any(|(_, callback)| match &callback.0 {
            Kind::Event(show) => self.guarded("event", || show(event)) == Some(false),
            _ => false,
        });
        let _ = SHOWING.try_with(|showing| showing.set(false));
        if dropped {
            self.filtered.fetch_add(1, Ordering::Relaxed);
        }
        !dropped
    }

    pub fn tell(&self, change: &SessionChange) {
        for (_, callback) in self.all().iter() {
            if let Kind::SessionChange(tell) = &callback.0 {
                self.guarded("session change", || tell(change));
            }
        }
    }

    fn guarded<T>(&self, what: &str, call: impl FnOnce() -> T) -> Option<T> {
        let answer = catch_unwind(AssertUnwindSafe(call)).ok();
        if answer.is_none() {
            self.logger.warn(|| format!("a {what} callback panicked and was ignored"));
        }
        answer
    }
}

fn kind(callback: &Callback) -> u8 {
    match callback.0 {
        Kind::SessionStart(_) => SESSION_START,
        Kind::SessionChange(_) => SESSION_CHANGE,
        Kind::Event(_) => EVENT,
    }
}
