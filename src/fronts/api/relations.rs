//! `…/relations`: who stands in which relation to whom, such as the tutor of an apprentice.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::Versioned;
use crate::services::brought_rows::{Brought, Imported};
use crate::services::relations::{self, NewRelation, RelationRow};
use crate::store::establishment::relation::{Filter, Relation};
use crate::types::id::{RelationId, UserId};

/// What a list of relations may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the kind and in the names of both people.
    q: Option<String>,
    /// Exact kind.
    kind: Option<String>,
    /// The one: the tutor.
    user: Option<UserId>,
    /// The other: the apprentice.
    other: Option<UserId>,
}

/// Lists relations, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/relations", operation_id = "list_relations", tag = "relations", params(Of, Wanted),
    responses((status = 200, body = Listing<Relation>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Relation>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { kind, user, other, .. } = wanted;
    Ok(Json(relations::list(&ctx, &page, &Filter { kind, user, other }).await?.into()))
}

/// Adds a relation.
#[utoipa::path(post, path = "/establishments/{slug}/relations", operation_id = "create_relation", tag = "relations", params(Of),
    request_body = NewRelation, responses((status = 201, body = Relation), Refusals))]
pub async fn create(Here(ctx): Here, Body(new): Body<NewRelation>) -> Result<Created<Relation>, Problem> {
    let made = relations::add(&ctx, &new).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/relations/{}", ctx.slug(), made.id), body: made })
}

/// Shows one relation.
#[utoipa::path(get, path = "/establishments/{slug}/relations/{id}", operation_id = "show_relation", tag = "relations", params(OneOf),
    responses((status = 200, body = Relation), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<RelationId>) -> Result<Versioned<Relation>, Problem> {
    Ok(Versioned(relations::get(&ctx, id).await?))
}

/// Ends a relation.
#[utoipa::path(delete, path = "/establishments/{slug}/relations/{id}", operation_id = "delete_relation", tag = "relations", params(OneOf),
    responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(id): Key<RelationId>) -> Result<StatusCode, Problem> {
    relations::end(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Relations to be added: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationRows {
    /// The rows, at most 10,000.
    #[serde(default)]
    rows: Option<Vec<RelationRow>>,
    /// The text of a spreadsheet with the titles kind, username, other_username, until, reason.
    #[serde(default)]
    csv: Option<String>,
}

/// Adds many relations, and changes end and reason of those there are. Rows that do not fit are named by their line and left out; the others
/// are written together. With `dry_run`, nothing is.
#[utoipa::path(post, path = "/establishments/{slug}/relations/import", operation_id = "import_relations", tag = "relations", params(Of, Trial),
    request_body = RelationRows, responses((status = 200, body = Imported), Refusals))]
pub async fn import(
    Here(ctx): Here,
    Query(trial): Query<Trial>,
    Body(RelationRows { rows, csv }): Body<RelationRows>,
) -> Result<Json<Imported>, Problem> {
    Ok(Json(relations::import(&ctx, Brought::one_of(rows, csv)?, trial.dry_run).await?))
}
