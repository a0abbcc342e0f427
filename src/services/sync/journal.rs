//! The named changes of a run, written as they are made or would be made.

use serde_json::Value;
use uuid::Uuid;

use super::super::error::Error;
use crate::store::Tx;
use crate::store::dialect::ROWS_PER_INSERT;
use crate::store::establishment::change::{self, Change, ChangeKind, Operation};
use crate::types::id::RunId;

/// The changes of one run.
#[derive(Debug)]
pub struct Journal {
    run: RunId,
    written: i64,
    waiting: Vec<Change>,
}

impl Journal {
    /// After so many changes that were written before.
    pub fn after(run: RunId, written: i64) -> Self {
        Self { run, written, waiting: Vec::with_capacity(ROWS_PER_INSERT) }
    }

    /// How many changes there are, those included that wait.
    pub const fn written(&self) -> i64 {
        self.written
    }

    /// Adds a change.
    pub async fn note(
        &mut self,
        tx: &mut Tx,
        what: (ChangeKind, Operation),
        subject_id: Option<Uuid>,
        name: &str,
        detail: Option<Value>,
    ) -> Result<(), Error> {
        self.written += 1;
        self.waiting.push(Change { seq: self.written, kind: what.0, operation: what.1, subject_id, name: name.to_owned(), detail });
        if self.waiting.len() >= ROWS_PER_INSERT {
            self.flush(tx).await?;
        }
        Ok(())
    }

    /// Writes what waits.
    pub async fn flush(&mut self, tx: &mut Tx) -> Result<(), Error> {
        change::insert_all(tx, self.run, &self.waiting).await?;
        self.waiting.clear();
        Ok(())
    }
}
