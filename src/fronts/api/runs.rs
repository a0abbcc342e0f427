//! `…/runs`: what each sync read, changed, or is held for.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::answer::Accepted;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{FieldError, Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::Versioned;
use crate::services::sync;
use crate::store::establishment::change::{self, Change, ChangeKind, Operation};
use crate::store::establishment::sync_run::{Filter, Mode, Run, State};
use crate::types::id::RunId;

/// What a list of runs may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the source's name.
    q: Option<String>,
    /// The source's name.
    source: Option<String>,
    /// Exact mode.
    #[param(inline)]
    mode: Option<Mode>,
    /// Exact state.
    #[param(inline)]
    state: Option<State>,
}

/// What a list of changes may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedChanges {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact kind.
    #[param(inline)]
    kind: Option<ChangeKind>,
    /// Exact name.
    name: Option<String>,
    /// Exact operation.
    #[param(inline)]
    operation: Option<Operation>,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/establishments/{slug}/runs", operation_id = "list_runs", tag = "runs", params(Of, Wanted),
    responses((status = 200, body = Listing<Run>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Run>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let filter = Filter { source: wanted.source, mode: named(wanted.mode.as_ref()), state: named(wanted.state.as_ref()) };
    Ok(Json(sync::runs(&ctx, &page, &filter).await?.into()))
}

/// Shows one run.
#[utoipa::path(get, path = "/establishments/{slug}/runs/{id}", operation_id = "show_run", tag = "runs", params(OneOf),
    responses((status = 200, body = Run), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<RunId>) -> Result<Versioned<Run>, Problem> {
    Ok(Versioned(sync::run(&ctx, id).await?))
}

/// Lists what a run changed or would change, by name, in the run's own order.
#[utoipa::path(get, path = "/establishments/{slug}/runs/{id}/changes", operation_id = "list_run_changes", tag = "runs", params(OneOf, WantedChanges),
    responses((status = 200, body = Listing<Change>), Refusals))]
pub async fn changes(Here(ctx): Here, Key(id): Key<RunId>, Query(wanted): Query<WantedChanges>) -> Result<Json<Listing<Change>>, Problem> {
    let page = query::page(wanted.limit, None, wanted.q.as_deref())?;
    // The cursor is the place of the last change read: a number, and nothing else is accepted.
    let after = wanted.cursor.as_deref().map_or(Ok(-1), str::parse::<i64>).map_err(|_| not_ours())?;
    let (kind, operation) = (named(wanted.kind.as_ref()), named(wanted.operation.as_ref()));
    let filter = change::Filter { kind, operation, name: wanted.name, words: page.query };
    let (items, total) = sync::changes(&ctx, id, after, page.limit, &filter).await?;
    let full = i64::try_from(items.len()).is_ok_and(|count| count == page.limit);
    let next_cursor = items.last().filter(|_| full).map(|last| last.seq.to_string());
    Ok(Json(Listing { items, next_cursor, total }))
}

/// Approves a held run: a new one starts, for which what the held one named does not count against the guard.
#[utoipa::path(post, path = "/establishments/{slug}/runs/{id}/approve", operation_id = "approve_run", tag = "runs", params(OneOf),
    responses((status = 202, body = Run), Refusals))]
pub async fn approve(Here(ctx): Here, Key(id): Key<RunId>) -> Result<Accepted<Run>, Problem> {
    let run = sync::approve(&ctx, id).await?;
    Ok(Accepted { location: format!("/api/v1/establishments/{}/runs/{}", ctx.slug(), run.id), body: run })
}

/// Refuses a held run: nothing of it is ever done.
#[utoipa::path(post, path = "/establishments/{slug}/runs/{id}/refuse", operation_id = "refuse_run", tag = "runs", params(OneOf),
    responses((status = 200, body = Run), Refusals))]
pub async fn refuse(Here(ctx): Here, Key(id): Key<RunId>) -> Result<Json<Run>, Problem> {
    Ok(Json(sync::refuse(&ctx, id).await?))
}

/// Takes a run back, as far as nothing touched the same things since; what did is left and named. With `dry_run`, a run of mode `preview`
/// names what would be taken back. Its source runs by itself no more until a person has it run, or enables it again.
#[utoipa::path(post, path = "/establishments/{slug}/runs/{id}/undo", operation_id = "undo_run", tag = "runs", params(OneOf, Trial),
    responses((status = 202, body = Run), Refusals))]
pub async fn undo(Here(ctx): Here, Key(id): Key<RunId>, Query(trial): Query<Trial>) -> Result<Accepted<Run>, Problem> {
    let run = sync::undo(&ctx, id, trial.dry_run).await?;
    Ok(Accepted { location: format!("/api/v1/establishments/{}/runs/{}", ctx.slug(), run.id), body: run })
}

fn not_ours() -> Problem {
    let message = "this cursor was not given by a list: start again without one".to_owned();
    Problem::malformed(message.clone(), vec![FieldError { field: "cursor".to_owned(), message }])
}
