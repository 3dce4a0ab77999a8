//! Exceptionless: events, session starts and ends as one array, heartbeats as requests of their own. `docs/wire.md`
//! has the tables.

mod event;
mod options;

use std::time::Duration;

use super::{BatchLimits, Item, Method, Protocol, Request, Response, Source, Verdict, fields, text};
use crate::error::{Result, invalid};
use crate::ids::SessionId;

pub use options::Exceptionless;

/// The receiver's limits.
const LIMITS: BatchLimits = BatchLimits { items: 50, bytes: 200_000 };
/// A reference of the receiver's: as many of `A-Z a-z 0-9 -`.
const REFERENCE: std::ops::RangeInclusive<usize> = 8..=100;

/// A key that is wrong is not set right within seconds.
const UNAUTHORIZED_WAIT: Duration = Duration::from_secs(15 * 60);
/// How long the receiver is left alone when the plan's events are used up.
const PLAN_PAUSE: Duration = Duration::from_secs(5 * 60);

impl Exceptionless {
    fn authorization(&self) -> (String, String) {
        ("Authorization".into(), format!("Bearer {}", self.api_key))
    }

    fn element(&self, item: &Item, source: &Source) -> String {
        match item {
            Item::Event(stored) => self.event(stored, source),
            Item::SessionStart(record) => self.session_start(record, source),
            Item::SessionEnd { record, .. } => self.session_end(record, source),
            // It takes none.
            Item::SessionCount(_) => "{}".into(),
        }
    }
}

/// A session's id as the receiver takes it: itself, or the UUIDv5 of a host's own text that is too short, too long or
/// has other letters.
fn session_reference(id: &SessionId, source: &Source) -> String {
    let text = id.to_string();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if REFERENCE.contains(&text.len()) && text.bytes().all(allowed) {
        text
    } else {
        source.session_uuid(id).to_string()
    }
}

/// The reference of a session's end. The suffix may be too much for a host's own id.
fn end_reference(id: &SessionId, source: &Source) -> String {
    let reference = session_reference(id, source) + "-end";
    if REFERENCE.contains(&reference.len()) { reference } else { format!("{}-end", source.session_uuid(id)) }
}

impl Protocol for Exceptionless {
    fn name(&self) -> &'static str {
        "exceptionless"
    }

    fn takes(&self, item: &Item) -> bool {
        match item {
            Item::Event(_) => true,
            Item::SessionStart(record) | Item::SessionEnd { record, .. } => {
                self.default_identity || record.user.is_some()
            }
            Item::SessionCount(_) => false,
        }
    }

    fn limits(&self) -> BatchLimits {
        LIMITS
    }

    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)> {
        if items.is_empty() {
            return Err(invalid("there is nothing to send"));
        }
        let elements = items.iter().map(|item| self.element(item, source));
        let (body, count) = fields::array(elements, LIMITS, 0);
        let request = Request {
            method: Method::Post,
            url: format!("{}/api/v2/events", self.url),
            headers: vec![("Content-Type".into(), "application/json".into()), self.authorization()],
            body: body.into_bytes(),
            takes_gzip: self.gzip,
        };
        Ok((request, count))
    }

    fn heartbeat(&self, session: &SessionId, closes: bool, source: &Source) -> Option<Request> {
        let id = text::percent(&session_reference(session, source));
        self.heartbeats.then(|| Request {
            method: Method::Get,
            url: format!("{}/api/v2/events/session/heartbeat?id={id}&close={closes}", self.url),
            headers: vec![self.authorization()],
            body: Vec::new(),
            takes_gzip: false,
        })
    }

    fn judge(&self, response: &Response, _items: usize) -> Verdict {
        let reason = format!("status {}", response.status);
        match response.status {
            400 | 404 => Verdict::OneByOne { reason },
            401 | 403 => Verdict::Retry { after: response.retry_after.max(Some(UNAUTHORIZED_WAIT)), reason },
            402 => Verdict::Drop { reason, pause: response.retry_after.max(Some(PLAN_PAUSE)) },
            413 => Verdict::Halve { reason },
            _ => Verdict::usual(response),
        }
    }
}
