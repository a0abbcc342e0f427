//! `…/assignments/unused` and `…/users/unused`: roles and accounts that nobody uses.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Here, Of, named};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::services::roles::unused;
use crate::store::establishment::application_use::{self, Unused, UnusedAccount};
use crate::store::establishment::assignment::Origin;
use crate::types::id::UserId;
use crate::types::time::Timestamp;

/// What a list of unused roles may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedRoles {
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
    params(Of, WantedRoles), responses((status = 200, body = Listing<Unused>), Refusals))]
pub async fn roles(Here(ctx): Here, Query(wanted): Query<WantedRoles>) -> Result<Json<Listing<Unused>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let WantedRoles { since, user, application, role, scope, origin, .. } = wanted;
    let filter = application_use::Filter { user, application, role, scope, origin: named(origin.as_ref()) };
    Ok(Json(unused::list(&ctx, &page, since, &filter).await?.into()))
}

/// What a list of unused accounts may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedAccounts {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the person's names.
    q: Option<String>,
    /// Unused since then; for 180 days when left out.
    since: Option<Timestamp>,
}

/// Lists people who may sign in, were added before an instant and have not signed in since.
#[utoipa::path(get, path = "/establishments/{slug}/users/unused", operation_id = "list_unused_users", tag = "users",
    params(Of, WantedAccounts), responses((status = 200, body = Listing<UnusedAccount>), Refusals))]
pub async fn accounts(Here(ctx): Here, Query(wanted): Query<WantedAccounts>) -> Result<Json<Listing<UnusedAccount>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    Ok(Json(unused::list_accounts(&ctx, &page, wanted.since).await?.into()))
}
