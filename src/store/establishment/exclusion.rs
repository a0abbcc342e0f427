//! What a person decided that someone is not to hold, whatever rules give.

mod within;

use serde::Serialize;
use utoipa::ToSchema;

use super::application::ScopeKind;
use super::assignment::Within;
use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, ExclusionId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::{APPLICATION, GatewayRole};
use crate::types::time::Timestamp;

/// One exclusion. It stands for this role in this scope alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Exclusion {
    /// Key.
    pub id: ExclusionId,
    /// The person.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The name they sign in with.
    pub username: String,
    /// The application's key.
    #[serde(skip)]
    pub application_id: ApplicationId,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it is not to hold; empty where the role would hold everywhere.
    pub scope: String,
    /// Why, in a person's words.
    pub reason: String,
    /// Who decided it, as the trail names them.
    pub given_by: String,
    /// It stands until then; without end when absent.
    pub valid_until: Option<Timestamp>,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// What a list of exclusions may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The person.
    pub user: Option<UserId>,
    /// The application's name.
    pub application: Option<String>,
    /// Exact role.
    pub role: Option<String>,
    /// Exact scope.
    pub scope: Option<String>,
    /// What someone may see, who may not see all.
    pub within: Option<Within>,
}

/// What a recomputation reads of an exclusion.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Excluded {
    /// The person.
    pub user_id: UserId,
    /// The application's key.
    pub application_id: ApplicationId,
    /// The role.
    pub role: String,
    /// The scope.
    pub scope: String,
    /// It stands until then.
    pub valid_until: Option<Timestamp>,
}

/// One exclusion by key.
pub async fn find(tx: &mut Tx, id: ExclusionId) -> Result<Option<Exclusion>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, u.username, x.application_id, a.name AS application, x.role, x.scope, x.reason, x.given_by, \
         x.valid_until, x.created_at FROM exclusions x JOIN applications a ON a.id = x.application_id JOIN users u ON u.id = x.user_id \
         WHERE x.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of exclusions, oldest first; words are looked for in the person's names.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Exclusion>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, u.username, x.application_id, a.name AS application, x.role, x.scope, x.reason, x.given_by, \
         x.valid_until, x.created_at FROM exclusions x JOIN applications a ON a.id = x.application_id JOIN users u ON u.id = x.user_id \
         WHERE ($1 IS NULL OR x.id > $1) AND ($2 IS NULL OR u.search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR x.user_id = $3) \
         AND ($4 IS NULL OR a.name = $4) AND ($5 IS NULL OR x.role = $5) AND ($6 IS NULL OR x.scope = $6) ORDER BY x.id LIMIT $7";
    const COUNT: &str = "SELECT count(*) FROM exclusions x JOIN applications a ON a.id = x.application_id JOIN users u ON u.id = x.user_id \
         WHERE ($1 IS NULL OR u.search LIKE $1 ESCAPE '\\') AND ($2 IS NULL OR x.user_id = $2) AND ($3 IS NULL OR a.name = $3) \
         AND ($4 IS NULL OR x.role = $4) AND ($5 IS NULL OR x.scope = $5)";
    if let Some(within) = &f.within {
        return within::list(tx, page, f, within).await;
    }
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(f.user).bind(&f.application).bind(&f.role);
        listed.bind(&f.scope).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(f.user).bind(&f.application).bind(&f.role);
        counted.bind(&f.scope).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |x: &Exclusion| x.id.uuid()))
}

/// Writes an exclusion, in the place of one of the same role and scope that ended by an instant.
///
/// # Errors
/// `Taken` when the same role is excluded in this scope already.
pub async fn insert(tx: &mut Tx, x: &Exclusion) -> Result<(), Error> {
    const ENDED: &str =
        "DELETE FROM exclusions WHERE user_id = $1 AND application_id = $2 AND role = $3 AND scope = $4 AND valid_until <= $5";
    const SQL: &str = "INSERT INTO exclusions (id, user_id, application_id, role, scope, reason, given_by, valid_until, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    on!(tx, |c| {
        let row = sqlx::query(ENDED).bind(x.user_id).bind(x.application_id).bind(&x.role).bind(&x.scope);
        row.bind(x.created_at).execute(c).await.map(drop)
    })?;
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(x.id).bind(x.user_id).bind(x.application_id).bind(&x.role).bind(&x.scope).bind(&x.reason);
        row.bind(&x.given_by).bind(x.valid_until).bind(x.created_at).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Removes an exclusion.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, id: ExclusionId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM exclusions WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("exclusion")) } else { Ok(()) }
}

/// Removes the exclusions of an application that goes.
pub async fn delete_of_application(tx: &mut Tx, application: ApplicationId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM exclusions WHERE application_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(application).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes every exclusion of a person.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM exclusions WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// How many exclusions stand in a unit: those of applications whose scopes are units.
pub async fn count_in_unit(tx: &mut Tx, unit: &str, now: Timestamp) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM exclusions WHERE scope = $1 AND (valid_until IS NULL OR valid_until > $2) \
         AND application_id IN (SELECT id FROM applications WHERE scope_kind = $3 AND (name <> $4 OR exclusions.role <> $5))";
    let elsewhere = GatewayRole::Responsible.name();
    Ok(on!(tx, |c| {
        let counted = sqlx::query_scalar(SQL).bind(unit).bind(now).bind(ScopeKind::Unit).bind(APPLICATION).bind(elsewhere);
        counted.fetch_one(c).await
    })?)
}

/// Has exclusions from answering for an application, or for a service of it, stand for it under another name. Where there is one already, that one
/// stands.
pub async fn rename_application(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const TWICE: &str = "DELETE FROM exclusions WHERE role = $3 AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') \
         AND application_id IN (SELECT id FROM applications WHERE name = $4) \
         AND EXISTS (SELECT 1 FROM exclusions o WHERE o.user_id = exclusions.user_id AND o.application_id = exclusions.application_id \
         AND o.role = exclusions.role AND o.scope = $2 || substr(exclusions.scope, length($1) + 1))";
    const SQL: &str = "UPDATE exclusions SET scope = $2 || substr(scope, length($1) + 1) WHERE role = $3 \
         AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') AND application_id IN (SELECT id FROM applications WHERE name = $4)";
    let responsible = GatewayRole::Responsible.name();
    for sql in [TWICE, SQL] {
        on!(tx, |c| sqlx::query(sql).bind(from).bind(to).bind(responsible).bind(APPLICATION).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Removes exclusions from answering for an application that goes, or for a service of it.
pub async fn delete_answering_for(tx: &mut Tx, application: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM exclusions WHERE role = $2 AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') \
         AND application_id IN (SELECT id FROM applications WHERE name = $3)";
    let responsible = GatewayRole::Responsible.name();
    on!(tx, |c| sqlx::query(SQL).bind(application).bind(responsible).bind(APPLICATION).execute(c).await.map(drop))?;
    Ok(())
}

/// Has exclusions in one unit stand for another: those of applications whose scopes are units. Where there is one already, that one stands.
pub async fn rename_scope(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const TWICE: &str = "DELETE FROM exclusions WHERE scope = $1 \
         AND application_id IN (SELECT id FROM applications WHERE scope_kind = $3 AND (name <> $4 OR exclusions.role <> $5)) \
         AND EXISTS (SELECT 1 FROM exclusions o WHERE o.user_id = exclusions.user_id AND o.application_id = exclusions.application_id \
         AND o.role = exclusions.role AND o.scope = $2)";
    const SQL: &str = "UPDATE exclusions SET scope = $2 WHERE scope = $1 \
         AND application_id IN (SELECT id FROM applications WHERE scope_kind = $3 AND (name <> $4 OR exclusions.role <> $5))";
    // Whoever is not to answer for an application of this name is excluded from no unit.
    let elsewhere = GatewayRole::Responsible.name();
    for sql in [TWICE, SQL] {
        on!(tx, |c| {
            let row = sqlx::query(sql).bind(from).bind(to).bind(ScopeKind::Unit).bind(APPLICATION).bind(elsewhere);
            row.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}
