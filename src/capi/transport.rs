//! A transport of the host's.

use std::ffi::c_void;

use super::boundary::{UserData, struct_size};
use super::handle::Shared;
use super::request::sessio_request;
use crate::delivery::{Call, Transport};
use crate::error::{Result, invalid};
use crate::protocol::Request;

/// A transport of the host's: sends requests over the network stack of its choice. For hosts that rather ask for
/// requests than be called there is `sessio_config_set_manual_delivery`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_transport {
    /// sizeof(sessio_transport)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Sends a request and answers it when it can: now, or later from any thread, by sessio_request_answer or
    /// sessio_request_fail, once, and then sessio_request_free. Each destination has a thread of its own on which
    /// this is called, with one request at a time; it may block there, which delays nobody else. Two destinations
    /// may call it at once. It may call the library.
    ///
    /// No answer in time (sessio_config_set_request_timeout_ms) is a failure, and the request is cancelled; so it is
    /// when the tracker is closed. See sessio_request_on_cancel: one who blocks here without it keeps its thread
    /// until it returns, though close does not wait for that.
    pub send: Option<unsafe extern "C" fn(user_data: *mut c_void, request: *mut sessio_request)>,
    /// Called exactly once after the last call of `send` has returned, also if the call it was given to fails.
    /// Requests that are still held then may be answered and must be freed all the same. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

pub(super) struct HostTransport {
    user: UserData,
    send: unsafe extern "C" fn(*mut c_void, *mut sessio_request),
}

impl HostTransport {
    /// # Safety
    /// `transport` is NULL or points to a struct as its size says, with functions that may be called from any thread.
    pub unsafe fn new(transport: *const sessio_transport) -> Result<Self> {
        // SAFETY: passed on from the caller.
        unsafe { struct_size("the transport", transport, size_of::<sessio_transport>())? };
        // SAFETY: the struct is as large as ours.
        let transport = unsafe { transport.read() };
        // From here on it is released also on failure.
        let user = UserData::new(transport.user_data, transport.release);
        let send = transport.send.ok_or_else(|| invalid("a transport needs its function send"))?;
        Ok(Self { user, send })
    }
}

impl Transport for HostTransport {
    fn send(&self, request: Request, call: Call) {
        let request = sessio_request::of_sender(request, call).give();
        // SAFETY: the host's function with the host's data; the request is theirs from here on.
        unsafe { (self.send)(self.user.data, request) };
    }
}
