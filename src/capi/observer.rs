//! A delivery observer of the host's.

use std::ffi::{CString, c_char, c_void};
use std::fmt::Display;

use super::boundary::{UserData, struct_size};
use crate::delivery::{DeliveryObserver, DeliveryOutcome, DeliveryReport};
use crate::error::{Result, invalid};

/// The destination has them.
pub const SESSIO_DELIVERY_DELIVERED: u32 = 0;
/// They stay stored and are sent again.
pub const SESSIO_DELIVERY_WILL_RETRY: u32 = 1;
/// The destination gets them no more. They are counted.
pub const SESSIO_DELIVERY_DROPPED: u32 = 2;

/// What became of the events and sessions of a request, or of one that never got into a request. It and what it
/// points to are valid for the length of the call that hands it over.
#[repr(C)]
pub struct sessio_delivery {
    /// sizeof(sessio_delivery), as the library has it.
    pub struct_size: usize,
    /// The name of the destination.
    pub destination: *const c_char,
    /// SESSIO_DELIVERY_…; a later version may have others.
    pub outcome: u32,
    /// The status of the answer; 0 if there was none.
    pub status: u32,
    /// The ids of the events, in the order in which they were tracked: `event_count` UUIDs.
    pub event_ids: *const *const c_char,
    /// May be 0.
    pub event_count: usize,
    /// The ids of the sessions whose start or end is among it, in order: `session_count` texts. A session whose start
    /// and end go together is there twice.
    pub session_ids: *const *const c_char,
    /// May be 0.
    pub session_count: usize,
    /// How many of all these the destination refused one by one, without saying which. Only if delivered.
    pub rejected: u64,
    /// Why, in English: "status 503". "" if delivered.
    pub reason: *const c_char,
    /// How long the destination is left alone from now on; 0 if it is not.
    pub wait_ms: u64,
}

/// A delivery observer of the host's: is told what becomes of events, for each destination in the order in which it
/// happens.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_delivery_observer {
    /// sizeof(sessio_delivery_observer)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Called after it is stored, on the thread that sends to the destination; those of two destinations may call at
    /// once. With manual delivery it is the thread that answers the request, or asks for the next. It may block, which
    /// delays this destination, and call the library; flush and close do not wait when called from here.
    pub on_delivery: Option<unsafe extern "C" fn(user_data: *mut c_void, delivery: *const sessio_delivery)>,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

pub(super) struct HostObserver {
    user: UserData,
    on_delivery: unsafe extern "C" fn(*mut c_void, *const sessio_delivery),
}

impl HostObserver {
    /// # Safety
    /// `observer` is NULL or points to a struct as its size says, with functions that may be called from any thread.
    pub unsafe fn new(observer: *const sessio_delivery_observer) -> Result<Self> {
        // SAFETY: passed on from the caller.
        unsafe { struct_size("the delivery observer", observer, size_of::<sessio_delivery_observer>())? };
        // SAFETY: the struct is as large as ours.
        let observer = unsafe { observer.read() };
        // From here on it is released also on failure.
        let user = UserData::new(observer.user_data, observer.release);
        let on_delivery = observer.on_delivery;
        let on_delivery =
            on_delivery.ok_or_else(|| invalid("a delivery observer needs its function on_delivery"))?;
        Ok(Self { user, on_delivery })
    }
}

impl DeliveryObserver for HostObserver {
    fn on_delivery(&self, report: &DeliveryReport<'_>) {
        let (events, sessions) = (Texts::new(report.events), Texts::new(report.sessions));
        let (destination, reason) = (terminated(report.destination), terminated(report.reason));
        let wait = report.wait.map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let delivery = sessio_delivery {
            struct_size: size_of::<sessio_delivery>(),
            destination: destination.as_ptr(),
            outcome: outcome(report.outcome),
            status: report.status.map_or(0, u32::from),
            event_ids: events.pointers.as_ptr(),
            event_count: events.pointers.len(),
            session_ids: sessions.pointers.as_ptr(),
            session_count: sessions.pointers.len(),
            rejected: report.rejected as u64,
            reason: reason.as_ptr(),
            wait_ms: wait,
        };
        // SAFETY: the host's function with the host's data; everything in the struct lives until it returns.
        unsafe { (self.on_delivery)(self.user.data, &raw const delivery) };
    }
}

fn outcome(outcome: DeliveryOutcome) -> u32 {
    match outcome {
        DeliveryOutcome::Delivered => SESSIO_DELIVERY_DELIVERED,
        DeliveryOutcome::WillRetry => SESSIO_DELIVERY_WILL_RETRY,
        DeliveryOutcome::Dropped => SESSIO_DELIVERY_DROPPED,
    }
}

fn terminated(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

/// Ids as C has lists of text.
struct Texts {
    pointers: Vec<*const c_char>,
    _owned: Vec<CString>,
}

impl Texts {
    fn new(ids: &[impl Display]) -> Self {
        let owned: Vec<CString> = ids.iter().map(|id| terminated(&id.to_string())).collect();
        Self { pointers: owned.iter().map(|text| text.as_ptr()).collect(), _owned: owned }
    }
}
