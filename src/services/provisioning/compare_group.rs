//! Comparing the groups of an application with those that are to be: their names and their members.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use serde_json::Value;

use super::super::error::Error;
use super::adopt::Sought;
use super::desired::Target;
use super::reading::Listing;
use super::reconcile::{Comparison, differing, some};
use super::remote::Remote;
use super::write_group::{Trouble, members_of};
use super::write_person::UNKNOWN;
use crate::store::Tx;
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned};
use crate::store::establishment::provisioned_member::{self, ProvisionedMember};
use crate::store::establishment::provisioning_drift::Differing;
use crate::types::fold_case;
use crate::types::id::{ProvisionedId, UserId};

/// Groups asked for at once: they come with their members.
const GROUPS_AT_ONCE: usize = 10;
/// Most groups of one provisioning, and most people of one group, that are compared.
const GROUPS_MAX: i64 = 10_000;
const MEMBERS_MAX: i64 = 200_000;

/// Reads all groups, and compares them.
///
/// # Errors
/// `Trouble`.
pub(super) async fn read(comparison: &mut Comparison<'_>, remote: &mut Remote<'_>, begun: Instant) -> Result<(), Trouble> {
    let ctx = comparison.ctx;
    let mut tx = ctx.store.read().await?;
    let rows = provisioned::list_after(&mut tx, comparison.target.provisioning.id, Kind::Group, None, GROUPS_MAX).await?;
    drop(tx);
    let rows: Vec<Provisioned> = rows.into_iter().filter(|row| !row.subject.starts_with(UNKNOWN)).collect();
    let mut matched: HashSet<ProvisionedId> = HashSet::new();
    let mut groups = Listing::of(ctx, "Groups", GROUPS_AT_ONCE, begun);
    while let Some(page) = groups.next(remote).await? {
        comparison.report.groups_read += page.len() as u64;
        for (id, there) in &page {
            let name = there.get("displayName").and_then(Value::as_str).unwrap_or_default();
            let row = row_of(&rows, &matched, (id, there, name));
            matched.extend(row.map(|row| row.id));
            match row {
                Some(row) => one(comparison, row, (id, there, name)).await?,
                None => comparison.note_unknown(Kind::Group, id, name),
            }
        }
    }
    // Of what is to go, nothing is missed.
    let goes = |row: &&Provisioned| row.action.is_some_and(Action::removes);
    for row in rows.iter().filter(|row| row.remote_id.is_some() && !matched.contains(&row.id) && !goes(row)) {
        comparison.note_missing(row);
    }
    Ok(())
}

/// What a group there stands for here.
fn row_of<'r>(
    rows: &'r [Provisioned],
    matched: &HashSet<ProvisionedId>,
    (id, there, name): (&String, &Value, &str),
) -> Option<&'r Provisioned> {
    let key = there.get("externalId").and_then(Value::as_str);
    let unlinked = || rows.iter().filter(|row| row.remote_id.is_none() && row.action == Some(Action::Create) && !matched.contains(&row.id));
    let known = rows.iter().find(|row| row.remote_id.as_ref() == Some(id));
    let by_key = || unlinked().find(|row| key == Some(row.subject.as_str()));
    known.or_else(by_key).or_else(|| unlinked().find(|row| fold_case(&row.name) == fold_case(name)))
}

/// Compares one group.
async fn one(comparison: &mut Comparison<'_>, row: &Provisioned, (id, there, name): (&str, &Value, &str)) -> Result<(), Error> {
    let sought = Sought { kind: Kind::Group, subject: &row.subject, name: &row.name, key: Some(&row.subject) };
    if let Some(fields) = comparison.in_the_way(row, &sought, there) {
        comparison.note_compared(row, id, fields);
        return Ok(());
    }
    let mut tx = comparison.ctx.store.read().await?;
    let found = compare(&mut tx, comparison.target, row, there, name).await?;
    drop(tx);
    // Members of one that is still to be taken over are noted then.
    if comparison.report.repairs && row.remote_id.is_some() && found.fields.contains_key("members") {
        comparison.inside.push((row.id, found.inside));
    }
    comparison.note_compared(row, id, found.fields);
    Ok(())
}

/// How a group differs, and who of those the gateway wrote is in it.
struct Found {
    fields: BTreeMap<String, Differing>,
    inside: Vec<UserId>,
}

async fn compare(tx: &mut Tx, target: &Target, row: &Provisioned, there: &Value, name: &str) -> Result<Found, Error> {
    let of = target.provisioning.id;
    let mut fields = BTreeMap::new();
    let wanted_name = target.groups_in(tx, &BTreeSet::from([row.subject.clone()])).await?.remove(&row.subject);
    if wanted_name.as_deref() != Some(name) {
        fields.insert("displayName".to_owned(), differing(name, wanted_name));
    }
    let ids = members_of(there);
    let known = provisioned::list_by_remote(tx, of, Kind::User, &ids).await?;
    let inside: HashMap<UserId, String> = known.iter().filter_map(|one| Some((one.subject.parse().ok()?, one.name.clone()))).collect();
    let wanted: BTreeSet<UserId> = provisioned_member::list_wanted(tx, row.id, None, MEMBERS_MAX).await?.into_iter().collect();
    let absent: Vec<UserId> = wanted.iter().filter(|user| !inside.contains_key(user)).copied().collect();
    let strange: Vec<UserId> = inside.keys().filter(|user| !wanted.contains(user)).copied().collect();
    let subjects: Vec<String> = absent.iter().map(ToString::to_string).collect();
    let named = provisioned::list_by_subjects(tx, of, Kind::User, &subjects).await?;
    let mut missing: Vec<String> = named.into_iter().map(|one| one.name).collect();
    let mut others: Vec<String> = strange.iter().filter_map(|user| inside.get(user).cloned()).collect();
    missing.sort();
    others.sort();
    // Whoever the gateway did not write there is told, and left there.
    let unknown = ids.len().saturating_sub(inside.len());
    if !missing.is_empty() || !others.is_empty() {
        fields.insert("members".to_owned(), differing(some(&others), some(&missing)));
    }
    if unknown > 0 {
        fields.insert("members.unknown".to_owned(), differing(unknown, Value::Null));
    }
    Ok(Found { fields, inside: inside.into_keys().collect() })
}

/// Notes who is in a group in truth, of those the gateway wrote.
///
/// # Errors
/// When the store fails.
pub(super) async fn note_members(tx: &mut Tx, group: ProvisionedId, inside: &[UserId]) -> Result<(), Error> {
    let wanted: BTreeSet<UserId> = provisioned_member::list_wanted(tx, group, None, MEMBERS_MAX).await?.into_iter().collect();
    let there: BTreeSet<UserId> = inside.iter().copied().collect();
    let members: Vec<ProvisionedMember> = wanted
        .union(&there)
        .map(|user| ProvisionedMember {
            provisioned_id: group,
            user_id: *user,
            wanted: wanted.contains(user),
            written: there.contains(user),
        })
        .collect();
    Ok(provisioned_member::put(tx, &members).await?)
}
