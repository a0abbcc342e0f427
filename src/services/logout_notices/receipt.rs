//! The receipt of a sign-out of everybody: which application confirmed, which could not be reached, which lives on until when.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::audit;
use super::super::context::Context;
use super::super::error::Error;
use super::super::outbox::{self, State, Tally};
use crate::store::Tx;
use crate::store::establishment::audit_event::{self, Filter};
use crate::store::establishment::logout_listener;
use crate::types::page::PageRequest;
use crate::types::permission::Permission;
use crate::types::time::Timestamp;

/// How the trail names the event.
const ACTION: &str = "logout.everyone";
/// What the event is about.
const SUBJECT: &str = "logout_batch";

/// What became of an application's sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was told of everyone, and said so.
    Confirmed,
    /// It is being told.
    Waiting,
    /// It could not be told, or refused to hear it.
    Unreachable,
    /// It does not hear of sign-outs: its own sign-ins go on until it asks the gateway again.
    LivesOn,
}

/// One application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptLine {
    /// The client's identifier.
    pub client_id: String,
    /// What people read.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Until when it may go on by itself, unless it confirmed: the latest expiry of what it was given. After that it has to ask the gateway,
    /// which refuses. A session of its own may last longer when it never asks.
    pub until: Option<Timestamp>,
    /// Why it could not be told, or not yet.
    pub error: Option<String>,
}

/// The receipt of one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The batch.
    pub batch: Uuid,
    /// Every application that held something, by name.
    pub applications: Vec<ReceiptLine>,
}

/// A client that held grants when everybody was signed out, as the trail keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    client_id: String,
    name: String,
    told: bool,
    until: Timestamp,
}

/// Writes down who holds grants, before they are revoked.
pub(super) async fn record_in(tx: &mut Tx, ctx: &Context, batch: Uuid) -> Result<(), Error> {
    let holders = logout_listener::list_holders(tx, ctx.now).await?.into_iter();
    let held: Vec<Held> = holders
        .map(|one| Held {
            client_id: one.client_id,
            name: one.name,
            told: one.listens,
            until: one.tokens_until.unwrap_or(one.grants_until),
        })
        .collect();
    audit::record_in(tx, ctx, ACTION, (SUBJECT, &batch.to_string()), json!({ "applications": held })).await
}

/// What became of a batch, application by application.
///
/// # Errors
/// `NotFound` when nobody was signed out under this batch, or it is so long ago that what was sent is forgotten.
pub async fn receipt(ctx: &Context, batch: Uuid) -> Result<Receipt, Error> {
    ctx.require(Permission::Read)?;
    let mut tx = ctx.store.read().await?;
    let filter = Filter {
        action: Some(ACTION.to_owned()),
        subject_kind: Some(SUBJECT.to_owned()),
        subject_id: Some(batch.to_string()),
        ..Filter::default()
    };
    let written = audit_event::list(&mut tx, &PageRequest::parse(Some(1), None, None)?, &filter).await?;
    let tallies = outbox::tally_in(&mut tx, batch).await?;
    let event = written.items.into_iter().next().filter(|event| event.at.plus_s(outbox::SENT_KEPT_S) > ctx.now);
    let event = event.ok_or_else(|| Error::not_found("receipt: receipts are kept for 30 days"))?;
    let held: Vec<Held> = event
        .detail
        .get("applications")
        .cloned()
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| Error::Internal(format!("what was written for a receipt does not read: {error}")))?
        .unwrap_or_default();
    let applications = held.into_iter().map(|one| line(one, &tallies)).collect();
    Ok(Receipt { batch, applications })
}

fn line(held: Held, tallies: &[Tally]) -> ReceiptLine {
    let own = || tallies.iter().filter(|tally| tally.recipient == held.client_id);
    let open = own().find(|tally| matches!(tally.state, State::Waiting | State::Sending));
    let dead = own().find(|tally| tally.state == State::Dead);
    let (outcome, error) = match (held.told, open, dead) {
        (false, ..) => (Outcome::LivesOn, None),
        (true, Some(open), _) => (Outcome::Waiting, open.error.clone()),
        (true, None, Some(dead)) => (Outcome::Unreachable, dead.error.clone()),
        (true, None, None) => (Outcome::Confirmed, None),
    };
    let until = (outcome != Outcome::Confirmed).then_some(held.until);
    ReceiptLine { client_id: held.client_id, name: held.name, outcome, until, error }
}
