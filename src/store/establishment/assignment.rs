//! Who holds which role where, until when and why.

mod within;

pub use within::Within;

use serde::{Deserialize, Serialize};
use sqlx::QueryBuilder;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::columns::JsonText;
use crate::store::dialect::{ROWS_MAX, ROWS_PER_INSERT};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::fold;
use crate::types::id::{ApplicationId, AssignmentId, RuleId, UserId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// Where an assignment comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Origin {
    /// A rule.
    Rule,
    /// A person gave it by hand.
    Manual,
    /// The application's default role.
    Default,
}

/// One step of the way from a directory entry to a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// `entry`, `group`, `rule`, `capture`, `role` or `claim`.
    pub kind: String,
    /// What people read of it.
    pub name: String,
}

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Assignment {
    /// Key.
    pub id: AssignmentId,
    /// The person.
    #[serde(rename = "user")]
    pub user_id: UserId,
    /// The application's key.
    #[serde(skip)]
    pub application_id: ApplicationId,
    /// The application's name.
    pub application: String,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule that gave it.
    #[serde(rename = "rule")]
    pub rule_id: Option<RuleId>,
    /// It holds from then on.
    pub valid_from: Option<Timestamp>,
    /// It holds until then.
    pub valid_until: Option<Timestamp>,
    /// Why: the way from the entry to the role, or a person's words.
    #[sqlx(try_from = "JsonText<Vec<Step>>")]
    pub reason: Vec<Step>,
    /// Who gave it by hand, as the trail names them.
    pub given_by: Option<String>,
    /// When it was given.
    pub created_at: Timestamp,
}

/// What a list of assignments may be narrowed by.
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
    /// Exact origin.
    pub origin: Option<String>,
    /// The rule.
    pub rule: Option<RuleId>,
    /// What someone may see, who may not see all.
    pub within: Option<Within>,
}

/// One assignment by key.
pub async fn find(tx: &mut Tx, id: AssignmentId) -> Result<Option<Assignment>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, x.application_id, a.name AS application, x.role, x.scope, x.origin, x.rule_id, \
         x.valid_from, x.valid_until, x.reason, x.given_by, x.created_at FROM assignments x JOIN applications a ON a.id = x.application_id WHERE x.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of assignments, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, f: &Filter) -> Result<Page<Assignment>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, x.application_id, a.name AS application, x.role, x.scope, x.origin, x.rule_id, \
         x.valid_from, x.valid_until, x.reason, x.given_by, x.created_at FROM assignments x JOIN applications a ON a.id = x.application_id \
         WHERE ($1 IS NULL OR x.id > $1) AND ($2 IS NULL OR x.user_id = $2) AND ($3 IS NULL OR a.name = $3) \
         AND ($4 IS NULL OR x.role = $4) AND ($5 IS NULL OR x.scope = $5) AND ($6 IS NULL OR x.origin = $6) \
         AND ($7 IS NULL OR x.rule_id = $7) ORDER BY x.id LIMIT $8";
    const COUNT: &str = "SELECT count(*) FROM assignments x JOIN applications a ON a.id = x.application_id \
         WHERE ($1 IS NULL OR x.user_id = $1) AND ($2 IS NULL OR a.name = $2) AND ($3 IS NULL OR x.role = $3) \
         AND ($4 IS NULL OR x.scope = $4) AND ($5 IS NULL OR x.origin = $5) AND ($6 IS NULL OR x.rule_id = $6)";
    if let Some(within) = &f.within {
        return within::list(tx, page, f, within).await;
    }
    if let Some(words) = &page.query {
        return search(tx, page, f, words).await;
    }
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(f.user).bind(&f.application).bind(&f.role).bind(&f.scope);
        listed.bind(&f.origin).bind(f.rule).bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(f.user).bind(&f.application).bind(&f.role).bind(&f.scope);
        counted.bind(&f.origin).bind(f.rule).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |x: &Assignment| x.id.uuid()))
}

/// The same by words in application, role and scope, which are folded as they are read.
async fn search(tx: &mut Tx, page: &PageRequest, f: &Filter, words: &str) -> Result<Page<Assignment>, Error> {
    const TEXTS: &str = "SELECT x.id, a.name, x.role, x.scope FROM assignments x JOIN applications a ON a.id = x.application_id \
         WHERE ($1 IS NULL OR x.user_id = $1) AND ($2 IS NULL OR a.name = $2) AND ($3 IS NULL OR x.role = $3) \
         AND ($4 IS NULL OR x.scope = $4) AND ($5 IS NULL OR x.origin = $5) AND ($6 IS NULL OR x.rule_id = $6) ORDER BY x.id";
    let texts: Vec<(AssignmentId, String, String, String)> = on!(tx, |c| {
        let listed = sqlx::query_as(TEXTS).bind(f.user).bind(&f.application).bind(&f.role).bind(&f.scope);
        listed.bind(&f.origin).bind(f.rule).fetch_all(c).await
    })?;
    let fits = |name: &str, role: &str, scope: &str| fold(&format!("{name} {role} {scope}")).contains(words);
    let found: Vec<AssignmentId> = texts.into_iter().filter(|(_, name, role, scope)| fits(name, role, scope)).map(|(id, ..)| id).collect();
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let most = usize::try_from(page.limit + 1).unwrap_or_default();
    let wanted: Vec<AssignmentId> = found.into_iter().filter(|id| page.after.is_none_or(|after| id.uuid() > after)).take(most).collect();
    let mut rows = Vec::with_capacity(wanted.len());
    for id in wanted {
        rows.extend(find(tx, id).await?);
    }
    Ok(Page::cut(rows, page.limit, total, |x: &Assignment| x.id.uuid()))
}

/// A person's assignments in every application, by application, role and scope.
pub async fn list_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Assignment>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, x.application_id, a.name AS application, x.role, x.scope, x.origin, x.rule_id, \
         x.valid_from, x.valid_until, x.reason, x.given_by, x.created_at FROM assignments x JOIN applications a ON a.id = x.application_id \
         WHERE x.user_id = $1 ORDER BY a.name, x.role, x.scope, x.origin LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(user).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// A person's assignments in one application that hold now, by role and scope.
pub async fn list_held(tx: &mut Tx, user: UserId, application: ApplicationId, now: Timestamp) -> Result<Vec<Assignment>, Error> {
    const SQL: &str = "SELECT x.id, x.user_id, x.application_id, a.name AS application, x.role, x.scope, x.origin, x.rule_id, \
         x.valid_from, x.valid_until, x.reason, x.given_by, x.created_at FROM assignments x JOIN applications a ON a.id = x.application_id \
         WHERE x.user_id = $1 AND x.application_id = $2 AND (x.valid_from IS NULL OR x.valid_from <= $3) \
         AND (x.valid_until IS NULL OR x.valid_until > $3) ORDER BY x.role, x.scope, x.origin LIMIT $4";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(user).bind(application).bind(now).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// What some people hold now in one application, by person.
pub async fn list_held_of(tx: &mut Tx, users: &[UserId], application: ApplicationId, now: Timestamp) -> Result<Vec<Standing>, Error> {
    const HEAD: &str = "SELECT id, user_id, application_id, role, scope, origin, rule_id, valid_from, valid_until, reason FROM assignments \
         WHERE application_id = ";
    let mut found = Vec::new();
    for chunk in users.chunks(ROWS_PER_INSERT) {
        let rows: Vec<Standing> = on!(tx, |c| {
            let mut query = QueryBuilder::new(HEAD);
            query.push_bind(application).push(" AND (valid_from IS NULL OR valid_from <= ").push_bind(now);
            query.push(") AND (valid_until IS NULL OR valid_until > ").push_bind(now).push(") AND user_id IN (");
            let mut keys = query.separated(", ");
            for user in chunk {
                keys.push_bind(*user);
            }
            query.push(") ORDER BY user_id, role, scope, origin");
            query.build_query_as().persistent(chunk.len() == ROWS_PER_INSERT).fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// Whoever was given anything in one application, after a key, by key.
pub async fn list_given(tx: &mut Tx, application: ApplicationId, after: Option<UserId>, limit: i64) -> Result<Vec<UserId>, Error> {
    const SQL: &str = "SELECT DISTINCT user_id FROM assignments WHERE application_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3";
    let after = after.unwrap_or_else(|| UserId::from(Uuid::nil()));
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(application).bind(after).bind(limit).fetch_all(c).await)?)
}

impl From<JsonText<Self>> for Vec<Step> {
    fn from(read: JsonText<Self>) -> Self {
        read.0
    }
}

/// What a recomputation reads and writes of an assignment. The reason stays the stored text: to compare it needs no reading of it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    /// Key.
    pub id: AssignmentId,
    /// The person.
    pub user_id: UserId,
    /// The application's key.
    pub application_id: ApplicationId,
    /// The role.
    pub role: String,
    /// Where it holds; empty is everywhere.
    pub scope: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The rule that gave it.
    pub rule_id: Option<RuleId>,
    /// It holds from then on.
    pub valid_from: Option<Timestamp>,
    /// It holds until then.
    pub valid_until: Option<Timestamp>,
    /// The steps of the reason, as JSON.
    pub reason: String,
}

/// Assignments of people within a range of keys (`after` excluded, `last` included), by person.
pub async fn list_between(tx: &mut Tx, after: Option<UserId>, last: UserId) -> Result<Vec<Standing>, Error> {
    const SQL: &str = "SELECT id, user_id, application_id, role, scope, origin, rule_id, valid_from, valid_until, reason \
         FROM assignments WHERE user_id > $1 AND user_id <= $2 ORDER BY user_id, application_id, role, scope, origin";
    let after = after.unwrap_or_else(|| UserId::from(Uuid::nil()));
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(last).fetch_all(c).await)?)
}

/// Writes new assignments.
///
/// # Errors
/// `Taken` when the person holds the same role in the same scope from the same origin already.
pub async fn insert_all(tx: &mut Tx, assignments: &[Assignment]) -> Result<(), Error> {
    const HEAD: &str = "INSERT INTO assignments (id, user_id, application_id, role, scope, origin, rule_id, valid_from, valid_until, reason, \
         given_by, created_at) ";
    for chunk in assignments.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, x| {
                row.push_bind(x.id).push_bind(x.user_id).push_bind(x.application_id).push_bind(&x.role).push_bind(&x.scope);
                row.push_bind(x.origin).push_bind(x.rule_id).push_bind(x.valid_from).push_bind(x.valid_until);
                row.push_bind(JsonText(&x.reason)).push_bind(&x.given_by).push_bind(x.created_at);
            });
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Writes computed assignments: new ones, and another rule, end and reason for those that stay.
pub async fn upsert_computed(tx: &mut Tx, computed: &[Standing], now: Timestamp) -> Result<(), Error> {
    const HEAD: &str =
        "INSERT INTO assignments (id, user_id, application_id, role, scope, origin, rule_id, valid_until, reason, created_at) ";
    const TAIL: &str = " ON CONFLICT (user_id, application_id, role, scope, origin) DO UPDATE SET rule_id = excluded.rule_id, \
         valid_until = excluded.valid_until, reason = excluded.reason";
    for chunk in computed.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut rows = QueryBuilder::new(HEAD);
            rows.push_values(chunk, |mut row, x| {
                row.push_bind(x.id).push_bind(x.user_id).push_bind(x.application_id).push_bind(&x.role).push_bind(&x.scope);
                row.push_bind(x.origin).push_bind(x.rule_id).push_bind(x.valid_until);
                row.push_bind(&x.reason).push_bind(now);
            });
            rows.push(TAIL);
            rows.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Takes many assignments away.
pub async fn delete_all(tx: &mut Tx, ids: &[AssignmentId]) -> Result<(), Error> {
    for chunk in ids.chunks(ROWS_PER_INSERT) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new("DELETE FROM assignments WHERE id IN (");
            let mut listed = query.separated(", ");
            for id in chunk {
                listed.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(chunk.len() == ROWS_PER_INSERT).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Whether anyone holds anything by a rule or a default role.
pub async fn any_computed(tx: &mut Tx) -> Result<bool, Error> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM assignments WHERE origin <> $1)";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(Origin::Manual).fetch_one(c).await)?)
}

/// Takes away what was computed for a person, and says how many.
pub async fn delete_computed_of_user(tx: &mut Tx, user: UserId) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM assignments WHERE user_id = $1 AND origin <> $2";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(user).bind(Origin::Manual).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Whether someone gave a person a role by hand that holds at an instant, or will.
pub async fn any_manual_of_user(tx: &mut Tx, user: UserId, at: Timestamp) -> Result<bool, Error> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM assignments WHERE user_id = $1 AND origin = $2 AND (valid_until IS NULL OR valid_until > $3))";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(user).bind(Origin::Manual).bind(at).fetch_one(c).await)?)
}

/// Takes away every role of a person, whoever gave it.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM assignments WHERE user_id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(user).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes away what was computed for an application.
pub async fn delete_computed_of_application(tx: &mut Tx, application: ApplicationId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM assignments WHERE application_id = $1 AND origin <> $2";
    on!(tx, |c| sqlx::query(SQL).bind(application).bind(Origin::Manual).execute(c).await.map(drop))?;
    Ok(())
}

/// Roles that were given by hand in an application, by name, whether they hold now or not.
pub async fn manual_roles_of_application(tx: &mut Tx, application: ApplicationId) -> Result<Vec<String>, Error> {
    const SQL: &str = "SELECT DISTINCT role FROM assignments WHERE application_id = $1 AND origin = $2 ORDER BY role LIMIT $3";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(application).bind(Origin::Manual).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Takes an assignment away.
///
/// # Errors
/// `NotFound`.
pub async fn delete(tx: &mut Tx, id: AssignmentId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM assignments WHERE id = $1";
    let gone = on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|d| d.rows_affected()))?;
    if gone == 0 { Err(Error::NotFound("assignment")) } else { Ok(()) }
}

/// Ends an assignment at an instant.
///
/// # Errors
/// `NotFound`.
pub async fn end(tx: &mut Tx, id: AssignmentId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE assignments SET valid_until = $2 WHERE id = $1";
    let changed = on!(tx, |c| sqlx::query(SQL).bind(id).bind(at).execute(c).await.map(|d| d.rows_affected()))?;
    if changed == 0 { Err(Error::NotFound("assignment")) } else { Ok(()) }
}
