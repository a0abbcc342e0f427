//! Landing: the rows of an archive into a store, in the transaction of whoever takes them in. It says what was written, and decides nothing else.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context as Digest, SHA256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::envelope::Key;
use super::format::{self, TableSum, hexadecimal};
use super::progress::Progress;
use super::read::{Checked, Page, Reader};
use super::{apart, refusal, secrets};
use crate::services::context::Gateway;
use crate::services::error::Error;
use crate::store::establishment::archive::{self, Cell, Row};
use crate::store::establishment::archive_tables::Table;
use crate::store::{self, Tx};
use crate::types::permission::{APPLICATION, GatewayRole};

/// Pages that wait between the file and the store.
const PAGES_WAITING: usize = 4;

/// An archive on its way into a store.
pub struct Landing<'a> {
    /// What the process shares.
    pub gateway: &'a Arc<Gateway>,
    /// The file.
    pub path: &'a Path,
    /// What opens it.
    pub key: &'a Key,
    /// Who watches.
    pub progress: &'a Arc<Progress>,
    /// The slug of the store it goes into.
    pub slug: &'a str,
    /// Whether it is the platform's, where operators have their rights.
    pub home: bool,
    /// Whether API tokens answer there. Those of a copy must not: they are the original's.
    pub with_tokens: bool,
}

/// Rows on their way from the file: it is open, and its first rows are there.
pub struct Coming {
    first: Option<Page>,
    pages: mpsc::Receiver<Page>,
    reading: JoinHandle<Result<Checked, Error>>,
}

/// What was written.
pub struct Landed {
    /// Each table, as it stood in the archive with its secrets open.
    pub tables: Vec<TableSum>,
    /// API tokens left out.
    pub tokens_dropped: u64,
}

impl Landing<'_> {
    /// Opens the archive, before the transaction that is to take its rows: a passphrase takes long to be tried, longer while others are, and nobody
    /// can write in the store meanwhile.
    pub async fn open(&self) -> Coming {
        let (rows, mut pages) = mpsc::channel(PAGES_WAITING);
        let reader = Reader { gateway: self.gateway.clone(), key: self.key.clone(), progress: self.progress.clone(), rows: Some(rows) };
        let path = self.path.to_owned();
        let reading = tokio::spawn(apart(move || reader.read(&path)));
        Coming { first: pages.recv().await, pages, reading }
    }

    /// Writes every row. The archive is read to its end again and must still be the one that was checked.
    ///
    /// # Errors
    /// A refusal; then the transaction is to be dropped.
    pub async fn fill(&self, tx: &mut Tx, checked: &Checked, coming: Coming) -> Result<Landed, Error> {
        let Coming { first, mut pages, reading } = coming;
        let mut next = first;
        let mut sums = Sums::default();
        let mut customs = Customs { home: self.home, application: None };
        let mut tokens_dropped = 0;
        let mut stopped = None;
        while let Some(page) = next {
            if let Err(error) = self.take(tx, page, &mut sums, &mut customs, &mut tokens_dropped).await {
                stopped = Some(error);
                break;
            }
            next = pages.recv().await;
        }
        drop(pages);
        let read = reading.await.map_err(|e| Error::Internal(format!("the reading of an archive ended early: {e}")))?;
        if let Some(error) = stopped {
            return Err(error);
        }
        if read?.manifest.sha256 != checked.manifest.sha256 {
            return Err(refusal::damaged("it changed while it was read"));
        }
        Ok(Landed { tables: sums.end(), tokens_dropped })
    }

    async fn take(&self, tx: &mut Tx, page: Page, sums: &mut Sums, customs: &mut Customs, dropped: &mut u64) -> Result<(), Error> {
        let Page { table, mut rows } = page;
        for row in &mut rows {
            customs.check(table, row)?;
            sums.add(table, row)?;
            secrets::seal(&self.gateway.vault, self.slug, table, row)?;
        }
        if table.name == "api_tokens" && !self.with_tokens {
            *dropped += u64::try_from(rows.len()).unwrap_or_default();
            return Ok(());
        }
        archive::insert_rows(tx, table, &rows).await.map_err(|error| match error {
            store::Error::Taken(what) | store::Error::Referenced(what) => {
                refusal::unfit(format!("this archive contradicts itself in {}: {what}", table.name))
            }
            other => other.into(),
        })
    }
}

/// Checksums of rows with their secrets open, table by table: two stores that hold the same have the same.
#[derive(Default)]
pub struct Sums {
    closed: Vec<TableSum>,
    open: Option<(&'static Table, u64, Digest)>,
    line: Vec<u8>,
}

impl Sums {
    /// Counts a row. Tables come one after another, rows in the order of their key.
    pub fn add(&mut self, table: &'static Table, row: &Row) -> Result<(), Error> {
        if self.open.as_ref().is_none_or(|(open, ..)| open.name != table.name) {
            self.close();
            self.open = Some((table, 0, Digest::new(&SHA256)));
        }
        self.line.clear();
        format::write_line(table, row, &mut self.line).map_err(|e| Error::Internal(format!("a row does not serialise: {e}")))?;
        if let Some((_, rows, digest)) = &mut self.open {
            *rows += 1;
            digest.update(&self.line);
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some((table, rows, digest)) = self.open.take() {
            self.closed.push(TableSum { name: table.name.to_owned(), rows, sha256: hexadecimal(digest.finish().as_ref()) });
        }
    }

    /// The checksums of the tables that have rows.
    pub fn end(mut self) -> Vec<TableSum> {
        self.close();
        self.closed
    }
}

/// Looks for rights that no establishment gives: an archive must not carry an operator of the platform into one.
struct Customs {
    home: bool,
    application: Option<Uuid>,
}

impl Customs {
    fn check(&mut self, table: &Table, row: &Row) -> Result<(), Error> {
        if self.home {
            return Ok(());
        }
        let cell = |name: &str| table.column(name).and_then(|at| row.get(at));
        let is = |name: &str, text: &str| matches!(cell(name), Some(Cell::Text(found)) if found == text);
        let operator = GatewayRole::Operator.name();
        match table.name {
            "applications" if is("name", APPLICATION) => {
                if let Some(Cell::Uuid(id)) = cell("id") {
                    self.application = Some(*id);
                }
                let listed = matches!(cell("roles"), Some(Cell::Json(roles)) if lists(roles, operator));
                if listed || is("default_role", operator) { Err(smuggled("people")) } else { Ok(()) }
            }
            "api_tokens" if is("scope", operator) => Err(smuggled("an API token")),
            "rules" | "assignments" => {
                let of_gateway = matches!((cell("application_id"), self.application), (Some(Cell::Uuid(id)), Some(own)) if *id == own);
                // What fills a template is known later: no rule of the gateway's own has one.
                let is_template = table.name == "rules" && matches!(cell("role"), Some(Cell::Text(role)) if role.contains(['{', '}']));
                if of_gateway && (is_template || is("role", operator)) { Err(smuggled("someone")) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

/// Whether a catalogue knows a role.
fn lists(catalogue: &serde_json::Value, role: &str) -> bool {
    catalogue.as_array().is_some_and(|roles| roles.iter().any(|listed| listed.get("name").and_then(|name| name.as_str()) == Some(role)))
}

fn smuggled(who: &str) -> Error {
    refusal::unfit(format!("this archive makes {who} an operator, which only the platform does: it cannot be taken into an establishment"))
}
