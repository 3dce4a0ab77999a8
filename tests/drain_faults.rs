//! Draining to servers that are broken, slow, gone or not who they should be: nothing is lost, and closing takes no
//! longer than it may.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "common/arrivals.rs"]
mod arrivals;
mod common;
#[path = "common/drain.rs"]
mod drain;
#[path = "common/server.rs"]
mod server;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use arrivals::{all, arrivals};
use common::{PATIENCE, SECOND, World, ledger, open, until};
use drain::{ALL, EXCEPTIONLESS, LOUPE, OTLP, SNOWPLOW, flushed, pass, quiet};
use server::{Received, Reply, Server};
use sessio::Tracker;
use sessio::delivery::HttpOptions;

const MINUTE: Duration = Duration::from_secs(60);
/// Far less than any timeout by default, and more than a busy machine needs for an answer.
const SHORT: Duration = Duration::from_millis(250);
const SOME: usize = 4;

/// Answers the first request in a way of its own, and the others well.
fn first(reply: Reply) -> impl Fn(&Received, usize) -> Reply + Send + Sync {
    move |_, number| if number == 0 { reply.clone() } else { Reply::ok() }
}

fn raw(text: impl Into<String>) -> Reply {
    Reply::Raw(text.into().into_bytes())
}

/// Lets time pass until everything is delivered.
#[track_caller]
fn recovers(world: &World, tracker: &Tracker, delivered: usize) {
    until("everything is delivered", || {
        pass(world, tracker, MINUTE * 10);
        tracker.stats().unwrap().delivered == delivered as u64
    });
}

#[test]
fn what_got_no_answer_or_a_bad_one_is_sent_again() {
    let half = "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nhalf of it";
    let endless = format!("HTTP/1.1 200 OK\r\nX-Long: {}", "x".repeat(500_000));
    for (reply, logged) in [
        (Reply::Never, "no answer"),
        (Reply::Close, "127.0.0.1: "),
        (raw(""), "127.0.0.1: "),
        (raw("SSH-2.0-OpenSSH_9.6\r\n"), "SSH-2.0-OpenSSH_9.6"),
        (raw("\0\u{1}\u{2}\r\n\r\n"), "the answer is not HTTP"),
        (raw("<html>Welcome to the hotel</html>\r\n"), "Welcome to the hotel"),
        (raw("HTTP/1.1 abc\r\n\r\n"), "HTTP/1.1 abc"),
        (raw(half), "half of it"),
        (raw(endless), "127.0.0.1: "),
        (Reply::status(503).with_body(vec![0xff; 300]), "status 503"),
    ] {
        for kind in [SNOWPLOW, OTLP] {
            let (world, server) = (World::new(), Server::start(first(reply.clone())));
            let tracker = open((kind.add)(quiet(&world).request_timeout(SHORT), &server.url("")));
            let tracked = kind.track_some(&tracker, SOME);
            world.wait_kept(1);
            world.assert_logged(logged);
            recovers(&world, &tracker, SOME);
            let requests = server.requests();
            assert!(requests.len() > 1 && requests.iter().all(|request| arrivals(request) == tracked));
        }
    }
}

#[test]
fn a_success_is_one_whatever_its_body_is() {
    let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n";
    let no_gzip = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone";
    for reply in [
        Reply::Cut { announced: 100, sent: b"half".to_vec() },
        Reply::Cut { announced: 100, sent: Vec::new() },
        Reply::Stall { announced: 100, sent: b"half".to_vec() },
        Reply::ok().with_body(r#"{"partialSuccess":{"rejectedLogRe"#),
        Reply::ok().with_body(vec![0; 5_000]),
        raw(chunk),
        raw(chunk.replace("4\r\n", "nonsense\r\n")),
        raw(no_gzip),
        raw("HTTP/1.1 200 OK\r\n\r\n"),
    ] {
        for kind in ALL {
            let (world, server) = (World::new(), Server::start(first(reply.clone())));
            let tracker = open((kind.add)(quiet(&world).request_timeout(SHORT * 2), &server.url("")));
            let tracked = kind.track_some(&tracker, 1);
            flushed(&tracker);
            assert_eq!(all(&server.requests()), tracked, "{} {reply:?}", kind.name);
            assert_eq!(tracker.delivery_stats().unwrap()[0].counts.delivered, 1);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_of_100_mb_does_not_fill_the_memory() {
    let name = "an_answer_of_100_mb_does_not_fill_the_memory";
    if common::rerun::part().is_none() {
        // In a process of its own: the other tests have memory, too.
        let world = World::new();
        let status = common::rerun::this_test(name, "alone", world.folder.path()).status().unwrap();
        return assert!(status.success());
    }
    let (world, server) = (
        World::new(),
        Server::start(|_, number| if number == 1 { Reply::Flood(100_000_000) } else { Reply::ok() }),
    );
    let tracker = open((OTLP.add)(quiet(&world), &server.url("")));
    let mut tracked = OTLP.track_some(&tracker, SOME);
    flushed(&tracker);
    let before = most_memory();
    for _ in 0..2 {
        tracked.extend(OTLP.track_some(&tracker, SOME));
        flushed(&tracker);
    }
    let grown = most_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes");
    assert_eq!((all(&server.requests()), server.connections()), (tracked, 2));
}

/// The most memory that this process ever had.
#[cfg(target_os = "linux")]
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    most.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// Speaks, and never comes to an end: a byte now and then.
fn dripping() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let drip = |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(drip));
    url
}

#[test]
fn closing_returns_in_time_whatever_the_server_does() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = |scheme: &str| format!("{scheme}://{}", silent.local_addr().unwrap());
    let never = Server::start(|_, _| Reply::Never);
    let stalls = Server::start(|_, _| Reply::Stall { announced: 100, sent: b"half".to_vec() });
    let busy = Server::start(|_, _| Reply::status(503));
    for url in [never.url(""), stalls.url(""), busy.url(""), silent("http"), silent("https"), dripping()] {
        for timeout in [100, 300] {
            let (world, timeout) = (World::new(), Duration::from_millis(timeout));
            let tracker = open((SNOWPLOW.add)(quiet(&world), &url));
            let tracked = SNOWPLOW.track_some(&tracker, SOME);
            let start = Instant::now();
            let closed = tracker.close(timeout);
            let took = start.elapsed();
            // A busy machine may wake us late; but the library has let go of everything by then.
            assert!(took <= timeout + Duration::from_millis(40), "{took:?} for {timeout:?} at {url}");
            assert!(closed.is_ok() || timeout < SHORT, "{closed:?} at {url}");
            drop(tracker);
            let server = Server::start(|_, _| Reply::ok());
            world.clock.advance(MINUTE);
            let tracker = open((SNOWPLOW.add)(quiet(&world), &server.url("")));
            flushed(&tracker);
            assert_eq!(all(&server.requests()), tracked, "it was owed as before");
        }
    }
}

#[test]
fn a_server_that_goes_away_and_comes_back_gets_the_rest() {
    let (world, server) = (World::new(), Server::start(|_, _| Reply::ok()));
    let tracker = open((EXCEPTIONLESS.add)(quiet(&world), &server.url("")));
    let mut tracked = EXCEPTIONLESS.track_some(&tracker, SOME);
    flushed(&tracker);
    let address = format!("127.0.0.1:{}", server.port());
    let mut came = server.requests();
    drop(server);
    tracked.extend(EXCEPTIONLESS.track_some(&tracker, SOME));
    world.wait_kept(1);
    // By now nobody listens.
    pass(&world, &tracker, SECOND);
    world.wait_kept(2);
    world.assert_logged("refused");
    let server = Server::on(&address, |_, _| Reply::ok()).unwrap();
    recovers(&world, &tracker, 2 * SOME);
    came.extend(server.requests());
    assert_eq!(all(&came), tracked);
}

#[test]
fn a_certificate_that_nobody_knows_is_no_receiver() {
    let (world, server) = (World::new(), Server::tls(|_, _| Reply::ok()));
    let tracker = open((LOUPE.add)(quiet(&world), &server.url("")));
    let tracked = LOUPE.track_some(&tracker, SOME);
    world.wait_kept(1);
    world.assert_logged("certificate");
    tracker.close(SECOND).unwrap();
    assert_eq!(server.received(), 0);
    let trusting = HttpOptions::default().no_proxy().root_certificates(server.certificate()).unwrap();
    let tracker = open((LOUPE.add)(quiet(&world).http(trusting), &server.url("")));
    recovers(&world, &tracker, SOME);
    assert_eq!(all(&server.requests()), tracked);
}

#[test]
fn restarts_in_the_middle_lose_nothing_and_repeat_nothing() {
    for kind in [SNOWPLOW, EXCEPTIONLESS, LOUPE] {
        // Now and then it is busy: there a process ends, and another one goes on.
        let busy = |number: usize| number % 7 == 6;
        let server = Server::start(move |_, number| Reply::status(if busy(number) { 503 } else { 200 }));
        let world = World::new();
        let tracker = open(quiet(&world).journal_bytes(4 << 20));
        let tracked = kind.track_some(&tracker, 2_000);
        tracker.close(PATIENCE).unwrap();
        let mut restarts = 0;
        loop {
            let kept = world.kept();
            let tracker = open((kind.add)(quiet(&world), &server.url("")));
            until("it is through, or the server is busy", || {
                world.kept() > kept || tracker.stats().unwrap().stored == 0
            });
            tracker.close(PATIENCE).unwrap();
            world.clock.advance(MINUTE * 10);
            if world.kept() == kept {
                break;
            }
            restarts += 1;
        }
        let taken: Vec<_> = server.requests().into_iter().enumerate().filter(|(at, _)| !busy(*at)).collect();
        let taken: Vec<_> = taken.iter().flat_map(|(_, request)| arrivals(request)).collect();
        assert_eq!(taken, tracked, "{}", kind.name);
        assert!(restarts >= 2, "{} in {restarts} restarts", kind.name);
    }
}

#[test]
fn a_slow_server_delays_no_other() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = Arc::clone(&gate);
    let slow = Server::start(move |_, _| {
        drop(held.1.wait_while(held.0.lock().unwrap(), |open| !*open).unwrap());
        Reply::ok()
    });
    let (world, fast) = (World::new(), Server::start(|_, _| Reply::ok()));
    let config = (LOUPE.add)((OTLP.add)(quiet(&world), &slow.url("")), &fast.url(""));
    let tracker = open(config);
    let mut tracked = Vec::new();
    for _ in 0..20 {
        tracked.extend(OTLP.track_some(&tracker, SOME));
        until("the fast one has it", || all(&fast.requests()).len() == tracked.len());
    }
    assert_eq!(ledger(&tracker).delivered, 0, "the other is owed it still");
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    flushed(&tracker);
    assert_eq!((all(&fast.requests()), all(&slow.requests())), (tracked.clone(), tracked));
}
