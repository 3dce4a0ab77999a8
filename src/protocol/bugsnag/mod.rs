//! Bugsnag: session starts to its sessions endpoint, errors to its notify endpoint if one is given, counts of scopes'
//! sessions. `docs/wire.md` has the tables.

mod body;
mod event;
mod options;

use std::time::Duration;

use super::json::Json;
use super::text::utc;
use super::{BatchLimits, Item, Method, Protocol, Request, Response, SessionCount, Source, Verdict, fields};
use crate::error::{Result, invalid};
use crate::event::{EventKind, StoredEvent};
use crate::session::SessionRecord;

pub use options::Bugsnag;

/// The version of the sessions payload, and that of the events payload.
const SESSIONS_VERSION: &str = "1.0";
const EVENTS_VERSION: &str = "4";

/// As many sessions as are kept unless set otherwise go into one request; the bytes are the receiver's limit.
const LIMITS: BatchLimits = BatchLimits { items: 128, bytes: 1_000_000 };
/// Counts of ten seconds go into one request: they come with each commit, and are summed up by the minute.
const MOST_COUNTS: usize = 1_000;
/// How long counts are gathered.
const GATHER: Duration = Duration::from_secs(10);

const MINUTE: i64 = 60_000;

impl Bugsnag {
    /// Whether anything is sent at all: the release stage is one of those that are enabled.
    pub fn is_enabled(&self) -> bool {
        self.enabled_stages.as_ref().is_none_or(|stages| stages.contains(&self.release_stage))
    }

    /// Starts that share what a request says but once: the installation (nil or not) and the app's version.
    fn starts(&self, first: &SessionRecord, items: &[Item], source: &Source) -> (Request, usize) {
        let alike = items.iter().take(LIMITS.items).map_while(|item| match item {
            Item::SessionStart(start) => Some(&**start)
                .filter(|start| start.user_id == first.user_id && start.app_version == first.app_version),
            _ => None,
        });
        let in_time = alike.take_while(|start| self.in_time(start.started_at.wall, source));
        let body = |sessions: &str| {
            self.report(first.user_id(), first.app_version.as_deref(), source, |json| {
                json.key("sessions").raw(sessions);
            })
        };
        let (sessions, count) = fields::array(in_time.map(body::session), LIMITS, body("").len());
        (self.request(&self.sessions_url, SESSIONS_VERSION, body(&sessions), source), count)
    }

    /// The same of counts, summed up by the minute.
    fn counts(&self, first: &SessionCount, items: &[Item], source: &Source) -> (Request, usize) {
        let alike = items.iter().map_while(|item| match item {
            Item::SessionCount(count) => Some(count)
                .filter(|count| count.user_id == first.user_id && count.app_version == first.app_version),
            _ => None,
        });
        let in_time: Vec<_> = alike.take_while(|count| self.in_time(count.started_at, source)).collect();
        let mut minutes: Vec<SessionCount> = Vec::new();
        for count in &in_time {
            match minutes.last_mut().filter(|last| minute(last.started_at) == minute(count.started_at)) {
                Some(last) => {
                    last.sessions_started = last.sessions_started.saturating_add(count.sessions_started)
                }
                None => minutes.push((*count).clone()),
            }
        }
        let body = self.report(first.user_id, first.app_version.as_deref(), source, |json| {
            json.key("sessionCounts").array(|json| minutes.iter().for_each(|count| write_count(json, count)));
        });
        (self.request(&self.sessions_url, SESSIONS_VERSION, body, source), in_time.len())
    }

    /// Bugsnag refuses what is older; it is not worth a request.
    fn in_time(&self, time: i64, source: &Source) -> bool {
        source.sent_at.saturating_sub(time) <= self.max_age_ms
    }

    fn request(&self, url: &str, version: &str, body: String, source: &Source) -> Request {
        let integrity = format!("sha1 {}", sha1_smol::Sha1::from(&body).digest());
        let headers = [
            ("Content-Type", "application/json"),
            ("Bugsnag-Api-Key", &self.api_key),
            ("Bugsnag-Payload-Version", version),
            ("Bugsnag-Sent-At", &utc(source.sent_at)),
            ("Bugsnag-Integrity", &integrity),
        ];
        Request {
            method: Method::Post,
            url: url.into(),
            headers: headers.map(|(name, value)| (name.into(), value.into())).into(),
            body: body.into_bytes(),
            // Its integrity is that of the body as sent.
            takes_gzip: false,
        }
    }
}

fn write_count(json: &mut Json, count: &SessionCount) {
    let minute = minute(count.started_at);
    json.object(|json| {
        json.key("startedAt").text(&utc(minute));
        json.key("sessionsStarted").raw(count.sessions_started);
    });
}

/// The beginning of the minute.
fn minute(time: i64) -> i64 {
    time.div_euclid(MINUTE).saturating_mul(MINUTE)
}

/// Whether the event is an error: nothing else goes to the notify endpoint.
fn is_error(stored: &StoredEvent) -> bool {
    matches!(stored.event.kind(), EventKind::Error { .. })
}

impl Protocol for Bugsnag {
    fn name(&self) -> &'static str {
        "bugsnag"
    }

    fn takes(&self, item: &Item) -> bool {
        self.is_enabled()
            && match item {
                // Those of scopes are counted.
                Item::SessionStart(start) => !start.scope,
                Item::SessionCount(_) => true,
                Item::SessionEnd { .. } => false,
                Item::Event(stored) => self.notify_url.is_some() && is_error(stored),
            }
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { items: MOST_COUNTS, ..LIMITS }
    }

    fn gathers(&self, item: &Item) -> Option<Duration> {
        matches!(item, Item::SessionCount(_)).then_some(GATHER)
    }

    fn most_sessions(&self) -> Option<usize> {
        Some(self.max_sessions)
    }

    /// Session starts that share a request, or one error: the two have endpoints of their own. What is too old ends a
    /// request, and is an error when it comes first.
    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)> {
        let time = match items.first() {
            Some(Item::SessionStart(start)) => start.started_at.wall,
            Some(Item::SessionCount(count)) => count.started_at,
            Some(Item::Event(stored)) => stored.stamp.time,
            _ => return Err(invalid("Bugsnag takes session starts and errors")),
        };
        if !self.in_time(time, source) {
            return Err(invalid("it is older than Bugsnag takes"));
        }
        match (items.first(), &self.notify_url) {
            (Some(Item::SessionStart(first)), _) => Ok(self.starts(first, items, source)),
            (Some(Item::SessionCount(first)), _) => Ok(self.counts(first, items, source)),
            (Some(Item::Event(stored)), Some(url)) => {
                let body = self.error_report(stored, source)?;
                Ok((self.request(url, EVENTS_VERSION, body, source), 1))
            }
            _ => Err(invalid("there is no notify endpoint for errors")),
        }
    }

    fn judge(&self, response: &Response, _items: usize) -> Verdict {
        match response.status {
            402 | 407 => Verdict::later(response),
            _ => Verdict::usual(response),
        }
    }
}
