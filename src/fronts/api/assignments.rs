//! `…/assignments`: who holds which role, and roles given by hand.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::answer::Created;
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::Versioned;
use crate::services::roles;
use crate::services::roles::assignments::{self, NewAssignment};
use crate::store::establishment::application_use::{self, Unused};
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
    let filter = Filter { user, application, role, scope, origin: named(origin.as_ref()), rule };
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

/// Takes away a role that was given by hand. What rules give is changed by the rules.
#[utoipa::path(post, path = "/establishments/{slug}/assignments/{id}/end", operation_id = "end_assignment", tag = "assignments",
    params(OneOf), responses((status = 204), Refusals))]
pub async fn end(Here(ctx): Here, Key(id): Key<AssignmentId>) -> Result<StatusCode, Problem> {
    assignments::end(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a list of unused roles may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedUnused {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the person's names.
    q: Option<String>,
    /// Unused since then; for 180 days when left out.
    since: Option<Timestamp>,
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
}

/// Lists roles given before an instant whose holders have not signed in to the application since.
#[utoipa::path(get, path = "/establishments/{slug}/assignments/unused", operation_id = "list_unused_assignments", tag = "assignments",
    params(Of, WantedUnused), responses((status = 200, body = Listing<Unused>), Refusals))]
pub async fn unused(Here(ctx): Here, Query(wanted): Query<WantedUnused>) -> Result<Json<Listing<Unused>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let WantedUnused { since, user, application, role, scope, origin, .. } = wanted;
    let filter = application_use::Filter { user, application, role, scope, origin: named(origin.as_ref()) };
    Ok(Json(roles::unused::list(&ctx, &page, since, &filter).await?.into()))
}
