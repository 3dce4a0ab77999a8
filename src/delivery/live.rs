//! What is worth something at once or not at all: that a session is alive, or has just ended (S13). Best effort: it is
//! neither queued nor tried again, and an answer means nothing.

use std::collections::VecDeque;

use crate::clock::Now;
use crate::ids::SessionId;

/// Ends that wait at the most, should many sessions end at once. Each is an item, too.
const MOST: usize = 16;
/// What has waited longer than that is not live any more.
const FRESH_MS: u64 = 10_000;

/// A sign of life of a session.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beat {
    pub session: SessionId,
    /// It has just ended.
    pub closes: bool,
    /// When, by the elapsed clock, in milliseconds.
    pub at: u64,
}

/// Those that wait for one destination, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Beats(VecDeque<Beat>);

impl Beats {
    /// A heartbeat takes the place of the one before.
    pub fn push(&mut self, beat: Beat) {
        if !beat.closes {
            self.0.retain(|other| other.closes);
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(beat);
    }

    /// The next one that is worth being sent.
    pub fn next(&mut self, now: Now) -> Option<Beat> {
        while let Some(beat) = self.0.pop_front() {
            if now.elapsed.saturating_sub(beat.at) <= FRESH_MS {
                return Some(beat);
            }
        }
        None
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(id: &str, closes: bool, at: u64) -> Beat {
        Beat { session: SessionId::parse(id).unwrap(), closes, at }
    }

    #[test]
    fn only_the_newest_heartbeat_waits_and_ends_in_their_order() {
        let mut beats = Beats::default();
        let all = [
            beat("a", false, 0),
            beat("a", true, 1),
            beat("b", false, 2),
            beat("b", true, 3),
            beat("c", false, 4),
            beat("c", false, 5),
            beat("c", true, 6),
        ];
        all.clone().into_iter().for_each(|beat| beats.push(beat));
        let mut next = || beats.next(Now::new(0, 7));
        assert_eq!([next(), next(), next(), next()], [1, 3, 5, 6].map(|at| Some(all[at].clone())));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_late_is_forgotten_and_there_are_never_many() {
        let mut beats = Beats::default();
        (0..100).for_each(|at| beats.push(beat("a", true, at)));
        assert_eq!(beats.0.len(), MOST);
        assert_eq!(beats.next(Now::new(0, FRESH_MS + 90)).unwrap().at, 90);
        assert_eq!(beats.next(Now::new(0, FRESH_MS + 100)), None);
    }
}
