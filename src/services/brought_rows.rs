//! Rows that an administrator brings, as JSON or as a spreadsheet, each with its line; and what became of them. Knows nothing of what they mean.

use std::collections::BTreeMap;

use connectors::csv::{SheetRow, sheet};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

use super::error::Error;
use crate::types::Invalid;
use crate::types::time::Timestamp;

/// Most rows brought at once.
pub const ROWS_MAX: usize = 10_000;

/// Rows as they come.
#[derive(Clone, Debug)]
pub enum Brought<T> {
    /// As JSON.
    Rows(Vec<T>),
    /// As a spreadsheet with titles.
    Csv(Vec<u8>),
}

impl<T> Brought<T> {
    /// From a body with one of the two.
    ///
    /// # Errors
    /// `Invalid` for both and for neither.
    pub fn one_of(rows: Option<Vec<T>>, csv: Option<String>) -> Result<Self, Error> {
        match (rows, csv) {
            (Some(rows), None) => Ok(Self::Rows(rows)),
            (None, Some(csv)) => Ok(Self::Csv(csv.into_bytes())),
            _ => Err(Error::invalid("rows", "give either `rows`, a list, or `csv`, the text of a spreadsheet")),
        }
    }
}

/// One row with its place: the line of a spreadsheet, or the row's number from 1.
#[derive(Clone, Debug)]
pub struct Numbered<T> {
    /// The place.
    pub line: u64,
    /// The row, or why it is none.
    pub row: Result<T, Invalid>,
}

/// A row that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refused {
    /// The line of the spreadsheet, or the row's number from 1.
    pub line: u64,
    /// The field that does not fit.
    pub field: String,
    /// Why.
    pub message: String,
}

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Imported {
    /// Rows that added something.
    pub added: u64,
    /// Rows that changed what was there.
    pub updated: u64,
    /// Rows that said what is so already.
    pub unchanged: u64,
    /// Rows that were not taken; the others were.
    pub refused: Vec<Refused>,
    /// Whether nothing was written because it was only tried.
    pub dry_run: bool,
}

impl Imported {
    /// Notes a row that is not taken.
    pub fn refuse(&mut self, line: u64, why: Invalid) {
        self.refused.push(Refused { line, field: why.field, message: why.message });
    }
}

/// Rows with their places. Titles of a spreadsheet are the names of fields; `required` must be among them.
///
/// # Errors
/// `Invalid` when it cannot be read as a table, has too many rows, or a title is unknown or missing.
pub fn numbered<T: DeserializeOwned>(brought: Brought<T>, known: &[&str], required: &[&str]) -> Result<Vec<Numbered<T>>, Error> {
    let bytes = match brought {
        Brought::Rows(rows) if rows.len() > ROWS_MAX => {
            return Err(Error::invalid("rows", format!("has more than {ROWS_MAX} rows: bring them in several parts")));
        }
        Brought::Rows(rows) => return Ok((1..).zip(rows).map(|(line, row)| Numbered { line, row: Ok(row) }).collect()),
        Brought::Csv(bytes) => bytes,
    };
    let read = sheet(&bytes, ROWS_MAX).map_err(|cause| Error::invalid("csv", cause.to_string()))?;
    if let Some(odd) = read.titles.iter().find(|title| !known.contains(&title.as_str())) {
        return Err(Error::invalid("csv", format!("there is no field «{odd}»: titles are {}", known.join(", "))));
    }
    if let Some(missing) = required.iter().find(|name| !read.titles.iter().any(|title| title == *name)) {
        return Err(Error::invalid("csv", format!("the title {missing} is missing: titles are {}", known.join(", "))));
    }
    Ok(read.rows.into_iter().map(|row| Numbered { line: row.line, row: shaped(row, required) }).collect())
}

fn shaped<T: DeserializeOwned>(row: SheetRow, required: &[&str]) -> Result<T, Invalid> {
    let SheetRow { cells, fault, .. } = row;
    if let Some(fault) = fault {
        return Err(Invalid::new("row", fault));
    }
    if let Some(missing) = required.iter().find(|name| !cells.contains_key(**name)) {
        return Err(Invalid::new(*missing, "is required"));
    }
    let cells: BTreeMap<String, Value> = cells.into_iter().map(|(title, cell)| (title, Value::String(cell))).collect();
    serde_json::from_value(Value::Object(cells.into_iter().collect())).map_err(|error| Invalid::new("row", error.to_string()))
}

/// An end as people write it: an instant (RFC 3339), or a day, which is counted in.
///
/// # Errors
/// `Invalid` with this field.
pub fn end(field: &str, raw: &str) -> Result<Timestamp, Invalid> {
    if let Ok(at) = serde_json::from_value(Value::from(raw)) {
        return Ok(at);
    }
    let day: Option<jiff::civil::Date> = raw.parse().ok();
    let after = day.and_then(|day| day.tomorrow().ok()).and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    after
        .map(|at| Timestamp::from_seconds(at.timestamp().as_second()))
        .ok_or_else(|| Invalid::new(field, format!("«{raw}» is neither an instant like 2027-08-31T22:00:00Z nor a day like 2027-08-31")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Line {
        name: String,
        #[serde(default)]
        until: Option<String>,
    }

    const KNOWN: [&str; 2] = ["name", "until"];

    /// A line, and the name on it or the field that does not fit.
    type Told = (u64, Result<String, String>);

    fn read(csv: &str) -> Result<Vec<Told>, String> {
        let brought: Brought<Line> = Brought::Csv(csv.as_bytes().to_vec());
        let rows = numbered(brought, &KNOWN, &["name"]).map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|one| (one.line, one.row.map(|row| row.name).map_err(|wrong| wrong.field))).collect())
    }

    #[test]
    fn rows_keep_their_lines_and_those_that_lack_something_are_told_by_the_field() {
        let rows = read("Name;Until\nzoe;2027-08-31\n;2027-08-31\nmax;\n").unwrap();
        assert_eq!(rows, [(2, Ok("zoe".to_owned())), (3, Err("name".to_owned())), (4, Ok("max".to_owned()))]);
        assert!(read("name;size\nzoe;3").unwrap_err().contains("there is no field «size»"));
        assert!(read("until\n2027-08-31").unwrap_err().contains("the title name is missing"));
        let many = Brought::Rows((0..=ROWS_MAX).map(|n| Line { name: n.to_string(), until: None }).collect());
        assert!(numbered(many, &KNOWN, &[]).is_err());
        assert!(Brought::<Line>::one_of(None, None).is_err() && Brought::<Line>::one_of(Some(vec![]), Some(String::new())).is_err());
    }

    #[test]
    fn a_day_is_counted_in_and_an_instant_is_itself() {
        assert_eq!(end("until", "2027-08-31").unwrap().to_string(), "2027-09-01T00:00:00Z");
        assert_eq!(end("until", "2027-08-31T22:00:00Z").unwrap().to_string(), "2027-08-31T22:00:00Z");
        for odd in ["31/08/2027", "2027-13-01", "", "demain"] {
            assert_eq!(end("until", odd).unwrap_err().field, "until", "{odd}");
        }
    }
}
