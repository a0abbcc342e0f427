//! The application as a relying party (OpenID Connect Core §3.1): code flow with PKCE, state and nonce, by the `openidconnect` crate.

use std::error::Error as StdError;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, StandardTokenResponse,
    SubjectIdentifier, TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{Place, Sample, post_logout_redirect_uri, redirect_uri};
use crate::types::secret::Secret;

/// What the application asks for, besides `openid`.
const SCOPES: [&str; 5] = ["profile", "email", "groups", "roles", "establishment"];

/// Claims beyond the standard ones, as they come.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Further {
    #[serde(flatten)]
    claims: serde_json::Map<String, Value>,
}

impl AdditionalClaims for Further {}

type TokenFields =
    IdTokenFields<Further, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

type RelyingParty = Client<
    Further,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<TokenFields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Where in the conversation with the provider something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the provider's description and keys.
    Discovery,
    /// Exchanging the code.
    Token,
    /// Checking the ID token.
    IdToken,
    /// Reading UserInfo.
    UserInfo,
}

/// Why a sign-in did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The provider refused, in the protocol's own words.
    #[error("{code}: {description}")]
    Refused {
        /// The error code (RFC 6749 §4.1.2.1, §5.2).
        code: String,
        /// The provider's description.
        description: String,
    },
    /// Something else went wrong.
    #[error("{stage:?}: {source}")]
    Broken {
        /// Where.
        stage: Stage,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
}

fn broken(stage: Stage, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Failure {
    Failure::Broken { stage, source: source.into() }
}

/// A sign-in under way, kept with the visit until the provider answers.
#[derive(Debug)]
pub struct Pending {
    /// The establishment.
    pub slug: String,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// A token in compact form (RFC 7515 §3.1), longer than a secret may be: shown to the person it is about, and in no log.
#[derive(Clone)]
pub struct Compact(String);

impl Compact {
    /// The token itself, for the person it is about and for the provider that made it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compact(…)")
    }
}

/// Someone signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The establishment.
    pub slug: String,
    /// The ID token as it came.
    pub id_token: Compact,
    /// Its header, decoded.
    pub header: Value,
    /// Its claims, decoded after its signature was verified.
    pub claims: Value,
    /// What UserInfo said last.
    pub user_info: Value,
    access_token: Secret,
}

impl Sample {
    /// The address that starts a sign-in (OpenID Connect Core §3.1.2.1), and what to remember of it.
    pub(super) async fn begin_sign_in(&self, place: &Place) -> Result<(Url, Pending), Failure> {
        let (client, _) = self.relying_party(place).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = client.authorize_url(
            openidconnect::AuthenticationFlow::<openidconnect::core::CoreResponseType>::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        let request = request.add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())));
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        Ok((url, Pending { slug: place.slug.clone(), state, nonce, verifier }))
    }

    /// Exchanges the code, verifies the ID token, reads UserInfo (OpenID Connect Core §3.1.3, §5.3).
    pub(super) async fn finish_sign_in(&self, place: &Place, pending: &Pending, code: String) -> Result<SignedIn, Failure> {
        let (client, _) = self.relying_party(place).await?;
        let send = |request| self.outside.clone().call(request);
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(|e| broken(Stage::Token, e))?;
        let verifier = PkceCodeVerifier::new(pending.verifier.secret().clone());
        let answer = exchange.set_pkce_verifier(verifier).request_async(&send).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(refusal) => Failure::Refused {
                code: refusal.error().to_string(),
                description: refusal.error_description().cloned().unwrap_or_default(),
            },
            other => broken(Stage::Token, other.to_string()),
        })?;
        let id_token = answer.id_token().ok_or_else(|| broken(Stage::IdToken, "the answer has no ID token"))?;
        let allowed = [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256];
        let verifier = client.id_token_verifier().set_allowed_algs(allowed);
        let claims = id_token.claims(&verifier, &pending.nonce).map_err(|e| broken(Stage::IdToken, e))?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().map_err(|e| broken(Stage::IdToken, e))?;
            let key = id_token.signing_key(&verifier).map_err(|e| broken(Stage::IdToken, e))?;
            let actual = AccessTokenHash::from_token(answer.access_token(), algorithm, key).map_err(|e| broken(Stage::IdToken, e))?;
            if actual != *expected {
                return Err(broken(Stage::IdToken, "the access token is not the one the ID token was made with"));
            }
        }
        let raw = id_token.to_string();
        let subject = claims.subject().clone();
        let user_info = self.read_user_info(&client, answer.access_token().clone(), subject).await?;
        Ok(SignedIn {
            slug: place.slug.clone(),
            header: part(&raw, 0),
            claims: part(&raw, 1),
            user_info,
            id_token: Compact(raw),
            access_token: Secret::parse("access_token", answer.access_token().secret().clone()).map_err(|e| broken(Stage::Token, e))?,
        })
    }

    /// Reads UserInfo again, so that what changed meanwhile shows without signing in again.
    pub(super) async fn refresh(&self, place: &Place, signed_in: &SignedIn) -> Result<SignedIn, Failure> {
        let (client, _) = self.relying_party(place).await?;
        let subject = signed_in.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let access_token = AccessToken::new(signed_in.access_token.expose().to_owned());
        let user_info = self.read_user_info(&client, access_token, SubjectIdentifier::new(subject.to_owned())).await?;
        Ok(SignedIn { user_info, ..signed_in.clone() })
    }

    /// The address that ends the session at the provider too (RP-Initiated Logout 1.0 §2).
    pub(super) async fn sign_out_url(&self, place: &Place, signed_in: &SignedIn) -> Result<Url, Failure> {
        let (_, metadata) = self.relying_party(place).await?;
        let end = metadata.additional_metadata().end_session_endpoint.as_ref();
        let mut url = end.ok_or_else(|| broken(Stage::Discovery, "the provider names no end_session_endpoint"))?.url().clone();
        url.query_pairs_mut()
            .append_pair("id_token_hint", signed_in.id_token.expose())
            .append_pair("client_id", &place.client_id)
            .append_pair("post_logout_redirect_uri", &post_logout_redirect_uri(&self.settings.url));
        Ok(url)
    }

    /// The provider as it describes itself now. Nothing is kept between sign-ins: keys may rotate and the demo is in no hurry.
    async fn relying_party(&self, place: &Place) -> Result<(RelyingParty, ProviderMetadataWithLogout), Failure> {
        let discovery = |e: &dyn StdError| broken(Stage::Discovery, e.to_string());
        let send = |request| self.outside.clone().call(request);
        let issuer = IssuerUrl::new(place.issuer.clone()).map_err(|e| discovery(&e))?;
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &send).await.map_err(|e| discovery(&e))?;
        let redirect = RedirectUrl::new(redirect_uri(&self.settings.url, &place.slug)).map_err(|e| discovery(&e))?;
        let client_secret = ClientSecret::new(place.client_secret.expose().to_owned());
        let client_id = ClientId::new(place.client_id.clone());
        let client = Client::from_provider_metadata(metadata.clone(), client_id, Some(client_secret)).set_redirect_uri(redirect);
        Ok((client, metadata))
    }

    async fn read_user_info(&self, client: &RelyingParty, token: AccessToken, subject: SubjectIdentifier) -> Result<Value, Failure> {
        let send = |request| self.outside.clone().call(request);
        let request = client.user_info(token, Some(subject)).map_err(|e| broken(Stage::UserInfo, e))?;
        let claims: Result<UserInfoClaims<Further, CoreGenderClaim>, _> = request.request_async(&send).await;
        let claims = claims.map_err(|e| broken(Stage::UserInfo, e.to_string()))?;
        serde_json::to_value(claims).map_err(|e| broken(Stage::UserInfo, e))
    }
}

impl Pending {
    /// Whether an answer is to this request: the state it carries is ours (RFC 6749 §10.12).
    pub fn is_answered_by(&self, state: &str) -> bool {
        Secret::parse("state", self.state.secret().clone()).is_ok_and(|ours| ours.matches(state))
    }
}

/// One part of a token in compact form (RFC 7515 §3.1), decoded.
fn part(token: &str, place: usize) -> Value {
    let encoded = token.split('.').nth(place).unwrap_or_default();
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default();
    serde_json::from_slice(&decoded).unwrap_or(Value::Null)
}
