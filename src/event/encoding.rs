//! An event with its stamp, as bytes: what the journal and the outbox hold. The format has a version in its first
//! byte; a reader knows every version there has been. `docs/storage.md` describes it.

use std::sync::Arc;

use uuid::Uuid;

use super::{Breadcrumb, Context, Event, EventKind, SessionStamp, Stamp, User, Value};
use crate::encoding::{Put, Take};
use crate::ids::{EventId, InstanceId, SessionId, UserId};

/// The versions: without and with a trail behind the event.
const PLAIN: u8 = 1;
const WITH_TRAIL: u8 = 2;
// Flags.
const IN_BACKGROUND: u8 = 1;
const SAMPLED_OUT: u8 = 2;

/// An event as it is stored: the stamp it got, and what the host said.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// What the library added.
    pub stamp: Stamp,
    /// What the host said.
    pub event: Event,
    /// The events of the session that came before an error, oldest first. Empty if none are remembered.
    pub trail: Vec<Breadcrumb>,
}

impl StoredEvent {
    /// Reads what `encode_stamp`, `encode_event` and `Trail::encode` wrote one after the other. `None` for damaged
    /// bytes or a newer format.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Take(bytes);
        let version = from.u8()?;
        if ![PLAIN, WITH_TRAIL].contains(&version) {
            return None;
        }
        let (stamp, kind) = decode_stamp(&mut from)?;
        let event = decode_event(&mut from, kind)?;
        let trail = if version == WITH_TRAIL { Breadcrumb::decode_all(&mut from)? } else { Vec::new() };
        from.0.is_empty().then_some(Self { stamp, event, trail })
    }
}

/// The part of a stored event that the outbox needs as columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub kind: u8,
    pub sequence: u64,
    pub time: i64,
    pub id: Uuid,
    pub session: Option<SessionId>,
    /// The session is not among the share that is kept.
    pub sampled_out: bool,
}

impl Head {
    /// Reads the front of a stored event.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Take(bytes);
        let (_version, kind, flags) = (from.u8()?, from.u8()?, from.u8()?);
        let (sequence, time, id) = (from.u64()?, from.i64()?, from.uuid()?);
        let session = from.option(SessionId::decode)?;
        Some(Self { kind, sequence, time, id, session, sampled_out: flags & SAMPLED_OUT != 0 })
    }
}

/// Writes a stamp for an event of that kind, `with_trail` if one follows behind the event.
pub(crate) fn encode_stamp(stamp: &Stamp, kind: u8, with_trail: bool, out: &mut impl Put) {
    out.u8(if with_trail { WITH_TRAIL } else { PLAIN });
    out.u8(kind);
    let sampled_out = stamp.session.as_ref().is_some_and(|session| session.sampled_out);
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    out.u8(flag(stamp.in_background, IN_BACKGROUND) | flag(sampled_out, SAMPLED_OUT));
    out.u64(stamp.sequence);
    out.i64(stamp.time);
    out.uuid(&stamp.event_id.0);
    out.option(stamp.session.as_ref(), |out, session| session.id.encode(out));
    if let Some(session) = &stamp.session {
        encode_session(session, out);
    }
    out.uuid(&stamp.instance_id.0);
    out.uuid(&stamp.user_id.0);
    out.option(stamp.user.as_deref(), |out, user| user.encode(out));
    out.option(stamp.app_version.as_deref(), Put::text);
}

fn encode_session(session: &SessionStamp, out: &mut impl Put) {
    out.u32(session.index);
    out.u32(session.event_index);
    out.option(session.previous_id.as_ref(), |out, id| id.encode(out));
    out.uuid(&session.first_event_id.0);
    out.i64(session.first_event_time);
    out.i64(session.started_at);
    out.u32(session.handled_errors);
    out.u32(session.unhandled_errors);
}

fn decode_stamp(from: &mut Take<'_>) -> Option<(Stamp, u8)> {
    let (kind, flags) = (from.u8()?, from.u8()?);
    let (sequence, time) = (from.u64()?, from.i64()?);
    let event_id = EventId(from.uuid()?);
    let session = match from.option(SessionId::decode)? {
        Some(id) => Some(decode_session(id, flags & SAMPLED_OUT != 0, from)?),
        None => None,
    };
    let stamp = Stamp {
        event_id,
        sequence,
        time,
        session,
        in_background: flags & IN_BACKGROUND != 0,
        instance_id: InstanceId(from.uuid()?),
        user_id: UserId(from.uuid()?),
        user: from.option(User::decode)?.map(Arc::new),
        app_version: from.option(Take::text)?.map(Arc::from),
    };
    Some((stamp, kind))
}

fn decode_session(id: SessionId, sampled_out: bool, from: &mut Take<'_>) -> Option<SessionStamp> {
    Some(SessionStamp {
        id,
        index: from.u32()?,
        event_index: from.u32()?,
        previous_id: from.option(SessionId::decode)?,
        first_event_id: EventId(from.uuid()?),
        first_event_time: from.i64()?,
        started_at: from.i64()?,
        handled_errors: from.u32()?,
        unhandled_errors: from.u32()?,
        sampled_out,
    })
}

/// Contexts that go along with many events, encoded once. The default is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncodedContexts {
    count: u32,
    bytes: Vec<u8>,
}

impl EncodedContexts {
    pub fn new(contexts: &[Context]) -> Self {
        let mut bytes = Vec::new();
        contexts.iter().for_each(|context| encode_context(context, &mut bytes));
        Self { count: contexts.len() as u32, bytes }
    }
}

/// Writes what the host said, with `more` contexts behind the event's own. It goes right behind the stamp.
pub(crate) fn encode_event(event: &Event, more: &EncodedContexts, out: &mut impl Put) {
    event.kind.encode(out);
    out.option(event.true_time, Put::i64);
    out.u32(event.fields.len() as u32);
    for (key, value) in &event.fields {
        out.text(key);
        match value {
            Value::Text(text) => tagged(out, 1, text),
            Value::Json(text) => tagged(out, 3, text),
            Value::Number(number) => {
                out.u8(2);
                out.u64(number.to_bits());
            }
        }
    }
    out.u32(event.contexts.len() as u32 + more.count);
    event.contexts.iter().for_each(|context| encode_context(context, out));
    out.bytes(&more.bytes);
}

fn encode_context(context: &Context, out: &mut impl Put) {
    out.text(&context.schema);
    out.text(&context.data);
}

fn tagged(out: &mut impl Put, tag: u8, text: &str) {
    out.u8(tag);
    out.text(text);
}

fn decode_event(from: &mut Take<'_>, kind: u8) -> Option<Event> {
    let mut event = Event::new(EventKind::decode(kind, from)?);
    event.true_time = from.option(Take::i64)?;
    for _ in 0..from.u32()? {
        let key = from.text()?.to_owned();
        let value = match from.u8()? {
            1 => Value::Text(from.text()?.to_owned()),
            2 => Value::Number(f64::from_bits(from.u64()?)),
            3 => Value::Json(from.text()?.to_owned()),
            _ => return None,
        };
        event.fields.push((key, value));
    }
    for _ in 0..from.u32()? {
        event.contexts.push(Context { schema: from.text()?.to_owned(), data: from.text()?.to_owned() });
    }
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Severity, Trail};

    fn stamp(session: bool) -> Stamp {
        let uuid = |n: u128| Uuid::from_u128(n);
        Stamp {
            event_id: EventId(uuid(1)),
            sequence: 42,
            time: -5,
            instance_id: InstanceId(uuid(2)),
            user_id: UserId(uuid(3)),
            user: session.then(|| Arc::new(User::new("u", Some("Ü"), None).unwrap())),
            app_version: session.then(|| "1.2".into()),
            in_background: session,
            session: session.then(|| SessionStamp {
                id: SessionId::parse("host-1").unwrap(),
                index: 7,
                event_index: 8,
                previous_id: Some(SessionId::from_uuid(uuid(4))),
                first_event_id: EventId(uuid(5)),
                first_event_time: 6,
                started_at: 5,
                handled_errors: 1,
                unhandled_errors: 2,
                sampled_out: true,
            }),
        }
    }

    fn events() -> Vec<Event> {
        let mut full = Event::error("E", "نص \"\\\u{1}", true).unwrap();
        full.set_text("stack_trace", "a\nb").unwrap();
        full.set_number("n", 1e-7).unwrap();
        full.set_json("j", "{\"a\":9223372036854775807}").unwrap();
        full.add_context("iglu:a/b/jsonschema/1-0-0", "{}").unwrap();
        full.set_true_time(-1);
        vec![
            full,
            Event::screen_view(Some("s"), None).unwrap(),
            Event::structured("c", "a").unwrap(),
            Event::self_describing("iglu:a/b/jsonschema/1-0-0", "[1]").unwrap(),
            Event::timing("c", "v", u64::MAX).unwrap(),
            Event::log(Severity::WARN, Some("src"), "").unwrap(),
            Event::feature("f").unwrap(),
            Event::lifecycle(false, 1),
            Event::lifecycle(true, u32::MAX),
            Event::install(),
        ]
    }

    fn encode(stamp: &Stamp, event: &Event) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_stamp(stamp, event.kind.number(), false, &mut bytes);
        encode_event(event, &EncodedContexts::default(), &mut bytes);
        bytes
    }

    fn encode_with_trail(event: &Event, trail: &Trail) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_stamp(&stamp(true), event.kind.number(), true, &mut bytes);
        encode_event(event, &EncodedContexts::default(), &mut bytes);
        trail.encode(&mut bytes);
        bytes
    }

    #[test]
    fn every_kind_comes_back_as_it_was_stored() {
        for event in events() {
            for stamp in [stamp(false), stamp(true)] {
                let bytes = encode(&stamp, &event);
                let head = Head::decode(&bytes).unwrap();
                assert_eq!((head.sequence, head.time, head.kind), (42, -5, event.kind.number()));
                assert_eq!(head.session, stamp.session.as_ref().map(|s| s.id.clone()));
                assert_eq!(
                    StoredEvent::decode(&bytes),
                    Some(StoredEvent { stamp, event: event.clone(), trail: vec![] })
                );
            }
        }
    }

    #[test]
    fn contexts_of_many_events_stand_behind_the_events_own() {
        let context =
            |n: i32| Context { schema: format!("iglu:a/b{n}/jsonschema/1-0-0"), data: n.to_string() };
        let more = EncodedContexts::new(&[context(7), context(8)]);
        for event in events() {
            let mut bytes = Vec::new();
            encode_stamp(&stamp(false), event.kind.number(), false, &mut bytes);
            encode_event(&event, &more, &mut bytes);
            let mut expected = event.clone();
            expected.contexts.extend([context(7), context(8)]);
            assert_eq!(StoredEvent::decode(&bytes).unwrap().event, expected);
        }
    }

    #[test]
    fn a_trail_comes_back_and_belongs_to_its_version() {
        let error = Event::error("E", "m", true).unwrap();
        let mut trail = Trail::new(2);
        trail.push(&Event::feature("f").unwrap(), 1);
        trail.push(&Event::install(), -2);
        let bytes = encode_with_trail(&error, &trail);
        let crumb = |kind, name: &str, time| Breadcrumb { kind, name: name.into(), time };
        let crumbs = vec![crumb("feature", "f", 1), crumb("install", "", -2)];
        let expected = StoredEvent { stamp: stamp(true), event: error.clone(), trail: crumbs };
        assert_eq!(StoredEvent::decode(&bytes), Some(expected));
        assert_eq!(Head::decode(&bytes), Head::decode(&encode(&stamp(true), &error)));
        for end in 0..bytes.len() {
            assert_eq!(StoredEvent::decode(&bytes[..end]), None, "cut at {end}");
        }
        let mut plain = bytes;
        plain[0] = PLAIN;
        assert_eq!(StoredEvent::decode(&plain), None);
        plain[0] = WITH_TRAIL;
        plain.push(0);
        assert_eq!(StoredEvent::decode(&plain), None, "something behind it");
    }

    #[test]
    fn damaged_bytes_are_refused_without_harm() {
        let bytes = encode(&stamp(true), &events()[0]);
        for end in 0..bytes.len() {
            assert_eq!(StoredEvent::decode(&bytes[..end]), None, "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let _ = StoredEvent::decode(&damaged);
            let _ = Head::decode(&damaged);
        }
        let mut newer = bytes;
        newer[0] = WITH_TRAIL + 1;
        assert_eq!(StoredEvent::decode(&newer), None);
    }
}
