//! Work to be done once, by whichever node takes it, and who holds it until when.

use serde::Serialize;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::time::Timestamp;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Kind {
    /// Send what waits in an establishment's outbox.
    Outbox,
    /// End a sync run whose node is gone; its subject is the run.
    Sync,
    /// Write an archive of an establishment.
    Archive,
    /// Look which establishments want an archive, and remove old ones.
    ArchiveRound,
    /// Carry on the blocking or the deletion of an establishment, if it was broken off.
    Establishment,
    /// Take back an establishment that was being taken in from an archive; its subject is the establishment's key.
    Import,
    /// Remove the store of a rehearsal; its subject tells which.
    Rehearsal,
    /// Carry on an act on many establishments; its subject is the bulk run.
    Bulk,
    /// See to people who left an establishment's sources long enough ago.
    Leaving,
    /// Remind those who are to decide in a review; its subject is the review.
    Review,
    /// Run a source when its schedule says so; its subject is the source.
    Schedule,
    /// Listen to a source all the time; its subject is the source.
    Live,
    /// See to roles that begin or end with time alone.
    RoleEdges,
    /// Apply a rule set when its time comes; its subject is the rule set.
    RuleSet,
    /// Write what changed to the applications that are provisioned; its subject is the provisioning, or nothing: then who changed is found out
    /// for all of them.
    Provision,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Sync => "sync",
            Self::Archive => "archive",
            Self::ArchiveRound => "archive_round",
            Self::Establishment => "establishment",
            Self::Import => "import",
            Self::Rehearsal => "rehearsal",
            Self::Bulk => "bulk",
            Self::Leaving => "leaving",
            Self::Review => "review",
            Self::Schedule => "schedule",
            Self::Live => "live",
            Self::RoleEdges => "role_edges",
            Self::RuleSet => "rule_set",
            Self::Provision => "provision",
        }
    }
}

/// One thing to do, in one establishment or on the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Job {
    /// What.
    pub kind: Kind,
    /// In which establishment.
    pub slug: String,
    /// About which thing there; empty when it is about the establishment.
    pub subject: String,
    /// From when on it may be taken.
    pub due_at: Timestamp,
    /// How often it was asked for since it was last done: none when its last round only wished to look again.
    pub seq: i64,
    /// Who does it: a node, and which of its holds, as `NODE:NUMBER`.
    pub holder: Option<String>,
    /// Until when that one is believed to live.
    pub held_until: Option<Timestamp>,
}

/// Who holds a job, and until when unless it is renewed.
#[derive(Clone, Copy, Debug)]
pub struct Hold<'a> {
    /// The node and which of its holds, as `NODE:NUMBER`.
    pub holder: &'a str,
    /// The instant it is taken at: a hold that ran out before no longer counts.
    pub now: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Asks for a job of an establishment: it is due then, or earlier when it was already. One that is under way is done again.
pub async fn ask(tx: &mut Tx, kind: Kind, slug: &str, due_at: Timestamp) -> Result<(), Error> {
    ask_about(tx, kind, (slug, ""), due_at).await
}

/// The same about one thing in an establishment.
pub async fn ask_about(tx: &mut Tx, kind: Kind, (slug, subject): (&str, &str), due_at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO jobs (kind, slug, subject, due_at, seq, holder, held_until) VALUES ($1, $2, $3, $4, 1, NULL, NULL) \
         ON CONFLICT (kind, slug, subject) DO UPDATE SET seq = jobs.seq + 1, \
         due_at = CASE WHEN excluded.due_at < jobs.due_at THEN excluded.due_at ELSE jobs.due_at END";
    on!(tx, |c| sqlx::query(SQL).bind(kind).bind(slug).bind(subject).bind(due_at).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes one due job of these kinds that nobody holds, or whose hold ran out. Of many who ask at once, one gets it.
pub async fn take(tx: &mut Tx, kinds: &[Kind], hold: Hold<'_>) -> Result<Option<Job>, Error> {
    const SQL: &str = "UPDATE jobs SET holder = $3, held_until = $4 WHERE (kind, slug, subject) = (SELECT kind, slug, subject FROM jobs \
         WHERE due_at <= $2 AND (held_until IS NULL OR held_until <= $2) AND $1 LIKE '%|' || kind || '|%' \
         ORDER BY due_at, kind, slug, subject LIMIT 1) AND (held_until IS NULL OR held_until <= $2) \
         RETURNING kind, slug, subject, due_at, seq, holder, held_until";
    let wanted = kinds.iter().fold("|".to_owned(), |text, kind| text + kind.name() + "|");
    let Hold { holder, now, until } = hold;
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(wanted).bind(now).bind(holder).bind(until).fetch_optional(c).await)?)
}

/// Holds a job that begins now, about one thing. None while another holds it.
pub async fn hold(tx: &mut Tx, kind: Kind, slug: &str, subject: &str, hold: Hold<'_>) -> Result<Option<Job>, Error> {
    const SQL: &str = "INSERT INTO jobs (kind, slug, subject, due_at, seq, holder, held_until) VALUES ($1, $2, $3, $4, 0, $5, $6) \
         ON CONFLICT (kind, slug, subject) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until \
         WHERE jobs.held_until IS NULL OR jobs.held_until <= $4 \
         RETURNING kind, slug, subject, due_at, seq, holder, held_until";
    let Hold { holder, now, until } = hold;
    Ok(on!(tx, |c| {
        let row = sqlx::query_as(SQL).bind(kind).bind(slug).bind(subject).bind(now).bind(holder).bind(until);
        row.fetch_optional(c).await
    })?)
}

/// Holds a job for longer. False when it is no longer this holder's.
pub async fn renew(tx: &mut Tx, job: &Job, until: Timestamp) -> Result<bool, Error> {
    const SQL: &str = "UPDATE jobs SET held_until = $5 WHERE kind = $1 AND slug = $2 AND subject = $3 AND holder = $4";
    let renewed = on!(tx, |c| {
        let row = sqlx::query(SQL).bind(job.kind).bind(&job.slug).bind(&job.subject).bind(&job.holder).bind(until);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    Ok(renewed > 0)
}

/// Lets go of a job that is done: it is gone, or due again at `next_due`. One that was asked for meanwhile stays due as it was.
/// False when it is no longer this holder's; then nothing changes.
pub async fn finish(tx: &mut Tx, job: &Job, next_due: Option<Timestamp>) -> Result<bool, Error> {
    const DELETE: &str = "DELETE FROM jobs WHERE kind = $1 AND slug = $2 AND subject = $3 AND holder = $4 AND seq = $5";
    const RELEASE: &str = "UPDATE jobs SET holder = NULL, held_until = NULL, seq = seq - $5, \
         due_at = CASE WHEN seq = $5 AND $6 IS NOT NULL THEN $6 ELSE due_at END \
         WHERE kind = $1 AND slug = $2 AND subject = $3 AND holder = $4";
    if next_due.is_none() {
        let deleted = on!(tx, |c| {
            let row = sqlx::query(DELETE).bind(job.kind).bind(&job.slug).bind(&job.subject).bind(&job.holder).bind(job.seq);
            row.execute(c).await.map(|d| d.rows_affected())
        })?;
        if deleted > 0 {
            return Ok(true);
        }
    }
    let released = on!(tx, |c| {
        let row = sqlx::query(RELEASE).bind(job.kind).bind(&job.slug).bind(&job.subject).bind(&job.holder).bind(job.seq).bind(next_due);
        row.execute(c).await.map(|d| d.rows_affected())
    })?;
    Ok(released > 0)
}

/// Lets go of everything that a node holds, so that others need not wait for it.
pub async fn release_all(tx: &mut Tx, node: &str) -> Result<u64, Error> {
    const SQL: &str = "UPDATE jobs SET holder = NULL, held_until = NULL WHERE holder LIKE $1 || ':%'";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(node).execute(c).await.map(|d| d.rows_affected()))?)
}

/// One job, whoever holds it.
pub async fn find(tx: &mut Tx, kind: Kind, slug: &str, subject: &str) -> Result<Option<Job>, Error> {
    const SQL: &str =
        "SELECT kind, slug, subject, due_at, seq, holder, held_until FROM jobs WHERE kind = $1 AND slug = $2 AND subject = $3";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(kind).bind(slug).bind(subject).fetch_optional(c).await)?)
}

/// Every job, those due first before.
pub async fn list(tx: &mut Tx) -> Result<Vec<Job>, Error> {
    const SQL: &str = "SELECT kind, slug, subject, due_at, seq, holder, held_until FROM jobs ORDER BY due_at, kind, slug, subject LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Removes every job of an establishment, because it is gone. Whoever holds one finds it lost.
pub async fn delete_of_establishment(tx: &mut Tx, slug: &str) -> Result<u64, Error> {
    const SQL: &str = "DELETE FROM jobs WHERE slug = $1";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(slug).execute(c).await.map(|d| d.rows_affected()))?)
}
