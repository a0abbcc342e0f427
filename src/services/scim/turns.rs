//! Feeds take turns: what several requests ask of one store at the same moment is written in one transaction, so that a disk's commit is shared. Each is
//! still done whole or not at all: where one breaks off, the others of its turn are done again by themselves. It knows no resource.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio::sync::oneshot;

use super::super::roles;
use super::change::{Change, Done, Stop, With};
use super::error::ScimError;
use super::feeds::{Door, Feed};
use super::people_keys;
use super::writing::{self, Batch, Work};
use crate::store::Tx;
use crate::store::establishment::audit_event::AuditEvent;
use crate::types::id::{EstablishmentId, SourceId};

/// Most changes of one turn.
const TOGETHER_MAX: usize = 100;
/// A turn takes nothing more after this.
const TURN_TIME: Duration = Duration::from_millis(20);
/// Most changes that wait for one store.
const WAITING_MAX: usize = 10_000;
/// When a feed is asked to come back that found too many waiting, in seconds.
const FULL_RETRY_S: u32 = 10;

/// What comes of a change.
type Outcome = Result<Done, ScimError>;

/// One change that waits for its turn.
struct Waiting {
    feed: Feed,
    change: Change,
    with: With,
    /// Since when.
    since: Instant,
    answer: oneshot::Sender<Outcome>,
}

impl Waiting {
    /// Whether it is looked up among everyone who is known.
    fn looks(&self) -> bool {
        people_keys::are_looked_up(&self.feed.source, &self.change)
    }
}

/// Which store: of this process's gateway, since tests have several.
type Key = (usize, EstablishmentId);

/// Those who wait, by store. A store with an entry has someone who carries out what waits there.
static QUEUES: LazyLock<Mutex<HashMap<Key, VecDeque<Waiting>>>> = LazyLock::new(Mutex::default);

/// Carries one change out.
///
/// # Errors
/// Whatever the change is refused with.
pub async fn carry(feed: &Feed, change: Change, with: With) -> Outcome {
    let change = writing::prepared(change)?;
    answered(enter(feed, change, with)?).await
}

/// Carries several changes out in this order, each by itself.
pub async fn carry_all(feed: &Feed, changes: Vec<Change>, with: With) -> Vec<Outcome> {
    let entered: Vec<_> =
        changes.into_iter().map(|change| writing::prepared(change).and_then(|change| enter(feed, change, with))).collect();
    let mut outcomes = Vec::with_capacity(entered.len());
    for one in entered {
        outcomes.push(match one {
            Ok(receiver) => answered(receiver).await,
            Err(refused) => Err(refused),
        });
    }
    outcomes
}

async fn answered(receiver: oneshot::Receiver<Outcome>) -> Outcome {
    receiver.await.unwrap_or_else(|_| Err(ScimError::new(500, "the gateway failed: its log says why")))
}

fn key_of(feed: &Feed) -> Key {
    (Arc::as_ptr(&feed.ctx.gateway).addr(), feed.ctx.establishment.id)
}

/// Puts a change among those that wait, and has them carried out if nobody does yet. Whoever asked may go: what was begun is ended.
fn enter(feed: &Feed, change: Change, with: With) -> Result<oneshot::Receiver<Outcome>, ScimError> {
    let (answer, receiver) = oneshot::channel();
    let key = key_of(feed);
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    let idle = !queues.contains_key(&key);
    let queue = queues.entry(key).or_default();
    if queue.len() >= WAITING_MAX {
        return Err(ScimError::new(429, "too many changes wait to be written here: come back in a moment").after_s(FULL_RETRY_S));
    }
    queue.push_back(Waiting { feed: feed.clone(), change, with, since: Instant::now(), answer });
    drop(queues);
    if idle {
        tokio::spawn(Driver { key, ended: false }.drive());
    }
    Ok(receiver)
}

/// Whoever carries out what waits for one store.
struct Driver {
    key: Key,
    /// Whether its queue is gone: one that has the same key since is another's.
    ended: bool,
}

impl Drop for Driver {
    /// Should it end before its time, nobody waits for ever: the next who comes begins anew.
    fn drop(&mut self) {
        if !self.ended {
            QUEUES.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
        }
    }
}

impl Driver {
    async fn drive(mut self) {
        while let Some(first) = self.next_or_end() {
            self.turn(first).await;
        }
    }

    /// The next who waits. The last look of a driver, under the lock, ends the queue with it.
    fn next_or_end(&mut self) -> Option<Waiting> {
        let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
        let next = queues.get_mut(&self.key).and_then(VecDeque::pop_front);
        if next.is_none() {
            queues.remove(&self.key);
            self.ended = true;
        }
        next
    }

    /// The next who waits, if it is of this source: what a turn writes is told of one. Whoever is looked up waits for a turn that is ready for that.
    fn next_of(&self, source: SourceId, ready: bool) -> Option<Waiting> {
        let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
        queues.get_mut(&self.key).and_then(|queue| queue.pop_front_if(|next| next.feed.source.id == source && (ready || !next.looks())))
    }

    /// One transaction with as many as wait, up to a bound.
    async fn turn(&self, first: Waiting) {
        let source = first.feed.source.id;
        let mut taken = vec![first];
        let ended = together(&mut taken, |ready| self.next_of(source, ready)).await;
        match ended {
            Ok(outcomes) => {
                for (one, outcome) in taken.into_iter().zip(outcomes) {
                    tell(one, outcome);
                }
            }
            Err(error) if taken.len() == 1 => {
                for one in taken {
                    tell(one, Err(error.clone()));
                }
            }
            Err(_) => {
                for one in taken {
                    let mut alone = vec![one];
                    let ended = together(&mut alone, |_| None).await;
                    let outcome = ended.and_then(|mut outcomes| outcomes.pop().unwrap_or_else(|| Err(ScimError::new(500, "no outcome"))));
                    for one in alone {
                        tell(one, outcome.clone());
                    }
                }
            }
        }
    }
}

fn tell(one: Waiting, outcome: Outcome) {
    // Whoever hung up does not hear of it.
    let _gone = one.answer.send(outcome);
}

/// Carries changes out in one transaction. An error is that of the transaction: nothing of any of them stays.
async fn together(taken: &mut Vec<Waiting>, mut more: impl FnMut(bool) -> Option<Waiting>) -> Result<Vec<Outcome>, ScimError> {
    let Some((feed, looks)) = taken.first().map(|first| (first.feed.clone(), first.looks())) else { return Ok(Vec::new()) };
    let ctx = feed.ctx.clone();
    let told = roles::effects::announce(&ctx).await?;
    let mut tx = if looks { people_keys::begin(&feed).await? } else { ctx.store.begin().await? };
    let mut door = Door::default();
    let begun = Instant::now();
    let mut batch = Batch::default();
    let mut outcomes = Vec::new();
    let mut traced: Vec<Vec<AuditEvent>> = Vec::new();
    loop {
        let Some(one) = taken.get(outcomes.len()) else {
            let room = taken.len() < TOGETHER_MAX && begun.elapsed() < TURN_TIME;
            match room.then(|| more(looks)).flatten() {
                Some(next) => taken.push(next),
                None => break,
            }
            continue;
        };
        let before = batch.events().len();
        // Whoever revoked the token, paused the feed or blocked the establishment since it was asked is heard now.
        outcomes.push(match door.lets_in(&mut tx, &one.feed, one.since.elapsed()).await {
            Ok(()) => carried(&mut tx, &mut batch, (&one.feed, &one.change, one.with)).await?,
            Err(Stop::Refused(refused, _)) => Err(refused),
            Err(Stop::Failed(error)) => return Err(error),
        });
        traced.push(batch.events().get(before..).unwrap_or_default().to_vec());
    }
    let wrote = batch.end_in(&mut tx, &ctx).boxed().await?;
    if wrote {
        tx.commit().await?;
        told.hurry(&ctx).await;
    }
    taken.iter().zip(&traced).for_each(|(one, events)| one.feed.trail.wrote(events));
    Ok(outcomes)
}

/// Changes that are tried one after another, as if they stood: nothing of them stays.
#[derive(Debug)]
pub struct Trial<'a> {
    feed: &'a Feed,
    tx: Tx,
    batch: Batch,
}

impl<'a> Trial<'a> {
    /// Begins in a transaction that is never committed.
    pub async fn begin(feed: &'a Feed) -> Result<Self, ScimError> {
        Ok(Self { feed, tx: feed.ctx.store.begin().await?, batch: Batch::default() })
    }

    /// What a change would come to.
    ///
    /// # Errors
    /// Whatever breaks the trial off.
    pub async fn carry(&mut self, change: Change, with: With) -> Result<Outcome, ScimError> {
        match writing::prepared(change) {
            Ok(change) => carried(&mut self.tx, &mut self.batch, (self.feed, &change, with)).boxed().await,
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// What the trail would say of all of them. What follows from them may still refuse them.
    ///
    /// # Errors
    /// Whatever they are refused with.
    pub async fn end(mut self) -> Result<Vec<AuditEvent>, ScimError> {
        let events = self.batch.events().to_vec();
        self.batch.end_in(&mut self.tx, &self.feed.ctx).boxed().await?;
        Ok(events)
    }
}

async fn carried(tx: &mut Tx, batch: &mut Batch, (feed, change, with): (&Feed, &Change, With)) -> Result<Outcome, ScimError> {
    let mut work = Work { tx, batch, feed, with };
    match writing::carry_in(&mut work, change).boxed().await {
        Ok(done) => Ok(Ok(done)),
        Err(Stop::Refused(error, wait)) => {
            batch.waits.extend(wait.map(|wait| *wait));
            Ok(Err(error))
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}
