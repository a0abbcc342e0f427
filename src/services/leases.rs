//! Jobs that this node holds: taken so that no other does them, and renewed while they are done. What a job is, others know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::context::Gateway;
use super::error::Error;
use crate::store::Tx;
use crate::store::registry::job::{self, Hold, Job, Kind};
use crate::types::time::Timestamp;

/// For how long a node holds a job without renewing it, in seconds: so long others wait for one that was killed.
pub const HOLD_S: i64 = 60;
/// How often a hold is renewed: twice may fail before the hold runs out.
const RENEW_INTERVAL: Duration = Duration::from_secs(20);

/// A job in this node's hands. Dropped without [`Lease::finish`], its hold runs out by itself, as if the node had been killed.
#[derive(Debug)]
pub struct Lease {
    gateway: Arc<Gateway>,
    job: Job,
    clock: Clock,
    lost: CancellationToken,
    renewing: AbortHandle,
}

/// The time that went by since an instant that an edge read.
#[derive(Clone, Copy, Debug)]
struct Clock {
    at: Timestamp,
    begun: Instant,
}

impl Clock {
    fn now(self) -> Timestamp {
        self.at.plus_s(i64::try_from(self.begun.elapsed().as_secs()).unwrap_or(i64::MAX))
    }
}

/// Takes one due job of these kinds, if there is any. Of many nodes that ask, one gets it.
pub async fn take(gateway: &Arc<Gateway>, kinds: &[Kind], now: Timestamp) -> Result<Option<Lease>, Error> {
    let holder = gateway.node.holder();
    let mut tx = gateway.stores.registry().begin().await?;
    let taken = job::take(&mut tx, kinds, hold_from(&holder, now)).await?;
    tx.commit().await?;
    Ok(taken.map(|job| Lease::new(gateway, job, now)))
}

/// Holds a job that begins now, about one thing in an establishment. None while another node holds it.
pub async fn begin(gateway: &Arc<Gateway>, kind: Kind, slug: &str, subject: &str, now: Timestamp) -> Result<Option<Lease>, Error> {
    let holder = gateway.node.holder();
    let mut tx = gateway.stores.registry().begin().await?;
    let held = job::hold(&mut tx, kind, slug, subject, hold_from(&holder, now)).await?;
    tx.commit().await?;
    Ok(held.map(|job| Lease::new(gateway, job, now)))
}

/// The same in a transaction of the registry, with what the job is about: once that is committed, [`Held::keep`] has it renewed.
pub async fn begin_in(
    tx: &mut Tx,
    gateway: &Gateway,
    kind: Kind,
    (slug, subject): (&str, &str),
    now: Timestamp,
) -> Result<Option<Held>, Error> {
    let holder = gateway.node.holder();
    Ok(job::hold(tx, kind, slug, subject, hold_from(&holder, now)).await?.map(|job| Held { job, now }))
}

/// A job that is held once a transaction is committed.
#[derive(Debug)]
pub struct Held {
    job: Job,
    now: Timestamp,
}

impl Held {
    /// The job in this node's hands, after the commit.
    pub fn keep(self, gateway: &Arc<Gateway>) -> Lease {
        Lease::new(gateway, self.job, self.now)
    }
}

/// Whether some node holds a job now.
pub async fn is_held(gateway: &Gateway, kind: Kind, slug: &str, subject: &str, now: Timestamp) -> Result<bool, Error> {
    let mut tx = gateway.stores.registry().read().await?;
    let known = job::find(&mut tx, kind, slug, subject).await?;
    Ok(known.and_then(|job| job.held_until).is_some_and(|until| until > now))
}

/// Lets go of everything this node holds, because it stops.
pub async fn release_all(gateway: &Gateway) -> Result<u64, Error> {
    let mut tx = gateway.stores.registry().begin().await?;
    let released = job::release_all(&mut tx, gateway.node.name()).await?;
    tx.commit().await?;
    Ok(released)
}

fn hold_from(holder: &str, now: Timestamp) -> Hold<'_> {
    Hold { holder, now, until: now.plus_s(HOLD_S) }
}

impl Lease {
    fn new(gateway: &Arc<Gateway>, job: Job, now: Timestamp) -> Self {
        let clock = Clock { at: now, begun: Instant::now() };
        let lost = CancellationToken::new();
        let renewing = tokio::spawn(renew_for_ever(gateway.clone(), job.clone(), clock, lost.clone())).abort_handle();
        Self { gateway: gateway.clone(), job, clock, lost, renewing }
    }

    /// What is held.
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// The time by this job's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ends when another node may do the job: whoever does it must stop before anything is written.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Whether another node may do the job by now.
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Says in a transaction of the registry that the job is done. False when it was lost before: then whoever has it now acts, and not we.
    pub async fn finish_in(self, tx: &mut Tx) -> Result<bool, Error> {
        Ok(job::finish(tx, &self.job, None).await?)
    }

    /// Lets go of the job, which is done, or due again at `next_due`. Asked for meanwhile, it stays due. False when it was lost before.
    pub async fn finish(self, next_due: Option<Timestamp>) -> Result<bool, Error> {
        let mut tx = self.gateway.stores.registry().begin().await?;
        let ours = job::finish(&mut tx, &self.job, next_due).await?;
        tx.commit().await?;
        Ok(ours)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Renews a hold until it is lost: taken by another, or run out because the registry did not answer.
async fn renew_for_ever(gateway: Arc<Gateway>, job: Job, clock: Clock, lost: CancellationToken) {
    let mut until = clock.at.plus_s(HOLD_S);
    let mut ticks = tokio::time::interval(RENEW_INTERVAL);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let wanted = clock.now().plus_s(HOLD_S);
        match tokio::time::timeout(RENEW_INTERVAL, renew(&gateway, &job, wanted)).await {
            Ok(Ok(true)) => until = wanted,
            Ok(Ok(false)) => break,
            Ok(Err(error)) => tracing::warn!(job.kind = ?job.kind, establishment = job.slug, %error, "a hold is not renewed"),
            Err(_) => tracing::warn!(job.kind = ?job.kind, establishment = job.slug, "a hold is not renewed: the registry does not answer"),
        }
        if clock.now() >= until {
            break;
        }
    }
    tracing::warn!(job.kind = ?job.kind, establishment = job.slug, "a hold is lost: another node may do this job");
    lost.cancel();
}

async fn renew(gateway: &Gateway, job: &Job, until: Timestamp) -> Result<bool, Error> {
    let mut tx = gateway.stores.registry().begin().await?;
    let renewed = job::renew(&mut tx, job, until).await?;
    tx.commit().await?;
    Ok(renewed)
}
