//! `…/sources`: feeds of people and groups, and their runs' beginnings.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use connectors::ldap::CheckStep;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::extract::{Here, Key, NamedOf, Of};
use crate::fronts::http::answer::{Accepted, Created};
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::services::context::Context;
use crate::services::routing;
use crate::services::sources::{self, SourceFields};
use crate::store::establishment::routed_part::RoutedPart;
use crate::store::establishment::source::{Guard, Source, SourceKind};
use crate::store::establishment::sync_run::{Mode, Run};
use crate::types::fold;
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// What a list of sources may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// Exact kind.
    #[param(inline)]
    kind: Option<SourceKind>,
    /// Whether enabled.
    enabled: Option<bool>,
}

/// A source, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// Key.
    id: SourceId,
    /// Its name in addresses and commands.
    name: String,
    /// Protocol.
    kind: SourceKind,
    /// Settings of the connector; the bind password is written and never read back.
    #[schema(value_type = Object)]
    settings: Value,
    /// Whether a bind password is kept.
    has_bind_password: bool,
    /// When it runs by itself: always null in this version.
    #[schema(value_type = Option<Object>)]
    schedule: Option<Value>,
    /// Bounds on what one run may take away.
    guard: Guard,
    /// On the platform: the expression that gives each record its establishments.
    route: Option<String>,
    /// Whether a source of the platform feeds this one: then the settings are there.
    routed: bool,
    /// Whether runs and sign-ins through it are allowed.
    enabled: bool,
    /// When it was added.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl From<&Source> for SourceView {
    fn from(source: &Source) -> Self {
        let Source { id, name, kind, settings, secret_sealed, guard, route, routed_from, enabled, created_at, updated_at, .. } =
            source.clone();
        Self {
            id,
            name,
            kind,
            settings,
            has_bind_password: secret_sealed.is_some(),
            schedule: None,
            guard,
            route,
            routed: routed_from.is_some(),
            enabled,
            created_at,
            updated_at,
        }
    }
}

/// What a check found, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// Whether every step went well.
    ok: bool,
    /// The steps; those after a failed one are not tried.
    steps: Vec<StepView>,
}

/// One step of a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// `dns`, `tcp`, `tls`, `bind`, `base`, `people` or `groups`.
    name: &'static str,
    /// Whether it went well.
    ok: bool,
    /// What was found, or what went wrong.
    detail: String,
    /// What to do when it went wrong.
    advice: Option<&'static str>,
    /// Entries on the first page, for `people` and `groups`.
    count: Option<usize>,
    /// Some of them, as they would arrive.
    #[schema(value_type = Vec<Object>)]
    sample: Value,
}

impl From<CheckStep> for StepView {
    fn from(step: CheckStep) -> Self {
        let sample = serde_json::to_value(&step.sample).unwrap_or_default();
        Self { name: step.name, ok: step.ok, detail: step.detail, advice: step.advice, count: step.count, sample }
    }
}

/// How much a sync reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Everything.
    #[default]
    Full,
    /// What changed since the last run.
    Changes,
}

/// What a sync is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncOrder {
    /// How much it reads.
    #[serde(default)]
    mode: SyncMode,
}

/// Lists sources, by name.
#[utoipa::path(get, path = "/establishments/{slug}/sources", operation_id = "list_sources", tag = "sources", params(Of, Wanted),
    responses((status = 200, body = Listing<SourceView>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<SourceView>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let mut all = sources::list(&ctx).await?;
    all.retain(|source| {
        wanted.name.as_ref().is_none_or(|name| *name == source.name)
            && wanted.kind.is_none_or(|kind| kind == source.kind)
            && wanted.enabled.is_none_or(|enabled| enabled == source.enabled)
            && page.query.as_ref().is_none_or(|words| fold(&source.name).contains(words))
    });
    Ok(Json(Listing::cut(all.iter().map(SourceView::from).collect(), &page, |source| source.id.uuid())?))
}

/// Adds a source.
#[utoipa::path(post, path = "/establishments/{slug}/sources", operation_id = "create_source", tag = "sources", params(Of),
    request_body = SourceFields, responses((status = 201, body = SourceView), Refusals))]
pub async fn create(Here(ctx): Here, Body(fields): Body<SourceFields>) -> Result<Created<SourceView>, Problem> {
    let source = sources::create(&ctx, &fields).await?;
    let location = format!("/api/v1/establishments/{}/sources/{}", ctx.slug(), source.name);
    Ok(Created { location, body: SourceView::from(&source) })
}

/// Shows one source.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}", operation_id = "show_source", tag = "sources", params(NamedOf),
    responses((status = 200, body = SourceView), Refusals))]
pub async fn show(Here(ctx): Here, Key(name): Key<String>) -> Result<Versioned<SourceView>, Problem> {
    Ok(Versioned(SourceView::from(&sources::get(&ctx, &name).await?)))
}

/// Changes a source (RFC 7396). When a server changes, the bind password must be given again.
#[utoipa::path(patch, path = "/establishments/{slug}/sources/{name}", operation_id = "update_source", tag = "sources", params(NamedOf, IfMatch),
    request_body(content = SourceFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = SourceView), Refusals))]
pub async fn update(
    State(api): State<Api>,
    Here(ctx): Here,
    Key(name): Key<String>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Versioned<SourceView>, Problem> {
    let _turn = api.turns.take(ctx.slug()).await;
    let standing = sources::get(&ctx, &name).await?;
    if_match.check(&SourceView::from(&standing))?;
    let fields = patched(&SourceFields::from(&standing), patch)?;
    Ok(Versioned(SourceView::from(&sources::update(&ctx, &name, &fields).await?)))
}

/// Removes a source that nobody came from.
#[utoipa::path(delete, path = "/establishments/{slug}/sources/{name}", operation_id = "delete_source", tag = "sources", params(NamedOf),
    responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(name): Key<String>) -> Result<StatusCode, Problem> {
    sources::delete(&ctx, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a source step by step, with some records as they would arrive. Nothing is written.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/check", operation_id = "check_source", tag = "sources", params(NamedOf),
    responses((status = 200, body = CheckView), Refusals))]
pub async fn check(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<CheckView>, Problem> {
    let steps: Vec<StepView> = sources::check(&ctx, &name).await?.into_iter().map(StepView::from).collect();
    Ok(Json(CheckView { ok: steps.iter().all(|step| step.ok), steps }))
}

/// Starts a run that reads everything, names what it would change, and writes nothing.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/preview", operation_id = "preview_source", tag = "sources",
    params(NamedOf), responses((status = 202, body = Run), Refusals))]
pub async fn preview(Here(ctx): Here, Key(name): Key<String>) -> Result<Accepted<Run>, Problem> {
    Ok(under_way(&ctx, routing::start(&ctx, &name, Mode::Preview).await?))
}

/// Starts a run.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/sync", operation_id = "sync_source", tag = "sources", params(NamedOf),
    request_body = SyncOrder, responses((status = 202, body = Run), Refusals))]
pub async fn sync_now(Here(ctx): Here, Key(name): Key<String>, Body(order): Body<SyncOrder>) -> Result<Accepted<Run>, Problem> {
    let mode = match order.mode {
        SyncMode::Full => Mode::Full,
        SyncMode::Changes => Mode::Changes,
    };
    Ok(under_way(&ctx, routing::start(&ctx, &name, mode).await?))
}

/// What the last run became in each establishment that a source of the platform feeds.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}/establishments", operation_id = "list_routed_parts", tag = "sources",
    params(NamedOf), responses((status = 200, body = Listing<RoutedPart>), Refusals))]
pub async fn parts(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<Listing<RoutedPart>>, Problem> {
    Ok(Json(Listing::whole(routing::parts(&ctx, &name).await?)))
}

fn under_way(ctx: &Context, run: Run) -> Accepted<Run> {
    Accepted { location: format!("/api/v1/establishments/{}/runs/{}", ctx.slug(), run.id), body: run }
}
