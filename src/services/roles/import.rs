//! Many roles given by hand at once: each row is checked as one that is given alone; what does not fit is told by its line.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::brought_rows::{self, Brought, Imported, Numbered};
use super::super::context::Context;
use super::super::error::Error;
use super::super::unit_tree::Tree;
use super::assignments::{NewAssignment, check_place_in, checked, lasts_longer, record_in, words, wrong_role};
use super::authority::{may_give, not_oneself};
use super::recompute::recompute_by_hand_in;
use super::{edges, effects, exclusions};
use crate::store::Tx;
use crate::store::establishment::application::{self, Application};
use crate::store::establishment::assignment::{self, Assignment, Origin};
use crate::store::establishment::{assignment_by_hand, user};
use crate::types::id::{AssignmentId, UserId};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;
use crate::types::{Invalid, fold_case};

/// The titles that a spreadsheet may have.
const TITLES: [&str; 6] = ["username", "application", "role", "scope", "until", "reason"];
/// Those it must have.
const REQUIRED: [&str; 3] = ["username", "application", "role"];

/// One role to be given, as lists of them write it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRow {
    /// The name the person signs in with.
    pub username: String,
    /// The application's name.
    pub application: String,
    /// A role of its catalogue.
    pub role: String,
    /// Where it holds; everywhere when left out.
    #[serde(default)]
    pub scope: Option<String>,
    /// It holds until then: an instant, or a day, which is counted in.
    #[serde(default)]
    pub until: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

type Key = (UserId, String, String, String);

fn key(a: &Assignment) -> Key {
    (a.user_id, a.application.clone(), a.role.clone(), a.scope.clone())
}

/// What rows are held against.
struct Known {
    people: HashMap<String, UserId>,
    applications: HashMap<String, Application>,
    tree: Tree,
}

/// Gives roles by hand, and changes end and reason of those given before. Rows that do not fit are named and left out; the others are written
/// together, or not at all when only tried.
///
/// # Errors
/// `Invalid` when the rows cannot be read at all.
pub async fn import(ctx: &Context, brought: Brought<AssignmentRow>, dry_run: bool) -> Result<Imported, Error> {
    ctx.require(Permission::ManageRoles)?;
    let rows = brought_rows::numbered(brought, &TITLES, &REQUIRED)?;
    let mut outcome = Imported { dry_run, ..Imported::default() };
    let told = if dry_run { None } else { Some(effects::announce(ctx).await?) };
    let mut tx = if dry_run {
        ctx.store.read().await?
    } else {
        edges::announce(ctx, ends(&rows)).await?;
        ctx.store.begin().await?
    };
    let known = known_in(&mut tx, &rows).await?;
    let concerned: BTreeSet<UserId> = known.people.values().copied().collect();
    let standing = assignment_by_hand::list_of_users(&mut tx, &concerned.into_iter().collect::<Vec<_>>()).await?;
    let mut standing: HashMap<Key, Assignment> = standing.into_iter().map(|held| (key(&held), held)).collect();
    let (mut added, mut updated, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for Numbered { line, row } in rows {
        let judged = match row {
            Ok(row) => judged_in(&mut tx, ctx, &known, &row).await?,
            Err(why) => Err(why),
        };
        let fresh = match judged {
            Ok(fresh) => fresh,
            Err(why) => {
                outcome.refuse(line, why);
                continue;
            }
        };
        if !seen.insert(key(&fresh)) {
            outcome.refuse(line, Invalid::new("row", "the same role in the same scope stands on a line before"));
            continue;
        }
        let held = standing.remove(&key(&fresh));
        if held.as_ref().is_none_or(|held| lasts_longer(held.valid_until, fresh.valid_until))
            && let Some(why) = excluded_in(&mut tx, ctx, &fresh).await?
        {
            outcome.refuse(line, why);
            continue;
        }
        match held {
            None => added.push(fresh),
            Some(held) if held.valid_until == fresh.valid_until && held.reason == fresh.reason => outcome.unchanged += 1,
            Some(held) => updated.push(Assignment { valid_until: fresh.valid_until, reason: fresh.reason, ..held }),
        }
    }
    (outcome.added, outcome.updated) = (added.len() as u64, updated.len() as u64);
    let Some(told) = told else { return Ok(outcome) };
    write_in(&mut tx, ctx, &added, &updated).await?;
    tx.commit().await?;
    told.hurry(ctx).await;
    Ok(outcome)
}

/// Why a row is not taken: somebody decided that the person is not to hold this.
async fn excluded_in(tx: &mut Tx, ctx: &Context, fresh: &Assignment) -> Result<Option<Invalid>, Error> {
    match exclusions::stand_aside_in(tx, ctx, fresh.user_id, &fresh.application, &fresh.role, &fresh.scope).await {
        Ok(()) => Ok(None),
        Err(Error::Conflict(why)) => Ok(Some(Invalid::new("role", why))),
        Err(other) => Err(other),
    }
}

/// When what is asked for ends.
fn ends(rows: &[Numbered<AssignmentRow>]) -> Vec<Timestamp> {
    let told = rows.iter().filter_map(|one| one.row.as_ref().ok()).filter_map(|row| row.until.as_deref());
    told.filter_map(|text| brought_rows::end("until", text).ok()).collect()
}

async fn write_in(tx: &mut Tx, ctx: &Context, added: &[Assignment], updated: &[Assignment]) -> Result<(), Error> {
    let touched: BTreeSet<UserId> = added.iter().chain(updated).map(|one| one.user_id).collect();
    let before = effects::before_in(tx, &touched.into_iter().collect::<Vec<_>>()).await?;
    assignment::insert_all(tx, added).await?;
    for one in added {
        record_in(tx, ctx, "assignment.added", one).await?;
    }
    for one in updated {
        assignment_by_hand::update(tx, one).await?;
        record_in(tx, ctx, "assignment.updated", one).await?;
    }
    recompute_by_hand_in(tx, ctx, before).await?;
    Ok(())
}

async fn known_in(tx: &mut Tx, rows: &[Numbered<AssignmentRow>]) -> Result<Known, Error> {
    let told = rows.iter().filter_map(|one| one.row.as_ref().ok());
    let names: BTreeSet<String> = told.map(|row| fold_case(row.username.trim())).collect();
    let people = user::list_accounts_named(tx, &names.into_iter().collect::<Vec<_>>()).await?;
    Ok(Known {
        people: people.into_iter().map(|account| (account.username_folded, account.id)).collect(),
        applications: application::list(tx).await?.into_iter().map(|a| (a.name.clone(), a)).collect(),
        tree: Tree::load(tx).await?,
    })
}

async fn judged_in(tx: &mut Tx, ctx: &Context, known: &Known, row: &AssignmentRow) -> Result<Result<Assignment, Invalid>, Error> {
    let (application, fresh) = match asked(ctx, known, row) {
        Ok(asked) => asked,
        Err(why) => return Ok(Err(why)),
    };
    let place = check_place_in(tx, &known.tree, application, (&fresh.role, &fresh.scope)).await?;
    Ok(place.map_or(Ok(fresh), Err))
}

/// What a row asks for, unless something is wrong with it; whether its unit is one is left to the caller.
fn asked<'a>(ctx: &Context, known: &'a Known, row: &AssignmentRow) -> Result<(&'a Application, Assignment), Invalid> {
    let unknown = || Invalid::new("username", format!("there is no user «{}»", row.username));
    let user = *known.people.get(&fold_case(row.username.trim())).ok_or_else(unknown)?;
    let until = row.until.as_deref().filter(|text| !text.is_empty()).map(|text| brought_rows::end("until", text)).transpose()?;
    let new = NewAssignment {
        user,
        application: row.application.clone(),
        role: row.role.clone(),
        scope: row.scope.clone(),
        valid_from: None,
        valid_until: until,
        reason: row.reason.clone(),
    };
    let application = known.applications.get(&row.application);
    let wrong = checked(ctx, &new).into_iter().next().or_else(|| wrong_role(application, &new));
    let in_row = |mut invalid: Invalid| {
        if invalid.field == "valid_until" {
            (invalid.field, invalid.message) = ("until".to_owned(), "must lie in the future".to_owned());
        }
        invalid
    };
    let (Some(application), None) = (application, &wrong) else {
        return Err(wrong.map_or_else(unknown, in_row));
    };
    not_oneself(ctx, user).map_err(|error| Invalid::new("username", error.to_string()))?;
    may_give(ctx, &application.name, &row.role, until).map_err(|error| Invalid::new("role", error.to_string()))?;
    let given = Assignment {
        id: AssignmentId::new(),
        user_id: user,
        application_id: application.id,
        application: application.name.clone(),
        role: new.role,
        scope: new.scope.unwrap_or_default(),
        origin: Origin::Manual,
        rule_id: None,
        valid_from: None,
        valid_until: new.valid_until,
        reason: words(new.reason.as_deref()),
        given_by: Some(ctx.actor.label()),
        created_at: ctx.now,
    };
    Ok((application, given))
}
