//! One turn of writing to one application: what is due, in order. People come before the groups that name them, and leave them before they are
//! deleted. What goes wrong with one stops no other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::desired::{Person, Target, digest_of, group_of};
use super::remote::{Fault, Remote};
use super::round::{Stop, WAIT_MIN_S, stop_of, wait_s};
use super::write_group::{Trouble, Writing};
use super::write_person::Written;
use super::{queue, reconcile};
use crate::store::establishment::provisioned::{self, Action, Kind, Provisioned, State};
use crate::store::establishment::provisioned_member;
use crate::store::establishment::provisioning_guard;
use crate::store::establishment::provisioning_state::{self, Abilities, ProvisioningState};
use crate::types::id::UserId;

/// Rows taken at once.
const BATCH: i64 = 50;
/// How long one turn writes before others have theirs.
const TURN: Duration = Duration::from_secs(30);
/// After so many in a row that had no answer, the service is left alone.
const SILENT_MAX: u32 = 3;
/// After so many in a row that it lets the gateway not do, the service is left alone until a person sees to it.
const FORBIDDEN_MAX: u32 = 3;
/// After so many attempts one row is given up.
const ATTEMPTS_MAX: i64 = 10;
/// How often a deletion waits for groups that still name whom it is about.
const LINGERS_MAX: i64 = 3;

/// A turn under way.
pub(super) struct Turn<'a, 'e> {
    ctx: &'a Context,
    target: &'a Target,
    remote: Remote<'e>,
    abilities: Abilities,
    begun: Instant,
    silent: u32,
    forbidden: u32,
    failures: i64,
    written: BTreeMap<&'static str, u64>,
    answered: bool,
    /// What was taken away without anyone's approval, and is not noted yet.
    removed: u64,
    /// Whose account is another one than before, and in no group there.
    moved: Vec<UserId>,
}

impl<'a, 'e> Turn<'a, 'e> {
    /// Begins.
    pub(super) fn begin(ctx: &'a Context, target: &'a Target, (remote, abilities): (Remote<'e>, Abilities), failures: i64) -> Self {
        Self {
            ctx,
            target,
            remote,
            abilities,
            begun: Instant::now(),
            silent: 0,
            forbidden: 0,
            failures,
            written: BTreeMap::new(),
            answered: false,
            removed: 0,
            moved: Vec::new(),
        }
    }

    /// Writes what is due, in order; then compares when that is asked for, and writes what came of it.
    pub(super) async fn carry(&mut self, state: &ProvisioningState) -> Result<(), Stop> {
        self.write().await?;
        let Some(asked) = state.asked else { return Ok(()) };
        match reconcile::compare(self.ctx, self.target, &mut self.remote, asked).await {
            Ok(()) => {}
            Err(Trouble::Here(error)) => return Err(error.into()),
            Err(Trouble::There(fault)) => return Err(stop_of(fault, self.failures)),
            Err(Trouble::Stopping) => return Err(Stop::Turn),
        }
        if !queue::look(self.ctx, self.target).await? {
            return Err(Stop::Turn);
        }
        queue::guard(self.ctx, self.target).await?;
        self.write().await
    }

    async fn write(&mut self) -> Result<(), Stop> {
        if self.target.provisioning.settings.dry_run {
            return Ok(());
        }
        self.people(false).await?;
        // Groups wait for people who have just come; what else was found meanwhile is guarded as before.
        if !queue::look(self.ctx, self.target).await? {
            return Err(Stop::Turn);
        }
        queue::guard(self.ctx, self.target).await?;
        self.groups(false).await?;
        self.groups(true).await?;
        self.people(true).await
    }

    /// Writes down that something was written, and that the service answers.
    pub(super) async fn note(&mut self) -> Result<(), Stop> {
        if !self.answered {
            return Ok(());
        }
        let provisioning = &self.target.provisioning;
        let mut tx = self.ctx.store.begin().await?;
        if !self.written.is_empty() {
            let detail = json!({ "application": provisioning.application, "written": self.written });
            audit::record_in(&mut tx, self.ctx, "provisioning.written", ("provisioning", &provisioning.id.to_string()), detail).await?;
        }
        let standing = provisioning_state::get(&mut tx, provisioning.id).await?;
        let state = ProvisioningState { written_at: Some(self.ctx.now), failures: 0, rest_until: None, ..standing };
        provisioning_state::put(&mut tx, provisioning.id, &state).await?;
        Ok(tx.commit().await?)
    }

    /// Whether others have their turn, or the gateway stops.
    fn is_over(&self) -> bool {
        self.begun.elapsed() > TURN || self.ctx.gateway.node.is_stopping()
    }

    async fn due(&self, kind: Kind, deletes: bool) -> Result<Vec<Provisioned>, Stop> {
        if self.is_over() {
            return Err(Stop::Turn);
        }
        let mut tx = self.ctx.store.read().await?;
        Ok(provisioned::list_due(&mut tx, self.target.provisioning.id, (kind, deletes), self.ctx.now, BATCH).await?)
    }

    async fn people(&mut self, deletes: bool) -> Result<(), Stop> {
        loop {
            let rows = self.due(Kind::User, deletes).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let ids: Vec<UserId> = rows.iter().filter_map(|row| row.subject.parse().ok()).collect();
            let mut tx = self.ctx.store.read().await?;
            let people = self.target.people_in(&mut tx, &ids, self.ctx.now).await?;
            let lingering = if deletes { self.lingering(&ids).await? } else { BTreeSet::new() };
            drop(tx);
            let mut ended = Vec::with_capacity(rows.len());
            let mut stopped = Ok(());
            for row in rows {
                if self.is_over() {
                    stopped = Err(Stop::Turn);
                    break;
                }
                let id = row.subject.parse::<UserId>().ok();
                let person = id.and_then(|id| people.get(&id));
                let lingers = id.is_some_and(|id| lingering.contains(&id));
                match self.person(row, person, lingers).await {
                    Ok(settled) => ended.push(settled),
                    Err((settled, stop)) => {
                        ended.extend(settled);
                        stopped = Err(stop);
                        break;
                    }
                }
            }
            self.settle_people(ended, &people).await?;
            stopped?;
        }
    }

    /// Those who are still written into a group there.
    async fn lingering(&self, ids: &[UserId]) -> Result<BTreeSet<UserId>, Stop> {
        let mut tx = self.ctx.store.read().await?;
        let members = provisioned_member::list_of_users(&mut tx, self.target.provisioning.id, ids).await?;
        Ok(members.into_iter().filter(|member| member.written).map(|member| member.user_id).collect())
    }

    /// Writes one person. Answers the row as it is then, and whether it is to be forgotten; with why the turn ends, if it does.
    async fn person(&mut self, mut row: Provisioned, person: Option<&Person>, lingers: bool) -> Result<Settled, (Option<Settled>, Stop)> {
        let now = queue::action_for(self.target, &row, person);
        if now.is_some_and(Action::removes) && !row.action.is_some_and(Action::removes) {
            // They lost it since they were looked at: the guard sees to that first.
            return Ok(Settled::Again(row));
        }
        if lingers && row.attempts < LINGERS_MAX {
            row.attempts += 1;
            row.due_at = self.ctx.now.plus_s(WAIT_MIN_S);
            row.error = Some("groups there still name this account".to_owned());
            return Ok(Settled::Row(row));
        }
        match self.writing().person(&row, person).await {
            Ok(Written::Gone) => {
                self.took("user", Some(Action::Delete));
                self.count_removal(&row, row.remote_id.is_some());
                Ok(Settled::Forget(row))
            }
            Ok(Written::There { id, action, adopted }) => {
                self.took("user", action);
                self.count_removal(&row, row.active && action == Some(Action::Deactivate));
                let present = person.is_some_and(|person| person.present);
                if row.remote_id.as_ref().is_some_and(|before| *before != id) {
                    self.moved.extend(row.subject.parse::<UserId>());
                }
                row.remote_id = Some(id);
                row.adopted = adopted;
                row.written = person.and_then(Person::digest);
                row.active = present;
                if let Some(person) = person.filter(|person| !person.name.is_empty()) {
                    row.name.clone_from(&person.name);
                }
                self.done(&mut row, action);
                // Of someone whom nobody knows any more, nothing is left to be known.
                let known = person.is_some_and(|person| person.account.is_some());
                Ok(if known { Settled::Row(row) } else { Settled::Forget(row) })
            }
            Err(trouble) => self.troubled(row, trouble).map_err(|stopped| *stopped),
        }
    }

    fn writing(&mut self) -> Writing<'_, 'e> {
        Writing { ctx: self.ctx, remote: &mut self.remote, abilities: self.abilities, target: self.target }
    }

    /// Notes that something was taken away, unless a person approved it.
    fn count_removal(&mut self, row: &Provisioned, removed: bool) {
        let approved = row.approved && row.approved_at.is_some_and(|at| at > queue::window_begin(self.ctx.now));
        if removed && !approved {
            self.removed += 1;
        }
    }

    fn troubled(&mut self, row: Provisioned, trouble: Trouble) -> Result<Settled, Box<(Option<Settled>, Stop)>> {
        match trouble {
            Trouble::Here(error) => Err(Box::new((None, error.into()))),
            Trouble::Stopping => Err(Box::new((None, Stop::Turn))),
            Trouble::There(fault) => self.failed(row, fault),
        }
    }

    fn took(&mut self, kind: &'static str, action: Option<Action>) {
        self.silent = 0;
        self.forbidden = 0;
        self.failures = 0;
        self.answered = true;
        let action = match action {
            None => "none",
            Some(Action::Create) => "create",
            Some(Action::Update) => "update",
            Some(Action::Deactivate) => "deactivate",
            Some(Action::Delete) => "delete",
        };
        if action != "none" {
            *self.written.entry(action).or_default() += 1;
        }
        metrics::counter!("passerelle_provisioned_total", "kind" => kind, "action" => action).increment(1);
    }

    fn done(&self, row: &mut Provisioned, action: Option<Action>) {
        row.state = State::Done;
        row.action = action.or(row.action);
        row.attempts = 0;
        row.error = None;
        row.updated_at = self.ctx.now;
    }

    /// A row that was not taken, and whether the turn goes on. Whatever befell it, others come before it the next time.
    fn failed(&mut self, mut row: Provisioned, fault: Fault) -> Result<Settled, Box<(Option<Settled>, Stop)>> {
        metrics::counter!("passerelle_provisioning_failures_total").increment(1);
        if matches!(fault, Fault::Down(_)) && row.action == Some(Action::Create) && row.remote_id.is_none() {
            // It may have been created: it is looked for before it is left out.
            row.active = true;
        }
        row.error = Some(fault.told());
        row.attempts += 1;
        row.updated_at = self.ctx.now;
        let wait = wait_s(row.attempts - 1);
        row.due_at = self.ctx.now.plus_s(wait);
        row.state = State::Failed;
        match fault {
            Fault::Denied(why) => return Err(Box::new((Some(Settled::Row(row)), Stop::Denied(why)))),
            Fault::Busy(wait_s, _) => return Err(Box::new((Some(Settled::Row(row)), Stop::Rest(wait_s)))),
            // One that is asked to wait is not given up: somebody there has to decide, perhaps.
            Fault::Later(asked, _) => row.due_at = self.ctx.now.plus_s(asked.max(wait)),
            _ if row.attempts >= ATTEMPTS_MAX => row.state = State::GivenUp,
            _ => {}
        }
        self.silent = if matches!(fault, Fault::Down(_) | Fault::Later(..)) { self.silent + 1 } else { 0 };
        self.forbidden = if matches!(fault, Fault::Forbidden(_)) { self.forbidden + 1 } else { 0 };
        if self.forbidden >= FORBIDDEN_MAX {
            return Err(Box::new((Some(Settled::Row(row)), Stop::Denied(fault.told()))));
        }
        if self.silent >= SILENT_MAX {
            return Err(Box::new((Some(Settled::Row(row)), Stop::Rest(wait_s(self.failures)))));
        }
        Ok(Settled::Row(row))
    }

    async fn settle_people(&mut self, ended: Vec<Settled>, people: &HashMap<UserId, Person>) -> Result<(), Stop> {
        let mut tx = self.ctx.store.begin().await?;
        if self.removed > 0 {
            provisioning_guard::take(&mut tx, self.target.provisioning.id, self.ctx.now, self.removed).await?;
            self.removed = 0;
        }
        provisioned_member::unwrite_users(&mut tx, self.target.provisioning.id, &std::mem::take(&mut self.moved)).await?;
        let mut came = Vec::new();
        for settled in ended {
            match settled {
                Settled::Row(row) => {
                    provisioned::settle(&mut tx, &row).await?;
                    let id = row.subject.parse::<UserId>().ok();
                    came.extend(id.filter(|id| row.state == State::Done && people.get(id).is_some_and(|person| person.present)));
                }
                Settled::Forget(row) => {
                    provisioned::forget(&mut tx, &row).await?;
                    if let Ok(id) = row.subject.parse() {
                        provisioned_member::forget_user(&mut tx, self.target.provisioning.id, id).await?;
                    }
                }
                Settled::Again(row) => provisioned::mark_rows(&mut tx, self.target.provisioning.id, &[row.id], self.ctx.now).await?,
            }
        }
        queue::announce_people(&mut tx, self.ctx, self.target, &came).await?;
        Ok(tx.commit().await?)
    }

    async fn groups(&mut self, deletes: bool) -> Result<(), Stop> {
        loop {
            let rows = self.due(Kind::Group, deletes).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                if self.is_over() {
                    return Err(Stop::Turn);
                }
                let settled = match self.group(row).await {
                    Ok(settled) => settled,
                    Err((settled, stop)) => {
                        self.settle_people(settled.into_iter().collect(), &HashMap::new()).await?;
                        return Err(stop);
                    }
                };
                self.settle_people(vec![settled], &HashMap::new()).await?;
            }
        }
    }

    async fn group(&mut self, mut row: Provisioned) -> Result<Settled, (Option<Settled>, Stop)> {
        let name = async {
            let mut tx = self.ctx.store.read().await?;
            Ok::<_, Error>(self.target.groups_in(&mut tx, &BTreeSet::from([row.subject.clone()])).await?.remove(&row.subject))
        };
        let name = name.await.map_err(|error| (None, error.into()))?;
        match self.writing().group(&row, name.as_deref()).await {
            Ok(Written::Gone) => {
                self.took("group", Some(if row.adopted { Action::Deactivate } else { Action::Delete }));
                self.count_removal(&row, row.remote_id.is_some());
                Ok(Settled::Forget(row))
            }
            Ok(Written::There { id, action, adopted }) => {
                self.took("group", action);
                row.remote_id = Some(id);
                row.adopted = adopted;
                row.active = true;
                row.written = name.as_deref().map(|name| digest_of(&group_of(&row.subject, name)));
                self.done(&mut row, action);
                Ok(Settled::Row(row))
            }
            Err(trouble) => self.troubled(row, trouble).map_err(|stopped| *stopped),
        }
    }
}

/// What is stored of one row after it was seen to.
enum Settled {
    /// So it is now.
    Row(Provisioned),
    /// Nothing is left of it there.
    Forget(Provisioned),
    /// It is looked at again.
    Again(Provisioned),
}
