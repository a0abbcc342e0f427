//! `…/users`: people, and what is done to them.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of, OneOf, named};
use crate::fronts::http::answer::{Created, LinkView, Secretive};
use crate::fronts::http::body::{Body, shaped};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::services::explanations::{self, Told};
use crate::services::users::{self, NewUser, Profile, UserPatch};
use crate::store::establishment::link::NamedLink;
use crate::store::establishment::user::{DisabledBy, Filter, User, UserStatus};
use crate::types::id::UserId;
use crate::types::leaving::Afterwards;
use crate::types::time::Timestamp;

/// What a list of people may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in names, user name and address; accents and letter case are passed over.
    q: Option<String>,
    /// Exact user name, in any letter case.
    username: Option<String>,
    /// Exact given name.
    given_name: Option<String>,
    /// Exact family name.
    family_name: Option<String>,
    /// Exact display name.
    display_name: Option<String>,
    /// Exact address.
    email: Option<String>,
    /// Exact language.
    locale: Option<String>,
    /// Exact status.
    #[param(inline)]
    status: Option<UserStatus>,
    /// Who disabled the person.
    #[param(inline)]
    disabled_by: Option<DisabledBy>,
    /// Exact home unit.
    home_unit: Option<String>,
}

/// A person with their entries in sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    /// The person.
    #[serde(flatten)]
    user: User,
    /// Their entries in sources.
    links: Vec<NamedLink>,
    /// From when on their sources no longer keep someone who left them all; a role given by hand keeps them still.
    leaves_on: Option<Timestamp>,
    /// What becomes of them then.
    leaves_then: Option<Afterwards>,
}

impl From<Profile> for UserView {
    fn from(profile: Profile) -> Self {
        let (leaves_on, leaves_then) = profile.departure().unzip();
        Self { user: profile.user, links: profile.links, leaves_on, leaves_then }
    }
}

/// A new person with their one-time link.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewUserView {
    /// The person.
    #[serde(flatten)]
    user: UserView,
    /// The link by which the person chooses a password; shown once.
    link: LinkView,
}

/// A one-time link for a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkOnly {
    /// The link by which the person chooses a password; shown once.
    link: LinkView,
}

/// Lists people.
#[utoipa::path(get, path = "/establishments/{slug}/users", operation_id = "list_users", tag = "users", params(Of, Wanted),
    responses((status = 200, body = Listing<UserView>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<UserView>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, .. } = wanted;
    let (status, disabled_by) = (named(status.as_ref()), named(disabled_by.as_ref()));
    let filter = Filter {
        username,
        email,
        status,
        home_unit,
        given_name,
        family_name,
        display_name,
        locale,
        disabled_by,
        within: None,
        by_name: false,
    };
    Ok(Json(users::profiles(&ctx, &page, &filter).await?.map(UserView::from).into()))
}

/// Makes a person by hand, pending until they choose a password by the one-time link that comes back.
#[utoipa::path(post, path = "/establishments/{slug}/users", operation_id = "create_user", tag = "users", params(Of), request_body = NewUser,
    responses((status = 201, body = NewUserView), Refusals))]
pub async fn create(Here(ctx): Here, Body(new): Body<NewUser>) -> Result<Created<NewUserView>, Problem> {
    let (user, link) = users::create(&ctx, &new).await?;
    let location = format!("/api/v1/establishments/{}/users/{}", ctx.slug(), user.id);
    Ok(Created { location, body: NewUserView { user: Profile { user, links: Vec::new() }.into(), link: link.into() } })
}

/// Shows one person.
#[utoipa::path(get, path = "/establishments/{slug}/users/{id}", operation_id = "show_user", tag = "users", params(OneOf),
    responses((status = 200, body = UserView), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<UserId>) -> Result<Versioned<UserView>, Problem> {
    Ok(Versioned(users::profile(&ctx, id).await?.into()))
}

/// Changes a person's own fields (RFC 7396). What a source states is changed in the source.
#[utoipa::path(patch, path = "/establishments/{slug}/users/{id}", operation_id = "update_user", tag = "users", params(OneOf, IfMatch),
    request_body(content = UserPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, body = UserView), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(id): Key<UserId>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Versioned<UserView>, Problem> {
    let standing = UserView::from(users::profile(&ctx, id).await?);
    if_match.check(&standing)?;
    let read = if_match.is_given().then_some(&standing.user);
    users::update(&ctx, id, read, &shaped(patch)?).await?;
    Ok(Versioned(users::profile(&ctx, id).await?.into()))
}

/// Disables a person: sessions end and grants are revoked at once.
#[utoipa::path(post, path = "/establishments/{slug}/users/{id}/disable", operation_id = "disable_user", tag = "users", params(OneOf),
    responses((status = 200, body = UserView), Refusals))]
pub async fn disable(Here(ctx): Here, Key(id): Key<UserId>) -> Result<Versioned<UserView>, Problem> {
    users::disable(&ctx, id).await?;
    Ok(Versioned(users::profile(&ctx, id).await?.into()))
}

/// Lets a disabled person sign in again, with everything they had.
#[utoipa::path(post, path = "/establishments/{slug}/users/{id}/enable", operation_id = "enable_user", tag = "users", params(OneOf),
    responses((status = 200, body = UserView), Refusals))]
pub async fn enable(Here(ctx): Here, Key(id): Key<UserId>) -> Result<Versioned<UserView>, Problem> {
    users::enable(&ctx, id).await?;
    Ok(Versioned(users::profile(&ctx, id).await?.into()))
}

/// Removes a person for good. Someone whom a source still states would only come back, and is refused.
#[utoipa::path(post, path = "/establishments/{slug}/users/{id}/delete", operation_id = "delete_user", tag = "users", params(OneOf),
    responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(id): Key<UserId>) -> Result<StatusCode, Problem> {
    users::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes another one-time link for someone who has not chosen a password yet.
#[utoipa::path(post, path = "/establishments/{slug}/users/{id}/invite", operation_id = "invite_user", tag = "users", params(OneOf),
    responses((status = 200, body = LinkOnly), Refusals))]
pub async fn invite(Here(ctx): Here, Key(id): Key<UserId>) -> Result<Secretive<LinkOnly>, Problem> {
    Ok(Secretive(LinkOnly { link: users::invite(&ctx, id).await?.into() }))
}

/// Makes a one-time link to choose another password.
#[utoipa::path(post, path = "/establishments/{slug}/users/{id}/reset", operation_id = "reset_user", tag = "users", params(OneOf),
    responses((status = 200, body = LinkOnly), Refusals))]
pub async fn reset(Here(ctx): Here, Key(id): Key<UserId>) -> Result<Secretive<LinkOnly>, Problem> {
    Ok(Secretive(LinkOnly { link: users::reset(&ctx, id).await?.into() }))
}

/// What an explanation may be narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Question {
    /// One application.
    application: Option<String>,
    /// One role.
    role: Option<String>,
    /// One client, by its identifier: then the application is that client's, and each path goes on to the claim that it would get now.
    client: Option<String>,
}

/// Tells why someone holds their roles, and what other rules lack.
#[utoipa::path(get, path = "/establishments/{slug}/users/{id}/explain", operation_id = "explain_user", tag = "users", params(OneOf, Question),
    responses((status = 200, body = Told), Refusals))]
pub async fn explain(Here(ctx): Here, Key(id): Key<UserId>, Query(question): Query<Question>) -> Result<Json<Told>, Problem> {
    let Question { application, role, client } = &question;
    let asked = explanations::Question { application: application.as_deref(), role: role.as_deref(), client: client.as_deref() };
    Ok(Json(explanations::explain(&ctx, id, asked).await?))
}
