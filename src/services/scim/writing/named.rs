//! What a resource is called within its feed: its name and the feed's own key, each of one resource only.

use connectors::dn;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::change::Stop;
use super::super::error::ScimError;
use super::super::schema::Kind;
use super::{Work, row_kind};
use crate::store::establishment::scim_resource;

/// Longest name, in characters.
const NAME_LENGTH_MAX: usize = 256;
/// Longest external id, in characters.
const EXTERNAL_ID_LENGTH_MAX: usize = 512;

/// What a resource is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// `userName` or `displayName`.
    pub name: String,
    /// `externalId`.
    pub external_id: Option<String>,
}

impl Named {
    /// From a canonical body.
    pub fn of(kind: Kind, body: &Map<String, Value>) -> Result<Self, Stop> {
        let key = name_key(kind);
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = text(key).unwrap_or_default().trim().to_owned();
        let external_id = text("externalId");
        let long = |what: &str, max: usize| Stop::refused(ScimError::invalid_value(format!("{what} has at most {max} characters")));
        if name.is_empty() {
            return Err(Stop::refused(ScimError::invalid_value(format!("{key} is required"))));
        }
        if name.chars().count() > NAME_LENGTH_MAX {
            return Err(long(key, NAME_LENGTH_MAX));
        }
        if external_id.as_ref().is_some_and(|id| id.chars().count() > EXTERNAL_ID_LENGTH_MAX) {
            return Err(long("externalId", EXTERNAL_ID_LENGTH_MAX));
        }
        if kind == Kind::Group && dn::normalise(&name).is_ok_and(|dn| dn.contains('=')) {
            let why = format!("displayName: «{name}» reads like a directory's DN, and rules look at both: give the group a plain name");
            return Err(Stop::refused(ScimError::invalid_value(why)));
        }
        Ok(Self { name, external_id })
    }

    /// Whether nobody else of the feed is called so. Answers who was, and left.
    pub async fn free_in(&self, work: &mut Work<'_>, kind: Kind, own: Option<Uuid>) -> Result<Option<Uuid>, Stop> {
        let called = scim_resource::called(work.tx, work.source(), row_kind(kind), &self.name, self.external_id.as_deref()).await?;
        let taken = |found: Option<Uuid>| found.is_some_and(|found| Some(found) != own);
        if taken(called.named) {
            return Err(Stop::refused(ScimError::uniqueness(format!("{}: «{}» is another's of this feed", name_key(kind), self.name))));
        }
        if let Some(id) = &self.external_id
            && taken(called.external)
        {
            return Err(Stop::refused(ScimError::uniqueness(format!("externalId: «{id}» is another's of this feed"))));
        }
        Ok(called.left)
    }
}

/// The attribute that names a resource.
pub const fn name_key(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    }
}
