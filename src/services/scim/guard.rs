//! How much a feed may take away: what it took in the last day counts together, as a sync run's does. Beyond its source's guard each further request
//! is refused and waits for a person; when the feed asks again after their word, it is done.

use serde_json::json;
use uuid::Uuid;

use super::change::{Stop, Wait};
use super::error::ScimError;
use super::writing::Work;
use crate::store::establishment::membership;
use crate::store::establishment::scim_feed;
use crate::store::establishment::scim_held::{self, Held, HeldReason, HeldState};
use crate::store::establishment::source::Bound;
use crate::store::establishment::source_state::Taken;

/// What was taken in so many seconds counts together: a day.
pub const WINDOW_S: i64 = 24 * 3600;
/// From one more than so many people or groups a day on, their share counts too, so that small feeds can work; of memberships, ten times as many.
pub const FREE: u64 = 50;
/// When a feed is asked to come back, in seconds.
const HELD_RETRY_S: u32 = 3600;
/// How long a person's word lets a request pass that does not come, in seconds: a day. Later it is asked for again.
pub const APPROVED_S: i64 = 24 * 3600;
/// Where a request that waits tells how many memberships it takes: a person's word is about so many, and no more.
const SHOWN: &str = "memberships";

/// One taking away.
#[derive(Clone, Debug)]
pub struct Taking {
    operation: &'static str,
    id: Uuid,
    name: String,
    taken: Taken,
}

impl Taking {
    /// Of what someone has: the right to sign in, memberships.
    pub fn person(operation: &'static str, id: Uuid, name: &str, taken: Taken) -> Self {
        Self { operation, id, name: name.to_owned(), taken }
    }

    /// Of a group, with so many members.
    pub fn group(id: Uuid, name: &str, members: u64) -> Self {
        Self { operation: "delete", id, name: name.to_owned(), taken: Taken { people: 0, groups: 1, memberships: members } }
    }

    /// Of so many members of a group.
    pub fn members(id: Uuid, name: &str, count: u64) -> Self {
        Self { operation: "remove_members", id, name: name.to_owned(), taken: memberships(count) }
    }

    /// Of a group's name, which rules gave so many members something for.
    pub fn name(id: Uuid, name: &str, members: u64) -> Self {
        Self { operation: "rename", id, name: name.to_owned(), taken: memberships(members) }
    }
}

/// So many memberships.
pub const fn memberships(count: u64) -> Taken {
    Taken { people: 0, groups: 0, memberships: count }
}

/// Whether a taking away may be done now. Nothing is written.
///
/// # Errors
/// 503 when a person has to decide first; 403 when they decided against it.
pub async fn look(work: &mut Work<'_>, taking: &Taking) -> Result<(), Stop> {
    if taking.taken == Taken::default() {
        return Ok(());
    }
    let ctx = &work.feed.ctx;
    let source = &work.feed.source;
    let since = ctx.now.plus_s(-WINDOW_S);
    let taken = scim_feed::taken_since(work.tx, source.id, since).await?.and(taking.taken);
    let guard = &source.guard;
    if is_little(taken.people, guard.people, FREE)
        && is_little(taken.groups, guard.groups, FREE)
        && is_little(taken.memberships, guard.memberships, 10 * FREE)
    {
        return Ok(());
    }
    let state = scim_feed::get(work.tx, source.id).await?;
    let (people, groups) = (state.users.unsigned_abs(), state.groups.unsigned_abs());
    let mut reasons: Vec<String> = Vec::new();
    if taking.taken.people > 0 {
        reasons.extend(passed("people", taken.people, people, (guard.people, FREE)));
    }
    if taking.taken.groups > 0 {
        reasons.extend(passed("groups", taken.groups, groups, (guard.groups, FREE)));
    }
    if taking.taken.memberships > 0 {
        let before = membership::count_of_source(work.tx, source.id).await?.unsigned_abs();
        reasons.extend(passed("memberships", taken.memberships, before, (guard.memberships, 10 * FREE)));
    }
    if reasons.is_empty() {
        return Ok(());
    }
    decided(work, taking, &reasons.join("; ")).await
}

/// Whether so much passes whatever the feed has.
fn is_little(taken: u64, bound: Bound, free: u64) -> bool {
    taken <= free.min(bound.max_count)
}

/// What is said of a bound that is passed.
fn passed(kind: &str, taken: u64, before: u64, (bound, free): (Bound, u64)) -> Option<String> {
    let over = taken > bound.max_count || (taken > free && percent(taken, before) > bound.max_percent);
    over.then(|| format!("{taken} of {before} {kind} in a day (limits: {} {kind}, {} %)", bound.max_count, bound.max_percent))
}

/// What a person said of it before: of so much, and of late. Otherwise it waits.
async fn decided(work: &mut Work<'_>, taking: &Taking, why: &str) -> Result<(), Stop> {
    let source = &work.feed.source;
    let mut held = waiting(work, taking, why);
    let Some(before) = scim_held::find_same(work.tx, &held).await? else { return Err(waits(&source.name, why, held)) };
    let shown = before.detail.get(SHOWN).and_then(serde_json::Value::as_u64).unwrap_or_default();
    let is_as_shown = taking.taken.memberships <= shown;
    match before.state {
        HeldState::Refused => Err(Stop::refused(ScimError::new(403, format!("an administrator refused to take away «{}»", taking.name)))),
        HeldState::Approved if is_as_shown && before.decided_at.is_some_and(|at| work.feed.ctx.now <= at.plus_s(APPROVED_S)) => {
            scim_held::settle(work.tx, source.id, HeldReason::Guard, taking.operation, &held.subject).await?;
            Ok(())
        }
        HeldState::Open | HeldState::Approved => {
            // What takes more than was shown is another request: whoever looks at the one before decides nothing of it.
            if is_as_shown {
                held.id = before.id;
            }
            Err(waits(&source.name, why, held))
        }
    }
}

fn waiting(work: &Work<'_>, taking: &Taking, why: &str) -> Held {
    let now = work.feed.ctx.now;
    Held {
        id: Uuid::now_v7(),
        source_id: work.feed.source.id,
        reason: HeldReason::Guard,
        operation: taking.operation.to_owned(),
        subject_id: Some(taking.id),
        subject: taking.id.to_string(),
        name: taking.name.clone(),
        detail: json!({ "why": why, SHOWN: taking.taken.memberships }),
        state: HeldState::Open,
        times: 1,
        first_at: now,
        last_at: now,
        decided_at: None,
        decided_by: None,
    }
}

fn waits(feed: &str, why: &str, held: Held) -> Stop {
    let told = format!("the feed «{feed}» took away {why}: an administrator approves it, and it is done when asked again");
    Stop::Refused(ScimError::new(503, told).after_s(HELD_RETRY_S), Some(Box::new(Wait { held, proposals: Vec::new() })))
}

/// Counts what was taken away.
pub async fn count(work: &mut Work<'_>, taken: Taken) -> Result<(), Stop> {
    if taken != Taken::default() {
        scim_feed::take(work.tx, work.feed.source.id, work.feed.ctx.now, taken).await?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52, and a share is only compared")]
fn percent(part: u64, whole: u64) -> f64 {
    // What was taken may be more than what is left: that is all of it, and not more.
    if part >= whole { 100.0 } else { part as f64 * 100.0 / whole as f64 }
}
