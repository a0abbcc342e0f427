//! Up to when the schedules of sources are served.

use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// How far one source's schedule was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SourceTurn {
    /// The source.
    pub source_id: SourceId,
    /// What was due until then has been done, or given up.
    pub served_at: Timestamp,
    /// When a complete reading was last begun by it, however it ended.
    pub full_begun_at: Option<Timestamp>,
}

/// That of one source; none before its schedule was first followed.
pub async fn find(tx: &mut Tx, source: SourceId) -> Result<Option<SourceTurn>, Error> {
    const SQL: &str = "SELECT source_id, served_at, full_begun_at FROM source_turns WHERE source_id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_optional(c).await)?)
}

/// Writes how far a schedule was followed.
pub async fn keep(tx: &mut Tx, turn: &SourceTurn) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO source_turns (source_id, served_at, full_begun_at) VALUES ($1, $2, $3) \
         ON CONFLICT (source_id) DO UPDATE SET served_at = excluded.served_at, full_begun_at = excluded.full_begun_at";
    on!(tx, |c| sqlx::query(SQL).bind(turn.source_id).bind(turn.served_at).bind(turn.full_begun_at).execute(c).await.map(drop))?;
    Ok(())
}
