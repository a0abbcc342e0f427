//! Clients, the relying parties of an establishment: registered, changed, removed. What they may do is decided by `oidc`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit;
use super::context::Context;
use super::error::Error;
use super::oidc::claim_shape::ClaimShape;
use super::oidc::discovery::SCOPES;
use super::oidc::redirect_uri::registrable_redirect_uri;
use crate::store::Tx;
use crate::store::establishment::client::{self, AuthMethod, Client, ConsentPolicy, Filter, Pkce, SigningAlgorithm};
use crate::store::establishment::{application, grant};
use crate::types::Invalid;
use crate::types::id::ApplicationId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::secret::{Secret, TokenHash};

/// Longest name of a client, in characters.
const NAME_LENGTH_MAX: usize = 200;
/// Longest identifier of a client, in characters.
const CLIENT_ID_LENGTH_MAX: usize = 100;
/// Most addresses of one kind that a client registers.
const URIS_MAX: usize = 50;
/// What a client's secret starts with, for scanners of leaked secrets.
const SECRET_PREFIX: &str = "psc_";
/// The scope with which a client acts in the admin API for the person signed in.
pub const ADMIN_SCOPE: &str = "passerelle:admin";

/// What is said of a client when it is registered or changed (OpenID Connect Dynamic Registration 1.0 §2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of its own in the API")]
#[serde(deny_unknown_fields)]
pub struct ClientFields {
    /// Its identifier in the protocol; made when left out, and never changed.
    #[serde(default)]
    pub client_id: Option<String>,
    /// What people read.
    pub name: String,
    /// The application whose roles it gets.
    #[serde(default)]
    pub application: Option<String>,
    /// Addresses it may be answered at; compared as exact strings.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Addresses it may be sent to after a sign-out; compared as exact strings.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it hears of sign-outs (OpenID Connect Back-Channel Logout 1.0 §2.2): https, at an address that is not private.
    #[serde(default)]
    pub backchannel_logout_uri: Option<String>,
    /// Whether it must be told which session ended, and not only whose.
    #[serde(default)]
    pub backchannel_logout_session_required: bool,
    /// How it proves itself.
    #[serde(default = "client_secret_basic")]
    pub token_endpoint_auth_method: AuthMethod,
    /// How its ID tokens are signed.
    #[serde(default = "rs256")]
    pub id_token_signed_response_alg: SigningAlgorithm,
    /// Scopes it may ask for.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Whether PKCE may be left out; confidential clients only.
    #[serde(default = "required")]
    pub pkce: Pkce,
    /// Whether people are asked.
    #[serde(default = "ask")]
    pub consent: ConsentPolicy,
    /// Whether claims by scope stand in the ID token too.
    #[serde(default)]
    pub claims_in_id_token: bool,
    /// Whether a person without any role is refused.
    #[serde(default)]
    pub require_role: bool,
    /// How claims are shaped, over the application's shape.
    #[serde(default = "no_shape")]
    #[schema(value_type = Object)]
    pub claim_shape: Value,
    /// Whether it may do anything at all.
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn client_secret_basic() -> AuthMethod {
    AuthMethod::ClientSecretBasic
}
const fn rs256() -> SigningAlgorithm {
    SigningAlgorithm::Rs256
}
const fn required() -> Pkce {
    Pkce::Required
}
const fn ask() -> ConsentPolicy {
    ConsentPolicy::Ask
}
const fn yes() -> bool {
    true
}
fn no_shape() -> Value {
    json!({})
}
fn usual_scopes() -> Vec<String> {
    SCOPES.map(str::to_owned).to_vec()
}

impl From<&Client> for ClientFields {
    fn from(k: &Client) -> Self {
        Self {
            client_id: Some(k.client_id.clone()),
            name: k.name.clone(),
            application: k.application.clone(),
            redirect_uris: k.redirect_uris.clone(),
            post_logout_redirect_uris: k.post_logout_redirect_uris.clone(),
            backchannel_logout_uri: k.backchannel_logout_uri.clone(),
            backchannel_logout_session_required: k.backchannel_logout_session_required,
            token_endpoint_auth_method: k.token_endpoint_auth_method,
            id_token_signed_response_alg: k.id_token_signed_response_alg,
            scopes: k.scopes.clone(),
            pkce: k.pkce,
            consent: k.consent,
            claims_in_id_token: k.claims_in_id_token,
            require_role: k.require_role,
            claim_shape: k.claim_shape.clone(),
            enabled: k.enabled,
        }
    }
}

/// A page of clients, oldest first.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Client>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(client::list(&mut tx, page, filter).await?)
}

/// One client by its identifier.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, client_id: &str) -> Result<Client, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    find_in(&mut tx, client_id).await
}

async fn find_in(tx: &mut Tx, client_id: &str) -> Result<Client, Error> {
    client::find(tx, client_id).await?.ok_or_else(|| Error::not_found(format!("client «{client_id}»")))
}

/// Registers a client. A confidential one gets a secret, which comes back once.
///
/// # Errors
/// `Invalid` with every field that does not fit; `Conflict` when the identifier is taken.
pub async fn create(ctx: &Context, fields: &ClientFields) -> Result<(Client, Option<Secret>), Error> {
    ctx.require(Permission::ManageClients)?;
    check(ctx, fields)?;
    let mut tx = ctx.store.begin().await?;
    let application_id = application_in(&mut tx, fields).await?;
    let confidential = fields.token_endpoint_auth_method != AuthMethod::None;
    let secret = confidential.then(|| Secret::random(SECRET_PREFIX));
    let id = Uuid::now_v7();
    let mut made = Client {
        id,
        client_id: fields.client_id.clone().unwrap_or_else(|| id.to_string()),
        name: String::new(),
        application_id: None,
        application: None,
        secret_hash: secret.as_ref().map(|s| s.hash().as_bytes().to_vec()),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        backchannel_logout_session_required: false,
        token_endpoint_auth_method: fields.token_endpoint_auth_method,
        id_token_signed_response_alg: fields.id_token_signed_response_alg,
        scopes: Vec::new(),
        pkce: fields.pkce,
        consent: fields.consent,
        claims_in_id_token: fields.claims_in_id_token,
        require_role: fields.require_role,
        claim_shape: Value::Null,
        enabled: fields.enabled,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    write(&mut made, fields, application_id);
    client::insert(&mut tx, &made).await.map_err(|e| match e {
        crate::store::Error::Taken(_) => Error::Conflict(format!("the client_id «{}» is taken: choose another", made.client_id)),
        other => other.into(),
    })?;
    record(&mut tx, ctx, "client.created", &made).await?;
    tx.commit().await?;
    Ok((made, secret))
}

/// Changes a client. When it becomes confidential it gets a secret, which comes back once. One that is disabled loses its grants at once.
///
/// # Errors
/// `NotFound`; `Stale` when it is not the client any more that the caller read; `Invalid` with every field that does not fit.
pub async fn update(ctx: &Context, read: &Client, fields: &ClientFields) -> Result<(Client, Option<Secret>), Error> {
    ctx.require(Permission::ManageClients)?;
    check(ctx, fields)?;
    if fields.client_id.as_deref().is_some_and(|given| given != read.client_id) {
        return Err(Error::invalid("client_id", "never changes: register another client"));
    }
    let mut tx = ctx.store.begin().await?;
    let mut changed = find_in(&mut tx, &read.client_id).await?;
    Error::unless_same(read, &changed)?;
    let application_id = application_in(&mut tx, fields).await?;
    let confidential = fields.token_endpoint_auth_method != AuthMethod::None;
    let secret = (confidential && changed.secret_hash.is_none()).then(|| Secret::random(SECRET_PREFIX));
    if let Some(made) = &secret {
        changed.secret_hash = Some(made.hash().as_bytes().to_vec());
    }
    if !confidential {
        changed.secret_hash = None;
    }
    write(&mut changed, fields, application_id);
    changed.updated_at = ctx.now;
    client::update(&mut tx, &changed).await?;
    if !changed.enabled {
        grant::revoke_of_client(&mut tx, &changed.client_id, ctx.now).await?;
    }
    record(&mut tx, ctx, "client.updated", &changed).await?;
    tx.commit().await?;
    Ok((changed, secret))
}

/// Removes a client; what it was given stops working at once.
///
/// # Errors
/// `NotFound`.
pub async fn delete(ctx: &Context, client_id: &str) -> Result<(), Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let gone = find_in(&mut tx, client_id).await?;
    grant::revoke_of_client(&mut tx, client_id, ctx.now).await?;
    client::delete(&mut tx, client_id).await?;
    record(&mut tx, ctx, "client.deleted", &gone).await?;
    tx.commit().await?;
    Ok(())
}

/// Gives a client another secret, which comes back once. The one before stops working at once.
///
/// # Errors
/// `NotFound`; `Conflict` for a public client, which has none.
pub async fn rotate_secret(ctx: &Context, client_id: &str) -> Result<(Client, Secret), Error> {
    ctx.require(Permission::ManageClients)?;
    let mut tx = ctx.store.begin().await?;
    let mut changed = find_in(&mut tx, client_id).await?;
    if changed.token_endpoint_auth_method == AuthMethod::None {
        return Err(Error::Conflict(
            "this is a public client, which has no secret: give it another token_endpoint_auth_method first".to_owned(),
        ));
    }
    let secret = Secret::random(SECRET_PREFIX);
    changed.secret_hash = Some(secret.hash().as_bytes().to_vec());
    changed.updated_at = ctx.now;
    client::update(&mut tx, &changed).await?;
    record(&mut tx, ctx, "client.secret_rotated", &changed).await?;
    tx.commit().await?;
    Ok((changed, secret))
}

/// Whether a secret is a client's, in constant time. An absent hash fits nothing.
pub fn secret_fits(client: &Client, secret: &Secret) -> bool {
    use subtle::ConstantTimeEq;
    let given = TokenHash::of(secret.expose());
    client.secret_hash.as_deref().is_some_and(|kept| kept.ct_eq(given.as_bytes()).into())
}

async fn record(tx: &mut Tx, ctx: &Context, action: &str, client: &Client) -> Result<(), Error> {
    let detail = json!({ "name": client.name, "enabled": client.enabled, "redirect_uris": client.redirect_uris, "scopes": client.scopes,
        "backchannel_logout_uri": client.backchannel_logout_uri });
    audit::record_in(tx, ctx, action, ("client", &client.client_id), detail).await
}

async fn application_in(tx: &mut Tx, fields: &ClientFields) -> Result<Option<ApplicationId>, Error> {
    let Some(name) = fields.application.as_deref() else { return Ok(None) };
    let found = application::find_by_name(tx, name).await?;
    let found = found.ok_or_else(|| Error::invalid("application", format!("«{name}» is not an application of this establishment")))?;
    Ok(Some(found.id))
}

fn write(client: &mut Client, fields: &ClientFields, application_id: Option<ApplicationId>) {
    let ClientFields { application, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri, scopes, claim_shape, .. } =
        fields.clone();
    fields.name.trim().clone_into(&mut client.name);
    client.application = application;
    client.application_id = application_id;
    client.redirect_uris = redirect_uris;
    client.post_logout_redirect_uris = post_logout_redirect_uris;
    client.backchannel_logout_uri = backchannel_logout_uri;
    client.backchannel_logout_session_required = fields.backchannel_logout_session_required;
    client.token_endpoint_auth_method = fields.token_endpoint_auth_method;
    client.id_token_signed_response_alg = fields.id_token_signed_response_alg;
    client.scopes = scopes;
    client.pkce = fields.pkce;
    client.consent = fields.consent;
    client.claims_in_id_token = fields.claims_in_id_token;
    client.require_role = fields.require_role;
    client.claim_shape = claim_shape;
    client.enabled = fields.enabled;
}

/// Every field is looked at, so that a form shows all that is wrong at once.
fn check(ctx: &Context, fields: &ClientFields) -> Result<(), Error> {
    let mut wrong = Vec::new();
    let name = fields.name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        wrong.push(Invalid::new("name", format!("has 1 to {NAME_LENGTH_MAX} characters and no control characters")));
    }
    if let Some(id) = &fields.client_id {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        if id.is_empty() || id.len() > CLIENT_ID_LENGTH_MAX || !id.bytes().all(fits) {
            let accepted = format!("has 1 to {CLIENT_ID_LENGTH_MAX} letters a to z, digits, and - _ . ~");
            wrong.push(Invalid::new("client_id", accepted));
        }
    }
    check_backchannel(ctx, fields, &mut wrong);
    if fields.token_endpoint_auth_method == AuthMethod::None && fields.pkce == Pkce::Optional {
        wrong.push(Invalid::new("pkce", "a public client must use PKCE: required (RFC 9700 §2.1.1)"));
    }
    check_uris("redirect_uris", &fields.redirect_uris, &mut wrong);
    check_uris("post_logout_redirect_uris", &fields.post_logout_redirect_uris, &mut wrong);
    if let Some(unknown) = fields.scopes.iter().find(|s| !SCOPES.contains(&s.as_str()) && s.as_str() != ADMIN_SCOPE) {
        wrong.push(Invalid::new("scopes", format!("«{unknown}» is not a scope: {} or {ADMIN_SCOPE}", SCOPES.join(", "))));
    }
    if let Err(invalid) = ClaimShape::parse(&fields.claim_shape) {
        wrong.push(invalid);
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

fn check_backchannel(ctx: &Context, fields: &ClientFields, wrong: &mut Vec<Invalid>) {
    match &fields.backchannel_logout_uri {
        Some(uri) => {
            if let Err(refusal) = ctx.gateway.egress.check(uri) {
                wrong.push(Invalid::new("backchannel_logout_uri", refusal.to_string()));
            }
        }
        None if fields.backchannel_logout_session_required => {
            wrong.push(Invalid::new(
                "backchannel_logout_session_required",
                "means nothing without a backchannel_logout_uri: give both or neither",
            ));
        }
        None => {}
    }
}

fn check_uris(field: &str, uris: &[String], wrong: &mut Vec<Invalid>) {
    if uris.len() > URIS_MAX {
        wrong.push(Invalid::new(field, format!("has at most {URIS_MAX} addresses")));
    }
    for (at, uri) in uris.iter().take(URIS_MAX).enumerate() {
        if let Err(invalid) = registrable_redirect_uri(uri) {
            wrong.push(Invalid::new(format!("{field}[{at}]"), invalid.message));
        }
    }
}
