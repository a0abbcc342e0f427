//! Whole tables, row by row: how an establishment is read for an archive and written from one, whatever the engine. It knows no entity; the list of
//! tables and columns stands in [`archive_tables`](super::archive_tables).

use std::fmt;

use sqlx::types::Json;
use sqlx::{QueryBuilder, Row as _};
use uuid::Uuid;

use super::archive_tables::{Kind, LEFT_OUT, TABLES, Table};
use crate::store::bulk::{self, Cells};
use crate::store::dialect::{COPY_ROWS_MIN, NARROW_ROWS_PER_INSERT, ROWS_PER_INSERT};
use crate::store::tx::{Connection, on};
use crate::store::{Error, Tx};

/// Tables with so few columns take more rows in one statement.
const NARROW_COLUMNS: usize = 3;

/// One value. It may be a secret in passing, so `Debug` shows none.
#[derive(Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// An identifier.
    Uuid(Uuid),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Yes or no.
    Bool(bool),
    /// A JSON value.
    Json(serde_json::Value),
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Null) { "Null" } else { "Cell(…)" })
    }
}

/// One row: a value a column, in the order of the table's columns.
pub type Row = Vec<Cell>;

/// Rows of a table in the order of its key, those after a row left out with it and all before.
pub async fn list_rows(tx: &mut Tx, table: &Table, after: Option<&Row>, limit: i64) -> Result<Vec<Row>, Error> {
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT ");
        query.push(names(table, table.columns.len()));
        query.push(" FROM ").push(table.name);
        if let Some(last) = after {
            // Keys of several columns compare as a whole, from the first on (row values).
            query.push(" WHERE (").push(names(table, table.key)).push(") > (");
            let mut key = query.separated(", ");
            for (cell, column) in last.iter().zip(table.columns).take(table.key) {
                match cell {
                    Cell::Null => key.push_bind(None::<i64>),
                    Cell::Uuid(id) => key.push_bind(*id),
                    Cell::Bytes(bytes) => key.push_bind(bytes.as_slice()),
                    Cell::Text(text) => key.push_bind(text.as_str()),
                    Cell::Int(number) => key.push_bind(*number),
                    Cell::Bool(yes) => key.push_bind(*yes),
                    Cell::Json(value) => key.push_bind(Json(value)),
                };
                debug_assert!(!column.nullable, "a key is never empty");
            }
            query.push(")");
        }
        query.push(" ORDER BY ").push(names(table, table.key));
        query.push(" LIMIT ").push_bind(limit);
        let rows = query.build().fetch_all(c).await?;
        let read = rows.iter().map(|row| {
            let cells = table.columns.iter().enumerate().map(|(at, column)| {
                Ok(match column.kind {
                    Kind::Uuid => row.try_get::<Option<Uuid>, _>(at)?.map_or(Cell::Null, Cell::Uuid),
                    Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(at)?.map_or(Cell::Null, Cell::Bytes),
                    Kind::Text => row.try_get::<Option<String>, _>(at)?.map_or(Cell::Null, Cell::Text),
                    Kind::Int => row.try_get::<Option<i64>, _>(at)?.map_or(Cell::Null, Cell::Int),
                    Kind::Bool => row.try_get::<Option<bool>, _>(at)?.map_or(Cell::Null, Cell::Bool),
                    Kind::Json => row.try_get::<Option<Json<_>>, _>(at)?.map_or(Cell::Null, |value| Cell::Json(value.0)),
                })
            });
            cells.collect::<Result<Row, sqlx::Error>>()
        });
        read.collect::<Result<Vec<Row>, sqlx::Error>>()
    })?)
}

/// Writes rows of a table.
///
/// # Errors
/// `Taken` or `Referenced` when they contradict each other or what is there.
pub async fn insert_rows(tx: &mut Tx, table: &Table, rows: &[Row]) -> Result<(), Error> {
    if !table.keeps
        && rows.len() >= COPY_ROWS_MIN
        && let Connection::Postgres(connection, watch) = tx.connection()
    {
        let into = format!("{} ({})", table.name, names(table, table.columns.len()));
        let content = bulk::copied(rows, |row, cells| put(table, row, cells));
        return Ok(watch.over(bulk::copy(connection, &into, content)).await?);
    }
    let at_once = if table.columns.len() <= NARROW_COLUMNS { NARROW_ROWS_PER_INSERT } else { ROWS_PER_INSERT };
    for chunk in rows.chunks(at_once) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new("INSERT INTO ");
            query.push(table.name).push(" (").push(names(table, table.columns.len())).push(") ");
            query.push_values(chunk, |mut cells, row| put(table, row, &mut cells));
            if table.keeps {
                query.push(" ON CONFLICT DO NOTHING");
            }
            query.build().persistent(chunk.len() == at_once).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Puts a row's values, in the order of the table's columns.
fn put(table: &Table, row: &Row, cells: &mut impl Cells) {
    for (cell, column) in row.iter().zip(table.columns) {
        match (cell, column.kind) {
            (Cell::Uuid(id), _) => cells.put(*id),
            (Cell::Bytes(bytes), _) => cells.put(bytes.as_slice()),
            (Cell::Text(text), _) => cells.put(text.as_str()),
            (Cell::Int(number), _) => cells.put(*number),
            (Cell::Bool(yes), _) => cells.put(*yes),
            (Cell::Json(value), _) => cells.put(Json(value)),
            // An engine with types wants to know of what kind the nothing is.
            (Cell::Null, Kind::Uuid) => cells.put(None::<Uuid>),
            (Cell::Null, Kind::Bytes) => cells.put(None::<&[u8]>),
            (Cell::Null, Kind::Text) => cells.put(None::<&str>),
            (Cell::Null, Kind::Int) => cells.put(None::<i64>),
            (Cell::Null, Kind::Bool) => cells.put(None::<bool>),
            (Cell::Null, Kind::Json) => cells.put(None::<Json<serde_json::Value>>),
        };
    }
}

/// Empties the store of all that an archive puts back, and of what hangs on it. What only ever grows, counts failures or is still to be sent stays.
pub async fn delete_everything(tx: &mut Tx) -> Result<(), Error> {
    let fleeting = LEFT_OUT.iter().filter(|(_, _, emptied)| *emptied).map(|(name, _, _)| *name);
    // Those that refer to others go before them.
    let kept = TABLES.iter().rev().filter(|table| !table.keeps).map(|table| table.name);
    for name in fleeting.chain(kept) {
        on!(tx, |c| {
            let mut query = QueryBuilder::new("DELETE FROM ");
            query.push(name);
            query.build().execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// How many rows a table has.
pub async fn count_rows(tx: &mut Tx, table: &Table) -> Result<i64, Error> {
    Ok(on!(tx, |c| {
        let mut query = QueryBuilder::new("SELECT count(*) FROM ");
        query.push(table.name);
        query.build_query_scalar().fetch_one(c).await
    })?)
}

/// The names of a table's first columns, as SQL lists them.
fn names(table: &Table, first: usize) -> String {
    let names: Vec<&str> = table.columns.iter().take(first).map(|column| column.name).collect();
    names.join(", ")
}
