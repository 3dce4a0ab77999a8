//! Events, sessions and devices for the tests of every protocol. Everything is fixed, so that golden files stay as they are.

use std::sync::Arc;

use sessio::event::{Breadcrumb, Event, SessionStamp, Severity, Stamp, StoredEvent, User};
use sessio::ids::{EventId, InstanceId, SessionId, UserId};
use sessio::protocol::{Device, Item, Source};
use sessio::session::{Attributes, EndReason, FirstEvent, Moment, SessionRecord, Spent};
use sessio::store::StorageMechanism;
use uuid::Uuid;

/// 2026-01-31T09:05:00.123Z, when the first sample was tracked.
pub const TRACKED: i64 = 1_769_850_300_123;
/// 2026-01-31T09:06:40.456Z, when it is sent.
pub const SENT: i64 = 1_769_850_400_456;
/// Before the first event of the session.
const STARTED: i64 = TRACKED - 60_500;

/// Letters of one, two, three and four bytes, right to left, joined and combined.
pub const SCRIPTS: &str =
    "Größe Ελληνικά Кириллица עברית العربية हिन्दी ไทย 한국어 日本語 中文 𐀀𝄞 👩‍👩‍👧 e\u{301} \u{feff}\u{2028}";
/// What JSON and URLs have to escape.
pub const CONTROLS: &str = "\"quoted\" 'single' back\\slash /slash & = ? # + % <tag> \u{0}\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}\n\r\t end";

/// The installation.
pub fn installation() -> Uuid {
    uuid(0x1000)
}

/// The session that most samples belong to.
pub fn session_id() -> SessionId {
    SessionId::from_uuid(uuid(0x2000))
}

/// A source with everything it can say.
pub fn source() -> Source {
    let text = |value: &str| Some(value.to_owned());
    Source {
        sent_at: SENT,
        namespace: "shop".into(),
        app_id: text("com.acme.shop"),
        app_version: text("1.2.0"),
        app_build: None,
        installation: installation(),
        storage: StorageMechanism::Sqlite,
        device: Device {
            os_name: text("Linux"),
            os_version: text("6.8"),
            architecture: text("x86_64"),
            manufacturer: text("Acme"),
            model: text("Desk 3"),
            locale: text("de-AT"),
            time_zone: text("Europe/Vienna"),
            processor_count: Some(8),
            total_memory: Some(17_179_869_184),
        },
    }
}

/// The same with the build of the app.
pub fn source_with_build() -> Source {
    Source { app_build: Some("4711".into()), ..source() }
}

/// A source that says no more than it must.
pub fn minimal_source() -> Source {
    Source {
        sent_at: SENT,
        namespace: "default".into(),
        app_id: None,
        app_version: None,
        app_build: None,
        installation: installation(),
        storage: StorageMechanism::LocalStorage,
        device: Device::default(),
    }
}

/// Every sample by its name: all kinds of events in a session, then special stamps, special texts and numbers, session starts and ends.
pub fn events() -> Vec<(&'static str, Item)> {
    let samples = [kinds(), stamps(), texts(), trails(), sessions()];
    samples.into_iter().flatten().collect()
}

/// The sample of that name.
pub fn event(name: &str) -> Item {
    events().into_iter().find(|(is, _)| *is == name).unwrap_or_else(|| panic!("no sample {name}")).1
}

/// The event, stamped as the eighth of the session.
pub fn in_session(event: Event) -> Item {
    stored(stamp(Some(session_stamp())), event)
}

/// The event with this stamp.
pub fn stored(stamp: Stamp, event: Event) -> Item {
    Item::Event(Box::new(StoredEvent { stamp, event, trail: Vec::new() }))
}

/// A stamp with a user and an app version.
pub fn stamp(session: Option<SessionStamp>) -> Stamp {
    Stamp {
        event_id: EventId(uuid(0x3000)),
        sequence: 42,
        time: TRACKED,
        instance_id: InstanceId(uuid(0x4000)),
        user_id: UserId(installation()),
        user: Some(Arc::new(User::new("ada@acme", Some("Ada Lovelace"), Some("ada@acme.example")).unwrap())),
        app_version: Some("1.2.0".into()),
        in_background: false,
        session,
    }
}

/// The eighth place in the seventh session.
pub fn session_stamp() -> SessionStamp {
    SessionStamp {
        id: session_id(),
        index: 7,
        event_index: 8,
        previous_id: Some(SessionId::from_uuid(uuid(0x2fff))),
        first_event_id: EventId(uuid(0x3fff)),
        first_event_time: TRACKED - 60_000,
        started_at: STARTED,
        handled_errors: 1,
        unhandled_errors: 0,
        sampled_out: false,
    }
}

/// A session that is open and has no event yet.
pub fn open_session() -> SessionRecord {
    let at = |ms: i64| Moment { wall: STARTED + ms, elapsed: 5_000 + ms };
    SessionRecord {
        id: session_id(),
        index: 7,
        previous_id: Some(SessionId::from_uuid(uuid(0x2fff))),
        first_event: None,
        event_index: 0,
        started_at: at(0),
        last_activity: at(0),
        last_seen: at(0),
        ended_at: None,
        end_reason: None,
        background: false,
        paused: false,
        spent: Spent::default(),
        idle: Spent::default(),
        accounted: 5_000,
        handled_errors: 0,
        unhandled_errors: 0,
        user_id: installation(),
        user: stamp(None).user,
        app_version: Some("1.2.0".into()),
        boot_id: Some(1),
        attributes: None,
        sampled_out: false,
        scope: false,
    }
}

/// The same session when it has ended, after two minutes and nine events.
pub fn ended_session(reason: EndReason) -> SessionRecord {
    let at = |ms: i64| Moment { wall: STARTED + ms, elapsed: 5_000 + ms };
    SessionRecord {
        first_event: Some(FirstEvent { id: uuid(0x3fff), time: TRACKED - 60_000 }),
        event_index: 9,
        last_activity: at(110_000),
        last_seen: at(120_000),
        ended_at: Some(STARTED + 120_000),
        end_reason: Some(reason),
        spent: Spent { foreground_ms: 90_000, background_ms: 20_000, paused_ms: 10_000 },
        accounted: 125_000,
        handled_errors: 2,
        unhandled_errors: u32::from(reason == EndReason::Crashed),
        ..open_session()
    }
}

/// A UUID of version 4 that ends with `number`.
pub fn uuid(number: u128) -> Uuid {
    uuid::Builder::from_u128(0xacce_55ed << 96 | number)
        .with_version(uuid::Version::Random)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

const THING: &str = "iglu:com.acme/thing/jsonschema/1-0-0";

fn kinds() -> Vec<(&'static str, Item)> {
    let with = |mut event: Event, set: fn(&mut Event)| {
        set(&mut event);
        event
    };
    let events = vec![
        ("screen_view", Event::screen_view(Some("Cart"), None)),
        ("screen_view_uuid", Event::screen_view(Some("Cart"), Some("9C5B94B1-35AD-49BB-B118-8E8FC24ABF80"))),
        ("screen_view_text_id", Event::screen_view(None, Some("cart/7"))),
        ("structured", Event::structured("cart", "add")),
        (
            "structured_full",
            Event::structured("cart", "add").map(|event| {
                with(event, |event| {
                    event.set_text("label", "Teapot").unwrap();
                    event.set_text("property", "size").unwrap();
                    event.set_number("value", 19.5).unwrap();
                    event.set_text("coupon", "SPRING").unwrap();
                    event.set_number("weight", 0.1).unwrap();
                    event.set_json("tags", r#"["a", {"b": null}]"#).unwrap();
                })
            }),
        ),
        ("self_describing", Event::self_describing(THING, r#"{"size": 3, "parts": ["lid", null, true]}"#)),
        ("timing", Event::timing("load", "cart", 1_234)),
        (
            "timing_label",
            Event::timing("load", "cart", u64::MAX)
                .map(|event| with(event, |event| event.set_text("label", "cold").unwrap())),
        ),
        ("log", Event::log(Severity::WARN, Some("com.acme.Cart"), "The cart is nearly full")),
        ("log_empty", Event::log(Severity::new(24).unwrap(), None, "")),
        (
            "log_fields",
            Event::log(Severity::INFO, Some("com.acme.Cart"), "Added").map(|event| {
                with(event, |event| {
                    event.set_text("caption", "Cart").unwrap();
                    event.set_text("label", "Teapot").unwrap();
                    event.set_number("count", 3.0).unwrap();
                })
            }),
        ),
        ("error_handled", Event::error("IoError", "The disk is full", false)),
        (
            "error_unhandled",
            Event::error("std::out_of_range", "index 7 of 3", true).map(|event| {
                with(event, |event| {
                    event.set_text("stack_trace", "at cart.cpp:12\nat main.cpp:3").unwrap();
                    event.set_text("screen", "Cart").unwrap();
                })
            }),
        ),
        ("feature", Event::feature("dark-mode")),
        ("foreground", Ok(own_event(8, &2_u32.to_le_bytes()))),
        ("background", Ok(own_event(9, &u32::MAX.to_le_bytes()))),
        ("install", Ok(own_event(10, &[]))),
    ];
    events.into_iter().map(|(name, event)| (name, in_session(event.unwrap()))).collect()
}

/// One of the library's own events, which hosts cannot make: read from its stored form.
fn own_event(kind: u8, says: &[u8]) -> Event {
    const STAMP: usize = 70;
    const NO_TIME_FIELDS_CONTEXTS: usize = 9;
    let mut bytes = vec![0; STAMP];
    (bytes[0], bytes[1]) = (1, kind);
    bytes.extend(says);
    bytes.extend([0; NO_TIME_FIELDS_CONTEXTS]);
    StoredEvent::decode(&bytes).unwrap().event
}

fn stamps() -> Vec<(&'static str, Item)> {
    let event = || Event::structured("cart", "add").unwrap();
    let host = |id: &str| SessionId::parse(id).unwrap();
    let in_session = |session: SessionStamp| stored(stamp(Some(session)), event());
    let anonymous =
        |session: Option<SessionStamp>| Stamp { user_id: UserId::NIL, user: None, ..stamp(session) };
    let unlinked = || Some(SessionStamp { previous_id: None, ..session_stamp() });
    let mut timed = event();
    timed.set_true_time(TRACKED - 86_400_000);
    let bare = Stamp { user: None, app_version: None, ..stamp(Some(session_stamp())) };
    vec![
        ("outside_session", stored(stamp(None), event())),
        ("paused", stored(Stamp { in_background: true, ..stamp(None) }, Event::feature("sync").unwrap())),
        ("error_outside_session", stored(stamp(None), Event::error("E", "m", true).unwrap())),
        (
            "first_of_first_session",
            in_session(SessionStamp {
                index: 1,
                event_index: 1,
                previous_id: None,
                first_event_id: EventId(uuid(0x3000)),
                first_event_time: TRACKED,
                started_at: TRACKED,
                handled_errors: 0,
                ..session_stamp()
            }),
        ),
        ("anonymous", stored(anonymous(unlinked()), event())),
        ("anonymous_outside_session", stored(anonymous(None), event())),
        (
            "anonymous_screen_view",
            stored(anonymous(unlinked()), Event::screen_view(None, Some("cart/7")).unwrap()),
        ),
        (
            "host_session_id",
            in_session(SessionStamp {
                id: host("web.7_A-b"),
                previous_id: Some(host("web.6_A-b")),
                ..session_stamp()
            }),
        ),
        ("short_host_session_id", in_session(SessionStamp { id: host("a"), ..session_stamp() })),
        ("no_user_no_version", stored(bare, event())),
        ("true_time", stored(stamp(Some(session_stamp())), timed)),
        ("before_1970", stored(Stamp { time: -1, ..stamp(None) }, event())),
    ]
}

fn texts() -> Vec<(&'static str, Item)> {
    let mut contexts = Event::screen_view(Some("Cart"), None).unwrap();
    contexts.add_context(THING, r#"{"size":3}"#).unwrap();
    contexts.add_context("iglu:com.acme/place/jsonschema/2-1-0", r#"{ "lat": 48.2, "lon": 16.37 }"#).unwrap();
    let mut scripts = Event::structured(SCRIPTS, SCRIPTS).unwrap();
    scripts.set_text("label", SCRIPTS).unwrap();
    scripts.set_text(SCRIPTS, SCRIPTS).unwrap();
    let mut controls = Event::log(Severity::ERROR, Some(CONTROLS), CONTROLS).unwrap();
    controls.set_text(CONTROLS, CONTROLS).unwrap();
    let mut numbers = Event::structured("numbers", "all").unwrap();
    numbers.set_number("value", 1e-7).unwrap();
    numbers.set_number("large", 1e300).unwrap();
    numbers.set_number("negative", -2.5).unwrap();
    numbers.set_number("exact", 9_007_199_254_740_991.0).unwrap();
    numbers.set_number("decimal", 7.9e28).unwrap();
    numbers.set_json("longest", r#"{"most":9223372036854775807,"least":-9223372036854775808}"#).unwrap();
    let mut huge_value = Event::structured("numbers", "huge").unwrap();
    huge_value.set_number("value", 1e300).unwrap();
    let events = vec![
        ("contexts", contexts),
        ("scripts", scripts),
        ("scripts_error", Event::error(SCRIPTS, SCRIPTS, false).unwrap()),
        ("controls", controls),
        ("numbers", numbers),
        ("huge_value", huge_value),
        (
            "self_describing_numbers",
            Event::self_describing(THING, "[9223372036854775807,1e-7,1e300]").unwrap(),
        ),
        ("long_texts", long_texts()),
        ("oversize", oversize()),
    ];
    events.into_iter().map(|(name, event)| (name, in_session(event))).collect()
}

/// Texts that are as long as they may be, of letters of two bytes.
fn long_texts() -> Event {
    let mut event = Event::error(&"ä".repeat(512), &"ö".repeat(16_384), false).unwrap();
    event.set_text("stack_trace", &"ü".repeat(32_768)).unwrap();
    event
}

/// More than fits into any receiver's request, but OTLP's and Bugsnag's.
fn oversize() -> Event {
    let mut event = Event::log(Severity::INFO, None, &"m".repeat(32_768)).unwrap();
    for (key, letter) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().zip("ABCDEFG".chars()) {
        event.set_text(key, &letter.to_string().repeat(30_000)).unwrap();
    }
    event
}

/// An error with what led to it: every kind, and names that are not easily written.
fn trails() -> Vec<(&'static str, Item)> {
    let crumbs = [
        ("install", ""),
        ("foreground", ""),
        ("screen_view", "Cart"),
        ("structured", "cart/add"),
        ("self_describing", THING),
        ("timing", "load/cart"),
        ("log", "\"quoted\" back\\slash \u{1}\n <tag>"),
        ("feature", "日本語 👩‍👩‍👧"),
        ("error", "IoError"),
        ("background", ""),
    ];
    let trail = (0..).zip(crumbs).map(|(ago, (kind, name))| Breadcrumb {
        kind,
        name: name.into(),
        time: TRACKED - 10_000 + ago * 1_000,
    });
    let error = Event::error("std::out_of_range", "index 7 of 3", true).unwrap();
    let stored = StoredEvent { stamp: stamp(Some(session_stamp())), event: error, trail: trail.collect() };
    vec![("error_trail", Item::Event(Box::new(stored)))]
}

/// The end of a session, noticed when it was last seen.
pub fn session_end(record: SessionRecord) -> Item {
    let noticed_at = record.last_seen.wall;
    Item::SessionEnd { record: Box::new(record), noticed_at }
}

fn with_attributes(record: SessionRecord) -> SessionRecord {
    let mut attributes = Attributes::default();
    attributes.set_text("plan", "größte \"7\"").unwrap();
    attributes.set_number("seats", 12.0).unwrap();
    attributes.set_number("share", 0.1).unwrap();
    attributes.set_text("session.id", "").unwrap();
    attributes.set_text("日本語", CONTROLS).unwrap();
    SessionRecord { attributes: Some(Arc::new(attributes)), ..record }
}

fn sessions() -> Vec<(&'static str, Item)> {
    let start = |record| Item::SessionStart(Box::new(record));
    let end = session_end;
    let host = |id: &str| SessionId::parse(id).unwrap();
    let own =
        |record| SessionRecord { id: host("web.7_A-b"), previous_id: Some(host("web.6_A-b")), ..record };
    let anonymous = |record| SessionRecord { user_id: Uuid::nil(), user: None, previous_id: None, ..record };
    let bare = |record| SessionRecord { user: None, app_version: None, ..record };
    let first = FirstEvent { id: uuid(0x3fff), time: STARTED };
    let by_event = SessionRecord { first_event: Some(first), event_index: 1, ..open_session() };
    vec![
        ("session_start", start(by_event)),
        ("session_start_no_event", start(open_session())),
        ("session_start_first", start(SessionRecord { index: 1, previous_id: None, ..open_session() })),
        ("session_start_host_id", start(own(open_session()))),
        ("session_start_anonymous", start(anonymous(open_session()))),
        ("session_start_no_user", start(bare(open_session()))),
        ("session_start_attributes", start(with_attributes(open_session()))),
        ("session_end_attributes", end(with_attributes(ended_session(EndReason::Ended)))),
        ("session_end_timeout", end(ended_session(EndReason::Timeout))),
        ("session_end_ended", end(ended_session(EndReason::Ended))),
        ("session_end_user_changed", end(ended_session(EndReason::UserChanged))),
        ("session_end_crashed", end(ended_session(EndReason::Crashed))),
        ("session_end_killed", end(ended_session(EndReason::Killed))),
        ("session_end_host_id", end(own(ended_session(EndReason::Replaced)))),
        ("session_end_anonymous", end(anonymous(ended_session(EndReason::AnonymityChanged)))),
        ("session_end_no_user", end(bare(ended_session(EndReason::Shutdown)))),
    ]
}
