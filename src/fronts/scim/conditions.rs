//! `If-Match` and `If-None-Match` (RFC 9110 §13.1, RFC 7644 §3.14) of a request.

use axum::extract::FromRequestParts;
use axum::http::header::{AsHeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;

use super::answer::Refusal;
use crate::services::scim::change::With;
use crate::services::scim::error::ScimError;
use crate::services::scim::feeds::Feed;
use crate::services::scim::resources;
use crate::services::scim::schema::Kind;
use crate::services::scim::versions::Versions;

/// The conditions of a request.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    /// Only what has one of these versions is changed.
    pub(super) matching: Option<Versions>,
    /// Only what has none of these versions is sent.
    pub(super) none_matching: Option<Versions>,
}

impl Conditions {
    /// The revision that a resource is to have for the change, if any is named.
    ///
    /// # Errors
    /// 412 when it has none of several that are named, 404 when it is not there.
    pub(super) async fn revision(&self, feed: &Feed, kind: Kind, id: &str) -> Result<Option<i64>, ScimError> {
        let Some(named) = self.matching.as_ref().and_then(Versions::revisions) else { return Ok(None) };
        if let [one] = named.as_slice() {
            return Ok(Some(*one));
        }
        let standing = resources::read(feed, kind, id, With::default()).await?.rev;
        if named.contains(&standing) { Ok(Some(standing)) } else { Err(ScimError::stale()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Conditions {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Ok(Self { matching: read(parts, IF_MATCH)?, none_matching: read(parts, IF_NONE_MATCH)? })
    }
}

fn read(parts: &Parts, name: impl AsHeaderName) -> Result<Option<Versions>, Refusal> {
    let wrong = || Refusal::from(ScimError::invalid_value("If-Match and If-None-Match are versions as they were given out, or *"));
    parts.headers.get(name).map(|value| value.to_str().map(Versions::parse).map_err(|_| wrong())).transpose()
}
