//! Sessions: when one begins, goes on and ends, and what each event is stamped with. Pure; every rule of the
//! semantics is decided here and nowhere else.

mod attributes;
mod coming;
mod engine;
mod input;
mod memory;
mod record;
mod restart;
mod rules;
mod sampling;
mod snapshot;
mod stamping;

pub use attributes::{Attribute, Attributes};
pub use engine::Engine;
pub use input::{Answer, Coming, Fact, Input, Step};
pub use memory::{Memory, Settings, State};
pub use record::{EndReason, FirstEvent, Moment, SessionRecord, Spent};
pub use restart::Opening;
pub use rules::{RestartPolicy, Rules};
pub use sampling::Sampling;
pub use snapshot::{Session, SessionState};
