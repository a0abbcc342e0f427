//! What the last runs of a source left for the next: where it was read up to, how it went, which server answered.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// How much was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taken {
    /// People disabled.
    pub people: u64,
    /// Groups removed.
    pub groups: u64,
    /// Memberships removed.
    pub memberships: u64,
}

impl Taken {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { people: self.people + other.people, groups: self.groups + other.groups, memberships: self.memberships + other.memberships }
    }
}

/// The state of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct SourceState {
    /// The source.
    #[serde(skip)]
    pub source_id: SourceId,
    /// Where it was read up to, in the connector's own words.
    #[serde(skip)]
    pub bookmark: Option<String>,
    /// When that was so.
    pub bookmark_at: Option<Timestamp>,
    /// When it was last read whole.
    pub full_at: Option<Timestamp>,
    /// When a run last ended well.
    pub succeeded_at: Option<Timestamp>,
    /// When a run last failed.
    pub failed_at: Option<Timestamp>,
    /// Runs that failed since one ended well.
    pub failures: i64,
    /// Why the last one failed.
    pub error: Option<String>,
    /// What runs of changes took away since the last whole reading.
    #[serde(skip)]
    #[sqlx(json)]
    pub taken: Taken,
    /// Whether a run that broke off left roles to be computed again.
    #[serde(skip)]
    pub roles_due: bool,
    /// When an account of the source next opens or closes by a date of its own: from then on only a whole reading will do.
    pub turns_at: Option<Timestamp>,
    /// The server that answered last.
    pub server: Option<String>,
    /// Until when it is left alone.
    pub paused_until: Option<Timestamp>,
}

impl SourceState {
    /// Of a source that never ran.
    pub const fn new(source_id: SourceId) -> Self {
        Self {
            source_id,
            bookmark: None,
            bookmark_at: None,
            full_at: None,
            succeeded_at: None,
            failed_at: None,
            failures: 0,
            error: None,
            taken: Taken { people: 0, groups: 0, memberships: 0 },
            roles_due: false,
            turns_at: None,
            server: None,
            paused_until: None,
        }
    }
}

/// The state of a source; that of one that never ran is empty.
pub async fn get(tx: &mut Tx, source: SourceId) -> Result<SourceState, Error> {
    const SQL: &str = "SELECT source_id, bookmark, bookmark_at, full_at, succeeded_at, failed_at, failures, error, taken, roles_due, \
         turns_at, server, paused_until FROM source_states WHERE source_id = $1";
    let found = on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_optional(c).await)?;
    Ok(found.unwrap_or_else(|| SourceState::new(source)))
}

/// Writes the state of a source.
pub async fn keep(tx: &mut Tx, s: &SourceState) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO source_states (source_id, bookmark, bookmark_at, full_at, succeeded_at, failed_at, failures, error, \
         server, paused_until, taken, roles_due, turns_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (source_id) DO UPDATE SET \
         bookmark = excluded.bookmark, bookmark_at = excluded.bookmark_at, full_at = excluded.full_at, \
         succeeded_at = excluded.succeeded_at, failed_at = excluded.failed_at, failures = excluded.failures, \
         error = excluded.error, server = excluded.server, paused_until = excluded.paused_until, \
         taken = excluded.taken, roles_due = excluded.roles_due, turns_at = excluded.turns_at";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(s.source_id).bind(&s.bookmark).bind(s.bookmark_at).bind(s.full_at).bind(s.succeeded_at);
        let row = row.bind(s.failed_at).bind(s.failures).bind(&s.error).bind(&s.server).bind(s.paused_until);
        row.bind(Json(&s.taken)).bind(s.roles_due).bind(s.turns_at).execute(c).await.map(drop)
    })?;
    Ok(())
}
