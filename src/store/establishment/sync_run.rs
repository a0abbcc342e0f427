//! Sync runs: what each read, changed, or was held for.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::like_part;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::{RunId, SourceId};
use crate::types::page::{Page, PageRequest};
use crate::types::time::Timestamp;

/// What a run was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum Mode {
    /// Everything is read.
    Full,
    /// Only what changed since the last run is read.
    Changes,
    /// Everything is read and nothing written.
    Preview,
    /// An earlier run is taken back.
    Undo,
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum State {
    /// Waiting for its turn.
    Queued,
    /// Reading, planning or applying.
    Running,
    /// Applied, or previewed, whole.
    Done,
    /// Held by the guard until someone approves or refuses it.
    Held,
    /// Refused by a person.
    Refused,
    /// Ended by an error; nothing was changed.
    Failed,
    /// Taken back.
    Undone,
}

/// What started a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "TEXT", rename_all = "snake_case")]
pub enum StartedBy {
    /// A person, or a script of theirs.
    #[default]
    Hand,
    /// The source's schedule.
    Schedule,
    /// A change that the source announced.
    Live,
}

/// What whoever goes on with a run has to know of what it did before: a run that has any of it began to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Changes written down.
    pub noted: i64,
    /// People who could sign in before it began.
    pub people_before: u64,
    /// Groups before it began.
    pub groups_before: u64,
    /// Memberships before it began.
    pub memberships_before: u64,
    /// People disabled so far.
    pub people_taken: u64,
    /// Groups removed so far.
    pub groups_taken: u64,
    /// Memberships removed so far.
    pub memberships_taken: u64,
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Counts {
    /// People and groups read.
    pub read: u64,
    /// People and groups new to the gateway.
    pub created: u64,
    /// People and groups whose fields changed.
    pub updated: u64,
    /// People and groups whose entry moved.
    pub moved: u64,
    /// People disabled.
    pub disabled: u64,
    /// People enabled again.
    pub enabled: u64,
    /// Groups removed.
    pub removed: u64,
    /// Objects set aside, with the reason in the changes.
    pub quarantined: u64,
    /// Memberships added.
    pub memberships_added: u64,
    /// Memberships removed.
    pub memberships_removed: u64,
    /// Changes that an undo left as they are, with the reason in the changes.
    pub skipped: u64,
    /// Roles that a preview or a held run would give.
    pub roles_gained: u64,
    /// Roles that a preview or a held run would take away.
    pub roles_lost: u64,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct Run {
    /// Key.
    pub id: RunId,
    /// Its source.
    #[serde(skip)]
    pub source_id: SourceId,
    /// The source's name.
    pub source: String,
    /// What was asked for.
    pub mode: Mode,
    /// How far it came.
    pub state: State,
    /// What it counted.
    #[serde(flatten)]
    #[sqlx(json)]
    pub counts: Counts,
    /// Why it was held or failed, in words.
    pub error: Option<String>,
    /// Who approved or refused it.
    pub approved_by: Option<String>,
    /// When it started; an approval starts it again.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// How far it came, once it began to write.
    #[serde(skip)]
    #[sqlx(json(nullable))]
    pub progress: Option<Progress>,
    /// The run that this one takes back.
    pub undoes: Option<RunId>,
    /// What started it.
    pub started_by: StartedBy,
    /// What else there is to say of it: why it read everything, for instance.
    pub note: Option<String>,
}

/// What a list of runs may be narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The source.
    pub source: Option<String>,
    /// Exact mode.
    pub mode: Option<String>,
    /// Exact state.
    pub state: Option<String>,
}

/// One run by key.
pub async fn find(tx: &mut Tx, id: RunId) -> Result<Option<Run>, Error> {
    const SQL: &str = "SELECT r.id, r.source_id, s.name AS source, r.mode, r.state, r.counts, r.error, r.approved_by, \
         r.started_at, r.duration_ms, r.progress, r.undoes, r.started_by, r.note FROM runs r JOIN sources s ON s.id = r.source_id WHERE r.id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)?)
}

/// A page of runs, newest first.
pub async fn list(tx: &mut Tx, page: &PageRequest, filter: &Filter) -> Result<Page<Run>, Error> {
    const SQL: &str = "SELECT r.id, r.source_id, s.name AS source, r.mode, r.state, r.counts, r.error, r.approved_by, \
         r.started_at, r.duration_ms, r.progress, r.undoes, r.started_by, r.note FROM runs r JOIN sources s ON s.id = r.source_id WHERE ($1 IS NULL OR r.id < $1) \
         AND ($2 IS NULL OR s.name = $2) AND ($3 IS NULL OR r.mode = $3) AND ($4 IS NULL OR r.state = $4) \
         AND ($5 IS NULL OR lower(s.name) LIKE $5 ESCAPE '\\') ORDER BY r.id DESC LIMIT $6";
    const COUNT: &str = "SELECT count(*) FROM runs r JOIN sources s ON s.id = r.source_id WHERE ($1 IS NULL OR s.name = $1) \
         AND ($2 IS NULL OR r.mode = $2) AND ($3 IS NULL OR r.state = $3) AND ($4 IS NULL OR lower(s.name) LIKE $4 ESCAPE '\\')";
    let Filter { source, mode, state } = filter;
    let query = page.query.as_deref().map(like_part);
    let rows = on!(tx, |c| {
        let listed = sqlx::query_as(SQL).bind(page.after).bind(source).bind(mode).bind(state).bind(&query);
        listed.bind(page.limit + 1).fetch_all(c).await
    })?;
    let total = on!(tx, |c| sqlx::query_scalar(COUNT).bind(source).bind(mode).bind(state).bind(&query).fetch_one(c).await)?;
    Ok(Page::cut(rows, page.limit, total, |r: &Run| r.id.uuid()))
}

/// The run that began last of those that are over, if any.
pub async fn last_ended(tx: &mut Tx) -> Result<Option<Uuid>, Error> {
    const SQL: &str = "SELECT id FROM runs WHERE state NOT IN ('queued', 'running') ORDER BY id DESC LIMIT 1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).fetch_optional(c).await)?)
}

/// The run of a source that is queued or running, if any.
pub async fn find_unfinished(tx: &mut Tx, source: SourceId) -> Result<Option<RunId>, Error> {
    const SQL: &str = "SELECT id FROM runs WHERE source_id = $1 AND state IN ('queued', 'running') ORDER BY id DESC LIMIT 1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).fetch_optional(c).await)?)
}

/// The run of the same source that was held last before a run, whatever was decided of it.
pub async fn find_held_before(tx: &mut Tx, run: &Run) -> Result<Option<Run>, Error> {
    const SQL: &str = "SELECT r.id, r.source_id, s.name AS source, r.mode, r.state, r.counts, r.error, r.approved_by, \
         r.started_at, r.duration_ms, r.progress, r.undoes, r.started_by, r.note FROM runs r JOIN sources s ON s.id = r.source_id \
         WHERE r.source_id = $1 AND r.id < $2 AND r.state IN ('held', 'refused') ORDER BY r.id DESC LIMIT 1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(run.source_id).bind(run.id).fetch_optional(c).await)?)
}

/// Runs that wrote something after another run began, in the order they began: those of every source, without those that were taken back.
pub async fn list_written_since(tx: &mut Tx, run: &Run) -> Result<Vec<(RunId, Mode)>, Error> {
    const SQL: &str = "SELECT id, mode FROM runs WHERE id <> $1 AND (started_at > $2 OR (started_at = $2 AND id > $1)) \
         AND mode IN ('full', 'changes', 'undo') AND state IN ('done', 'failed', 'running') ORDER BY started_at, id";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(run.id).bind(run.started_at).fetch_all(c).await)?)
}

/// Writes a new run.
pub async fn insert(tx: &mut Tx, r: &Run) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO runs (id, source_id, mode, state, counts, error, approved_by, started_at, duration_ms, progress, undoes, \
         started_by, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.source_id).bind(r.mode).bind(r.state).bind(Json(&r.counts)).bind(&r.error);
        let row = row.bind(&r.approved_by).bind(r.started_at).bind(r.duration_ms).bind(r.progress.as_ref().map(Json));
        row.bind(r.undoes).bind(r.started_by).bind(&r.note).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Writes how far a run came.
pub async fn update(tx: &mut Tx, r: &Run) -> Result<(), Error> {
    const SQL: &str = "UPDATE runs SET state = $2, counts = $3, error = $4, approved_by = $5, duration_ms = $6, started_at = $7, progress = $8, \
         note = $9 WHERE id = $1";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(r.id).bind(r.state).bind(Json(&r.counts)).bind(&r.error);
        let row = row.bind(&r.approved_by).bind(r.duration_ms).bind(r.started_at).bind(r.progress.as_ref().map(Json));
        row.bind(&r.note).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Takes back a run that found nothing to do, so that a source asked every minute leaves no line a minute.
pub async fn forget(tx: &mut Tx, id: RunId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM runs WHERE id = $1";
    on!(tx, |c| sqlx::query(SQL).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// The newest run of a source that waits for a decision which covers one of this mode.
pub async fn find_held(tx: &mut Tx, source: SourceId, mode: Mode) -> Result<Option<RunId>, Error> {
    const SQL: &str =
        "SELECT id FROM runs WHERE source_id = $1 AND state = 'held' AND (mode = 'full' OR mode = $2) ORDER BY id DESC LIMIT 1";
    Ok(on!(tx, |c| sqlx::query_scalar(SQL).bind(source).bind(mode).fetch_optional(c).await)?)
}

/// Refuses what waits for a decision at a source, because a later run made it needless.
pub async fn refuse_held(tx: &mut Tx, source: SourceId, why: &str) -> Result<u64, Error> {
    const SQL: &str = "UPDATE runs SET state = 'refused', error = $2 WHERE source_id = $1 AND state = 'held'";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(source).bind(why).execute(c).await.map(|d| d.rows_affected()))?)
}

/// Ends a run that nobody carries on any more. False when it had ended already.
pub async fn fail(tx: &mut Tx, id: RunId, why: &str) -> Result<bool, Error> {
    const SQL: &str = "UPDATE runs SET state = 'failed', error = $2 WHERE id = $1 AND state IN ('queued', 'running')";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(id).bind(why).execute(c).await.map(|d| d.rows_affected()))? > 0)
}
