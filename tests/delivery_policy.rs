//! The limits of delivery, on both sides of each.
#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use sessio::delivery::policy::*;

#[test]
fn the_limits_are_what_they_are() {
    let seconds =
        [CONNECT_TIMEOUT, REQUEST_TIMEOUT, FIRST_BACKOFF, LONGEST_BACKOFF, LONGEST_WAIT, LONGEST_AGE];
    assert_eq!(seconds.map(|limit| limit.as_secs()), [10, 30, 1, 600, 86_400, 2_592_000]);
    assert_eq!((RESPONSE_BYTES, GZIP_THRESHOLD), (4_194_304, 1_024));
}

#[test]
fn backoff_doubles_from_one_second_to_ten_minutes_with_full_jitter() {
    const HALF: u64 = u64::MAX / 2 + 1;
    // failures, random, milliseconds
    for (failures, random, expected) in [
        (0, u64::MAX, 1_000),
        (1, 0, 0),
        (1, HALF, 500),
        (1, u64::MAX, 1_000),
        (2, 0, 0),
        (2, HALF, 1_000),
        (2, u64::MAX, 2_000),
        (3, u64::MAX, 4_000),
        (4, u64::MAX, 8_000),
        (5, u64::MAX, 16_000),
        (6, u64::MAX, 32_000),
        (7, u64::MAX, 64_000),
        (8, u64::MAX, 128_000),
        (9, u64::MAX, 256_000),
        (10, u64::MAX, 512_000),
        (11, 0, 0),
        (11, HALF, 300_000),
        (11, u64::MAX, 600_000),
        (12, u64::MAX, 600_000),
        (64, u64::MAX, 600_000),
        (65, u64::MAX, 600_000),
        (u32::MAX, u64::MAX, 600_000),
    ] {
        assert_eq!(backoff(failures, random), Duration::from_millis(expected), "{failures} failures");
    }
}

#[test]
fn jitter_is_even() {
    let step = u64::MAX / 10_000;
    let waits: Vec<u64> = (0..10_000).map(|n| backoff(1, n * step).as_millis() as u64).collect();
    for tenth in 0..10u64 {
        let inside = waits.iter().filter(|wait| **wait / 100 == tenth).count();
        assert!((950..=1_050).contains(&inside), "{inside} of 10,000 in the tenth {tenth}");
    }
}

#[test]
fn retry_after_is_read_in_every_form() {
    /// 1994-11-06T08:49:37Z, RFC 9110's own example.
    const THEN: i64 = 784_111_777_000;
    const DAY: u64 = 86_400_000;
    // header, milliseconds from THEN to now, milliseconds to wait
    for (header, now, expected) in [
        ("0", 0, Some(0)),
        ("1", 0, Some(1_000)),
        ("120", 0, Some(120_000)),
        ("  120\t", 0, Some(120_000)),
        ("0120", 0, Some(120_000)),
        ("86399", 0, Some(DAY - 1_000)),
        ("86400", 0, Some(DAY)),
        ("86401", 0, Some(DAY)),
        ("99999999999999999999999", 0, Some(DAY)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", -5_000, Some(5_000)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", -1, Some(1)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, Some(0)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 1, Some(0)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", -86_400_000, Some(DAY)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", -86_400_001, Some(DAY)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", -5_000, Some(5_000)),
        ("Sun Nov  6 08:49:37 1994", -5_000, Some(5_000)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 0, Some(DAY)),
        ("", 0, None),
        (" ", 0, None),
        ("-1", 0, None),
        ("+1", 0, None),
        ("1.5", 0, None),
        ("1e3", 0, None),
        ("soon", 0, None),
        ("120 seconds", 0, None),
        ("Sun, 06 Nov 1994 08:49:37 CET", 0, None),
        ("Sun, 32 Nov 1994 08:49:37 GMT", 0, None),
        ("1994-11-06T08:49:37Z", 0, None),
        ("１２０", 0, None),
    ] {
        let wait = retry_after(header, THEN + now);
        assert_eq!(wait, expected.map(Duration::from_millis), "{header:?} at {now}");
    }
    for wall in [i64::MIN, i64::MAX] {
        assert!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", wall).unwrap() <= LONGEST_WAIT);
    }
}
