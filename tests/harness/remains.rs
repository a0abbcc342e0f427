//! Where a store tells of something: every table that it has, searched as a whole.

use passerelle::store::Store;
use passerelle::store::establishment::archive::{self, Cell, Row};
use passerelle::store::establishment::archive_tables::{FLEETING, TABLES};
use passerelle::types::fold;
use url::form_urlencoded;

/// Rows read at once.
const PAGE: i64 = 500;

/// The places, as `table.column: value`, in which any of these words stands, in any letter case and without accents.
pub async fn of(store: &Store, words: &[&str]) -> Vec<String> {
    let words: Vec<String> = words.iter().map(|word| fold(word)).collect();
    let mut tx = store.read().await.unwrap();
    let mut found = Vec::new();
    for table in TABLES.iter().chain(FLEETING) {
        let mut last: Option<Row> = None;
        loop {
            let rows = archive::list_rows(&mut tx, table, last.as_ref(), PAGE).await.unwrap();
            let Some(end) = rows.last() else { break };
            for (cell, column) in rows.iter().flat_map(|row| row.iter().zip(table.columns)) {
                let text = match cell {
                    Cell::Text(text) => text.clone(),
                    Cell::Json(value) => value.to_string(),
                    Cell::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    Cell::Null | Cell::Uuid(_) | Cell::Int(_) | Cell::Bool(_) => continue,
                };
                // Addresses are kept as they were sent.
                let decoded: String = form_urlencoded::parse(text.as_bytes()).flat_map(|(name, value)| [name, value]).collect();
                let told = fold(&format!("{text} {decoded}"));
                if words.iter().any(|word| told.contains(word)) {
                    found.push(format!("{}.{}: {text}", table.name, column.name));
                }
            }
            last = Some(end.clone());
        }
    }
    found
}
