//! Relying parties (OpenID Connect Dynamic Registration 1.0 §2 names their fields).

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::ApplicationId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// How a client proves itself at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic.
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
    /// Not at all: a public client.
    None,
}

/// Signature algorithm of ID tokens (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "TEXT")]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every client must understand.
    #[serde(rename = "RS256")]
    #[sqlx(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256: twenty times cheaper.
    #[serde(rename = "ES256")]
    #[sqlx(rename = "ES256")]
    Es256,
}

/// Whether PKCE may be left out (confidential clients only).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Pkce {
    /// Always asked for.
    Required,
    /// Checked when used.
    Optional,
}

/// Whether people are asked before a client gets their claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum ConsentPolicy {
    /// Asked once for each set of scopes.
    Ask,
    /// Trusted by the establishment.
    Skip,
}

/// One relying party.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema, sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own in the API")]
pub struct Client {
    /// Key of the row.
    #[serde(skip)]
    pub id: Uuid,
    /// Its identifier in the protocol.
    pub client_id: String,
    /// What people read.
    pub name: String,
    /// The application whose roles it gets, by key.
    #[serde(skip)]
    pub application_id: Option<ApplicationId>,
    /// The application whose roles it gets, by name.
    pub application: Option<String>,
    /// Hash of its secret.
    #[serde(skip)]
    pub secret_hash: Option<Vec<u8>>,
    /// Addresses it may be answered at; compared as exact strings.
    #[sqlx(json)]
    pub redirect_uris: Vec<String>,
    /// Addresses it may be sent to after a sign-out; compared as exact strings.
    #[sqlx(json)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it hears of sign-outs (OpenID Connect Back-Channel Logout 1.0 §2.2).
    pub backchannel_logout_uri: Option<String>,
    /// Whether it must be told which session ended, and not only whose.
    pub backchannel_logout_session_required: bool,
    /// How it proves itself.
    pub token_endpoint_auth_method: AuthMethod,
    /// How its ID tokens are signed.
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// Scopes it may ask for.
    #[sqlx(json)]
    pub scopes: Vec<String>,
    /// Whether PKCE may be left out.
    pub pkce: Pkce,
    /// Whether people are asked.
    pub consent: ConsentPolicy,
    /// Whether claims by scope stand in the ID token too.
    pub claims_in_id_token: bool,
    /// Whether a person without any role is refused.
    pub require_role: bool,
    /// How claims are shaped; empty takes the application's.
    #[sqlx(json)]
    #[schema(value_type = Object)]
    pub claim_shape: serde_json::Value,
    /// Whether it may do anything at all.
    pub enabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a list of clients may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact identifier.
    pub client_id: Option<String>,
    /// Exact name.
    pub name: Option<String>,
    /// The application's name.
    pub application: Option<String>,
    /// Whether enabled.
    pub enabled: Option<bool>,
}

/// One client by its identifier.
pub async fn find(tx: &mut Tx, client_id: &str) -> Result<Option<Client>, Error> {
    const SQL: &str = "SELECT c.id, c.client_id, c.name, c.application_id, a.name AS application, c.secret_hash, c.redirect_uris, \
         c.post_logout_redirect_uris, c.backchannel_logout_uri, c.backchannel_logout_session_required, c.token_endpoint_auth_method, \
         c.id_token_signed_response_alg, c.scopes, c.pkce, c.consent, c.claims_in_id_token, c.require_role, c.claim_shape, c.enabled, c.created_at, c.updated_at \
         FROM clients c LEFT JOIN applications a ON a.id = c.application_id WHERE c.client_id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(client_id).fetch_optional(c).await)?)
}

/// A page of clients, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Client>, Error> {
    const SQL: &str = "SELECT c.id, c.client_id, c.name, c.application_id, a.name AS application, c.secret_hash, c.redirect_uris, \
         c.post_logout_redirect_uris, c.backchannel_logout_uri, c.backchannel_logout_session_required, c.token_endpoint_auth_method, \
         c.id_token_signed_response_alg, c.scopes, c.pkce, c.consent, c.claims_in_id_token, c.require_role, c.claim_shape, c.enabled, c.created_at, c.updated_at \
         FROM clients c LEFT JOIN applications a ON a.id = c.application_id WHERE ($1 IS NULL OR c.id > $1) \
         AND ($2 IS NULL OR c.search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR c.client_id = $3) AND ($4 IS NULL OR c.name = $4) \
         AND ($5 IS NULL OR a.name = $5) AND ($6 IS NULL OR c.enabled = $6) ORDER BY c.id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM clients c LEFT JOIN applications a ON a.id = c.application_id \
         WHERE ($1 IS NULL OR c.search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR c.client_id = $2) AND ($3 IS NULL OR c.name = $3) \
         AND ($4 IS NULL OR a.name = $4) AND ($5 IS NULL OR c.enabled = $5)";
    let query = page.query.as_deref().map(like_part);
    let Filter { client_id, name, application, enabled } = f;
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(client_id).bind(name).bind(application).bind(enabled);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(client_id).bind(name).bind(application).bind(enabled);
        counted.fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |c: &Client| c.id))
}

/// The applications of which a client lets nobody in without a role.
pub async fn applications_requiring_a_role(tx: &mut Tx) -> Result<Vec<ApplicationId>, Error> {
    const SQL: &str = "SELECT DISTINCT application_id FROM clients WHERE require_role AND enabled AND application_id IS NOT NULL";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_all(c).await)?)
}

/// Writes a new client.
///
/// # Errors
/// `Taken` when the identifier is another's.
pub async fn insert(tx: &mut Tx, k: &Client) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO clients (id, client_id, name, application_id, secret_hash, redirect_uris, post_logout_redirect_uris, \
         token_endpoint_auth_method, id_token_signed_response_alg, scopes, pkce, consent, claims_in_id_token, require_role, claim_shape, \
         enabled, created_at, updated_at, search, backchannel_logout_uri, backchannel_logout_session_required) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(k.id).bind(&k.client_id).bind(&k.name).bind(k.application_id).bind(&k.secret_hash);
        let row = row.bind(Json(&k.redirect_uris)).bind(Json(&k.post_logout_redirect_uris)).bind(k.token_endpoint_auth_method);
        let row = row.bind(k.id_token_signed_response_alg).bind(Json(&k.scopes)).bind(k.pkce).bind(k.consent);
        let row = row.bind(k.claims_in_id_token).bind(k.require_role).bind(Json(&k.claim_shape)).bind(k.enabled);
        let row = row.bind(k.created_at).bind(k.updated_at).bind(fold(&format!("{} {}", k.name, k.client_id)));
        row.bind(&k.backchannel_logout_uri).bind(k.backchannel_logout_session_required).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes what may change of a client.
///
/// # Errors
/// `NotFound`.
pub async fn update(tx: &mut Tx, k: &Client) -> Result<(), Error> {
    const SQL: &str = "UPDATE clients SET name = $2, application_id = $3, secret_hash = $4, redirect_uris = $5, \
         post_logout_redirect_uris = $6, token_endpoint_auth_method = $7, id_token_signed_response_alg = $8, scopes = $9, pkce = $10, \
         consent = $11, claims_in_id_token = $12, require_role = $13, claim_shape = $14, enabled = $15, updated_at = $16, search = $17, \
         backchannel_logout_uri = $18, backchannel_logout_session_required = $19 \
         WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(k.id).bind(&k.name).bind(k.application_id).bind(&k.secret_hash).bind(Json(&k.redirect_uris));
        let row = row.bind(Json(&k.post_logout_redirect_uris)).bind(k.token_endpoint_auth_method);
        let row = row.bind(k.id_token_signed_response_alg).bind(Json(&k.scopes)).bind(k.pkce).bind(k.consent);
        let row = row.bind(k.claims_in_id_token).bind(k.require_role).bind(Json(&k.claim_shape)).bind(k.enabled).bind(k.updated_at);
        let row = row.bind(fold(&format!("{} {}", k.name, k.client_id))).bind(&k.backchannel_logout_uri);
        row.bind(k.backchannel_logout_session_required).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("client")) } else { Ok(()) }
}

/// Removes a client. Its grants are to be revoked in the same transaction.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, client_id: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM clients WHERE client_id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(client_id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("client")) } else { Ok(()) }
}
