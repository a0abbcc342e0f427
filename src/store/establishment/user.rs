//! People of an establishment.

mod within;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::bulk::{self, Cells, NewRow};
use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::UserId;
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;
use crate::types::{fold, fold_case};

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum UserStatus {
    /// Invited, has not chosen a password yet.
    Pending,
    /// May sign in.
    Active,
    /// May not, and holds no live session.
    Disabled,
}

/// Who disabled a person: what a source took away it may give back; an administrator's word stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum DisabledBy {
    /// Gone from the directory, or inactive there.
    Source,
    /// A person's decision.
    Administrator,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct User {
    /// Key, and the stable subject of tokens.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// What people read.
    pub display_name: String,
    /// Address; never a proof of identity.
    pub email: Option<String>,
    /// Preferred language, a BCP 47 tag.
    pub locale: Option<String>,
    /// Whether the person may sign in.
    pub status: UserStatus,
    /// Who disabled the person, when disabled.
    pub disabled_by: Option<DisabledBy>,
    /// The unit the person belongs to first.
    pub home_unit: Option<String>,
    /// Every unit.
    #[sqlx(json)]
    pub units: Vec<String>,
    /// Whatever else the mapping keeps.
    #[sqlx(json)]
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Last sign-in.
    pub last_sign_in_at: Option<Timestamp>,
    /// When the gateway first knew the person.
    pub created_at: Timestamp,
    /// When the person last changed.
    pub updated_at: Timestamp,
    /// When all that told who it was has been wiped.
    pub erased_at: Option<Timestamp>,
}

impl User {
    /// The folded text that searches look in.
    fn search(&self) -> String {
        let parts = [self.given_name.as_deref(), self.family_name.as_deref(), Some(&self.display_name), Some(&self.username)];
        let joined: Vec<&str> = parts.into_iter().flatten().chain(self.email.as_deref()).collect();
        fold(&joined.join(" "))
    }
}

/// What a list of people may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact user name, any letter case.
    pub username: Option<String>,
    /// Exact address.
    pub email: Option<String>,
    /// Exact status.
    pub status: Option<String>,
    /// Exact home unit.
    pub home_unit: Option<String>,
    /// Exact given name.
    pub given_name: Option<String>,
    /// Exact family name.
    pub family_name: Option<String>,
    /// Exact display name.
    pub display_name: Option<String>,
    /// Exact language.
    pub locale: Option<String>,
    /// Who disabled the person.
    pub disabled_by: Option<String>,
    /// Home units, for someone who may see the people of these alone.
    pub within: Option<Vec<String>>,
    /// Whether words are looked for in names alone, for someone who may not see addresses.
    pub by_name: bool,
}

/// One person by key.
pub async fn find(tx: &mut Tx, id: UserId) -> Result<Option<User>, Error> {
    const SQL: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users WHERE id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// One person by key.
///
/// # Errors
/// `NotFound`.
pub async fn get(tx: &mut Tx, id: UserId) -> Result<User, Error> {
    find(tx, id).await?.ok_or(Error::NotFound("user"))
}

/// One person by user name, in any letter case.
pub async fn find_by_username(tx: &mut Tx, username: &str) -> Result<Option<User>, Error> {
    const SQL: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users WHERE username_folded = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(fold_case(username)).fetch_optional(c).await)?)
}

/// A page of people, oldest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter) -> Result<Page<User>, Error> {
    const SQL: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users \
         WHERE ($1 IS NULL OR id > $1) AND ($2 IS NULL OR search LIKE $2 ESCAPE '\\') AND ($3 IS NULL OR username_folded = $3) \
         AND ($4 IS NULL OR email = $4) AND ($5 IS NULL OR status = $5) AND ($6 IS NULL OR home_unit = $6) \
         AND ($7 IS NULL OR given_name = $7) AND ($8 IS NULL OR family_name = $8) AND ($9 IS NULL OR display_name = $9) \
         AND ($10 IS NULL OR locale = $10) AND ($11 IS NULL OR disabled_by = $11) ORDER BY id LIMIT $12";
    const COUNT: &str = "SELECT count(*) FROM users WHERE ($1 IS NULL OR search LIKE $1 ESCAPE '\\') \
         AND ($2 IS NULL OR username_folded = $2) AND ($3 IS NULL OR email = $3) AND ($4 IS NULL OR status = $4) \
         AND ($5 IS NULL OR home_unit = $5) AND ($6 IS NULL OR given_name = $6) AND ($7 IS NULL OR family_name = $7) \
         AND ($8 IS NULL OR display_name = $8) AND ($9 IS NULL OR locale = $9) AND ($10 IS NULL OR disabled_by = $10)";
    if filter.within.is_some() || filter.by_name {
        return within::list(tx, page, filter).await;
    }
    let query = page.query.as_deref().map(like_part);
    let username = filter.username.as_deref().map(fold_case);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(&query).bind(&username).bind(&filter.email);
        let listed = listed.bind(&filter.status).bind(&filter.home_unit).bind(&filter.given_name).bind(&filter.family_name);
        let listed = listed.bind(&filter.display_name).bind(&filter.locale).bind(&filter.disabled_by);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| {
        let counted = sqlx::query_scalar(COUNT).bind(&query).bind(&username).bind(&filter.email);
        let counted = counted.bind(&filter.status).bind(&filter.home_unit).bind(&filter.given_name).bind(&filter.family_name);
        counted.bind(&filter.display_name).bind(&filter.locale).bind(&filter.disabled_by).fetch_one(c).await
    })?;
    Ok(Page::cut(rows, page.limit, total, |u: &User| u.id.uuid()))
}

/// People after a key, for work that goes over everyone in bounded steps.
pub async fn list_after(tx: &mut Tx, after: Option<UserId>, limit: i64) -> Result<Vec<User>, Error> {
    const SQL: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users WHERE id > $1 ORDER BY id LIMIT $2";
    let after = after.unwrap_or_else(|| UserId::from(Uuid::nil()));
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(c).await)?)
}

/// People in a unit after a key, by key: it is their home unit or one of their units.
pub async fn list_in_unit(tx: &mut Tx, unit: &str, after: Option<UserId>, limit: i64) -> Result<Vec<User>, Error> {
    const SQL: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users \
         WHERE id > $1 AND (home_unit = $2 OR replace(CAST(units AS TEXT), $3, '') <> CAST(units AS TEXT)) ORDER BY id LIMIT $4";
    let after = after.unwrap_or_else(|| UserId::from(Uuid::nil()));
    let listed = as_listed(unit);
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(unit).bind(&listed).bind(limit).fetch_all(c).await)?)
}

/// How many people are in a unit: it is their home unit or one of their units.
pub async fn count_in_unit(tx: &mut Tx, unit: &str) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM users WHERE home_unit = $1 OR replace(CAST(units AS TEXT), $2, '') <> CAST(units AS TEXT)";
    let listed = as_listed(unit);
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(unit).bind(&listed).fetch_one(c).await)?)
}

/// The names of all units that someone is in.
pub async fn units_of_everyone(tx: &mut Tx) -> Result<BTreeSet<String>, Error> {
    const SQL: &str = "SELECT DISTINCT home_unit, units FROM users";
    let lists: Vec<(Option<String>, Json<Vec<String>>)> = on!(tx, |c| sqlx::query_as(SQL).fetch_all(c).await)?;
    Ok(lists.into_iter().flat_map(|(home, Json(units))| units.into_iter().chain(home)).collect())
}

/// What the text of a JSON list holds that names a unit: engines write such lists with other spaces, and texts within them alike. `LIKE` would
/// pass over letter case on one of them.
fn as_listed(unit: &str) -> String {
    serde_json::Value::from(unit).to_string()
}

/// Writes one new person.
///
/// # Errors
/// `Taken` when the user name is another's.
pub async fn insert(tx: &mut Tx, user: &User) -> Result<(), Error> {
    insert_all(tx, std::slice::from_ref(user)).await
}

/// Writes many new people at once.
///
/// # Errors
/// `Taken` when a user name is another's; then the transaction is to be dropped.
pub async fn insert_all(tx: &mut Tx, users: &[User]) -> Result<(), Error> {
    bulk::insert_all(tx, users).await
}

impl NewRow for User {
    const INTO: &'static str = "users (id, username, username_folded, given_name, family_name, display_name, email, locale, search, \
         status, disabled_by, home_unit, units, attributes, last_sign_in_at, created_at, updated_at, erased_at)";

    fn put_in(&self, row: &mut impl Cells) {
        row.put(self.id).put(&self.username).put(fold_case(&self.username)).put(&self.given_name);
        row.put(&self.family_name).put(&self.display_name).put(&self.email).put(&self.locale);
        row.put(self.search()).put(self.status).put(self.disabled_by).put(&self.home_unit);
        row.put(Json(&self.units)).put(Json(&self.attributes)).put(self.last_sign_in_at);
        row.put(self.created_at).put(self.updated_at).put(self.erased_at);
    }
}

/// Writes what may change of a person: everything but the key, the creation and the last sign-in.
///
/// # Errors
/// `Taken` when the user name is another's, `NotFound`.
pub async fn update(tx: &mut Tx, u: &User) -> Result<(), Error> {
    const SQL: &str = "UPDATE users SET username = $2, username_folded = $3, given_name = $4, family_name = $5, display_name = $6, \
         email = $7, locale = $8, search = $9, status = $10, disabled_by = $11, home_unit = $12, units = $13, attributes = $14, \
         updated_at = $15 WHERE id = $1";
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(u.id).bind(&u.username).bind(fold_case(&u.username)).bind(&u.given_name);
        let row = row.bind(&u.family_name).bind(&u.display_name).bind(&u.email).bind(&u.locale).bind(u.search());
        let row = row.bind(u.status).bind(u.disabled_by).bind(&u.home_unit).bind(Json(&u.units)).bind(Json(&u.attributes));
        row.bind(u.updated_at).execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("user")) } else { Ok(()) }
}

/// Notes a sign-in.
pub async fn touch_sign_in(tx: &mut Tx, id: UserId, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE users SET last_sign_in_at = $2 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes a person and everything that hangs on them.
pub async fn delete(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM users WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Wipes all that tells who a person was. The key stays, and the row, under a name that says nothing.
///
/// # Errors
/// `NotFound`.
pub async fn erase(tx: &mut Tx, id: UserId, username: &str, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE users SET username = $2, username_folded = $3, given_name = NULL, family_name = NULL, display_name = $2, \
         email = NULL, locale = NULL, search = $3, status = 'disabled', home_unit = NULL, units = $4, attributes = $5, \
         last_sign_in_at = NULL, updated_at = $6, erased_at = $6 WHERE id = $1";
    let (units, attributes) = (Json(Vec::<String>::new()), Json(BTreeMap::<String, Vec<String>>::new()));
    let changed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(id).bind(username).bind(fold_case(username)).bind(&units).bind(&attributes).bind(at);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    if changed == 0 { Err(Error::NotFound("user")) } else { Ok(()) }
}

/// How many people are active.
pub async fn count_active(tx: &mut Tx) -> Result<i64, Error> {
    const SQL: &str = "SELECT count(*) FROM users WHERE status = 'active'";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_one(c).await)?)
}

/// Keys and folded names of everyone: what a sync run finds conflicts with.
pub async fn usernames(tx: &mut Tx) -> Result<Vec<(UserId, String)>, Error> {
    const SQL: &str = "SELECT id, username_folded FROM users ORDER BY id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).fetch_all(c).await)?)
}

/// Some people by key; who is not there is left out.
pub async fn list_by_ids(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<User>, Error> {
    const HEAD: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, disabled_by, home_unit, \
         units, attributes, last_sign_in_at, created_at, updated_at, erased_at FROM users WHERE id IN (";
    bulk::select_in(tx, HEAD, ids, ")").await
}

/// What a run compares people with, whether its source states them or not.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    /// Key.
    pub id: UserId,
    /// The user name, folded.
    pub username_folded: String,
    /// Whether the person may sign in.
    pub status: UserStatus,
    /// Who disabled the person, when disabled.
    pub disabled_by: Option<DisabledBy>,
}

/// Everyone's account after a key, in bounded steps.
pub async fn list_accounts_after(tx: &mut Tx, after: UserId, limit: i64) -> Result<Vec<Account>, Error> {
    const SQL: &str = "SELECT id, username_folded, status, disabled_by FROM users WHERE id > $1 ORDER BY id LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Some accounts, by key.
pub async fn list_accounts(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<Account>, Error> {
    const HEAD: &str = "SELECT id, username_folded, status, disabled_by FROM users WHERE id IN (";
    bulk::select_in(tx, HEAD, ids, ")").await
}

/// Some accounts, by folded user name.
pub async fn list_accounts_named(tx: &mut Tx, names: &[String]) -> Result<Vec<Account>, Error> {
    const HEAD: &str = "SELECT id, username_folded, status, disabled_by FROM users WHERE username_folded IN (";
    bulk::select_in(tx, HEAD, names, ")").await
}

/// Gives a person another user name and nothing else.
///
/// # Errors
/// `Taken` when the user name is another's.
pub async fn set_username(tx: &mut Tx, id: UserId, username: &str) -> Result<(), Error> {
    const SQL: &str = "UPDATE users SET username = $2, username_folded = $3 WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(username).bind(fold_case(username)).execute(c).await.map(drop))?;
    Ok(())
}

/// Frees a person's user name within a run that gives them another; what people read stays until then.
pub async fn park_username(tx: &mut Tx, id: UserId) -> Result<(), Error> {
    const SQL: &str = "UPDATE users SET username_folded = $2 WHERE id = $1";
    // No user name has a space, so no one else can have this one.
    on!(tx, |c| sqlx::query(SQL).bind(id).bind(format!("parked {id}")).execute(c).await.map(drop))?;
    Ok(())
}
