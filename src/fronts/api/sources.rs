//! `…/sources`: feeds of people and groups, and their runs' beginnings.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use connectors::{CheckStep, Level, Traced};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, NamedOf, Of};
use crate::fronts::http::answer::{Accepted, Created};
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::{IfMatch, VersionedBy};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::leaving::{self, Fate, Removal};
use crate::services::routing;
use crate::services::schedules::{self, Standing, StandingState};
use crate::services::scim::feeds::{self, FeedStanding};
use crate::services::source_words;
use crate::services::sources::{self, SourceFields};
use crate::services::sync::{self, OneRun};
use crate::store::establishment::routed_part::RoutedPart;
use crate::store::establishment::source::{Guard, Source, SourceKind};
use crate::store::establishment::sync_run::{Mode, Run};
use crate::types::fold;
use crate::types::id::{RunId, SourceId};
use crate::types::leaving::Leaving;
use crate::types::locale::Locale;
use crate::types::matching::Matching;
use crate::types::schedule::Schedule;
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

/// A source as it is configured, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the answer")]
pub struct Configured {
    /// Key.
    id: SourceId,
    /// Its name in addresses and commands.
    name: String,
    /// Protocol.
    kind: SourceKind,
    /// Settings of the connector; a secret among them is written and never read back.
    #[schema(value_type = Object)]
    settings: Value,
    /// Whether a bind password is kept.
    has_bind_password: bool,
    /// Whether a secret is kept: a bind password, a token, or the secret of a client.
    has_secret: bool,
    /// When it runs by itself; never when null.
    schedule: Option<Schedule>,
    /// Bounds on what one run may take away.
    guard: Guard,
    /// On the platform: the expression that gives each record its establishments.
    route: Option<String>,
    /// Whether a source of the platform feeds this one: then the settings are there.
    routed: bool,
    /// What becomes of whoever left it.
    leaving: Leaving,
    /// How its people are found among those whom other sources state, and whose word counts for what.
    matching: Matching,
    /// Whether runs and sign-ins through it are allowed.
    enabled: bool,
    /// When it was added.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
}

impl From<&Source> for Configured {
    fn from(source: &Source) -> Self {
        let Source { id, name, kind, settings, secret_sealed, schedule, guard, leaving, matching, route, .. } = source.clone();
        let Source { routed_from, enabled, created_at, updated_at, .. } = *source;
        Self {
            id,
            name,
            kind,
            settings,
            has_bind_password: secret_sealed.is_some() && kind == SourceKind::Ldap,
            has_secret: secret_sealed.is_some(),
            schedule,
            guard,
            leaving: leaving.unwrap_or_default(),
            matching: matching.unwrap_or_default(),
            route,
            routed: routed_from.is_some(),
            enabled,
            created_at,
            updated_at,
        }
    }
}

/// A source, and how it keeps up.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceView {
    /// As it is configured.
    #[serde(flatten)]
    configured: Configured,
    /// When it next runs by itself.
    next_run_at: Option<Timestamp>,
    /// How its last runs went.
    state: StandingState,
    /// Of a source that is pushed into: where, how much, and when last.
    #[serde(skip_serializing_if = "Option::is_none")]
    feed: Option<FeedStanding>,
}

impl SourceView {
    async fn of(ctx: &Context, source: &Source) -> Result<Self, Problem> {
        let Standing { next_run_at, state } = schedules::standing(ctx, source).await?;
        let feed = feeds::standing(ctx, source).await?;
        Ok(Self { configured: source.into(), next_run_at, state, feed })
    }

    async fn of_all(ctx: &Context, sources: &[Source]) -> Result<Vec<Self>, Problem> {
        let mut views = Vec::with_capacity(sources.len());
        for source in sources {
            views.push(Self::of(ctx, source).await?);
        }
        Ok(views)
    }

    /// With an entity tag of what is configured: how it goes changes by itself.
    async fn versioned(ctx: &Context, source: &Source) -> Result<VersionedBy<Configured, Self>, Problem> {
        Ok(VersionedBy(source.into(), Self::of(ctx, source).await?))
    }
}

/// What a check found, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// Whether the source can be read: no step failed.
    ok: bool,
    /// The steps; those after a failed one are not tried.
    steps: Vec<StepView>,
}

/// One step of a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepView {
    /// `dns`, `tcp`, `tls`, `bind`, `server`, `base`, `people`, `groups`, `paging`, `ranges`, `nesting`, `clock` or `changes`; of a SCIM
    /// service `service` too.
    name: &'static str,
    /// Whether it did not fail.
    ok: bool,
    /// `ok`, `warning` or `failed`.
    #[schema(value_type = String)]
    level: Level,
    /// What was found: a word for scripts.
    code: &'static str,
    /// What the code is about, by name.
    facts: BTreeMap<&'static str, String>,
    /// What was found, or what went wrong.
    detail: String,
    /// What to do, unless all is well.
    advice: Option<String>,
    /// Entries that match, for `people` and `groups`.
    count: Option<usize>,
    /// Some of them, as they would arrive; of people with `trace`, the way each field came.
    #[schema(value_type = Vec<Object>)]
    sample: Value,
}

impl From<CheckStep> for StepView {
    fn from(step: CheckStep) -> Self {
        let (detail, advice) = (source_words::detail(&step, Locale::En), source_words::advice(&step, Locale::En));
        let sample = serde_json::to_value(&step.sample).unwrap_or_default();
        let CheckStep { name, level, code, facts, count, .. } = step;
        Self { name, ok: level != Level::Failed, level, code, facts: facts.into_iter().collect(), detail, advice, count, sample }
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
    /// The DN of one entry, or the `id` of one SCIM resource: it alone is read and applied, as a run of changes, and the answer waits for its end.
    only: Option<String>,
}

/// A run that was started.
#[derive(Debug, Serialize, ToSchema)]
pub struct Started {
    #[serde(flatten)]
    run: Run,
    /// With `only`: where each field of the person came from (`field`, `from`, `values`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    trace: Option<Vec<Traced>>,
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
    Ok(Json(Listing::cut(SourceView::of_all(&ctx, &all).await?, &page, |source| source.configured.id.uuid())?))
}

/// Adds a source.
#[utoipa::path(post, path = "/establishments/{slug}/sources", operation_id = "create_source", tag = "sources", params(Of),
    request_body = SourceFields, responses((status = 201, body = SourceView), Refusals))]
pub async fn create(Here(ctx): Here, Body(fields): Body<SourceFields>) -> Result<Created<SourceView>, Problem> {
    let source = sources::create(&ctx, &fields).await?;
    let location = format!("/api/v1/establishments/{}/sources/{}", ctx.slug(), source.name);
    Ok(Created { location, body: SourceView::of(&ctx, &source).await? })
}

/// Shows one source.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}", operation_id = "show_source", tag = "sources", params(NamedOf),
    responses((status = 200, body = SourceView), Refusals))]
pub async fn show(Here(ctx): Here, Key(name): Key<String>) -> Result<VersionedBy<Configured, SourceView>, Problem> {
    SourceView::versioned(&ctx, &sources::get(&ctx, &name).await?).await
}

/// Changes a source (RFC 7396). When a server changes, the bind password must be given again. With `dry_run`, a run of mode `preview` reads
/// the source as it would be, names what that would change, and nothing is kept of the fields.
#[utoipa::path(patch, path = "/establishments/{slug}/sources/{name}", operation_id = "update_source", tag = "sources",
    params(NamedOf, Trial, IfMatch), request_body(content = SourceFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = SourceView), (status = 202, body = Run), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(name): Key<String>,
    Query(trial): Query<Trial>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Response, Problem> {
    if trial.dry_run {
        let standing = sources::get(&ctx, &name).await?;
        if_match.check(&Configured::from(&standing))?;
        let fields = patched(&SourceFields::from(&standing), patch)?;
        let run = sync::preview_with(&ctx, &name, &fields).await?;
        return Ok(under_way(&ctx, run.id, run).into_response());
    }
    let update = async || {
        let standing = sources::get(&ctx, &name).await?;
        if_match.check(&Configured::from(&standing))?;
        let fields = patched(&SourceFields::from(&standing), patch.clone())?;
        SourceView::versioned(&ctx, &sources::update(&ctx, &standing, &fields).await?).await
    };
    Ok(if_match.change(update).await?.into_response())
}

/// Has a source that was left alone, after failures or after an undo, run by itself again.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/resume", operation_id = "resume_source", tag = "sources", params(NamedOf),
    responses((status = 200, body = SourceView), Refusals))]
pub async fn resume(Here(ctx): Here, Key(name): Key<String>) -> Result<VersionedBy<Configured, SourceView>, Problem> {
    SourceView::versioned(&ctx, &sources::resume(&ctx, &name).await?).await
}

/// How a source is removed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Farewell {
    /// What becomes of the people who came from it. Left out, only a source that nobody came from is removed.
    #[param(inline)]
    people: Option<Fate>,
    /// The source's name, to confirm that people are removed for good.
    confirm: Option<String>,
    /// Counts what would happen, and writes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Removes a source: one that nobody came from, with 204; or with `people`, one with all that came from it, and tells what became of them.
#[utoipa::path(delete, path = "/establishments/{slug}/sources/{name}", operation_id = "delete_source", tag = "sources",
    params(NamedOf, Farewell), responses((status = 204), (status = 200, body = Removal), Refusals))]
pub async fn delete(Here(ctx): Here, Key(name): Key<String>, Query(farewell): Query<Farewell>) -> Result<Response, Problem> {
    let Farewell { people: Some(fate), confirm, dry_run } = farewell else {
        if farewell.dry_run {
            return Ok(Json(leaving::remove(&ctx, &name, Fate::Keep, None, true).await?).into_response());
        }
        sources::delete(&ctx, &name).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    // Whoever hangs up does not leave it half done.
    let work = tokio::spawn(async move { leaving::remove(&ctx, &name, fate, confirm.as_deref(), dry_run).await });
    let removal = work.await.map_err(|ended| Error::Internal(format!("a removal broke off: {ended}")))??;
    Ok(Json(removal).into_response())
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
    let run = routing::start(&ctx, &name, Mode::Preview).await?;
    Ok(under_way(&ctx, run.id, run))
}

/// Starts a run; of one entry alone, it is carried out at once.
#[utoipa::path(post, path = "/establishments/{slug}/sources/{name}/sync", operation_id = "sync_source", tag = "sources", params(NamedOf),
    request_body = SyncOrder, responses((status = 202, body = Started), Refusals))]
pub async fn sync_now(Here(ctx): Here, Key(name): Key<String>, Body(order): Body<SyncOrder>) -> Result<Accepted<Started>, Problem> {
    if let Some(dn) = &order.only {
        let OneRun { run, trace } = sync::run_one(&ctx, &name, dn).await?;
        return Ok(under_way(&ctx, run.id, Started { run, trace: Some(trace) }));
    }
    let mode = match order.mode {
        SyncMode::Full => Mode::Full,
        SyncMode::Changes => Mode::Changes,
    };
    let run = routing::start(&ctx, &name, mode).await?;
    Ok(under_way(&ctx, run.id, Started { run, trace: None }))
}

/// What the last run became in each establishment that a source of the platform feeds.
#[utoipa::path(get, path = "/establishments/{slug}/sources/{name}/establishments", operation_id = "list_routed_parts", tag = "sources",
    params(NamedOf), responses((status = 200, body = Listing<RoutedPart>), Refusals))]
pub async fn parts(Here(ctx): Here, Key(name): Key<String>) -> Result<Json<Listing<RoutedPart>>, Problem> {
    Ok(Json(Listing::whole(routing::parts(&ctx, &name).await?)))
}

fn under_way<T>(ctx: &Context, id: RunId, body: T) -> Accepted<T> {
    Accepted { location: format!("/api/v1/establishments/{}/runs/{id}", ctx.slug()), body }
}
