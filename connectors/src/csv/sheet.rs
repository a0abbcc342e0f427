//! A list that someone brings, as it stands: each row with its cells under their titles. Knows nothing of people; [`super::Csv`] reads those.

use std::collections::BTreeMap;

use super::table::Table;
use super::text;
use crate::ldap::Cause;

/// One row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its cells that say something, by title: lower case, without accents, `_` for spaces.
    pub cells: BTreeMap<String, String>,
    /// Why its cells do not stand under their titles.
    pub fault: Option<String>,
}

/// A list: its titles and its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The titles, as names.
    pub titles: Vec<String>,
    /// The rows that say something.
    pub rows: Vec<SheetRow>,
}

/// Reads a list; delimiter and encoding are found as for a source's spreadsheet.
///
/// # Errors
/// It cannot be read as a table, or has more rows than `most`.
pub fn sheet(bytes: &[u8], most: usize) -> Result<Sheet, Cause> {
    let text = text::decode(bytes, None)?;
    let table = Table::open(&text.bytes, None, 1)?;
    let titles: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let mut found = Vec::new();
    let mut rows = table.rows();
    while let Some(row) = rows.next()? {
        if found.len() >= most {
            return Err(Cause::Content(format!("it has more than {most} rows: bring them in several files")));
        }
        let mut fault = row.fault;
        let mut cells = BTreeMap::new();
        for (title, cell) in titles.iter().zip(row.cells) {
            match std::str::from_utf8(cell).map(str::trim) {
                Ok("") => {}
                Ok(value) if value.contains('\0') => fault = Some(format!("the cell under {title} holds the NUL character (U+0000)")),
                Ok(value) => drop(cells.insert(title.clone(), value.to_owned())),
                Err(_) => fault = Some(format!("the cell under {title} is not in the encoding of the file")),
            }
        }
        found.push(SheetRow { line: row.line, cells, fault });
    }
    Ok(Sheet { titles: titles.into_iter().filter(|title| !title.is_empty()).collect(), rows: found })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails, and says where")]
mod tests {
    use super::*;

    fn row(line: u64, cells: &[(&str, &str)]) -> SheetRow {
        let cells = cells.iter().map(|(title, cell)| ((*title).to_owned(), (*cell).to_owned())).collect();
        SheetRow { line, cells, fault: None }
    }

    #[test]
    fn rows_stand_under_their_titles_with_their_lines() {
        let read = sheet("Username;Rôle;Other-Username\n zoe ;Ens;\n\n;;\nmax;\"a;b\";léa\n".as_bytes(), 10).unwrap();
        assert_eq!(read.titles, ["username", "role", "other_username"]);
        let expected =
            [row(2, &[("username", "zoe"), ("role", "Ens")]), row(5, &[("username", "max"), ("role", "a;b"), ("other_username", "léa")])];
        assert_eq!(read.rows, expected);
    }

    #[test]
    fn what_cannot_be_a_row_is_told_with_its_line_and_too_many_are_refused() {
        let read = sheet(b"a;b\n1\n1;2;3\nZo\xeb;2\n", 10).unwrap();
        assert_eq!(read.rows.iter().map(|row| (row.line, row.fault.is_some())).collect::<Vec<_>>(), [(2, true), (3, true), (4, false)]);
        assert_eq!(read.rows.last().unwrap().cells.get("a").unwrap(), "Zoë", "Windows-1252 is found");
        assert!(sheet(b"a\n1\n2\n", 1).is_err() && sheet(b"", 1).is_err() && sheet(b"PK\x03\x04", 1).is_err());
    }
}
