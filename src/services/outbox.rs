//! The outbox: what is to be sent is written with its cause and sent afterwards, by one node, tried again with longer and longer waits,
//! and never sent twice. Says nothing itself: `mail` and the logout notices write into it, `dispatch` names who sends.

use std::collections::HashMap;
use std::fmt;

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit;
use super::context::{Context, Gateway};
use super::error::Error;
use super::vault::Place;
use crate::store::establishment::outbox;
pub use crate::store::establishment::outbox::{Filter, Kind, Outgoing, State, Tally};
use crate::store::registry::job;
use crate::store::{Store, Tx, notices};
use crate::types::id::OutboxId;
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// How long after an announcement the outbox is looked at even if nobody hurries, in seconds: longer than any transaction of a request.
pub const GUARD_S: i64 = 120;
/// Wait after the first attempt, in seconds; each further one doubles it.
const WAIT_MIN_S: i64 = 60;
/// Longest wait between two attempts, in seconds.
const WAIT_MAX_S: i64 = 6 * 3600;
/// After so many attempts it is given up: within three days. Sent again by a person, it has as many once more.
const ATTEMPTS_MAX: i64 = 20;
/// How many are being sent at once in one establishment.
const AT_ONCE: i64 = 8;
/// How often a round takes more before it lets others have a turn.
const TURNS_MAX: usize = 64;
/// After so many notices in a row that an application did not take, it is left alone for a moment, in one round.
const FAILURES_MAX: usize = 3;
/// For how long all that waits for it is put off then, in seconds.
const LEFT_ALONE_S: i64 = 5 * 60;
/// What waits so much longer than it should, in seconds, has lost its job.
const OVERDUE_S: i64 = 10 * 60;
/// How long what was sent stays listed, in seconds: 30 days.
pub const SENT_KEPT_S: i64 = 30 * 24 * 3600;
/// How long what was given up stays listed, in seconds: 90 days.
const DEAD_KEPT_S: i64 = 90 * 24 * 3600;

/// Said of what was being sent when its node went away.
const UNCERTAIN: &str = "the program ended while this was being sent: it may have been delivered, so it is not sent again by itself";
/// Said of an attempt whose node went away, where sending again does no harm.
const BROKEN_OFF: &str = "the program ended while this was being sent: it is sent again";

/// Something new to send.
#[derive(Clone)]
pub struct New {
    /// By which way.
    pub kind: Kind,
    /// To whom.
    pub recipient: String,
    /// What it is about, in a word.
    pub topic: String,
    /// What is said; sealed before it is written.
    pub content: Value,
    /// What it is sent together with.
    pub batch: Option<Uuid>,
}

// Whom it is for and what it says, links above all, are not for logs.
impl fmt::Debug for New {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("New").field("kind", &self.kind).field("topic", &self.topic).finish_non_exhaustive()
    }
}

/// How an attempt to send ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side accepted it.
    Sent,
    /// Not now, and why: it is tried again.
    Later(String),
    /// Never, and why.
    Refused(String),
    /// It may have been accepted, and why that is not known: a person decides.
    Uncertain(String),
}

/// That an establishment has something to send, written before the cause: a crash right after it loses nothing.
#[derive(Debug)]
#[must_use = "hurry it after the commit, or what was written waits for minutes"]
pub struct Announced(());

/// Announces that something will be written into the outbox. To be called before the transaction of the cause begins.
///
/// # Errors
/// When the registry cannot be written; then the cause must not be written either.
pub async fn announce(ctx: &Context) -> Result<Announced, Error> {
    ask(ctx, ctx.now.plus_s(GUARD_S)).await?;
    Ok(Announced(()))
}

impl Announced {
    /// Has the outbox looked at now. To be called after the commit; when it fails, the announcement still stands.
    pub async fn hurry(self, ctx: &Context) {
        match ask_now(&ctx.gateway, ctx.slug(), ctx.now).await {
            Ok(()) => ctx.gateway.node.wake(),
            Err(error) => tracing::warn!(establishment = ctx.slug(), %error, "what was written is sent a little later"),
        }
    }
}

/// Asks for a job that is due, which any node may take.
async fn ask_now(gateway: &Gateway, slug: &str, now: Timestamp) -> Result<(), Error> {
    let mut tx = gateway.stores.registry().begin().await?;
    job::ask(&mut tx, job::Kind::Outbox, slug, now).await?;
    notices::announce_jobs(&mut tx, gateway.node.name()).await?;
    Ok(tx.commit().await?)
}

async fn ask(ctx: &Context, due_at: Timestamp) -> Result<(), Error> {
    ask_for(&ctx.gateway, ctx.slug(), due_at).await
}

async fn ask_for(gateway: &Gateway, slug: &str, due_at: Timestamp) -> Result<(), Error> {
    let mut tx = gateway.stores.registry().begin().await?;
    job::ask(&mut tx, job::Kind::Outbox, slug, due_at).await?;
    Ok(tx.commit().await?)
}

/// Writes something to send, in the transaction of its cause, which [`announce`] came before.
///
/// # Errors
/// When the store fails.
pub async fn put_in(tx: &mut Tx, ctx: &Context, new: &New) -> Result<OutboxId, Error> {
    let outgoing = sealed(ctx, new)?;
    outbox::insert(tx, &outgoing).await?;
    Ok(outgoing.id)
}

/// Writes many at once, in the transaction of their cause, which [`announce`] came before.
///
/// # Errors
/// When the store fails.
pub async fn put_all_in(tx: &mut Tx, ctx: &Context, all: &[New]) -> Result<(), Error> {
    let outgoing = all.iter().map(|new| sealed(ctx, new)).collect::<Result<Vec<_>, Error>>()?;
    Ok(outbox::insert_all(tx, &outgoing).await?)
}

fn sealed(ctx: &Context, new: &New) -> Result<Outgoing, Error> {
    let id = OutboxId::new();
    let text = serde_json::to_vec(&new.content).map_err(|e| Error::Internal(format!("a JSON value does not serialise: {e}")))?;
    let sealed = ctx.gateway.vault.seal(place(ctx, &id.to_string()), &text);
    Ok(Outgoing {
        id,
        kind: new.kind,
        recipient: new.recipient.clone(),
        topic: new.topic.clone(),
        content_sealed: Some(sealed.map_err(|e| Error::Internal(format!("what is to be sent was not sealed: {e}")))?),
        batch: new.batch,
        state: State::Waiting,
        attempts: 0,
        due_at: ctx.now,
        error: None,
        created_at: ctx.now,
        ended_at: None,
    })
}

fn place<'a>(ctx: &'a Context, row: &'a str) -> Place<'a> {
    Place { establishment: ctx.slug(), table: "outbox", column: "content_sealed", row }
}

/// One round over one establishment, by whoever holds its job: sends all that is due, and answers when something is due next.
///
/// # Errors
/// When the store fails; what was being sent then is treated as after a crash.
pub async fn deliver(ctx: &Context, sender: impl AsyncFn(&Outgoing, &Value) -> Outcome) -> Result<Option<Timestamp>, Error> {
    settle_broken_off(ctx).await?;
    let mut failures = HashMap::new();
    for _ in 0..TURNS_MAX {
        if ctx.gateway.node.is_stopping() {
            break;
        }
        let mut tx = ctx.store.begin().await?;
        let taken = outbox::take(&mut tx, ctx.now, AT_ONCE).await?;
        tx.commit().await?;
        if taken.is_empty() {
            break;
        }
        // Each is settled as soon as it ended, however long the others take.
        let mut attempts = Vec::with_capacity(taken.len());
        for outgoing in taken {
            attempts.push(attempt(ctx, &sender, outgoing));
        }
        for ended in join_all(attempts).await {
            count_failures(&mut failures, ended?);
        }
        leave_alone(ctx, &mut failures).await?;
    }
    Ok(outbox::next_due(&mut ctx.store.read().await?).await?)
}

/// Counts the notices in a row that an application did not take.
fn count_failures(failures: &mut HashMap<String, usize>, ended: Outgoing) {
    match (ended.kind, ended.state) {
        (Kind::Logout, State::Waiting) => *failures.entry(ended.recipient).or_default() += 1,
        (Kind::Logout, _) => {
            failures.remove(&ended.recipient);
        }
        // Letters to many people go through one server, and say little of each other.
        (Kind::Mail, _) => {}
    }
}

/// Puts off all that waits for applications which do not answer: each notice would wait for them in vain, and others behind it.
async fn leave_alone(ctx: &Context, failures: &mut HashMap<String, usize>) -> Result<(), Error> {
    let silent: Vec<_> = failures.extract_if(|_, count| *count >= FAILURES_MAX).collect();
    for (recipient, count) in silent {
        let mut tx = ctx.store.begin().await?;
        let put_off = outbox::put_off(&mut tx, Kind::Logout, &recipient, ctx.now.plus_s(LEFT_ALONE_S)).await?;
        tx.commit().await?;
        tracing::warn!(recipient, failures = count, put_off, "an application does not take notices and is left alone for a moment");
    }
    Ok(())
}

/// What is `sending` when a round begins was left by a node that is gone. A letter may have been delivered, and is never sent twice.
async fn settle_broken_off(ctx: &Context) -> Result<(), Error> {
    let left = outbox::list_sending(&mut ctx.store.read().await?).await?;
    for mut outgoing in left {
        match outgoing.kind {
            Kind::Mail => end(&mut outgoing, ctx.now, Outcome::Uncertain(UNCERTAIN.to_owned())),
            // Stating again that a session ended changes nothing (OpenID Connect Back-Channel Logout 1.0 §2.7).
            Kind::Logout => {
                outgoing.state = State::Waiting;
                outgoing.due_at = ctx.now;
                outgoing.error = Some(BROKEN_OFF.to_owned());
            }
        }
        settle(ctx, &outgoing).await?;
    }
    Ok(())
}

async fn attempt(ctx: &Context, sender: &impl AsyncFn(&Outgoing, &Value) -> Outcome, mut outgoing: Outgoing) -> Result<Outgoing, Error> {
    let outcome = match open(ctx, &outgoing) {
        Ok(content) => sender(&outgoing, &content).await,
        Err(why) => Outcome::Refused(why),
    };
    end(&mut outgoing, ctx.now, outcome);
    let Outgoing { id, kind, topic, state, attempts, error, .. } = &outgoing;
    tracing::info!(outbox.id = %id, ?kind, topic, ?state, attempts, error = error.as_deref(), "attempt to send ended");
    settle(ctx, &outgoing).await?;
    Ok(outgoing)
}

fn open(ctx: &Context, outgoing: &Outgoing) -> Result<Value, String> {
    let sealed = outgoing.content_sealed.as_deref().ok_or("its content is gone")?;
    let opened = ctx.gateway.vault.open_sealed(place(ctx, &outgoing.id.to_string()), sealed).map_err(|e| e.to_string())?;
    serde_json::from_slice(&opened).map_err(|e| format!("its content does not read: {e}"))
}

async fn settle(ctx: &Context, outgoing: &Outgoing) -> Result<(), Error> {
    let mut tx = ctx.store.begin().await?;
    if !outbox::settle(&mut tx, outgoing).await? {
        tracing::warn!(outbox.id = %outgoing.id, "an attempt to send was overtaken by another");
    }
    Ok(tx.commit().await?)
}

fn end(outgoing: &mut Outgoing, now: Timestamp, outcome: Outcome) {
    (outgoing.state, outgoing.error) = match outcome {
        Outcome::Sent => (State::Sent, None),
        Outcome::Later(why) => match wait_after(outgoing.attempts) {
            Some(wait) => {
                outgoing.due_at = now.plus_s(wait);
                (State::Waiting, Some(why))
            }
            None => (State::Dead, Some(format!("given up after {} attempts: {why}", outgoing.attempts))),
        },
        Outcome::Refused(why) | Outcome::Uncertain(why) => (State::Dead, Some(why)),
    };
    if outgoing.state == State::Sent {
        outgoing.content_sealed = None;
    }
    outgoing.ended_at = (outgoing.state != State::Waiting).then_some(now);
}

/// How long to wait after so many attempts, or that it is given up.
fn wait_after(attempts: i64) -> Option<i64> {
    let before = (attempts - 1).rem_euclid(ATTEMPTS_MAX);
    (before + 1 < ATTEMPTS_MAX).then(|| WAIT_MAX_S.min(WAIT_MIN_S << before))
}

/// A page of the outbox, newest first. Contents are never shown.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<Outgoing>, Error> {
    ctx.require(Permission::Read)?;
    Ok(outbox::list(&mut ctx.store.read().await?, page, filter).await?)
}

/// Everything of one batch, in the order it was written.
pub async fn batch(ctx: &Context, batch: Uuid) -> Result<Vec<Outgoing>, Error> {
    ctx.require(Permission::Read)?;
    Ok(outbox::list_of_batch(&mut ctx.store.read().await?, batch).await?)
}

/// How far a batch came, by recipient.
pub(in crate::services) async fn tally_in(tx: &mut Tx, batch: Uuid) -> Result<Vec<Tally>, Error> {
    Ok(outbox::tally(tx, batch).await?)
}

/// Sends again what was given up. Of what may have been delivered, a person takes it upon themselves that it may arrive twice.
///
/// # Errors
/// `NotFound`, `Conflict` when it was not given up, or nothing is left of what it said; `Forbidden` for a letter, unless an operator asks.
pub async fn retry(ctx: &Context, id: OutboxId) -> Result<Outgoing, Error> {
    ctx.require(Permission::ManageUsers)?;
    let announced = announce(ctx).await?;
    let mut tx = ctx.store.begin().await?;
    let before = outbox::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("message of the outbox"))?;
    // Letters are the operators', and may carry a link to a contact of former days.
    if before.kind == Kind::Mail {
        ctx.require(Permission::ManageEstablishments)?;
    }
    if !outbox::retry(&mut tx, id, ctx.now).await? {
        return Err(Error::Conflict("only what was given up is sent again: this was sent already, or still waits".to_owned()));
    }
    // The trail outlives the letter: a person's address, which a server's answer may repeat, is not written into it.
    let detail = json!({ "kind": before.kind, "topic": before.topic });
    audit::record_in(&mut tx, ctx, "outbox.retried", ("outbox", &id.to_string()), detail).await?;
    let again = outbox::find(&mut tx, id).await?.ok_or_else(|| Error::not_found("message of the outbox"))?;
    tx.commit().await?;
    announced.hurry(ctx).await;
    Ok(again)
}

/// Removes what was sent or given up long ago.
pub(in crate::services) async fn sweep_in(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    Ok(outbox::delete_ended(tx, now.plus_s(-SENT_KEPT_S), now.plus_s(-DEAD_KEPT_S)).await?)
}

/// Asks again for the outbox of a store where something waits for much too long: its job was lost, with a registry put back for instance.
pub(in crate::services) async fn ask_overdue(gateway: &Gateway, slug: &str, store: &Store, now: Timestamp) -> Result<(), Error> {
    match outbox::next_due(&mut store.read().await?).await? {
        Some(due_at) if due_at < now.plus_s(-OVERDUE_S) => ask_for(gateway, slug, now).await,
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_six_hours_and_end_after_three_days() {
        let waits: Vec<i64> = (1..).map_while(wait_after).collect();
        assert_eq!(waits.get(..4), Some(&[60, 120, 240, 480][..]));
        assert_eq!(waits.last(), Some(&WAIT_MAX_S));
        assert!(waits.iter().sum::<i64>() <= 3 * 24 * 3600 && waits.len() == 19, "{waits:?}");
        let again: Vec<i64> = (ATTEMPTS_MAX + 1..).map_while(wait_after).collect();
        assert_eq!(again, waits, "sent again by a person, it has as many attempts once more");
    }
}
