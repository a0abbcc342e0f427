//! `/establishments`: the platform's list, and each one for whoever may read in it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::extract::{Here, Key, Of, OnPlatform, named};
use crate::fronts::http::answer::{Created, LinkView, Secretive};
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query, Trial};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::i18n::text;
use crate::services::establishments::{
    self, AccessReset, Administrator, Blocking, Created as Made, EstablishmentFields, NewEstablishment, NewReset,
};
use crate::services::jobs;
use crate::services::logout_notices::Receipt;
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
    Ok(Versioned(establishments::show(&ctx).await?))
}

/// Changes an establishment's fields (RFC 7396), for operators. The slug stays, and another contact changes no administrator.
#[utoipa::path(patch, path = "/establishments/{slug}", operation_id = "update_establishment", tag = "establishments", params(Of, IfMatch),
    request_body(content = EstablishmentFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Establishment), Refusals))]
pub async fn update(Here(ctx): Here, if_match: IfMatch, Body(patch): Body<Value>) -> Result<Versioned<Establishment>, Problem> {
    let edit = async || {
        let standing = establishments::current(&ctx).await?;
        if_match.check(&standing)?;
        let fields = patched(&EstablishmentFields::from(&standing), patch.clone())?;
        Ok(Versioned(establishments::edit(&ctx, &standing, &fields).await?))
    };
    if_match.change(edit).await
}

/// A blocked establishment, and what applications made of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlockedView {
    /// The establishment.
    #[serde(flatten)]
    establishment: Establishment,
    /// The batch, by which the receipt is read again later.
    batch: Uuid,
    /// What each application answered within a few seconds; null once it is forgotten.
    receipt: Option<Receipt>,
}

/// Blocks an establishment, for operators: nobody signs in, its sessions and tokens end at once, its own API tokens open nothing. Applications that
/// listen are told; the receipt says which confirmed, which could not be reached, and which live on until when.
#[utoipa::path(post, path = "/establishments/{slug}/block", operation_id = "block_establishment", tag = "establishments", params(Of),
    responses((status = 200, body = BlockedView), Refusals))]
pub async fn block(Here(ctx): Here) -> Result<Json<BlockedView>, Problem> {
    let Blocking { establishment, batch } = establishments::block(&ctx).await?;
    let receipt = jobs::receipt_at_once(&ctx, batch).await?;
    Ok(Json(BlockedView { establishment, batch, receipt }))
}

/// Path parameters of one receipt, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct OneReceipt {
    /// The establishment's slug; `platform` for the platform's own.
    slug: String,
    /// The batch that the blocking answered.
    batch: Uuid,
}

/// Shows what applications made of a blocking, as far as is known now.
#[utoipa::path(get, path = "/establishments/{slug}/receipts/{batch}", operation_id = "show_receipt", tag = "establishments",
    params(OneReceipt), responses((status = 200, body = Receipt), Refusals))]
pub async fn receipt(Here(ctx): Here, Key(batch): Key<Uuid>) -> Result<Json<Receipt>, Problem> {
    Ok(Json(establishments::receipt(&ctx, batch).await?))
}

/// Lets people of a blocked establishment sign in again, for operators. Sessions and tokens from before stay ended.
#[utoipa::path(post, path = "/establishments/{slug}/unblock", operation_id = "unblock_establishment", tag = "establishments", params(Of),
    responses((status = 200, body = Establishment), Refusals))]
pub async fn unblock(Here(ctx): Here) -> Result<Versioned<Establishment>, Problem> {
    Ok(Versioned(establishments::unblock(&ctx).await?))
}

/// Lists who administers the establishment, by rule or by hand.
#[utoipa::path(get, path = "/establishments/{slug}/administrators", operation_id = "list_administrators", tag = "establishments", params(Of),
    responses((status = 200, body = Listing<Administrator>), Refusals))]
pub async fn administrators(Here(ctx): Here) -> Result<Json<Listing<Administrator>>, Problem> {
    Ok(Json(Listing::whole(establishments::administrators(&ctx).await?)))
}

/// An administrator's new one-time link: mailed, or shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResetView {
    /// Whose password it sets.
    administrator: Administrator,
    /// The contact's address, when the link was mailed there.
    mailed_to: Option<String>,
    /// The link, shown once, when it was not mailed.
    link: Option<LinkView>,
}

impl From<AccessReset> for ResetView {
    fn from(reset: AccessReset) -> Self {
        Self { administrator: reset.administrator, mailed_to: reset.mailed_to, link: reset.link.map(LinkView::from) }
    }
}

/// Gives an administrator's access back, for operators: a one-time link is mailed to the establishment's contact, or shown once when
/// `send_mail` is false.
#[utoipa::path(post, path = "/establishments/{slug}/reset-administrator", operation_id = "reset_administrator", tag = "establishments",
    params(Of), request_body = NewReset, responses((status = 200, body = ResetView), Refusals))]
pub async fn reset_administrator(Here(ctx): Here, Body(wanted): Body<NewReset>) -> Result<Secretive<ResetView>, Problem> {
    Ok(Secretive(establishments::reset_administrator(&ctx, &wanted).await?.into()))
}

/// The word that a deletion asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Confirmation {
    /// The establishment's slug, once more: nothing is deleted without it.
    confirm: Option<String>,
}

/// Deletes an establishment with everyone and everything in it, for operators and for good. Asked for again after a failure, it goes on where it
/// stopped.
#[utoipa::path(delete, path = "/establishments/{slug}", operation_id = "delete_establishment", tag = "establishments",
    params(Of, Confirmation), responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(slug): Key<String>, Query(given): Query<Confirmation>) -> Result<StatusCode, Problem> {
    let platform = establishments::platform_of(&ctx).await?;
    establishments::delete(&platform, &slug, given.confirm.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
