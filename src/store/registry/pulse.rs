//! How each source that is kept up by itself goes, in one table for all establishments: who is late is known without opening their stores.

use serde::Serialize;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// The pulse of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Pulse {
    /// Its establishment.
    pub slug: String,
    /// The source.
    pub source_id: SourceId,
    /// Its name.
    pub source: String,
    /// From when on it is late, if nothing ends well before; never when none.
    pub late_at: Option<Timestamp>,
    /// When it was last known to be as the source is.
    pub succeeded_at: Option<Timestamp>,
    /// When its bookmark was made.
    pub bookmark_at: Option<Timestamp>,
    /// Runs that failed since one ended well.
    pub failures: i64,
    /// Until when it is left alone.
    pub paused_until: Option<Timestamp>,
}

/// Writes a pulse.
pub async fn keep(tx: &mut Tx, p: &Pulse) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO pulses (slug, source_id, source, late_at, succeeded_at, bookmark_at, failures, paused_until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug, source_id) DO UPDATE SET source = excluded.source, \
         late_at = excluded.late_at, succeeded_at = excluded.succeeded_at, bookmark_at = excluded.bookmark_at, \
         failures = excluded.failures, paused_until = excluded.paused_until";
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(&p.slug).bind(p.source_id).bind(&p.source).bind(p.late_at).bind(p.succeeded_at);
        row.bind(p.bookmark_at).bind(p.failures).bind(p.paused_until).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// All pulses, those that are or will be late first before.
pub async fn list(tx: &mut Tx) -> Result<Vec<Pulse>, Error> {
    const SQL: &str = "SELECT slug, source_id, source, late_at, succeeded_at, bookmark_at, failures, paused_until FROM pulses \
         ORDER BY CASE WHEN late_at IS NULL THEN 1 ELSE 0 END, late_at, slug, source LIMIT $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Forgets a source that is not kept up by itself any more.
pub async fn delete(tx: &mut Tx, slug: &str, source: SourceId) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM pulses WHERE slug = $1 AND source_id = $2";
    on!(tx, |c| sqlx::query(SQL).bind(slug).bind(source).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets those of an establishment that is gone.
pub async fn delete_of_establishment(tx: &mut Tx, slug: &str) -> Result<(), Error> {
    const SQL: &str = "DELETE FROM pulses WHERE slug = $1";
    on!(tx, |c| sqlx::query(SQL).bind(slug).execute(c).await.map(drop))?;
    Ok(())
}
