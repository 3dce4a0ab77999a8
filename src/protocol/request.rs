//! A request as it goes to a transport, its answer, and what the answer means.

use std::time::Duration;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // HTTP's own names
pub enum Method {
    Get,
    Post,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// GET or POST.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Headers in order; none twice.
    pub headers: Vec<(String, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    /// The receiver takes a body in gzip, too.
    pub takes_gzip: bool,
}

/// An answer, as far as protocols look at it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `Retry-After` as the time from now, if it was there and could be read.
    pub retry_after: Option<Duration>,
    /// The body, as much as was read.
    pub body: Vec<u8>,
}

/// What an answer means for the items of its request.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// They are there; `rejected` of them were refused one by one.
    Done {
        /// How many.
        rejected: usize,
    },
    /// Later again, after a backoff or after the time given.
    Retry {
        /// Not before that.
        after: Option<Duration>,
        /// For the log.
        reason: String,
    },
    /// Never again: they are dropped and counted.
    Drop {
        /// For the log and the observer.
        reason: String,
        /// How long to leave the receiver alone before it gets more: it would refuse that as well. What is due
        /// meanwhile is kept.
        pause: Option<Duration>,
    },
    /// Too much at once: again with half as many. A single item is dropped.
    Halve {
        /// For the log.
        reason: String,
    },
    /// One of them is bad: again one by one. A single item is dropped.
    OneByOne {
        /// For the log.
        reason: String,
    },
}

impl Verdict {
    /// What most receivers mean by a status: 2xx done; 408, 429, 5xx and anything that is no answer to a POST retry;
    /// other 4xx drop.
    pub(crate) fn usual(response: &Response) -> Self {
        let reason = format!("status {}", response.status);
        match response.status {
            200..=299 => Self::Done { rejected: 0 },
            408 | 429 => Self::later(response),
            400..=499 => Self::Drop { reason, pause: None },
            _ => Self::later(response),
        }
    }

    /// Later again, when the receiver says or after a backoff.
    pub(crate) fn later(response: &Response) -> Self {
        Self::Retry { after: response.retry_after, reason: format!("status {}", response.status) }
    }
}
