//! Comparing everything an application has with what it is to have, page by page, and telling how it differs by name. Nothing is changed before
//! all was read; what is to be put right is then marked, and written by the ordinary way.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::adopt::Sought;
use super::compare_group;
use super::desired::{Person, Target};
use super::reading::Listing;
use super::remote::{Fault, Remote};
use super::write_group::Trouble;
use super::write_person::UNKNOWN;
use crate::store::Tx;
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned};
use crate::store::establishment::provisioning::{Adopt, Groups};
use crate::store::establishment::provisioning_drift::{self, Differing, Drift, What};
use crate::store::establishment::provisioning_state::{self, Asked, ProvisioningState, Report};
use crate::types::fold_case;
use crate::types::id::{ProvisionedId, UserId};

/// Accounts asked for at once.
const USERS_AT_ONCE: usize = 100;
/// Most differences that are kept by name; they are counted all the same.
const KEPT_MAX: usize = 10_000;
/// Longest identifier there of what the gateway removes although it does not know it, in bytes: no index holds more.
const REMOTE_ID_MAX_BYTES: usize = 1_000;
/// Rows read at once.
const STEP: i64 = 1_000;
/// Rows marked in one transaction.
const MARKED_AT_ONCE: usize = 500;

/// A comparison under way.
pub(super) struct Comparison<'a> {
    pub ctx: &'a Context,
    pub target: &'a Target,
    pub report: Report,
    /// People who are to be there and whose account is not known, by folded user name.
    unlinked: HashMap<String, Provisioned>,
    /// Those names by `externalId`.
    keys: HashMap<String, String>,
    drifts: Vec<Drift>,
    /// What is to be written anew, by whom or what it stands for.
    again: Vec<(Kind, String)>,
    /// What only the application knows, with identifier and name.
    unknown: Vec<(Kind, String, String)>,
    /// Who is in groups that differ.
    pub inside: Vec<(ProvisionedId, Vec<UserId>)>,
}

/// Compares, and marks what is to be put right when that was asked for.
///
/// # Errors
/// `Trouble`; a service that refuses to be read, or lists not all it has, is told in the report instead.
pub async fn compare(ctx: &Context, target: &Target, remote: &mut Remote<'_>, asked: Asked) -> Result<(), Trouble> {
    let repairs = asked == Asked::Repair;
    let report = Report { at: ctx.now, repairs, users_read: 0, groups_read: 0, missing: 0, unknown: 0, differs: 0, error: None };
    let mut comparison = Comparison::new(ctx, target, report.clone());
    match comparison.read(remote).await {
        Ok(()) => Ok(comparison.conclude().await?),
        Err(Trouble::There(fault @ (Fault::Missing | Fault::Refused(_)))) => {
            let Report { users_read, groups_read, .. } = comparison.report;
            let told = Report { users_read, groups_read, error: Some(fault.told()), ..report };
            Ok(Comparison::new(ctx, target, told).conclude().await?)
        }
        Err(other) => Err(other),
    }
}

impl<'a> Comparison<'a> {
    fn new(ctx: &'a Context, target: &'a Target, report: Report) -> Self {
        let (unlinked, keys) = (HashMap::new(), HashMap::new());
        Self { ctx, target, report, unlinked, keys, drifts: Vec::new(), again: Vec::new(), unknown: Vec::new(), inside: Vec::new() }
    }

    /// Reads all there is, and changes nothing.
    async fn read(&mut self, remote: &mut Remote<'_>) -> Result<(), Trouble> {
        let begun = Instant::now();
        self.load_unlinked().await?;
        let mut users = Listing::of(self.ctx, "Users", USERS_AT_ONCE, begun);
        while let Some(page) = users.next(remote).await? {
            self.report.users_read += page.len() as u64;
            self.page_of_users(&page).await?;
        }
        self.missing_users(&users.seen).await?;
        if self.target.provisioning.settings.groups != Groups::None {
            compare_group::read(self, remote, begun).await?;
        }
        Ok(())
    }

    async fn load_unlinked(&mut self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut tx = self.ctx.store.read().await?;
            let rows = provisioned::list_after(&mut tx, self.target.provisioning.id, Kind::User, after, STEP).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            let rows: Vec<Provisioned> =
                rows.into_iter().filter(|row| row.remote_id.is_none() && row.action == Some(Action::Create)).collect();
            let people = self.people_of(&mut tx, rows.iter()).await?;
            for row in rows {
                let key = account_of(&people, &row).and_then(|account| account.get("externalId")).and_then(Value::as_str);
                self.keys.extend(key.map(|key| (key.to_owned(), fold_case(&row.name))));
                self.unlinked.insert(fold_case(&row.name), row);
            }
        }
    }

    async fn people_of<'r>(&self, tx: &mut Tx, rows: impl Iterator<Item = &'r Provisioned>) -> Result<HashMap<UserId, Person>, Error> {
        let users: Vec<UserId> = rows.filter_map(|row| row.subject.parse().ok()).collect();
        self.target.people_in(tx, &users, self.ctx.now).await
    }

    async fn page_of_users(&mut self, page: &[(String, Value)]) -> Result<(), Error> {
        let ids: Vec<String> = page.iter().map(|(id, _)| id.clone()).collect();
        let mut tx = self.ctx.store.read().await?;
        let known = provisioned::list_by_remote(&mut tx, self.target.provisioning.id, Kind::User, &ids).await?;
        let known = known.into_iter().filter(|row| !row.subject.starts_with(UNKNOWN));
        let mut known: HashMap<String, Provisioned> = known.filter_map(|row| Some((row.remote_id.clone()?, row))).collect();
        let mut rows = Vec::new();
        for (id, there) in page {
            let name = there.get("userName").and_then(Value::as_str).unwrap_or_default();
            match known.remove(id).or_else(|| self.unlinked_of(there, name)) {
                Some(row) => rows.push((row, id, there)),
                None => self.note_unknown(Kind::User, id, name),
            }
        }
        let people = self.people_of(&mut tx, rows.iter().map(|(row, ..)| row)).await?;
        drop(tx);
        for (row, id, there) in rows {
            let Some(account) = account_of(&people, &row) else { continue };
            let key = account.get("externalId").and_then(Value::as_str);
            let sought = Sought { kind: Kind::User, subject: &row.subject, name: &row.name, key };
            let fields = match self.in_the_way(&row, &sought, there) {
                Some(fields) => fields,
                None => self.target.mapping.differences(there, account),
            };
            self.note_compared(&row, id, fields);
        }
        Ok(())
    }

    /// Who is to be created and stands there already: by key, or by name.
    fn unlinked_of(&mut self, there: &Value, name: &str) -> Option<Provisioned> {
        let by_key = there.get("externalId").and_then(Value::as_str).and_then(|key| self.keys.get(key)).cloned();
        by_key.and_then(|name| self.unlinked.remove(&name)).or_else(|| self.unlinked.remove(&fold_case(name)))
    }

    /// What is told of something that has the name of what is to be created, and is not taken over.
    pub fn in_the_way(&self, row: &Provisioned, sought: &Sought<'_>, there: &Value) -> Option<BTreeMap<String, Differing>> {
        let taken_over = self.target.provisioning.settings.adopt == Adopt::Name;
        if row.remote_id.is_some() || taken_over || sought.is_key_of(there) {
            return None;
        }
        let is = there.get("externalId").cloned().unwrap_or_default();
        Some(BTreeMap::from([("externalId".to_owned(), differing(is, sought.key))]))
    }

    /// Notes what was compared: a difference, and that it is to be written anew. What is still to be created is tried in any case.
    pub fn note_compared(&mut self, row: &Provisioned, id: &str, fields: BTreeMap<String, Differing>) {
        if !fields.is_empty() || row.remote_id.is_none() {
            self.again.push((row.kind, row.subject.clone()));
        }
        if !fields.is_empty() {
            self.note(Drift { fields, ..drift(row.kind, What::Differs, &row.name, Some(id)) });
        }
    }

    /// Notes what only the application knows.
    pub fn note_unknown(&mut self, kind: Kind, id: &str, name: &str) {
        self.note(drift(kind, What::Unknown, name, Some(id)));
        if self.target.provisioning.settings.remove_unknown && id.len() <= REMOTE_ID_MAX_BYTES {
            self.unknown.push((kind, id.to_owned(), name.to_owned()));
        }
    }

    /// Notes what is to be there and was not read. What is known of it is kept: it is asked for by its identifier before it is created again.
    pub fn note_missing(&mut self, row: &Provisioned) {
        self.note(drift(row.kind, What::Missing, &row.name, None));
        self.again.push((row.kind, row.subject.clone()));
    }

    /// Counts a difference, and keeps the first by name.
    fn note(&mut self, drift: Drift) {
        match drift.what {
            What::Missing => self.report.missing += 1,
            What::Unknown => self.report.unknown += 1,
            What::Differs => self.report.differs += 1,
        }
        if self.drifts.len() < KEPT_MAX {
            self.drifts.push(drift);
        }
    }

    /// Those who are to be there and were not seen. Whoever is to be removed, or was, stays known as they are.
    async fn missing_users(&mut self, seen: &HashSet<String>) -> Result<(), Error> {
        let mut after = None;
        loop {
            let mut tx = self.ctx.store.read().await?;
            let rows = provisioned::list_after(&mut tx, self.target.provisioning.id, Kind::User, after, STEP).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            let unseen = |row: &Provisioned| match &row.remote_id {
                Some(id) => !seen.contains(id),
                // Otherwise found a moment ago.
                None => self.unlinked.contains_key(&fold_case(&row.name)),
            };
            let unseen: Vec<Provisioned> = rows.into_iter().filter(unseen).collect();
            let people = self.people_of(&mut tx, unseen.iter()).await?;
            drop(tx);
            for row in unseen {
                let person = row.subject.parse::<UserId>().ok().and_then(|user| people.get(&user));
                if person.is_some_and(|person| person.present) {
                    self.note_missing(&row);
                }
            }
        }
    }

    /// Writes down what was found, and marks what is to be put right where that was asked for.
    async fn conclude(self) -> Result<(), Error> {
        if self.report.repairs {
            self.mark().await?;
        }
        let of = self.target.provisioning.id;
        let application = &self.target.provisioning.application;
        let mut tx = self.ctx.store.begin().await?;
        // What cannot be compared says nothing of what was found before.
        if self.report.error.is_none() {
            provisioning_drift::clear(&mut tx, of).await?;
            provisioning_drift::insert_all(&mut tx, of, &self.drifts).await?;
        }
        let state = provisioning_state::get(&mut tx, of).await?;
        let report = Some(self.report.clone());
        provisioning_state::put(&mut tx, of, &ProvisioningState { asked: None, report, ..state }).await?;
        // The trail need not tell every day that all is well.
        if !self.drifts.is_empty() || self.report.error.is_some() {
            let detail = json!({ "application": application, "report": self.report });
            audit::record_in(&mut tx, self.ctx, "provisioning.compared", ("provisioning", &of.to_string()), detail).await?;
        }
        tx.commit().await?;
        if let Some(error) = &self.report.error {
            tracing::warn!(establishment = self.ctx.slug(), application, error, "an application was not compared");
        }
        Ok(())
    }

    async fn mark(&self) -> Result<(), Error> {
        let (of, now) = (self.target.provisioning.id, self.ctx.now);
        for (group, inside) in &self.inside {
            let mut tx = self.ctx.store.begin().await?;
            compare_group::note_members(&mut tx, *group, inside).await?;
            tx.commit().await?;
        }
        for chunk in self.again.chunks(MARKED_AT_ONCE) {
            let mut tx = self.ctx.store.begin().await?;
            for kind in [Kind::User, Kind::Group] {
                let subjects: Vec<String> = chunk.iter().filter(|(of, _)| *of == kind).map(|(_, subject)| subject.clone()).collect();
                provisioned::rewrite(&mut tx, of, kind, &subjects, now).await?;
            }
            tx.commit().await?;
        }
        for chunk in self.unknown.chunks(MARKED_AT_ONCE) {
            let mut tx = self.ctx.store.begin().await?;
            for (kind, id, name) in chunk {
                let subject = format!("{UNKNOWN}{id}");
                provisioned::mark(&mut tx, of, *kind, &[(subject.clone(), name.clone())], now).await?;
                for row in provisioned::list_by_subjects(&mut tx, of, *kind, &[subject]).await? {
                    provisioned::settle(&mut tx, &Provisioned { remote_id: Some(id.clone()), active: true, ..row }).await?;
                }
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

fn account_of<'p>(people: &'p HashMap<UserId, Person>, row: &Provisioned) -> Option<&'p Value> {
    people.get(&row.subject.parse().ok()?)?.account.as_ref()
}

/// A difference without fields.
fn drift(kind: Kind, what: What, name: &str, remote_id: Option<&str>) -> Drift {
    Drift { id: Uuid::now_v7(), kind, what, name: name.to_owned(), remote_id: remote_id.map(str::to_owned), fields: BTreeMap::new() }
}

/// A differing attribute.
pub(super) fn differing(there: impl Into<Value>, wanted: impl Into<Value>) -> Differing {
    Differing { there: there.into(), wanted: wanted.into() }
}

/// Names as a list, the first of them.
pub(super) fn some(names: &[String]) -> Value {
    json!(names.iter().take(20).collect::<Vec<_>>())
}
