//! `…/outbox`: letters and notices to applications, those that wait, were sent, or were given up. What they say is never shown.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::services::outbox::{self, Filter, Kind, Outgoing, State};
use crate::types::id::OutboxId;

/// What the outbox may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in recipient and topic.
    q: Option<String>,
    /// Exact kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Exact state: `dead` are those given up.
    #[param(inline)]
    state: Option<State>,
    /// Exact recipient.
    recipient: Option<String>,
    /// Exact topic.
    topic: Option<String>,
    /// What was sent together.
    batch: Option<Uuid>,
}

/// Lists what is to be sent, was sent or was given up, newest first.
#[utoipa::path(get, path = "/establishments/{slug}/outbox", operation_id = "list_outbox", tag = "outbox", params(Of, Wanted),
    responses((status = 200, body = Listing<Outgoing>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Outgoing>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { kind, state, recipient, topic, batch, .. } = wanted;
    let filter = Filter { kind: named(kind.as_ref()), state: named(state.as_ref()), recipient, topic, batch };
    Ok(Json(outbox::list(&ctx, &page, &filter).await?.into()))
}

/// Sends again what was given up. Of a letter whose error says that it may have been delivered, a second copy may arrive.
#[utoipa::path(post, path = "/establishments/{slug}/outbox/{id}/retry", operation_id = "retry_outbox", tag = "outbox", params(OneOf),
    responses((status = 200, body = Outgoing), Refusals))]
pub async fn retry(Here(ctx): Here, Key(id): Key<OutboxId>) -> Result<Json<Outgoing>, Problem> {
    Ok(Json(outbox::retry(&ctx, id).await?))
}
