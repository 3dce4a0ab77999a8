//! What the engine remembers from one process to the next: its whole state, in the form that the journal keeps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::SessionRecord;
use crate::encoding::{Put, Take};
use crate::event::User;
use crate::ids::{SessionId, UserId};

/// The session the engine knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum State {
    /// There has been none yet.
    #[default]
    None,
    /// One is open.
    Open(SessionRecord),
    /// The last one has ended, and none has begun since.
    Ended(SessionRecord),
}

impl State {
    /// A record is open as long as it has no end.
    pub fn from_record(record: Option<SessionRecord>) -> Self {
        match record {
            None => Self::None,
            Some(record) if record.end_reason.is_some() => Self::Ended(record),
            Some(record) => Self::Open(record),
        }
    }

    /// The record of the last session, open or ended.
    pub fn record(&self) -> Option<&SessionRecord> {
        match self {
            Self::None => None,
            Self::Open(record) | Self::Ended(record) => Some(record),
        }
    }
}

/// Everything that outlives the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory {
    /// The session; kept by the session store.
    pub state: State,
    /// What belongs to no session; kept beside it, so that a damaged session does not touch it.
    pub settings: Settings,
}

/// What the engine knows beside the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The installation.
    pub user_id: Uuid,
    /// The number of the last event that was acknowledged (S22).
    pub sequence: u64,
    /// The number of the last session.
    pub last_index: u32,
    /// The id of the last session.
    pub last_id: Option<SessionId>,
    /// The app was last known to be in background.
    pub background: bool,
    /// A pause is in force (S6).
    pub paused: bool,
    /// Anonymous mode (S18).
    pub anonymous: bool,
    /// The next session must not name the one before (S18).
    pub unlinked: bool,
    /// Tracking is on (S19).
    pub enabled: bool,
    /// The process before closed its tracker.
    pub closed: bool,
    /// Everything was erased here, and the files are still to be cleaned (S19).
    pub erasing: bool,
    /// The installation was told of.
    pub installed: bool,
    /// The user the host set last (S10).
    pub user: Option<Arc<User>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_id: Uuid::nil(),
            sequence: 0,
            last_index: 0,
            last_id: None,
            background: false,
            paused: false,
            anonymous: false,
            unlinked: false,
            enabled: true,
            closed: true,
            erasing: false,
            installed: false,
            user: None,
        }
    }
}

impl Settings {
    /// The user id that a stamp would carry now (S18).
    pub fn visible_user_id(&self) -> UserId {
        if self.anonymous { UserId::NIL } else { UserId(self.user_id) }
    }

    /// Forgets identities and what leads back to sessions before (S19). Consent stays, a pause stays, and so does
    /// the count of events.
    pub(crate) fn erase(&mut self, new_user_id: Uuid) {
        self.user_id = new_user_id;
        self.last_index = 0;
        self.last_id = None;
        self.user = None;
        self.unlinked = false;
    }

    fn encode(&self, out: &mut impl Put) {
        out.uuid(&self.user_id);
        out.u64(self.sequence);
        out.u32(self.last_index);
        out.option(self.last_id.as_ref(), |out, id| id.encode(out));
        let flags = [
            self.background,
            self.paused,
            self.anonymous,
            self.unlinked,
            self.enabled,
            self.closed,
            self.erasing,
            self.installed,
        ];
        out.u8(flags.iter().enumerate().map(|(bit, on)| u8::from(*on) << bit).sum());
        out.option(self.user.as_deref(), |out, user| user.encode(out));
    }

    fn decode(from: &mut Take<'_>) -> Option<Self> {
        let (user_id, sequence, last_index) = (from.uuid()?, from.u64()?, from.u32()?);
        let last_id = from.option(SessionId::decode)?;
        let flags = from.u8()?;
        let flag = |bit: u8| flags >> bit & 1 != 0;
        Some(Self {
            user_id,
            sequence,
            last_index,
            last_id,
            background: flag(0),
            paused: flag(1),
            anonymous: flag(2),
            unlinked: flag(3),
            enabled: flag(4),
            closed: flag(5),
            erasing: flag(6),
            installed: flag(7),
            user: from.option(User::decode)?.map(Arc::new),
        })
    }
}

impl Memory {
    const VERSION: u8 = 1;

    /// The memory of an installation that has tracked nothing yet.
    pub fn new(user_id: Uuid) -> Self {
        Self { state: State::None, settings: Settings { user_id, ..Settings::default() } }
    }

    pub(crate) fn encode(&self, out: &mut impl Put) {
        out.u8(Self::VERSION);
        self.settings.encode(out);
        out.option(self.state.record(), |out, record| record.encode(out));
    }

    /// `None` for damaged bytes or a format that is not known.
    pub(crate) fn decode(from: &mut Take<'_>) -> Option<Self> {
        if from.u8()? != Self::VERSION {
            return None;
        }
        let settings = Settings::decode(from)?;
        Some(Self { settings, state: State::from_record(from.option(SessionRecord::decode)?) })
    }
}
