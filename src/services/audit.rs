//! The trail of who did what: written in the transaction of the change itself.

use serde_json::Value;
use uuid::Uuid;

use super::context::Context;
use super::error::Error;
use crate::store::Tx;
use crate::store::establishment::audit_event::{self, AuditEvent, Filter};
use crate::types::page::{Page, PageRequest};
use crate::types::permission::Permission;

/// Adds an event. `detail` holds what changed and never a secret.
pub async fn record_in(tx: &mut Tx, ctx: &Context, action: &str, subject: (&str, &str), detail: Value) -> Result<(), Error> {
    Ok(audit_event::insert(tx, &event(ctx, action, subject, detail)).await?)
}

/// An event that is still to be added, with others.
pub fn event(ctx: &Context, action: &str, subject: (&str, &str), detail: Value) -> AuditEvent {
    AuditEvent {
        id: Uuid::now_v7(),
        at: ctx.now,
        actor: ctx.actor.label(),
        action: action.to_owned(),
        subject_kind: subject.0.to_owned(),
        subject_id: subject.1.to_owned(),
        detail,
    }
}

/// Adds several events at once.
pub async fn record_all_in(tx: &mut Tx, events: &[AuditEvent]) -> Result<(), Error> {
    Ok(audit_event::insert_all(tx, events).await?)
}

/// A page of the trail, newest first.
pub async fn list(ctx: &Context, page: &PageRequest, filter: &Filter) -> Result<Page<AuditEvent>, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    Ok(audit_event::list(&mut tx, page, filter).await?)
}
