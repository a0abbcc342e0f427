//! Who pushes: the feed that a bearer token stands for. A feed is a source of kind `scim` that has no address to read from.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use connectors::scim::FeedMapping;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::context::{Actor, Context};
use super::super::error::Error;
use super::super::scim_services::is_pushed;
use super::super::tokens;
use super::change::Stop;
use super::error::ScimError;
use super::inspector::{self, Trail};
use crate::store::Tx;
use crate::store::establishment::api_token::{self, TokenKind};
use crate::store::establishment::scim_feed::{self, FeedState};
use crate::store::establishment::scim_held;
use crate::store::establishment::source::{self, Source};
use crate::types::id::TokenId;
use crate::types::permission::Permission;
use crate::types::secret::TokenHash;

/// A use is noted at most this often, in seconds.
const TOUCH_INTERVAL_S: i64 = 60;
/// How long a request waits for the note of its token's use.
const TOUCH_WAIT_MAX: Duration = Duration::from_millis(200);
/// When a paused feed is asked to come back, in seconds.
const PAUSED_RETRY_S: u32 = 900;

/// One request of a feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Where and when; it acts as its source.
    pub ctx: Context,
    /// The source.
    pub source: Arc<Source>,
    /// Where it has fields of people come from.
    pub mapping: Option<Arc<FeedMapping>>,
    /// The token that it came with.
    pub token: TokenId,
    /// What is found out about it on its way.
    pub trail: Arc<Trail>,
}

impl Feed {
    /// A feed at work, whatever token it came with: for whoever tries something out in its name. What it changes is done while that token lives.
    pub fn of(ctx: &Context, source: Source, token: TokenId) -> Self {
        let ctx = Context { actor: Actor::Source(source.name.clone()), ..ctx.clone() };
        // Settings are looked at before they are kept.
        let mapping = FeedMapping::parse(&source.settings).unwrap_or_else(|refused| {
            tracing::error!(source = source.name, reason = refused.reason, "the mapping of a feed cannot be read");
            None
        });
        Self { ctx, source: Arc::new(source), mapping: mapping.map(Arc::new), token, trail: inspector::trail() }
    }

    /// What every address of its resources begins with.
    pub fn base_url(&self) -> String {
        base_url(&self.ctx)
    }
}

/// Whether what waited is still to be done: asked in the transaction that does it, and once for each token there.
#[derive(Debug, Default)]
pub(super) struct Door {
    let_in: HashSet<TokenId>,
}

impl Door {
    /// Whether a feed may still do what it asked some time ago.
    ///
    /// # Errors
    /// As [`authenticate`] refuses: 401 when the token was revoked or has expired meanwhile, or the feed is gone; 403 when the establishment was
    /// blocked; 503 when the feed was paused.
    pub(super) async fn lets_in(&mut self, tx: &mut Tx, feed: &Feed, waited: Duration) -> Result<(), Stop> {
        if self.let_in.contains(&feed.token) {
            return Ok(());
        }
        let Feed { ctx, source, .. } = feed;
        let now = ctx.now.plus_s(i64::try_from(waited.as_secs()).unwrap_or(i64::MAX));
        let token =
            api_token::find(tx, feed.token).await?.filter(|token| token.kind == TokenKind::Scim && token.source_id == Some(source.id));
        if token.is_none_or(|token| token.expires_at.is_some_and(|end| end <= now)) {
            return Err(Stop::refused(unknown()));
        }
        match source::find(tx, source.id).await? {
            None => return Err(Stop::refused(unknown())),
            Some(source) if !source.enabled => return Err(Stop::refused(paused(&source))),
            Some(_) => {}
        }
        // Kept in memory for as long as nothing changed.
        let gateway = &ctx.gateway;
        let standing = gateway.establishments.find(&gateway.stores, ctx.slug()).await?.filter(|found| found.id == ctx.establishment.id);
        let Some(establishment) = standing else { return Err(Stop::refused(unknown())) };
        let ctx = Context { establishment, ..ctx.clone() };
        if !ctx.is_open() {
            return Err(Stop::refused(blocked(&ctx)));
        }
        self.let_in.insert(feed.token);
        Ok(())
    }
}

/// What every address of an establishment's resources begins with.
pub fn base_url(ctx: &Context) -> String {
    format!("{}/scim/v2", ctx.issuer())
}

/// How a feed stands, for whoever administers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FeedStanding {
    /// The address that the identity provider is given.
    pub base_url: String,
    /// How many resources it has, and its last request.
    #[serde(flatten)]
    pub state: FeedState,
    /// Requests that wait for a person.
    pub held: i64,
}

/// How a source stands that is pushed into; nothing for another.
///
/// # Errors
/// When the store fails.
pub async fn standing(ctx: &Context, source: &Source) -> Result<Option<FeedStanding>, Error> {
    ctx.require(Permission::Read)?;
    if !is_pushed(source) {
        return Ok(None);
    }
    let mut tx = ctx.store.read().await?;
    let state = scim_feed::get(&mut tx, source.id).await?;
    let held = scim_held::count_open(&mut tx, source.id).await?;
    Ok(Some(FeedStanding { base_url: base_url(ctx), state, held }))
}

/// The feed that a token stands for, with the token's use noted. `ctx` is of nobody, in the establishment of the address.
///
/// # Errors
/// 401 for anything that is not a live token of a feed of this establishment; 403 when the establishment is blocked; 503 when the feed is paused.
pub async fn authenticate(ctx: &Context, bearer: &str) -> Result<Feed, ScimError> {
    let ours = bearer.strip_prefix(tokens::PREFIX).and_then(|rest| rest.split_once('_')).is_some_and(|(slug, _)| slug == ctx.slug());
    if !ours {
        return Err(unknown());
    }
    let mut tx = ctx.store.read().await?;
    let token = api_token::find_live(&mut tx, TokenHash::of(bearer), ctx.now).await?;
    let token = token.filter(|token| token.kind == TokenKind::Scim).ok_or_else(unknown)?;
    let source = match token.source_id {
        Some(id) => source::find(&mut tx, id).await?.filter(is_pushed).ok_or_else(unknown)?,
        None => return Err(unknown()),
    };
    drop(tx);
    if !ctx.is_open() {
        return Err(blocked(ctx));
    }
    if !source.enabled {
        return Err(paused(&source));
    }
    if token.last_used_at.is_none_or(|last| last.plus_s(TOUCH_INTERVAL_S) <= ctx.now) {
        note_use(ctx, token.id, &source).await;
    }
    Ok(Feed::of(ctx, source, token.id))
}

fn unknown() -> ScimError {
    ScimError::new(401, "send the bearer token of a feed of this establishment: this one is none, or was revoked, or has expired")
}

fn blocked(ctx: &Context) -> ScimError {
    ScimError::new(403, format!("{} is blocked: ask an operator of the platform", ctx.establishment.name))
}

fn paused(source: &Source) -> ScimError {
    let told = format!("the feed «{}» is paused: an administrator resumes it, and nothing is lost until then", source.name);
    ScimError::new(503, told).after_s(PAUSED_RETRY_S)
}

/// The note of a use is worth less than the request that brings it: it is left out when the store is busy.
async fn note_use(ctx: &Context, token: TokenId, source: &Source) {
    let noted = tokio::time::timeout(TOUCH_WAIT_MAX, async {
        let mut tx = ctx.store.begin().await?;
        api_token::touch(&mut tx, token, ctx.now).await?;
        scim_feed::touch(&mut tx, source.id, ctx.now).await?;
        tx.commit().await
    });
    if let Ok(Err(error)) = noted.await {
        tracing::warn!(token.id = %token, %error, "the use of a token was not noted");
    }
}
