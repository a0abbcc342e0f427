//! `…/keys`: the public parts of an issuer's signing keys.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Here, Of};
use crate::fronts::http::listing::Listing;
use crate::fronts::http::problem::{Problem, Refusals};
use crate::services::establishments;
use crate::store::establishment::client::SigningAlgorithm;
use crate::store::establishment::signing_key::{KeyState, SigningKey};
use crate::types::time::Timestamp;

/// A signing key's public part.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// Its name in the headers of tokens (RFC 7517 §4.5).
    kid: String,
    /// What it signs with.
    algorithm: SigningAlgorithm,
    /// Whether it signs (`active`), or only verifies what it signed before (`retired`).
    state: &'static str,
    /// The public key (RFC 7517).
    #[schema(value_type = Object)]
    public_jwk: Value,
    /// When it was made.
    created_at: Timestamp,
}

impl From<SigningKey> for KeyView {
    fn from(key: SigningKey) -> Self {
        let state = match key.state {
            KeyState::Active => "active",
            KeyState::Retired => "retired",
        };
        Self { kid: key.kid, algorithm: key.algorithm, state, public_jwk: key.public_jwk, created_at: key.created_at }
    }
}

/// Lists signing keys, newest first. Private parts never leave the gateway.
#[utoipa::path(get, path = "/establishments/{slug}/keys", operation_id = "list_keys", tag = "keys", params(Of),
    responses((status = 200, body = Listing<KeyView>), Refusals))]
pub async fn list(Here(ctx): Here) -> Result<Json<Listing<KeyView>>, Problem> {
    let keys = establishments::signing_keys(&ctx).await?;
    Ok(Json(Listing::whole(keys.into_iter().map(KeyView::from).collect())))
}
