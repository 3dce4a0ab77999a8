//! Sending a request through the built-in transport and seeing what comes of it.
#![allow(dead_code)] // each test program uses its own part

use std::time::{Duration, Instant};

use sessio::delivery::transport::call;
use sessio::delivery::{Answer, HttpOptions, HttpTransport, Outcome, Transport};
use sessio::protocol::{Method, Request};

/// Far less than any timeout that is set here by default, far more than a busy machine needs.
pub const PROMPT: Duration = Duration::from_secs(1);
pub const SHORT: Duration = Duration::from_millis(200);

/// Whatever proxy the environment of the test has.
pub fn direct() -> HttpOptions {
    HttpOptions::default().no_proxy()
}

pub fn transport(options: HttpOptions) -> HttpTransport {
    HttpTransport::new(options).unwrap()
}

pub fn post(url: String, body: &[u8]) -> Request {
    let headers = vec![("Content-Type".into(), "application/json".into())];
    Request { method: Method::Post, url, headers, body: body.to_vec(), takes_gzip: false }
}

pub fn get(url: String) -> Request {
    Request { method: Method::Get, url, headers: Vec::new(), body: Vec::new(), takes_gzip: false }
}

/// Sends and waits for the end of it.
pub fn send(transport: &HttpTransport, request: Request) -> Outcome {
    let (call, pending) = call();
    transport.send(request, call);
    pending.wait(Instant::now() + PROMPT).unwrap()
}

pub fn answer(request: Request) -> Answer {
    send(&transport(direct()), request).unwrap()
}

pub fn failure(request: Request) -> String {
    send(&transport(direct()), request).unwrap_err()
}
