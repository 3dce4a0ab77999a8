//! Requests as they come to the receiver of the tests, and what it does with them.
#![allow(dead_code)] // each test program uses its own part

use std::io::{self, BufRead, Read};
use std::net::SocketAddr;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Where from: another port is another connection.
    pub peer: SocketAddr,
}

impl Received {
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
    /// Status 200 and a body of so many bytes, made on the way.
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

/// The beginning of an answer.
pub fn head(status: u16, headers: &[(String, String)], length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// The next request, with a body as long as `Content-Length` says; `None` at the end of the connection.
pub fn read(wire: &mut impl BufRead, peer: SocketAddr) -> io::Result<Option<Received>> {
    let first = line(wire)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        let line = line(wire)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut received = Received { method, target, headers, body: Vec::new(), peer };
    let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
    received.body.resize(length, 0);
    wire.read_exact(&mut received.body)?;
    Ok(Some(received))
}

fn line(wire: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    wire.read_line(&mut line)?;
    line.truncate(line.trim_end().len());
    Ok(line)
}
