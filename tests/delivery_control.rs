//! What the host controls about delivery, and what it is told: background, closing, requests it carries itself, the
//! observer, protocols and transports of its own that misbehave.
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use common::receiver::{Lines, Receiver, retry_after, status};
use common::{SECOND, World, ledger, open, track, until};
use sessio::delivery::{Answer, Call, DeliveryObserver, DeliveryOutcome, DeliveryReport, Outcome, Transport};
use sessio::protocol::{BatchLimits, Item, Protocol, Request, Response, Source, Verdict};
use sessio::{BackgroundDelivery, Callback, ConfigBuilder, ErrorKind, NextRequest, PendingRequest, Tracker};

const MINUTE: Duration = Duration::from_secs(60);

fn events(host: &str) -> Lines {
    Lines { takes: |item| matches!(item, Item::Event(_)), ..Lines::new(host) }
}

fn one(world: &World, receiver: &Receiver) -> ConfigBuilder {
    world.config().transport(receiver.transport()).ids(world.ids.clone()).destination("a", events("a"))
}

#[track_caller]
fn flushed(tracker: &Tracker) {
    tracker.flush(common::PATIENCE).unwrap();
}

fn pass(world: &World, tracker: &Tracker, time: Duration) {
    world.clock.advance(time);
    tracker.poll().unwrap();
}

#[test]
fn in_background_what_is_due_is_sent_once_and_then_it_rests() {
    let world = World::new();
    let receiver = Receiver::new(|_, _| status(503));
    let tracker = open(one(&world, &receiver).starts_in_background(true));
    track(&tracker, &["one"]);
    world.wait_kept(1);
    for _ in 0..3 {
        pass(&world, &tracker, MINUTE * 20);
    }
    assert_eq!(receiver.requests("a").len(), 1, "it rests");
    track(&tracker, &["two"]);
    world.wait_kept(2);
    pass(&world, &tracker, MINUTE * 20);
    assert_eq!(receiver.requests("a").len(), 2, "a new event is a new cause, once");
    tracker.set_is_background(false).unwrap();
    receiver.wait_for("a", 3);
}

#[test]
fn background_delivery_can_be_had_always_or_never() {
    let (world, receiver) = (World::new(), Receiver::with_statuses(&[503]));
    let config = one(&world, &receiver).starts_in_background(true);
    let tracker = open(config.background_delivery(BackgroundDelivery::Always));
    track(&tracker, &["one"]);
    world.wait_kept(1);
    pass(&world, &tracker, MINUTE);
    flushed(&tracker);
    drop(tracker);

    let (world, receiver) = (World::new(), Receiver::willing());
    let config = one(&world, &receiver).starts_in_background(true);
    let tracker = open(config.background_delivery(BackgroundDelivery::Never));
    track(&tracker, &["one"]);
    pass(&world, &tracker, MINUTE);
    assert_eq!(tracker.flush(Duration::from_millis(50)).unwrap_err().kind(), ErrorKind::Timeout);
    assert!(receiver.requests("a").is_empty(), "never is never");
    tracker.set_is_background(false).unwrap();
    receiver.wait_for("a", 1);
}

#[test]
fn closing_sends_what_it_can() {
    let (world, receiver) = (World::new(), Receiver::willing());
    let small = Lines { limits: BatchLimits { items: 1, bytes: 100 }, ..events("a") };
    let config = world.config().transport(receiver.transport()).destination("a", small);
    let tracker = open(config.commit_window(Duration::from_secs(60)));
    track(&tracker, &["one", "two", "three"]);
    tracker.close(common::PATIENCE).unwrap();
    assert_eq!(receiver.lines("a"), ["one", "two", "three"]);
}

#[test]
fn closing_returns_by_its_timeout_whatever_the_receiver_does() {
    for timeout in [0, 50, 300] {
        let timeout = Duration::from_millis(timeout);
        let (world, receiver) = (World::new(), Receiver::new(|_, _| None));
        let tracker = open(one(&world, &receiver));
        track(&tracker, &["one"]);
        receiver.wait_for("a", 1);
        let start = Instant::now();
        let closed = tracker.close(timeout);
        let took = start.elapsed();
        assert!(took <= timeout + Duration::from_millis(60), "{took:?} for {timeout:?}");
        // In less there may be no time for the files on a busy disk: then it says so, in time.
        assert!(closed.is_ok() || timeout < Duration::from_millis(300), "{closed:?}");
        until("it was cancelled", || receiver.was_cancelled());
        drop(tracker);
        until("its files are free", || world.try_open().is_ok());
        let receiver = Receiver::willing();
        flushed(&open(one(&world, &receiver)));
        assert_eq!(receiver.lines("a"), ["one"], "it is owed as before");
    }
}

#[test]
fn dropping_does_not_wait_for_the_network() {
    let (world, receiver) = (World::new(), Receiver::new(|_, _| None));
    let tracker = open(one(&world, &receiver));
    track(&tracker, &["one"]);
    receiver.wait_for("a", 1);
    let start = Instant::now();
    drop(tracker);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
}

#[test]
fn who_waits_for_delivery_does_not_wait_beyond_closing() {
    let (world, receiver) = (World::new(), Receiver::new(|_, _| None));
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let change = Callback::session_change(move |_| _ = count.fetch_add(1, Ordering::SeqCst));
    // Nothing is stored, and nobody told, before it is asked for.
    let tracker = open(one(&world, &receiver).commit_window(Duration::MAX).callback(change));
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    receiver.wait_for("a", 1);
    let before = told.load(Ordering::SeqCst);
    tracker.end_session().unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| tracker.flush(common::PATIENCE * 3));
        until("it is at work", || told.load(Ordering::SeqCst) > before);
        // On a busy disk there may be no time for the files.
        let _ = tracker.close(Duration::from_millis(100));
        let kind = flush.join().unwrap().unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Timeout | ErrorKind::Closed), "{kind:?}");
    });
    assert!(start.elapsed() < common::PATIENCE, "{:?}", start.elapsed());
}

/// Blocks in `send` and ignores that nobody waits any more, as a system's name resolution does.
struct Deaf(Arc<(Mutex<bool>, std::sync::Condvar)>);

impl Transport for Deaf {
    fn send(&self, _: Request, call: Call) {
        let let_go = self.0.0.lock().unwrap();
        let _let_go = self.0.1.wait_while(let_go, |let_go| !*let_go).unwrap();
        call.fail("at last");
    }
}

#[test]
fn a_transport_that_cannot_be_cancelled_is_left_behind() {
    let world = World::new();
    let gate = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
    let tracker = open(world.config().transport(Arc::new(Deaf(gate.clone()))).destination("a", events("a")));
    track(&tracker, &["one"]);
    tracker.poll().unwrap();
    let start = Instant::now();
    tracker.close(Duration::from_millis(600)).unwrap();
    assert!(start.elapsed() < Duration::from_millis(700));
    // The files are free again, although that thread is still somewhere.
    let receiver = Receiver::willing();
    flushed(&open(one(&world, &receiver)));
    assert_eq!(receiver.lines("a"), ["one"]);
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    until("the transport is let go", || Arc::strong_count(&gate) == 1);
}

#[test]
fn a_request_that_takes_too_long_is_given_up_and_tried_again() {
    let world = World::new();
    let first = Mutex::new(true);
    let receiver =
        Receiver::new(
            move |_, _| {
                if std::mem::take(&mut *first.lock().unwrap()) { None } else { status(200) }
            },
        );
    let tracker = open(one(&world, &receiver).request_timeout(Duration::from_millis(50)));
    track(&tracker, &["one"]);
    until("it was given up", || receiver.was_cancelled() && world.logged("no answer within 50 ms"));
    world.wait_kept(1);
    pass(&world, &tracker, MINUTE);
    flushed(&tracker);
    assert_eq!(receiver.requests("a").len(), 2);
}

/// A transport that is what the closure does.
struct Custom<F>(F);

impl<F: Fn(Call) + Send + Sync> Transport for Custom<F> {
    fn send(&self, _: Request, call: Call) {
        (self.0)(call);
    }
}

#[test]
fn a_transport_that_panics_or_lets_go_is_tried_again() {
    for panics in [true, false] {
        let world = World::new();
        let tries = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&tries);
        let transport = Custom(move |call: Call| {
            let mut tries = counted.lock().unwrap();
            *tries += 1;
            match (*tries, panics) {
                (1, true) => {
                    drop(tries);
                    panic!("a defect of the host's");
                }
                (1, false) => drop(call),
                _ => call.answer(Answer { status: 200, ..Answer::default() }),
            }
        });
        let tracker = open(world.config().transport(Arc::new(transport)).destination("a", events("a")));
        track(&tracker, &["one"]);
        world.wait_kept(1);
        world.assert_logged("without an answer");
        pass(&world, &tracker, MINUTE);
        flushed(&tracker);
        assert_eq!((*tries.lock().unwrap(), ledger(&tracker).delivered), (2, 1));
    }
}

/// A protocol of the host's that panics where it is told to.
struct Panics(&'static str);

impl Protocol for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn takes(&self, _: &Item) -> bool {
        assert!(self.0 != "takes", "a defect of the host's");
        true
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { items: 1, bytes: 1 }
    }

    fn encode(&self, _: &[Item], _: &Source) -> sessio::Result<(Request, usize)> {
        panic!("a defect of the host's");
    }

    fn judge(&self, _: &Response, _: usize) -> Verdict {
        Verdict::Done { rejected: 0 }
    }
}

#[test]
fn a_protocol_that_panics_ends_its_own_sender_alone() {
    for place in ["takes", "encode"] {
        let (world, receiver) = (World::new(), Receiver::willing());
        let tracker = open(one(&world, &receiver).destination("b", Panics(place)));
        track(&tracker, &["one"]);
        receiver.wait_for("a", 1);
        track(&tracker, &["two"]);
        until("the other goes on", || receiver.lines("a") == ["one", "two"]);
        until("it is told", || place == "takes" || world.logged("the sender panicked"));
        tracker.close(SECOND).unwrap();
    }
}

#[test]
fn an_answer_that_is_nonsense_is_shown_without_what_we_sent() {
    let world = World::new();
    let receiver = Receiver::new(|_, lines| {
        let body =
            format!("<h1>Welcome to the hotel</h1> secret-key {} \u{1b}[31m {}", lines[0], "x".repeat(900));
        Some(Ok(Answer { status: 511, retry_after: None, body: body.into_bytes() }))
    });
    let tracker = open(one(&world, &receiver));
    track(&tracker, &["private-name"]);
    until("it is logged", || world.logged("Welcome to the hotel"));
    world.assert_logged("status 511");
    assert!(!world.logged("secret-key") && !world.logged("private-name") && !world.logged("\u{1b}"));
    assert!(!world.logged(&"x".repeat(200)), "200 bytes are enough");
}

/// What an observer was told, as text.
#[derive(Clone, Default)]
struct Told {
    reports: Arc<Mutex<Vec<String>>>,
    tracker: Arc<OnceLock<Tracker>>,
}

impl DeliveryObserver for Told {
    fn on_delivery(&self, report: &DeliveryReport<'_>) {
        let (events, sessions) = (report.events.len(), report.sessions.len());
        let what = match report.outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::WillRetry => "will retry",
            DeliveryOutcome::Dropped => "dropped",
            _ => "?",
        };
        let wait = report.wait.map_or(0, |wait| wait.as_secs());
        let status = report.status.unwrap_or(0);
        self.reports.lock().unwrap().push(format!(
            "{} {what} {events}+{sessions} {status} {:?} {wait} {}",
            report.destination, report.reason, report.rejected
        ));
        if let Some(tracker) = self.tracker.get() {
            assert!(tracker.stats().is_ok() && tracker.flush(SECOND).is_ok() && tracker.poll().is_ok());
            assert!(tracker.history(1).is_ok());
        }
    }
}

#[test]
fn the_observer_is_told_everything_in_order() {
    let world = World::new();
    let answers = Mutex::new(vec![status(206), status(410), Some(Err("no route".into())), retry_after("7")]);
    let receiver = Receiver::new(move |_, _| answers.lock().unwrap().pop().unwrap_or_else(|| status(200)));
    let told = Told::default();
    let config = world.config().transport(receiver.transport()).destination("a", Lines::new("a"));
    let tracker = open(config.delivery_observer(Arc::new(told.clone())));
    track(&tracker, &["one"]);
    for answers in 1..=2 {
        until("there is an answer", || told.reports.lock().unwrap().len() >= answers);
        pass(&world, &tracker, MINUTE);
    }
    flushed(&tracker);
    track(&tracker, &["two"]);
    flushed(&tracker);
    track(&tracker, &["unwritable"]);
    flushed(&tracker);
    track(&tracker, &["three"]);
    flushed(&tracker);
    let reports = told.reports.lock().unwrap().clone();
    assert_eq!(reports[0], "a will retry 1+1 503 \"status 503\" 7 0");
    assert!(reports[1].starts_with("a will retry 1+1 0 \"no route\""), "{reports:?}");
    assert_eq!(reports[2], "a dropped 1+1 410 \"status 410\" 0 0");
    assert_eq!(reports[3], "a delivered 1+0 206 \"\" 0 1");
    assert_eq!(reports[4], "a dropped 1+0 0 \"it cannot be written\" 0 0");
    assert_eq!(reports[5], "a delivered 1+0 200 \"\" 0 0");
}

#[test]
fn the_observer_may_call_the_tracker_and_close_it() {
    let (world, receiver, told) = (World::new(), Receiver::willing(), Told::default());
    let _ = told.tracker.set(open(one(&world, &receiver).delivery_observer(Arc::new(told.clone()))));
    let tracker = told.tracker.get().unwrap();
    track(tracker, &["one", "two"]);
    flushed(tracker);
    assert!(!told.reports.lock().unwrap().is_empty());
    tracker.close(SECOND).unwrap();

    struct Closes(Arc<OnceLock<Tracker>>);
    impl DeliveryObserver for Closes {
        fn on_delivery(&self, _: &DeliveryReport<'_>) {
            self.0.wait().close(SECOND).unwrap();
        }
    }
    let (world, cell) = (World::new(), Arc::new(OnceLock::new()));
    let _ = cell.set(open(one(&world, &receiver).delivery_observer(Arc::new(Closes(cell.clone())))));
    track(cell.get().unwrap(), &["one"]);
    until("it is closed", || cell.get().unwrap().stats().is_err());
    until("its files are free", || world.try_open().is_ok());
}

#[test]
fn an_observer_that_panics_is_ignored_and_logged() {
    struct Panics;
    impl DeliveryObserver for Panics {
        fn on_delivery(&self, _: &DeliveryReport<'_>) {
            panic!("a defect of the host's");
        }
    }
    let (world, receiver) = (World::new(), Receiver::willing());
    let tracker = open(one(&world, &receiver).delivery_observer(Arc::new(Panics)));
    track(&tracker, &["one"]);
    flushed(&tracker);
    world.assert_logged("the delivery observer panicked");
    assert_eq!(ledger(&tracker).delivered, 1);
}

fn manual(world: &World) -> Tracker {
    open(world.config().destination("a", events("a")).destination("b", events("b")).manual_delivery(true))
}

#[track_caller]
fn next(tracker: &Tracker) -> PendingRequest {
    match tracker.next_request().unwrap() {
        NextRequest::Send(pending) => pending,
        other => panic!("{other:?}"),
    }
}

fn taken() -> Outcome {
    Ok(Answer { status: 200, ..Answer::default() })
}

#[test]
fn the_host_can_carry_the_requests_itself() {
    let world = World::new();
    let tracker = manual(&world);
    assert!(matches!(tracker.next_request().unwrap(), NextRequest::Nothing));
    track(&tracker, &["one", "two"]);
    let (a, b) = (next(&tracker), next(&tracker));
    assert_eq!((a.destination(), b.destination()), ("a", "b"));
    assert_eq!((a.request().url.starts_with("http://a/"), &*a.request().body), (true, &b"one\ntwo"[..]));
    assert!(matches!(tracker.next_request().unwrap(), NextRequest::Nothing), "one at a time for each");
    a.report(taken());
    b.report(Err("no network".into()));
    let stats = ledger(&tracker);
    assert_eq!((stats.stored, stats.delivered), (2, 0), "b is owed them still");
    assert!(matches!(tracker.next_request().unwrap(), NextRequest::Wait(_)));
    world.clock.advance(MINUTE);
    next(&tracker).report(taken());
    assert_eq!(ledger(&tracker).delivered, 2);
    flushed(&tracker);
}

#[test]
fn a_request_that_is_dropped_or_outlives_the_tracker_is_owed_as_before() {
    let world = World::new();
    let tracker = manual(&world);
    track(&tracker, &["one"]);
    drop(next(&tracker));
    let pending = next(&tracker);
    assert_eq!(pending.destination(), "a");
    tracker.close(SECOND).unwrap();
    assert_eq!(tracker.next_request().unwrap_err().kind(), ErrorKind::Closed);
    pending.report(taken());
    let tracker = manual(&world);
    assert_eq!(next(&tracker).destination(), "a");
}

#[test]
fn an_erasure_while_a_request_is_carried_is_not_undone_by_its_report() {
    let world = World::new();
    let tracker = manual(&world);
    track(&tracker, &["one"]);
    let pending = next(&tracker);
    tracker.erase().unwrap();
    track(&tracker, &["two"]);
    pending.report(taken());
    let stats = ledger(&tracker);
    assert_eq!((stats.delivered, stats.dropped.erased, stats.stored), (0, 1, 1));
    assert_eq!(next(&tracker).request().body, b"two");
}

#[test]
fn a_tracker_that_delivers_by_itself_hands_out_no_requests() {
    let world = World::new();
    let error = world.open().next_request().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
