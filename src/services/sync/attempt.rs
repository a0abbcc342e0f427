//! One attempt of a run: read, plan, let the guard look, apply. The last transaction writes the end of the run with the last of its changes.

use std::time::Instant;

use super::super::context::Context;
use super::super::error::Error;
use super::super::leases::Lease;
use super::super::provisioning_bell;
use super::super::source_files;
use super::super::sources;
use super::apply::{self, Carried};
use super::feed::{self, Feed, Filled, Mark};
use super::guard::{self, Approved};
use super::inbox::Inbox;
use super::meet;
use super::plan::{self, Plan};
use super::run::LOST;
use super::tell;
use crate::store::Tx;
use crate::store::establishment::change::{self, Operation};
use crate::store::establishment::source::Source;
use crate::store::establishment::source_state::{self, Taken};
use crate::store::establishment::sync_run::{self, Mode, Run, StartedBy, State};
use crate::types::id::RunId;
use crate::types::time::Timestamp;

/// Said of a held run that a later one made needless.
const OVERTAKEN: &str = "a later run took over everything the source says: there was nothing left to decide";

/// Carries a run to its end, whichever the guard says that is.
///
/// # Errors
/// Whatever broke it off.
pub(super) async fn attempt(ctx: &Context, source: &Source, mut run: Run, lease: &Lease, feed: Feed) -> Result<Run, Error> {
    let clock = Instant::now();
    let approved = approved(ctx, &run).await?;
    let Filled { mut inbox, mark, note } = read(ctx, source, &run, lease, feed).await?;
    let read_ms = elapsed_ms(clock);
    let plan = planned(ctx, source, &run, &mut inbox).await?;
    tracing::debug!(run.id = %run.id, read_ms, planned_ms = elapsed_ms(clock), "run planned");
    let objection = guard::objection(&source.guard, &plan.losses(&inbox, approved.as_ref()));
    if let Some(why) = objection.as_ref().filter(|_| run.progress.is_some()) {
        // What was done before stands in its log: what is left is for another run to name.
        return Err(Error::Conflict(format!("what is left of it would be held: {why}")));
    }
    run.note = note;
    if objection.is_none() && run.started_by != StartedBy::Hand && plan.is_empty(&inbox) {
        return forgotten(ctx, run, mark, (&inbox, clock)).await;
    }
    if let Some(why) = objection.as_ref().filter(|_| run.started_by != StartedBy::Hand) {
        let mut reader = ctx.store.read().await?;
        let standing = sync_run::find_held(&mut reader, source.id, run.mode).await?;
        drop(reader);
        if let Some(standing) = standing {
            return withdrawn(ctx, run, standing, why, clock).await;
        }
    }
    if approved.is_some() {
        // What it named while it was held gives way to what it does now.
        let mut tx = ctx.store.begin().await?;
        change::delete_of_run(&mut tx, run.id).await?;
        tx.commit().await?;
    }
    let writes = run.mode != Mode::Preview && objection.is_none();
    let telling = if run.mode != Mode::Preview && objection.is_some() { tell::announce(ctx).await? } else { None };
    let Carried { mut tx, mut run, announced } = apply::carry(ctx, run, &inbox, &plan, writes).await?;
    (run.state, run.error) = match (run.mode, objection) {
        (Mode::Preview, Some(why)) => (State::Done, Some(format!("A run would be held. {why}"))),
        (_, Some(why)) => (State::Held, Some(why)),
        (_, None) => (State::Done, None),
    };
    if run.state == State::Held {
        // Held again for more than was approved: the decision is open again.
        run.approved_by = None;
        if let Some(telling) = &telling {
            tell::write_in(telling, &mut tx, ctx, &run).await?;
        }
    }
    if writes {
        keep_state_in(&mut tx, ctx, &run, mark, (&plan, &inbox)).await?;
    }
    run.duration_ms = Some(elapsed_ms(clock));
    // The end of the run, what it changed and where the source was read up to stand or fall together.
    sync_run::update(&mut tx, &run).await?;
    tx.commit().await?;
    provisioning_bell::ring(ctx).await;
    if let Some(announced) = announced {
        announced.hurry(ctx).await;
    }
    if let Some(telling) = telling {
        telling.hurry(ctx).await;
    }
    Ok(run)
}

/// Fills the inbox of a run, as long as the run is ours.
async fn read(ctx: &Context, source: &Source, run: &Run, lease: &Lease, feed: Feed) -> Result<Filled, Error> {
    let connector = match &feed {
        Feed::File(content) => source_files::connector(ctx, source, Some(content.clone())).await?,
        Feed::Source | Feed::Batch(_) | Feed::Records(_) => sources::connector(ctx, source).await?,
    };
    tokio::select! {
        filled = feed::fill(ctx, source, &connector, run.mode, feed) => filled,
        () = lease.lost() => Err(Error::Conflict(LOST.to_owned())),
    }
}

/// Finds who the entries are, and works out what changes.
async fn planned(ctx: &Context, source: &Source, run: &Run, inbox: &mut Inbox) -> Result<Plan, Error> {
    let mut reader = ctx.store.read().await?;
    meet::find(&mut reader, ctx, source, inbox).await?;
    plan::make(&mut reader, run, inbox).await
}

/// Ends a run that found nothing to do and that nobody waits for: it leaves no line, but where the source was read up to.
async fn forgotten(ctx: &Context, mut run: Run, mark: Mark, (inbox, clock): (&Inbox, Instant)) -> Result<Run, Error> {
    let mut tx = ctx.store.begin().await?;
    super::run::still_ours_in(&mut tx, &run).await?;
    if inbox.full {
        // Nobody changed; the tree of units may have.
        apply::units::follow_in(&mut tx, ctx, run.source_id, inbox).await?;
    }
    run.state = State::Done;
    run.duration_ms = Some(elapsed_ms(clock));
    let mut state = source_state::get(&mut tx, run.source_id).await?;
    move_on(&mut state, ctx, mark, inbox);
    source_state::keep(&mut tx, &state).await?;
    sync_run::forget(&mut tx, run.id).await?;
    tx.commit().await?;
    Ok(run)
}

/// Withdraws a run that would be held while another one waits for the same decision: approved, that one reads the source again.
async fn withdrawn(ctx: &Context, run: Run, standing: RunId, why: &str, clock: Instant) -> Result<Run, Error> {
    let mut tx = ctx.store.begin().await?;
    super::run::still_ours_in(&mut tx, &run).await?;
    sync_run::forget(&mut tx, run.id).await?;
    tx.commit().await?;
    tracing::info!(run.id = %run.id, source = %run.source, standing = %standing, "a run is withdrawn: another one waits for the same decision");
    Ok(Run { state: State::Held, error: Some(why.to_owned()), duration_ms: Some(elapsed_ms(clock)), ..run })
}

/// Writes where the source was read up to, with the last of the changes.
async fn keep_state_in(tx: &mut Tx, ctx: &Context, run: &Run, mark: Mark, (plan, inbox): (&Plan, &Inbox)) -> Result<(), Error> {
    let mut state = source_state::get(tx, run.source_id).await?;
    move_on(&mut state, ctx, mark, inbox);
    if !inbox.full {
        let counts = &run.counts;
        let now = Taken { people: counts.disabled, groups: counts.removed, memberships: counts.memberships_removed };
        state.taken = plan.earlier.and(now);
    }
    state.roles_due = false;
    if inbox.full {
        // Everything the source says is taken over now: there is nothing left to decide.
        sync_run::refuse_held(tx, run.source_id, OVERTAKEN).await?;
    }
    Ok(source_state::keep(tx, &state).await?)
}

fn move_on(state: &mut source_state::SourceState, ctx: &Context, mark: Mark, inbox: &Inbox) {
    if let Mark::Moves(bookmark) = mark {
        state.bookmark = bookmark.map(|bookmark| bookmark.to_text());
        state.bookmark_at = state.bookmark.is_some().then_some(ctx.now);
    }
    let next_turn = inbox.next_turn.map(Timestamp::from_seconds);
    if inbox.full {
        state.full_at = Some(ctx.now);
        state.taken = Taken::default();
        state.turns_at = next_turn;
    } else {
        // Of those who were not stated, the dates are as they were.
        state.turns_at = state.turns_at.into_iter().chain(next_turn).min();
    }
    state.succeeded_at = Some(ctx.now);
    (state.failures, state.error) = (0, None);
    // Whatever it was left alone for is over.
    state.paused_until = None;
}

pub(super) fn elapsed_ms(clock: Instant) -> i64 {
    i64::try_from(clock.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// What an approved run named while it was held.
async fn approved(ctx: &Context, run: &Run) -> Result<Option<Approved>, Error> {
    if run.approved_by.is_none() {
        return Ok(None);
    }
    let mut tx = ctx.store.read().await?;
    let mut approved = Approved::default();
    for operation in [Operation::Disabled, Operation::Removed, Operation::MembersRemoved] {
        for change in change::list_of_operation(&mut tx, run.id, operation).await? {
            approved.add(&change);
        }
    }
    Ok(Some(approved))
}
