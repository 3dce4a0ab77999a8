//! Opening: what becomes of the session that the process before left behind (S9).

use super::engine::Engine;
use super::input::Fact;
use super::memory::{Memory, State};
use super::record::{EndReason, Moment, SessionRecord, gap};
use super::rules::{RestartPolicy, Rules};
use crate::clock::Now;

/// What is known when a tracker is opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opening {
    /// The moment of opening.
    pub now: Now,
    /// The boot that `now.elapsed` belongs to, if known.
    pub boot_id: Option<u64>,
    /// The host says that the app starts in background.
    pub in_background: bool,
    /// The index of the session that was open when the process before marked a crash (S16).
    pub crashed: Option<u32>,
}

impl Engine {
    /// An engine that goes on from what is remembered. The facts are what opening itself brought about.
    pub fn open(rules: Rules, memory: Memory, opening: Opening) -> (Self, Vec<Fact>) {
        let now = Moment::from(opening.now);
        let mut engine = Self { rules, memory, boot_id: opening.boot_id, quiet_since: now, changes: [0; 2] };
        let mut facts = Vec::new();
        let goes_on = match &engine.memory.state {
            State::Open(record) => match engine.verdict(record, &opening) {
                None => true,
                Some(reason) => {
                    engine.end_stored(reason, now, &mut facts);
                    false
                }
            },
            _ => false,
        };
        engine.recall_user(goes_on);
        let settings = &mut engine.memory.settings;
        settings.paused = false;
        settings.closed = false;
        settings.background = opening.in_background;
        if goes_on {
            engine.go_on(now, opening);
        }
        engine.seen(now);
        (engine, facts)
    }

    /// Why the stored session ends, if it does.
    fn verdict(&self, record: &SessionRecord, opening: &Opening) -> Option<EndReason> {
        if opening.crashed == Some(record.index) {
            return Some(EndReason::Crashed);
        }
        if self.rules.auto_track && self.expired_across(record, opening) {
            return Some(EndReason::Timeout);
        }
        match self.rules.restart_policy {
            RestartPolicy::Resume => None,
            RestartPolicy::StartNew if self.memory.settings.closed => Some(EndReason::Restart),
            RestartPolicy::StartNew => Some(EndReason::Killed),
        }
    }

    fn end_stored(&mut self, reason: EndReason, now: Moment, facts: &mut Vec<Fact>) {
        if let (EndReason::Crashed, State::Open(record)) = (reason, &mut self.memory.state) {
            record.unhandled_errors = record.unhandled_errors.saturating_add(1);
        }
        self.memory.end(reason, now, facts);
    }

    fn expired_across(&self, record: &SessionRecord, opening: &Opening) -> bool {
        let Some(timeout) = self.rules.timeout(record.background) else { return false };
        match idle_across(record, opening) {
            None => true,
            Some(idle) => idle > timeout,
        }
    }

    /// Identity lives with the session (S10).
    fn recall_user(&mut self, goes_on: bool) {
        let settings = &mut self.memory.settings;
        if goes_on {
            // An anonymous session does not know its user; the settings do.
            if !settings.anonymous {
                settings.user = self.memory.state.record().and_then(|record| record.user.clone());
            }
        } else if !self.rules.remember_user {
            settings.user = None;
        }
    }

    fn go_on(&mut self, now: Moment, opening: Opening) {
        let State::Open(record) = &mut self.memory.state else { return };
        let idle = idle_across(record, &opening).unwrap_or(0);
        let dead = dead_time(record, &opening);
        record.account(record.last_seen.elapsed);
        record.idle.background_ms = record.idle.background_ms.saturating_add(dead);
        if !same_boot(record, &opening) {
            move_to_this_boot(record, now, idle);
        }
        record.accounted = now.elapsed;
        record.boot_id = opening.boot_id;
        record.paused = false;
        record.background = opening.in_background;
        if !opening.in_background {
            record.activity(now);
        }
    }
}

/// Elapsed values can be compared: one boot, and its clock has not run backwards.
fn same_boot(record: &SessionRecord, opening: &Opening) -> bool {
    record.boot_id.is_some()
        && record.boot_id == opening.boot_id
        && record.last_seen.elapsed <= Moment::from(opening.now).elapsed
}

/// The gap since the last activity; `None` if the wall clock ran backwards, and no one can tell.
fn idle_across(record: &SessionRecord, opening: &Opening) -> Option<u64> {
    let now = Moment::from(opening.now);
    if same_boot(record, opening) {
        return Some(now.since(record.last_activity));
    }
    (now.wall >= record.last_activity.wall).then(|| gap(record.last_activity.wall, now.wall))
}

/// How long no process ran.
fn dead_time(record: &SessionRecord, opening: &Opening) -> u64 {
    let now = Moment::from(opening.now);
    if same_boot(record, opening) {
        now.since(record.last_seen)
    } else {
        gap(record.last_seen.wall, now.wall)
    }
}

/// Gives the moments of another boot places on the clock of this one, so that the gap to now is the idle time.
fn move_to_this_boot(record: &mut SessionRecord, now: Moment, idle: u64) {
    let age = record.last_activity.since(record.started_at);
    record.last_activity.elapsed = now.elapsed.saturating_sub_unsigned(idle);
    record.started_at.elapsed = record.last_activity.elapsed.saturating_sub_unsigned(age);
}
