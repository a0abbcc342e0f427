//! A request once more, against what stands now, without leaving anything: what it would change, or why it would be refused.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::super::context::Context;
use super::super::super::error::Error;
use super::super::super::scim_services::is_pushed;
use super::super::super::sources;
use super::super::change::{Change, Done, With};
use super::super::error::ScimError;
use super::super::feeds::Feed;
use super::super::patch;
use super::super::schema::Kind;
use super::super::turns;
use super::{CHANGES_MAX, changed, show};
use crate::store::establishment::scim_request::{Changed, Whole};
use crate::types::id::TokenId;
use crate::types::permission::Permission;

/// What a request would do now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Replayed {
    /// The status it would be answered with.
    pub status: u16,
    /// The resource as it would be; none when it would be gone, or the request refused.
    #[schema(value_type = Option<Object>)]
    pub resource: Option<Value>,
    /// The error it would be answered with.
    #[schema(value_type = Option<Object>)]
    pub answer: Option<Value>,
    /// What it would change, as the trail would say it.
    pub changes: Vec<Changed>,
}

/// Tries a recorded request again. Nothing of it stays.
///
/// # Errors
/// `NotFound`; `Conflict` for a request that changes nothing, for a Bulk, and for one whose body was not kept.
pub async fn replay(ctx: &Context, source: &str, id: Uuid) -> Result<Replayed, Error> {
    ctx.require(Permission::ManageSources)?;
    let recorded = show(ctx, source, id).await?;
    let source = sources::get(ctx, source).await?;
    if !is_pushed(&source) {
        return Err(Error::Conflict("this source is read, and not pushed into: there is nothing to replay".to_owned()));
    }
    let feed = Feed::of(ctx, source, TokenId::new());
    let created = recorded.seen.method == "POST";
    let (outcome, events) = match change(&recorded)? {
        Ok(change) => turns::preview(&feed, change, With { assignments: true, ..With::USUAL }).await,
        Err(refused) => (Err(refused), Vec::new()),
    };
    let changes = events.iter().take(CHANGES_MAX).map(changed).collect();
    Ok(match outcome {
        Ok(Done::Stored(stored)) => {
            Replayed { status: if created { 201 } else { 200 }, resource: Some(Value::Object(stored.resource)), answer: None, changes }
        }
        Ok(Done::Removed) => Replayed { status: 204, resource: None, answer: None, changes },
        Err(error) => Replayed { status: error.status, resource: None, answer: Some(Value::Object(error.body())), changes },
    })
}

/// The change that a recorded request asks for, or what it is refused with before it is tried.
fn change(recorded: &Whole) -> Result<Result<Change, ScimError>, Error> {
    let path = recorded.seen.path.split('?').next().unwrap_or_default().to_owned();
    let mut parts = path.trim_matches('/').split('/');
    let (endpoint, id, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let kind = Kind::ALL.into_iter().find(|kind| kind.endpoint() == endpoint).filter(|_| rest.is_none());
    let Some(kind) = kind else {
        return Err(Error::Conflict(format!("{} {path} is not replayed: only changes of one resource are", recorded.seen.method)));
    };
    let body = || match &recorded.request {
        Some(Value::Object(body)) => Ok(body.clone()),
        _ => Err(Error::Conflict("the body of this request was not kept: it was none, or too large".to_owned())),
    };
    let named = || id.unwrap_or_default().to_owned();
    Ok(match (recorded.seen.method.as_str(), id) {
        ("POST", None) => Ok(Change::Create { kind, body: body()? }),
        ("PUT", Some(_)) => Ok(Change::Replace { kind, id: named(), body: body()?, rev: None }),
        ("PATCH", Some(_)) => patched(kind, named(), &body()?),
        ("DELETE", Some(_)) => Ok(Change::Remove { kind, id: named(), rev: None }),
        (method, _) => return Err(Error::Conflict(format!("{method} {path} changes nothing: there is nothing to replay"))),
    })
}

fn patched(kind: Kind, id: String, body: &Map<String, Value>) -> Result<Change, ScimError> {
    Ok(Change::Patch { kind, id, ops: patch::parse(body)?, rev: None })
}
