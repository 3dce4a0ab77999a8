//! Who uses the app, as the host knows them (S10).

use serde::{Deserialize, Serialize};

use super::limits;
use crate::encoding::{Put, Take};
use crate::error::Result;

/// An identified user. Two users are the same if their ids are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

impl User {
    /// A user with an id, and what else is known.
    ///
    /// # Errors
    /// The id is empty, or a part is over [`limits::IDENTITY`].
    pub fn new(id: &str, name: Option<&str>, email: Option<&str>) -> Result<Self> {
        limits::name("the user's id", id, limits::IDENTITY)?;
        for (what, value) in [("the user's name", name), ("the user's email", email)] {
            value.map_or(Ok(()), |value| limits::length(what, value, limits::IDENTITY))?;
        }
        Ok(Self { id: id.into(), name: name.map(Into::into), email: email.map(Into::into) })
    }

    /// What the host calls them.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Their name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Their address.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    pub(crate) fn encode(&self, out: &mut impl Put) {
        out.text(&self.id);
        out.option(self.name.as_deref(), Put::text);
        out.option(self.email.as_deref(), Put::text);
    }

    pub(crate) fn decode(from: &mut Take<'_>) -> Option<Self> {
        let id = from.text()?;
        let name = from.option(Take::text)?;
        let email = from.option(Take::text)?;
        Self::new(id, name, email).ok()
    }
}
