//! What every status of every receiver does to what was sent: at a real server, at the ledger, and by the clock. The
//! tables are those of `docs/wire.md`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/arrivals.rs"]
mod arrivals;
mod common;
#[path = "common/drain.rs"]
mod drain;
#[path = "common/server.rs"]
mod server;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrivals::{Arrival, arrivals};
use common::{SECOND, World, ledger, open};
use drain::{ALL, EXCEPTIONLESS, Kind, LOUPE, OTLP, SNOWPLOW, Told, flushed, not_flushed, pass, quiet};
use server::{Received, Reply, Server};
use sessio::clock::Clock;
use sessio::delivery::DeliveryOutcome;
use sessio::protocol::snowplow::{Snowplow, SnowplowBuilder, StatusRule};
use sessio::{ConfigBuilder, Tracker};

const MINUTE: Duration = Duration::from_secs(60);
/// Enough to be divided twice.
const BATCH: usize = 4;

/// What a status does to a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Means {
    /// It is there.
    Done,
    /// It comes again after a backoff of at most a second.
    Later,
    /// It comes again after exactly that.
    After(Duration),
    /// It is gone, and what is next goes at once.
    Dropped,
    /// It is gone, and what is next waits that long.
    Paused(Duration),
    /// It comes again at once, in halves.
    Halved,
    /// It comes again at once, one by one.
    OneByOne,
}
use Means::{After, Done, Dropped, Halved, Later, OneByOne, Paused};

impl Means {
    /// How many requests it takes until nothing is owed, for so many items.
    fn requests(self, items: usize) -> usize {
        match self {
            Done | Dropped => 1,
            Later | After(_) | Paused(_) => 2,
            Halved => 3,
            OneByOne => 1 + items,
        }
    }
}

/// All that is tried, each with every receiver.
const STATUSES: [u16; 37] = [
    200, 201, 202, 204, 299, 300, 301, 302, 303, 304, 399, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410,
    411, 413, 414, 415, 418, 422, 425, 429, 431, 499, 500, 501, 502, 503, 504, 599,
];
const TWO_HUNDREDS: [u16; 5] = [200, 201, 202, 204, 299];

/// What a receiver means by a status.
fn meaning(kind: &Kind, status: u16) -> Means {
    if TWO_HUNDREDS.contains(&status) {
        return Done;
    }
    match (kind.name, status) {
        ("snowplow" | "snowplow-get", 400 | 401 | 403 | 410 | 422) => Dropped,
        ("snowplow" | "snowplow-get", _) => Later,
        ("bugsnag" | "bugsnag-errors", 402 | 407 | 408 | 429) => Later,
        ("exceptionless", 400 | 404) => OneByOne,
        ("exceptionless", 401 | 403) => After(MINUTE * 15),
        ("exceptionless", 402) => Paused(MINUTE * 5),
        ("exceptionless" | "loupe", 413) => Halved,
        ("exceptionless", 408 | 429) => Later,
        ("loupe", 401 | 408 | 429) => Later,
        ("otlp", 300..=399 | 429 | 502 | 503 | 504) => Later,
        ("otlp", _) | (_, 400..=499) => Dropped,
        _ => Later,
    }
}

/// A tracker that sends to a server which answers as it is told, and with 200 else.
struct Drain {
    kind: Kind,
    // First of all, so that it is closed before its folder is gone.
    tracker: Tracker,
    world: World,
    told: Told,
    server: Server,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    /// When each request came, by the tracker's clock.
    times: Arc<Mutex<Vec<i64>>>,
}

impl Drain {
    fn to(kind: Kind) -> Self {
        Self::with(kind, |config, url| (kind.add)(config, url))
    }

    fn with(kind: Kind, add: impl Fn(ConfigBuilder, &str) -> ConfigBuilder) -> Self {
        let (world, told) = (World::new(), Told::default());
        let replies = Arc::<Mutex<VecDeque<Reply>>>::default();
        let times = Arc::<Mutex<Vec<i64>>>::default();
        let (next, came, clock) = (Arc::clone(&replies), Arc::clone(&times), Arc::clone(&world.clock));
        let server = Server::start(move |_, _| {
            came.lock().unwrap().push(clock.now().wall);
            next.lock().unwrap().pop_front().unwrap_or_else(Reply::ok)
        });
        let config = add(quiet(&world), &server.url("")).delivery_observer(Arc::new(told.clone()));
        Self { kind, tracker: open(config), world, told, server, replies, times }
    }

    fn batch(&self) -> usize {
        if self.kind.batches { BATCH } else { 1 }
    }

    /// Tracks a batch that is answered so, and sees that it fares accordingly. Nothing is under way before and after.
    #[track_caller]
    fn expect(&self, reply: Reply, means: Means) {
        let (requests, reports) = (self.server.received(), self.told.reports().len());
        let before = self.counts();
        self.replies.lock().unwrap().push_back(reply);
        let sent = self.kind.track_some(&self.tracker, self.batch());
        let report = self.told.wait_for(reports + 1);
        assert_eq!(report.items, sent.len(), "{report:?}");
        match means {
            After(wait) => assert_eq!((report.outcome, report.wait), (DeliveryOutcome::WillRetry, wait)),
            Later => {
                assert_eq!(report.outcome, DeliveryOutcome::WillRetry);
                assert!(report.wait <= SECOND, "{report:?}");
            }
            Paused(wait) => assert_eq!((report.outcome, report.wait), (DeliveryOutcome::Dropped, wait)),
            _ => assert_eq!(report.wait, Duration::ZERO, "{report:?}"),
        }
        let mut sent = sent;
        if let Paused(_) = means {
            sent.push((self.kind.track)(&self.tracker));
        }
        pass(&self.world, &self.tracker, report.wait);
        // Not by `flush`, which would wait for the disk each time.
        self.told.wait_for(reports + means.requests(sent.len()));
        self.check_requests(requests, means, &sent, report.wait);
        let lost = if matches!(means, Dropped | Paused(_)) { self.batch() as u64 } else { 0 };
        let expected = (before.0 + sent.len() as u64 - lost, before.1 + lost);
        assert_eq!(self.counts(), expected, "delivered and refused");
    }

    /// The requests since so many: what was in them, and when they came.
    #[track_caller]
    fn check_requests(&self, since: usize, means: Means, sent: &[Arrival], wait: Duration) {
        let batch = self.batch();
        let expected: Vec<&[Arrival]> = match means {
            Done | Dropped => vec![sent],
            Later | After(_) => vec![sent, sent],
            Paused(_) => vec![&sent[..batch], &sent[batch..]],
            Halved => std::iter::once(sent).chain(sent.chunks(batch / 2)).collect(),
            OneByOne => std::iter::once(sent).chain(sent.chunks(1)).collect(),
        };
        let requests = self.server.requests();
        let came: Vec<_> = requests[since..].iter().map(arrivals).collect();
        assert_eq!(came, expected);
        let times = self.times.lock().unwrap();
        let between = times.last().unwrap() - times[since];
        assert!(between >= i64::try_from(wait.as_millis()).unwrap(), "{between} ms for {wait:?}");
    }

    /// What was delivered and what was refused, as both ledgers have it.
    #[track_caller]
    fn counts(&self) -> (u64, u64) {
        let counts = self.tracker.delivery_stats().unwrap()[0].counts;
        let stats = ledger(&self.tracker);
        if stats.accepted > 0 {
            let both = (stats.delivered, stats.dropped.total(), stats.dropped.refused);
            assert_eq!(both, (counts.delivered, counts.refused, counts.refused));
        }
        (counts.delivered, counts.refused)
    }
}

fn every_status(kind: Kind) {
    let drain = Drain::to(kind);
    for status in STATUSES {
        println!("{} {status}", kind.name);
        drain.expect(Reply::status(status), meaning(&kind, status));
    }
    assert_eq!(drain.server.connections(), 1, "no status costs the connection");
}

macro_rules! every_status {
    ($($name:ident: $kind:ident),*) => {$(
        #[test]
        fn $name() {
            every_status(drain::$kind);
        }
    )*};
}
every_status! {
    every_status_of_snowplow: SNOWPLOW,
    every_status_of_snowplow_over_get: SNOWPLOW_GET,
    every_status_of_bugsnags_sessions: BUGSNAG,
    every_status_of_bugsnags_errors: BUGSNAG_ERRORS,
    every_status_of_exceptionless: EXCEPTIONLESS,
    every_status_of_loupe: LOUPE,
    every_status_of_otlp: OTLP
}

#[test]
fn snowplows_rules_can_be_set() {
    let rules =
        [(202, StatusRule::Retry, Later), (404, StatusRule::Drop, Dropped), (422, StatusRule::Done, Done)];
    let drain = Drain::with(SNOWPLOW, |config, url| {
        let of_all = |builder: SnowplowBuilder, (status, rule, _)| builder.status_rule(status, rule);
        let builder = rules.into_iter().fold(Snowplow::builder(url), of_all);
        config.destination("snowplow", builder.build().unwrap())
    });
    for (status, _, means) in rules {
        drain.expect(Reply::status(status), means);
    }
    drain.expect(Reply::status(400), Dropped);
}

#[test]
fn a_redirect_within_the_server_is_followed_at_once() {
    for kind in ALL {
        let drain = Drain::to(kind);
        for status in [307, 308] {
            let before = drain.server.received();
            drain.replies.lock().unwrap().push_back(Reply::redirect(status, "/elsewhere?x=1&eid=x"));
            let sent = kind.track_some(&drain.tracker, drain.batch());
            flushed(&drain.tracker);
            let requests = drain.server.requests();
            let [first, second] = &requests[before..] else { panic!("{}: {requests:?}", kind.name) };
            assert_eq!(arrivals(first), sent, "{}", kind.name);
            assert_eq!((&second.target[..], &second.body), ("/elsewhere?x=1&eid=x", &first.body));
        }
        assert_eq!(drain.server.connections(), 1);
    }
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    for kind in ALL {
        let (drain, other) = (Drain::to(kind), Server::start(|_, _| Reply::ok()));
        for status in [307, 308] {
            drain.expect(Reply::redirect(status, &other.url("/")), Later);
        }
        assert_eq!(other.connections(), 0, "{}", kind.name);
    }
}

#[test]
fn a_retry_after_is_kept_to_the_moment() {
    for kind in ALL {
        let drain = Drain::to(kind);
        let date = chrono::DateTime::from_timestamp_millis(drain.world.clock.now().wall + 240_000).unwrap();
        let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        drain.expect(Reply::status(503).with_header("Retry-After", "120"), After(MINUTE * 2));
        // Two of the four minutes have passed.
        drain.expect(Reply::status(429).with_header("retry-after", &date), After(MINUTE * 2));
        drain.expect(Reply::status(503).with_header("Retry-After", "999999999"), After(MINUTE * 60 * 24));
        for nothing in ["0", "-1", "soon", "", "Tue, 14 Nov 2023 00:00:00 GMT"] {
            drain.expect(Reply::status(503).with_header("Retry-After", nothing), Later);
        }
    }
}

#[test]
fn nothing_is_sent_a_moment_too_early() {
    let retry_after = Reply::status(503).with_header("Retry-After", "900");
    let longer = Reply::status(401).with_header("Retry-After", "1800");
    let shorter = Reply::status(402).with_header("Retry-After", "1");
    for (kind, reply, wait) in [
        (SNOWPLOW, retry_after, 900),
        (EXCEPTIONLESS, Reply::status(403), 900),
        (EXCEPTIONLESS, longer, 1_800),
        (EXCEPTIONLESS, shorter, 300),
    ] {
        let drain = Drain::to(kind);
        drain.replies.lock().unwrap().push_back(reply);
        kind.track_some(&drain.tracker, BATCH);
        drain.told.wait_for(1);
        let last = (kind.track)(&drain.tracker);
        pass(&drain.world, &drain.tracker, SECOND * wait - Duration::from_millis(1));
        not_flushed(&drain.tracker);
        assert_eq!(drain.server.received(), 1, "{}", kind.name);
        pass(&drain.world, &drain.tracker, Duration::from_millis(1));
        flushed(&drain.tracker);
        assert_eq!(arrivals::all(&drain.server.requests()).last(), Some(&last));
    }
}

#[test]
fn of_a_partial_success_as_many_are_counted_as_were_rejected() {
    // the answer, and how many of four are refused
    for (body, refused) in [
        (r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#, 3),
        (r#"{"partialSuccess":{"rejectedLogRecords":1}}"#, 1),
        (r#"{"partialSuccess":{"rejectedLogRecords":"99"}}"#, 4),
        (r#"{"partialSuccess":{"errorMessage":"a warning"}}"#, 0),
        (r#"{"partialSuccess":{}}"#, 0),
        (r#"{"partialSuccess":null}"#, 0),
        ("{}", 0),
        ("<html>", 0),
    ] {
        let drain = Drain::to(OTLP);
        drain.replies.lock().unwrap().push_back(Reply::ok().with_body(body));
        OTLP.track_some(&drain.tracker, BATCH);
        flushed(&drain.tracker);
        assert_eq!(drain.counts(), (4 - refused, refused), "{body}");
        assert_eq!(drain.server.received(), 1);
    }
}

fn is_poisoned(received: &Received) -> bool {
    String::from_utf8(received.content()).unwrap().contains("poison")
}

#[test]
fn a_poison_event_is_dropped_alone() {
    for (kind, status) in [(EXCEPTIONLESS, 400), (EXCEPTIONLESS, 404), (EXCEPTIONLESS, 413), (LOUPE, 413)] {
        let world = World::new();
        let server =
            Server::start(move |received, _| Reply::status(if is_poisoned(received) { status } else { 200 }));
        let tracker = open((kind.add)(quiet(&world), &server.url("")));
        let mut tracked: Vec<_> = (0..13).map(|_| (kind.track)(&tracker)).collect();
        let poison = tracker.track(&common::event("poison")).unwrap().to_string();
        tracked.extend(kind.track_some(&tracker, 13));
        flushed(&tracker);
        let (refused, taken): (Vec<_>, Vec<_>) = server.requests().into_iter().partition(is_poisoned);
        assert_eq!(arrivals::all(&taken), tracked, "{} {status}: each once and in order", kind.name);
        assert_eq!(arrivals(refused.last().unwrap()), [Arrival::Event(poison)], "it was alone in the end");
        let stats = ledger(&tracker);
        assert_eq!((stats.delivered, stats.dropped.refused), (26, 1));
    }
}
