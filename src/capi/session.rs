//! The session by value.

use std::ffi::{CStr, c_char};
use std::mem::offset_of;

use super::boundary::fill;
use super::text::array;
use crate::error::Result;
use crate::session::Session;

/// There has been no session yet.
pub const SESSIO_SESSION_NONE: u32 = 0;
/// A session is open.
pub const SESSIO_SESSION_ACTIVE: u32 = 1;
/// A session is open, and a pause is in force.
pub const SESSIO_SESSION_PAUSED: u32 = 2;
/// The last session has ended, and none has begun since; also after a restart.
pub const SESSIO_SESSION_ENDED: u32 = 3;

/// It has not ended.
pub const SESSIO_END_NONE: u32 = 0;
/// Its timeout passed.
pub const SESSIO_END_TIMEOUT: u32 = 1;
/// It was over its maximum length.
pub const SESSIO_END_MAX_DURATION: u32 = 2;
/// The host started another.
pub const SESSIO_END_REPLACED: u32 = 3;
/// The host ended it.
pub const SESSIO_END_ENDED: u32 = 4;
/// The user changed.
pub const SESSIO_END_USER_CHANGED: u32 = 5;
/// Anonymous mode was switched.
pub const SESSIO_END_ANONYMITY_CHANGED: u32 = 6;
/// Tracking was switched off.
pub const SESSIO_END_DISABLED: u32 = 7;
/// The tracker was closed under the policy SESSIO_RESTART_START_NEW.
pub const SESSIO_END_SHUTDOWN: u32 = 8;
/// The app was restarted under that policy.
pub const SESSIO_END_RESTART: u32 = 9;
/// The app crashed.
pub const SESSIO_END_CRASHED: u32 = 10;
/// The app was killed, under that policy.
pub const SESSIO_END_KILLED: u32 = 11;

/// A session, by value. Texts are UTF-8, terminated, "" when there is none; times are UTC in milliseconds since 1970,
/// 0 when there is none. Set `struct_size` before handing it over to be filled.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_session {
    /// sizeof(sessio_session)
    pub struct_size: usize,
    /// SESSIO_SESSION_…
    pub state: u32,
    /// SESSIO_END_…; SESSIO_END_NONE while it is open.
    pub end_reason: u32,
    /// The installation, a UUID; the nil UUID in anonymous mode.
    pub user_id: [c_char; 37],
    /// A UUID, or the host's own id.
    pub id: [c_char; 129],
    /// The session before; "" for the first, and where the two must not be linked.
    pub previous_id: [c_char; 129],
    /// "" until an event is tracked.
    pub first_event_id: [c_char; 37],
    /// 1 for the first session ever of the namespace; 0 before.
    pub index: u32,
    /// The number of the last event, which is also how many there are.
    pub event_index: u32,
    /// The app is in background. In the history: it was, at the end.
    pub is_background: bool,
    /// When the first event was tracked.
    pub first_event_at_ms: i64,
    /// When the session began.
    pub started_at_ms: i64,
    /// The last event, change of background, or resume.
    pub last_activity_at_ms: i64,
    /// When it ended; after a kill that is when the process was last known to live.
    pub ended_at_ms: i64,
    /// Time in foreground. The three add up to the duration, whatever the wall clock did; of an open session they are
    /// true up to the last call that changed something, or the last second.
    pub foreground_ms: u64,
    /// Time in background, and time in which no process ran.
    pub background_ms: u64,
    /// Time paused.
    pub paused_ms: u64,
    /// Errors the app caught.
    pub handled_errors: u32,
    /// Errors nothing caught.
    pub unhandled_errors: u32,
    /// When the process was last known to live; kept to within a second while it does.
    pub last_seen_at_ms: i64,
}

/// The name of a state: "none", "active", "paused", "ended". Never NULL; valid for ever. "unknown" for any other
/// number.
#[unsafe(no_mangle)]
pub extern "C" fn sessio_session_state_text(state: u32) -> *const c_char {
    let text: &CStr = match state {
        SESSIO_SESSION_NONE => c"none",
        SESSIO_SESSION_ACTIVE => c"active",
        SESSIO_SESSION_PAUSED => c"paused",
        SESSIO_SESSION_ENDED => c"ended",
        _ => c"unknown",
    };
    text.as_ptr()
}

/// The name of a reason: "none", "timeout", "max_duration" … Never NULL; valid for ever. "unknown" for any other
/// number.
#[unsafe(no_mangle)]
pub extern "C" fn sessio_end_reason_text(end_reason: u32) -> *const c_char {
    let text: &CStr = match end_reason {
        SESSIO_END_NONE => c"none",
        SESSIO_END_TIMEOUT => c"timeout",
        SESSIO_END_MAX_DURATION => c"max_duration",
        SESSIO_END_REPLACED => c"replaced",
        SESSIO_END_ENDED => c"ended",
        SESSIO_END_USER_CHANGED => c"user_changed",
        SESSIO_END_ANONYMITY_CHANGED => c"anonymity_changed",
        SESSIO_END_DISABLED => c"disabled",
        SESSIO_END_SHUTDOWN => c"shutdown",
        SESSIO_END_RESTART => c"restart",
        SESSIO_END_CRASHED => c"crashed",
        SESSIO_END_KILLED => c"killed",
        _ => c"unknown",
    };
    text.as_ptr()
}

impl sessio_session {
    pub(super) fn new(session: &Session) -> Self {
        Self {
            struct_size: size_of::<Self>(),
            state: session.state as u32,
            end_reason: session.end_reason.map_or(SESSIO_END_NONE, |reason| reason as u32),
            user_id: array(Some(&session.user_id)),
            id: array(session.id.as_ref()),
            previous_id: array(session.previous_id.as_ref()),
            first_event_id: array(session.first_event_id),
            index: session.index,
            event_index: session.event_index,
            is_background: session.is_background,
            first_event_at_ms: session.first_event_at.unwrap_or(0),
            started_at_ms: session.started_at.unwrap_or(0),
            last_activity_at_ms: session.last_activity_at.unwrap_or(0),
            ended_at_ms: session.ended_at.unwrap_or(0),
            foreground_ms: session.durations.foreground_ms,
            background_ms: session.durations.background_ms,
            paused_ms: session.durations.paused_ms,
            handled_errors: session.handled_errors,
            unhandled_errors: session.unhandled_errors,
            last_seen_at_ms: session.last_seen_at.unwrap_or(0),
        }
    }

    /// Writes it into a caller's struct, of whatever edition.
    ///
    /// # Safety
    /// `out` is NULL or a struct as its size says.
    pub(super) unsafe fn put(self, out: *mut Self) -> Result<()> {
        // SAFETY: passed on from the caller. The first edition ended with this field.
        unsafe { fill("out", out, offset_of!(Self, unhandled_errors) + size_of::<u32>(), self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::EndReason;

    #[test]
    fn the_names_and_numbers_are_those_of_the_engine() {
        for number in 0..=u8::MAX {
            // SAFETY: every text is a constant.
            let text = unsafe { CStr::from_ptr(sessio_end_reason_text(number.into())) }.to_str().unwrap();
            let expected = match EndReason::from_number(number) {
                Some(reason) => reason.name(),
                None if number == 0 => "none",
                None => "unknown",
            };
            assert_eq!(text, expected);
        }
    }
}
