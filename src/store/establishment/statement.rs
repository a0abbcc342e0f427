//! What each of several sources says of one person. Someone whom one source alone states has none: their own row says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::user::User;
use crate::store::bulk;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{SourceId, UserId};

/// The fields of a person, as one source states them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stated {
    /// The name to sign in with.
    pub username: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// What people read.
    pub display_name: String,
    /// Address.
    pub email: Option<String>,
    /// Preferred language, a BCP 47 tag.
    pub locale: Option<String>,
    /// The unit the person belongs to first.
    pub home_unit: Option<String>,
    /// Every unit.
    pub units: Vec<String>,
    /// Whatever else the mapping keeps.
    pub attributes: BTreeMap<String, Vec<String>>,
}

impl Stated {
    /// What the row of someone says whom one source states.
    pub fn of(user: &User) -> Self {
        Self {
            username: user.username.clone(),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            display_name: user.display_name.clone(),
            email: user.email.clone(),
            locale: user.locale.clone(),
            home_unit: user.home_unit.clone(),
            units: user.units.clone(),
            attributes: user.attributes.clone(),
        }
    }
}

/// One source's word on one person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Statement {
    /// The source.
    pub source_id: SourceId,
    /// The source's immutable key.
    pub external_id: String,
    /// The person.
    pub user_id: UserId,
    /// The fields.
    #[sqlx(json)]
    pub stated: Stated,
    /// Whether the last complete run saw the entry, as its link says.
    pub present: bool,
}

/// How a person stands in one of several sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Shared {
    /// The person.
    pub user_id: UserId,
    /// The source.
    pub source_id: SourceId,
    /// Whether the last complete run saw the entry.
    pub present: bool,
    /// Whether the source lets the person in.
    pub active: bool,
}

/// How everyone whom a source shares with others stands in those.
pub async fn list_shared(tx: &mut Tx, source: SourceId) -> Result<Vec<Shared>, Error> {
    const SQL: &str = "SELECT s.user_id, s.source_id, l.present, l.active FROM statements s \
         JOIN links l ON l.source_id = s.source_id AND l.external_id = s.external_id \
         WHERE s.source_id <> $1 AND s.user_id IN (SELECT user_id FROM statements WHERE source_id = $1) ORDER BY s.user_id, s.source_id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_all(c).await)?)
}

/// How some people stand in the sources that share them with this one.
pub async fn list_shared_of_users(tx: &mut Tx, source: SourceId, users: &[UserId]) -> Result<Vec<Shared>, Error> {
    const HEAD: &str = "SELECT s.user_id, s.source_id, l.present, l.active FROM statements s \
         JOIN links l ON l.source_id = s.source_id AND l.external_id = s.external_id WHERE s.source_id <> ";
    bulk::select_in_source(tx, (HEAD, source, " AND s.user_id IN ("), users, ") ORDER BY s.user_id, s.source_id").await
}

/// What every source says of some people.
pub async fn list_of_users(tx: &mut Tx, users: &[UserId]) -> Result<Vec<Statement>, Error> {
    const HEAD: &str = "SELECT s.source_id, s.external_id, s.user_id, s.stated, l.present FROM statements s \
         JOIN links l ON l.source_id = s.source_id AND l.external_id = s.external_id WHERE s.user_id IN (";
    bulk::select_in(tx, HEAD, users, ") ORDER BY s.user_id, s.source_id, s.external_id").await
}

/// Writes what a source says now. Its link is there already.
pub async fn keep(tx: &mut Tx, s: &Statement) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO statements (source_id, external_id, user_id, stated) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (source_id, external_id) DO UPDATE SET user_id = excluded.user_id, stated = excluded.stated";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(s.source_id).bind(&s.external_id).bind(s.user_id);
        row.bind(Json(&s.stated)).execute(c).await.map(drop)
    })?;
    Ok(())
}
