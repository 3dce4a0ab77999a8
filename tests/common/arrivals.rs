//! What the receiver of the tests was sent, whatever protocol it came in: events by their ids, sessions by theirs.
#![allow(dead_code)] // each test program uses its own part

use std::collections::HashMap;

use serde_json::Value;

use crate::server::Received;

/// One thing that came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// By its id.
    Event(String),
    /// The start of a session, by the session's id.
    Start(String),
    /// Its end.
    End(String),
}
use Arrival::{End, Event, Start};

/// What a request brought, in order. It tells the protocol by what only that one has.
pub fn arrivals(received: &Received) -> Vec<Arrival> {
    if received.target.contains("/session/heartbeat?") {
        // A sign of life brings nothing.
        return Vec::new();
    }
    if received.method == "GET" {
        return vec![Event(query(&received.target, "eid"))];
    }
    let body: Value = serde_json::from_slice(&received.content()).expect("the body is JSON");
    if let Some(events) = body["data"].as_array() {
        return events.iter().map(|event| Event(text(&event["eid"]))).collect();
    }
    if let Some(sessions) = body["sessions"].as_array() {
        return sessions.iter().map(|session| Start(text(&session["id"]))).collect();
    }
    if let Some(errors) = body["events"].as_array() {
        return errors.iter().map(|error| Event(text(&error["metaData"]["sessio"]["eventId"]))).collect();
    }
    if let Some(messages) = body["logMessages"].as_array() {
        return messages.iter().map(loupe).collect();
    }
    if let Some(resources) = body["resourceLogs"].as_array() {
        return resources.iter().flat_map(records).map(otlp).collect();
    }
    body.as_array().expect("it is of a protocol that is known").iter().map(exceptionless).collect()
}

/// What all these requests brought, in order.
pub fn all(requests: &[Received]) -> Vec<Arrival> {
    requests.iter().flat_map(arrivals).collect()
}

/// The events among them, by id.
pub fn events(arrivals: &[Arrival]) -> Vec<&str> {
    let id = |arrival: &'_ Arrival| matches!(arrival, Event(_));
    arrivals.iter().filter(|arrival| id(arrival)).map(Arrival::id).collect()
}

impl Arrival {
    pub fn id(&self) -> &str {
        match self {
            Event(id) | Start(id) | End(id) => id,
        }
    }
}

/// The arrivals without repetitions, each where it came first, and how many repetitions there were.
pub fn first_times(arrivals: &[Arrival]) -> (Vec<Arrival>, usize) {
    let mut seen: HashMap<&Arrival, usize> = HashMap::new();
    let mut first = Vec::new();
    for arrival in arrivals {
        let times = seen.entry(arrival).or_default();
        if *times == 0 {
            first.push(arrival.clone());
        }
        *times += 1;
    }
    let repeated = arrivals.len() - first.len();
    (first, repeated)
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is a text").to_owned()
}

fn query(target: &str, key: &str) -> String {
    let pairs = target.split_once('?').expect("there is a query").1.split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.find(|(is, _)| *is == key).expect("it is in the query").1.to_owned()
}

fn exceptionless(element: &Value) -> Arrival {
    match element["type"].as_str() {
        Some("session") => Start(text(&element["reference_id"])),
        Some("sessionend") => End(text(&element["data"]["@ref:session"])),
        _ => Event(text(&element["reference_id"])),
    }
}

/// Loupe has no place for ids: they are in the details, which are JSON in a text.
fn loupe(message: &Value) -> Arrival {
    let details: Value = serde_json::from_str(message["details"].as_str().expect("it has details")).unwrap();
    Event(text(&details["eventId"]))
}

fn records(resource: &Value) -> impl Iterator<Item = &Value> {
    let scopes = resource["scopeLogs"].as_array().expect("it has scopes");
    scopes.iter().flat_map(|scope| scope["logRecords"].as_array().expect("it has records"))
}

fn otlp(record: &Value) -> Arrival {
    let attribute = |key: &str| {
        let attributes = record["attributes"].as_array().expect("it has attributes");
        let found = attributes.iter().find(|attribute| attribute["key"] == key);
        text(&found.expect("it has the attribute")["value"]["stringValue"])
    };
    match record["eventName"].as_str() {
        Some("session.start") => Start(attribute("session.id")),
        Some("session.end") => End(attribute("session.id")),
        _ => Event(attribute("log.record.uid")),
    }
}
