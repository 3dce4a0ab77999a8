//! The C interface. Everything here is check, call, map: what a function means is written at the function, from where
//! it goes into `include/sessio.h`, and done by the Rust interface.
#![allow(unsafe_code)] // C pointers; each use has its reason
#![allow(non_camel_case_types)] // the names are those of the C header

#[cfg(panic = "abort")]
compile_error!(
    "sessio must be built with panic = \"unwind\": otherwise a defect in it would take the host down"
);

mod boundary;
mod callback;
mod clock;
mod config;
mod contexts;
mod correlation;
mod delivery;
mod destination;
mod device;
mod event;
mod handle;
mod log;
mod manual;
mod observer;
mod peek;
mod request;
mod scope;
mod session;
mod session_config;
mod session_store;
mod sessions;
mod stats;
mod status;
mod text;
mod tracker;
mod transport;
mod version;

pub use callback::*;
pub use clock::*;
pub use config::*;
pub use contexts::*;
pub use correlation::*;
pub use delivery::*;
pub use destination::*;
pub use device::*;
pub use event::*;
pub use log::*;
pub use manual::*;
pub use observer::*;
pub use peek::*;
pub use request::*;
pub use scope::*;
pub use session::*;
pub use session_config::*;
pub use session_store::*;
pub use sessions::*;
pub use stats::*;
pub use status::*;
pub use tracker::*;
pub use transport::*;
pub use version::*;
