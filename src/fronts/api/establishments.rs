//! `/establishments`: the platform's list, and each one for whoever may read in it.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Of, OnPlatform, named};
use crate::fronts::http::answer::{Created, LinkView};
use crate::fronts::http::body::Body;
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::Versioned;
use crate::i18n::text;
use crate::services::establishments::{self, Created as Made, NewEstablishment};
use crate::store::registry::establishment::{Establishment, EstablishmentStatus, Filter};
use crate::types::id::UserId;

/// What a list of establishments may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in name, slug, UAI and locality.
    q: Option<String>,
    /// Exact slug.
    slug: Option<String>,
    /// Exact number.
    number: Option<i64>,
    /// Exact name.
    name: Option<String>,
    /// Exact UAI.
    uai: Option<String>,
    /// Exact zone.
    zone: Option<String>,
    /// Exact locality.
    locality: Option<String>,
    /// Exact status.
    #[param(inline)]
    status: Option<EstablishmentStatus>,
    /// Exact placement.
    placement: Option<String>,
}

/// A new establishment with the link for its first administrator.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedView {
    /// The establishment.
    #[serde(flatten)]
    establishment: Establishment,
    /// Its first administrator, who is pending.
    administrator: AdministratorView,
    /// The contact's address, when the link is mailed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    mailed_to: Option<String>,
    /// The link by which that person chooses a password; shown once, and only when it is not mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<LinkView>,
    /// What to know of a link that is not mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_transmitted: Option<String>,
}

/// The first administrator.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdministratorView {
    /// Key.
    id: UserId,
    /// The name to sign in with.
    username: String,
}

/// Lists establishments, for operators.
#[utoipa::path(get, path = "/establishments", operation_id = "list_establishments", tag = "establishments", params(Wanted),
    responses((status = 200, body = Listing<Establishment>), Refusals))]
pub async fn list(OnPlatform(platform): OnPlatform, Query(wanted): Query<Wanted>) -> Result<Json<Listing<Establishment>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { slug, number, name, uai, zone, locality, status, placement, .. } = wanted;
    let filter = Filter { slug, number, name, uai, zone, locality, status: named(status.as_ref()), placement };
    Ok(Json(establishments::list(&platform, &page, &filter).await?.into()))
}

/// Makes an establishment with a store of its own, and mails its contact the one-time link for the first administrator. Without mail, or with
/// `send_mail` false, the link is in the answer, once. With `dry_run`, shows the establishment that would be made.
#[utoipa::path(post, path = "/establishments", operation_id = "create_establishment", tag = "establishments", params(Trial),
    request_body = NewEstablishment, responses((status = 201, body = CreatedView), (status = 200, body = Establishment), Refusals))]
pub async fn create(
    OnPlatform(platform): OnPlatform,
    Query(trial): Query<Trial>,
    Body(new): Body<NewEstablishment>,
) -> Result<Response, Problem> {
    if trial.dry_run {
        return Ok(Json(establishments::preview(&platform, &new).await?).into_response());
    }
    let made = establishments::create(&platform, &new).await?;
    let location = format!("/api/v1/establishments/{}", made.establishment.slug);
    let administrator = AdministratorView { id: made.administrator.id, username: made.administrator.username.clone() };
    let not_transmitted = made.link.as_ref().map(|_| text(platform.context().locale, "establishment-not-transmitted"));
    let Made { establishment, mailed_to, link, .. } = made;
    let body = CreatedView { establishment, administrator, mailed_to, link: link.map(LinkView::from), not_transmitted };
    Ok(Created { location, body }.into_response())
}

/// Shows one establishment.
#[utoipa::path(get, path = "/establishments/{slug}", operation_id = "show_establishment", tag = "establishments", params(Of),
    responses((status = 200, body = Establishment), Refusals))]
pub async fn show(Here(ctx): Here) -> Result<Versioned<Establishment>, Problem> {
    Ok(Versioned(establishments::show(&ctx)?))
}
