//! What a feed asked of late, for whoever looks into what an identity provider does: kept for a while, newest first, with what each request changed and why it was refused.
//!
//! Requests are noted in memory and written together a moment later, so that no feed waits for it; those of the last second are lost when the program ends. It decides nothing of
//! what is asked.

mod mask;
mod noted;
mod replay;

use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::super::context::Context;
use super::super::error::Error;
use super::super::sources;
use crate::store::Tx;
use crate::store::establishment::audit_event::AuditEvent;
use crate::store::establishment::scim_request::{self, Changed, Filter, Seen, Whole};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

pub use noted::{BODY_MAX_BYTES, KEPT_MAX, Sight, flush, note};
pub use replay::{Replayed, replay};

/// How long requests are kept, in seconds: a week.
const KEPT_MAX_S: i64 = 7 * 24 * 3600;
/// Most changes of one request that are kept; the trail has them all.
const CHANGES_MAX: usize = 100;

/// What is found out about a request on its way: whoever answers it shares it with whoever carries it out.
#[derive(Debug, Default)]
pub struct Trail(Mutex<Found>);

/// What became of a request.
#[derive(Debug, Default)]
pub struct Found {
    /// What it changed.
    pub changes: Vec<Changed>,
    /// The first of its operations that was refused.
    pub refused: Option<String>,
    /// What was passed over of it, though it was done.
    pub passed_over: Option<String>,
}

impl Trail {
    /// Notes what one change wrote into the trail of who did what.
    pub fn wrote(&self, events: &[AuditEvent]) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = CHANGES_MAX.saturating_sub(found.changes.len());
        found.changes.extend(events.iter().take(room).map(changed));
    }

    /// Notes that an operation of several was refused. The first one stays.
    pub fn refused(&self, what: impl FnOnce() -> String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).refused.get_or_insert_with(what);
    }

    /// Notes that something of a request is passed over. The first of several stays.
    pub fn passed_over(&self, what: impl FnOnce() -> String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).passed_over.get_or_insert_with(what);
    }

    /// Everything that was found out.
    pub fn take(&self) -> Found {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A new trail.
pub fn trail() -> Arc<Trail> {
    Arc::default()
}

fn changed(event: &AuditEvent) -> Changed {
    Changed {
        action: event.action.clone(),
        subject_kind: event.subject_kind.clone(),
        subject_id: event.subject_id.clone(),
        detail: event.detail.clone(),
    }
}

/// Forgets requests that came long ago.
pub(in crate::services) async fn forget_in(tx: &mut Tx, now: Timestamp) -> Result<(), Error> {
    Ok(scim_request::delete_before(tx, now.plus_s(-KEPT_MAX_S)).await?)
}

/// A page of the last requests of a feed, newest first.
///
/// # Errors
/// `NotFound` for an unknown source.
pub async fn list(ctx: &Context, source: &str, page: &PageRequest, filter: &Filter) -> Result<Page<Seen>, Error> {
    ctx.require(Permission::Read)?;
    let source = sources::get(ctx, source).await?;
    flush(ctx).await?;
    Ok(scim_request::list(&mut ctx.store.read().await?, source.id, page, filter).await?)
}

/// One request of a feed, with what it brought.
///
/// # Errors
/// `NotFound`, also once it is forgotten.
pub async fn show(ctx: &Context, source: &str, id: Uuid) -> Result<Whole, Error> {
    ctx.require(Permission::Read)?;
    let source = sources::get(ctx, source).await?;
    flush(ctx).await?;
    let found = scim_request::find(&mut ctx.store.read().await?, source.id, id).await?;
    found.ok_or_else(|| Error::not_found(format!("request «{id}» of this feed: only the last {KEPT_MAX} are kept")))
}
