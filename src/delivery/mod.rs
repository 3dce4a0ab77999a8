//! Delivery: what is sent when. [`policy`] has every limit, [`planner`] decides by them; both are pure.

pub mod planner;
pub mod policy;

pub use planner::{Attempt, Next, Planner, Progress, Settled};
