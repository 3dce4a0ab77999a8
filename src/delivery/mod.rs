//! Delivery: what is sent when. [`policy`] has every limit, [`planner`] decides by them; both are pure. A sender for
//! each destination writes requests and judges answers; they go through the seam in [`transport`]; `http` is the
//! transport that is built in.

mod backlog;
mod compress;
mod destination;
#[cfg(feature = "http")]
pub mod http;
mod live;
mod observer;
pub mod planner;
pub mod policy;
mod queue;
mod sender;
mod shown;
pub mod transport;

pub use destination::Destination;
#[cfg(feature = "http")]
pub use http::{HttpOptions, HttpTransport};
pub(crate) use live::{Beat, Beats};
pub use observer::{DeliveryObserver, DeliveryOutcome, DeliveryReport};
pub use planner::{Attempt, Next, Planner, Progress, Settled};
pub(crate) use queue::{Queue, Read};
pub(crate) use sender::{Outgoing, Sender, Step};
pub use transport::{Answer, Call, Outcome, Pending, Transport};
