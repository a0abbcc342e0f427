//! A request once more, against what stands now, without leaving anything: what it would change, or why it would be refused.

use futures::FutureExt;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::super::context::Context;
use super::super::super::error::Error;
use super::super::super::scim_services::is_pushed;
use super::super::super::sources;
use super::super::batch;
use super::super::change::{Change, Done, With};
use super::super::error::ScimError;
use super::super::feeds::Feed;
use super::super::patch;
use super::super::schema::Kind;
use super::super::turns::Trial;
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
    /// The error it would be answered with; of a Bulk, all of the answer.
    #[schema(value_type = Option<Object>)]
    pub answer: Option<Value>,
    /// What it would change, as the trail would say it.
    pub changes: Vec<Changed>,
}

/// Tries a recorded request again. Nothing of it stays.
///
/// # Errors
/// `NotFound`; `Conflict` for a request that changes nothing, and for one whose body was not kept.
pub async fn replay(ctx: &Context, source: &str, id: Uuid) -> Result<Replayed, Error> {
    ctx.require(Permission::ManageSources)?;
    let recorded = show(ctx, source, id).await?;
    let source = sources::get(ctx, source).await?;
    if !is_pushed(&source) {
        return Err(Error::Conflict("this source is read, and not pushed into: there is nothing to replay".to_owned()));
    }
    let feed = Feed::of(ctx, source, TokenId::new());
    let tried = if is_bulk(&recorded) { bulk(&feed, &body(&recorded)?).boxed().await } else { one(&feed, &recorded).boxed().await? };
    Ok(tried.unwrap_or_else(|error| Replayed {
        status: error.status,
        resource: None,
        answer: Some(Value::Object(error.body())),
        changes: Vec::new(),
    }))
}

fn is_bulk(recorded: &Whole) -> bool {
    recorded.seen.method == "POST" && endpoint(&recorded.seen.path) == "Bulk"
}

/// The address without its query and slashes.
fn endpoint(path: &str) -> &str {
    path.split('?').next().unwrap_or_default().trim_matches('/')
}

fn body(recorded: &Whole) -> Result<Map<String, Value>, Error> {
    match &recorded.request {
        Some(Value::Object(body)) => Ok(body.clone()),
        _ => Err(Error::Conflict("the body of this request was not kept: it was none, or too large".to_owned())),
    }
}

/// The operations of a Bulk, one after another.
async fn bulk(feed: &Feed, body: &Map<String, Value>) -> Result<Replayed, ScimError> {
    let mut trial = Trial::begin(feed).await?;
    let answer = batch::try_out(feed, body, &mut trial).await?;
    Ok(Replayed { status: 200, resource: None, answer: Some(Value::Object(answer)), changes: told(trial).await? })
}

/// One change.
async fn one(feed: &Feed, recorded: &Whole) -> Result<Result<Replayed, ScimError>, Error> {
    let created = recorded.seen.method == "POST";
    Ok(match change(recorded)? {
        Ok(change) => tried(feed, change, created).await,
        Err(refused) => Err(refused),
    })
}

async fn tried(feed: &Feed, change: Change, created: bool) -> Result<Replayed, ScimError> {
    let mut trial = Trial::begin(feed).await?;
    let done = trial.carry(change, With { assignments: true, ..With::USUAL }).await??;
    let changes = told(trial).await?;
    Ok(match done {
        Done::Stored(stored) => {
            Replayed { status: if created { 201 } else { 200 }, resource: Some(Value::Object(stored.resource)), answer: None, changes }
        }
        Done::Removed => Replayed { status: 204, resource: None, answer: None, changes },
    })
}

async fn told(trial: Trial<'_>) -> Result<Vec<Changed>, ScimError> {
    Ok(trial.end().await?.iter().take(CHANGES_MAX).map(changed).collect())
}

/// The change that a recorded request asks for, or what it is refused with before it is tried.
fn change(recorded: &Whole) -> Result<Result<Change, ScimError>, Error> {
    let path = endpoint(&recorded.seen.path);
    let mut parts = path.split('/');
    let (endpoint, id, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let kind = Kind::ALL.into_iter().find(|kind| kind.endpoint() == endpoint).filter(|_| rest.is_none());
    let Some(kind) = kind else {
        return Err(Error::Conflict(format!("{} /{path} is not replayed: only what changes something is", recorded.seen.method)));
    };
    let named = || id.unwrap_or_default().to_owned();
    Ok(match (recorded.seen.method.as_str(), id) {
        ("POST", None) => Ok(Change::Create { kind, body: body(recorded)? }),
        ("PUT", Some(_)) => Ok(Change::Replace { kind, id: named(), body: body(recorded)?, rev: None }),
        ("PATCH", Some(_)) => patched(kind, named(), &body(recorded)?),
        ("DELETE", Some(_)) => Ok(Change::Remove { kind, id: named(), rev: None }),
        (method, _) => return Err(Error::Conflict(format!("{method} /{path} changes nothing: there is nothing to replay"))),
    })
}

fn patched(kind: Kind, id: String, body: &Map<String, Value>) -> Result<Change, ScimError> {
    Ok(Change::Patch { kind, id, ops: patch::parse(body)?, rev: None })
}
