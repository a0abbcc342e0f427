//! Who does which job: the one place that matches every kind of work to the service that does it.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::archives;
use super::bulk;
use super::context::{Actor, Context, Gateway, PlatformContext};
use super::error::Error;
use super::establishments;
use super::keeping_up;
use super::leases::Lease;
use super::leaving;
use super::logout_notices;
use super::mail;
use super::outbox::{self, GUARD_S, Outcome, Outgoing};
use super::provisioning;
use super::reviews;
use super::roles;
use super::rule_sets;
use super::sync;
use crate::store::establishment::bulk_run::BulkState;
use crate::store::registry::job::Kind;
use crate::types::time::Timestamp;

/// What people wait for. A job of a kind that is named nowhere here is left to nodes that know it.
pub const PROMPT: &[Kind] = &[Kind::Outbox, Kind::Sync, Kind::Establishment, Kind::Import, Kind::RoleEdges];
/// Runs of sources whose schedule says so: each node does a few at a time, and what people wait for goes by.
pub const RUNS: &[Kind] = &[Kind::Schedule];
/// What a node goes on doing for as long as it lives.
pub const LIVE: &[Kind] = &[Kind::Live];
/// What may take long and comes in numbers: it never stands in the way of what people wait for.
pub const BULK: &[Kind] = &[Kind::Archive, Kind::ArchiveRound, Kind::Rehearsal, Kind::Bulk, Kind::Leaving, Kind::Review, Kind::RuleSet];
/// What is written to applications outside: a service that is slow keeps nobody else waiting.
pub const OUTWARD: &[Kind] = &[Kind::Provision];
/// How long a job that failed waits, in seconds.
const RETRY_S: i64 = 60;

/// Does one job and lets go of it. A failure is told and tried again later.
pub async fn carry_out(gateway: &Arc<Gateway>, lease: Lease) {
    let (kind, slug) = (lease.job().kind, lease.job().slug.clone());
    let next_due = match attempt(gateway, &lease).await {
        Ok(next_due) => next_due,
        // The establishment is gone, and what there was to do with it.
        Err(Error::NotFound(_)) => None,
        Err(error) => {
            tracing::error!(job.kind = ?kind, establishment = slug, %error, "a job failed and is tried again");
            Some(lease.now().plus_s(RETRY_S))
        }
    };
    // What still waits from before goes behind what others have waited for meanwhile: establishments take turns.
    let next_due = next_due.map(|due_at| due_at.max(lease.now()));
    match lease.finish(next_due).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(job.kind = ?kind, establishment = slug, "a job was lost to another node while it was done"),
        Err(error) => tracing::error!(job.kind = ?kind, establishment = slug, %error, "a job's end is not written: its hold runs out"),
    }
}

async fn attempt(gateway: &Arc<Gateway>, lease: &Lease) -> Result<Option<Timestamp>, Error> {
    let job = lease.job();
    if matches!(job.kind, Kind::Establishment | Kind::Import) {
        // One that is being deleted, or that was never whole, is nowhere to be entered.
        let platform = PlatformContext::open(gateway, Actor::System, lease.now()).await?;
        match job.kind {
            Kind::Import => archives::take_back(&platform, &job.slug, &job.subject).await?,
            _ => establishments::carry_on(&platform, &job.slug).await?,
        }
        return Ok(None);
    }
    if job.kind == Kind::Live {
        return Box::pin(keeping_up::listen(gateway, lease)).await;
    }
    let ctx = Context::open(gateway, &job.slug, Actor::System, lease.now()).await?;
    match job.kind {
        Kind::Outbox => {
            let (there, begun) = (ctx.clone(), Instant::now());
            let sender = async move |outgoing: &Outgoing, content: &Value| {
                // What is signed on the way holds for minutes only, and a round may take as long.
                let elapsed_s = i64::try_from(begun.elapsed().as_secs()).unwrap_or(i64::MAX);
                deliver(&Context { now: there.now.plus_s(elapsed_s), ..there.clone() }, outgoing, content).await
            };
            let next_due = outbox::deliver(&ctx, sender).await?;
            // Whoever announced may not have committed yet: so long after it, there is always one more look.
            let look_again = (job.seq > 0).then(|| ctx.now.plus_s(GUARD_S));
            Ok(next_due.into_iter().chain(look_again).min())
        }
        Kind::Sync => sync::carry_on(&ctx, lease).await.map(|()| None),
        Kind::Leaving => Ok(unless_lost(lease, leaving::round(&ctx)).await?.1),
        Kind::Review => reviews::remind_when_due(&ctx, &job.subject).await,
        Kind::Bulk => {
            let run = bulk::carry_on(gateway, lease, |_| {}).await?;
            // Another node goes on, or this one once others had their turn.
            Ok((run.state == BulkState::Running).then_some(job.due_at))
        }
        Kind::RoleEdges => Ok(unless_lost(lease, Box::pin(roles::edges::round(&ctx, job.seq > 0))).await?.1),
        Kind::RuleSet => unless_lost(lease, Box::pin(rule_sets::apply_due(&ctx, &job.subject))).await,
        Kind::Provision => unless_lost(lease, Box::pin(provisioning::round(&ctx, &job.subject))).await,
        Kind::Schedule => Box::pin(keeping_up::take_turn(&ctx, lease)).await,
        // Done above.
        Kind::Establishment | Kind::Import | Kind::Live => Ok(None),
        Kind::Rehearsal => archives::clear_away(gateway, &job.subject).await.map(|()| None),
        Kind::ArchiveRound => archives::round(&PlatformContext::from_context(ctx)?).await,
        Kind::Archive => {
            let settings = gateway.archives.clone();
            if !settings.are_wanted() {
                return Ok(None);
            }
            // Two nodes that write one archive would write into one file.
            unless_lost(lease, archives::write_scheduled(&ctx, &settings)).await.map(|_| None)
        }
    }
}

/// Does something that no two nodes may do at once: broken off when another may do it by now.
async fn unless_lost<T>(lease: &Lease, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        done = work => done,
        () = lease.lost() => Err(Error::Internal(format!("another node may do the job {:?} by now", lease.job().kind))),
    }
}

/// Sends one thing by its way.
async fn deliver(ctx: &Context, outgoing: &Outgoing, content: &Value) -> Outcome {
    match outgoing.kind {
        outbox::Kind::Mail => mail::send(ctx, outgoing, content).await,
        outbox::Kind::Logout => logout_notices::send(ctx, outgoing, content).await,
    }
}
