//! Letters to people: written into the outbox in the transaction of their cause, and handed to the server from there.

mod administrators;
mod compose;
mod letter;
mod provisioning_stopped;
mod review_waits;
mod roles_changed;

pub use administrators::{ToAdministrators, administrators, announce};
pub use letter::{BODY_LENGTH_MAX, HeldRuleSet, HeldRun, Letter, Recipient, SUBJECT_LENGTH_MAX};
pub use provisioning_stopped::{ProvisioningStopped, WhyStopped};
pub use review_waits::ReviewWaits;
pub use roles_changed::{RoleLine, RolesChanged};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::context::Context;
use super::error::Error;
use super::mailer::{Mailer, Sending, address};
use super::outbox::{self, Kind, Outcome, Outgoing};
use crate::store::Tx;
use crate::store::establishment::one_time_link;
use crate::types::email::Email;
use crate::types::id::OutboxId;
use crate::types::secret::TokenHash;
use crate::types::time::Timestamp;

/// What the outbox keeps of a letter, sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    to: Recipient,
    letter: Letter,
}

/// Writes a letter, in the transaction of its cause, which `outbox::announce` came before. It is sent after the commit.
///
/// # Errors
/// `Invalid` for an address that mail does not carry, and for a subject or a text that is empty or too long.
pub async fn write_in(tx: &mut Tx, ctx: &Context, to: &Recipient, letter: &Letter, batch: Option<Uuid>) -> Result<OutboxId, Error> {
    letter.check()?;
    let email = Email::parse(&to.email)?;
    if address(email.as_str()).is_none() {
        return Err(Error::invalid("email", format!("«{email}» is an address that mail does not carry")));
    }
    let content = serde_json::to_value(Content { to: to.clone(), letter: letter.clone() });
    let content = content.map_err(|e| Error::Internal(format!("a letter does not serialise: {e}")))?;
    let new = outbox::New { kind: Kind::Mail, recipient: to.email.clone(), topic: letter.topic().to_owned(), content, batch };
    outbox::put_in(tx, ctx, &new).await
}

/// Hands a letter of the outbox to the server, once. One whose link is dead by now is not sent any more.
pub async fn send(ctx: &Context, outgoing: &Outgoing, content: &Value) -> Outcome {
    let Content { to, letter } = match Content::deserialize(content) {
        Ok(read) => read,
        Err(error) => return Outcome::Refused(format!("its content is no letter: {error}")),
    };
    match has_live_link(ctx, &letter).await {
        Ok(true) => {}
        Ok(false) => return Outcome::Refused("its link has expired, was used, or was replaced by a newer one: make a new link".to_owned()),
        Err(error) => return Outcome::Later(error.to_string()),
    }
    match hand_over(&ctx.gateway.mailer, &outgoing.id.to_string(), outgoing.created_at, &to, &letter).await {
        Sending::Sent => Outcome::Sent,
        Sending::Later(why) => Outcome::Later(why),
        Sending::Refused(why) => Outcome::Refused(why),
        Sending::Uncertain(why) => Outcome::Uncertain(why),
    }
}

/// Whether the link that a letter carries can still be used. One without a link has nothing that dies.
async fn has_live_link(ctx: &Context, letter: &Letter) -> Result<bool, Error> {
    let Some(token) = letter.link().and_then(|link| link.rsplit('/').next()) else { return Ok(true) };
    let mut tx = ctx.store.read().await?;
    Ok(one_time_link::find_live(&mut tx, TokenHash::of(token), ctx.now).await?.is_some())
}

/// Hands a letter to the server, once. `id` and `written_at` make the same letter of it at each attempt.
pub async fn hand_over(mailer: &Mailer, id: &str, written_at: Timestamp, to: &Recipient, letter: &Letter) -> Sending {
    match compose::compose(mailer, id, written_at, to, letter) {
        Ok(message) => mailer.send(&message).await,
        // The server may be configured again before the letter is given up.
        Err(reason) if !mailer.is_configured() => Sending::Later(reason),
        Err(reason) => Sending::Refused(reason),
    }
}
