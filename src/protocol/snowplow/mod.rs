//! Snowplow's tracker protocol, version 2: the fields of an event are texts, and what is more goes as JSON that names
//! its schema.

mod config;
mod contexts;
mod event;
mod facts;
mod schema;

pub use config::{Platform, SnowplowBuilder, StatusRule};

use config::Config;
use event::Writer;

use super::json::Json;
use super::text::percent;
use super::{BatchLimits, Item, Method, Protocol, Request, Response, Source, Verdict};
use crate::error::{Result, invalid};

const BODY_END: &str = "]}";
/// Room for the usual body; one that grows is copied.
const USUAL: usize = 40_000;

/// A Snowplow collector.
#[derive(Debug, Clone)]
pub struct Snowplow {
    /// The URL with its path.
    endpoint: String,
    config: Config,
}

impl Snowplow {
    pub(super) const NAME: &'static str = "snowplow";

    /// A builder for the collector at that URL: http or https, any host, port and path. Whether it is good shows when
    /// the builder builds.
    pub fn builder(url: &str) -> SnowplowBuilder {
        SnowplowBuilder::new(url)
    }

    fn post(&self, items: &[Item], source: &Source) -> (Request, usize) {
        let writer = Writer::new(&self.config, source);
        let (mut body, mut count) = (Json::sized(self.config.byte_limit.min(USUAL)), 0);
        body.object(|body| {
            body.key("schema").text(schema::PAYLOAD);
            body.key("data").array(|body| {
                for item in items.iter().take(self.config.batch_size) {
                    let before = body.len();
                    writer.write(body, item);
                    if count > 0 && body.len() + BODY_END.len() > self.config.byte_limit {
                        return body.take_back(before);
                    }
                    count += 1;
                }
            });
        });
        let body = body.into_text();
        let headers = vec![("Content-Type".into(), "application/json; charset=utf-8".into())];
        let url = self.endpoint.clone();
        let takes_gzip = self.config.gzip;
        (Request { method: Method::Post, url, headers, body: body.into_bytes(), takes_gzip }, count)
    }

    fn get(&self, item: &Item, source: &Source) -> Request {
        let mut url = format!("{}?", self.endpoint);
        let start = url.len();
        Writer::new(&self.config, source).fields(item, &mut |key, value| {
            if url.len() > start {
                url.push('&');
            }
            url.extend([key, "=", &percent(value)]);
        });
        Request { method: Method::Get, url, headers: Vec::new(), body: Vec::new(), takes_gzip: false }
    }

    fn rule(&self, status: u16) -> StatusRule {
        self.config.statuses.get(&status).copied().unwrap_or(match status {
            200..=299 => StatusRule::Done,
            400 | 401 | 403 | 410 | 422 => StatusRule::Drop,
            _ => StatusRule::Retry,
        })
    }
}

impl Protocol for Snowplow {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn takes(&self, item: &Item) -> bool {
        match item {
            Item::Event(_) => true,
            Item::SessionCount(_) => false,
            _ => self.config.session_events,
        }
    }

    fn limits(&self) -> BatchLimits {
        let items = match self.config.method {
            Method::Get => 1,
            Method::Post => self.config.batch_size,
        };
        BatchLimits { items, bytes: self.config.byte_limit }
    }

    fn encode(&self, items: &[Item], source: &Source) -> Result<(Request, usize)> {
        let first = items.first().ok_or_else(|| invalid("there is nothing to send"))?;
        Ok(match self.config.method {
            Method::Get => (self.get(first, source), 1),
            Method::Post => self.post(items, source),
        })
    }

    fn judge(&self, response: &Response, _items: usize) -> Verdict {
        let reason = format!("status {}", response.status);
        match self.rule(response.status) {
            StatusRule::Done => Verdict::Done { rejected: 0 },
            StatusRule::Retry => Verdict::Retry { after: response.retry_after, reason },
            StatusRule::Drop => Verdict::Drop { reason, pause: None },
        }
    }
}
