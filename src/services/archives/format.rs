//! What an archive says of itself: the header it begins with, the manifest it ends with, and its rows as lines of JSON. It reads and writes no file.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::refusal;
use crate::services::error::Error;
use crate::store::establishment::archive::{Cell, Row};
use crate::store::establishment::archive_tables::{Column, Kind, Missing, SCHEMA_VERSION, TABLES, Table};
use crate::store::registry::establishment::{Establishment, EstablishmentStatus};
use crate::types::id::EstablishmentId;
use crate::types::time::Timestamp;

/// What every archive calls itself.
const FORMAT: &str = "passerelle-archive";
/// The version of the format that this program writes, and the newest it reads.
const VERSION: u64 = 1;
/// The first entry.
pub const HEADER: &str = "archive.json";
/// The last entry.
pub const MANIFEST: &str = "manifest.json";

/// Whether sealed secrets stand open inside the encrypted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Secrets {
    /// They do: whoever opens the file has them, and any installation can take it in. Operators write these.
    Open,
    /// They are still sealed under the installation's master key: the file is of use to this installation only. Administrators write these.
    Sealed,
}

/// The establishment as the archive states it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Stated {
    /// Key.
    pub id: EstablishmentId,
    /// Its name in addresses.
    pub slug: String,
    /// Its number.
    pub number: i64,
    /// What people read.
    pub name: String,
    /// Its official number.
    pub uai: Option<String>,
    /// Its zone.
    pub zone: Option<String>,
    /// Postcode and town.
    pub locality: Option<String>,
    /// The contact's family name.
    pub contact_family_name: Option<String>,
    /// The contact's given name.
    pub contact_given_name: Option<String>,
    /// The contact's address.
    pub contact_email: Option<String>,
    /// Whether people may sign in.
    pub status: EstablishmentStatus,
    /// When it was created.
    pub created_at: Timestamp,
}

impl From<&Establishment> for Stated {
    fn from(e: &Establishment) -> Self {
        Self {
            id: e.id,
            slug: e.slug.clone(),
            number: e.number,
            name: e.name.clone(),
            uai: e.uai.clone(),
            zone: e.zone.clone(),
            locality: e.locality.clone(),
            contact_family_name: e.contact.family_name.clone(),
            contact_given_name: e.contact.given_name.clone(),
            contact_email: e.contact.email.clone(),
            status: e.status,
            created_at: e.created_at,
        }
    }
}

/// The first entry: what the archive is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Header {
    /// `passerelle-archive`.
    pub format: String,
    /// Version of the format.
    pub version: u64,
    /// The program that wrote it.
    pub program: String,
    /// The last migration of the store it was read from.
    pub schema_version: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// Whether secrets stand open in it.
    pub secrets: Secrets,
    /// Whose it is.
    pub establishment: Stated,
}

impl Header {
    /// The header of an archive written now.
    pub fn new(establishment: &Establishment, secrets: Secrets, now: Timestamp) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: SCHEMA_VERSION,
            created_at: now,
            secrets,
            establishment: establishment.into(),
        }
    }

    /// Reads a header. Format and version are looked at before anything else: another version may have another shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let value: Value = serde_json::from_slice(bytes).map_err(|_| refusal::foreign())?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(refusal::foreign());
        }
        let newer = |name: &str, known: i64| value.get(name).and_then(Value::as_i64).is_none_or(|found| found > known);
        if newer("version", VERSION.cast_signed()) || newer("schema_version", SCHEMA_VERSION) {
            let program = value.get("program").and_then(Value::as_str).unwrap_or("?").chars().take(40).collect::<String>();
            return Err(refusal::newer(&program));
        }
        serde_json::from_value(value).map_err(|e| refusal::damaged(format!("its header does not fit: {e}")))
    }
}

/// One table's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableSum {
    /// The table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// SHA-256 of its lines, in hexadecimal.
    pub sha256: String,
}

/// The last entry: what had to be in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// All rows.
    pub rows: u64,
    /// Each table.
    pub tables: Vec<TableSum>,
    /// SHA-256 of everything before: the header, then every line, in hexadecimal.
    pub sha256: String,
    /// What only the installation that wrote it can have put here, for this establishment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// The table of a name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

/// The name of a part.
pub fn part_name(table: &Table, number: u32) -> String {
    format!("{}/{number:06}.jsonl", table.name)
}

/// Adds a row as a line.
pub fn write_line(table: &Table, row: &Row, line: &mut Vec<u8>) -> std::io::Result<()> {
    line.push(b'{');
    for (at, (cell, column)) in row.iter().zip(table.columns).enumerate() {
        write!(line, "{}\"{}\":", if at == 0 { "" } else { "," }, column.name)?;
        match cell {
            Cell::Null => line.extend_from_slice(b"null"),
            Cell::Uuid(id) => write!(line, "\"{id}\"")?,
            Cell::Bytes(bytes) => write!(line, "\"{}\"", BASE64_STANDARD.encode(bytes))?,
            Cell::Text(text) => serde_json::to_writer(&mut *line, text)?,
            Cell::Int(number) => write!(line, "{number}")?,
            Cell::Bool(yes) => write!(line, "{yes}")?,
            Cell::Json(value) => serde_json::to_writer(&mut *line, value)?,
        }
    }
    line.extend_from_slice(b"}\n");
    Ok(())
}

/// Reads a line.
pub fn read_line(table: &Table, line: &[u8]) -> Result<Row, Error> {
    let mut fields: Map<String, Value> =
        serde_json::from_slice(line).map_err(|e| refusal::damaged(format!("a row of {} cannot be read: {e}", table.name)))?;
    let row = table.columns.iter().map(|column| {
        let cell = match fields.remove(column.name) {
            Some(value) => cell(column, value),
            None => absent(column),
        };
        cell.ok_or_else(|| refusal::damaged(format!("a row of {} does not fit in its column {}", table.name, column.name)))
    });
    let row = row.collect::<Result<Row, Error>>()?;
    match fields.keys().next() {
        Some(unknown) => Err(refusal::damaged(format!("a row of {} has an unknown column {unknown}", table.name))),
        None => Ok(row),
    }
}

fn cell(column: &Column, value: Value) -> Option<Cell> {
    match (column.kind, value) {
        // A JSON column that may be empty holds nothing or a value; one that may not may hold JSON's own null.
        (kind, Value::Null) if column.nullable || kind != Kind::Json => column.nullable.then_some(Cell::Null),
        (Kind::Uuid, Value::String(text)) => Uuid::parse_str(&text).ok().map(Cell::Uuid),
        (Kind::Bytes, Value::String(text)) => BASE64_STANDARD.decode(text).ok().map(Cell::Bytes),
        (Kind::Text, Value::String(text)) => Some(Cell::Text(text)),
        (Kind::Int, Value::Number(number)) => number.as_i64().map(Cell::Int),
        (Kind::Bool, Value::Bool(yes)) => Some(Cell::Bool(yes)),
        (Kind::Json, value) => Some(Cell::Json(value)),
        _ => None,
    }
}

fn absent(column: &Column) -> Option<Cell> {
    match column.missing {
        Missing::Refused => None,
        Missing::Null => Some(Cell::Null),
        Missing::No => Some(Cell::Bool(false)),
        Missing::Default(text) if column.kind == Kind::Json => serde_json::from_str(text).ok().map(Cell::Json),
        Missing::Default(text) => Some(Cell::Text(text.to_owned())),
    }
}

/// Bytes in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
