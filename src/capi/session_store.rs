//! A session store of the host's.

use std::ffi::{c_char, c_void};

use super::boundary::{UserData, struct_size};
use super::status::{SESSIO_OK, sessio_status};
use super::text;
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::store::SessionStore;

/// A session store of the host's: the three operations of a store, a session as JSON text in UTF-8. Its functions are
/// called on the library's worker thread only, once at opening and at most once a commit window; they may block
/// there. What a failing one gives is logged, and it is called again later. What it gave at opening is the truth,
/// completed by the journal where that is fresher.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessio_session_store {
    /// sizeof(sessio_session_store)
    pub struct_size: usize,
    /// Handed to each function.
    pub user_data: *mut c_void,
    /// Hands the stored session to `give` once, or does not call it when there is none.
    pub get_session: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            give: Option<unsafe extern "C" fn(context: *mut c_void, json: *const c_char, length: usize)>,
            context: *mut c_void,
        ) -> sessio_status,
    >,
    /// Stores `length` bytes at `json` (not terminated) in place of what was stored before.
    pub set_session: Option<
        unsafe extern "C" fn(user_data: *mut c_void, json: *const c_char, length: usize) -> sessio_status,
    >,
    /// Forgets the stored session. There may be none.
    pub delete_session: Option<unsafe extern "C" fn(user_data: *mut c_void) -> sessio_status>,
    /// Called exactly once after the last call, also if the call it was given to fails. May be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

type Give = unsafe extern "C" fn(*mut c_void, *const c_char, usize);

pub(super) struct HostStore {
    user: UserData,
    get: unsafe extern "C" fn(*mut c_void, Option<Give>, *mut c_void) -> sessio_status,
    set: unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> sessio_status,
    delete: unsafe extern "C" fn(*mut c_void) -> sessio_status,
}

impl HostStore {
    /// # Safety
    /// `store` is NULL or points to a struct as its size says, with functions that may be called from another thread.
    pub unsafe fn new(store: *const sessio_session_store) -> Result<Self> {
        // SAFETY: passed on from the caller.
        unsafe { struct_size("the session store", store, size_of::<sessio_session_store>())? };
        // SAFETY: the struct is as large as ours.
        let store = unsafe { store.read() };
        // From here on it is released also on failure.
        let user = UserData::new(store.user_data, store.release);
        let (Some(get), Some(set), Some(delete)) =
            (store.get_session, store.set_session, store.delete_session)
        else {
            return Err(invalid("a session store needs get_session, set_session and delete_session"));
        };
        Ok(Self { user, get, set, delete })
    }
}

fn check(doing: &str, status: sessio_status) -> Result<()> {
    match status {
        SESSIO_OK => Ok(()),
        status => Err(Error::new(
            ErrorKind::Store,
            format!("the host's session store cannot {doing}: status {status}"),
        )),
    }
}

/// What `give` puts the session into.
type Given = Option<Result<String>>;

/// Called by the host with the stored session.
unsafe extern "C" fn take(context: *mut c_void, json: *const c_char, length: usize) {
    // SAFETY: `context` is the `Given` of `get_session` below, which is waiting for this call to return. NULL comes
    // from a host that passes on something else.
    let Some(given) = (unsafe { context.cast::<Given>().as_mut() }) else { return };
    // SAFETY: the host hands over `length` bytes at `json`.
    given
        .get_or_insert_with(|| unsafe { text::sized("the stored session", json, length) }.map(str::to_owned));
}

impl SessionStore for HostStore {
    fn get_session(&self) -> Result<Option<String>> {
        let mut given: Given = None;
        // SAFETY: the host's function with the host's data; `given` lives until it returns.
        let status = unsafe { (self.get)(self.user.data, Some(take), (&raw mut given).cast()) };
        check("give the session", status)?;
        given.transpose()
    }

    fn set_session(&self, json: &str) -> Result<()> {
        // SAFETY: the host's function with the host's data; the text lives until it returns.
        check("take the session", unsafe { (self.set)(self.user.data, json.as_ptr().cast(), json.len()) })
    }

    fn delete_session(&self) -> Result<()> {
        // SAFETY: the host's function with the host's data.
        check("delete the session", unsafe { (self.delete)(self.user.data) })
    }
}
