//! What the tests of the session engine share.
#![allow(dead_code, unused_imports, unused_macros)] // each test program uses its own part

pub mod model;
pub mod timeline;

use sessio::session::{Engine, Memory, Rules, SessionRecord, Settings, State};
use timeline::min;

/// Ten minutes in foreground, an hour in background.
pub fn ten_and_sixty() -> Rules {
    Rules { foreground_timeout: Some(min(10)), background_timeout: Some(min(60)), ..Rules::default() }
}

/// No timeout, and this maximum length.
pub fn at_most(max_session: Option<u64>) -> Rules {
    Rules { max_session, foreground_timeout: None, background_timeout: None, ..Rules::default() }
}

/// The memory as the next process finds it: through its stored form, so that what is not kept does not come back.
pub fn kept(engine: &Engine) -> Memory {
    let json = |part: Result<String, serde_json::Error>| part.expect("everything in a memory can be stored");
    let memory = engine.memory();
    let settings: Settings = serde_json::from_str(&json(serde_json::to_string(&memory.settings))).unwrap();
    let record = memory.state.record().map(|record| {
        SessionRecord::from_json(&json(serde_json::to_string(record))).expect("a record of ours is sound")
    });
    let kept = Memory { state: State::from_record(record), settings };
    assert_eq!(&kept, memory, "what is stored comes back");
    kept
}
