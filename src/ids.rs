//! Identifiers, each a type of its own, and where new ones come from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::encoding::{Put, Take};
use crate::error::{Error, invalid};

/// The most characters a host's own session id may have (S11).
pub const MAX_SESSION_ID: usize = 128;

/// Names one event, in every back end. A random UUID (version 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub Uuid);

/// Names the installation: one random UUID per database, the same for all its namespaces. Nil in anonymous mode (S18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub Uuid);

impl UserId {
    /// The id that says nothing: what anonymous stamps carry (S18).
    pub const NIL: Self = Self(Uuid::nil());
}

/// Names one tracker object, or one scope, for its lifetime (S21; Loupe's agent session id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub Uuid);

macro_rules! shown_as_uuid {
    ($($id:ty),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
shown_as_uuid!(EventId, UserId, InstanceId);

/// Names a session: a UUID of ours, or text of the host's own (S11).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Form);

/// A UUID is kept as its 16 bytes: stamping an event with it then costs no allocation and no counting of references.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Uuid(Uuid),
    Text(Arc<str>),
}

impl SessionId {
    /// The id of a session that the library begins.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(Form::Uuid(id))
    }

    /// A host's own id: 1 to 128 of `A-Z a-z 0-9 . _ -` (S11).
    ///
    /// # Errors
    /// [`crate::ErrorKind::InvalidArgument`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > MAX_SESSION_ID {
            return Err(invalid(format!(
                "a session id has 1 to {MAX_SESSION_ID} characters, not {}",
                text.len()
            )));
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii() || !allowed(*c as u8)) {
            return Err(invalid(format!("a session id is made of A-Z a-z 0-9 . _ -, not of {bad:?}")));
        }
        Ok(Self(match Uuid::try_parse(text) {
            // Only the form that comes out again to the letter.
            Ok(id) if id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text => Form::Uuid(id),
            _ => Form::Text(text.into()),
        }))
    }

    /// The UUID, if the id is one in its usual form (lower case, with hyphens).
    pub fn as_uuid(&self) -> Option<Uuid> {
        match &self.0 {
            Form::Uuid(id) => Some(*id),
            Form::Text(_) => None,
        }
    }

    /// As the UUID that some receivers ask for: itself, or the UUIDv5 of a host's own text in that namespace.
    pub fn uuid_in(&self, namespace: &Uuid) -> Uuid {
        self.as_uuid().unwrap_or_else(|| Uuid::new_v5(namespace, self.to_string().as_bytes()))
    }

    /// The host's text, if the id is no UUID.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Form::Uuid(_) => None,
            Form::Text(text) => Some(text),
        }
    }

    pub(crate) fn encode(&self, out: &mut impl Put) {
        match &self.0 {
            Form::Uuid(id) => {
                out.u8(0);
                out.uuid(id);
            }
            Form::Text(text) => {
                out.u8(text.len() as u8);
                out.bytes(text.as_bytes());
            }
        }
    }

    pub(crate) fn decode(from: &mut Take<'_>) -> Option<Self> {
        match from.u8()? {
            0 => Some(Self(Form::Uuid(from.uuid()?))),
            length => Self::parse(std::str::from_utf8(from.bytes(length.into())?).ok()?).ok(),
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Uuid(id) => id.fmt(f),
            Form::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl serde::Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SessionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Where new ids come from. Called on the thread of every `track`.
pub trait IdSource: Send + Sync {
    /// An id that no one has given before.
    fn uuid(&self) -> Uuid;
}

/// Random UUIDs (version 4): what a tracker uses unless it is told otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Ids that count 1, 2, 3 …: for tests and golden files, where the same run must give the same ids.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    /// A source whose first id is `first`.
    pub fn starting_at(first: u64) -> Self {
        Self(AtomicU64::new(first.saturating_sub(1)))
    }
}

impl IdSource for CountingIds {
    fn uuid(&self) -> Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        // Marked as version 4, so that whoever checks the form of an id accepts it.
        uuid::Builder::from_u128(u128::from(number))
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_session_id_is_checked_and_kept_to_the_letter() {
        for good in ["a", "A-b_c.9", &"x".repeat(128), "9C5B94B1-35AD-49BB-B118-8E8FC24ABF80"] {
            assert_eq!(SessionId::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", " ", "a b", "ä", "a/b", "a\0", &"x".repeat(129)] {
            assert!(SessionId::parse(bad).is_err(), "{bad:?}");
        }
        let uuid = SessionId::parse("9c5b94b1-35ad-49bb-b118-8e8fc24abf80").unwrap();
        assert!(uuid.as_uuid().is_some());
        assert_eq!(uuid, SessionId::from_uuid(uuid.as_uuid().unwrap()));
    }

    #[test]
    fn a_session_id_survives_its_encoding_and_damage_is_noticed() {
        for id in ["host.session-1", "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"] {
            let id = SessionId::parse(id).unwrap();
            let mut bytes = Vec::new();
            id.encode(&mut bytes);
            assert_eq!(SessionId::decode(&mut Take(&bytes)), Some(id));
            assert_eq!(SessionId::decode(&mut Take(&bytes[..bytes.len() - 1])), None);
        }
        assert_eq!(SessionId::decode(&mut Take(&[2, b' ', b'x'])), None);
    }
}
