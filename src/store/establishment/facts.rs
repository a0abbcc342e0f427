//! What rules look at of many people at once: no more than they look at, in the order of people's keys.

mod packed;

use sqlx::{Database, Encode, QueryBuilder, Type};
use uuid::Uuid;

use crate::store::dialect::{ROWS_PER_INSERT, packed_assignments, packed_groups};
use crate::store::establishment::assignment::Standing;
use crate::store::establishment::exclusion::Excluded;
use crate::store::establishment::user::{User, UserStatus};
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{GroupId, SourceId, UserId};
use crate::types::time::Timestamp;

/// One person, with units and attributes as the text they are kept as: to read them is left to whoever needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// The person, without units and attributes, and without what no rule looks at.
    pub user: User,
    /// The units, as JSON.
    pub units: String,
    /// The attributes, as JSON.
    pub attributes: String,
}

impl From<User> for Sketch {
    /// A person who is known whole: nothing is left to be read.
    fn from(user: User) -> Self {
        Self { user, units: String::new(), attributes: String::new() }
    }
}

/// A row as the store has it.
type Row =
    (UserId, String, Option<String>, Option<String>, String, Option<String>, Option<String>, UserStatus, Option<String>, String, String);

impl From<Row> for Sketch {
    fn from(row: Row) -> Self {
        let (id, username, given_name, family_name, display_name, email, locale, status, home_unit, units, attributes) = row;
        let user = User {
            id,
            username,
            given_name,
            family_name,
            display_name,
            email,
            locale,
            status,
            disabled_by: None,
            home_unit,
            units: Vec::new(),
            attributes: std::collections::BTreeMap::new(),
            last_sign_in_at: None,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            erased_at: None,
        };
        Self { user, units, attributes }
    }
}

/// Whose facts are read.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// People within a range of keys: the first is excluded, the last included.
    Between(Option<UserId>, UserId),
    /// These, at most as many as one statement takes.
    These(&'a [UserId]),
}

/// Most people named one by one.
pub const THESE_MAX: usize = ROWS_PER_INSERT;

/// Narrows a query to some people, by a column that holds their keys.
fn narrow<DB: Database>(query: &mut QueryBuilder<DB>, column: &str, whose: Whose<'_>)
where
    for<'a> UserId: Encode<'a, DB> + Type<DB>,
{
    match whose {
        Whose::Between(after, last) => {
            query.push(column).push(" > ").push_bind(after.unwrap_or_else(|| UserId::from(Uuid::nil())));
            query.push(" AND ").push(column).push(" <= ").push_bind(last);
        }
        Whose::These(people) => {
            query.push(column).push(" IN (");
            let mut keys = query.separated(", ");
            for person in people {
                keys.push_bind(*person);
            }
            query.push(")");
        }
    }
}

const PEOPLE: &str = "SELECT id, username, given_name, family_name, display_name, email, locale, status, home_unit, CAST(units AS TEXT), ";
const ATTRIBUTES: &str = "CAST(attributes AS TEXT)";
const NO_ATTRIBUTES: &str = "'{}'";

/// People after a key; their attributes only when they are wanted.
pub async fn people_after(tx: &mut Tx, after: Option<UserId>, limit: i64, with_attributes: bool) -> Result<Vec<Sketch>, Error> {
    let attributes = if with_attributes { ATTRIBUTES } else { NO_ATTRIBUTES };
    let rows: Vec<Row> = on!(tx, |c| {
        let mut query = QueryBuilder::new(PEOPLE);
        query.push(attributes).push(" FROM users WHERE id > ").push_bind(after.unwrap_or_else(|| UserId::from(Uuid::nil())));
        query.push(" ORDER BY id LIMIT ").push_bind(limit);
        query.build_query_as().fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(Sketch::from).collect())
}

/// Some people.
pub async fn people(tx: &mut Tx, whose: Whose<'_>, with_attributes: bool) -> Result<Vec<Sketch>, Error> {
    let attributes = if with_attributes { ATTRIBUTES } else { NO_ATTRIBUTES };
    let rows: Vec<Row> = on!(tx, |c| {
        let mut query = QueryBuilder::new(PEOPLE);
        query.push(attributes).push(" FROM users WHERE ");
        narrow(&mut query, "id", whose);
        query.push(" ORDER BY id").build_query_as().persistent(is_usual(whose)).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(Sketch::from).collect())
}

/// Groups they are in directly.
pub async fn memberships(tx: &mut Tx, whose: Whose<'_>) -> Result<Vec<(UserId, GroupId)>, Error> {
    let groups = packed_groups(tx.engine());
    let rows: Vec<(UserId, String)> = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT user_id, ");
        query.push(groups).push(" FROM memberships WHERE ");
        narrow(&mut query, "user_id", whose);
        query.push(" GROUP BY user_id ORDER BY user_id").build_query_as().persistent(is_usual(whose)).fetch_all(c).await
    })?;
    let mut memberships = Vec::new();
    for (user, packed) in rows {
        let first = memberships.len();
        for group in packed::groups(&packed) {
            memberships.push((user, group?));
        }
        memberships.get_mut(first..).unwrap_or_default().sort_unstable();
    }
    Ok(memberships)
}

/// Sources and DNs of their entries that are present.
pub async fn links(tx: &mut Tx, whose: Whose<'_>) -> Result<Vec<(UserId, SourceId, Option<String>)>, Error> {
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT user_id, source_id, dn FROM links WHERE ");
        narrow(&mut query, "user_id", whose);
        query.push(" AND present = ").push_bind(true);
        query.push(" ORDER BY user_id, source_id, external_id").build_query_as().persistent(is_usual(whose)).fetch_all(c).await
    })?)
}

/// What they hold; the reasons only when they are wanted, and empty otherwise.
pub async fn standing(tx: &mut Tx, whose: Whose<'_>, with_reasons: bool) -> Result<Vec<Standing>, Error> {
    let held = packed_assignments(tx.engine(), with_reasons);
    let rows: Vec<(UserId, String)> = on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT user_id, ");
        query.push(held).push(" FROM assignments WHERE ");
        narrow(&mut query, "user_id", whose);
        query.push(" GROUP BY user_id ORDER BY user_id").build_query_as().persistent(is_usual(whose)).fetch_all(c).await
    })?;
    let mut standing = Vec::new();
    for (user, packed) in rows {
        packed::standing(user, &packed, &mut standing).ok_or_else(packed::broken)?;
    }
    Ok(standing)
}

/// What they are not to hold.
pub async fn exclusions(tx: &mut Tx, whose: Whose<'_>) -> Result<Vec<Excluded>, Error> {
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT user_id, application_id, role, scope, valid_until FROM exclusions WHERE ");
        narrow(&mut query, "user_id", whose);
        query.push(" ORDER BY user_id").build_query_as().persistent(is_usual(whose)).fetch_all(c).await
    })?)
}

/// Whether a statement comes again in the same form.
fn is_usual(whose: Whose<'_>) -> bool {
    match whose {
        Whose::Between(..) => true,
        Whose::These(people) => matches!(people.len(), 1 | THESE_MAX),
    }
}
