//! A receiver without a network: a protocol whose requests are lines that a test can read, and a transport that
//! answers by a script.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use sessio::Result;
use sessio::delivery::{Answer, Call, Outcome, Transport};
use sessio::error::{Error, ErrorKind};
use sessio::event::EventKind;
use sessio::protocol::{BatchLimits, Item, Method, Protocol, Request, Response, Source, Verdict};

use super::PATIENCE;

/// One line an item: `feature-name`, `start 1`, `end 1 timeout`.
pub struct Lines {
    pub url: String,
    pub limits: BatchLimits,
    /// Which items it takes.
    pub takes: fn(&Item) -> bool,
    pub most_sessions: Option<usize>,
}

impl Lines {
    /// Takes everything, ten items a request.
    pub fn new(host: &str) -> Self {
        let limits = BatchLimits { items: 10, bytes: 1_000 };
        Self { url: format!("http://{host}/"), limits, takes: |_| true, most_sessions: None }
    }
}

pub fn line(item: &Item) -> String {
    match item {
        Item::Event(stored) => match stored.event.kind() {
            EventKind::Feature { name } => name.clone(),
            kind => kind.name().to_owned(),
        },
        Item::SessionStart(record) => format!("start {}", record.index),
        Item::SessionEnd { record, .. } => {
            format!("end {} {}", record.index, record.end_reason.map_or("", |reason| reason.name()))
        }
        other => format!("{other:?}"),
    }
}

impl Protocol for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn takes(&self, item: &Item) -> bool {
        (self.takes)(item)
    }

    fn limits(&self) -> BatchLimits {
        self.limits
    }

    fn most_sessions(&self) -> Option<usize> {
        self.most_sessions
    }

    /// An item of the name `unwritable` cannot be written.
    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)> {
        let lines: Vec<_> = items.iter().map(line).collect();
        let lines: Vec<_> = lines.into_iter().take_while(|line| line != "unwritable").collect();
        if lines.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "it cannot be written"));
        }
        let mut count = lines.len();
        while count > 1 && lines[..count].join("\n").len() > self.limits.bytes {
            count -= 1;
        }
        let request = Request {
            method: Method::Post,
            url: format!("{}{}", self.url, source.installation),
            headers: vec![("Key".into(), "Bearer secret-key".into())],
            body: lines[..count].join("\n").into_bytes(),
            takes_gzip: false,
        };
        Ok((request, count))
    }

    fn judge(&self, response: &Response, _: usize) -> Verdict {
        let reason = format!("status {}", response.status);
        match response.status {
            200 => Verdict::Done { rejected: 0 },
            206 => Verdict::Done { rejected: 1 },
            400 => Verdict::OneByOne { reason },
            402 => Verdict::Drop { reason, pause: Some(Duration::from_secs(300)) },
            410 => Verdict::Drop { reason, pause: None },
            413 => Verdict::Halve { reason },
            _ => Verdict::Retry { after: response.retry_after, reason },
        }
    }
}

/// What a script says about a request: its host, its lines. `None`: it is never answered.
type Script = dyn Fn(&str, &[&str]) -> Option<Outcome> + Send + Sync;

/// Answers by a script and remembers what came.
#[derive(Clone)]
pub struct Receiver {
    script: Arc<Script>,
    state: Arc<(Mutex<Came>, Condvar)>,
}

#[derive(Default)]
struct Came {
    requests: Vec<(String, Vec<String>)>,
    held: Vec<Call>,
}

pub fn status(status: u16) -> Option<Outcome> {
    Some(Ok(Answer { status, ..Answer::default() }))
}

pub fn retry_after(seconds: &str) -> Option<Outcome> {
    Some(Ok(Answer { status: 503, retry_after: Some(seconds.into()), body: Vec::new() }))
}

impl Receiver {
    pub fn new(script: impl Fn(&str, &[&str]) -> Option<Outcome> + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), state: Arc::default() }
    }

    /// Takes everything.
    pub fn willing() -> Self {
        Self::new(|_, _| status(200))
    }

    /// As many statuses as it gives, in turn; then 200.
    pub fn with_statuses(statuses: &[u16]) -> Self {
        let left = Mutex::new(statuses.iter().rev().copied().collect::<Vec<_>>());
        Self::new(move |_, _| status(left.lock().unwrap().pop().unwrap_or(200)))
    }

    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// The requests that came to a host, in order, each as its lines.
    pub fn requests(&self, host: &str) -> Vec<Vec<String>> {
        let came = self.state.0.lock().unwrap();
        came.requests.iter().filter(|(to, _)| to == host).map(|(_, lines)| lines.clone()).collect()
    }

    /// All lines that came to a host, in order.
    pub fn lines(&self, host: &str) -> Vec<String> {
        self.requests(host).concat()
    }

    /// Waits until that many requests have come to a host.
    #[track_caller]
    pub fn wait_for(&self, host: &str, requests: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut came = self.state.0.lock().unwrap();
        while came.requests.iter().filter(|(to, _)| to == host).count() < requests {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{requests} requests to {host} did not come: {:?}", came.requests);
            came = self.state.1.wait_timeout(came, left).unwrap().0;
        }
    }

    /// Whether a request that is never answered was given up.
    pub fn was_cancelled(&self) -> bool {
        self.state.0.lock().unwrap().held.iter().any(Call::is_cancelled)
    }

    /// Answers the requests that were held.
    pub fn release(&self, status: u16) {
        let held = std::mem::take(&mut self.state.0.lock().unwrap().held);
        held.into_iter().for_each(|call| call.answer(Answer { status, ..Answer::default() }));
    }
}

impl Transport for Receiver {
    fn send(&self, request: Request, call: Call) {
        let host = request.url.split('/').nth(2).unwrap_or_default().to_owned();
        let body = String::from_utf8(request.body).unwrap();
        let lines: Vec<&str> = body.split('\n').collect();
        let answer = (self.script)(&host, &lines);
        let mut came = self.state.0.lock().unwrap();
        came.requests.push((host, lines.iter().map(|line| (*line).to_owned()).collect()));
        self.state.1.notify_all();
        match answer {
            Some(Ok(answer)) => call.answer(answer),
            Some(Err(reason)) => call.fail(&reason),
            None => came.held.push(call),
        }
    }
}
