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
    /// An empty one.
    pub fn new(run: RunId) -> Self {
        Self { run, written: 0, waiting: Vec::with_capacity(ROWS_PER_INSERT) }
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
