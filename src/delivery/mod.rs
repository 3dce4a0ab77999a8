//! Delivery: what is sent when. [`policy`] has every limit, [`planner`] decides by them; both are pure. Requests go
//! through the seam in [`transport`].

pub mod planner;
pub mod policy;
pub mod transport;

pub use planner::{Attempt, Next, Planner, Progress, Settled};
pub use transport::{Answer, Call, Outcome, Transport};
