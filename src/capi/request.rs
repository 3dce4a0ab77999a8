//! A request that the host carries, in either seam.

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::boundary::{UserData, guard, guard_or, struct_size};
use super::handle::{Shared, null};
use super::status::sessio_status;
use super::text::{optional, text};
use crate::delivery::{Answer, Call, Outcome, policy};
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::protocol::{Method, Request};
use crate::tracker::{PendingRequest, fork_generation};

/// An HTTP request of the library's that the host carries: handed to the function `send` of a sessio_transport, or by
/// `sessio_tracker_next_request`. It is the host's until `sessio_request_free` and has its outcome once, by
/// `sessio_request_answer` or `sessio_request_fail`; freed without one it counts as failed, and its events stay stored
/// and are sent again. What it says (URL, headers, body) never changes and may be read from several threads at once,
/// also after the outcome; it may outlive its tracker.
pub struct sessio_request {
    method: &'static CStr,
    url: CString,
    headers: Vec<(CString, CString)>,
    body: Vec<u8>,
    reply: Reply,
    /// The fork generation of the process that it was made in.
    forks: u32,
}

impl Shared for sessio_request {
    const NAME: &'static str = "the request";
}

/// Who waits for the outcome.
enum Reply {
    Sender(Call),
    Tracker(Mutex<Option<Box<PendingRequest>>>),
}

/// C may use a handle from any thread.
const _: fn() = || {
    fn may_be_shared<T: Send + Sync>() {}
    may_be_shared::<sessio_request>();
};

/// What to do when nobody waits for the answer to a request any more.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_cancellation {
    /// sizeof(sessio_cancellation)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Called at most once, to let go of the connection at once: the tracker is being closed, or the time for the
    /// request is over. On a thread of the library's that others wait for, while another one may just be about to
    /// answer: it must not block. It may call sessio_request_fail and the like.
    pub cancel: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Called exactly once, when `cancel` has returned or can never be called any more: at the outcome of the
    /// request, when it is freed, or when another cancellation takes the place of this one. Also if the call it was
    /// given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

impl sessio_request {
    fn new(request: Request, reply: Reply) -> Self {
        // Checked when it was written: there is no NUL in it.
        let text = |text: String| CString::new(text).unwrap_or_default();
        Self {
            method: match request.method {
                Method::Get => c"GET",
                Method::Post => c"POST",
            },
            url: text(request.url),
            headers: request.headers.into_iter().map(|(name, value)| (text(name), text(value))).collect(),
            body: request.body,
            reply,
            forks: fork_generation(),
        }
    }

    /// One for the host's transport.
    pub(super) fn of_sender(request: Request, call: Call) -> Self {
        Self::new(request, Reply::Sender(call))
    }

    /// One that the host has asked for.
    pub(super) fn of_tracker(mut pending: PendingRequest) -> Self {
        Self::new(pending.take_request(), Reply::Tracker(Mutex::new(Some(Box::new(pending)))))
    }

    /// The locks of a forked child may be held by threads that it has not.
    fn check_fork(&self) -> Result<()> {
        if self.forks == fork_generation() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forked, "the request belongs to the parent of this process"))
    }

    fn end(&self, outcome: Outcome) -> Result<()> {
        self.check_fork()?;
        let first = match &self.reply {
            Reply::Sender(call) => call.end(outcome),
            Reply::Tracker(pending) => {
                // Taken out first: an observer may be told meanwhile, and call us.
                let pending = lock(pending).take();
                pending.map(|pending| pending.report(outcome)).is_some()
            }
        };
        if first { Ok(()) } else { Err(over()) }
    }

    fn on_cancel(&self, cancel: unsafe extern "C" fn(*mut c_void), user: UserData) -> Result<()> {
        self.check_fork()?;
        let is_over = match &self.reply {
            Reply::Sender(call) => call.is_over(),
            Reply::Tracker(pending) => lock(pending).is_none(),
        };
        if is_over {
            return Err(over());
        }
        // Nobody waits for one that the host has asked for.
        if let Reply::Sender(call) = &self.reply {
            call.on_cancel(move || {
                let user = &user;
                // SAFETY: the host's function with the host's data, which is released after it.
                unsafe { cancel(user.data) };
            });
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn over() -> Error {
    invalid("the request has its outcome already")
}

/// Reads something of a request; NULL, with the last error set, if there is no request.
///
/// # Safety
/// `request` is NULL or valid.
unsafe fn read<T>(
    request: *const sessio_request,
    read: impl FnOnce(&sessio_request) -> Result<*const T>,
) -> *const T {
    // SAFETY: passed on from the caller. What is read is the request's, and lives until the caller frees it.
    guard_or(std::ptr::null(), || read(unsafe { request.as_ref() }.ok_or_else(|| null("the request"))?))
}

/// Its method: "GET" or "POST". NULL for NULL. Valid for ever.
///
/// # Safety
/// `request` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_method(request: *const sessio_request) -> *const c_char {
    // SAFETY: passed on from the caller.
    unsafe { read(request, |request| Ok(request.method.as_ptr())) }
}

/// Its whole URL, to be sent as it is. NULL for NULL. Valid until the request is freed.
///
/// # Safety
/// `request` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_url(request: *const sessio_request) -> *const c_char {
    // SAFETY: passed on from the caller.
    unsafe { read(request, |request| Ok(request.url.as_ptr())) }
}

/// How many headers it has; 0 for NULL. All of them must be sent, keys and Content-Type and, if the body is
/// compressed, Content-Encoding among them. Host, Content-Length and the like are the host's, and not among them.
///
/// # Safety
/// `request` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_header_count(request: *const sessio_request) -> usize {
    let count = || {
        // SAFETY: passed on from the caller.
        let request = unsafe { request.as_ref() }.ok_or_else(|| null("the request"))?;
        Ok(request.headers.len())
    };
    guard_or(0, count)
}

/// The name of header `index`, from 0. NULL if there are not so many. Valid until the request is freed.
///
/// # Safety
/// `request` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_header_name(
    request: *const sessio_request,
    index: usize,
) -> *const c_char {
    // SAFETY: passed on from the caller.
    unsafe { read(request, |request| Ok(header(request, index)?.0.as_ptr())) }
}

/// The value of header `index`, from 0. NULL if there are not so many. Valid until the request is freed.
///
/// # Safety
/// `request` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_header_value(
    request: *const sessio_request,
    index: usize,
) -> *const c_char {
    // SAFETY: passed on from the caller.
    unsafe { read(request, |request| Ok(header(request, index)?.1.as_ptr())) }
}

fn header(request: &sessio_request, index: usize) -> Result<&(CString, CString)> {
    let count = request.headers.len();
    request.headers.get(index).ok_or_else(|| invalid(format!("header {index} of {count}")))
}

/// Its body, and how many bytes that are into `length_out`; NULL if one of the two is NULL. A GET has none: length 0,
/// and a pointer that is not NULL. Bytes, not terminated. Valid until the request is freed.
///
/// # Safety
/// `request` is NULL or valid; `length_out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_body(
    request: *const sessio_request,
    length_out: *mut usize,
) -> *const c_void {
    let body = |request: &sessio_request| {
        if length_out.is_null() {
            return Err(null("length_out"));
        }
        // SAFETY: not NULL, and can be written by the contract.
        unsafe { length_out.write(request.body.len()) };
        let none: *const c_char = c"".as_ptr();
        Ok(if request.body.is_empty() { none.cast() } else { request.body.as_ptr().cast() })
    };
    // SAFETY: passed on from the caller.
    unsafe { read(request, body) }
}

/// The receiver answered: with this HTTP status (100 to 999), the value of the header Retry-After (NULL if there was
/// none; one that cannot be read counts as none), and `length` bytes of body, which are copied, of a long one the
/// first 4 MiB. `body` may be NULL if `length` is 0. A redirect is to be followed only for 307 and 308, and only to
/// the same scheme, host and port; any other is the answer.
///
/// From any thread, also while `send` is still running. Of a request from `sessio_tracker_next_request` this stores
/// what the answer means and tells the delivery observer, on this thread: it waits for the disk. Else it hands the
/// answer to the library's thread and returns. For a request that is cancelled, or whose tracker is closed, it comes
/// to nothing: what was sent is sent again.
///
/// SESSIO_ERROR_INVALID_ARGUMENT: it has its outcome already, or the status is none; then it has no outcome yet.
///
/// # Safety
/// `request` is NULL or valid; `retry_after` is NULL or NUL-terminated; there are `length` bytes at `body`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_answer(
    request: *mut sessio_request,
    status: u16,
    retry_after: *const c_char,
    body: *const c_void,
    length: usize,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let request = unsafe { sessio_request::borrow(request)? };
        if !(100..=999).contains(&status) {
            return Err(invalid(format!("{status} is no HTTP status")));
        }
        // It comes from the network: if it is odd, the answer is an answer all the same.
        // SAFETY: passed on from the caller.
        let retry_after = unsafe { optional("retry_after", retry_after) }.unwrap_or_default();
        // SAFETY: passed on from the caller.
        let body = unsafe { bytes(body, length)? };
        request.end(Ok(Answer { status, retry_after: retry_after.map(str::to_owned), body }))
    })
}

/// As much of a body as is wanted.
///
/// # Safety
/// There are `length` bytes at `pointer`, or it is NULL.
unsafe fn bytes(pointer: *const c_void, length: usize) -> Result<Vec<u8>> {
    match length.min(policy::RESPONSE_BYTES) {
        0 => Ok(Vec::new()),
        _ if pointer.is_null() => Err(null("body")),
        // SAFETY: not NULL, and that many bytes long by the contract.
        length => Ok(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) }.to_vec()),
    }
}

/// There is no answer: no network, a broken connection, no answer in time. `reason` is English for the log and the
/// delivery observer: without keys or user data. The events stay stored and are sent again after a backoff. Threads,
/// cost and errors as of `sessio_request_answer`.
///
/// # Safety
/// `request` is NULL or valid; `reason` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_fail(
    request: *mut sessio_request,
    reason: *const c_char,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        let (request, reason) = unsafe { (sessio_request::borrow(request)?, text("reason", reason)?) };
        request.end(Err(one_line(reason)))
    })
}

/// As it fits into a log.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    let letters = text.chars().take(LONGEST);
    letters.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Says what to do when nobody waits for the answer any more, in place of what was said before; copied. If it is so
/// already, `cancel` is called at once, on this thread. A request from `sessio_tracker_next_request` is never
/// cancelled: `release` is called at once. SESSIO_ERROR_INVALID_ARGUMENT: it has its outcome already.
///
/// # Safety
/// `request` is NULL or valid; `cancellation` is NULL or a struct as its size says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_on_cancel(
    request: *mut sessio_request,
    cancellation: *const sessio_cancellation,
) -> sessio_status {
    guard(|| {
        // SAFETY: passed on from the caller.
        unsafe { struct_size("the cancellation", cancellation, size_of::<sessio_cancellation>())? };
        // SAFETY: the struct is as large as ours.
        let cancellation = unsafe { cancellation.read() };
        // From here on it is released also on failure.
        let user = UserData::new(cancellation.user_data, cancellation.release);
        let cancel =
            cancellation.cancel.ok_or_else(|| invalid("a cancellation needs its function cancel"))?;
        // SAFETY: passed on from the caller.
        unsafe { sessio_request::borrow(request)? }.on_cancel(cancel, user)
    })
}

/// Whether nobody waits for the answer any more: then there is no use in sending it. For hosts that would rather ask
/// than be told. False for NULL, and for a request from `sessio_tracker_next_request`.
///
/// # Safety
/// `request` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_is_cancelled(request: *const sessio_request) -> bool {
    guard_or(false, || {
        // SAFETY: passed on from the caller.
        let request = unsafe { sessio_request::borrow(request)? };
        request.check_fork()?;
        Ok(matches!(&request.reply, Reply::Sender(call) if call.is_cancelled()))
    })
}

/// Frees a request. Without an outcome it has failed: one for a transport is sent again after a backoff, one from
/// `sessio_tracker_next_request` as soon as that is asked again. From any thread; calls under way in others end
/// properly. In a forked child it leaks on purpose. NULL is fine.
///
/// # Safety
/// `request` is NULL, or came from the library and is not used by any later call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sessio_request_free(request: *mut sessio_request) {
    guard(|| {
        // SAFETY: passed on from the caller.
        if let Some(request) = unsafe { sessio_request::take(request) }
            && request.check_fork().is_err()
        {
            // Its locks are the parent's.
            std::mem::forget(request);
        }
        Ok(())
    });
}
