//! Many rows at once: new ones by multi-row `INSERT` on SQLite and by `COPY` in its binary form on PostgreSQL, where it costs a third; and those of
//! some keys, read in lists that one statement takes.

use sqlx::encode::{Encode, IsNull};
use sqlx::postgres::{PgArgumentBuffer, PgConnection, PgRow};
use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Postgres, QueryBuilder, Sqlite, Type};

use super::dialect::{self, COPY_ROWS_MIN};
use super::tx::{Connection, on};
use super::{Error, Tx};
use crate::types::id::SourceId;

/// What a value must be to stand in a column of either engine.
pub trait Value<'t>: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}
impl<'t, T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres>> Value<'t> for T {}

/// What a key must be that stands in a list of them, on either engine.
pub trait Key: Sync + for<'t> Value<'t> {}
impl<T: Sync + for<'t> Value<'t>> Key for T {}

/// What a row of either engine is read as.
pub trait Read: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>> Read for T {}

/// A row that takes its values in the order of the columns.
pub trait Cells {
    /// Adds the value of the next column.
    fn put<'t>(&mut self, value: impl Value<'t>) -> &mut Self;
}

/// A new row of a table.
pub trait NewRow {
    /// The table with its columns: `table (column, …)`.
    const INTO: &'static str;
    /// Rows that one multi-row `INSERT` takes.
    const AT_ONCE: usize = dialect::ROWS_PER_INSERT;

    /// Puts the values in the order of the columns.
    fn put_in(&self, cells: &mut impl Cells);
}

/// Writes new rows.
///
/// # Errors
/// `Taken` or `Referenced` when they contradict each other or what is there; then the transaction is to be dropped.
pub async fn insert_all<R: NewRow>(tx: &mut Tx, rows: &[R]) -> Result<(), Error> {
    if rows.len() < COPY_ROWS_MIN {
        return insert(tx, rows).await;
    }
    match tx.connection() {
        Connection::Postgres(connection, watch) => {
            let copied = copied(rows, R::put_in);
            Ok(watch.over(copy(connection, R::INTO, copied)).await?)
        }
        Connection::Sqlite(..) => insert(tx, rows).await,
    }
}

async fn insert<R: NewRow>(tx: &mut Tx, rows: &[R]) -> Result<(), Error> {
    for chunk in rows.chunks(R::AT_ONCE) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new("INSERT INTO ");
            query.push(R::INTO).push(" ");
            query.push_values(chunk, |mut cells, row| row.put_in(&mut cells));
            query.build().persistent(chunk.len() == R::AT_ONCE).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// What a query narrowed to some keys reads, as many of them at once as one statement takes. `head` ends where the list of keys begins, and `tail`
/// begins where it ends, with its bracket.
pub async fn select_in<K: Key, R: Read>(tx: &mut Tx, head: &'static str, keys: &[K], tail: &'static str) -> Result<Vec<R>, Error> {
    select(tx, (head, None), keys, tail).await
}

/// The same of one source: its key stands at the end of `head`, and `narrowed` begins the list of keys.
pub async fn select_in_source<K: Key, R: Read>(
    tx: &mut Tx,
    (head, source, narrowed): (&'static str, SourceId, &'static str),
    keys: &[K],
    tail: &'static str,
) -> Result<Vec<R>, Error> {
    select(tx, (head, Some((source, narrowed))), keys, tail).await
}

async fn select<K: Key, R: Read>(
    tx: &mut Tx,
    (head, source): (&'static str, Option<(SourceId, &'static str)>),
    keys: &[K],
    tail: &'static str,
) -> Result<Vec<R>, Error> {
    let mut found = Vec::with_capacity(keys.len());
    for chunk in keys.chunks(dialect::ROWS_PER_INSERT) {
        let rows: Vec<R> = on!(tx, |c| {
            let mut query = QueryBuilder::new(head);
            if let Some((source, narrowed)) = source {
                query.push_bind(source).push(narrowed);
            }
            let mut listed = query.separated(", ");
            for key in chunk {
                listed.push_bind(key);
            }
            query.push(tail);
            // Lists of one key and of as many as fit come again and again.
            query.build_query_as().persistent(matches!(chunk.len(), 1 | dialect::ROWS_PER_INSERT)).fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

/// Rows as `COPY` takes them.
pub fn copied<R>(rows: &[R], put: impl Fn(&R, &mut Copied)) -> Result<Vec<u8>, sqlx::Error> {
    let mut content = Copied::default();
    for row in rows {
        content.begin_row();
        put(row, &mut content);
    }
    content.end()
}

/// Writes what [`copied`] made into a table; `into` names it with its columns.
pub async fn copy(connection: &mut PgConnection, into: &str, content: Result<Vec<u8>, sqlx::Error>) -> Result<(), sqlx::Error> {
    let content = content?;
    let mut copying = connection.copy_in_raw(&dialect::copy_into(into)).await?;
    copying.send(content).await?;
    copying.finish().await.map(drop)
}

impl Cells for Separated<'_, Sqlite, &'static str> {
    fn put<'t>(&mut self, value: impl Value<'t>) -> &mut Self {
        self.push_bind(value)
    }
}

impl Cells for Separated<'_, Postgres, &'static str> {
    fn put<'t>(&mut self, value: impl Value<'t>) -> &mut Self {
        self.push_bind(value)
    }
}

/// Rows in the binary form of `COPY` (PostgreSQL documentation, COPY, Binary Format).
#[derive(Debug)]
pub struct Copied {
    buffer: PgArgumentBuffer,
    // Where the count of the row's columns stands, and how many came.
    row: (usize, i16),
    failed: Option<sqlx::Error>,
}

impl Default for Copied {
    fn default() -> Self {
        let mut buffer = PgArgumentBuffer::default();
        buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        // No flags, and no extension of the header.
        buffer.extend_from_slice(&[0; 8]);
        Self { buffer, row: (0, 0), failed: None }
    }
}

impl Copied {
    fn begin_row(&mut self) {
        self.close_row();
        self.row = (self.buffer.len(), 0);
        self.buffer.extend_from_slice(&[0; 2]);
    }

    fn close_row(&mut self) {
        let (at, columns) = self.row;
        if columns > 0 {
            self.write_at(at, &columns.to_be_bytes());
        }
    }

    fn end(mut self) -> Result<Vec<u8>, sqlx::Error> {
        self.close_row();
        self.buffer.extend_from_slice(&(-1_i16).to_be_bytes());
        match self.failed {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut *self.buffer)),
        }
    }

    fn write_at(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.buffer.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn encode<'t>(&mut self, value: impl Encode<'t, Postgres>) -> Result<(), sqlx::Error> {
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
        if let IsNull::No = value.encode(&mut self.buffer).map_err(sqlx::Error::Encode)? {
            let length = i32::try_from(self.buffer.len() - at - 4).map_err(|error| sqlx::Error::Encode(error.into()))?;
            self.write_at(at, &length.to_be_bytes());
        }
        Ok(())
    }
}

impl Cells for Copied {
    fn put<'t>(&mut self, value: impl Value<'t>) -> &mut Self {
        self.row.1 += 1;
        if let Err(error) = self.encode(value) {
            self.failed.get_or_insert(error);
        }
        self
    }
}
