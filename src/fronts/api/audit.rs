//! `…/audit`: the trail, newest first.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Here, Of};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::services::audit;
use crate::store::establishment::audit_event::{AuditEvent, Filter};

/// What the trail may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in actor, action and subject.
    q: Option<String>,
    /// Exact actor, such as `token:…`.
    actor: Option<String>,
    /// Exact action, such as `user.disabled`.
    action: Option<String>,
    /// Exact kind of the thing it was done to.
    subject_kind: Option<String>,
    /// The thing it was done to.
    subject_id: Option<String>,
}

/// Lists who did what, newest first.
#[utoipa::path(get, path = "/establishments/{slug}/audit", operation_id = "list_audit_events", tag = "audit", params(Of, Wanted),
    responses((status = 200, body = Listing<AuditEvent>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<AuditEvent>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { actor, action, subject_kind, subject_id, .. } = wanted;
    Ok(Json(audit::list(&ctx, &page, &Filter { actor, action, subject_kind, subject_id }).await?.into()))
}
