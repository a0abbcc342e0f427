//! The sample application's client in an establishment: registered like any other, with a new secret at each start.

use anyhow::Context as _;

use super::{Planned, Surroundings};
use crate::demo::sample::{post_logout_redirect_uri, redirect_uri};
use crate::i18n;
use crate::services::clients::{self, ClientFields};
use crate::services::context::Context;
use crate::services::error::Error;
use crate::services::oidc::discovery::SCOPES;
use crate::store::establishment::client::{AuthMethod, Pkce, SigningAlgorithm};
use crate::types::locale::Locale;
use crate::types::secret::Secret;

/// The client's identifier, the same everywhere: each establishment is an issuer of its own.
pub(super) const CLIENT_ID: &str = "sample";

/// A registered client.
pub(super) struct Registered {
    pub(super) redirect_uris: Vec<String>,
    pub(super) secret: Secret,
}

/// Registers the client, or changes the one that is there.
pub(super) async fn register(ctx: &Context, plan: &Planned, application: &str, around: &Surroundings) -> anyhow::Result<Registered> {
    let mut redirect_uris = vec![redirect_uri(&around.sample_url, &plan.slug)];
    redirect_uris.extend(around.redirect_uris.iter().filter(|uri| **uri != redirect_uri(&around.sample_url, &plan.slug)).cloned());
    let fields = ClientFields {
        client_id: Some(CLIENT_ID.to_owned()),
        name: i18n::text(Locale::Fr, "demo-product"),
        application: Some(application.to_owned()),
        redirect_uris: redirect_uris.clone(),
        post_logout_redirect_uris: vec![post_logout_redirect_uri(&around.sample_url)],
        backchannel_logout_uri: None,
        backchannel_logout_session_required: false,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        id_token_signed_response_alg: SigningAlgorithm::Rs256,
        scopes: SCOPES.map(str::to_owned).to_vec(),
        pkce: Pkce::Required,
        consent: plan.consent,
        claims_in_id_token: true,
        require_role: false,
        claim_shape: serde_json::json!({}),
        enabled: true,
    };
    let secret = match clients::get(ctx, CLIENT_ID).await {
        Ok(standing) => {
            clients::update(ctx, &standing, &fields).await?;
            clients::rotate_secret(ctx, CLIENT_ID).await?.1
        }
        Err(Error::NotFound(_)) => clients::create(ctx, &fields).await?.1.context("a confidential client has a secret")?,
        Err(other) => return Err(other.into()),
    };
    Ok(Registered { redirect_uris, secret })
}
