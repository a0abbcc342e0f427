//! Who calls: the feed whose token came in the header (RFC 6750 §2.1), in the establishment of the address. A token in the address or in a form
//! is never looked at.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::answer::Refusal;
use super::witness::Witness;
use crate::fronts::edge;
use crate::fronts::http::request::RequestId;
use crate::services::context::{Context, Gateway};
use crate::services::error::Error;
use crate::services::login::throttle;
use crate::services::oidc::bearer;
use crate::services::scim::error::ScimError;
use crate::services::scim::feeds::{self, Feed};
use crate::types::secret::Secret;

/// Under which name refused tokens of feeds are counted.
const COUNTED_AS: &str = "scim";

/// A request with the token it brings, which nobody has looked at yet.
#[derive(Debug)]
pub(super) struct Bearing {
    /// Of nobody, in the establishment of the address.
    pub(super) ctx: Context,
    /// Where it comes from.
    address: IpAddr,
    /// The token, if one came.
    pub(super) token: Option<Secret>,
    witness: Option<Witness>,
}

impl Bearing {
    async fn read(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let opened = edge::context(parts, gateway).await?;
        let request_id = parts.extensions.get::<RequestId>().map_or(opened.request_id, |id| id.0);
        let mut sent = parts.headers.get_all(AUTHORIZATION).iter();
        let authorization = sent.next().map(|value| value.to_str().unwrap_or_default());
        let twice = sent.next().is_some();
        let address = edge::address(parts, gateway);
        let ctx = Context { request_id, ..opened };
        match bearer::read(authorization, None) {
            // Of two, whoever stands before may have looked at the other.
            _ if twice => Err(refused(&ctx, address).await),
            Ok(token) => Ok(Self { ctx, address, token, witness: parts.extensions.get().cloned() }),
            // Something else than a bearer token, or no text at all.
            Err(_) => Err(refused(&ctx, address).await),
        }
    }

    /// The feed.
    pub(super) async fn feed(&self) -> Result<Feed, Refusal> {
        let token = self.token.as_ref().ok_or_else(Refusal::no_token)?;
        match feeds::authenticate(&self.ctx, token.expose()).await {
            Err(ScimError { status: 401, .. }) => Err(self.refused().await),
            Err(refused) => Err(refused.into()),
            Ok(feed) => {
                self.witness.iter().for_each(|witness| witness.saw_feed(&feed));
                Ok(feed)
            }
        }
    }

    /// What whoever brings a token that opens nothing is told.
    pub(super) async fn refused(&self) -> Refusal {
        refused(&self.ctx, self.address).await
    }
}

/// A token has 256 random bits, so that there is nothing to guess: counting keeps an address from trying for ever.
async fn refused(ctx: &Context, address: IpAddr) -> Refusal {
    tracing::info!(establishment = ctx.slug(), %address, "token of a feed refused");
    match throttle::count_client_refusal(ctx, Some(COUNTED_AS), address).await {
        Ok(()) => Refusal::bad_token(),
        Err(Error::TooMany { retry_after_s }) => ScimError::from(Error::TooMany { retry_after_s }).into(),
        Err(failed) => failed.into(),
    }
}

impl FromRequestParts<Arc<Gateway>> for Bearing {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        Self::read(parts, gateway).await
    }
}

/// A feed that is known.
#[derive(Debug)]
pub(super) struct Caller(pub(super) Feed);

impl FromRequestParts<Arc<Gateway>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        Bearing::read(parts, gateway).await?.feed().await.map(Self)
    }
}

/// Anyone, in an establishment that there is. Whoever brings a token is told when it is wrong.
#[derive(Debug)]
pub(super) struct Anyone(pub(super) Context);

impl FromRequestParts<Arc<Gateway>> for Anyone {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let bearing = Bearing::read(parts, gateway).await?;
        if bearing.token.is_some() {
            bearing.feed().await?;
        }
        Ok(Self(bearing.ctx))
    }
}

/// The last part of the address: the identifier of a resource, or the name of a schema or type.
#[derive(Debug)]
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Refusal::from(ScimError::not_found("the address is not UTF-8")))?;
        let last = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value.to_owned());
        Ok(Self(last.unwrap_or_default()))
    }
}
