//! The session in the app's own requests and links.

use std::ffi::{CString, c_char, c_void};

use super::boundary::struct_size;
use super::handle::null;
use super::status::sessio_status;
use super::text::{optional, text};
use super::tracker::{on, sessio_tracker};
use crate::error::Result;
use crate::protocol::snowplow::Platform;
use crate::tracker::{Link, Tracker};

/// What a decorated link says beside the user, the time and the session. All zero but `struct_size`: nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_link {
    /// sizeof(sessio_link)
    pub struct_size: usize,
    /// The id of the user who is signed in.
    pub user: bool,
    /// The app's id.
    pub app: bool,
    /// What the app runs on, one of "mob", "pc", "srv", "app", "tv", "cnsl", "iot", "web"; NULL: not told.
    pub platform: *const c_char,
    /// Why, e.g. the text of the link; NULL: not told.
    pub reason: *const c_char,
}

type Give = unsafe extern "C" fn(context: *mut c_void, value: *const c_char);

/// Headers for the app's own requests, so that a server can tell the session they belong to. Calls `give` once per
/// header, on this thread, with `context`, the header's name and its value, which are valid for the length of the call:
/// "baggage" with session.id (W3C, OpenTelemetry) while a session is open and not paused; "loupe-agent-sessionId" if Loupe
/// is among the destinations. Neither waits nor counts as activity. `give` may call the library.
///
/// # Safety
/// `tracker` is NULL or valid; `give` is NULL or a function of that kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_request_headers(
    tracker: *mut sessio_tracker,
    give: Option<unsafe extern "C" fn(context: *mut c_void, name: *const c_char, value: *const c_char)>,
    context: *mut c_void,
) -> sessio_status {
    let headers = |tracker: &Tracker| {
        let give = give.ok_or_else(|| null("give"))?;
        for (name, value) in tracker.request_headers()? {
            let (name, value) = (c_text(name), c_text(&value));
            // SAFETY: the host's function with the host's context; the texts live until it returns.
            unsafe { give(context, name.as_ptr(), value.as_ptr()) };
        }
        Ok(())
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, headers) }
}

/// A value for the header "baggage" that names the session, behind what the app has `given` already (NULL: nothing),
/// within the limits of W3C Baggage (8192 bytes, 64 members): over them, and without an open session, what is given stays
/// as it is. Calls `give` once, on this thread, with `context` and the value, which is valid for the length of the call.
///
/// # Safety
/// `tracker` is NULL or valid; `given` is NULL or NUL-terminated; `give` is NULL or a function of that kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_baggage(
    tracker: *mut sessio_tracker,
    given: *const c_char,
    give: Option<unsafe extern "C" fn(context: *mut c_void, value: *const c_char)>,
    context: *mut c_void,
) -> sessio_status {
    let baggage = |tracker: &Tracker| {
        let give = give.ok_or_else(|| null("give"))?;
        // SAFETY: passed on from the caller.
        let given = unsafe { optional("given", given)? }.unwrap_or_default();
        hand_over(give, context, &tracker.baggage(given)?)
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, baggage) }
}

/// A link with Snowplow's cross-navigation parameter "_sp", in place of one that is there: who follows it to another app
/// or site of yours is known there as the same user. `more` (NULL: nothing) says what it tells beside the installation's
/// user id, the time and the session. In anonymous mode the link stays as it is. Calls `give` once, on this thread, with
/// `context` and the link, which is valid for the length of the call.
///
/// # Safety
/// `tracker` is NULL or valid; `link` is NUL-terminated; `more` is NULL or a struct as its size says with texts that are
/// NULL or NUL-terminated; `give` is NULL or a function of that kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_tracker_decorate_link(
    tracker: *mut sessio_tracker,
    link: *const c_char,
    more: *const sessio_link,
    give: Option<unsafe extern "C" fn(context: *mut c_void, link: *const c_char)>,
    context: *mut c_void,
) -> sessio_status {
    let decorate = |tracker: &Tracker| {
        let give = give.ok_or_else(|| null("give"))?;
        // SAFETY: passed on from the caller.
        let (link, more) = unsafe { (text("link", link)?, read(more)?) };
        hand_over(give, context, &tracker.decorate_link(link, &more)?)
    };
    // SAFETY: passed on from the caller.
    unsafe { on(tracker, decorate) }
}

/// # Safety
/// `more` is NULL or a struct as its size says, with texts that live as long as the result.
unsafe fn read<'a>(more: *const sessio_link) -> Result<Link<'a>> {
    if more.is_null() {
        return Ok(Link::default());
    }
    // SAFETY: passed on from the caller.
    unsafe { struct_size("the link's options", more, size_of::<sessio_link>())? };
    // SAFETY: the struct is as large as ours, and its texts are as the caller says.
    unsafe {
        let more = more.read();
        let platform = optional("platform", more.platform)?.map(Platform::from_name).transpose()?;
        Ok(Link { user: more.user, app: more.app, platform, reason: optional("reason", more.reason)? })
    }
}

fn hand_over(give: Give, context: *mut c_void, value: &str) -> Result<()> {
    let value = c_text(value);
    // SAFETY: the host's function with the host's context; the text lives until it returns.
    unsafe { give(context, value.as_ptr()) };
    Ok(())
}

/// What comes from C, or is made of ids and numbers, has no NUL in it.
fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}
