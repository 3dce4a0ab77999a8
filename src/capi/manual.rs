//! Delivery driven by the host.

use std::time::Duration;

use super::handle::{Shared, null, put};
use super::request::sessio_request;
use super::status::sessio_status;
use super::tracker::{on, sessio_tracker};
use crate::tracker::{NextRequest, Tracker};

/// With manual delivery, puts the next request to send into `out`: to be carried, answered by `sessio_request_answer`
/// or `sessio_request_fail`, and freed. There may be more: ask until `out` is NULL, which means that there is nothing
/// to send now; then `wait_ms_out` is how long that is so (a receiver is left alone for a while), or UINT64_MAX, which
/// is until something changes: new events, the outcome of a request, the foreground. It is 0 with a request. Each
/// destination has at most one request under way; until its outcome there is no other for it.
///
/// Stores what is pending first: waits for the disk, at most a second, never for the network. From any thread.
///
/// A loop that sends what there is:
///
///   while (sessio_tracker_next_request(tracker, &request, &wait_ms) == SESSIO_OK && request != NULL) {
///     send_and_answer(request);                             (yours)
///     sessio_request_free(request);
///   }
///
/// SESSIO_ERROR_INVALID_ARGUMENT: manual delivery is off (`sessio_config_set_manual_delivery`).
///
/// # Safety
/// `tracker` is NULL or valid; `out` and `wait_ms_out` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_next_request(
    tracker: *mut sessio_tracker,
    out: *mut *mut sessio_request,
    wait_ms_out: *mut u64,
) -> sessio_status {
    let next = |tracker: &Tracker| {
        if out.is_null() || wait_ms_out.is_null() {
            return Err(null(if out.is_null() { "out" } else { "wait_ms_out" }));
        }
        let (request, wait_ms) = match tracker.next_request()? {
            NextRequest::Send(pending) => (sessio_request::of_tracker(pending).give(), 0),
            NextRequest::Wait(time) => (std::ptr::null_mut(), at_least(time)),
            NextRequest::Nothing => (std::ptr::null_mut(), u64::MAX),
        };
        // SAFETY: passed on from the caller.
        unsafe { put(out, request).and(put(wait_ms_out, wait_ms)) }
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, next) }
}

/// Milliseconds after which it is time; never 0, or a host would turn in circles.
fn at_least(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX - 1).max(1)
}
