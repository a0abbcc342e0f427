//! `…/applications/{name}/provisioning`: people and groups written to an application that has a SCIM service of its own.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, NamedOf, named};
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, VersionedBy};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::provisioning::{self, ProvisioningFields, Shown, Step};
use crate::store::establishment::provisioned::{Action, Filter, Kind, Provisioned, State};
use crate::store::establishment::provisioning::Provisioning;
use crate::store::establishment::provisioning_drift::{self, Drift, What};

type Answer = VersionedBy<Provisioning, Shown>;

async fn answer(ctx: &Context, standing: Provisioning) -> Result<Answer, Problem> {
    let shown = provisioning::shown(ctx, &standing).await?;
    Ok(VersionedBy(standing, shown))
}

/// Shows the provisioning of an application, and how it goes.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}/provisioning", operation_id = "show_provisioning",
    tag = "provisioning", params(NamedOf), responses((status = 200, body = Shown), Refusals))]
pub async fn show(Here(ctx): Here, Key(name): Key<String>) -> Result<Answer, Problem> {
    let standing = provisioning::get(&ctx, &name).await?;
    answer(&ctx, standing).await
}

/// Sets up the provisioning of an application, or puts another in its place.
#[utoipa::path(put, path = "/establishments/{slug}/applications/{name}/provisioning", operation_id = "save_provisioning",
    tag = "provisioning", params(NamedOf), request_body = ProvisioningFields, responses((status = 200, body = Shown), Refusals))]
pub async fn save(Here(ctx): Here, Key(name): Key<String>, Body(fields): Body<ProvisioningFields>) -> Result<Answer, Problem> {
    let standing = match provisioning::get(&ctx, &name).await {
        Ok(standing) => Some(standing),
        Err(Error::NotFound(_)) => None,
        Err(other) => return Err(other.into()),
    };
    let saved = provisioning::put(&ctx, &name, standing.as_ref(), &fields).await?;
    answer(&ctx, saved).await
}

/// Changes the provisioning of an application (RFC 7396).
#[utoipa::path(patch, path = "/establishments/{slug}/applications/{name}/provisioning", operation_id = "update_provisioning",
    tag = "provisioning", params(NamedOf, IfMatch),
    request_body(content = ProvisioningFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Shown), Refusals))]
pub async fn update(Here(ctx): Here, Key(name): Key<String>, if_match: IfMatch, Body(patch): Body<Value>) -> Result<Answer, Problem> {
    let update = async || {
        let standing = provisioning::get(&ctx, &name).await?;
        if_match.check(&standing)?;
        let fields = patched(&ProvisioningFields::from(&standing), patch.clone())?;
        let saved = provisioning::put(&ctx, &name, Some(&standing), &fields).await?;
        answer(&ctx, saved).await
    };
    if_match.change(update).await
}

/// Forgets the provisioning of an application. Accounts and groups there stay as they are.
#[utoipa::path(delete, path = "/establishments/{slug}/applications/{name}/provisioning", operation_id = "delete_provisioning",
    tag = "provisioning", params(NamedOf), responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(name): Key<String>) -> Result<StatusCode, Problem> {
    provisioning::delete(&ctx, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries the service step by step. When all is well, what was paused goes on.
#[utoipa::path(post, path = "/establishments/{slug}/applications/{name}/provisioning/check", operation_id = "check_provisioning",
    tag = "provisioning", params(NamedOf), responses((status = 200, body = Vec<Step>), Refusals))]
pub async fn check(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<Vec<Step>>, Problem> {
    Ok(Json(provisioning::check(&ctx, &name).await?))
}

/// How everything is to be compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Whether what differs is put right. In a dry run nothing is.
    #[serde(default)]
    repair: bool,
}

/// Has everything there compared with what is to be. The report is in `state.report` once it is done, and what differs by name in `drift`.
#[utoipa::path(post, path = "/establishments/{slug}/applications/{name}/provisioning/reconcile", operation_id = "reconcile_provisioning",
    tag = "provisioning", params(NamedOf), request_body = Wish, responses((status = 202, body = Shown), Refusals))]
pub async fn reconcile(Here(ctx): Here, Key(name): Key<String>, Body(wish): Body<Wish>) -> Result<(StatusCode, Answer), Problem> {
    let standing = provisioning::reconcile(&ctx, &name, wish.repair).await?;
    Ok((StatusCode::ACCEPTED, answer(&ctx, standing).await?))
}

/// How many rows an act was about.
#[derive(Debug, Serialize, ToSchema)]
pub struct Count {
    /// How many.
    rows: u64,
}

/// What is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// How many were seen to be held: 409 when there are more by now.
    rows: u64,
}

/// Approves what is held, for a day: it is deactivated or deleted there.
#[utoipa::path(post, path = "/establishments/{slug}/applications/{name}/provisioning/approve", operation_id = "approve_provisioning",
    tag = "provisioning", params(NamedOf), request_body = Approval, responses((status = 200, body = Count), Refusals))]
pub async fn approve(Here(ctx): Here, Key(name): Key<String>, Body(approval): Body<Approval>) -> Result<Json<Count>, Problem> {
    Ok(Json(Count { rows: provisioning::approve(&ctx, &name, approval.rows).await? }))
}

/// Tries anew what was not taken, and goes on with what was paused.
#[utoipa::path(post, path = "/establishments/{slug}/applications/{name}/provisioning/retry", operation_id = "retry_provisioning",
    tag = "provisioning", params(NamedOf), responses((status = 200, body = Count), Refusals))]
pub async fn retry(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<Count>, Problem> {
    Ok(Json(Count { rows: provisioning::retry(&ctx, &name).await? }))
}

/// What the queue may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Queued {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Exact state.
    #[param(inline)]
    state: Option<State>,
    /// Exact action.
    #[param(inline)]
    action: Option<Action>,
    /// Whom or what it stands for: a person's or a group's identifier, `role:NAME` or `remote:ID`.
    subject: Option<String>,
    /// Exact name there.
    exact_name: Option<String>,
    /// Exact identifier there.
    remote_id: Option<String>,
}

/// Lists the people and groups that are there, were written, or are still to be.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}/provisioning/queue", operation_id = "list_provisioning_queue",
    tag = "provisioning", params(NamedOf, Queued), responses((status = 200, body = Listing<Provisioned>), Refusals))]
pub async fn queue(Here(ctx): Here, Key(name): Key<String>, Query(wanted): Query<Queued>) -> Result<Json<Listing<Provisioned>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Queued { kind, state, action, subject, exact_name, remote_id, .. } = wanted;
    let (kind, state, action) = (named(kind.as_ref()), named(state.as_ref()), named(action.as_ref()));
    let filter = Filter { kind, state, action, subject, name: exact_name, remote_id };
    Ok(Json(provisioning::queue(&ctx, &name, &page, &filter).await?.into()))
}

/// What a list of differences may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Drifting {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// In which way.
    #[param(inline)]
    what: Option<What>,
    /// Exact name there.
    exact_name: Option<String>,
}

/// Lists how the application differed when everything was last compared: the first 10,000 differences.
#[utoipa::path(get, path = "/establishments/{slug}/applications/{name}/provisioning/drift", operation_id = "list_provisioning_drift",
    tag = "provisioning", params(NamedOf, Drifting), responses((status = 200, body = Listing<Drift>), Refusals))]
pub async fn drift(Here(ctx): Here, Key(name): Key<String>, Query(wanted): Query<Drifting>) -> Result<Json<Listing<Drift>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Drifting { kind, what, exact_name, .. } = wanted;
    let filter = provisioning_drift::Filter { kind: named(kind.as_ref()), what: named(what.as_ref()), name: exact_name };
    Ok(Json(provisioning::drift(&ctx, &name, &page, &filter).await?.into()))
}
