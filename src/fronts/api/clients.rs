//! `…/clients`: relying parties.

use axum::Json;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Here, Key, Of};
use crate::fronts::http::answer::{Created, Secretive};
use crate::fronts::http::body::{Body, patched};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::fronts::http::query::{self, Query};
use crate::fronts::http::version::{IfMatch, Versioned};
use crate::services::clients::{self, ClientFields};
use crate::store::establishment::client::{Client, Filter};
use crate::types::secret::Secret;

/// What a list of clients may be asked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Rows of a page: 1 to 500, 50 when left out.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Words to look for in the name.
    q: Option<String>,
    /// Exact identifier.
    client_id: Option<String>,
    /// Exact name.
    name: Option<String>,
    /// The application's name.
    application: Option<String>,
    /// Whether enabled.
    enabled: Option<bool>,
}

/// Path parameters of one client, for the description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its fields describe parameters")]
pub struct OneClient {
    /// The establishment's slug; `platform` for the platform's own.
    slug: String,
    /// The client's identifier.
    client_id: String,
}

/// A client, with its secret on the one occasion when that is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// The client.
    #[serde(flatten)]
    client: Client,
    /// Its secret; shown when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self { client, client_secret: None }
    }
}

impl ClientView {
    fn with_secret(client: Client, secret: Option<&Secret>) -> Self {
        // This is the one time the secret is shown: to whoever made it.
        Self { client_secret: secret.map(|s| s.expose().to_owned()), ..client.into() }
    }
}

/// Lists clients.
#[utoipa::path(get, path = "/establishments/{slug}/clients", operation_id = "list_clients", tag = "clients", params(Of, Wanted),
    responses((status = 200, body = Listing<ClientView>), Refusals))]
pub async fn list(Here(ctx): Here, Query(wanted): Query<Wanted>) -> Result<Json<Listing<ClientView>>, Problem> {
    let page = query::page(wanted.limit, wanted.cursor.as_deref(), wanted.q.as_deref())?;
    let Wanted { client_id, name, application, enabled, .. } = wanted;
    let filter = Filter { client_id, name, application, enabled };
    Ok(Json(clients::list(&ctx, &page, &filter).await?.map(ClientView::from).into()))
}

/// Registers a client. The secret of a confidential one is in the answer, this once.
#[utoipa::path(post, path = "/establishments/{slug}/clients", operation_id = "create_client", tag = "clients", params(Of),
    request_body = ClientFields, responses((status = 201, body = ClientView), Refusals))]
pub async fn create(Here(ctx): Here, Body(fields): Body<ClientFields>) -> Result<Created<ClientView>, Problem> {
    let (client, secret) = clients::create(&ctx, &fields).await?;
    let location = format!("/api/v1/establishments/{}/clients/{}", ctx.slug(), client.client_id);
    Ok(Created { location, body: ClientView::with_secret(client, secret.as_ref()) })
}

/// Shows one client.
#[utoipa::path(get, path = "/establishments/{slug}/clients/{client_id}", operation_id = "show_client", tag = "clients", params(OneClient),
    responses((status = 200, body = ClientView), Refusals))]
pub async fn show(Here(ctx): Here, Key(id): Key<String>) -> Result<Versioned<ClientView>, Problem> {
    Ok(Versioned(clients::get(&ctx, &id).await?.into()))
}

/// Changes a client (RFC 7396). One that becomes confidential gets a secret, which is in the answer this once.
#[utoipa::path(patch, path = "/establishments/{slug}/clients/{client_id}", operation_id = "update_client", tag = "clients", params(OneClient, IfMatch),
    request_body(content = ClientFields, content_type = "application/merge-patch+json"),
    responses((status = 200, body = ClientView), Refusals))]
pub async fn update(
    Here(ctx): Here,
    Key(id): Key<String>,
    if_match: IfMatch,
    Body(patch): Body<Value>,
) -> Result<Versioned<ClientView>, Problem> {
    let update = async || {
        let standing = ClientView::from(clients::get(&ctx, &id).await?);
        if_match.check(&standing)?;
        let fields = patched(&ClientFields::from(&standing.client), patch.clone())?;
        let (client, secret) = clients::update(&ctx, &standing.client, &fields).await?;
        Ok(Versioned(ClientView::with_secret(client, secret.as_ref())))
    };
    if_match.change(update).await
}

/// Removes a client; what it was given stops working at once.
#[utoipa::path(delete, path = "/establishments/{slug}/clients/{client_id}", operation_id = "delete_client", tag = "clients",
    params(OneClient), responses((status = 204), Refusals))]
pub async fn delete(Here(ctx): Here, Key(id): Key<String>) -> Result<StatusCode, Problem> {
    clients::delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a client another secret, which is in the answer this once. The one before stops working at once.
#[utoipa::path(post, path = "/establishments/{slug}/clients/{client_id}/rotate_secret", operation_id = "rotate_client_secret",
    tag = "clients", params(OneClient), responses((status = 200, body = ClientView), Refusals))]
pub async fn rotate_secret(Here(ctx): Here, Key(id): Key<String>) -> Result<Secretive<ClientView>, Problem> {
    let (client, secret) = clients::rotate_secret(&ctx, &id).await?;
    Ok(Secretive(ClientView::with_secret(client, Some(&secret))))
}
