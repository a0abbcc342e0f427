//! Writing what feeds ask: each change within the transaction of its turn, through the same doors as a sync run. The transaction itself is `turns`'.

mod fresh;
mod groups;
mod membership;
mod named;
mod people;
mod plan;

pub use named::Named;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

use super::super::audit;
use super::super::context::Context;
use super::super::{roles, units};
use super::change::{Change, Done, Stop, Wait, With};
use super::error::ScimError;
use super::feeds::Feed;
use super::resource::canonical;
use super::schema::Kind;
use super::shown::Shown;
use super::values;
use crate::store::Tx;
use crate::store::establishment::audit_event::AuditEvent;
use crate::store::establishment::scim_held::{Held, HeldReason};
use crate::store::establishment::scim_resource::{self, IndexedValue, Resource};
use crate::store::establishment::{proposal, scim_feed, scim_held};
use crate::types::id::{SourceId, UserId};
use crate::types::nul;

/// Requests of one feed that wait for a person; of more, the feed alone is told.
const HELD_MAX: i64 = 10_000;

/// The kind as stores name it.
pub const fn row_kind(kind: Kind) -> scim_resource::Kind {
    match kind {
        Kind::User => scim_resource::Kind::User,
        Kind::Group => scim_resource::Kind::Group,
    }
}

/// What is written once for all changes of a turn.
#[derive(Debug, Default)]
pub struct Batch {
    /// People whose roles are to be computed again.
    touched: BTreeSet<UserId>,
    /// Units that people of each feed were said to be in.
    units: HashMap<SourceId, HashSet<String>>,
    /// How many people and groups of each feed came, or went.
    came: HashMap<SourceId, (i64, i64)>,
    /// The trail.
    events: Vec<AuditEvent>,
    /// What waits for a person.
    pub waits: Vec<Wait>,
    /// People who are new, and are written together.
    coming: fresh::Coming,
    /// Whether anything of a feed waits for a person.
    waiting: HashMap<SourceId, bool>,
    /// Whether anything was written.
    wrote: bool,
}

/// One change at work.
#[derive(Debug)]
pub struct Work<'a> {
    /// The transaction of the turn.
    pub tx: &'a mut Tx,
    /// What is written at its end.
    pub batch: &'a mut Batch,
    /// Who asks.
    pub feed: &'a Feed,
    /// What the answer shows.
    pub with: With,
}

/// A change made regular, before it waits for its turn.
///
/// # Errors
/// 400 for a body that does not fit.
pub fn prepared(change: Change) -> Result<Change, ScimError> {
    let regular = |kind, body: Map<String, Value>| {
        let body = Value::Object(body);
        nul::refuse("body", &body).map_err(|refused| ScimError::invalid_value(refused.to_string()))?;
        let Value::Object(body) = body else { return Ok(Map::new()) };
        canonical(kind, body)
    };
    Ok(match change {
        Change::Create { kind, body } => Change::Create { kind, body: regular(kind, body)? },
        Change::Replace { kind, id, body, rev } => Change::Replace { kind, id, body: regular(kind, body)?, rev },
        other => other,
    })
}

/// Carries one change out.
pub async fn carry_in(work: &mut Work<'_>, change: &Change) -> Result<Done, Stop> {
    if !matches!(change, Change::Create { kind: Kind::User, .. }) {
        work.batch.bring_in(work.tx).await?;
    }
    match change {
        Change::Create { kind: Kind::User, body } => people::create(work, body).await,
        Change::Create { kind: Kind::Group, body } => groups::create(work, body).await,
        Change::Replace { kind: Kind::User, id, body, rev } => people::replace(work, id, body, *rev).await,
        Change::Replace { kind: Kind::Group, id, body, rev } => groups::replace(work, id, body, *rev).await,
        Change::Patch { kind: Kind::User, id, ops, rev } => people::patch(work, id, ops, *rev).await,
        Change::Patch { kind: Kind::Group, id, ops, rev } => groups::patch(work, id, ops, *rev).await,
        Change::Remove { kind: Kind::User, id, rev } => people::remove(work, id, *rev).await,
        Change::Remove { kind: Kind::Group, id, rev } => groups::remove(work, id, *rev).await,
    }
}

impl Work<'_> {
    fn source(&self) -> SourceId {
        self.feed.source.id
    }

    fn ctx(&self) -> &Context {
        &self.feed.ctx
    }

    /// Adds to the trail.
    fn note(&mut self, action: &str, subject: (&str, &str), detail: Value) {
        self.batch.events.push(audit::event(&self.feed.ctx, action, subject, detail));
    }

    /// Counts resources that came, or went below zero.
    fn came(&mut self, kind: Kind, count: i64) {
        let (users, groups) = self.batch.came.entry(self.source()).or_default();
        match kind {
            Kind::User => *users += count,
            Kind::Group => *groups += count,
        }
    }

    /// What stands now, as the answer shows it.
    async fn shown(&mut self, kind: Kind, resource: Resource) -> Result<Done, Stop> {
        let shown = Shown::load(self.tx, self.feed, kind, std::slice::from_ref(&resource), self.with).await?;
        Ok(Done::Stored(Box::new(shown.of(self.feed, resource))))
    }
}

impl Batch {
    /// Notes that something of a feed is being written.
    fn writes(&mut self) {
        self.wrote = true;
    }

    /// The trail so far.
    pub fn events(&self) -> &[AuditEvent] {
        &self.events
    }

    /// Writes what was gathered. False when there is nothing to commit.
    pub async fn end_in(mut self, tx: &mut Tx, ctx: &Context) -> Result<bool, ScimError> {
        self.bring_in(tx).await?;
        let wrote = self.wrote || !self.waits.is_empty();
        for (source, people) in &self.units {
            let stated = units::Stated { people, tree: None, whole: false };
            units::follow_in(tx, ctx, *source, &stated).await?;
        }
        for (source, (users, groups)) in &self.came {
            scim_feed::count(tx, *source, *users, *groups).await?;
        }
        for wait in &self.waits {
            if !has_room_in(tx, &wait.held).await? {
                continue;
            }
            scim_held::hold(tx, &wait.held).await?;
            for one in &wait.proposals {
                proposal::propose(tx, one).await?;
            }
        }
        let touched: Vec<UserId> = self.touched.into_iter().collect();
        roles::recompute_users_in(tx, ctx, &touched).await?;
        audit::record_all_in(tx, &self.events).await?;
        Ok(wrote)
    }
}

/// Whether a request that waits may be noted. Those of the guard are of resources that there are; a feed may ask for anything to be made.
async fn has_room_in(tx: &mut Tx, held: &Held) -> Result<bool, ScimError> {
    if held.reason == HeldReason::Guard || scim_held::find_same(tx, held).await?.is_some() {
        return Ok(true);
    }
    Ok(scim_held::count_open(tx, held.source_id).await? < HELD_MAX)
}

/// The values of a resource, for filters.
fn indexed(kind: Kind, body: &Map<String, Value>) -> Vec<IndexedValue> {
    let rows = values::index(kind, body).into_iter();
    rows.map(|row| {
        let head = row.text.as_deref().filter(|_| HOT.contains(&row.attribute.as_str())).map(|text| values::head(text).to_owned());
        let values::IndexedValue { attribute, element, leading, text, number } = row;
        IndexedValue { attribute, element: element.into(), leading, text, number, head }
    })
    .collect()
}

/// Attributes by which identity providers look for people beside those that have a column.
pub const HOT: [&str; 4] = ["emails.value", "displayname", "e:employeenumber", "name.familyname"];
