//! The current session for readers: reading never waits for a writer, nor a writer for a reader.
//!
//! Two copies of the session as atomic words. The writer (there is one at a time, behind the tracker's lock) fills
//! the copy that is not current and then makes it current; a reader that was overtaken twice meanwhile reads again. A
//! lock would do the same until the thread that holds it is descheduled; this costs about 20 ns a call.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use uuid::Uuid;

use crate::ids::{EventId, MAX_SESSION_ID, SessionId, UserId};
use crate::session::{EndReason, Session, SessionState, Spent};

/// A session id: a word that says what it is, and room for the longest text.
const ID_WORDS: usize = 1 + MAX_SESSION_ID / 8;
const NO_ID: u64 = 0;
const UUID: u64 = 1;
const TEXT: u64 = 2; // and its length from the eighth bit on

/// The words before the two ids.
const FIXED_WORDS: usize = 15;
const ID: usize = FIXED_WORDS;
const PREVIOUS_ID: usize = ID + ID_WORDS;
const WORDS: usize = PREVIOUS_ID + ID_WORDS;

// Which options are there.
const BACKGROUND: u64 = 1;
const FIRST_EVENT: u64 = 2;
const STARTED: u64 = 4;
const ENDED: u64 = 8;

type Copy = [AtomicU64; WORDS];

/// The published session.
pub(crate) struct Snapshot {
    copies: [Copy; 2],
    /// The copy `version % 2` is current.
    version: AtomicU64,
    /// The tracker is closed: there is nothing more to read.
    closed: AtomicBool,
}

impl Snapshot {
    pub fn new(session: &Session) -> Self {
        let copies = [const { [const { AtomicU64::new(0) }; WORDS] }; 2];
        let snapshot = Self { copies, version: AtomicU64::new(0), closed: AtomicBool::new(false) };
        snapshot.publish(session);
        snapshot
    }

    /// Makes `session` the current one. Only one thread at a time may call this.
    pub fn publish(&self, session: &Session) {
        let version = self.version.load(Ordering::Relaxed) + 1;
        // A reader that sees any of the words below must also see that the version has moved on.
        fence(Ordering::Release);
        write(&self.copies[(version % 2) as usize], session);
        self.version.store(version, Ordering::Release);
    }

    /// The current session.
    pub fn read(&self) -> Session {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let copy = &self.copies[(version % 2) as usize];
            let words: [u64; WORDS] = std::array::from_fn(|at| copy[at].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            // The writer touches this copy again only after it has made the other one current.
            if self.version.load(Ordering::Relaxed) == version {
                return decode(&words);
            }
        }
    }

    /// From now on the tracker is closed.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn write(copy: &Copy, session: &Session) {
    let set = |at: usize, word: u64| copy[at].store(word, Ordering::Relaxed);
    let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let flag = |on: bool, bit: u64| if on { bit } else { 0 };
    let flags = flag(session.is_background, BACKGROUND)
        | flag(session.first_event_id.is_some(), FIRST_EVENT)
        | flag(session.started_at.is_some(), STARTED)
        | flag(session.ended_at.is_some(), ENDED);
    let end_reason = session.end_reason.map_or(0, |reason| reason as u64);
    set(0, session.state as u64 | end_reason << 8 | flags << 16);
    set(1, pair(session.index, session.event_index));
    set(2, pair(session.handled_errors, session.unhandled_errors));
    let user_id = session.user_id.0.as_u64_pair();
    set(3, user_id.0);
    set(4, user_id.1);
    if let Some(first) = session.first_event_id {
        set(5, first.0.as_u64_pair().0);
        set(6, first.0.as_u64_pair().1);
    }
    let times = [session.first_event_at, session.started_at, session.last_activity_at, session.ended_at];
    for (at, time) in times.into_iter().enumerate() {
        set(7 + at, time.unwrap_or(0) as u64);
    }
    set(11, session.durations.foreground_ms);
    set(12, session.durations.background_ms);
    set(13, session.durations.paused_ms);
    set(14, session.last_seen_at.unwrap_or(0) as u64);
    write_id(copy, ID, session.id.as_ref());
    write_id(copy, PREVIOUS_ID, session.previous_id.as_ref());
}

fn write_id(copy: &Copy, at: usize, id: Option<&SessionId>) {
    let set = |at: usize, word: u64| copy[at].store(word, Ordering::Relaxed);
    let Some(id) = id else { return set(at, NO_ID) };
    if let Some(text) = id.as_text() {
        set(at, TEXT | (text.len() as u64) << 8);
        for (number, bytes) in text.as_bytes().chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            set(at + 1 + number, u64::from_le_bytes(word));
        }
    } else {
        let (high, low) = id.as_uuid().unwrap_or_default().as_u64_pair();
        set(at, UUID);
        set(at + 1, high);
        set(at + 2, low);
    }
}

fn decode(words: &[u64; WORDS]) -> Session {
    let flags = words[0] >> 16;
    let when = |bit: u64, at: usize| (flags & bit != 0).then_some(words[at] as i64);
    Session {
        state: SessionState::from_number(words[0] as u8),
        end_reason: EndReason::from_number((words[0] >> 8) as u8),
        user_id: UserId(Uuid::from_u64_pair(words[3], words[4])),
        id: decode_id(&words[ID..PREVIOUS_ID]),
        previous_id: decode_id(&words[PREVIOUS_ID..]),
        first_event_id: (flags & FIRST_EVENT != 0).then(|| EventId(Uuid::from_u64_pair(words[5], words[6]))),
        first_event_at: when(FIRST_EVENT, 7),
        index: words[1] as u32,
        event_index: (words[1] >> 32) as u32,
        is_background: flags & BACKGROUND != 0,
        started_at: when(STARTED, 8),
        last_activity_at: when(STARTED, 9),
        ended_at: when(ENDED, 10),
        durations: Spent { foreground_ms: words[11], background_ms: words[12], paused_ms: words[13] },
        handled_errors: words[2] as u32,
        unhandled_errors: (words[2] >> 32) as u32,
        last_seen_at: when(STARTED, 14),
    }
}

fn decode_id(words: &[u64]) -> Option<SessionId> {
    match words[0] & 0xff {
        UUID => Some(SessionId::from_uuid(Uuid::from_u64_pair(words[1], words[2]))),
        TEXT => {
            let bytes: Vec<u8> = words[1..].iter().flat_map(|word| word.to_le_bytes()).collect();
            let text = bytes.get(..(words[0] >> 8) as usize)?;
            SessionId::parse(std::str::from_utf8(text).ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: Option<&str>, number: u32) -> Session {
        Session {
            state: SessionState::Paused,
            end_reason: Some(EndReason::Killed),
            user_id: UserId(Uuid::from_u128(number.into())),
            id: id.map(|id| SessionId::parse(id).unwrap()),
            previous_id: id.map(|_| SessionId::from_uuid(Uuid::from_u128(9))),
            first_event_id: id.map(|_| EventId(Uuid::from_u128(8))),
            first_event_at: id.map(|_| -7),
            index: number,
            event_index: number,
            is_background: true,
            started_at: Some(1),
            last_activity_at: Some(2),
            ended_at: id.map(|_| 3),
            durations: Spent { foreground_ms: 4, background_ms: 5, paused_ms: u64::MAX },
            handled_errors: number,
            unhandled_errors: number,
            last_seen_at: Some(-6),
        }
    }

    #[test]
    fn what_is_published_is_read() {
        let long = "x".repeat(128);
        for id in [None, Some("host-1"), Some(&long), Some("9c5b94b1-35ad-49bb-b118-8e8fc24abf80")] {
            let expected = session(id, 7);
            let snapshot = Snapshot::new(&Session::none(UserId::NIL, false));
            snapshot.publish(&expected);
            assert_eq!(snapshot.read(), expected);
        }
    }

    #[test]
    fn a_reader_never_sees_half_of_a_change() {
        let snapshot = Snapshot::new(&session(Some("a"), 0));
        std::thread::scope(|scope| {
            scope.spawn(|| (0..50_000).for_each(|n| snapshot.publish(&session(Some("a"), n))));
            for _ in 0..50_000 {
                let read = snapshot.read();
                let all = [read.index, read.event_index, read.handled_errors, read.unhandled_errors];
                assert!(all.iter().all(|n| *n == read.index), "{all:?}");
                assert_eq!(read.user_id.0.as_u128(), u128::from(read.index));
            }
        });
    }
}
