//! Every limit of delivery, each with its reason.

use std::time::Duration;

use chrono::NaiveDateTime;

/// To connect: a phone on a bad network takes seconds, one that takes longer gets nothing through. Settable.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A whole request, connecting included. The largest body passes at 270 kbit/s. Settable.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The first wait after a failure is at most this: long enough for a passing fault, too short to be noticed.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Later waits double up to this: a receiver that is back is noticed within ten minutes, and a dead one costs little.
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(10 * 60);
/// The longest wait at all, whatever a receiver asks for: one bad `Retry-After`, or a clock that steps, must not end
/// delivery.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// What is older than this is dropped: nobody looks at it any more, and most receivers refuse it. Settable.
pub const LONGEST_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Bytes of an answer that are read at most: answers are short, and whoever sends more is not to fill the memory of
/// the app.
pub const RESPONSE_BYTES: usize = 4 * 1_024 * 1_024;
/// Redirects of a request that are followed: a receiver that moved within its host needs one, a loop any number.
pub const REDIRECTS: usize = 5;
/// Bodies over this many bytes are compressed where the receiver takes it. Below, they fit into one packet either way.
pub const GZIP_THRESHOLD: usize = 1_024;

/// How long to wait after so many failures in a row, the latest included: anything from nothing to the doubled limit,
/// as `random` (any number, each as likely) says. Full jitter spreads the devices that a failing receiver turned away
/// at the same moment.
pub fn backoff(failures: u32, random: u64) -> Duration {
    let doubled = 1u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    let ceiling = millis(FIRST_BACKOFF).saturating_mul(doubled).min(millis(LONGEST_BACKOFF));
    // The upper half of the product lies in 0..=ceiling, evenly.
    let wait = (u128::from(random) * (u128::from(ceiling) + 1)) >> 64;
    Duration::from_millis(wait as u64)
}

/// The time from now that a `Retry-After` asks for, in seconds or as an HTTP date (RFC 9110, in its three forms), at
/// most [`LONGEST_WAIT`]. A date that has passed is no time. `wall_now`: UTC, milliseconds since 1970. `None` if it
/// cannot be read.
pub fn retry_after(header: &str, wall_now: i64) -> Option<Duration> {
    let header = header.trim_matches([' ', '\t']);
    let wait = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number can have are a long time, too.
        Duration::from_secs(header.parse().unwrap_or(u64::MAX))
    } else {
        let wait = http_date(header)?.saturating_sub(wall_now);
        Duration::from_millis(u64::try_from(wait).unwrap_or(0))
    };
    Some(wait.min(LONGEST_WAIT))
}

/// An HTTP date as milliseconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    const FORMS: [&str; 3] =
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let parsed = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(parsed.and_utc().timestamp_millis())
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
