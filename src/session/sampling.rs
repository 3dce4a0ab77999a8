//! Which sessions are kept: a share of them, decided by the session's id, so that every part of a system that sees the
//! id decides alike.

use crate::error::{Result, invalid};
use crate::ids::SessionId;

/// How many sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    share: f64,
    keep_crashed: bool,
}

impl Default for Sampling {
    /// All of them.
    fn default() -> Self {
        Self { share: 1.0, keep_crashed: false }
    }
}

impl Sampling {
    /// Keeps that share of sessions, 0 (none) to 1 (all).
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for another number.
    pub fn new(share: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            return Err(invalid(format!("the share of sessions to keep is 0 to 1, not {share}")));
        }
        Ok(Self { share, keep_crashed: false })
    }

    /// Whether a session that is sampled out is kept all the same if it ends as crashed. Its events are held on the disk
    /// until then. Default false.
    #[must_use]
    pub fn keep_crashed(self, on: bool) -> Self {
        Self { keep_crashed: on, ..self }
    }

    /// Whether sessions that crash are kept.
    pub fn keeps_crashed(&self) -> bool {
        self.keep_crashed
    }

    /// Whether a session is kept: the 64-bit FNV-1a of its id as text, mixed by the last step of SplitMix64, is below the
    /// share of all numbers. Other parts of a system may decide alike.
    pub fn keeps(&self, id: &SessionId) -> bool {
        // The upper 53 bits as a number from 0 to just below 1.
        let place = (mixed(&id.to_string()) >> 11) as f64 / (1u64 << 53) as f64;
        place < self.share
    }
}

/// A number that is spread evenly, whatever ids look like: FNV-1a, and the last step of SplitMix64.
fn mixed(text: &str) -> u64 {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, fnv);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_is_asked_for_is_kept() {
        for share in [0.0, 0.01, 0.25, 0.5, 0.9, 1.0] {
            let sampling = Sampling::new(share).unwrap();
            let ids = (0..20_000).map(|n| SessionId::parse(&format!("visit-{n}")).unwrap());
            let kept = ids.filter(|id| sampling.keeps(id)).count() as f64 / 20_000.0;
            assert!((kept - share).abs() < 0.01, "{kept} of {share}");
            if share == 0.0 || share == 1.0 {
                assert_eq!(kept, share);
            }
        }
    }

    #[test]
    fn who_is_kept_of_few_is_kept_of_more_and_always() {
        let (few, more) = (Sampling::new(0.2).unwrap(), Sampling::new(0.6).unwrap());
        let id = |n: u32| SessionId::parse(&format!("s{n}")).unwrap();
        assert!((0..1_000).all(|n| !few.keeps(&id(n)) || more.keeps(&id(n))));
        // Fixed for ever: other parts of a system decide by the same number.
        let known: Vec<u32> = (0..20).filter(|n| few.keeps(&id(*n))).collect();
        assert_eq!(known, [5, 13, 16, 18]);
        assert_eq!(mixed("visit-1"), 0x46f0_2435_4da0_6117);
        assert_eq!(mixed("0e37df36-f698-11e6-8dd4-cb9ced3df976"), 0xd7e1_f823_0983_7ac5);
    }

    #[test]
    fn a_share_is_a_share() {
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Sampling::new(bad).is_err());
        }
    }
}
