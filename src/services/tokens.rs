//! API tokens: made, listed, revoked, and recognised when a request brings one. A token's secret is shown once; its hash is kept.
//!
//! A secret reads `psl_{slug}_{random}`: it names its home, so that one establishment's token is told from an unknown one.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::audit;
use super::context::{Actor, Context, Gateway};
use super::error::Error;
use super::roles;
use super::unit_tree::Tree;
use crate::store::Tx;
use crate::store::establishment::api_token::{self, ApiToken, Filter, TokenKind};
use crate::store::establishment::source::{self, SourceKind};
use crate::types::Invalid;
use crate::types::id::{TokenId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{Extent, GatewayRole, Held, Permission};
use crate::types::secret::{Secret, TokenHash};
use crate::types::time::Timestamp;

/// What every API token starts with, for people and for scanners of leaked secrets.
pub const PREFIX: &str = "psl_";
/// Longest name of a token, in characters.
const NAME_LENGTH_MAX: usize = 200;
/// Longest time for which a token that was replaced lives on, in seconds: 90 days.
const OVERLAP_MAX_S: i64 = 90 * 24 * 3600;
/// Tokens of one name among which the one is looked for that replaced another.
const LATER_MAX: i64 = 100;
/// A use is noted at most this often, in seconds.
const TOUCH_INTERVAL_S: i64 = 60;
/// How long a request waits for the note of its token's use; a long run may hold the store, and the note can wait.
const TOUCH_WAIT_MAX: Duration = Duration::from_millis(200);

/// A token to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What people read.
    pub name: String,
    /// What it opens.
    #[serde(default = "api")]
    pub kind: TokenKind,
    /// The source that it stands for, of a token of kind `scim`: a feed.
    #[serde(default)]
    pub source: Option<String>,
    /// The role it acts with, of a token of kind `api`: `administrator`, `auditor`, `unit_administrator`, `help_desk` or `responsible`; on the platform also `operator`.
    #[serde(default)]
    pub scope: String,
    /// Where its role holds: a unit, an application, or `application/service`; the whole establishment when left out.
    #[serde(default)]
    pub within: Option<String>,
    /// End of its life; never when left out.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

const fn api() -> TokenKind {
    TokenKind::Api
}

/// Who brought a token, and where the token is at home.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The establishment whose store knows the token.
    pub home: String,
    /// Who acts.
    pub actor: Actor,
}

impl Caller {
    /// Whether the caller may know of an establishment at all: their own, and any for operators (SECURITY 23).
    pub fn sees(&self, slug: &str) -> bool {
        self.home == slug || (self.home == crate::types::slug::PLATFORM && self.actor.may(Permission::ManageEstablishments))
    }
}

/// A page of tokens, oldest first.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<ApiToken>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(api_token::list(&mut tx, page, filter).await?)
}

/// One token, without its secret.
///
/// # Errors
/// `NotFound`.
pub async fn get(ctx: &Context, id: TokenId) -> Result<ApiToken, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    api_token::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("token"))
}

/// Makes a token. Its secret comes back once.
///
/// # Errors
/// `Invalid` with every field that does not fit; `Forbidden` for a token stronger than whoever makes it (SECURITY 24).
pub async fn create(ctx: &Context, new: &NewToken) -> Result<(ApiToken, Secret), Error> {
    ctx.require(Permission::ManageTokens)?;
    if new.kind == TokenKind::Scim {
        return create_of_feed(ctx, new).await;
    }
    let held = checked(ctx, new)?;
    if !ctx.actor.covers(&held) {
        return Err(Error::Forbidden(format!("a token with the role {held} would be stronger than you are")));
    }
    let secret = Secret::random(&format!("{PREFIX}{}_", ctx.slug()));
    let token = ApiToken {
        id: TokenId::new(),
        name: new.name.trim().to_owned(),
        kind: new.kind,
        scope: held.role.name().to_owned(),
        created_at: ctx.now,
        last_used_at: None,
        expires_at: new.expires_at,
        // Whoever made the token that they come with answers for this one too.
        created_by: ctx.actor.person(),
        within: Some(held.extent.scope()).filter(|scope| !scope.is_empty()),
        source_id: None,
    };
    let mut tx = ctx.store.begin().await?;
    let tree = Tree::load(&mut tx).await?;
    let place = (token.scope.as_str(), token.within.as_deref().unwrap_or_default());
    if let Some(wrong) = roles::authority::check_extent_in(&mut tx, &tree, "within", place).await? {
        return Err(wrong.into());
    }
    api_token::insert(&mut tx, secret.hash(), &token).await?;
    let detail = json!({ "name": token.name, "scope": token.scope, "within": token.within, "expires_at": token.expires_at });
    audit::record_in(&mut tx, ctx, "token.created", ("token", &token.id.to_string()), detail).await?;
    tx.commit().await?;
    Ok((token, secret))
}

/// Makes a token that stands for a feed. It acts with no role, and outlives whoever made it: what it may do is its source's.
async fn create_of_feed(ctx: &Context, new: &NewToken) -> Result<(ApiToken, Secret), Error> {
    ctx.require(Permission::ManageSources)?;
    let mut wrong = wrong_common(ctx, new);
    for (field, given) in [("scope", !new.scope.is_empty()), ("within", new.within.is_some())] {
        if given {
            wrong.push(Invalid::new(field, "a token of a feed has no role: leave it out"));
        }
    }
    let named = new.source.as_deref().unwrap_or_default();
    let mut tx = ctx.store.begin().await?;
    let source = source::find_by_name(&mut tx, named).await?;
    let feed = source.filter(|source| source.kind == SourceKind::Scim && source.settings.get("url").is_none());
    let Some(feed) = feed else {
        wrong.push(Invalid::new("source", format!("«{named}» is no source of kind scim that is pushed into: add one first")));
        return Err(Error::Invalid(wrong));
    };
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let secret = Secret::random(&format!("{PREFIX}{}_", ctx.slug()));
    let token = ApiToken {
        id: TokenId::new(),
        name: new.name.trim().to_owned(),
        kind: TokenKind::Scim,
        scope: feed.name,
        created_at: ctx.now,
        last_used_at: None,
        expires_at: new.expires_at,
        created_by: ctx.actor.person(),
        within: None,
        source_id: Some(feed.id),
    };
    api_token::insert(&mut tx, secret.hash(), &token).await?;
    let detail = json!({ "name": token.name, "kind": token.kind, "source": token.scope, "expires_at": token.expires_at });
    audit::record_in(&mut tx, ctx, "token.created", ("token", &token.id.to_string()), detail).await?;
    tx.commit().await?;
    Ok((token, secret))
}

/// Makes another token beside one that does the same, and lets that one live on for a while: whoever uses it has until then to take the new one.
///
/// # Errors
/// `NotFound`, `Invalid` for an overlap out of bounds; `Forbidden` for a token stronger than whoever asks; `Conflict` for one that was replaced already, or
/// has ended: its life is over or ends soon, and another one's would be as short.
pub async fn rotate(ctx: &Context, id: TokenId, overlap_s: i64) -> Result<(ApiToken, Secret), Error> {
    ctx.require(Permission::ManageTokens)?;
    if !(0..=OVERLAP_MAX_S).contains(&overlap_s) {
        return Err(Error::invalid("overlap_s", format!("0 to {OVERLAP_MAX_S} seconds")));
    }
    let mut tx = ctx.store.begin().await?;
    let old = api_token::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("token"))?;
    if old.kind == TokenKind::Scim {
        ctx.require(Permission::ManageSources)?;
    }
    refuse_stronger(ctx, &old)?;
    may_be_replaced_in(&mut tx, ctx, &old).await?;
    let lifetime = old.expires_at.map(|end| end.seconds().saturating_sub(old.created_at.seconds()));
    let secret = Secret::random(&format!("{PREFIX}{}_", ctx.slug()));
    let token = ApiToken {
        id: TokenId::new(),
        created_at: ctx.now,
        last_used_at: None,
        expires_at: lifetime.map(|lifetime| ctx.now.plus_s(lifetime)),
        created_by: ctx.actor.person(),
        ..old.clone()
    };
    api_token::insert(&mut tx, secret.hash(), &token).await?;
    api_token::expire(&mut tx, old.id, ctx.now.plus_s(overlap_s)).await?;
    let detail = json!({ "name": token.name, "in_place_of": old.id, "overlap_s": overlap_s });
    audit::record_in(&mut tx, ctx, "token.rotated", ("token", &token.id.to_string()), detail).await?;
    tx.commit().await?;
    Ok((token, secret))
}

/// Whether a token is still to be replaced. Of those who replace it at once, one does.
async fn may_be_replaced_in(tx: &mut Tx, ctx: &Context, old: &ApiToken) -> Result<(), Error> {
    let Some(end) = old.expires_at else { return Ok(()) };
    if end <= ctx.now {
        return Err(Error::Conflict("this token has ended: make another one".to_owned()));
    }
    let ApiToken { name, scope, within, .. } = old.clone();
    let alike = Filter { name: Some(name), kind: None, scope: Some(scope), within };
    let later = PageRequest { after: Some(old.id.uuid()), ..PageRequest::first(LATER_MAX) };
    let later = api_token::list(tx, &later, &alike).await?.items;
    let replaced = |new: &ApiToken| (new.kind, new.source_id, &new.within) == (old.kind, old.source_id, &old.within);
    match later.iter().find(|new| replaced(new)) {
        Some(new) => Err(Error::Conflict(format!("this token was replaced already, by {}: replace that one, or make another", new.id))),
        None => Ok(()),
    }
}

fn refuse_stronger(ctx: &Context, token: &ApiToken) -> Result<(), Error> {
    match held_by(token).filter(|held| token.kind == TokenKind::Api && !ctx.actor.covers(held)) {
        Some(held) => Err(Error::Forbidden(format!("this token acts as {held}: ask someone who is too"))),
        None => Ok(()),
    }
}

fn wrong_common(ctx: &Context, new: &NewToken) -> Vec<Invalid> {
    let mut wrong = Vec::new();
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME_LENGTH_MAX || name.chars().any(char::is_control) {
        wrong.push(Invalid::new("name", format!("has 1 to {NAME_LENGTH_MAX} characters and no control characters")));
    }
    if new.expires_at.is_some_and(|end| end <= ctx.now) {
        wrong.push(Invalid::new("expires_at", "is in the past: give a later instant, or leave it out"));
    }
    wrong
}

fn checked(ctx: &Context, new: &NewToken) -> Result<Held, Error> {
    let mut wrong = wrong_common(ctx, new);
    if new.source.is_some() {
        wrong.push(Invalid::new("source", "is of tokens of kind scim: leave it out"));
    }
    let role = GatewayRole::from_name(&new.scope).filter(|r| ctx.is_platform() || *r != GatewayRole::Operator);
    let Some(role) = role else {
        let accepted = GatewayRole::ALL.into_iter().filter(|r| ctx.is_platform() || *r != GatewayRole::Operator).map(GatewayRole::name);
        let accepted = accepted.collect::<Vec<_>>().join(", ");
        wrong.push(Invalid::new("scope", format!("«{}» is not a role that a token can have here: {accepted}", new.scope)));
        return Err(Error::Invalid(wrong));
    };
    match Extent::of(role, new.within.as_deref().unwrap_or_default()) {
        Some(extent) if wrong.is_empty() => Ok(Held { role, extent, until: None }),
        Some(_) => Err(Error::Invalid(wrong)),
        None => {
            wrong.push(Invalid::new("within", roles::authority::where_it_holds(role)));
            Err(Error::Invalid(wrong))
        }
    }
}

/// The role of a token, where it holds; none for one that its store never gave.
fn held_by(token: &ApiToken) -> Option<Held> {
    Held::parse(&token.scope, token.within.as_deref().unwrap_or_default())
}

/// Revokes a token: it opens nothing from now on.
///
/// # Errors
/// `NotFound`.
pub async fn revoke(ctx: &Context, id: TokenId) -> Result<(), Error> {
    ctx.require(Permission::ManageTokens)?;
    let mut tx = ctx.store.begin().await?;
    let token = api_token::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("token"))?;
    refuse_stronger(ctx, &token)?;
    if token.kind == TokenKind::Scim {
        ctx.require(Permission::ManageSources)?;
    }
    api_token::delete(&mut tx, id).await?;
    audit::record_in(&mut tx, ctx, "token.revoked", ("token", &id.to_string()), json!({ "name": token.name })).await?;
    tx.commit().await?;
    Ok(())
}

/// The caller whom an API token stands for, with the token's use noted. Nobody for anything that is not a live token.
///
/// # Errors
/// `Blocked` for a token of an establishment that is blocked.
pub async fn authenticate(gateway: &std::sync::Arc<Gateway>, bearer: &str, now: Timestamp) -> Result<Option<Caller>, Error> {
    let Some((slug, _)) = bearer.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')) else { return Ok(None) };
    let ctx = match Context::open(gateway, slug, Actor::Anonymous, now).await {
        Ok(ctx) => ctx,
        Err(Error::NotFound(_)) => return Ok(None),
        Err(other) => return Err(other),
    };
    let mut tx = ctx.store.read().await?;
    let Some(token) = api_token::find_live(&mut tx, TokenHash::of(bearer), now).await? else { return Ok(None) };
    let held = held_by(&token).filter(|_| token.kind == TokenKind::Api);
    // Operators are the platform's, whatever an establishment's store says.
    let held = held.filter(|held| ctx.is_platform() || held.role != GatewayRole::Operator);
    let held = roles::with_units_below_in(&mut tx, held.into_iter().collect()).await?.pop();
    drop(tx);
    if !ctx.is_open() {
        return Err(Error::Blocked(ctx.establishment.name.clone()));
    }
    let held = match (held, token.created_by) {
        (Some(role), Some(maker)) => as_long_as_maker(&ctx, maker, role).await?,
        (held, _) => held,
    };
    let Some(role) = held else { return Ok(None) };
    if token.last_used_at.is_none_or(|last| last.plus_s(TOUCH_INTERVAL_S) <= now) {
        note_use(&ctx, token.id).await;
    }
    Ok(Some(Caller { home: slug.to_owned(), actor: Actor::Token { id: token.id, role, maker: token.created_by } }))
}

/// The role of a token as long as its maker may still do what it does: active, and in a role that covers its own (SECURITY 26). None when they
/// may not.
async fn as_long_as_maker(ctx: &Context, maker: UserId, role: Held) -> Result<Option<Held>, Error> {
    let held = roles::present_roles(ctx, maker).await?;
    let longest = held.iter().filter(|held| held.covers(&role)).map(|held| held.until).max_by_key(|until| (until.is_none(), *until));
    Ok(longest.map(|until| role.lasting(until)))
}

/// The note of a use is worth less than the request that brings it: it is left out when the store is busy.
async fn note_use(ctx: &Context, id: TokenId) {
    let noted = tokio::time::timeout(TOUCH_WAIT_MAX, async {
        let mut tx = ctx.store.begin().await?;
        api_token::touch(&mut tx, id, ctx.now).await?;
        tx.commit().await
    });
    if let Ok(Err(error)) = noted.await {
        tracing::warn!(token.id = %id, %error, "the use of a token was not noted");
    }
}
