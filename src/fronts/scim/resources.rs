//! `/Users` and `/Groups`: one resource made, read, replaced, changed, removed (RFC 7644 §3.3 to §3.6).

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

use super::answer::{self, Refusal, Shown};
use super::body::Sent;
use super::caller::{Caller, Named};
use super::conditions::Conditions;
use super::query::Wanted;
use super::search;
use crate::fronts::edge;
use crate::services::context::Gateway;
use crate::services::error::Error;
use crate::services::groups;
use crate::services::scim::change::{Stored, With};
use crate::services::scim::dialect::{self, Dialect};
use crate::services::scim::feeds::Feed;
use crate::services::scim::patch;
use crate::services::scim::projection::Projection;
use crate::services::scim::resources;
use crate::services::scim::schema::{Kind, PASSERELLE_URN};

/// Most members that a group may have for whoever changes it to be sent all of it.
const MEMBERS_ANSWERED_MAX: i64 = 1000;

/// The endpoints of a kind of resource.
pub(super) fn endpoint(kind: Kind) -> Router<Arc<Gateway>> {
    let name = kind.endpoint();
    let many = get(move |caller: Caller, wanted: Wanted| search::list(kind, caller, wanted))
        .post(move |caller: Caller, wanted: Wanted, body: Sent| create(kind, caller, wanted, body));
    let by_body = post(move |caller: Caller, body: Sent| search::list_by_body(kind, caller, body));
    let one = get(move |one: One| read(kind, one))
        .put(move |one: One, body: Sent| replace(kind, one, body))
        .patch(move |one: One, body: Sent| change(kind, one, body))
        .delete(move |one: One| remove(kind, one));
    Router::new().route(&format!("/{name}"), many).route(&format!("/{name}/.search"), by_body).route(&format!("/{name}/{{id}}"), one)
}

/// A request about one resource.
struct One {
    feed: Feed,
    id: String,
    wanted: Wanted,
    conditions: Conditions,
    agent: Option<String>,
    query: Option<String>,
}

impl FromRequestParts<Arc<Gateway>> for One {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        // Who asks comes first: to strangers nothing is said of what they ask.
        let Caller(feed) = Caller::from_request_parts(parts, gateway).await?;
        let Named(id) = Named::from_request_parts(parts, gateway).await?;
        let wanted = Wanted::from_request_parts(parts, gateway).await?;
        let conditions = Conditions::from_request_parts(parts, gateway).await?;
        let agent = edge::header(&parts.headers, USER_AGENT).map(str::to_owned);
        Ok(Self { feed, id, wanted, conditions, agent, query: parts.uri.query().map(str::to_owned) })
    }
}

/// `POST /Users`, `POST /Groups` (§3.3).
async fn create(kind: Kind, Caller(feed): Caller, wanted: Wanted, Sent(body): Sent) -> Result<Response, Refusal> {
    let projection = wanted.projection(kind);
    let made = resources::create(&feed, kind, body, with(&projection)).await?;
    Ok(shown(&feed, StatusCode::CREATED, &made, &projection))
}

/// `GET /Users/{id}`, `GET /Groups/{id}` (§3.4.1).
async fn read(kind: Kind, one: One) -> Result<Response, Refusal> {
    let One { feed, id, wanted, conditions, .. } = one;
    let projection = wanted.projection(kind);
    let found = resources::read(&feed, kind, &id, with(&projection)).await?;
    if conditions.none_matching.is_some_and(|known| known.name(&found.version)) {
        return Ok(answer::unchanged(&found.version));
    }
    Ok(shown(&feed, StatusCode::OK, &found, &projection))
}

/// `PUT /Users/{id}`, `PUT /Groups/{id}` (§3.5.1).
async fn replace(kind: Kind, one: One, Sent(body): Sent) -> Result<Response, Refusal> {
    let One { feed, id, wanted, conditions, .. } = one;
    let projection = wanted.projection(kind);
    let rev = conditions.revision(&feed, kind, &id).await?;
    let stored = resources::replace(&feed, kind, &id, body, rev, with(&projection)).await?;
    Ok(shown(&feed, StatusCode::OK, &stored, &projection))
}

/// `PATCH /Users/{id}`, `PATCH /Groups/{id}` (§3.5.2).
async fn change(kind: Kind, one: One, Sent(body): Sent) -> Result<Response, Refusal> {
    let ops = patch::parse(&body)?;
    let projection = one.wanted.projection(kind);
    let rev = one.conditions.revision(&one.feed, kind, &one.id).await?;
    let silent = kind == Kind::Group && is_silent(&one, &Value::Object(body)).await?;
    let One { feed, id, .. } = one;
    let wish = if silent { With::default() } else { with(&projection) };
    let stored = resources::patch(&feed, kind, &id, ops, rev, wish).await?;
    if silent {
        return Ok(answer::changed(&stored.version));
    }
    Ok(shown(&feed, StatusCode::OK, &stored, &projection))
}

/// `DELETE /Users/{id}`, `DELETE /Groups/{id}` (§3.6).
async fn remove(kind: Kind, one: One) -> Result<Response, Refusal> {
    let One { feed, id, conditions, .. } = one;
    let rev = conditions.revision(&feed, kind, &id).await?;
    resources::remove(&feed, kind, &id, rev).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(feed: &Feed, status: StatusCode, stored: &Stored, projection: &Projection) -> Response {
    let location = format!("{}/{}/{}", feed.base_url(), stored.kind.endpoint(), stored.id);
    let version = stored.version.clone();
    Shown { status, resource: projection.apply(stored.kind, &stored.resource), version, location }.into_response()
}

/// What of an answer has to be read beside what the feed states.
pub(super) fn with(projection: &Projection) -> With {
    With {
        members: projection.shows(Kind::Group, "members"),
        member_names: projection.shows(Kind::Group, "members.display"),
        groups: projection.shows(Kind::User, "groups"),
        assignments: projection.shows(Kind::User, &format!("{PASSERELLE_URN}:assignments")),
    }
}

/// Whether the answer to a change of a group is empty. Whoever names attributes reads them. Entra ID reads nothing of a group, and nobody is sent
/// the tens of thousands of members of a large one for each that comes.
async fn is_silent(one: &One, body: &Value) -> Result<bool, Refusal> {
    if !one.wanted.attributes.is_empty() {
        return Ok(false);
    }
    if dialect::recognise(one.agent.as_deref(), one.query.as_deref(), Some(body)) == Dialect::Entra {
        return Ok(true);
    }
    // What is no group is told by whatever changes it.
    let Ok(id) = one.id.parse() else { return Ok(false) };
    match groups::get(&one.feed.ctx, id).await {
        Ok(group) => Ok(group.member_count > MEMBERS_ANSWERED_MAX),
        Err(Error::NotFound(_)) => Ok(false),
        Err(failed) => Err(failed.into()),
    }
}
