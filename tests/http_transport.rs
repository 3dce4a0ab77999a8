//! What the built-in transport makes of good and bad receivers.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/sending.rs"]
mod sending;
#[path = "common/server.rs"]
mod server;

use std::net::TcpListener;
use std::time::Instant;

use sending::{PROMPT, SHORT, answer, direct, failure, get, post, send, transport};
use server::{Reply, Server};
use sessio::delivery::transport::call;
use sessio::delivery::{Answer, Transport, policy};

mod answers {
    use super::*;

    #[test]
    fn status_and_body_come_through() {
        let server = Server::start(|_, _| Reply::status(202).with_body("done"));
        let expected = Answer { status: 202, retry_after: None, body: b"done".to_vec() };
        assert_eq!(answer(post(server.url("/"), b"{}")), expected);
    }

    #[test]
    fn an_answer_needs_no_body() {
        let server = Server::start(|_, _| Reply::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()));
        assert_eq!(answer(post(server.url("/"), b"{}")).status, 204);
    }

    #[test]
    fn every_way_to_end_a_body_is_understood() {
        for raw in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", // cut
            "HTTP/1.1 200 OK\r\n\r\nbody",
            "HTTP/1.0 200 OK\r\n\r\nbody",
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        ] {
            let server = Server::start(move |_, _| Reply::Raw(raw.into()));
            let answer = answer(post(server.url("/"), b"{}"));
            assert_eq!((answer.status, &answer.body[..]), (200, &b"body"[..]), "{raw:?}");
        }
    }

    #[test]
    fn retry_after_is_handed_on_as_it_is() {
        let server = Server::start(|_, _| Reply::status(503).with_header("Retry-After", "Fri, 31 Dec 1999"));
        let answer = answer(post(server.url("/"), b"{}"));
        assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("Fri, 31 Dec 1999")));
    }

    #[test]
    fn a_body_that_is_cut_does_not_matter() {
        let server = Server::start(|_, _| Reply::Cut { announced: 100, sent: b"half".to_vec() });
        let answer = answer(post(server.url("/"), b"{}"));
        assert_eq!((answer.status, &answer.body[..]), (200, &b"half"[..]));
    }

    #[test]
    fn a_body_that_is_late_does_not_matter() {
        let server = Server::start(|_, _| Reply::Stall { announced: 100, sent: b"half".to_vec() });
        let answer = send(&transport(direct().request_timeout(SHORT)), get(server.url("/"))).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"half"[..]));
    }

    #[test]
    fn of_a_huge_body_only_the_beginning_is_read() {
        const HUGE: u64 = 100_000_000;
        let server = Server::start(|_, number| if number == 0 { Reply::Flood(HUGE) } else { Reply::ok() });
        let transport = transport(direct());
        let answer = send(&transport, get(server.url("/"))).unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, policy::RESPONSE_BYTES));
        send(&transport, get(server.url("/"))).unwrap();
        assert_eq!(server.connections(), 2, "what is left of the answer stays on the first");
        assert!(server.body_bytes() < HUGE / 2, "{} bytes were taken", server.body_bytes());
    }
}

mod requests {
    use super::*;

    #[test]
    fn everything_arrives_as_it_is() {
        let server = Server::start(|_, _| Reply::ok());
        let body: Vec<u8> = (0..=255).collect();
        let mut request = post(server.url("/path/i?e=se&x=%C3%A4%20b"), &body);
        request.headers.push(("Bugsnag-Api-Key".into(), "kéy: 'with' \"signs\"".into()));
        answer(request);
        let received = &server.requests()[0];
        assert_eq!((&received.method[..], &received.target[..]), ("POST", "/path/i?e=se&x=%C3%A4%20b"));
        assert_eq!(received.body, body);
        for (name, value) in [
            ("content-type", Some("application/json")),
            ("bugsnag-api-key", Some("kéy: 'with' \"signs\"")),
            ("user-agent", Some(concat!("sessio/", env!("CARGO_PKG_VERSION")))),
            ("content-length", Some("256")),
            ("accept-encoding", None),
            ("transfer-encoding", None),
        ] {
            assert_eq!(received.header(name), value, "{name}");
        }
    }

    #[test]
    fn a_get_has_no_body() {
        let server = Server::start(|_, _| Reply::ok());
        answer(get(server.url("/i?e=pv")));
        let received = &server.requests()[0];
        assert_eq!((&received.method[..], received.header("content-length")), ("GET", None));
    }

    #[test]
    fn a_large_body_arrives_whole() {
        let server = Server::start(|_, _| Reply::ok());
        let body: Vec<u8> = (0..1_000_000u32).map(|byte| byte as u8).collect();
        answer(post(server.url("/"), &body));
        assert!(server.requests()[0].body == body);
    }

    #[test]
    fn an_ipv6_address_is_a_host() {
        let Ok(server) = Server::on("[::1]:0", |_, _| Reply::ok()) else {
            return eprintln!("skipped: this machine has no IPv6");
        };
        assert!(server.url("/").starts_with("http://[::1]:"));
        assert_eq!(answer(get(server.url("/"))).status, 200);
    }

    #[test]
    fn one_connection_serves_a_thousand_requests() {
        let server = Server::counting(|_, _| Reply::ok().with_body("ok"));
        let transport = transport(direct());
        for _ in 0..1_000 {
            send(&transport, post(server.url("/"), b"{}")).unwrap();
        }
        assert_eq!((server.received(), server.connections()), (1_000, 1));
    }

    #[test]
    fn a_connection_that_the_receiver_closed_is_made_anew() {
        let server = Server::start(|_, _| {
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()) // and closes, unannounced
        });
        let transport = transport(direct());
        for requests in 1..=3 {
            server.wait_for_replies(requests - 1);
            // Its end may still be on the way: then the request fails, and is sent again later.
            let outcome = send(&transport, post(server.url("/"), b"{}"));
            let again = || send(&transport, post(server.url("/"), b"{}"));
            assert_eq!(outcome.or_else(|_| again()).unwrap().status, 200);
        }
    }

    #[test]
    fn what_cannot_be_sent_says_so_without_its_content() {
        for (url, name, value) in [
            ("http://localhost/i?secret", "X-Key", "secret\r\nX-Other: value"),
            ("http://localhost/i?secret", "X Key", "secret"),
            ("http://local host/i?secret", "X-Key", "secret"),
            ("/i?secret", "X-Key", "secret"),
            ("gopher://localhost/i?secret", "X-Key", "secret"),
        ] {
            let mut request = get(url.into());
            request.headers.push((name.into(), value.into()));
            let reason = failure(request);
            assert!(reason.contains("cannot be") && !reason.contains("secret"), "{reason}");
        }
    }
}

mod redirects {
    use super::*;

    /// A server that sends on from `/old` to the place given, on itself if it is a path.
    fn moved(status: u16, location: &'static str) -> Server {
        Server::start(move |received, _| match &received.target[..] {
            "/old" => Reply::redirect(status, location).with_body("moved"),
            _ => Reply::ok(),
        })
    }

    #[test]
    fn on_the_same_host_method_and_body_go_along() {
        for status in [307, 308] {
            let server = moved(status, "/new?x=1");
            assert_eq!(answer(post(server.url("/old"), b"{\"a\":1}")).status, 200);
            let received = &server.requests()[1];
            assert_eq!((&received.method[..], &received.target[..]), ("POST", "/new?x=1"));
            assert_eq!((&received.body[..], server.connections()), (&b"{\"a\":1}"[..], 1));
            assert_eq!(received.header("content-type"), Some("application/json"));
        }
    }

    #[test]
    fn a_whole_url_of_the_same_host_is_followed() {
        let server = Server::start(|received, _| match &received.target[..] {
            "/old" => Reply::redirect(307, &format!("http://{}/new", received.header("host").unwrap())),
            _ => Reply::ok(),
        });
        assert_eq!(answer(get(server.url("/old"))).status, 200);
    }

    #[test]
    fn other_statuses_are_the_answer() {
        for status in [300, 301, 302, 303, 304] {
            let server = moved(status, "/new");
            assert_eq!(answer(post(server.url("/old"), b"{}")).status, status);
            assert_eq!(server.received(), 1);
        }
    }

    #[test]
    fn another_port_gets_nothing() {
        let other = Server::start(|_, _| Reply::ok());
        let location = other.url("/new");
        let server = Server::start(move |_, _| Reply::redirect(307, &location));
        assert_eq!(answer(post(server.url("/old"), b"{}")).status, 307);
        assert_eq!(other.connections(), 0);
    }

    #[test]
    fn a_loop_comes_to_an_end() {
        let server = Server::start(|_, _| Reply::redirect(307, "/again"));
        assert_eq!(answer(post(server.url("/"), b"{}")).status, 307);
        assert_eq!(server.received(), 1 + policy::REDIRECTS);
    }
}

mod failures {
    use super::*;

    #[test]
    fn a_receiver_that_never_answers() {
        let server = Server::start(|_, _| Reply::Never);
        let started = Instant::now();
        let outcome = send(&transport(direct().request_timeout(SHORT)), post(server.url("/"), b"{}"));
        assert_eq!(outcome, Err("127.0.0.1: no answer in time".into()));
        assert!(started.elapsed() >= SHORT);
    }

    #[test]
    fn a_receiver_that_closes() {
        let server = Server::start(|_, _| Reply::Close);
        assert!(failure(post(server.url("/"), b"{}")).starts_with("127.0.0.1: "));
    }

    #[test]
    fn a_receiver_that_speaks_something_else() {
        for garbage in ["SSH-2.0-OpenSSH_9.6\r\n", "\0\u{1}\u{2}\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "<html>"] {
            let server = Server::start(move |_, _| Reply::Raw(garbage.into()));
            let reason = failure(post(server.url("/"), b"{}"));
            assert!(reason.starts_with("127.0.0.1: "), "{garbage:?}: {reason}");
        }
    }

    #[test]
    fn a_head_without_end() {
        let server = Server::start(|_, _| {
            let head = format!("HTTP/1.1 200 OK\r\nX-Long: {}", "x".repeat(1_000_000));
            Reply::Raw(head.into())
        });
        failure(post(server.url("/"), b"{}"));
    }

    #[test]
    fn nobody_there() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let reason = failure(get(format!("http://{free}/i?secret")));
        assert!(reason.starts_with("127.0.0.1: ") && !reason.contains("secret"), "{reason}");
    }

    #[test]
    fn no_such_host() {
        let (call, pending) = call();
        let options = direct().connect_timeout(SHORT);
        transport(options).send(get("http://no-such-host.invalid/i?secret".into()), call);
        let reason = pending.wait(Instant::now() + PROMPT).unwrap().unwrap_err();
        assert!(reason.starts_with("no-such-host.invalid: ") && !reason.contains("secret"), "{reason}");
    }

    #[test]
    fn a_handshake_that_does_not_come_is_a_connection_that_takes_too_long() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", silent.local_addr().unwrap());
        let outcome = send(&transport(direct().connect_timeout(SHORT)), post(url, b"{}"));
        assert_eq!(outcome, Err("127.0.0.1: could not connect in time".into()));
    }
}
