//! Roles given by hand, beside those that are computed: read and changed many at once. The row itself is in `assignment`.

use super::application::ScopeKind;
use super::assignment::{Assignment, Origin};
use crate::store::bulk;
use crate::store::columns::JsonText;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{ApplicationId, UserId};
use crate::types::permission::{APPLICATION, GatewayRole};

/// Has roles given by hand for one unit hold for another: those of applications whose scopes are units, the gateway's own among them. Answers how
/// many; what someone holds there already is not held twice.
pub async fn rename_scope(tx: &mut Tx, from: &str, to: &str) -> Result<u64, Error> {
    const TWICE: &str = "DELETE FROM assignments WHERE scope = $1 AND origin = $3 \
         AND application_id IN (SELECT id FROM applications WHERE scope_kind = $4 AND (name <> $5 OR assignments.role <> $6)) \
         AND EXISTS (SELECT 1 FROM assignments o WHERE o.user_id = assignments.user_id AND o.application_id = assignments.application_id \
         AND o.role = assignments.role AND o.scope = $2 AND o.origin = $3)";
    const SQL: &str = "UPDATE assignments SET scope = $2 WHERE scope = $1 AND origin = $3 \
         AND application_id IN (SELECT id FROM applications WHERE scope_kind = $4 AND (name <> $5 OR assignments.role <> $6))";
    // Whoever answers for an application of this name answers for no unit.
    let elsewhere = GatewayRole::Responsible.name();
    let twice = on!(tx, |c| {
        let gone = sqlx::query(TWICE).bind(from).bind(to).bind(Origin::Manual).bind(ScopeKind::Unit).bind(APPLICATION);
        gone.bind(elsewhere).execute(c).await.map(|d| d.rows_affected())
    })?;
    let moved = on!(tx, |c| {
        let moved = sqlx::query(SQL).bind(from).bind(to).bind(Origin::Manual).bind(ScopeKind::Unit).bind(APPLICATION);
        moved.bind(elsewhere).execute(c).await.map(|d| d.rows_affected())
    })?;
    Ok(twice + moved)
}

/// Has those who answer for an application, or for a service of it, answer for it under another name. What someone holds there already is not held
/// twice.
pub async fn rename_application(tx: &mut Tx, from: &str, to: &str) -> Result<(), Error> {
    const TWICE: &str = "DELETE FROM assignments WHERE origin = $3 AND role = $4 AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') \
         AND application_id IN (SELECT id FROM applications WHERE name = $5) \
         AND EXISTS (SELECT 1 FROM assignments o WHERE o.user_id = assignments.user_id AND o.application_id = assignments.application_id \
         AND o.role = assignments.role AND o.scope = $2 || substr(assignments.scope, length($1) + 1) AND o.origin = $3)";
    const SQL: &str = "UPDATE assignments SET scope = $2 || substr(scope, length($1) + 1) WHERE origin = $3 AND role = $4 \
         AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') AND application_id IN (SELECT id FROM applications WHERE name = $5)";
    let responsible = GatewayRole::Responsible.name();
    for sql in [TWICE, SQL] {
        on!(tx, |c| {
            let row = sqlx::query(sql).bind(from).bind(to).bind(Origin::Manual).bind(responsible).bind(APPLICATION);
            row.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// How many people were made to answer for an application, or for a service of it, by hand.
pub async fn count_answering_for(tx: &mut Tx, application: &str) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM assignments WHERE origin = $2 AND role = $3 \
         AND (scope = $1 OR substr(scope, 1, length($1) + 1) = $1 || '/') AND application_id IN (SELECT id FROM applications WHERE name = $4)";
    let responsible = GatewayRole::Responsible.name();
    Ok(on!(tx, |c| {
        let counted = sqlx::query_scalar(SQL).bind(application).bind(Origin::Manual).bind(responsible).bind(APPLICATION);
        counted.fetch_one(c).await
    })?)
}

/// How many roles were given by hand for a unit.
pub async fn count_in(tx: &mut Tx, unit: &str) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM assignments WHERE scope = $1 AND origin = $2 \
         AND application_id IN (SELECT id FROM applications WHERE scope_kind = $3 AND (name <> $4 OR assignments.role <> $5))";
    let elsewhere = GatewayRole::Responsible.name();
    Ok(on!(tx, |c| {
        let counted = sqlx::query_scalar(SQL).bind(unit).bind(Origin::Manual).bind(ScopeKind::Unit).bind(APPLICATION);
        counted.bind(elsewhere).fetch_one(c).await
    })?)
}

/// Whether rules give anyone a role of an application in a scope.
pub async fn any_computed_in(tx: &mut Tx, application: ApplicationId, scope: &str) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM assignments WHERE application_id = $1 AND scope = $2 AND origin <> $3)";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(application).bind(scope).bind(Origin::Manual).fetch_one(c).await)?)
}

/// Every role that was given some people by hand, whether it holds or not.
pub async fn list_of_users(tx: &mut Tx, users: &[UserId]) -> Result<Vec<Assignment>, Error> {
    const HEAD: &str = "SELECT x.id, x.user_id, x.application_id, a.name AS application, x.role, x.scope, x.origin, x.rule_id, \
         x.valid_from, x.valid_until, x.reason, x.given_by, x.created_at FROM assignments x JOIN applications a ON a.id = x.application_id \
         WHERE x.origin = 'manual' AND x.user_id IN (";
    bulk::select_in(tx, HEAD, users, ")").await
}

/// Writes the end and the reason of a role given by hand.
///
/// # Errors
/// `NotFound`.
pub async fn update(tx: &mut Tx, a: &Assignment) -> Result<(), Error> {
    const SQL: &str = "UPDATE assignments SET valid_until = $2, reason = $3 WHERE id = $1 AND origin = $4";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(a.id).bind(a.valid_until).bind(JsonText(&a.reason)).bind(Origin::Manual);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("assignment")) } else { Ok(()) }
}
