//! What commands print: aligned tables for people, one JSON document for scripts.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;

use super::words;
use crate::i18n;
use crate::services::links::Link;
use crate::types::locale::Locale;
use crate::types::page::{LIMIT_MAX, Page, PageRequest};

/// How often a spinner moves.
const TICK: Duration = Duration::from_millis(120);
/// Space between columns.
const GAP: usize = 2;

/// Whoever read along has gone, as `head` does: nobody is left to be told of anything.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads any more")]
pub struct Closed;

/// Where a command writes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    locale: Locale,
}

impl Output {
    /// JSON or tables, in a language.
    pub fn new(json: bool, locale: Locale) -> Self {
        Self { json, locale }
    }

    /// Whether scripts are reading.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// The reader's language.
    pub fn locale(self) -> Locale {
        self.locale
    }

    /// A sentence in the reader's language.
    pub fn text(self, key: &str, arguments: &[i18n::Argument<'_>]) -> String {
        i18n::text_with(self.locale, key, arguments)
    }

    /// A word of the contract in the reader's language.
    pub fn word(self, value: impl Serialize) -> String {
        words::told(self.locale, &super::word(value))
    }

    /// Yes or no in the reader's language.
    pub fn whether(self, is_so: bool) -> String {
        words::told(self.locale, &is_so.to_string())
    }

    /// A list: its rows as JSON, or as a table under translated headings.
    pub fn list<T: Serialize>(self, rows: &[T], headings: &[&str], cells: impl Fn(&T) -> Vec<String>) -> anyhow::Result<()> {
        if self.json {
            return print_json(&rows);
        }
        let head = headings.iter().map(|key| self.text(key, &[])).collect();
        let table: Vec<Vec<String>> = std::iter::once(head).chain(rows.iter().map(cells)).collect();
        print_table(&table)
    }

    /// One thing: as JSON, or as pairs of a name and a value.
    pub fn thing(self, value: &impl Serialize, pairs: &[(&str, String)]) -> anyhow::Result<()> {
        if self.json {
            return print_json(value);
        }
        let table: Vec<Vec<String>> = pairs.iter().map(|(key, value)| vec![self.text(key, &[]), value.clone()]).collect();
        print_table(&table)
    }

    /// A sentence for people; scripts get a document instead.
    pub fn done(self, value: &impl Serialize, sentence: &str) -> anyhow::Result<()> {
        if self.json { print_json(value) } else { print_line(sentence) }
    }

    /// A sign that something is under way, when a person watches: a spinner on the terminal's standard error.
    pub fn waiting(self, key: &str) -> ProgressBar {
        let spinner = if self.json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        spinner.set_message(self.text(key, &[]));
        spinner.enable_steady_tick(TICK);
        spinner
    }

    /// A one-time link, shown once: what it is for, the address, until when.
    pub fn link(self, value: &impl Serialize, key: &str, who: &str, link: &Link) -> anyhow::Result<()> {
        if self.json {
            return print_json(value);
        }
        let until = link.expires_at.to_string();
        let sentence = self.text(key, &[("name", who.into()), ("until", until.into())]);
        // The address is meant for the person at the terminal; it is stored nowhere.
        print_line(&format!("{sentence}\n\n  {}\n", link.url.expose()))
    }
}

/// Reads a paged list up to so many rows.
pub async fn collect<T>(
    limit: usize,
    query: Option<&str>,
    read: impl AsyncFn(PageRequest) -> anyhow::Result<Page<T>>,
) -> anyhow::Result<Vec<T>> {
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    while rows.len() < limit {
        let wanted = i64::try_from(limit - rows.len()).unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
        let page = read(PageRequest::parse(Some(wanted), cursor.as_deref(), query)?).await?;
        rows.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(rows)
}

/// A value that may be missing, as tables show it.
pub fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "–".to_owned(), ToString::to_string)
}

/// A thing with more beside its own fields, as the admin API answers it.
pub fn beside<const N: usize>(thing: &impl Serialize, more: [(&str, Value); N]) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(thing)?;
    if let Value::Object(fields) = &mut value {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(value)
}

/// One JSON document.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print_line(&serde_json::to_string_pretty(value)?)
}

/// A line, or several.
pub fn print_line(text: &str) -> anyhow::Result<()> {
    print_bytes(&[text.as_bytes(), b"\n"].concat())
}

/// Bytes as they are.
///
/// # Errors
/// `Closed` when nobody reads any more.
pub fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(failed) if failed.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
        done => Ok(done?),
    }
}

/// An aligned table, headings first.
pub fn print_table(rows: &[Vec<String>]) -> anyhow::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + GAP));
        }
        lines.push(line.trim_end().to_owned());
    }
    if lines.is_empty() { Ok(()) } else { print_line(&lines.join("\n")) }
}
