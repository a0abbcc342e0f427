//! Comparing the groups of an application with those that are to be: their names and their members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::desired::Target;
use super::reconcile::{Comparison, differing, drift, some};
use super::write_group::{Trouble, members_of};
use crate::store::Tx;
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned};
use crate::store::establishment::provisioned_member::{self, ProvisionedMember};
use crate::store::establishment::provisioning_drift::{Drift, What};
use crate::types::fold_case;
use crate::types::id::UserId;

/// Most groups of one provisioning, and most people of one group, that are compared.
const GROUPS_MAX: i64 = 10_000;
const MEMBERS_MAX: i64 = 200_000;

/// Compares one page of groups.
///
/// # Errors
/// `Trouble`.
pub(super) async fn page(comparison: &mut Comparison<'_>, page: &[Value]) -> Result<(), Trouble> {
    let of = comparison.target.provisioning.id;
    let ctx = comparison.ctx;
    let mut tx = ctx.store.begin().await?;
    let rows = provisioned::list_after(&mut tx, of, Kind::Group, None, GROUPS_MAX).await?;
    let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut drifts = Vec::new();
    for there in page {
        let (Some(id), name) = (text(there, "id"), text(there, "displayName").unwrap_or_default()) else { continue };
        if !comparison.seen.insert(id.clone()) {
            continue;
        }
        let row = rows.iter().find(|row| row.remote_id.as_ref() == Some(&id)).or_else(|| {
            let unlinked = |row: &&Provisioned| row.remote_id.is_none() && row.action == Some(Action::Create);
            rows.iter().filter(unlinked).find(|row| fold_case(&row.name) == fold_case(&name))
        });
        let Some(row) = row else {
            drifts.push(drift(Kind::Group, What::Unknown, &name, Some(&id)));
            comparison.mark_unknown(&mut tx, Kind::Group, &id, &name).await?;
            continue;
        };
        let found = compare(&mut tx, comparison.target, row, there, &name).await?;
        let differs = !found.fields.is_empty();
        if comparison.report.repairs {
            provisioned_member::put(&mut tx, &found.members).await?;
        }
        comparison.put_right(&mut tx, row.clone(), Some(id.clone()), differs).await?;
        if differs {
            drifts.push(Drift { fields: found.fields, ..drift(Kind::Group, What::Differs, &row.name, Some(&id)) });
        }
    }
    comparison.keep(&mut tx, drifts).await?;
    Ok(tx.commit().await?)
}

/// How a group differs, and who is written into it in truth.
struct Found {
    fields: BTreeMap<String, crate::store::establishment::provisioning_drift::Differing>,
    members: Vec<ProvisionedMember>,
}

async fn compare(tx: &mut Tx, target: &Target, row: &Provisioned, there: &Value, name: &str) -> Result<Found, Trouble> {
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
    let member =
        |user_id: UserId, written: bool| ProvisionedMember { provisioned_id: row.id, user_id, wanted: wanted.contains(&user_id), written };
    let mut members: Vec<ProvisionedMember> = wanted.iter().map(|user| member(*user, inside.contains_key(user))).collect();
    members.extend(strange.into_iter().map(|user| member(user, true)));
    Ok(Found { fields, members })
}

/// Groups that are to be there and were not seen.
///
/// # Errors
/// `Trouble`.
pub(super) async fn missing(comparison: &mut Comparison<'_>) -> Result<(), Trouble> {
    let of = comparison.target.provisioning.id;
    let ctx = comparison.ctx;
    let mut tx = ctx.store.begin().await?;
    let mut drifts = Vec::new();
    for row in provisioned::list_after(&mut tx, of, Kind::Group, None, GROUPS_MAX).await? {
        let Some(id) = &row.remote_id else { continue };
        if comparison.seen.contains(id) {
            continue;
        }
        drifts.push(drift(Kind::Group, What::Missing, &row.name, None));
        if comparison.report.repairs {
            provisioned_member::forget_written(&mut tx, row.id).await?;
        }
        comparison.put_right(&mut tx, row, None, true).await?;
    }
    comparison.keep(&mut tx, drifts).await?;
    Ok(tx.commit().await?)
}
