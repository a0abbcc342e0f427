//! `/establishments/bulk`: acts on many chosen establishments, each a run whose progress is read afterwards; and the same acts on one that no
//! other resource has, its figures and a letter to it.

use axum::Json;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::extract::{Here, Key, Of, OnPlatform};
use crate::fronts::http::answer::Accepted;
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::services::bulk::{self, Act, Choice, ChosenFilter, Closing, Letters, NewLetter, To};
use crate::services::context::PlatformContext;
use crate::services::statistics::{self, Statistics};
use crate::store::establishment::bulk_item::{BulkItem, ItemOutcome};
use crate::store::establishment::bulk_run::{BulkRun, Verb};
use crate::types::id::BulkRunId;

/// A letter to chosen establishments.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkLetter {
    /// These establishments.
    slugs: Option<Vec<String>>,
    /// All establishments.
    #[serde(default)]
    all: bool,
    /// Those that a filter lets through.
    filter: Option<ChosenFilter>,
    /// To whom in each; the contact when left out.
    #[serde(default)]
    to: To,
    /// The subject, on one line.
    subject: String,
    /// The text.
    body: String,
}

/// Archives of chosen establishments.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkExport {
    /// These establishments.
    slugs: Option<Vec<String>>,
    /// All establishments.
    #[serde(default)]
    all: bool,
    /// Those that a filter lets through.
    filter: Option<ChosenFilter>,
    /// The public key of age that closes the archives; that of the configuration when left out.
    #[serde(default)]
    recipient: String,
}

/// The end of chosen establishments.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkDeletion {
    /// These establishments.
    slugs: Option<Vec<String>>,
    /// All establishments.
    #[serde(default)]
    all: bool,
    /// Those that a filter lets through.
    filter: Option<ChosenFilter>,
    /// `delete` and how many establishments are meant, for instance `delete 3`: nothing is deleted without it.
    confirm: Option<String>,
    /// Whether each one is archived first, into the folder of the configuration; one whose archive fails stays.
    #[serde(default)]
    archive: bool,
    /// The public key of age that closes those archives; that of the configuration when left out.
    #[serde(default)]
    recipient: String,
}

async fn started(platform: &PlatformContext, choice: &Choice, act: Act) -> Result<Accepted<BulkRun>, Problem> {
    let run = bulk::start(platform, choice, act).await?;
    Ok(Accepted { location: format!("/api/v1/establishments/bulk/{}", run.id), body: run })
}

/// Writes a letter to many establishments, through the outbox of each. With `dry_run`, the items tell to whom it would go. Those that have no
/// address are listed as failed.
#[utoipa::path(post, path = "/establishments/bulk/mail", operation_id = "bulk_mail", tag = "bulk", params(Trial), request_body = BulkLetter,
    responses((status = 202, body = BulkRun), Refusals))]
pub async fn mail(
    OnPlatform(platform): OnPlatform,
    Query(trial): Query<Trial>,
    Body(wanted): Body<BulkLetter>,
) -> Result<Accepted<BulkRun>, Problem> {
    let BulkLetter { slugs, all, filter, to, subject, body } = wanted;
    let act = Act::Mail { letter: NewLetter { to, subject, body }, dry_run: trial.dry_run };
    started(&platform, &Choice { slugs, all, filter }, act).await
}

/// Counts many establishments; the run's sums are over all of them.
#[utoipa::path(post, path = "/establishments/bulk/stats", operation_id = "bulk_stats", tag = "bulk", request_body = Choice,
    responses((status = 202, body = BulkRun), Refusals))]
pub async fn stats(OnPlatform(platform): OnPlatform, Body(choice): Body<Choice>) -> Result<Accepted<BulkRun>, Problem> {
    started(&platform, &choice, Act::Stats).await
}

/// Archives many establishments, each into a file of its own in the folder of the configuration.
#[utoipa::path(post, path = "/establishments/bulk/export", operation_id = "bulk_export", tag = "bulk", request_body = BulkExport,
    responses((status = 202, body = BulkRun), Refusals))]
pub async fn export(OnPlatform(platform): OnPlatform, Body(wanted): Body<BulkExport>) -> Result<Accepted<BulkRun>, Problem> {
    let BulkExport { slugs, all, filter, recipient } = wanted;
    started(&platform, &Choice { slugs, all, filter }, Act::Export(Closing { recipient, folder: None })).await
}

/// Blocks many establishments. Each item has the batch by which its receipt is read.
#[utoipa::path(post, path = "/establishments/bulk/block", operation_id = "bulk_block", tag = "bulk", request_body = Choice,
    responses((status = 202, body = BulkRun), Refusals))]
pub async fn block(OnPlatform(platform): OnPlatform, Body(choice): Body<Choice>) -> Result<Accepted<BulkRun>, Problem> {
    started(&platform, &choice, Act::Block).await
}

/// Lets people of many blocked establishments sign in again.
#[utoipa::path(post, path = "/establishments/bulk/unblock", operation_id = "bulk_unblock", tag = "bulk", request_body = Choice,
    responses((status = 202, body = BulkRun), Refusals))]
pub async fn unblock(OnPlatform(platform): OnPlatform, Body(choice): Body<Choice>) -> Result<Accepted<BulkRun>, Problem> {
    started(&platform, &choice, Act::Unblock).await
}

/// Deletes many establishments with everyone and everything in them, for good.
#[utoipa::path(post, path = "/establishments/bulk/delete", operation_id = "bulk_delete", tag = "bulk", request_body = BulkDeletion,
    responses((status = 202, body = BulkRun), Refusals))]
pub async fn delete(OnPlatform(platform): OnPlatform, Body(wanted): Body<BulkDeletion>) -> Result<Accepted<BulkRun>, Problem> {
    let BulkDeletion { slugs, all, filter, confirm, archive, recipient } = wanted;
    let archive = archive.then_some(Closing { recipient, folder: None });
    started(&platform, &Choice { slugs, all, filter }, Act::Delete { confirm, archive }).await
}

/// What a list of runs may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Runs {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the verb and who asked.
    q: Option<String>,
    /// Exact verb.
    #[param(inline)]
    verb: Option<Verb>,
}

/// Lists acts on many establishments, newest first.
#[utoipa::path(get, path = "/establishments/bulk", operation_id = "list_bulk_runs", tag = "bulk", params(Runs),
    responses((status = 200, body = Listing<BulkRun>), Refusals))]
pub async fn list(OnPlatform(platform): OnPlatform, Query(wanted): Query<Runs>) -> Result<Json<Listing<BulkRun>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    Ok(Json(bulk::list(&platform, &page, wanted.verb).await?.into()))
}

/// Path parameters of one run, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct OneRun {
    /// The run's identifier.
    id: Uuid,
}

/// Shows how far an act on many establishments came.
#[utoipa::path(get, path = "/establishments/bulk/{id}", operation_id = "show_bulk_run", tag = "bulk", params(OneRun),
    responses((status = 200, body = BulkRun), Refusals))]
pub async fn show(OnPlatform(platform): OnPlatform, Key(id): Key<BulkRunId>) -> Result<Json<BulkRun>, Problem> {
    Ok(Json(bulk::show(&platform, id).await?))
}

/// What a list of a run's establishments may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Items {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the slug.
    q: Option<String>,
    /// Exact outcome.
    #[param(inline)]
    outcome: Option<ItemOutcome>,
}

/// Lists a run's establishments and how each fared, in the order in which they were chosen.
#[utoipa::path(get, path = "/establishments/bulk/{id}/items", operation_id = "list_bulk_items", tag = "bulk", params(OneRun, Items),
    responses((status = 200, body = Listing<BulkItem>), Refusals))]
pub async fn items(
    OnPlatform(platform): OnPlatform,
    Key(id): Key<BulkRunId>,
    Query(wanted): Query<Items>,
) -> Result<Json<Listing<BulkItem>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    Ok(Json(bulk::items(&platform, id, &page, wanted.outcome).await?.into()))
}

/// Writes a letter to one establishment, for operators. With `dry_run`, tells to whom it would go.
#[utoipa::path(post, path = "/establishments/{slug}/mail", operation_id = "mail_establishment", tag = "establishments", params(Of, Trial),
    request_body = NewLetter, responses((status = 200, body = Letters), Refusals))]
pub async fn write_one(Here(ctx): Here, Query(trial): Query<Trial>, Body(new): Body<NewLetter>) -> Result<Json<Letters>, Problem> {
    Ok(Json(bulk::write(&ctx, &new, Uuid::now_v7(), trial.dry_run).await?))
}

/// Counts one establishment, for operators.
#[utoipa::path(post, path = "/establishments/{slug}/stats", operation_id = "count_establishment", tag = "establishments", params(Of),
    responses((status = 200, body = Statistics), Refusals))]
pub async fn count_one(Here(ctx): Here) -> Result<Json<Statistics>, Problem> {
    Ok(Json(statistics::count(&ctx).await?))
}
