//! Writing requests: the part of delivery that costs processor time.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/common/wire.rs"]
mod common;
mod support;

use std::hint::black_box;
use std::process::ExitCode;

use common::samples;
use sessio::protocol::Protocol;
use sessio::protocol::snowplow::Snowplow;
use support::{Budget, timed};

const BATCH: usize = 25;
const BATCHES: usize = 4_000;
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    support::run("encode", |report| {
        let snowplow = Snowplow::builder("https://collector.example").build().unwrap();
        // Delivery as a whole is to manage 100,000: writing must leave most of that time to the rest.
        report.line("Snowplow, POST batches of 25", best(&snowplow), "events/s", Budget::AtLeast(300_000.0));
    })
}

fn best(protocol: &dyn Protocol) -> f64 {
    let (items, source) = (vec![samples::event("structured"); BATCH], samples::source());
    let round = || {
        for _ in 0..BATCHES {
            assert_eq!(black_box(protocol.encode(&items, &source)).unwrap().1, BATCH);
        }
    };
    let shortest = (0..ROUNDS).map(|_| timed(round).0).min().unwrap();
    (BATCH * BATCHES) as f64 / shortest.as_secs_f64()
}
