//! `…/assignments`: who holds which role, and roles given by hand.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::services::brought_rows::{Brought, Imported};
use crate::services::roles::assignments::{self, AssignmentFields, NewAssignment};
use crate::services::roles::{self, AssignmentRow};
use crate::store::establishment::assignment::{Assignment, Filter, Origin};
use crate::store::establishment::ended_assignment::{Compared, Span, Way};
use crate::types::id::{AssignmentId, RuleId, UserId};
use crate::types::time::Timestamp;

/// Seconds of a day.
const DAY_S: i64 = 24 * 3600;

/// What a list of assignments may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in application, role and scope.
    q: Option<String>,
    /// The person.
    user: Option<UserId>,
    /// The application's name.
    application: Option<String>,
    /// Exact role.
    role: Option<String>,
    /// Exact scope.
    scope: Option<String>,
    /// Where they come from.
    #[param(inline)]
    origin: Option<Origin>,
    /// The rule.
    rule: Option<RuleId>,
}

/// Lists assignments of every origin, oldest first.
#[utoipa::path(get, path = "/establishments/{slug}/assignments", operation_id = "list_assignments", tag = "assignments", params(Of, Wanted),
    responses((status = 200, body = Listing<Assignment>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Assignment>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { user, application, role, scope, origin, rule, .. } = wanted;
    let filter = Filter { user, application, role, scope, origin: named(origin.as_ref()), rule, within: None };
    Ok(Json(assignments::list(&ctx, &page, &filter).await?.into()))
}

/// Two dates to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Dates {
    /// The earlier instant; a day before the later one when left out.
    from: Option<Timestamp>,
    /// The later instant; now when left out.
    to: Option<Timestamp>,
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// The person.
    user: Option<UserId>,
    /// The application's name.
    application: Option<String>,
    /// Exact role.
    role: Option<String>,
    /// Only what was gained, or only what was lost.
    #[param(inline)]
    change: Option<Way>,
}

/// Compares two dates: who gained and who lost what between them, by name.
#[utoipa::path(get, path = "/establishments/{slug}/assignments/compare", operation_id = "compare_assignments", tag = "assignments",
    params(Of, Dates), responses((status = 200, body = Listing<Compared>), Refusals))]
pub async fn compare(Here(ctx): Here, Query(dates): Query<Dates>) -> Result<Json<Listing<Compared>>, Problem> {
    let page = query::page(dates.limit, None, None)?;
    let place = query::place(dates.cursor.as_deref())?;
    let Dates { from, to, user, application, role, change, .. } = dates;
    let to = to.unwrap_or(ctx.now);
    let span = Span { from: from.unwrap_or(to.plus_s(-DAY_S)), to, application, user, role, change };
    let (items, total) = roles::compare(&ctx, &span, place, page.limit).await?;
    let next = place + page.limit;
    Ok(Json(Listing { items, next_cursor: (next < total).then(|| next.to_string()), total }))
}

/// Gives a role by hand.
#[utoipa::path(post, path = "/establishments/{slug}/assignments", operation_id = "create_assignment", tag = "assignments", params(Of),
    request_body = NewAssignment, responses((status = 201, body = Assignment), Refusals))]
pub async fn create(Here(ctx): Here, Body(new): Body<NewAssignment>) -> Result<Created<Assignment>, Problem> {
    let made = assignments::add(&ctx, &new).await?;
    Ok(Created { location: format!("/api/v1/establishments/{}/assignments/{}", ctx.slug(), made.id), body: made })
}

/// Shows one assignment.
#[utoipa::path(get, path = "/establishments/{slug}/assignments/{id}", operation_id = "show_assignment", tag = "assignments", params(OneOf),
    responses((status = 200, body = Assignment), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<AssignmentId>) -> Result<Versioned<Assignment>, Problem> {
    Ok(Versioned(assignments::get(&ctx, id).await?))
}

/// Changes the end or the reason of a role that was given by hand (RFC 7396).
#[utoipa::path(patch, path = "/establishments/{slug}/assignments/{id}", operation_id = "update_assignment", tag = "assignments",
    params(OneOf, IfMatch), request_body(content = AssignmentFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Assignment), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(id): Key<AssignmentId>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Versioned<Assignment>, Problem> {
    let update = async || {
        let standing = assignments::get(&ctx, id).await?;
        if_match.check(&standing)?;
        let fields = patched(&AssignmentFields::from(&standing), patch.clone())?;
        Ok(Versioned(assignments::edit(&ctx, &standing, &fields).await?))
    };
    if_match.change(update).await
}

/// Rows to be given by hand: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRows {
    /// The rows, at most 10,000.
    #[serde(default)]
    rows: Option<Vec<AssignmentRow>>,
    /// The text of a spreadsheet with the titles username, application, role, scope, until, reason.
    #[serde(default)]
    csv: Option<String>,
}

/// Gives many roles by hand, and changes end and reason of those given before. Rows that do not fit are named by their line and left out; the
/// others are written together. With `dry_run`, nothing is.
#[utoipa::path(post, path = "/establishments/{slug}/assignments/import", operation_id = "import_assignments", tag = "assignments",
    params(Of, Trial), request_body = AssignmentRows, responses((status = 200, body = Imported), Refusals))]
pub async fn import(
    Here(ctx): Here,
    Query(trial): Query<Trial>,
    Body(AssignmentRows { rows, csv }): Body<AssignmentRows>,
) -> Result<Json<Imported>, Problem> {
    Ok(Json(roles::import(&ctx, Brought::one_of(rows, csv)?, trial.dry_run).await?))
}

/// Takes away a role that was given by hand. What rules give is changed by the rules.
#[utoipa::path(post, path = "/establishments/{slug}/assignments/{id}/end", operation_id = "end_assignment", tag = "assignments",
    params(OneOf), responses((status = 204), Refusals))]
pub async fn end(Here(ctx): Here, Key(id): Key<AssignmentId>) -> Result<StatusCode, Problem> {
    assignments::end(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
