//! Bearer tokens for the admin API, kept by hash.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{SourceId, TokenId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::GatewayRole;
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum TokenKind {
    /// The admin API.
    Api,
    /// A SCIM feed.
    Scim,
}

/// One token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct ApiToken {
    /// Key.
    pub id: TokenId,
    /// What people read.
    pub name: String,
    /// What it opens.
    pub kind: TokenKind,
    /// The role of the gateway it acts with.
    pub scope: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Last use, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// End of its life.
    pub expires_at: Option<Timestamp>,
    /// Who made it, when a person did: it opens nothing once they may no longer do what it does.
    pub created_by: Option<UserId>,
    /// Where its role holds: a unit, an application, or `application/service`; everywhere when absent.
    pub within: Option<String>,
    /// The feed it stands for, of a SCIM token; `scope` is its name then.
    #[serde(skip)]
    pub source_id: Option<SourceId>,
}

/// What a list of tokens may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact name.
    pub name: Option<String>,
    /// Exact kind.
    pub kind: Option<String>,
    /// Exact role.
    pub scope: Option<String>,
    /// Exact place where its role holds.
    pub within: Option<String>,
}

/// The live token of a secret.
pub async fn find_live(tx: &mut Tx, secret: TokenHash, now: Timestamp) -> Result<Option<ApiToken>, Error> {
    const SQL: &str = "SELECT id, name, kind, scope, created_at, last_used_at, expires_at, created_by, within, source_id FROM api_tokens \
         WHERE secret_hash = $1 AND (expires_at IS NULL OR expires_at > $2)";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(secret.as_bytes()).bind(now).fetch_optional(c).await)?)
}

/// One token by key.
pub async fn find(tx: &mut Tx, id: TokenId) -> Result<Option<ApiToken>, Error> {
    const SQL: &str =
        "SELECT id, name, kind, scope, created_at, last_used_at, expires_at, created_by, within, source_id FROM api_tokens WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of tokens, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<ApiToken>, Error> {
    const SQL: &str = "SELECT id, name, kind, scope, created_at, last_used_at, expires_at, created_by, within, source_id FROM api_tokens WHERE ($1 IS NULL OR id > $1) \
         AND ($2 IS NULL OR search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR name = $3) AND ($4 IS NULL OR kind = $4) \
         AND ($5 IS NULL OR scope = $5) AND ($6 IS NULL OR within = $6) ORDER BY id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM api_tokens WHERE ($1 IS NULL OR search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR name = $2) \
         AND ($3 IS NULL OR kind = $3) AND ($4 IS NULL OR scope = $4) AND ($5 IS NULL OR within = $5)";
    let query = page.query.as_deref().map(like_part);
    let Filter { name, kind, scope, within } = f;
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(name).bind(kind).bind(scope);
        listed.bind(within).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(&query).bind(name).bind(kind).bind(scope).bind(within).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |t: &ApiToken| t.id.uuid()))
}

/// Writes a new token.
pub async fn insert(tx: &mut Tx, secret: TokenHash, t: &ApiToken) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO api_tokens (id, name, kind, scope, secret_hash, created_at, last_used_at, expires_at, search, \
         created_by, within, source_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(t.id).bind(&t.name).bind(t.kind).bind(&t.scope).bind(secret.as_bytes());
        let row = row.bind(t.created_at).bind(t.last_used_at).bind(t.expires_at).bind(fold(&t.name)).bind(t.created_by);
        row.bind(&t.within).bind(t.source_id).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes a use.
pub async fn touch(tx: &mut Tx, id: TokenId, now: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await.map(drop))?;
    Ok(())
}

/// Has tokens whose role holds in one unit act in another.
pub async fn rename_unit(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE api_tokens SET within = $2 WHERE within = $1 AND scope IN ($3, $4)";
    let (one, other) = (GatewayRole::UnitAdministrator.name(), GatewayRole::HelpDesk.name());
    on!(tx, |c| sqlx::query(SQL).bind(from).bind(to).bind(one).bind(other).execute(c).await.map(drop))?;
    Ok(())
}

/// Ends a token's life at an instant, unless it ends before.
pub async fn expire(tx: &mut Tx, id: TokenId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE api_tokens SET expires_at = $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Has the tokens of a feed bear its name, when it has another one.
pub async fn rename_source(tx: &mut Tx, source: SourceId, name: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE api_tokens SET scope = $2 WHERE source_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(source).bind(name).execute(c).await.map(drop))?;
    Ok(())
}

/// How many living tokens have a role that holds in a unit.
pub async fn count_in_unit(tx: &mut Tx, unit: &str, now: Timestamp) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM api_tokens WHERE within = $1 AND scope IN ($2, $3) AND (expires_at IS NULL OR expires_at > $4)";
    let (one, other) = (GatewayRole::UnitAdministrator.name(), GatewayRole::HelpDesk.name());
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(unit).bind(one).bind(other).bind(now).fetch_one(c).await)?)
}

/// Has tokens that answer for an application, or for a service of it, answer for it under another name.
pub async fn rename_application(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE api_tokens SET within = $2 || substr(within, length($1) + 1) WHERE scope = $3 \
         AND (within = $1 OR substr(within, 1, length($1) + 1) = $1 || '/')";
    let responsible = GatewayRole::Responsible.name();
    on!(tx, |c| sqlx::query(SQL).bind(from).bind(to).bind(responsible).execute(c).await.map(drop))?;
    Ok(())
}

/// How many living tokens answer for an application, or for a service of it.
pub async fn count_answering_for(tx: &mut Tx, application: &str, now: Timestamp) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM api_tokens WHERE scope = $2 AND (within = $1 OR substr(within, 1, length($1) + 1) = $1 || '/') \
         AND (expires_at IS NULL OR expires_at > $3)";
    let responsible = GatewayRole::Responsible.name();
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(application).bind(responsible).bind(now).fetch_one(c).await)?)
}

/// Removes tokens that answered for an application, or for a service of it: what is left of them has run out.
pub async fn delete_answering_for(tx: &mut Tx, application: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM api_tokens WHERE scope = $2 AND (within = $1 OR substr(within, 1, length($1) + 1) = $1 || '/')";
    let responsible = GatewayRole::Responsible.name();
    on!(tx, |c| sqlx::query(SQL).bind(application).bind(responsible).execute(c).await.map(drop))?;
    Ok(())
}

/// Revokes a token.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, id: TokenId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM api_tokens WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("token")) } else { Ok(()) }
}
