//! Many relations at once: what is new is added, what differs is changed, and each row that does not fit is told by its line.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::brought_rows::{self, Brought, Imported, Numbered};
use super::super::context::Context;
use super::super::error::Error;
use super::super::roles::not_oneself;
use super::{record_in, to_oneself};
use crate::store::Tx;
use crate::store::establishment::relation::{self, Relation};
use crate::store::establishment::user;
use crate::types::id::{RelationId, UserId};
use crate::types::permission::Permission;
use crate::types::{Invalid, fold_case, wording};

/// The titles that a spreadsheet may have.
const TITLES: [&str; 5] = ["kind", "username", "other_username", "until", "reason"];
/// Those it must have.
const REQUIRED: [&str; 3] = ["kind", "username", "other_username"];

/// One relation, as lists of them write it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationRow {
    /// What the one is to the other: `tutor`.
    pub kind: String,
    /// The name the one signs in with.
    pub username: String,
    /// The name the other signs in with.
    pub other_username: String,
    /// It holds until then: an instant, or a day, which is counted in.
    #[serde(default)]
    pub until: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

type Key = (String, UserId, UserId);

/// Adds and changes relations. Rows that do not fit are named and left out; the others are written together, or not at all when only tried.
///
/// # Errors
/// `Invalid` when the rows cannot be read at all.
pub async fn import(ctx: &Context, brought: Brought<RelationRow>, dry_run: bool) -> Result<Imported, Error> {
    ctx.require(Permission::ManageRoles)?;
    let rows = brought_rows::numbered(brought, &TITLES, &REQUIRED)?;
    let mut outcome = Imported { dry_run, ..Imported::default() };
    let mut tx = if dry_run { ctx.store.read().await? } else { ctx.store.begin().await? };
    let people = people_in(&mut tx, &rows).await?;
    let ones: BTreeSet<UserId> = people.values().copied().collect();
    let standing = relation::list_of_users(&mut tx, &ones.into_iter().collect::<Vec<_>>()).await?;
    let mut standing: HashMap<Key, Relation> = standing.into_iter().map(|r| ((r.kind.clone(), r.user_id, r.other_id), r)).collect();
    let (mut added, mut updated, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Numbered { line, row } in rows {
        let judged = row.and_then(|row| judged(ctx, &people, &row));
        let fresh = match judged {
            Ok(fresh) => fresh,
            Err(why) => {
                outcome.refuse(line, why);
                continue;
            }
        };
        let key = (fresh.kind.clone(), fresh.user_id, fresh.other_id);
        if !seen.insert(key.clone()) {
            outcome.refuse(line, Invalid::new("row", "the same relation stands on a line before"));
            continue;
        }
        match standing.remove(&key) {
            None => added.push(fresh),
            Some(known) if known.valid_until == fresh.valid_until && known.reason == fresh.reason => outcome.unchanged += 1,
            Some(known) => updated.push(Relation { valid_until: fresh.valid_until, reason: fresh.reason, ..known }),
        }
    }
    (outcome.added, outcome.updated) = (added.len() as u64, updated.len() as u64);
    if dry_run {
        return Ok(outcome);
    }
    write_in(&mut tx, ctx, &added, &updated).await?;
    tx.commit().await?;
    Ok(outcome)
}

async fn write_in(tx: &mut Tx, ctx: &Context, added: &[Relation], updated: &[Relation]) -> Result<(), Error> {
    relation::insert_all(tx, added).await?;
    for one in added {
        record_in(tx, ctx, "relation.added", one).await?;
    }
    for one in updated {
        relation::update(tx, one).await?;
        record_in(tx, ctx, "relation.updated", one).await?;
    }
    Ok(())
}

/// Everyone whom rows name, by user name.
async fn people_in(tx: &mut Tx, rows: &[Numbered<RelationRow>]) -> Result<HashMap<String, UserId>, Error> {
    let told = rows.iter().filter_map(|one| one.row.as_ref().ok());
    let names: BTreeSet<String> = told.flat_map(|row| [fold_case(row.username.trim()), fold_case(row.other_username.trim())]).collect();
    let found = user::list_accounts_named(tx, &names.into_iter().collect::<Vec<_>>()).await?;
    Ok(found.into_iter().map(|account| (account.username_folded, account.id)).collect())
}

fn judged(ctx: &Context, people: &HashMap<String, UserId>, row: &RelationRow) -> Result<Relation, Invalid> {
    let person = |field: &str, name: &str| {
        let found = people.get(&fold_case(name.trim())).copied();
        found.ok_or_else(|| Invalid::new(field, format!("there is no user «{name}»")))
    };
    let (one, other) = (person("username", &row.username)?, person("other_username", &row.other_username)?);
    if one == other {
        return Err(to_oneself("other_username"));
    }
    not_oneself(ctx, one).map_err(|error| Invalid::new("username", error.to_string()))?;
    let until = row.until.as_deref().filter(|text| !text.is_empty()).map(|text| brought_rows::end("until", text)).transpose()?;
    let wrong = wording::wrong_relation("kind", &row.kind).or_else(|| wording::wrong_reason("reason", row.reason.as_deref()));
    let wrong = wrong.or_else(|| wording::wrong_time(ctx.now, None, until).map(|_| Invalid::new("until", "must lie in the future")));
    wrong.map_or(Ok(()), Err)?;
    Ok(Relation {
        id: RelationId::new(),
        kind: row.kind.clone(),
        user_id: one,
        username: row.username.clone(),
        other_id: other,
        other_username: row.other_username.clone(),
        valid_from: None,
        valid_until: until,
        reason: wording::words(row.reason.as_deref()).map(str::to_owned),
        created_at: ctx.now,
    })
}
