//! What is to be written where: who was noted is marked for every provisioning, who is marked is looked at, and what would take too much away at
//! once is held. Reads and writes the store alone; asks no service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::provisioning_bell;
use super::desired::{Person, Target, digest_of, group_of};
use super::letters;
use crate::store::Tx;
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned, State};
use crate::store::establishment::provisioned_member::{self, ProvisionedMember};
use crate::store::establishment::provisioning_state::{self, ProvisioningState};
use crate::store::establishment::{assignment, membership, provisioning, provisioning_guard, provisioning_mark};
use crate::types::id::{GroupId, ProvisionedId, UserId};
use crate::types::time::Timestamp;

/// Marks taken, and people looked at, in one transaction.
const STEP: i64 = 500;
/// Steps of one round: others have their turn then.
const STEPS_MAX: usize = 40;
/// So few are taken away in a day without a person's approval, whatever part of all they are.
pub const FEW: i64 = 10;
/// What was taken away in so many seconds counts together, and an approval holds so long: a day.
const WINDOW_S: i64 = 24 * 3600;

/// Marks those whom the store noted for every provisioning that writes, and has each seen to. Answers whether some are left.
///
/// # Errors
/// When a store fails.
pub async fn spread(ctx: &Context) -> Result<bool, Error> {
    for _ in 0..STEPS_MAX {
        let mut tx = ctx.store.begin().await?;
        let noted = provisioning_mark::take(&mut tx, STEP).await?;
        if noted.is_empty() {
            break;
        }
        let mut people: BTreeSet<String> = BTreeSet::new();
        let mut groups = Vec::new();
        for (kind, subject) in noted {
            match kind {
                Kind::User => drop(people.insert(UserId::from(subject).to_string())),
                Kind::Group => {
                    let below = membership::users_below_group(&mut tx, GroupId::from(subject)).await?;
                    people.extend(below.iter().map(ToString::to_string));
                    groups.push(GroupId::from(subject).to_string());
                }
            }
        }
        let nameless = |subjects: Vec<String>| subjects.into_iter().map(|subject| (subject, String::new())).collect::<Vec<_>>();
        let people = nameless(people.into_iter().collect());
        for one in provisioning::list(&mut tx).await?.into_iter().filter(|one| one.enabled) {
            provisioned::mark(&mut tx, one.id, Kind::User, &people, ctx.now).await?;
            // A group that is not known there is brought by its people.
            let known = provisioned::list_by_subjects(&mut tx, one.id, Kind::Group, &groups).await?;
            let known = nameless(known.into_iter().map(|row| row.subject).collect());
            provisioned::mark(&mut tx, one.id, Kind::Group, &known, ctx.now).await?;
        }
        tx.commit().await?;
    }
    let mut tx = ctx.store.read().await?;
    let targets = provisioning::list(&mut tx).await?;
    let left = provisioning_mark::any(&mut tx).await?;
    drop(tx);
    for one in targets.into_iter().filter(|one| one.enabled) {
        provisioning_bell::ask(&ctx.gateway, ctx.slug(), &one.id.to_string(), ctx.now).await?;
    }
    Ok(left)
}

/// Marks everyone who was given anything and all that is known there, when that was not done yet since something about the provisioning changed.
/// Answers whether it still is as it was when this round began: otherwise another one begins.
///
/// # Errors
/// When the store fails.
pub async fn gather(ctx: &Context, target: &Target) -> Result<bool, Error> {
    let of = target.provisioning.id;
    if provisioning_state::get(&mut ctx.store.read().await?, of).await?.looked_at.is_some() {
        return Ok(true);
    }
    let mut tx = ctx.store.begin().await?;
    provisioned::mark_all(&mut tx, of, ctx.now).await?;
    tx.commit().await?;
    let mut after = None;
    loop {
        // Each step in a transaction of its own: nobody waits for a large establishment.
        let mut tx = ctx.store.begin().await?;
        let given = assignment::list_given(&mut tx, target.provisioning.application_id, after, STEP).await?;
        let Some(last) = given.last() else { break };
        after = Some(*last);
        let subjects: Vec<(String, String)> = given.iter().map(|user| (user.to_string(), String::new())).collect();
        provisioned::mark(&mut tx, of, Kind::User, &subjects, ctx.now).await?;
        tx.commit().await?;
    }
    let mut tx = ctx.store.begin().await?;
    if provisioning::find(&mut tx, of).await?.as_ref() != Some(&target.provisioning) {
        return Ok(false);
    }
    let state = provisioning_state::get(&mut tx, of).await?;
    provisioning_state::put(&mut tx, of, &ProvisioningState { looked_at: Some(ctx.now), ..state }).await?;
    tx.commit().await?;
    Ok(true)
}

/// Looks at those who are marked, and says what is to be written of them. Answers whether all were looked at.
///
/// # Errors
/// When the store fails.
pub async fn look(ctx: &Context, target: &Target) -> Result<bool, Error> {
    let of = target.provisioning.id;
    for _ in 0..STEPS_MAX {
        let mut tx = ctx.store.begin().await?;
        let marked = provisioned::list_marked(&mut tx, of, STEP).await?;
        if marked.is_empty() {
            return Ok(true);
        }
        let (people, groups): (Vec<_>, Vec<_>) = marked.into_iter().partition(|row| row.kind == Kind::User);
        look_at_people(&mut tx, ctx, target, people).await?;
        look_at_groups(&mut tx, ctx, target, groups).await?;
        tx.commit().await?;
    }
    Ok(provisioned::list_marked(&mut ctx.store.read().await?, of, 1).await?.is_empty())
}

async fn look_at_people(tx: &mut Tx, ctx: &Context, target: &Target, rows: Vec<Provisioned>) -> Result<(), Error> {
    let ids: Vec<UserId> = rows.iter().filter_map(|row| row.subject.parse().ok()).collect();
    let mut people = target.people_in(tx, &ids, ctx.now).await?;
    place(tx, ctx, target, &people).await?;
    for mut row in rows {
        // What only the application knows is nobody here.
        let person = row.subject.parse::<UserId>().ok().and_then(|id| people.remove(&id));
        let action = action_for(target, &row, person.as_ref());
        if let Some(person) = person.filter(|person| !person.name.is_empty()) {
            row.name = person.name;
        }
        settle_look(tx, ctx, row, action).await?;
    }
    Ok(())
}

/// What is to be done about someone there; nothing when all is as it is to be.
pub(super) fn action_for(target: &Target, row: &Provisioned, person: Option<&Person>) -> Option<Action> {
    let present = person.is_some_and(|person| person.present);
    // What was last written is what is to be.
    let written = row.written.is_some() && row.written == person.and_then(Person::digest);
    match (&row.remote_id, present) {
        (None, true) => Some(Action::Create),
        // An attempt to create it may have been taken though nobody heard of it.
        (None, false) if !row.active => None,
        (Some(_), true) => (!written || !row.active).then_some(Action::Update),
        // What stood there before is made inactive at most.
        (_, false) if target.deletes() && !row.adopted => Some(Action::Delete),
        (_, false) => (!written || row.active).then_some(Action::Deactivate),
    }
}

async fn settle_look(tx: &mut Tx, ctx: &Context, mut row: Provisioned, action: Option<Action>) -> Result<(), Error> {
    if action.is_none() && row.remote_id.is_none() {
        return Ok(provisioned::forget(tx, &row).await?);
    }
    row.state = if action.is_some() { State::Waiting } else { State::Done };
    row.action = action.or(row.action);
    row.due_at = ctx.now;
    row.error = None;
    row.updated_at = ctx.now;
    Ok(provisioned::settle(tx, &row).await?)
}

/// Says in which groups people are to be, and marks the groups that change by it.
async fn place(tx: &mut Tx, ctx: &Context, target: &Target, people: &HashMap<UserId, Person>) -> Result<(), Error> {
    let of = target.provisioning.id;
    let ids: Vec<UserId> = people.keys().copied().collect();
    let named: BTreeMap<String, String> =
        people.values().flat_map(|person| person.groups.iter().map(|(subject, name)| (subject.clone(), name.clone()))).collect();
    let subjects: Vec<String> = named.keys().cloned().collect();
    let rows = |found: Vec<Provisioned>| found.into_iter().map(|row| (row.subject, row.id)).collect::<HashMap<String, ProvisionedId>>();
    let mut known = rows(provisioned::list_by_subjects(tx, of, Kind::Group, &subjects).await?);
    let new: Vec<(String, String)> =
        named.iter().filter(|(subject, _)| !known.contains_key(*subject)).map(|(s, n)| (s.clone(), n.clone())).collect();
    if !new.is_empty() {
        provisioned::mark(tx, of, Kind::Group, &new, ctx.now).await?;
        known = rows(provisioned::list_by_subjects(tx, of, Kind::Group, &subjects).await?);
    }
    let standing = provisioned_member::list_of_users(tx, of, &ids).await?;
    let mut wanted: BTreeSet<(ProvisionedId, UserId)> = BTreeSet::new();
    for (id, person) in people {
        wanted.extend(person.groups.keys().filter_map(|subject| known.get(subject)).map(|group| (*group, *id)));
    }
    let mut changed: Vec<ProvisionedMember> = Vec::new();
    for member in standing {
        let stays = wanted.remove(&(member.provisioned_id, member.user_id));
        if stays != member.wanted {
            changed.push(ProvisionedMember { wanted: stays, ..member });
        }
    }
    changed.extend(wanted.into_iter().map(|(provisioned_id, user_id)| ProvisionedMember {
        provisioned_id,
        user_id,
        wanted: true,
        written: false,
    }));
    provisioned_member::put(tx, &changed).await?;
    let touched: BTreeSet<ProvisionedId> = changed.iter().map(|member| member.provisioned_id).collect();
    mark_groups(tx, ctx, target, &touched).await
}

/// Marks groups by their rows.
async fn mark_groups(tx: &mut Tx, ctx: &Context, target: &Target, touched: &BTreeSet<ProvisionedId>) -> Result<(), Error> {
    if touched.is_empty() {
        return Ok(());
    }
    let ids: Vec<ProvisionedId> = touched.iter().copied().collect();
    Ok(provisioned::mark_rows(tx, target.provisioning.id, &ids, ctx.now).await?)
}

/// Has the groups looked at again that wait for people who are there now.
///
/// # Errors
/// When the store fails.
pub(super) async fn announce_people(tx: &mut Tx, ctx: &Context, target: &Target, users: &[UserId]) -> Result<(), Error> {
    let members = provisioned_member::list_of_users(tx, target.provisioning.id, users).await?;
    let waiting = members.into_iter().filter(|member| member.wanted && !member.written).map(|member| member.provisioned_id);
    mark_groups(tx, ctx, target, &waiting.collect()).await
}

async fn look_at_groups(tx: &mut Tx, ctx: &Context, target: &Target, rows: Vec<Provisioned>) -> Result<(), Error> {
    let subjects: BTreeSet<String> = rows.iter().map(|row| row.subject.clone()).collect();
    let wanted = target.groups_in(tx, &subjects).await?;
    for mut row in rows {
        let (members, unwritten) = provisioned_member::count(tx, row.id).await?;
        let action = match (wanted.get(&row.subject), &row.remote_id) {
            (Some(_), None) => (members > 0).then_some(Action::Create),
            (Some(name), Some(_)) => {
                let same = row.written.as_deref() == Some(digest_of(&group_of(&row.subject, name)).as_slice());
                (!same || unwritten > 0).then_some(Action::Update)
            }
            // A group that stood there before is emptied of our people, and left.
            (None, Some(_)) if row.adopted => Some(Action::Deactivate),
            (None, Some(_)) => Some(Action::Delete),
            (None, None) => None,
        };
        if let Some(name) = wanted.get(&row.subject) {
            row.name.clone_from(name);
        }
        settle_look(tx, ctx, row, action).await?;
    }
    Ok(())
}

/// Since when what was taken away counts together, and what was approved may go.
pub(super) fn window_begin(now: Timestamp) -> Timestamp {
    now.plus_s(-WINDOW_S)
}

/// Holds what would take too much away, together with what was taken in a day, and writes to the administrators. Answers how many were held now.
///
/// # Errors
/// When a store fails.
pub async fn guard(ctx: &Context, target: &Target) -> Result<u64, Error> {
    let bound = target.provisioning.settings.guard;
    if target.provisioning.settings.dry_run {
        return Ok(0);
    }
    let (of, since) = (target.provisioning.id, window_begin(ctx.now));
    let mut tx = ctx.store.read().await?;
    let (waiting, active) = provisioning_guard::removals(&mut tx, of, since).await?;
    let taken = provisioning_guard::taken_since(&mut tx, of, since).await?;
    drop(tx);
    // What is gone by now was there when the day began.
    let (going, there) = (waiting.saturating_add(taken), active.saturating_add(taken));
    if waiting == 0 || going <= FEW || within(bound.max_count, bound.max_percent, going, there) {
        return Ok(0);
    }
    let telling = letters::announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let held = provisioning_guard::hold(&mut tx, of, since).await?;
    // Whoever approves says how many they were told of: all that wait then.
    let all = provisioning_guard::held(&mut tx, of).await?;
    let detail = json!({ "application": target.provisioning.application, "removals": held, "held": all, "taken": taken, "there": there });
    audit::record_in(&mut tx, ctx, "provisioning.held", ("provisioning", &of.to_string()), detail).await?;
    if let Some(telling) = &telling {
        let why = letters::Why::Held { count: all, of: there.unsigned_abs() };
        telling.write_in(&mut tx, ctx, &target.provisioning.application, why).await?;
    }
    tx.commit().await?;
    if let Some(telling) = telling {
        telling.hurry(ctx).await;
    }
    tracing::warn!(establishment = ctx.slug(), application = target.provisioning.application, held, "what would be taken away is held");
    Ok(held)
}

/// Whether so many of so many may go.
fn within(max_count: u64, max_percent: f64, going: i64, there: i64) -> bool {
    // Numbers of people are far below what a double tells apart.
    let (part, whole) = (u32::try_from(going).unwrap_or(u32::MAX), u32::try_from(there).unwrap_or(u32::MAX));
    going.unsigned_abs() <= max_count && f64::from(part) * 100.0 <= max_percent * f64::from(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_number_and_a_part() {
        assert!(within(500, 20.0, 20, 100));
        assert!(!within(500, 20.0, 21, 100), "more than a fifth");
        assert!(!within(19, 100.0, 20, 100), "more than nineteen");
        assert!(!within(500, 20.0, 20, 0));
    }
}
