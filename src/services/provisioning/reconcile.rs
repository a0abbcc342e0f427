//! Comparing everything an application has with what it is to have, page by page, and telling how it differs by name. What is to be put right is
//! marked, and written by the ordinary way.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::context::Context;
use super::super::egress::Verb;
use super::super::error::Error;
use super::desired::Target;
use super::remote::{Fault, Remote, resources_of};
use super::write_group::Trouble;
use super::write_person::UNKNOWN;
use crate::store::Tx;
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned};
use crate::store::establishment::provisioning::Groups;
use crate::store::establishment::provisioning_drift::{self, Differing, Drift, What};
use crate::store::establishment::provisioning_state::{self, Asked, ProvisioningState, Report};
use crate::types::fold_case;
use crate::types::id::UserId;

use super::compare_group;

/// Accounts asked for at once, and groups: these come with their members.
const USERS_AT_ONCE: usize = 100;
const GROUPS_AT_ONCE: usize = 10;
/// Most pages of one list.
const PAGES_MAX: usize = 20_000;
/// Most differences that are kept by name; they are counted all the same.
const KEPT_MAX: u64 = 10_000;
/// Longest identifier there of what the gateway removes although it does not know it, in bytes.
const REMOTE_ID_MAX_BYTES: usize = 1_000;
/// Rows read at once.
const STEP: i64 = 1_000;

/// A comparison under way.
pub(super) struct Comparison<'a> {
    pub ctx: &'a Context,
    pub target: &'a Target,
    pub report: Report,
    /// Identifiers there that were seen.
    pub seen: HashSet<String>,
    /// People who are to be there and whose account is not known, by folded user name.
    unlinked: HashMap<String, Provisioned>,
}

/// Compares, and marks what is to be put right when that was asked for.
///
/// # Errors
/// `Trouble`; a service that refuses to be read is told in the report instead.
pub async fn compare(ctx: &Context, target: &Target, remote: &mut Remote<'_>, asked: Asked) -> Result<(), Trouble> {
    let of = target.provisioning.id;
    let repairs = asked == Asked::Repair;
    let report = Report { at: ctx.now, repairs, users_read: 0, groups_read: 0, missing: 0, unknown: 0, differs: 0, error: None };
    let mut comparison = Comparison { ctx, target, report, seen: HashSet::new(), unlinked: HashMap::new() };
    let mut tx = ctx.store.begin().await?;
    provisioning_drift::clear(&mut tx, of).await?;
    tx.commit().await?;
    comparison.load_unlinked().await?;
    let mut outcome = comparison.users(remote).await;
    if outcome.is_ok() && target.provisioning.settings.groups != Groups::None {
        outcome = comparison.groups(remote).await;
    }
    match outcome {
        Ok(()) => {}
        Err(Trouble::There(fault @ (Fault::Missing | Fault::Refused(_)))) => comparison.report.error = Some(fault.told()),
        Err(other) => return Err(other),
    }
    let mut tx = ctx.store.begin().await?;
    let state = provisioning_state::get(&mut tx, of).await?;
    let told = ProvisioningState { asked: None, report: Some(comparison.report), ..state };
    provisioning_state::put(&mut tx, of, &told).await?;
    Ok(tx.commit().await?)
}

impl Comparison<'_> {
    async fn load_unlinked(&mut self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut tx = self.ctx.store.read().await?;
            let rows = provisioned::list_after(&mut tx, self.target.provisioning.id, Kind::User, after, STEP).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            for row in rows.into_iter().filter(|row| row.remote_id.is_none() && row.action == Some(Action::Create)) {
                self.unlinked.insert(fold_case(&row.name), row);
            }
        }
    }

    async fn users(&mut self, remote: &mut Remote<'_>) -> Result<(), Trouble> {
        let mut start = 1;
        for _ in 0..PAGES_MAX {
            let path = format!("/Users?startIndex={start}&count={USERS_AT_ONCE}");
            let (page, total) = page(&remote.ask(Verb::Get, &path, None, None).await?.body);
            if page.is_empty() {
                break;
            }
            start += page.len();
            self.report.users_read += page.len() as u64;
            self.page_of_users(&page).await?;
            if start > total {
                break;
            }
        }
        self.missing_users().await
    }

    async fn page_of_users(&mut self, page: &[Value]) -> Result<(), Trouble> {
        let of = self.target.provisioning.id;
        let text = |one: &Value, name: &str| one.get(name).and_then(Value::as_str).map(str::to_owned);
        let ids: Vec<String> = page.iter().filter_map(|one| text(one, "id")).collect();
        let mut tx = self.ctx.store.begin().await?;
        let known = provisioned::list_by_remote(&mut tx, of, Kind::User, &ids).await?;
        let mut known: HashMap<String, Provisioned> = known.into_iter().filter_map(|row| Some((row.remote_id.clone()?, row))).collect();
        let mut rows = Vec::new();
        let mut drifts = Vec::new();
        for one in page {
            let (Some(id), name) = (text(one, "id"), text(one, "userName").unwrap_or_default()) else { continue };
            if !self.seen.insert(id.clone()) {
                continue;
            }
            let linked = known.remove(&id).or_else(|| self.unlinked.remove(&fold_case(&name)));
            if let Some(row) = linked.filter(|row| !row.subject.starts_with(UNKNOWN)) {
                rows.push((row, id, one));
            } else {
                drifts.push(drift(Kind::User, What::Unknown, &name, Some(&id)));
                self.mark_unknown(&mut tx, Kind::User, &id, &name).await?;
            }
        }
        let users: Vec<UserId> = rows.iter().filter_map(|(row, ..)| row.subject.parse().ok()).collect();
        let people = self.target.people_in(&mut tx, &users, self.ctx.now).await?;
        for (row, id, there) in rows {
            let person = row.subject.parse::<UserId>().ok().and_then(|user| people.get(&user));
            let Some(account) = person.and_then(|person| person.account.as_ref()) else { continue };
            let fields = self.target.mapping.differences(there, account);
            let differs = !fields.is_empty();
            if differs {
                drifts.push(Drift { fields, ..drift(Kind::User, What::Differs, &row.name, Some(&id)) });
            }
            self.put_right(&mut tx, row, Some(id), differs).await?;
        }
        self.keep(&mut tx, drifts).await?;
        Ok(tx.commit().await?)
    }

    /// Has a row written anew, in a comparison that repairs.
    pub async fn put_right(&self, tx: &mut Tx, mut row: Provisioned, remote_id: Option<String>, differs: bool) -> Result<(), Error> {
        if !self.report.repairs || (!differs && row.remote_id == remote_id) {
            return Ok(());
        }
        row.remote_id = remote_id;
        row.written = None;
        // Known there, and perhaps active: whoever is to be there no more is seen to.
        row.active = row.remote_id.is_some();
        provisioned::settle(tx, &row).await?;
        Ok(provisioned::mark_rows(tx, self.target.provisioning.id, &[row.id], self.ctx.now).await?)
    }

    /// Has something that only the application knows removed, where the provisioning says so.
    pub async fn mark_unknown(&self, tx: &mut Tx, kind: Kind, id: &str, name: &str) -> Result<(), Error> {
        // What is told of something that has no name worth keeping is enough.
        if !self.report.repairs || !self.target.provisioning.settings.remove_unknown || id.len() > REMOTE_ID_MAX_BYTES {
            return Ok(());
        }
        let of = self.target.provisioning.id;
        let subject = format!("{UNKNOWN}{id}");
        provisioned::mark(tx, of, kind, &[(subject.clone(), name.to_owned())], self.ctx.now).await?;
        for row in provisioned::list_by_subjects(tx, of, kind, &[subject]).await? {
            provisioned::settle(tx, &Provisioned { remote_id: Some(id.to_owned()), active: true, ..row }).await?;
        }
        Ok(())
    }

    /// Those who are to be there and were not seen.
    async fn missing_users(&mut self) -> Result<(), Trouble> {
        let of = self.target.provisioning.id;
        let mut after = None;
        loop {
            let mut tx = self.ctx.store.begin().await?;
            let rows = provisioned::list_after(&mut tx, of, Kind::User, after, STEP).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            let unseen: Vec<Provisioned> =
                rows.into_iter().filter(|row| row.remote_id.as_ref().is_none_or(|id| !self.seen.contains(id))).collect();
            let users: Vec<UserId> = unseen.iter().filter_map(|row| row.subject.parse().ok()).collect();
            let people = self.target.people_in(&mut tx, &users, self.ctx.now).await?;
            let mut drifts = Vec::new();
            for row in unseen {
                let present = row.subject.parse::<UserId>().ok().and_then(|user| people.get(&user)).is_some_and(|person| person.present);
                // Found under its name a moment ago.
                let linked = row.remote_id.is_none() && !self.unlinked.contains_key(&fold_case(&row.name));
                if linked {
                    continue;
                }
                if present {
                    drifts.push(drift(Kind::User, What::Missing, &row.name, None));
                }
                if row.remote_id.is_some() {
                    self.put_right(&mut tx, row, None, true).await?;
                }
            }
            self.keep(&mut tx, drifts).await?;
            tx.commit().await?;
        }
    }

    async fn groups(&mut self, remote: &mut Remote<'_>) -> Result<(), Trouble> {
        self.seen.clear();
        let mut start = 1;
        for _ in 0..PAGES_MAX {
            let path = format!("/Groups?startIndex={start}&count={GROUPS_AT_ONCE}");
            let (page, total) = page(&remote.ask(Verb::Get, &path, None, None).await?.body);
            if page.is_empty() {
                break;
            }
            start += page.len();
            self.report.groups_read += page.len() as u64;
            compare_group::page(self, &page).await?;
            if start > total {
                break;
            }
        }
        compare_group::missing(self).await
    }

    /// Counts differences, and keeps the first by name.
    pub async fn keep(&mut self, tx: &mut Tx, drifts: Vec<Drift>) -> Result<(), Error> {
        let kept = self.report.missing + self.report.unknown + self.report.differs;
        for drift in &drifts {
            match drift.what {
                What::Missing => self.report.missing += 1,
                What::Unknown => self.report.unknown += 1,
                What::Differs => self.report.differs += 1,
            }
        }
        let room = usize::try_from(KEPT_MAX.saturating_sub(kept)).unwrap_or_default();
        let named = drifts.get(..drifts.len().min(room)).unwrap_or_default();
        Ok(provisioning_drift::insert_all(tx, self.target.provisioning.id, named).await?)
    }
}

/// A difference without fields.
pub(super) fn drift(kind: Kind, what: What, name: &str, remote_id: Option<&str>) -> Drift {
    Drift { id: Uuid::now_v7(), kind, what, name: name.to_owned(), remote_id: remote_id.map(str::to_owned), fields: BTreeMap::new() }
}

/// A differing attribute.
pub(super) fn differing(there: impl Into<Value>, wanted: impl Into<Value>) -> Differing {
    Differing { there: there.into(), wanted: wanted.into() }
}

/// The resources of a page, and how many there are in all.
fn page(list: &Value) -> (Vec<Value>, usize) {
    let total = list.get("totalResults").and_then(Value::as_u64).and_then(|total| usize::try_from(total).ok());
    let resources = resources_of(list);
    // A service that does not say how many there are has told all.
    let total = total.unwrap_or(resources.len());
    (resources, total)
}

/// Names as a list, the first of them.
pub(super) fn some(names: &[String]) -> Value {
    json!(names.iter().take(20).collect::<Vec<_>>())
}
