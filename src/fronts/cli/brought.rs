//! Files of rows, and what became of each, for the commands that import.

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::output::Output;
use crate::services::brought_rows::{Brought, Imported};

/// A file of JSON: a list of rows, or an object with one, as the admin API takes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Rows(Vec<T>),
    Within { rows: Vec<T> },
}

/// Reads a file of rows: JSON by its ending, a spreadsheet otherwise.
pub fn read<T: DeserializeOwned>(file: &Path) -> anyhow::Result<Brought<T>> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    if file.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("json")) {
        return Ok(Brought::Csv(bytes));
    }
    let written = serde_json::from_slice(&bytes).with_context(|| format!("{} is no list of rows", file.display()))?;
    Ok(Brought::Rows(match written {
        Written::Rows(rows) | Written::Within { rows } => rows,
    }))
}

/// Tells what became of the rows: those refused as a table, then how many went which way.
pub fn tell(output: Output, imported: &Imported) -> anyhow::Result<()> {
    let key = if imported.dry_run { "cli-would-import" } else { "cli-imported-rows" };
    let counts = [
        ("added", imported.added.into()),
        ("updated", imported.updated.into()),
        ("unchanged", imported.unchanged.into()),
        ("refused", imported.refused.len().into()),
    ];
    if !output.is_json() && !imported.refused.is_empty() {
        output.list(&imported.refused, &["cli-line", "cli-field", "cli-detail"], |refused| {
            vec![refused.line.to_string(), refused.field.clone(), refused.message.clone()]
        })?;
    }
    output.done(imported, &output.text(key, &counts))
}
