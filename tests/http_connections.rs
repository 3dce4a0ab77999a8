//! The connections of the built-in transport: cancelled, in TLS, through proxies.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/proxy.rs"]
mod proxy;
#[allow(dead_code)]
#[path = "common/rerun.rs"]
mod rerun;
#[path = "common/sending.rs"]
mod sending;
#[path = "common/server.rs"]
mod server;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use proxy::Proxy;
use sending::{PROMPT, direct, failure, post, send, transport};
use server::{Reply, Server};
use sessio::delivery::transport::call;
use sessio::delivery::{HttpOptions, Transport};
use sessio::protocol::Request;

/// Sends on a thread of its own, cancels when `ready` returns, and says how long the transport took to notice.
fn time_to_cancel(options: HttpOptions, request: Request, ready: impl FnOnce()) -> Duration {
    let transport = transport(options);
    let (call, pending) = call();
    let sending = thread::spawn(move || transport.send(request, call));
    ready();
    let cancelled = Instant::now();
    pending.cancel();
    sending.join().unwrap();
    cancelled.elapsed()
}

mod cancelling {
    use super::*;

    #[test]
    fn while_it_waits_for_the_answer() {
        let server = Server::start(|_, _| Reply::Never);
        let took = time_to_cancel(direct(), post(server.url("/"), b"{}"), || server.wait_for(1));
        assert!(took < PROMPT, "{took:?}");
    }

    #[test]
    fn in_the_middle_of_a_body() {
        let server = Server::start(|_, _| Reply::Stall { announced: 100, sent: b"half".to_vec() });
        let took = time_to_cancel(direct(), post(server.url("/"), b"{}"), || server.wait_for_replies(1));
        assert!(took < PROMPT, "{took:?}");
    }

    #[test]
    fn while_it_writes() {
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        let request = post(format!("http://{}/", busy.local_addr().unwrap()), &vec![b'x'; 50_000_000]);
        let mut open = None;
        let took = time_to_cancel(direct(), request, || open = Some(first_byte(&busy)));
        assert!(took < PROMPT, "{took:?}");
    }

    #[test]
    fn during_the_handshake() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let request = post(format!("https://{}/", silent.local_addr().unwrap()), b"{}");
        let mut open = None;
        let took = time_to_cancel(direct(), request, || open = Some(first_byte(&silent)));
        assert!(took < PROMPT, "{took:?}");
    }

    /// The connection, of which nothing more is read.
    fn first_byte(listener: &TcpListener) -> TcpStream {
        let mut stream = listener.accept().unwrap().0;
        stream.read_exact(&mut [0]).unwrap();
        stream
    }

    #[test]
    fn through_tls() {
        let server = Server::tls(|_, _| Reply::Never);
        let options = direct().root_certificates(server.certificate()).unwrap();
        let took = time_to_cancel(options, post(server.url("/"), b"{}"), || server.wait_for(1));
        assert!(took < PROMPT, "{took:?}");
    }

    #[test]
    fn through_a_proxy_and_tls() {
        let (proxy, server) = (Proxy::start(), Server::tls(|_, _| Reply::Never));
        let options = HttpOptions::default().proxy(&proxy.url()).unwrap();
        let options = options.root_certificates(server.certificate()).unwrap();
        let took = time_to_cancel(options, post(server.url("/"), b"{}"), || server.wait_for(1));
        assert!(took < PROMPT, "{took:?}");
    }

    #[test]
    fn on_a_connection_that_served_others_before() {
        let server = Server::start(|_, number| if number == 1 { Reply::Never } else { Reply::ok() });
        let transport = transport(direct());
        send(&transport, post(server.url("/"), b"{}")).unwrap();
        thread::scope(|scope| {
            let (call, pending) = call();
            let sending = scope.spawn(|| transport.send(post(server.url("/"), b"{}"), call));
            server.wait_for(2);
            let cancelled = Instant::now();
            pending.cancel();
            sending.join().unwrap();
            assert!(cancelled.elapsed() < PROMPT, "{:?}", cancelled.elapsed());
        });
        assert_eq!(server.connections(), 1);
        assert_eq!(send(&transport, post(server.url("/"), b"{}")).unwrap().status, 200, "others go on");
    }

    #[test]
    fn a_call_that_is_cancelled_already_goes_nowhere() {
        let server = Server::start(|_, _| Reply::ok());
        let (call, pending) = call();
        pending.cancel();
        transport(direct()).send(post(server.url("/"), b"{}"), call);
        assert_eq!(server.connections(), 0);
    }
}

mod tls {
    use super::*;

    #[test]
    fn a_certificate_that_is_trusted() {
        let server = Server::tls(|_, _| Reply::ok().with_body(vec![b'x'; 100_000]));
        let transport = transport(direct().root_certificates(server.certificate()).unwrap());
        for _ in 0..10 {
            let answer = send(&transport, post(server.url("/"), &[b'y'; 100_000])).unwrap();
            assert_eq!((answer.status, answer.body.len()), (200, 100_000));
        }
        assert_eq!((server.connections(), server.requests()[9].body.len()), (1, 100_000));
    }

    #[test]
    fn one_that_nobody_knows() {
        let server = Server::tls(|_, _| Reply::ok());
        let reason = failure(post(server.url("/?secret"), b"{}"));
        assert!(reason.starts_with("localhost: ") && reason.contains("certificate"), "{reason}");
        assert!(!reason.contains("secret") && server.received() == 0, "{reason}");
    }

    #[test]
    fn one_for_another_host() {
        let server = Server::tls(|_, _| Reply::ok());
        let options = direct().root_certificates(server.certificate()).unwrap();
        let url = format!("https://127.0.0.1:{}/", server.port());
        let reason = send(&transport(options), post(url, b"{}")).unwrap_err();
        assert!(reason.contains("certificate"), "{reason}");
    }

    #[test]
    fn a_receiver_without_tls() {
        let server = Server::start(|_, _| Reply::ok());
        let url = server.url("/").replace("http:", "https:");
        assert!(failure(post(url, b"{}")).starts_with("127.0.0.1: "));
    }
}

mod options {
    use super::*;

    #[test]
    fn a_proxy_is_used() {
        let (proxy, server) = (Proxy::start(), Server::start(|_, _| Reply::ok()));
        let url = proxy.url().replace("http://", "http://user:word@");
        let transport = transport(HttpOptions::default().proxy(&url).unwrap());
        for _ in 0..3 {
            assert_eq!(send(&transport, post(server.url("/"), b"{}")).unwrap().status, 200);
        }
        assert_eq!(proxy.tunnels().len(), 1, "its connection is used again, too");
        let head = &proxy.tunnels()[0];
        assert!(head.starts_with(&format!("CONNECT 127.0.0.1:{} ", server.port())), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n"), "{head}");
    }

    #[test]
    fn tls_goes_through_a_proxy() {
        let (proxy, server) = (Proxy::start(), Server::tls(|_, _| Reply::ok()));
        let options = HttpOptions::default().proxy(&proxy.url()).unwrap();
        let transport = transport(options.root_certificates(server.certificate()).unwrap());
        assert_eq!(send(&transport, post(server.url("/"), b"{}")).unwrap().status, 200);
        assert_eq!(proxy.tunnels().len(), 1);
    }

    #[test]
    fn a_socks_proxy_is_used() {
        let (proxy, server) = (Proxy::start(), Server::start(|_, _| Reply::ok()));
        let options = HttpOptions::default().proxy(&proxy.socks_url()).unwrap();
        assert_eq!(send(&transport(options), post(server.url("/"), b"{}")).unwrap().status, 200);
        assert_eq!(proxy.tunnels(), [format!("SOCKS 127.0.0.1:{}", server.port())]);
    }

    #[test]
    fn the_environment_names_a_proxy_and_who_needs_none() {
        if let Some(url) = rerun::part() {
            assert_eq!(send(&transport(HttpOptions::default()), post(url, b"{}")).unwrap().status, 200);
            return;
        }
        let (proxy, server) = (Proxy::start(), Server::start(|_, _| Reply::ok()));
        // ALL_PROXY, NO_PROXY, tunnels
        for (all, none, tunnels) in [(&*proxy.url(), "", 1), (&proxy.url(), "127.0.0.1", 1), ("", "", 1)] {
            let name = "options::the_environment_names_a_proxy_and_who_needs_none";
            let mut child = rerun::this_test(name, &server.url("/"), Path::new(""));
            for other in ["all_proxy", "https_proxy", "http_proxy", "no_proxy"] {
                child.env_remove(other).env_remove(other.to_uppercase());
            }
            child.env("ALL_PROXY", all).env("NO_PROXY", none);
            assert!(child.status().unwrap().success());
            assert_eq!(proxy.tunnels().len(), tunnels, "{all} but {none}");
        }
        assert_eq!(server.received(), 3);
    }

    #[test]
    fn a_proxy_that_is_not_there_is_a_failure() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let options = HttpOptions::default().proxy(&format!("http://{free}")).unwrap();
        let server = Server::start(|_, _| Reply::ok());
        send(&transport(options), post(server.url("/"), b"{}")).unwrap_err();
        assert_eq!(server.connections(), 0, "nothing goes past the proxy");
    }

    #[test]
    fn bad_ones_are_named() {
        for proxy in ["", "ftp://user:secret@localhost", "http://", "local host"] {
            let error = HttpOptions::default().proxy(proxy).unwrap_err();
            assert_eq!(error.kind(), sessio::ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with("proxy: ") && !error.to_string().contains("secret"));
        }
        let nonsense = "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----\n";
        for pem in ["", "no PEM", nonsense, &nonsense.replace("bm9", "???")] {
            let error = HttpOptions::default().root_certificates(pem).unwrap_err();
            assert!(error.to_string().starts_with("root_certificates: "), "{error}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let options = HttpOptions::default().proxy("http://user:secret@localhost:8080").unwrap();
        let shown = format!("{options:?} {:?}", transport(options.clone()));
        assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
    }
}
