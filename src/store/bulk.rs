//! Many new rows at once: multi-row `INSERT` on SQLite, `COPY` in its binary form on PostgreSQL, where it costs a third.

use sqlx::encode::{Encode, IsNull};
use sqlx::postgres::{PgArgumentBuffer, PgConnection};
use sqlx::query_builder::Separated;
use sqlx::{Postgres, QueryBuilder, Sqlite, Type};

use super::dialect::{self, COPY_ROWS_MIN};
use super::tx::{Connection, on};
use super::{Error, Tx};

/// What a value must be to stand in a column of either engine.
pub trait Value<'t>: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres> {}
impl<'t, T: Encode<'t, Sqlite> + Type<Sqlite> + Encode<'t, Postgres> + Type<Postgres>> Value<'t> for T {}

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
