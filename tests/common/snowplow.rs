//! Reads Snowplow's requests, as a collector would, and holds them against schemas and recorded requests.

use std::path::{Path, PathBuf};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value};
use sessio::protocol::{Method, Request};

/// The events of a request, as they are sent.
pub fn events(request: &Request) -> Vec<Value> {
    match request.method {
        Method::Get => vec![query(&request.url)],
        Method::Post => {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body["data"].as_array().unwrap().clone()
        }
    }
}

/// An event with its contexts and its body as JSON.
pub fn decoded(event: &Value) -> Value {
    let mut event = event.clone();
    let fields = event.as_object_mut().unwrap();
    for (name, plain, in_base64) in [("contexts", "co", "cx"), ("event", "ue_pr", "ue_px")] {
        let plain = fields.remove(plain).map(|text| text.as_str().unwrap().as_bytes().to_vec());
        let bytes =
            plain.or_else(|| fields.remove(in_base64).map(|text| from_base64(text.as_str().unwrap())));
        if let Some(bytes) = bytes {
            fields.insert(name.into(), serde_json::from_slice(&bytes).unwrap());
        }
    }
    event
}

/// The contexts of a decoded event.
pub fn contexts(event: &Value) -> &[Value] {
    event["contexts"]["data"].as_array().map_or(&[], Vec::as_slice)
}

fn query(url: &str) -> Value {
    let (_, query) = url.split_once('?').unwrap();
    let fields = query.split('&').map(|field| {
        let (key, value) = field.split_once('=').unwrap();
        (key.to_owned(), Value::String(from_percent(value)))
    });
    Value::Object(fields.collect::<Map<_, _>>())
}

fn from_percent(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// Standard alphabet, padded; anything else is a mistake.
fn from_base64(text: &str) -> Vec<u8> {
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} in base64"),
    };
    assert_eq!(text.len() % 4, 0, "padding");
    let letters = text.trim_end_matches('=');
    let bytes = letters.as_bytes().chunks(4).flat_map(|group| {
        let number = group.iter().fold(0u32, |number, byte| number << 6 | u32::from(sextet(*byte)));
        let number = number << (6 * (4 - group.len()));
        number.to_be_bytes()[1..group.len()].to_vec()
    });
    bytes.collect()
}

/// Schemas by their URI.
pub struct Schemas {
    folder: PathBuf,
    own: bool,
}

impl Schemas {
    /// What we rely on, in our words, and our own schemas as we ship them.
    pub fn own() -> Self {
        Self { folder: manifest().join("tests/schemas/snowplow"), own: true }
    }

    /// What Snowplow published, where that is at hand.
    pub fn published() -> Option<Self> {
        let folder = manifest().join("../shared/reference/iglu");
        if !folder.is_dir() {
            println!("skipped: no ../shared/reference/iglu");
            return None;
        }
        Some(Self { folder, own: false })
    }

    /// Checks a request in all its parts.
    pub fn check(&self, name: &str, request: &Request) {
        if request.method == Method::Post {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body.as_object().unwrap().len(), 2);
            self.described(name, &body);
        } else {
            let payload = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4";
            self.valid(name, payload, &Value::Array(events(request)));
        }
        for event in events(request).iter().map(decoded) {
            for envelope in [&event["contexts"], &event["event"]].into_iter().filter(|part| !part.is_null()) {
                self.described(name, envelope);
            }
            contexts(&event).iter().for_each(|context| self.described(name, context));
            if event["e"] == "ue" {
                self.described(name, &event["event"]["data"]);
            }
        }
    }

    fn described(&self, name: &str, data: &Value) {
        let schema = data["schema"].as_str().unwrap_or_else(|| panic!("{name}: {data} has no schema"));
        self.valid(name, schema, &data["data"]);
    }

    fn valid(&self, name: &str, uri: &str, data: &Value) {
        let Some(path) = self.path(uri) else { return };
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {uri}: {e}"));
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        // It names a schema of Snowplow's own, which no validator knows.
        schema.as_object_mut().unwrap().remove("$schema");
        let faults: Vec<_> = validator(&schema)
            .iter_errors(data)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{name}: {uri}: {faults:#?}\n{data:#}");
    }

    /// Where the schema lies. The host's have none here, and ours are not among those that Snowplow published.
    fn path(&self, uri: &str) -> Option<PathBuf> {
        let parts: Vec<_> = uri.strip_prefix("iglu:").unwrap().split('/').collect();
        let [vendor, name, "jsonschema", version] = parts[..] else { panic!("{uri} is no schema") };
        match vendor {
            "com.acme" => None,
            "io.sessio" => self.own.then(|| ours().join(uri.strip_prefix("iglu:io.sessio/").unwrap())),
            _ if self.own => Some(self.folder.join(format!("{name}.json"))),
            _ => Some(self.folder.join(vendor).join(name).join(format!("{version}.json"))),
        }
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .with_format("uuid", |text| text.len() == 36 && uuid::Uuid::try_parse(text).is_ok())
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// Our own schemas, laid out as Iglu's tools want it.
pub fn ours() -> PathBuf {
    manifest().join("schemas/io.sessio")
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Recorded requests of one method.
pub struct Recorded {
    pub path: String,
    pub headers: Vec<String>,
    events: Vec<Value>,
}

impl Recorded {
    /// The first structured event, or self-describing event of that name.
    pub fn event(&self, kind: &str) -> &Value {
        let is = |event: &&Value| match kind {
            "se" => event["e"] == "se",
            name => decoded(event)["event"]["data"]["schema"].as_str().is_some_and(|uri| uri.contains(name)),
        };
        self.events.iter().find(is).unwrap()
    }
}

/// What another tracker was recorded to send, if that is at hand.
pub fn capture() -> Option<Vec<(Method, Recorded)>> {
    let log = manifest().join("../shared/reference/captures/snowplow_cpp_2.1.0.log");
    let log = std::fs::read_to_string(log).ok()?.replace("\r\n", "\n");
    Some(
        [(Method::Post, "POST "), (Method::Get, "GET ")]
            .map(|(method, verb)| (method, recorded(&log, verb)))
            .into(),
    )
}

fn recorded(log: &str, verb: &str) -> Recorded {
    let target = |line: &str| line.strip_prefix(verb).map(|target| target.to_owned());
    let first = log.lines().skip_while(|line| !line.starts_with(verb));
    let headers = first.clone().skip(1).take_while(|line| !line.is_empty()).map(Into::into).collect();
    let targets: Vec<_> = log.lines().filter_map(target).collect();
    let bodies = log.lines().filter(|line| verb == "POST " && line.starts_with('{'));
    let posted = bodies
        .flat_map(|body| serde_json::from_str::<Value>(body).unwrap()["data"].as_array().unwrap().clone());
    let got = targets.iter().filter(|target| target.contains('?')).map(|target| query(target));
    let path = targets[0].split('?').next().unwrap().to_owned();
    Recorded { path, headers, events: posted.chain(got).collect() }
}
