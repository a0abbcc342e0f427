//! The files that sources were given, one a source: what is known of each, and its content in sealed parts.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::dialect::ROWS_MAX;
use crate::store::tx::on;
use crate::store::{Error, Tx};
use crate::types::id::SourceId;
use crate::types::time::Timestamp;

/// A file that a source was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct SourceFile {
    /// The source.
    #[serde(skip)]
    pub source_id: SourceId,
    /// Its name, as whoever gave it calls it.
    pub name: String,
    /// Its size in bytes.
    pub size: i64,
    /// SHA-256 of its content.
    #[serde(skip)]
    pub digest: Vec<u8>,
    /// Who gave it.
    pub given_by: String,
    /// When.
    pub given_at: Timestamp,
}

/// A part of a file's content.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Part {
    /// Key, which the seal is bound to.
    pub id: Uuid,
    /// Its place among the others, from 0.
    pub part: i64,
    /// Compressed and sealed.
    pub content_sealed: Vec<u8>,
}

/// The file a source was given last.
pub async fn find(tx: &mut Tx, source: SourceId) -> Result<Option<SourceFile>, Error> {
    const SQL: &str = "SELECT source_id, name, size, digest, given_by, given_at FROM source_files WHERE source_id = $1";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).fetch_optional(c).await)?)
}

/// The content of that file, in its order.
pub async fn list_parts(tx: &mut Tx, source: SourceId) -> Result<Vec<Part>, Error> {
    const SQL: &str = "SELECT id, part, content_sealed FROM source_file_parts WHERE source_id = $1 ORDER BY part LIMIT $2";
    Ok(on!(tx, |c| sqlx::query_as(SQL).bind(source).bind(ROWS_MAX).fetch_all(c).await)?)
}

/// Keeps a file in the place of the one before.
pub async fn keep(tx: &mut Tx, file: &SourceFile, parts: &[Part]) -> Result<(), Error> {
    const SQL: &str = "INSERT INTO source_files (source_id, name, size, digest, given_by, given_at) VALUES ($1, $2, $3, $4, $5, $6)";
    const PART: &str = "INSERT INTO source_file_parts (id, source_id, part, content_sealed) VALUES ($1, $2, $3, $4)";
    delete(tx, file.source_id).await?;
    on!(tx, |c| {
        let row = sqlx::query(SQL).bind(file.source_id).bind(&file.name).bind(file.size).bind(&file.digest);
        row.bind(&file.given_by).bind(file.given_at).execute(c).await.map(drop)
    })?;
    for part in parts {
        on!(tx, |c| {
            let row = sqlx::query(PART).bind(part.id).bind(file.source_id).bind(part.part).bind(&part.content_sealed);
            row.execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Forgets the file of a source. True when there was one.
pub async fn delete(tx: &mut Tx, source: SourceId) -> Result<bool, Error> {
    const SQL: &str = "DELETE FROM source_files WHERE source_id = $1";
    Ok(on!(tx, |c| sqlx::query(SQL).bind(source).execute(c).await.map(|d| d.rows_affected()))? > 0)
}
