//! Requests as they come to the receiver of the tests, and what it does with them.
#![allow(dead_code)] // each test program uses its own part

use std::io::Read;
use std::net::SocketAddr;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Their names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Where from: another port is another connection.
    pub peer: SocketAddr,
}

impl Received {
    pub async fn read(request: Request<Incoming>, peer: SocketAddr) -> hyper::Result<Self> {
        let (head, body) = request.into_parts();
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Self {
            method: head.method.to_string(),
            target: head.uri.to_string(),
            headers: head.headers.iter().map(text).collect(),
            body: body.collect().await?.to_bytes().into(),
            peer,
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body, out of its gzip if it came in one.
    pub fn content(&self) -> Vec<u8> {
        if self.header("content-encoding") != Some("gzip") {
            return self.body.clone();
        }
        let mut content = Vec::new();
        flate2::read::GzDecoder::new(&self.body[..]).read_to_end(&mut content).unwrap();
        content
    }
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// No answer; the connection stays open as long as the server.
    Never,
    /// No answer; the connection is closed.
    Close,
    /// Status 200 and `sent` of a body that is announced with so many bytes; then the connection is closed.
    Cut {
        announced: usize,
        sent: Vec<u8>,
    },
    /// The same, but the connection stays open.
    Stall {
        announced: usize,
        sent: Vec<u8>,
    },
    /// These bytes as they are; then the connection is closed.
    Raw(Vec<u8>),
    /// Status 200 and a body of so many bytes, made on the way; then the connection is closed.
    Flood(u64),
}

impl Reply {
    pub fn ok() -> Self {
        Self::status(200)
    }

    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).with_header("Location", location)
    }

    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    pub fn with_body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = bytes.into();
        }
        self
    }
}
