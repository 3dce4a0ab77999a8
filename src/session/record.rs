//! What is kept of a session, how its time adds up, and its two forms: JSON for session stores and the history, bytes
//! for the journal.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attributes::Attributes;
use crate::clock::Now;
use crate::encoding::{Put, Take};
use crate::error::{Error, ErrorKind, Result};
use crate::event::User;
use crate::ids::{SessionId, UserId};

/// A moment on both clocks. `elapsed` may be negative: a moment of an earlier boot, moved to the axis of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moment {
    /// UTC, milliseconds since 1970.
    pub wall: i64,
    /// Milliseconds of the record's boot.
    pub elapsed: i64,
}

impl From<Now> for Moment {
    fn from(now: Now) -> Self {
        Self { wall: now.wall, elapsed: i64::try_from(now.elapsed).unwrap_or(i64::MAX) }
    }
}

impl Moment {
    /// Milliseconds from `earlier` to this moment, 0 if it is not earlier.
    pub(crate) fn since(self, earlier: Moment) -> u64 {
        gap(earlier.elapsed, self.elapsed)
    }
}

pub(crate) fn gap(from: i64, to: i64) -> u64 {
    u64::try_from(i128::from(to) - i128::from(from)).unwrap_or(0)
}

/// Why a session ended (S8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)] // the names are the rule's own
pub enum EndReason {
    Timeout = 1,
    MaxDuration = 2,
    Replaced = 3,
    Ended = 4,
    UserChanged = 5,
    AnonymityChanged = 6,
    Disabled = 7,
    Shutdown = 8,
    Restart = 9,
    Crashed = 10,
    Killed = 11,
}

impl EndReason {
    const ALL: [Self; 11] = [
        Self::Timeout,
        Self::MaxDuration,
        Self::Replaced,
        Self::Ended,
        Self::UserChanged,
        Self::AnonymityChanged,
        Self::Disabled,
        Self::Shutdown,
        Self::Restart,
        Self::Crashed,
        Self::Killed,
    ];

    /// The reason of that number, if there is one.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as u8 == number)
    }

    /// Its name in every format: `timeout`, `max_duration` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::MaxDuration => "max_duration",
            Self::Replaced => "replaced",
            Self::Ended => "ended",
            Self::UserChanged => "user_changed",
            Self::AnonymityChanged => "anonymity_changed",
            Self::Disabled => "disabled",
            Self::Shutdown => "shutdown",
            Self::Restart => "restart",
            Self::Crashed => "crashed",
            Self::Killed => "killed",
        }
    }
}

/// How long a session was in each state, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)] // each name says it all
pub struct Spent {
    pub foreground_ms: u64,
    pub background_ms: u64,
    pub paused_ms: u64,
}

impl Spent {
    /// All three together: the duration of the session (S8).
    pub fn total(&self) -> u64 {
        self.foreground_ms.saturating_add(self.background_ms).saturating_add(self.paused_ms)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            foreground_ms: self.foreground_ms.saturating_add(other.foreground_ms),
            background_ms: self.background_ms.saturating_add(other.background_ms),
            paused_ms: self.paused_ms.saturating_add(other.paused_ms),
        }
    }
}

/// The first event of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstEvent {
    /// Its id.
    pub id: Uuid,
    /// Its time: UTC, milliseconds since 1970.
    pub time: i64,
}

/// Everything that is kept of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// A random UUID, or the host's own (S11).
    pub id: SessionId,
    /// 1 for the first session ever of the namespace, one more for each.
    pub index: u32,
    /// The session before; none for the first, and where two must not be linked (S18).
    pub previous_id: Option<SessionId>,
    /// None until an event is stamped.
    pub first_event: Option<FirstEvent>,
    /// The number of the last event, 0 before the first: also how many events there are.
    pub event_index: u32,
    /// When it began.
    pub started_at: Moment,
    /// The last event, change between foreground and background, or resume.
    pub last_activity: Moment,
    /// When the process was last known to live.
    pub last_seen: Moment,
    /// None while it is open.
    pub ended_at: Option<i64>,
    /// None while it is open.
    pub end_reason: Option<EndReason>,
    /// The app was last known to be in background.
    pub background: bool,
    /// A pause was last known to be in force.
    pub paused: bool,
    /// The time up to the last activity, which nothing takes back.
    pub spent: Spent,
    /// The time from there to `accounted`, which does not count if the session turns out to have expired (S8).
    pub idle: Spent,
    /// Up to where `idle` is counted, on the clock of `boot_id`.
    pub accounted: i64,
    /// Errors the app caught (S14).
    pub handled_errors: u32,
    /// Errors nothing caught (S14).
    pub unhandled_errors: u32,
    /// The installation, nil in anonymous mode.
    pub user_id: Uuid,
    /// The user, if one is set and the mode is not anonymous.
    pub user: Option<Arc<User>>,
    /// The app's version when the session began.
    pub app_version: Option<Arc<str>>,
    /// The boot to which the `elapsed` values belong, if known.
    pub boot_id: Option<u64>,
    /// Constant data of the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Arc<Attributes>>,
    /// It is not among the share of sessions that are kept. Decided when it began, and for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled_out: bool,
    /// It is the session of a scope (S21).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scope: bool,
}

impl SessionRecord {
    /// Foreground, background and paused time: of an ended session in all, of an open one up to `last_seen`.
    pub fn durations(&self) -> Spent {
        self.spent.plus(self.idle)
    }

    /// The installation, as a typed id.
    pub fn user_id(&self) -> UserId {
        UserId(self.user_id)
    }

    /// Adds the time up to `until` to the state the session has been in.
    pub(crate) fn account(&mut self, until: i64) {
        let span = gap(self.accounted, until);
        let state = match (self.paused, self.background) {
            (true, _) => &mut self.idle.paused_ms,
            (false, true) => &mut self.idle.background_ms,
            (false, false) => &mut self.idle.foreground_ms,
        };
        *state = state.saturating_add(span);
        self.accounted = self.accounted.max(until);
    }

    /// Something happened that shows the session is in use.
    pub(crate) fn activity(&mut self, now: Moment) {
        self.account(now.elapsed);
        self.settle_idle();
        self.last_activity = now;
    }

    fn settle_idle(&mut self) {
        self.spent = self.spent.plus(std::mem::take(&mut self.idle));
    }

    /// Ends the session; when that was follows from the reason (S8).
    pub(crate) fn end(&mut self, reason: EndReason, now: Moment) {
        let at = match reason {
            EndReason::Timeout | EndReason::MaxDuration => {
                self.idle = Spent::default();
                self.last_activity
            }
            EndReason::Restart | EndReason::Crashed | EndReason::Killed => {
                self.account(self.last_seen.elapsed);
                self.last_seen
            }
            _ => {
                self.account(now.elapsed);
                now
            }
        };
        self.settle_idle();
        self.ended_at = Some(at.wall);
        self.end_reason = Some(reason);
        self.paused = false;
    }

    /// The JSON that session stores hold.
    pub(crate) fn to_json(&self) -> String {
        // Numbers, texts and options only: there is nothing in a record that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a stored session.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidJson`] if it is damaged or something is missing: such a record is of no use.
    pub fn from_json(json: &str) -> Result<Self> {
        let damaged =
            |why: String| Error::new(ErrorKind::InvalidJson, format!("the stored session is damaged: {why}"));
        let record: Self = serde_json::from_str(json).map_err(|e| damaged(e.to_string()))?;
        match record.fault() {
            None => Ok(record),
            Some(fault) => Err(damaged(fault.into())),
        }
    }

    /// What no record that we wrote can say.
    fn fault(&self) -> Option<&'static str> {
        if self.index == 0 {
            return Some("its index is 0");
        }
        if self.ended_at.is_some() != self.end_reason.is_some() {
            return Some("it has half an end");
        }
        if self.first_event.is_some() != (self.event_index > 0) {
            return Some("its first event and its number of events disagree");
        }
        None
    }
}

// The form in the journal: written with every event, so it is plain bytes and costs about 100 ns less a field than
// JSON.
impl SessionRecord {
    pub(crate) fn encode(&self, out: &mut impl Put) {
        self.id.encode(out);
        out.u32(self.index);
        out.option(self.previous_id.as_ref(), |out, id| id.encode(out));
        out.option(self.first_event, |out, first| {
            out.uuid(&first.id);
            out.i64(first.time);
        });
        out.u32(self.event_index);
        for moment in [self.started_at, self.last_activity, self.last_seen] {
            out.i64(moment.wall);
            out.i64(moment.elapsed);
        }
        out.option(self.ended_at, Put::i64);
        out.u8(self.end_reason.map_or(0, |reason| reason as u8));
        out.u8(u8::from(self.background) | u8::from(self.paused) << 1);
        for spent in [self.spent, self.idle] {
            out.u64(spent.foreground_ms);
            out.u64(spent.background_ms);
            out.u64(spent.paused_ms);
        }
        out.i64(self.accounted);
        out.u32(self.handled_errors);
        out.u32(self.unhandled_errors);
        out.uuid(&self.user_id);
        out.option(self.user.as_deref(), |out, user| user.encode(out));
        out.option(self.app_version.as_deref(), Put::text);
        out.option(self.boot_id, Put::u64);
        out.option(self.attributes.as_deref(), |out, attributes| attributes.encode(out));
        out.u8(u8::from(self.sampled_out) | u8::from(self.scope) << 1);
    }

    pub(crate) fn decode(from: &mut Take<'_>) -> Option<Self> {
        let moment = |from: &mut Take<'_>| Some(Moment { wall: from.i64()?, elapsed: from.i64()? });
        let spent = |from: &mut Take<'_>| {
            Some(Spent { foreground_ms: from.u64()?, background_ms: from.u64()?, paused_ms: from.u64()? })
        };
        let (id, index) = (SessionId::decode(from)?, from.u32()?);
        let previous_id = from.option(SessionId::decode)?;
        let first_event = from.option(|from| Some(FirstEvent { id: from.uuid()?, time: from.i64()? }))?;
        let event_index = from.u32()?;
        let (started_at, last_activity, last_seen) = (moment(from)?, moment(from)?, moment(from)?);
        let ended_at = from.option(Take::i64)?;
        let end_reason = EndReason::from_number(from.u8()?);
        let flags = from.u8()?;
        let mut record = Self {
            id,
            index,
            previous_id,
            first_event,
            event_index,
            started_at,
            last_activity,
            last_seen,
            ended_at,
            end_reason,
            background: flags & 1 != 0,
            paused: flags & 2 != 0,
            spent: spent(from)?,
            idle: spent(from)?,
            accounted: from.i64()?,
            handled_errors: from.u32()?,
            unhandled_errors: from.u32()?,
            user_id: from.uuid()?,
            user: from.option(User::decode)?.map(Arc::new),
            app_version: from.option(Take::text)?.map(Arc::from),
            boot_id: from.option(Take::u64)?,
            attributes: None,
            sampled_out: false,
            scope: false,
        };
        record.decode_rest(from)?;
        record.fault().is_none().then_some(record)
    }

    /// What records of the first format end before.
    fn decode_rest(&mut self, from: &mut Take<'_>) -> Option<()> {
        if from.0.is_empty() {
            return Some(());
        }
        self.attributes = from.option(Attributes::decode)?.map(Arc::new);
        let flags = from.u8()?;
        (self.sampled_out, self.scope) = (flags & 1 != 0, flags & 2 != 0);
        Some(())
    }
}
