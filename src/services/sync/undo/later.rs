//! What later runs touched, and whose a name was when a run ended. Reads change logs and nothing else.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::super::super::context::Context;
use super::super::super::error::Error;
use crate::store::establishment::change::{self, Change, ChangeKind, Operation};
use crate::store::establishment::sync_run::{self, Mode, Run};
use crate::types::fold_case;
use crate::types::id::UserId;

/// Changes read at a time.
const ROWS_AT_ONCE: i64 = 500;

/// What happened after a run.
#[derive(Debug, Default)]
pub struct Later {
    /// People and groups that later runs changed, and groups whose members they changed.
    touched: HashSet<Uuid>,
    /// Whose a folded user name was when the run ended, where it was given up since.
    former: HashMap<String, UserId>,
    /// Whose a folded user name was before the run gave it to somebody else.
    released: HashMap<String, UserId>,
}

impl Later {
    /// Reads the logs of a run and of all that wrote since.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load(ctx: &Context, target: &Run) -> Result<Self, Error> {
        let mut found = Self::default();
        let since = sync_run::list_written_since(&mut ctx.store.read().await?, target).await?;
        for (run, mode) in since {
            let mut after = i64::MIN;
            loop {
                let rows = change::list(&mut ctx.store.read().await?, run, after, ROWS_AT_ONCE, &change::Filter::default()).await?.0;
                let Some(last) = rows.last() else { break };
                after = last.seq;
                for change in &rows {
                    found.take(change, mode);
                }
            }
        }
        let updated = change::list_of_operation(&mut ctx.store.read().await?, target.id, Operation::Updated).await?;
        for change in updated.iter().filter(|change| change.kind == ChangeKind::User && reason(change).is_some()) {
            if let Some((name, subject)) = given_up(change) {
                found.released.insert(name, subject);
            }
        }
        Ok(found)
    }

    fn take(&mut self, change: &Change, mode: Mode) {
        // What an undo took back is as if it had never been; what it left is not.
        let counts = if mode == Mode::Undo { change.operation == Operation::Skipped } else { change.operation != Operation::Quarantined };
        if counts {
            self.touched.extend(change.subject_id);
        }
        if let Some((name, subject)) = given_up(change) {
            self.former.entry(name).or_insert(subject);
        }
    }

    /// Whether a later run changed a person, a group, or a group's members.
    pub fn touched(&self, subject: Uuid) -> bool {
        self.touched.contains(&subject)
    }

    /// Whose a name was when the run ended, if it is not known by whose it is now. Of those who left, the one before the run counts.
    pub fn owner(&self, folded: &str, left: bool) -> Option<UserId> {
        let released = if left { self.released.get(folded) } else { None };
        released.or_else(|| self.former.get(folded)).copied()
    }
}

fn reason(change: &Change) -> Option<&Value> {
    change.detail.as_ref()?.get("reason")
}

/// A user name that a change took from somebody.
fn given_up(change: &Change) -> Option<(String, UserId)> {
    if change.kind != ChangeKind::User {
        return None;
    }
    let name = change.detail.as_ref()?.pointer("/username/before")?.as_str()?;
    Some((fold_case(name), UserId::from(change.subject_id?)))
}
